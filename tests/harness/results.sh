# shellcheck shell=bash
# What ran and what came of it: cargo's tests, the scripts in tests/checks/, and the report that closes the run.

passed=0 failed=0 skipped=0
PROBLEMS=()          # what failed beside single tests, a sentence each
declare -A NOT_RUN=() # name of a missing server → tests that it left out

# run_cargo_tests FILTER: first the tests that need no server, then the ignored ones whose servers are there. A test says what it needs where it is
# ignored, `#[ignore = "needs crds, kustomize: run by tests/run"]`, and libtest repeats that beside its name.
run_cargo_tests() {
  local filter=$1
  local -a runnable=()
  cargo_tests "$RUN/tests.log" -- ${filter:+"$filter"}
  find_runnable "$RUN/tests.log"
  if ((${#runnable[@]})); then
    cargo_tests "$RUN/tests-with-servers.log" --tests -- --ignored --exact "${runnable[@]}"
  fi
}

# What only a build with failpoints and planted bugs has, by parts of its names.
FAULT_TESTS='kill_at_every_point|planted_bug'
readonly FAULT_TESTS

# run_fault_tests FILTER: the program killed at its failpoints, and the bugs planted that other tests must catch. Nothing is built where no such test
# has FILTER in its name.
run_fault_tests() {
  local filter=$1
  local -a names=() runnable=() build=(--features faults --test provision --test stores --test git_edge)
  mapfile -t names < <(grep -rhoE "[a-z0-9_]*($FAULT_TESTS)[a-z0-9_]*" tests/provision tests/stores tests/git_edge | sort -u | grep -F -- "${filter##*::}")
  ((${#names[@]})) || return 0
  cargo_tests "$RUN/tests-of-faults.log" "${build[@]}" -- "${names[@]}"
  find_runnable "$RUN/tests-of-faults.log"
  if ((${#runnable[@]})); then
    cargo_tests "$RUN/tests-with-faults.log" "${build[@]}" -- --ignored --exact --nocapture "${runnable[@]}"
  fi
}

# find_runnable LOG: adds to `runnable` the ignored tests of a log whose servers are there, and counts the others as skipped.
find_runnable() {
  local name reason need
  while IFS=$'\t' read -r name reason; do
    if [[ $reason == 'a child process '* ]]; then
      continue # not a test of its own: another one starts it
    elif [[ $name == *' - '* ]]; then
      skipped=$((skipped + 1)) # an example in the documentation that is not meant to run
    elif need=$(missing_need "$name" "$reason") && [[ -n $need ]]; then
      NOT_RUN[$need]+=" $name"
      skipped=$((skipped + 1))
    else
      runnable+=("$name")
    fi
  done < <(sed -nE 's/^test (.*) \.\.\. ignored(, (.*))?$/\1\t\3/p' "$1")
}

# missing_need NAME REASON: prints the first server that the reason names and that is not there.
missing_need() {
  local needs need
  [[ $2 == 'needs '* ]] || return 0
  needs=${2#needs }
  for need in $(tr ',' ' ' <<<"${needs%%:*}"); do
    if [[ ! -d $RUN/$need ]]; then
      say "$1 needs \"$need\", which no file in tests/servers/ declares"
      printf '%s' "$need"
      return
    fi
    if is_missing "$need"; then
      printf '%s' "$need"
      return
    fi
  done
}

# cargo_tests LOG ARGS…: runs cargo test and adds up its results.
cargo_tests() {
  local log=$1 counts failed_before=$failed
  apart cargo_into "$@"
  counts=$(sed -nE 's/^test result: [^.]*\. ([0-9]+) passed; ([0-9]+) failed; .*/\1 \2/p' "$log" | awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }')
  passed=$((passed + ${counts% *}))
  failed=$((failed + ${counts#* }))
  if ((STATUS != 0 && failed == failed_before)); then
    PROBLEMS+=("cargo test ended with status $STATUS before it could count")
  fi
}

cargo_into() {
  cargo test --locked --no-fail-fast "${@:2}" 2>&1 | tee -- "$1"
}

# run_scripts FILTER: each tests/checks/*.sh is one test, run from the project's folder with the variables of the servers. A line `# needs: NAME…` says
# which servers it cannot do without.
run_scripts() {
  local filter=$1 script name need
  for script in tests/checks/*.sh; do
    [[ -e $script ]] || continue
    name=${script#tests/checks/}
    name=${name%.sh}
    [[ $name == *"$filter"* ]] || continue
    need=$(missing_need "$script" "needs $(sed -n 's/^# needs: //p' "$script")")
    if [[ -n $need ]]; then
      NOT_RUN[$need]+=" $name"
      skipped=$((skipped + 1))
      continue
    fi
    run_script "$script"
  done
}

run_script() {
  local script=$1 log=$RUN/script.log
  apart bash "$script" >"$log" 2>&1
  if ((STATUS == 0)); then
    passed=$((passed + 1))
    echo "test $script ... ok"
  else
    failed=$((failed + 1))
    echo "test $script ... FAILED (status $STATUS)"
    sed 's/^/    /' "$log"
  fi
}

# A server that died under the tests explains their failures better than they do.
check_servers_still_run() {
  local name
  for name in "${STARTED[@]}"; do
    { ! is_missing "$name" && ! kill -0 "${PIDS[$name]}" 2>/dev/null; } || continue
    PROBLEMS+=("$name ended while the tests ran")
    say "$name ended while the tests ran; the end of its log:"
    tail_of_log "$name"
  done
}

# report: one line per server, then what went wrong beside single tests, then the line that counts. Fails if anything failed.
report() {
  local name problem
  echo
  echo "servers:"
  for name in "${SERVERS[@]}"; do
    if is_missing "$name"; then
      describe_missing "$name"
    else
      printf '  %-15s %s, from %s\n' "$name" "$(<"$RUN/$name/version")" "$(<"$RUN/$name/origin")"
    fi
  done
  for name in "${!NOT_RUN[@]}"; do
    [[ -d $RUN/$name ]] || PROBLEMS+=("tests/servers/ declares no \"$name\", needed by${NOT_RUN[$name]}")
  done
  for problem in "${PROBLEMS[@]}"; do
    echo "FAILED: $problem"
    failed=$((failed + 1))
  done
  echo "$passed passed, $failed failed, $skipped skipped"
  ((failed == 0))
}

describe_missing() {
  local name=$1 tests=()
  read -ra tests <<<"${NOT_RUN[$name]:-}"
  printf '  %-15s MISSING: %s; tests not run: %d%s\n' "$name" "$(<"$RUN/$name/missing")" ${#tests[@]} "${tests:+ (${tests[*]})}"
  if [[ ${CI:-} == true ]]; then
    PROBLEMS+=("$name is missing, and CI=true allows no missing server")
  fi
}
