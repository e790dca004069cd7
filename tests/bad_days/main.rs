//! Bad input and bad days, met through the real program on real servers: each ends with the right code and a message that
//! says what to do, nothing is lost, and one plain run on a good day ends well.

#![cfg(feature = "provision")]
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests start programs and servers, and read files and clocks"
)]

// What tests/proof has: the program, the servers, their own clients, the documents.
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../proof"]
mod shared {
    pub mod administrator;
    pub mod documents;
    pub mod program;
    pub mod servers;
    #[path = "../stand_ins/mod.rs"]
    pub mod stand_ins;
    pub mod stores;
    pub mod tenants;
    pub mod watcher;
}
#[path = "../wire/mod.rs"]
mod wire;

mod admission;
mod choices;
mod clock;
mod connections;
mod damaged;
mod day;
mod eyes;
mod interrupted;
mod listeners;
mod own;
mod servers_in_trouble;
mod store;
mod tls;
