# shellcheck shell=bash
# strace, which kills a process at its n-th system call or lets that call fail.

server strace

strace_find() {
  local program
  if ! program=$(type -P strace); then
    need_package strace
    program=$(type -P strace) || give_up "strace is not installed (on Debian: the package strace)"
  fi
  "$program" -qq -e trace=none true 2>/dev/null || give_up "strace may not trace here"
  found "$(strace --version | sed -nE '1s/.*version ([^ ]+).*/\1/p')" "$program"
}
