# shellcheck shell=bash
# PostgreSQL with TLS for who wants it, and passwords by SCRAM alone.
#
#   TENANTRY_TEST_POSTGRES_{HOST,PORT,USERNAME,PASSWORD}  its superuser, over TCP, with TLS (TENANTRY_TEST_CA) and without
#   TENANTRY_TEST_POSTGRES_URL                            the same as postgres://… with the database postgres
#   TENANTRY_TEST_POSTGRES_LOG                            its own log, which holds every statement
#   TENANTRY_TEST_PSQL                                    the program psql
#   TENANTRY_TEST_POSTGRES_{PROGRAM,DATA}                 the program postgres and an empty installation, for a server of a test's own

server postgres test-ca
# The tests rely on the rights that the schema "public" has since 15.
readonly POSTGRES_AT_LEAST=15

postgres_find() {
  local version program
  if ! program=$(find_postgres); then
    need_package postgresql
    program=$(find_postgres) || give_up "PostgreSQL is not installed (on Debian: the package postgresql)"
  fi
  program=$(readlink -f -- "$program")
  version=$("$program" --version | sed -nE 's/^[^0-9]*([0-9.]+).*/\1/p')
  at_least "$version" $POSTGRES_AT_LEAST || give_up "PostgreSQL $version is older than $POSTGRES_AT_LEAST"
  found "$version" "$program"
  program "$program"
  cached "postgres-data-$version" install_postgres "${program%/*}"
  provide TENANTRY_TEST_PSQL "${program%/*}/psql"
  provide TENANTRY_TEST_POSTGRES_PROGRAM "$program"
  provide TENANTRY_TEST_POSTGRES_DATA "$CACHE/postgres-data-$version"
}

# Debian keeps the programs of each version in a folder of their own; the newest is the last.
find_postgres() {
  local candidates
  type -P postgres && return
  candidates=(/usr/lib/postgresql/*/bin/postgres)
  [[ -x ${candidates[-1]} ]] && printf '%s' "${candidates[-1]}"
}

postgres_prepare() { prepare_postgres POSTGRES on; }

postgres_ready() { postgres_is_ready; }

# -- for each version of PostgreSQL

# as_no_root: sets the array AS_NO_ROOT, by which root starts a program that refuses to run as root. The folders on its way are root's alone: it keeps the
# right to pass them, also where a program asks beforehand whether it may (which is what the secure bit is for).
as_no_root() {
  AS_NO_ROOT=()
  [[ $(id -u) == 0 ]] || return 0
  local user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  AS_NO_ROOT=(setpriv --reuid "$user" --regid "$(id -gn "$user")" --clear-groups --inh-caps +dac_override --ambient-caps +dac_override
    --securebits +no_setuid_fixup)
}

# install_postgres FOLDER PROGRAMS: an empty installation is always the same; each run sets the password and says who may come from where.
install_postgres() {
  as_no_root
  ((${#AS_NO_ROOT[@]} == 0)) || chown "${AS_NO_ROOT[2]}" -- "$1"
  "${AS_NO_ROOT[@]}" "$2/initdb" --pgdata "$1" --username postgres --encoding UTF8 --locale C.UTF-8 --auth trust --no-sync
}

# prepare_postgres PREFIX on|off: the variables for tests are TENANTRY_TEST_PREFIX_…; with TLS or without.
prepare_postgres() {
  local variable=TENANTRY_TEST_$1 tls=$2 port password
  port=$(a_port)
  password=$(a_secret)
  as_no_root
  cp -a -- "$CACHE/${DIR##*/}-data-$(<"$DIR/version")" "$DIR/data"
  server_certificate
  ((${#AS_NO_ROOT[@]} == 0)) || chown "${AS_NO_ROOT[2]}" -- "$DIR/server.key"
  # Nothing here outlives the run, so nothing waits for the disk.
  cat >>"$DIR/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 200
fsync = off
full_page_writes = off
synchronous_commit = off
password_encryption = scram-sha-256
ssl = $tls
ssl_cert_file = '$DIR/server.pem'
ssl_key_file = '$DIR/server.key'
log_statement = all
log_connections = on
SETTINGS
  printf 'host all all 127.0.0.1/32 scram-sha-256\n' >"$DIR/data/pg_hba.conf"
  printf "ALTER ROLE postgres PASSWORD '%s'\n" "$password" \
    | "${AS_NO_ROOT[@]}" "$DIR/program" --single -D "$DIR/data" -c log_statement=none -c log_min_error_statement=panic postgres
  provide "${variable}_HOST" 127.0.0.1
  provide "${variable}_PORT" "$port"
  provide "${variable}_USERNAME" postgres
  provide "${variable}_PASSWORD" "$password"
  provide "${variable}_URL" "postgres://postgres:$password@127.0.0.1:$port/postgres"
  provide "${variable}_LOG" "$DIR/log"
  printf '%s' "$port" >"$DIR/port"
  # At SIGTERM it would wait until its last client leaves. A change of user takes the leash off, so it is put on again.
  ended_by INT
  ((${#AS_NO_ROOT[@]} == 0 || ${#LEASH[@]} == 0)) || AS_NO_ROOT+=("${LEASH[@]:1}" INT)
  command_line "${AS_NO_ROOT[@]}" "$DIR/program" -D "$DIR/data"
}

postgres_is_ready() { "$(dirname -- "$(readlink -f -- "$DIR/program")")/pg_isready" --host 127.0.0.1 --port "$(<"$DIR/port")"; }
