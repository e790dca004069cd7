# shellcheck shell=bash
# A certificate authority of this run, by which clients know the servers that speak TLS.
#
#   TENANTRY_TEST_CA                      its certificate (PEM)
#   TENANTRY_TEST_CA_EXPIRED_CERTIFICATE  a server's certificate that it signed and that ended yesterday (PEM)
#   TENANTRY_TEST_CA_EXPIRED_KEY          the key to that (PEM, PKCS #8)

server test-ca

test-ca_find() {
  local version
  version=$(openssl version) || give_up "openssl is not installed"
  read -r _ version _ <<<"$version"
  found "$version" "PATH"
}

test-ca_prepare() {
  mkdir -- "$DIR/signed" "$DIR/expired"
  : >"$DIR/index"
  cat >"$DIR/openssl.cnf" <<CONFIG
[ca]
default_ca = authority
[authority]
certificate = $DIR/ca.pem
private_key = $DIR/ca.key
database = $DIR/index
new_certs_dir = $DIR/signed
default_md = sha256
rand_serial = yes
policy = names
unique_subject = no
email_in_dn = no
[names]
commonName = supplied
[of_authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[of_server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
CONFIG
  new_key_and_request "$DIR/ca.key" "$DIR/ca.csr" "/CN=CA of the tests of tenantry"
  # Long on both sides of now: tests set the clock of a client wrong.
  sign "$DIR/ca.csr" "$DIR/ca.pem" '1 year ago' '1 year' -selfsign -extensions of_authority
  new_key_and_request "$DIR/expired/server.key" "$DIR/expired/server.csr" /CN=localhost
  sign "$DIR/expired/server.csr" "$DIR/expired/server.pem" '1 month ago' '1 day ago' -extensions of_server
  provide TENANTRY_TEST_CA "$DIR/ca.pem"
  provide TENANTRY_TEST_CA_EXPIRED_CERTIFICATE "$DIR/expired/server.pem"
  provide TENANTRY_TEST_CA_EXPIRED_KEY "$DIR/expired/server.key"
}

# server_certificate: for the hooks of servers that need test-ca: $DIR/server.key and $DIR/server.pem, good for localhost and 127.0.0.1.
server_certificate() {
  new_key_and_request "$DIR/server.key" "$DIR/server.csr" /CN=localhost
  sign "$DIR/server.csr" "$DIR/server.pem" '1 year ago' '1 year' -extensions of_server
}

new_key_and_request() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1" -out "$2" -subj "$3"
}

# sign REQUEST CERTIFICATE FROM UNTIL ARGS…
sign() {
  openssl ca -batch -notext -config "$(path_in test-ca openssl.cnf)" -in "$1" -out "$2" \
    -startdate "$(date -u -d "$3" +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "$4" +%Y%m%d%H%M%SZ)" "${@:5}"
}
