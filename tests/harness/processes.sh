# shellcheck shell=bash
# Processes that end when the run ends. Job control (set -m) gives each a process group of its own: Ctrl-C reaches tests/run alone, and whatever a
# process forks ends with it.

# How long a process may take to end after it was told so before it is killed.
readonly STOP_SECONDS=10

apart_group='' # the process group of what runs now by `apart`
STATUS=0       # how the last one ended

# apart COMMAND…: runs a function or program that ends at its first failure, waits for it, and leaves how it ended in $STATUS; never fails itself, since
# a function that runs as a condition would go on after failures. In the background, because bash runs no trap while it waits for a foreground program.
# shellcheck disable=SC2034 # $STATUS is for the callers
apart() {
  set -m
  (
    set -e
    "$@"
  ) </dev/null &
  set +m
  apart_group=$!
  STATUS=0
  wait "$apart_group" || STATUS=$?
  apart_group=''
}

# stop GROUP [SIGNAL]: ends a process group that this run started, and waits until it is gone.
stop() {
  local tenths=$((STOP_SECONDS * 10))
  kill "-${2:-TERM}" -- "-$1" 2>/dev/null || return 0
  while kill -0 -- "-$1" 2>/dev/null && ((tenths-- > 0)); do
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
