# shellcheck shell=bash
# Chromium, in which the page of a report is looked at. It reads one file, and nothing from any network.

server chromium

chromium_find() {
  local program
  if ! program=$(type -P chromium || type -P chromium-browser || type -P google-chrome); then
    need_package chromium
    program=$(type -P chromium) || give_up "no Chromium is installed (on Debian: the package chromium)"
  fi
  found "$("$program" --version 2>/dev/null | sed -nE 's/.* ([0-9][0-9.]*) .*/\1/p')" "$program"
  provide TENANTRY_TEST_CHROMIUM "$program"
}
