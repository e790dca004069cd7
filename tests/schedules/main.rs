//! Random schedules over the stand-ins: edits, new and deleted tenants, crashes, lost requests and replies, concurrent
//! runs, foreign objects and drift, without any I/O. Each is named by its seed and can be run again by it.
//!
//! `TENANTRY_SCHEDULES=1000000 cargo test --release --test schedules` runs a million; `TENANTRY_SEED=17` runs one.

#![cfg(feature = "provision")]
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test reads its settings from the environment, and says what happened"
)]

mod chance;
mod estate;
mod kinds;
mod scheduler;
mod schedule;

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

/// What plain `cargo test` runs: seconds.
const FEW: u64 = 400;

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
    let totals: Vec<schedule::Tally> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut tally = schedule::Tally::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + count {
                            return tally;
                        }
                        match schedule::run(seed) {
                            Ok(one) => tally.add(one),
                            Err(violation) => panic!("TENANTRY_SEED={seed} shows it again: {violation}"),
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut total = schedule::Tally::default();
    totals.into_iter().for_each(|tally| total.add(tally));
    println!("{count} schedules from seed {first}: {total}");
    total.assert_that_everything_happened();
}
