//! The engine on real servers: for each kind the same battery, and what is special to it. What reads the servers here is
//! never the engine: each kind's oracle is the server's own client.

#![cfg(feature = "provision")]
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests start programs, read files, and say how many cases there were"
)]

mod battery;
mod http;
mod mysql;
mod rabbitmq;
mod postgres;
mod objects;
mod redis;
#[path = "../stand_ins/mod.rs"]
mod stand_ins;
#[path = "../wire/mod.rs"]
mod wire;
