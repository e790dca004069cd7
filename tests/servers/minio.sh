# shellcheck shell=bash
# MinIO, one disk of it, with a key of its own so that buckets can encrypt.
#
#   TENANTRY_TEST_MINIO_{HOST,PORT,USERNAME,PASSWORD}  its root user: the name is the access key, the password the secret key
#   TENANTRY_TEST_MINIO_URL                            the endpoint of its S3 and admin API, http://…
#   TENANTRY_TEST_MINIO_REGION                         the one region that it lets requests be signed for
#   TENANTRY_TEST_MINIO_LOG                            its own log

server minio
# The release RELEASE.2026-02-12…, as Go counts what has no version that it understands.
readonly MINIO=0.0.0-20260212201848-7aac2a2c5b7c

minio_find() {
  command -v curl >/dev/null || need_package curl
  cached "minio-$MINIO" make_minio
  found "$MINIO" "its Go module"
  program "$CACHE/minio-$MINIO/minio"
}

make_minio() {
  need_go
  in_go_module "$1" mod init tests.invalid/minio
  in_go_module "$1" get "github.com/minio/minio@v$MINIO"
  go_build "$1" minio github.com/minio/minio
}

minio_prepare() {
  local port user password
  port=$(a_port)
  user=root-$(a_secret | cut -c 1-8)
  password=$(a_secret)
  provide TENANTRY_TEST_MINIO_HOST 127.0.0.1
  provide TENANTRY_TEST_MINIO_PORT "$port"
  provide TENANTRY_TEST_MINIO_USERNAME "$user"
  provide TENANTRY_TEST_MINIO_PASSWORD "$password"
  provide TENANTRY_TEST_MINIO_URL "http://127.0.0.1:$port"
  provide TENANTRY_TEST_MINIO_REGION eu-central-1
  provide TENANTRY_TEST_MINIO_LOG "$DIR/log"
  printf '%s' "$port" >"$DIR/port"
  environment MINIO_ROOT_USER "$user"
  environment MINIO_ROOT_PASSWORD "$password"
  environment MINIO_KMS_SECRET_KEY "tests:$(head -c 32 /dev/urandom | base64)"
  environment MINIO_SITE_REGION eu-central-1
  environment MINIO_BROWSER off
  environment MINIO_UPDATE off
  environment HOME "$DIR"
  command_line "$DIR/program" server "$DIR/data" --certs-dir "$DIR/certificates" --address "127.0.0.1:$port" --console-address "127.0.0.1:$(a_port)"
}

minio_ready() { curl --fail --silent --max-time 5 "http://127.0.0.1:$(<"$DIR/port")/minio/health/ready"; }
