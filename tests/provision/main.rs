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
#[cfg(feature = "faults")]
mod kill;
mod http;
mod mysql;
mod rabbitmq;
mod postgres;
mod objects;
#[cfg(feature = "faults")]
#[path = "../planted/mod.rs"]
mod planted;
mod redis;
mod secrets;
#[path = "../stand_ins/mod.rs"]
mod stand_ins;
#[path = "../wire/mod.rs"]
mod wire;

#[cfg(feature = "faults")]
#[test]
fn every_planted_bug_has_its_test() {
    planted::the_table_and_the_switches_agree();
}

#[cfg(feature = "faults")]
#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, aws, s3-oracle: run by tests/run"]
fn planted_bugs_of_provision_are_caught() {
    planted::all_are_caught(planted::PROVISION);
}
