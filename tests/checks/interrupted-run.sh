#!/usr/bin/env bash
# An interrupted run leaves nothing behind: no process and no file.
# needs: crds
set -euo pipefail

TMPDIR=$(mktemp -d)
export TMPDIR
# A process group of its own, since Ctrl-C is ignored by what a script starts in its own group's background.
set -m
# Whoever starts the checks in the background has SIGINT ignored, and a shell cannot undo that for itself.
env --default-signal=INT tests/run --servers >"$TMPDIR.out" 2>&1 &
run=$!
set +m
trap 'kill -TERM -- "-$run" 2>/dev/null || true; rm -rf -- "$TMPDIR" "$TMPDIR.out"' EXIT

deadline=$((SECONDS + 120))
until grep -q 'servers are up' "$TMPDIR.out"; do
  if ((SECONDS >= deadline)) || ! kill -0 "$run"; then
    cat "$TMPDIR.out"
    exit 1
  fi
  sleep 0.2
done

# Every process of the run has its folder in its arguments, or was started with our TMPDIR.
processes() {
  pgrep -f -- "$TMPDIR/tenantry-tests" || true
  env -u TMPDIR grep -lszxF -- "TMPDIR=$TMPDIR" /proc/[0-9]*/environ || true
}
if [[ -z $(processes) ]]; then
  echo "no server runs, so nothing is shown"
  exit 1
fi

kill -INT "$run"
status=0
wait "$run" || status=$?
left=$(processes)
if ((status != 130)) || [[ -n $left ]] || [[ -n $(ls -A "$TMPDIR") ]]; then
  echo "ended with status $status (130 expected); processes left: ${left:-none}; files left:"
  ls -A "$TMPDIR"
  exit 1
fi
