//! Random schedules over the stand-ins: edits, new and deleted tenants, crashes, lost requests and replies, concurrent
//! runs, foreign objects and drift, without any I/O. Each is named by its seed and can be run again by it.
//!
//! ```text
//! TENANTRY_SCHEDULES=1000000 cargo test --release --test schedules -- --nocapture     a million, on all processors
//! TENANTRY_SEED=17 cargo test --test schedules random -- --nocapture                  one; TENANTRY_TRACE=1 tells it
//! TENANTRY_KINDS=mysqlDatabase,bucket …                                               of these kinds alone
//! TENANTRY_FIRST_SEED=1000000 …                                                       from another seed on
//! ```
//!
//! Beside them: one fault at every call of every kind in turn (`single_faults`), and deliberate mistakes that must be
//! caught (`planted`).

#![cfg(feature = "provision")]
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test reads its settings from the environment, says what happened, and how fast"
)]

mod chance;
mod estate;
mod kinds;
mod oracle;
mod planted;
mod remembered;
mod schedule;
mod scheduler;
mod single_faults;
mod tally;

use std::{
    env,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use tally::Tally;

/// What plain `cargo test` runs: seconds.
const FEW: u64 = 1000;

/// After so many violations a thread stops: they are likely to be the same.
const ENOUGH: usize = 5;

#[test]
fn random_schedules_keep_the_invariants() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("TENANTRY_SEED") {
        schedule::run(seed).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        return;
    }
    let (first, count) = (number("TENANTRY_FIRST_SEED").unwrap_or(0), number("TENANTRY_SCHEDULES").unwrap_or(FEW));
    let next = AtomicU64::new(first);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let total = Mutex::new((Tally::default(), Vec::new()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (mut mine, mut violations) = (Tally::default(), Vec::new());
                while violations.len() < ENOUGH {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    match schedule::run(seed) {
                        Ok(one) => mine.add(one),
                        Err(violation) => violations.push(format!("TENANTRY_SEED={seed} shows it again: {violation}")),
                    }
                }
                let mut total = total.lock().unwrap();
                total.0.add(mine);
                total.1.extend(violations);
            });
        }
    });
    let (total, violations) = total.into_inner().unwrap();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    let rate = count as f64 / start.elapsed().as_secs_f64();
    println!("{count} schedules from seed {first}, {rate:.0} a second on {threads} threads\n{total}");
    if env::var_os("TENANTRY_KINDS").is_none() {
        total.assert_that_everything_happened();
    }
}
