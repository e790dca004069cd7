# shellcheck shell=bash
# The life of a server (or a tool, or a set of files) in one run. A file in tests/servers/ declares it with `server NAME NEEDS…` and defines, where they apply:
#
#   NAME_find      finds or makes it; calls `found VERSION ORIGIN`, or `give_up WHY`
#   NAME_prepare   writes its configuration; calls `command_line PROGRAM ARGS…` if there is a process to start
#   NAME_ready     succeeds once the process answers; asked again and again until the deadline
#   NAME_fill      puts into it what tests rely on
#
# Each runs in a shell of its own that ends at the first failure, in which $DIR is the server's private folder, and may call `provide VARIABLE VALUE` for
# the tests and `path_in NAME FILE` for another server's folder. What goes wrong there makes this server missing, never the run unclear.

# How long a process may take until it answers: each answers within seconds; the rest is for a loaded machine.
readonly READY_SECONDS=90
SERVERS=()          # names, needs first once they are sorted
declare -A NEEDS=() # name → names that it needs
declare -A PIDS=()  # name → process id and process group of what was started
STARTED=()          # names in the order of their start

# Where the kernel can, a server also ends when this script is killed outright.
LEASH=()
if command -v setpriv >/dev/null && setpriv --pdeathsig TERM true 2>/dev/null; then
  LEASH=(setpriv --pdeathsig TERM)
fi

server() {
  SERVERS+=("$1")
  NEEDS[$1]="${*:2}"
}

# -- what a hook may call; $DIR is the folder of its server

found() {
  printf '%s' "$1" >"$DIR/version"
  printf '%s' "$2" >"$DIR/origin"
}

give_up() {
  printf '%s' "$*" >"$DIR/missing"
  exit 1
}

provide() { printf '%s=%s\n' "$1" "$2" >>"$DIR/variables"; }

command_line() { printf '%s\0' "$@" >"$DIR/command"; }

path_in() { printf '%s' "$RUN/$1/$2"; }

# program PATH: how the hooks of other servers reach a program, wherever it was found.
program() { ln -s -- "$1" "$DIR/program"; }

# a_port: a port on which nothing listens now, below the range from which the kernel takes the ports of clients.
a_port() {
  local port
  while :; do
    port=$((20000 + SRANDOM % 12000))
    (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  printf '%s' "$port"
}

a_secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# -- the run

is_missing() { [[ -e $RUN/$1/missing ]]; }

# hook NAME STEP: runs one hook, if the server has it; $STATUS says how it ended.
hook() {
  STATUS=0
  declare -F "$1_$2" >/dev/null || return 0
  DIR=$RUN/$1
  apart "$1_$2" >>"$RUN/$1/log" 2>&1
}

# lost NAME WHAT: the server is missing from here on, for the reason that it gave or that the end of its log gives.
lost() {
  is_missing "$1" && return
  printf '%s (%s)' "$2" "$(grep -v '^$' "$RUN/$1/log" | tail -n 1 | cut -c 1-200)" >"$RUN/$1/missing"
  say "$1: $2; the end of its log:"
  tail_of_log "$1"
}

tail_of_log() { tail -n 20 -- "$RUN/$1/log" | cut -c 1-500 | sed 's/^/    /' >&2; }

sort_servers() {
  local -a sorted=()
  local -A placed=()
  local name need before
  while ((${#sorted[@]} < ${#SERVERS[@]})); do
    before=${#sorted[@]}
    for name in "${SERVERS[@]}"; do
      [[ -z ${placed[$name]:-} ]] || continue
      for need in ${NEEDS[$name]}; do
        [[ -n ${placed[$need]:-} ]] || continue 2
      done
      sorted+=("$name")
      placed[$name]=1
    done
    if ((${#sorted[@]} == before)); then
      say "tests/servers: some servers need each other in a circle, or one that no file declares"
      exit 2
    fi
  done
  SERVERS=("${sorted[@]}")
}

lacks_a_need() {
  local need
  for need in ${NEEDS[$1]}; do
    if is_missing "$need"; then
      printf 'it needs %s' "$need" >"$RUN/$1/missing"
      return 0
    fi
  done
  return 1
}

find_servers() {
  sort_servers
  local name
  for name in "${SERVERS[@]}"; do
    mkdir -- "$RUN/$name"
    : >"$RUN/$name/log"
    lacks_a_need "$name" && continue
    hook "$name" find
    ((STATUS == 0)) || lost "$name" "could not be had"
  done
}

start_servers() {
  local name
  for name in "${SERVERS[@]}"; do
    is_missing "$name" && continue
    lacks_a_need "$name" && continue
    hook "$name" prepare
    if ((STATUS != 0)); then
      lost "$name" "could not be prepared"
      continue
    fi
    if [[ -e $RUN/$name/command ]]; then
      launch "$name"
      wait_until_ready "$name"
    fi
    is_missing "$name" && continue
    hook "$name" fill
    ((STATUS == 0)) || lost "$name" "could not be filled"
  done
}

launch() {
  local name=$1 command
  mapfile -d '' -t command <"$RUN/$name/command"
  set -m
  "${LEASH[@]}" "${command[@]}" >>"$RUN/$name/log" 2>&1 </dev/null {TERMINAL}>&- &
  set +m
  PIDS[$name]=$!
  STARTED+=("$name")
}

wait_until_ready() {
  local name=$1 deadline=$((SECONDS + READY_SECONDS))
  while :; do
    if ! kill -0 "${PIDS[$name]}" 2>/dev/null; then
      lost "$name" "ended while it started"
      return
    fi
    hook "$name" ready
    ((STATUS != 0)) || return 0
    if ((SECONDS >= deadline)); then
      lost "$name" "did not answer within $READY_SECONDS seconds"
      return
    fi
    sleep 0.2
  done
}

stop_everything() {
  local i
  if [[ -n $apart_group ]]; then
    stop "$apart_group"
    apart_group=''
  fi
  for ((i = ${#STARTED[@]} - 1; i >= 0; i--)); do
    stop "${PIDS[${STARTED[i]}]}"
  done
  STARTED=()
}

export_variables() {
  local name line
  for name in "${SERVERS[@]}"; do
    { ! is_missing "$name" && [[ -e $RUN/$name/variables ]]; } || continue
    while IFS= read -r line; do
      export "${line?}"
    done <"$RUN/$name/variables"
  done
}

print_variables() {
  local name line
  for name in "${SERVERS[@]}"; do
    if is_missing "$name"; then
      printf '# %s is missing: %s\n' "$name" "$(<"$RUN/$name/missing")"
    elif [[ -e $RUN/$name/variables ]]; then
      while IFS= read -r line; do
        printf 'export %s=%q\n' "${line%%=*}" "${line#*=}"
      done <"$RUN/$name/variables"
    fi
  done
}

wait_for_a_server_to_end() {
  local name
  if ((${#STARTED[@]} == 0)); then
    say "no server could be started"
    return
  fi
  wait -n "${PIDS[@]}" || true
  for name in "${STARTED[@]}"; do
    kill -0 "${PIDS[$name]}" 2>/dev/null || lost "$name" "ended"
  done
}
