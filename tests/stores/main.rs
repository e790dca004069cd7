//! The secret stores, each on what really keeps the secrets: the same battery for all, and what is special to each.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests start programs and read files")]

mod aws;
mod battery;
mod connections;
mod files;
mod kubernetes;
mod log;
mod openbao;

use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Returns what tests/run says.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

/// Returns a folder of keys that no other test of any run has.
fn folder(name: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("tests/{name}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}
