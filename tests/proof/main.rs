//! What the engine promises, proven from outside: the real program on real servers, many tenants, many processes, and a
//! search for secrets wherever they could be left.

#![cfg(feature = "provision")]
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests start programs, read files and clocks, and say how many cases there were"
)]

mod administrator;
mod chance;
mod documents;
mod isolation;
mod leaks;
mod program;
mod races;
mod scanner;
mod servers;
#[path = "../stand_ins/mod.rs"]
mod stand_ins;
mod stores;
mod tenants;
mod watcher;
