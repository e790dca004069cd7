//! Deadlines: no call to a server waits for ever.

use std::{cell::Cell, future::Future, panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, future::LocalBoxFuture};

use super::{
    Trouble, TroubleKind,
    points::{self, Side},
};

/// How long one call may take unless the person who started the run says otherwise. A `CREATE DATABASE` on a loaded
/// server takes a second; a Job is given ten minutes in all.
pub const CALL: Duration = Duration::from_secs(8);

thread_local! {
    static CHOSEN: Cell<Duration> = const { Cell::new(CALL) };
}

/// Sets how long one call may take from now on in this thread, which is the engine's only one.
pub fn set_call(deadline: Duration) {
    CHOSEN.set(deadline);
}

/// Returns how long one call may take.
pub fn call() -> Duration {
    CHOSEN.get()
}

/// Waits for a call over `connection`, and no longer than [`call`] says; `what` completes "failed to …".
///
/// A client that panics on an answer which no server gives (sqlx does on a length that is too long) is no reason to
/// leave the other resources undone: its connection is dropped with the call, and the answer is told as unreadable.
///
/// # Errors
/// What the call says, or that its time is over. Whether a write happened is then unknown.
pub fn within<T>(
    connection: &str,
    what: &str,
    work: impl Future<Output = Result<T, Trouble>>,
) -> impl Future<Output = Result<T, Trouble>> {
    within_calls(1, connection, what, work)
}

/// Waits for a call that does the work of several, as long as these might take: as [`within`] otherwise.
///
/// # Errors
/// As of [`within`].
pub async fn within_calls<T>(
    calls: u32,
    connection: &str,
    what: &str,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let deadline = call() * calls;
    // On the heap: futures of client libraries have many KiB, and stand in all that wait for them otherwise.
    let work: LocalBoxFuture<'_, Result<T, Trouble>> = Box::pin(work);
    let failed =
        |kind, why: String| Trouble::new(kind, format!("connection `{connection}`: failed to {what}")).because(why);
    points::pass(what, Side::Before);
    let answer = tokio::time::timeout(deadline, AssertUnwindSafe(work).catch_unwind()).await;
    points::pass(what, Side::After);
    match answer {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(failed(TroubleKind::Unexpected, "the answer cannot be read".to_owned())),
        Err(_) => Err(failed(TroubleKind::Deadline, format!("no answer within {} s", deadline.as_secs_f32()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_chooses_for_itself_alone() {
        set_call(Duration::from_millis(1));
        assert_eq!(call(), Duration::from_millis(1));
        assert_eq!(std::thread::spawn(call).join().ok(), Some(CALL));
    }
}
