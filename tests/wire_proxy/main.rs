//! The fault proxy of the tests, tested itself: framing under every fragmentation, and every fault against small
//! servers that count what reaches them. No real server is needed.

#![cfg(feature = "provision")]
#![allow(clippy::disallowed_types, clippy::unwrap_used, reason = "tests read clocks")]

#[path = "../wire/mod.rs"]
mod wire;

mod classes;
mod faults;
mod framing;
mod records;
mod server;
mod talks;
