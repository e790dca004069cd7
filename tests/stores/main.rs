//! The secret stores, each on what really keeps the secrets: the same battery for all, and what is special to each.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests start programs, read files, and say what they caught"
)]

mod aws;
mod battery;
mod connections;
mod files;
mod kubernetes;
mod log;
mod openbao;
#[cfg(feature = "faults")]
#[path = "../planted/mod.rs"]
mod planted;

use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Returns what tests/run says.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

#[cfg(feature = "faults")]
#[test]
fn every_planted_bug_has_its_test() {
    planted::the_table_and_the_switches_agree();
}

#[cfg(feature = "faults")]
#[test]
#[ignore = "needs openbao, aws, kube-apiserver: run by tests/run"]
fn planted_bugs_of_stores_are_caught() {
    planted::all_are_caught(planted::STORES);
}

/// Returns a folder of keys that no other test of any run has.
fn folder(name: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("tests/{name}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}
