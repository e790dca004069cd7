//! The engine on real servers: for each kind the same battery, and what is special to it. What reads the servers here is
//! never the engine: each kind's oracle is the server's own client.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests start programs and read files")]

mod battery;
mod objects;
mod redis;
#[path = "../wire/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod wire;
