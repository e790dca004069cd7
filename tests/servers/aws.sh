# shellcheck shell=bash
# moto, which emulates S3, IAM and Secrets Manager of AWS in memory. It keeps to their interface, not to their rights: it lets every access key in.
#
#   TENANTRY_TEST_AWS_{HOST,PORT,USERNAME,PASSWORD}  the user name is an access key, the password its secret key
#   TENANTRY_TEST_AWS_URL                            the endpoint of all three, http://…; a POST to /moto-api/reset empties it
#   TENANTRY_TEST_AWS_REGION                         the region to sign for
#   TENANTRY_TEST_AWS_LOG                            its own log

server aws
readonly MOTO=5.2.5

aws_find() {
  local python
  python=$(type -P python3) || give_up "Python 3 is not installed"
  command -v curl >/dev/null || need_package curl
  cached "moto-$MOTO" make_venv "$python" "moto[server]==$MOTO"
  found "moto $MOTO" "its Python package"
  program "$CACHE/moto-$MOTO/bin/python"
}

aws_prepare() {
  local port
  port=$(a_port)
  provide TENANTRY_TEST_AWS_HOST 127.0.0.1
  provide TENANTRY_TEST_AWS_PORT "$port"
  provide TENANTRY_TEST_AWS_USERNAME "AKIA$(a_secret | cut -c 1-16 | tr a-f A-F)"
  provide TENANTRY_TEST_AWS_PASSWORD "$(a_secret)"
  provide TENANTRY_TEST_AWS_URL "http://127.0.0.1:$port"
  provide TENANTRY_TEST_AWS_REGION eu-central-1
  provide TENANTRY_TEST_AWS_LOG "$DIR/log"
  printf '%s' "$port" >"$DIR/port"
  environment HOME "$DIR"
  # Not through the link: Python looks for its packages beside the program.
  command_line "$(readlink "$DIR/program")" "$PWD/tests/servers/aws.py" --host 127.0.0.1 --port "$port"
}

aws_ready() { curl --fail --silent --max-time 5 --output "$DIR/answer" "http://127.0.0.1:$(<"$DIR/port")/moto-api/data.json"; }
