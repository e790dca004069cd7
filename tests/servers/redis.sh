# shellcheck shell=bash
# Redis with a file of accounts, into which ACL SAVE writes; who does not log in may do nothing.
#
#   TENANTRY_TEST_REDIS_{HOST,PORT,USERNAME,PASSWORD}  its administrator, without TLS
#   TENANTRY_TEST_REDIS_TLS_PORT                       the same with TLS (TENANTRY_TEST_CA)
#   TENANTRY_TEST_REDIS_URL, _TLS_URL                  the same as redis://… and rediss://…
#   TENANTRY_TEST_REDIS_ACL_FILE                       the file of accounts
#   TENANTRY_TEST_REDIS_LOG                            its own log
#   TENANTRY_TEST_REDIS_CLI                            the program redis-cli
#   TENANTRY_TEST_REDIS_PROGRAM                        the program redis-server, for a server of a test's own

server redis test-ca
readonly REDIS_AT_LEAST=7.0

redis_find() {
  local version program
  if ! program=$(type -P redis-server); then
    need_package redis-server
    program=$(type -P redis-server) || give_up "Redis is not installed (on Debian: the package redis-server)"
  fi
  version=$("$program" --version | sed -nE 's/.* v=([^ ]+).*/\1/p')
  at_least "$version" $REDIS_AT_LEAST || give_up "Redis $version is older than $REDIS_AT_LEAST"
  found "$version" "PATH"
  program "$program"
  provide TENANTRY_TEST_REDIS_CLI "$(type -P redis-cli)"
  provide TENANTRY_TEST_REDIS_PROGRAM "$program"
}

redis_prepare() {
  local port tls_port password
  port=$(a_port)
  tls_port=$(a_port)
  password=$(a_secret)
  server_certificate
  mkdir -- "$DIR/data"
  printf 'user default off\nuser admin on #%s ~* &* +@all\n' "$(printf '%s' "$password" | sha256sum | cut -d ' ' -f 1)" >"$DIR/data/users.acl"
  provide TENANTRY_TEST_REDIS_HOST 127.0.0.1
  provide TENANTRY_TEST_REDIS_PORT "$port"
  provide TENANTRY_TEST_REDIS_TLS_PORT "$tls_port"
  provide TENANTRY_TEST_REDIS_USERNAME admin
  provide TENANTRY_TEST_REDIS_PASSWORD "$password"
  provide TENANTRY_TEST_REDIS_URL "redis://admin:$password@127.0.0.1:$port"
  provide TENANTRY_TEST_REDIS_TLS_URL "rediss://admin:$password@127.0.0.1:$tls_port"
  provide TENANTRY_TEST_REDIS_ACL_FILE "$DIR/data/users.acl"
  provide TENANTRY_TEST_REDIS_LOG "$DIR/log"
  printf '%s' "$port" >"$DIR/port"
  command_line "$DIR/program" --bind 127.0.0.1 --port "$port" --dir "$DIR/data" --save "" --aclfile "$DIR/data/users.acl" --loglevel verbose \
    --tls-port "$tls_port" --tls-auth-clients no --tls-ca-cert-file "$(path_in test-ca ca.pem)" \
    --tls-cert-file "$DIR/server.pem" --tls-key-file "$DIR/server.key"
}

redis_ready() { [[ $(redis-cli -h 127.0.0.1 -p "$(<"$DIR/port")" PING) == NOAUTH* ]]; }
