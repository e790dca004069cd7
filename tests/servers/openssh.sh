# shellcheck shell=bash
# OpenSSH's server and client, for servers of the tests' own: each test that needs one starts it with keys of its own.
#
#   TENANTRY_TEST_SSHD  the program sshd

server openssh

openssh_find() {
  local program
  if ! program=$(PATH=$PATH:/usr/sbin:/sbin type -P sshd); then
    need_package openssh-server
    program=$(PATH=$PATH:/usr/sbin:/sbin type -P sshd) || give_up "OpenSSH's server is not installed (on Debian: the package openssh-server)"
  fi
  command -v ssh >/dev/null || need_package openssh-client
  command -v ssh-agent >/dev/null || give_up "OpenSSH's client is not installed (on Debian: the package openssh-client)"
  # Run by root, it gives up its rights in this empty folder.
  [[ $(id -u) != 0 ]] || install -d -m 755 /run/sshd
  found "$(ssh -V 2>&1 | sed -nE 's/^OpenSSH_([^ ,]+).*/\1/p')" "$program"
  provide TENANTRY_TEST_SSHD "$program"
}
