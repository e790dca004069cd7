# shellcheck shell=bash
# MariaDB with TLS for who wants it, and one account: its administrator, who may come from any address.
#
#   TENANTRY_TEST_MARIADB_{HOST,PORT,USERNAME,PASSWORD}  its administrator, over TCP, with TLS (TENANTRY_TEST_CA) and without
#   TENANTRY_TEST_MARIADB_URL                            the same as mysql://…
#   TENANTRY_TEST_MARIADB_LOG                            its own logs, separated by colons; one holds every statement
#   TENANTRY_TEST_MARIADB_CLIENT                         the program mariadb
#   TENANTRY_TEST_MARIADB_{PROGRAM,DATA}                 the program mariadbd and an empty installation, for a server of a test's own

server mariadb test-ca
readonly MARIADB_AT_LEAST=10.11

mariadb_find() {
  # Debian keeps servers where only root looks.
  local PATH=$PATH:/usr/sbin version program
  if ! program=$(type -P mariadbd); then
    need_package mariadb-server
    program=$(type -P mariadbd) || give_up "MariaDB is not installed (on Debian: the package mariadb-server)"
  fi
  version=$("$program" --no-defaults --version | sed -nE 's/.* Ver ([0-9.]+).*/\1/p')
  at_least "$version" $MARIADB_AT_LEAST || give_up "MariaDB $version is older than $MARIADB_AT_LEAST"
  found "$version" "PATH"
  program "$program"
  # An empty installation is always the same: only the passwords differ, which the first start sets.
  cached "mariadb-data-$version" install_mariadb
  provide TENANTRY_TEST_MARIADB_CLIENT "$(type -P mariadb)"
  provide TENANTRY_TEST_MARIADB_PROGRAM "$program"
  provide TENANTRY_TEST_MARIADB_DATA "$CACHE/mariadb-data-$version"
}

install_mariadb() {
  mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db --user="$(id -un)" --datadir="$1" "${MARIADB_SMALL[@]}"
}

# Nothing here outlives the run, so nothing waits for the disk; a small redo log is copied soon.
readonly MARIADB_SMALL=(--innodb-log-file-size=16M --innodb-flush-method=nosync --innodb-flush-log-at-trx-commit=0)

mariadb_prepare() {
  local port password hash
  port=$(a_port)
  password=$(a_secret)
  cp -R -- "$CACHE/mariadb-data-$(<"$DIR/version")" "$DIR/data"
  server_certificate
  hash=$(printf '%s' "$password" | openssl sha1 -binary | openssl sha1 -r | cut -d ' ' -f 1)
  # Views of the server belong to mariadb.sys. One statement a line, as the server wants it.
  cat >"$DIR/init.sql" <<SQL
DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';
DELETE FROM mysql.proxies_priv;
FLUSH PRIVILEGES;
CREATE USER 'root'@'%' IDENTIFIED VIA mysql_native_password USING '*${hash^^}';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
SQL
  printf '[client]\nhost=127.0.0.1\nport=%s\nuser=root\npassword=%s\n' "$port" "$password" >"$DIR/client.cnf"
  provide TENANTRY_TEST_MARIADB_HOST 127.0.0.1
  provide TENANTRY_TEST_MARIADB_PORT "$port"
  provide TENANTRY_TEST_MARIADB_USERNAME root
  provide TENANTRY_TEST_MARIADB_PASSWORD "$password"
  provide TENANTRY_TEST_MARIADB_URL "mysql://root:$password@127.0.0.1:$port"
  provide TENANTRY_TEST_MARIADB_LOG "$DIR/log:$DIR/statements.log"
  command_line "$DIR/program" --no-defaults --user="$(id -un)" --datadir="$DIR/data" --init-file="$DIR/init.sql" \
    --bind-address=127.0.0.1 --port="$port" --socket="$DIR/socket" --pid-file="$DIR/pid" --tmpdir="$DIR" \
    --ssl-ca="$(path_in test-ca ca.pem)" --ssl-cert="$DIR/server.pem" --ssl-key="$DIR/server.key" \
    --general-log --general-log-file="$DIR/statements.log" --max-connections=500 "${MARIADB_SMALL[@]}"
}

# The account comes with the first statements, so a port that answers says too little.
mariadb_ready() { mariadb --defaults-file="$DIR/client.cnf" --execute 'SELECT 1'; }
