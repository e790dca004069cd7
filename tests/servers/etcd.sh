# shellcheck shell=bash
# etcd, where kube-apiserver keeps its objects.

server etcd
readonly ETCD=3.6.8
# What kube-apiserver 1.36 supports.
readonly ETCD_AT_LEAST=3.5

etcd_find() {
  local version
  if version=$(etcd --version 2>/dev/null | sed -n 's/^etcd Version: //p') && [[ -n $version ]] && at_least "$version" $ETCD_AT_LEAST; then
    found "$version" "PATH"
    program "$(type -P etcd)"
  else
    cached "etcd-$ETCD" make_etcd
    found $ETCD "its Go module"
    program "$CACHE/etcd-$ETCD/etcd"
  fi
}

make_etcd() {
  need_go
  in_go_module "$1" mod init tests.invalid/etcd
  in_go_module "$1" get "go.etcd.io/etcd/server/v3@v$ETCD"
  go_build "$1" etcd go.etcd.io/etcd/server/v3
}

etcd_prepare() {
  local clients peers
  clients=http://127.0.0.1:$(a_port)
  peers=http://127.0.0.1:$(a_port)
  printf '%s' "$clients" >"$DIR/url"
  # Nothing here outlives the run, so nothing waits for the disk.
  command_line "$DIR/program" --name tests --data-dir "$DIR/data" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "$clients" --advertise-client-urls "$clients" \
    --listen-peer-urls "$peers" --initial-advertise-peer-urls "$peers" --initial-cluster "tests=$peers"
}

etcd_ready() {
  local address
  address=$(<"$DIR/url")
  (: <>"/dev/tcp/127.0.0.1/${address##*:}")
}
