# shellcheck shell=bash
# The life of a server (or a tool, or a set of files) in one run. A file in tests/servers/ declares it with `server NAME NEEDS…` and defines, where they apply:
#
#   NAME_find      finds or makes it; calls `found VERSION ORIGIN`, or `give_up WHY`
#   NAME_prepare   writes its configuration; calls `command_line PROGRAM ARGS…` if there is a process to start
#   NAME_ready     succeeds once the process answers; asked again and again until the deadline
#   NAME_fill      puts into it what tests rely on
#
# Each runs in a shell of its own that ends at the first failure, in which $DIR is the server's private folder, and may call `provide VARIABLE VALUE` for
# the tests and `path_in NAME FILE` for another server's folder. What goes wrong there makes this server missing, never the run unclear. Hooks run one at
# a time; the processes that they describe come up side by side.

# How long a process may take until it answers: each answers within seconds; the rest is for a loaded machine.
readonly READY_SECONDS=90
SERVERS=()             # names, needs first once they are sorted
declare -A NEEDS=()    # name → names that it needs
declare -A STATE=()    # name → waiting (for a need), starting, settled (up or missing)
declare -A DEADLINE=() # name → the value of $SECONDS at which it must have answered
declare -A PIDS=()     # name → process id and process group of what was started
declare -A ENDED_BY=() # name → the signal that ends it, where that is not TERM
STARTED=()             # names in the order of their start

# Where the kernel can, a server also ends when this script is killed outright.
LEASH=()
if command -v setpriv >/dev/null && setpriv --pdeathsig TERM true 2>/dev/null; then
  LEASH=(setpriv --pdeathsig)
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

# environment NAME VALUE: for the process of command_line alone; the place of its secrets, since everyone may read the arguments of a process.
environment() { printf '%s=%s\0' "$1" "$2" >>"$DIR/environment"; }

# ended_by SIGNAL: for a process that takes SIGTERM for something else than an end.
ended_by() { printf '%s' "$1" >"$DIR/signal"; }

path_in() { printf '%s' "$RUN/$1/$2"; }

# program PATH: how the hooks of other servers reach a program, wherever it was found.
program() { ln -s -- "$1" "$DIR/program"; }

# a_port: a port on which nothing listens now and that no server of this run was given, below the range from which the kernel takes the ports of clients.
a_port() {
  local port
  while :; do
    port=$((20000 + SRANDOM % 12000))
    ! grep -qx "$port" "$RUN/ports" 2>/dev/null || continue
    (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  printf '%s\n' "$port" >>"$RUN/ports"
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

# choose_servers NAME…: leaves the named servers and what they need; all of them if none is named.
choose_servers() {
  (($#)) || return 0
  local name
  local -A wanted=()
  while (($#)); do
    name=$1
    shift
    if [[ ! -v NEEDS[$name] ]]; then
      say "no file in tests/servers/ declares \"$name\"; there are: ${SERVERS[*]}"
      exit 2
    fi
    [[ -z ${wanted[$name]:-} ]] || continue
    wanted[$name]=1
    # shellcheck disable=SC2086 # names, one word each
    set -- "$@" ${NEEDS[$name]}
  done
  SERVERS=("${!wanted[@]}")
}

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

# start_servers: each begins as soon as what it needs is up, while others still start.
start_servers() {
  local name unsettled=1
  for name in "${SERVERS[@]}"; do
    STATE[$name]=waiting
  done
  while ((unsettled)); do
    unsettled=0
    for name in "${SERVERS[@]}"; do
      case ${STATE[$name]} in
        waiting) begin "$name" ;;
        starting) go_on "$name" ;;
      esac
      [[ ${STATE[$name]} == settled ]] || unsettled=1
    done
    ((!unsettled)) || sleep 0.1
  done
}

# begin NAME: prepares and launches a server, unless it has to wait for a need.
begin() {
  local name=$1 need
  if is_missing "$name" || lacks_a_need "$name"; then
    STATE[$name]=settled
    return
  fi
  for need in ${NEEDS[$name]}; do
    [[ ${STATE[$need]} == settled ]] || return 0
  done
  hook "$name" prepare
  if ((STATUS != 0)); then
    settle_lost "$name" "could not be prepared"
  elif [[ -e $RUN/$name/command ]]; then
    launch "$name"
    STATE[$name]=starting
    DEADLINE[$name]=$((SECONDS + READY_SECONDS))
  else
    fill "$name"
  fi
}

# go_on NAME: asks a launched server once whether it answers, and fills it if so.
go_on() {
  local name=$1
  if ! kill -0 "${PIDS[$name]}" 2>/dev/null; then
    settle_lost "$name" "ended while it started"
    return
  fi
  hook "$name" ready
  if ((STATUS == 0)); then
    fill "$name"
  elif ((SECONDS >= DEADLINE[$name])); then
    settle_lost "$name" "did not answer within $READY_SECONDS seconds"
  fi
}

fill() {
  hook "$1" fill
  ((STATUS == 0)) || lost "$1" "could not be filled"
  STATE[$1]=settled
}

settle_lost() {
  lost "$@"
  STATE[$1]=settled
}

launch() {
  local name=$1 command environment=()
  mapfile -d '' -t command <"$RUN/$name/command"
  [[ ! -e $RUN/$name/environment ]] || mapfile -d '' -t environment <"$RUN/$name/environment"
  ENDED_BY[$name]=TERM
  [[ ! -e $RUN/$name/signal ]] || ENDED_BY[$name]=$(<"$RUN/$name/signal")
  set -m
  (
    exec {TERMINAL}>&-
    ((${#environment[@]} == 0)) || export "${environment[@]}"
    exec "${LEASH[@]}" ${LEASH:+"${ENDED_BY[$name]}"} "${command[@]}"
  ) >>"$RUN/$name/log" 2>&1 </dev/null &
  set +m
  PIDS[$name]=$!
  STARTED+=("$name")
}

stop_everything() {
  local i
  if [[ -n $apart_group ]]; then
    stop "$apart_group"
    apart_group=''
  fi
  for ((i = ${#STARTED[@]} - 1; i >= 0; i--)); do
    stop "${PIDS[${STARTED[i]}]}" "${ENDED_BY[${STARTED[i]}]}"
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
    for name in "${SERVERS[@]}"; do
      is_missing "$name" || apart sleep infinity # a tool or files, which a signal takes away
    done
    say "no server could be started"
    return
  fi
  wait -n "${PIDS[@]}" || true
  for name in "${STARTED[@]}"; do
    kill -0 "${PIDS[$name]}" 2>/dev/null || lost "$name" "ended"
  done
}
