# shellcheck shell=bash
# Two YAML readers that are not ours, in one Python: PyYAML reads YAML 1.1, ruamel.yaml reads 1.2.

server yaml-readers
readonly PYYAML=6.0.3 RUAMEL=0.19.1

yaml-readers_find() {
  local python
  python=$(type -P python3) || give_up "Python 3 is not installed"
  if reads_yaml "$python"; then
    found "PyYAML $PYYAML, ruamel.yaml $RUAMEL" "PATH"
  else
    cached "yaml-readers-$PYYAML-$RUAMEL" make_venv "$python" "PyYAML==$PYYAML" "ruamel.yaml==$RUAMEL"
    python=$CACHE/yaml-readers-$PYYAML-$RUAMEL/bin/python
    reads_yaml "$python"
    found "PyYAML $PYYAML, ruamel.yaml $RUAMEL" "their Python packages"
  fi
  provide TENANTRY_TEST_PYTHON "$python"
}

reads_yaml() {
  "$1" -c "import sys, yaml, ruamel.yaml; sys.exit((yaml.__version__, ruamel.yaml.__version__) != ('$PYYAML', '$RUAMEL'))"
}
