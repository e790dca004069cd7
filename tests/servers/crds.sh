# shellcheck shell=bash
# Custom resource definitions as their projects publish them, read from their Go modules, installed in kube-apiserver.

server crds kube-apiserver
# Module, version, folder. gateway-api 1.7 and argo-cd 3.6 ask for Go 1.27; external-secrets has no later release that Go can name (its 2.x kept the
# module path of 1.x), and serves v1 alone as the later ones do.
readonly CRD_SOURCES=(
  "github.com/argoproj/argo-cd/v3 3.2.11 manifests/crds"
  "github.com/cert-manager/cert-manager 1.21.2 deploy/crds"
  "github.com/external-secrets/external-secrets 1.3.2 config/crds/bases"
  "github.com/prometheus-operator/prometheus-operator 0.93.0 example/prometheus-operator-crd"
  "sigs.k8s.io/gateway-api 1.6.1 config/crd/standard"
)

crds_find() {
  local source module version folder name versions=()
  mkdir -- "$DIR/files"
  for source in "${CRD_SOURCES[@]}"; do
    read -r module version folder <<<"$source"
    name=${module%/v[0-9]*}
    name=${name##*/}
    cached "crds-$name-$version" copy_crds "$module@v$version" "$folder"
    cp -R -- "$CACHE/crds-$name-$version" "$DIR/files/$name"
    versions+=("$name $version")
  done
  local joined
  printf -v joined '%s, ' "${versions[@]}"
  found "${joined%, }" "their Go modules"
}

# copy_crds FOLDER MODULE@VERSION SUBFOLDER: the files of SUBFOLDER that define custom resources, not the lists and policies beside them.
copy_crds() {
  need_go
  local folder=$1 module=$2 subfolder=$3 home file
  home=$(cd -- "$folder" && GOWORK=off go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
  for file in "$home/$subfolder"/*.yaml; do
    if grep -q '^kind: CustomResourceDefinition$' -- "$file"; then
      install -m 644 -- "$file" "$folder/${file##*/}"
    fi
  done
  [[ -n $(ls -A -- "$folder") ]] || give_up "$module holds no definitions in $subfolder/"
}

crds_fill() {
  to_kubernetes apply --server-side --filename "$DIR/files" --recursive
  local deadline=$((SECONDS + READY_SECONDS))
  until all_established; do
    ((SECONDS < deadline)) || give_up "not established after $READY_SECONDS seconds"
    sleep 0.2
  done
  provide TENANTRY_TEST_CRDS "$DIR/files"
}

# One question for all of them: `kubectl wait` asks for each and paces itself.
all_established() {
  local columns='NAME:.metadata.name,ESTABLISHED:.status.conditions[?(@.type=="Established")].status' answers
  answers=$(to_kubernetes get customresourcedefinitions --no-headers --output "custom-columns=$columns") || return 1
  ! grep --quiet --invert-match ' True$' <<<"$answers"
}
