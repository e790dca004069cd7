//! The binary: parse arguments, call the command, turn the outcome into an exit code.

fn main() {}
