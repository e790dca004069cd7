# shellcheck shell=bash
# kubectl, through which the tests speak to kube-apiserver.

server kubectl
# The oldest that has `apply --validate=strict` on the server's side and reports every fault of a stream.
readonly KUBECTL_AT_LEAST=1.30

kubectl_find() {
  local version
  if version=$(kubectl version --client 2>/dev/null | sed -n 's/^Client Version: v//p') && [[ -n $version ]] && at_least "${version%%-*}" $KUBECTL_AT_LEAST; then
    found "$version" "PATH"
    program "$(type -P kubectl)"
  else
    cached "kubectl-$KUBERNETES" make_kubernetes kubectl
    found "$KUBERNETES" "the Go module of Kubernetes"
    program "$CACHE/kubectl-$KUBERNETES/kubectl"
  fi
  provide TENANTRY_TEST_KUBECTL "$(readlink "$DIR/program")"
}
