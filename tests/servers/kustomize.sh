# shellcheck shell=bash
# kustomize, as the judge of what a kustomization yields.

server kustomize
readonly KUSTOMIZE=5.8.1
# 5.4 is the oldest whose output of our plain lists is the same.
readonly KUSTOMIZE_AT_LEAST=5.4

kustomize_find() {
  local version
  if version=$(kustomize version 2>/dev/null) && at_least "$version" $KUSTOMIZE_AT_LEAST; then
    found "${version#v}" "PATH"
    program "$(type -P kustomize)"
  else
    cached "kustomize-$KUSTOMIZE" make_kustomize
    found $KUSTOMIZE "its Go module"
    program "$CACHE/kustomize-$KUSTOMIZE/kustomize"
  fi
  provide TENANTRY_TEST_KUSTOMIZE "$(readlink "$DIR/program")"
}

make_kustomize() {
  need_go
  in_go_module "$1" mod init tests.invalid/kustomize
  in_go_module "$1" get "sigs.k8s.io/kustomize/kustomize/v5@v$KUSTOMIZE"
  go_build "$1" kustomize sigs.k8s.io/kustomize/kustomize/v5 "-X sigs.k8s.io/kustomize/api/provenance.version=v$KUSTOMIZE"
}
