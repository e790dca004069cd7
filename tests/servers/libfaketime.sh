# shellcheck shell=bash
# libfaketime, which gives one process another time than the machine's.
#
#   TENANTRY_TEST_FAKETIME  the library, for LD_PRELOAD

server libfaketime

libfaketime_find() {
  local library
  if ! library=$(find_faketime); then
    need_package libfaketime
    library=$(find_faketime) || give_up "libfaketime is not installed (on Debian: the package libfaketime)"
  fi
  # A program that is linked otherwise, or a library for another machine, would go on as if nothing were asked.
  (($(LD_PRELOAD=$library FAKETIME=+40d date +%s) > $(date +%s) + 39 * 86400)) || give_up "libfaketime changes no time here"
  found "$(dpkg-query --show --showformat '${Version}' libfaketime 2>/dev/null || printf unknown)" "$library"
  provide TENANTRY_TEST_FAKETIME "$library"
}

find_faketime() {
  local candidates=(/usr/lib/*/faketime/libfaketime.so.1 /usr/lib*/faketime/libfaketime.so.1)
  local candidate
  for candidate in "${candidates[@]}"; do
    if [[ -e $candidate ]]; then
      printf '%s' "$candidate"
      return
    fi
  done
  return 1
}
