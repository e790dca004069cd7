# shellcheck shell=bash
# pre-commit, which runs the hook of integrations/pre-commit as it does for those who commit.

server pre-commit
readonly PRE_COMMIT=4.3.0

pre-commit_find() {
  local python folder=$CACHE/pre-commit-$PRE_COMMIT
  python=$(type -P python3) || give_up "Python 3 is not installed"
  cached "pre-commit-$PRE_COMMIT" make_venv "$python" "pre-commit==$PRE_COMMIT"
  "$folder/bin/python" -m pre_commit --version >/dev/null
  found "$PRE_COMMIT" "its Python package"
  provide TENANTRY_TEST_PRE_COMMIT "$folder/bin/python"
}
