# shellcheck shell=bash
# helm, as the judge of charts and their values.

server helm
readonly HELM=4.3.1
readonly HELM_AT_LEAST=4.0

helm_find() {
  local version
  if version=$(helm version --template '{{ .Version }}' 2>/dev/null) && at_least "$version" $HELM_AT_LEAST; then
    found "${version#v}" "PATH"
    program "$(type -P helm)"
  else
    cached "helm-$HELM" make_helm
    found $HELM "its Go module"
    program "$CACHE/helm-$HELM/helm"
  fi
  provide TENANTRY_TEST_HELM "$(readlink "$DIR/program")"
}

make_helm() {
  need_go
  in_go_module "$1" mod init tests.invalid/helm
  in_go_module "$1" get "helm.sh/helm/v4@v$HELM"
  go_build "$1" helm helm.sh/helm/v4/cmd/helm "-X helm.sh/helm/v4/internal/version.version=v$HELM"
}
