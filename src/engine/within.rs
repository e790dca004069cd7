//! Deadlines: no call to a server waits for ever.

use std::{future::Future, panic::AssertUnwindSafe, sync::OnceLock, time::Duration};

use futures::FutureExt;

use super::{Trouble, TroubleKind};

/// How long one call may take unless the person who started the run says otherwise. A `CREATE DATABASE` on a loaded
/// server takes a second; a Job is given ten minutes in all.
pub const CALL: Duration = Duration::from_secs(8);

static CHOSEN: OnceLock<Duration> = OnceLock::new();

/// Sets how long one call may take, once for the process; a second word is not heard.
pub fn set_call(deadline: Duration) {
    let _: Result<(), Duration> = CHOSEN.set(deadline);
}

/// Returns how long one call may take.
pub fn call() -> Duration {
    *CHOSEN.get().unwrap_or(&CALL)
}

/// Waits for a call over `connection`, and no longer than [`call`] says; `what` completes "failed to …".
///
/// A client that panics on an answer which no server gives (sqlx does on a length that is too long) is no reason to
/// leave the other resources undone: its connection is dropped with the call, and the answer is told as unreadable.
///
/// # Errors
/// What the call says, or that its time is over. Whether a write happened is then unknown.
pub async fn within<T>(
    connection: &str,
    what: &str,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let failed =
        |kind, why: String| Trouble::new(kind, format!("connection `{connection}`: failed to {what}")).because(why);
    match tokio::time::timeout(call(), AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(failed(TroubleKind::Unexpected, "the answer cannot be read".to_owned())),
        Err(_) => Err(failed(TroubleKind::Deadline, format!("no answer within {} s", call().as_secs_f32()))),
    }
}
