//! Failpoints: named places before and after every external call and durable write. The feature `faults`, which only
//! test builds have, makes them real; otherwise they are nothing.

/// On which side of a call a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The call has not been made.
    Before,
    /// The call has been made, and its answer is here.
    After,
}

/// Passes a point. With the feature `faults`, the environment variable `TENANTRY_POINT` may ask for the process to be
/// killed at the n-th point that is passed (`kill@17`), or for the points to be written to a file (`list:FILE`).
#[cfg(not(feature = "faults"))]
#[inline]
pub fn pass(_name: &str, _side: Side) {}

#[cfg(feature = "faults")]
pub use with_faults::pass;

/// Returns whether a bug is planted; never, but in test builds.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn planted(_bug: &str) -> bool {
    false
}

#[cfg(feature = "faults")]
pub use with_faults::planted;

#[cfg(feature = "faults")]
#[expect(clippy::disallowed_methods, reason = "test builds only: the harness speaks through the environment")]
mod with_faults {
    use std::{
        env, fs,
        io::Write,
        sync::{
            OnceLock,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::Side;

    enum Order {
        Nothing,
        KillAt(usize),
        List(String),
    }

    static PASSED: AtomicUsize = AtomicUsize::new(0);

    /// Passes a point, and dies there if `TENANTRY_POINT` says so.
    pub fn pass(name: &str, side: Side) {
        static ORDER: OnceLock<Order> = OnceLock::new();
        let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        match ORDER.get_or_init(order) {
            Order::Nothing => {}
            Order::KillAt(at) if *at == number => {
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            }
            Order::KillAt(_) => {}
            Order::List(file) => {
                let file = fs::OpenOptions::new().create(true).append(true).open(file);
                let _ = file.and_then(|mut file| writeln!(file, "{name} {side:?}"));
            }
        }
    }

    fn order() -> Order {
        let text = env::var("TENANTRY_POINT").unwrap_or_default();
        match text.split_once(['@', ':']) {
            Some(("kill", number)) => number.parse().map_or(Order::Nothing, Order::KillAt),
            Some(("list", file)) => Order::List(file.to_owned()),
            _ => Order::Nothing,
        }
    }

    /// Returns whether `TENANTRY_PLANTED_BUG` names this bug.
    pub fn planted(bug: &str) -> bool {
        static BUG: OnceLock<String> = OnceLock::new();
        BUG.get_or_init(|| env::var("TENANTRY_PLANTED_BUG").unwrap_or_default()) == bug
    }
}
