# shellcheck shell=bash
# kube-apiserver: the API with its strict validation and admission, and neither controllers nor nodes behind it.

server kube-apiserver etcd kubectl
readonly KUBERNETES=1.36.3

kube-apiserver_find() {
  command -v openssl >/dev/null || give_up "openssl is not installed (it makes the key of its service accounts)"
  local version
  if version=$(kube-apiserver --version 2>/dev/null) && [[ $version == "Kubernetes v${KUBERNETES%.*}."* ]]; then
    found "${version#Kubernetes v}" "PATH"
    program "$(type -P kube-apiserver)"
  else
    cached "kube-apiserver-$KUBERNETES" make_kubernetes kube-apiserver
    found "$KUBERNETES" "its Go module"
    program "$CACHE/kube-apiserver-$KUBERNETES/kube-apiserver"
  fi
}

# make_kubernetes FOLDER COMMAND: one program of the Kubernetes module. That module replaces its parts by folders of its own repository, which only its
# own build can do: ours takes each part (the requirements with version v0.0.0) as the module that is published with the same release.
make_kubernetes() {
  need_go
  local folder=$1 command=$2 part go_mod
  in_go_module "$folder" mod init tests.invalid/kubernetes
  go_mod=$(in_go_module "$folder" mod download -json "k8s.io/kubernetes@v$KUBERNETES" | sed -n 's/^\t"GoMod": "\(.*\)",\{0,1\}$/\1/p')
  in_go_module "$folder" mod edit -require "k8s.io/kubernetes@v$KUBERNETES"
  sed -n 's/^\t\(k8s\.io\/[^ ]*\) v0\.0\.0\( .*\)\{0,1\}$/\1/p' "$go_mod" | while IFS= read -r part; do
    in_go_module "$folder" mod edit -replace "$part=$part@v0.${KUBERNETES#1.}"
  done
  go_build "$folder" "$command" "k8s.io/kubernetes/cmd/$command" \
    "-X k8s.io/component-base/version.gitVersion=v$KUBERNETES -X k8s.io/client-go/pkg/version.gitVersion=v$KUBERNETES"
}

kube-apiserver_prepare() {
  local port token
  port=$(a_port)
  token=$(a_secret)
  printf '%s,tenantry-tests,tenantry-tests,system:masters\n' "$token" >"$DIR/tokens.csv"
  openssl genrsa -out "$DIR/service-accounts.key" 2048
  # The server signs its own certificate at its first start, into certificates/.
  cat >"$DIR/kubeconfig" <<KUBECONFIG
apiVersion: v1
kind: Config
current-context: tests
contexts: [{ name: tests, context: { cluster: tests, user: tests } }]
clusters: [{ name: tests, cluster: { server: "https://127.0.0.1:$port", certificate-authority: "$DIR/certificates/apiserver.crt" } }]
users: [{ name: tests, user: { token: "$token" } }]
KUBECONFIG
  provide TENANTRY_TEST_KUBECONFIG "$DIR/kubeconfig"
  # Without controllers nothing makes a namespace's default ServiceAccount, and no endpoint needs an address.
  command_line "$DIR/program" --etcd-servers "$(<"$(path_in etcd url)")" --bind-address 127.0.0.1 --secure-port "$port" --cert-dir "$DIR/certificates" \
    --token-auth-file "$DIR/tokens.csv" --authorization-mode RBAC --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$DIR/service-accounts.key" --service-account-signing-key-file "$DIR/service-accounts.key" \
    --service-cluster-ip-range 10.96.0.0/16 --disable-admission-plugins ServiceAccount --endpoint-reconciler-type none --profiling=false
}

kube-apiserver_ready() { to_kubernetes get --raw /readyz; }

# to_kubernetes ARGS…: kubectl with this run's server and with a memory of its own: what it remembers of another server on the same port would mislead it.
to_kubernetes() {
  "$(path_in kubectl program)" --kubeconfig "$(path_in kube-apiserver kubeconfig)" --cache-dir "$(path_in kube-apiserver kubectl-cache)" "$@"
}
