# shellcheck shell=bash
# epmd, which tells Erlang nodes each other's port. RabbitMQ would start one that outlives it, for all nodes of the machine.

server epmd

epmd_find() {
  local program
  if ! program=$(type -P epmd); then
    need_package rabbitmq-server
    program=$(type -P epmd) || give_up "Erlang is not installed (on Debian it comes with the package rabbitmq-server)"
  fi
  found "Erlang $(erl -noinput -boot start_clean -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')" "$program"
  program "$program"
}

epmd_prepare() {
  local port
  port=$(a_port)
  printf '%s' "$port" >"$DIR/port"
  command_line "$DIR/program" -port "$port" -address 127.0.0.1
}

epmd_ready() { "$DIR/program" -port "$(<"$DIR/port")" -names; }
