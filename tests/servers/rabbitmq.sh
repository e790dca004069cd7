# shellcheck shell=bash
# RabbitMQ with its management plugin, as a node of its own.
#
#   TENANTRY_TEST_RABBITMQ_{HOST,PORT,USERNAME,PASSWORD}  an administrator, over AMQP
#   TENANTRY_TEST_RABBITMQ_AMQP_URL                       the same as amqp://…
#   TENANTRY_TEST_RABBITMQ_URL                            its management API, http://…, for the same user
#   TENANTRY_TEST_RABBITMQ_TLS_{PORT,URL}                 both with TLS (TENANTRY_TEST_CA)
#   TENANTRY_TEST_RABBITMQ_LOG                            its own log

server rabbitmq epmd test-ca
readonly RABBITMQ_AT_LEAST=3.10

rabbitmq_find() {
  local programs=/usr/lib/rabbitmq/bin version
  command -v curl >/dev/null || need_package curl
  [[ -x $programs/rabbitmq-server ]] || need_package rabbitmq-server
  [[ -x $programs/rabbitmq-server ]] || give_up "RabbitMQ is not installed (on Debian: the package rabbitmq-server)"
  # What Debian puts on PATH runs as its own user, who reaches nothing of ours. The folder of the library tells the version without starting Erlang.
  version=$(printf '%s\n' /usr/lib/rabbitmq/lib/rabbitmq_server-* | sort -V | tail -n 1)
  version=${version##*-}
  at_least "$version" $RABBITMQ_AT_LEAST || give_up "RabbitMQ $version is older than $RABBITMQ_AT_LEAST"
  found "$version" "$programs"
  program "$programs/rabbitmq-server"
}

rabbitmq_prepare() {
  local port management tls_port tls_management password
  port=$(a_port)
  management=$(a_port)
  tls_port=$(a_port)
  tls_management=$(a_port)
  password=$(a_secret)
  mkdir -- "$DIR/home" "$DIR/data"
  server_certificate
  (umask 077 && a_secret >"$DIR/home/.erlang.cookie")
  printf '[rabbitmq_management].\n' >"$DIR/plugins"
  cat >"$DIR/rabbitmq.conf" <<CONFIG
listeners.tcp.1 = 127.0.0.1:$port
management.tcp.ip = 127.0.0.1
management.tcp.port = $management
listeners.ssl.1 = 127.0.0.1:$tls_port
ssl_options.cacertfile = $(path_in test-ca ca.pem)
ssl_options.certfile = $DIR/server.pem
ssl_options.keyfile = $DIR/server.key
management.ssl.ip = 127.0.0.1
management.ssl.port = $tls_management
management.ssl.cacertfile = $(path_in test-ca ca.pem)
management.ssl.certfile = $DIR/server.pem
management.ssl.keyfile = $DIR/server.key
default_user = admin
default_pass = $password
default_user_tags.administrator = true
log.console = true
log.console.level = info
CONFIG
  printf 'user = "admin:%s"\n' "$password" >"$DIR/curl.conf"
  printf '%s' "http://127.0.0.1:$management" >"$DIR/url"
  provide TENANTRY_TEST_RABBITMQ_HOST 127.0.0.1
  provide TENANTRY_TEST_RABBITMQ_PORT "$port"
  provide TENANTRY_TEST_RABBITMQ_USERNAME admin
  provide TENANTRY_TEST_RABBITMQ_PASSWORD "$password"
  provide TENANTRY_TEST_RABBITMQ_AMQP_URL "amqp://admin:$password@127.0.0.1:$port"
  provide TENANTRY_TEST_RABBITMQ_URL "http://127.0.0.1:$management"
  provide TENANTRY_TEST_RABBITMQ_TLS_PORT "$tls_port"
  provide TENANTRY_TEST_RABBITMQ_TLS_URL "https://127.0.0.1:$tls_management"
  provide TENANTRY_TEST_RABBITMQ_LOG "$DIR/log"
  environment HOME "$DIR/home"
  environment ERL_EPMD_ADDRESS 127.0.0.1
  environment ERL_EPMD_PORT "$(<"$(path_in epmd port)")"
  environment RABBITMQ_NODENAME "tests@localhost"
  environment RABBITMQ_DIST_PORT "$(a_port)"
  environment RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
  environment RABBITMQ_CONFIG_FILE "$DIR/rabbitmq.conf"
  environment RABBITMQ_CONF_ENV_FILE /dev/null
  environment RABBITMQ_ENABLED_PLUGINS_FILE "$DIR/plugins"
  environment RABBITMQ_MNESIA_BASE "$DIR/data"
  environment RABBITMQ_LOG_BASE "$DIR/data"
  environment RABBITMQ_LOGS -
  command_line "$(readlink -f -- "$DIR/program")"
}

rabbitmq_ready() { curl --fail --silent --max-time 5 --output "$DIR/answer" --config "$DIR/curl.conf" "$(<"$DIR/url")/api/overview"; }
