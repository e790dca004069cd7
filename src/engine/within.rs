//! Deadlines: no call to a server waits for ever.

use std::{future::Future, time::Duration};

use super::{Trouble, TroubleKind};

/// How long one call may take. A `CREATE DATABASE` on a loaded server takes a second; a Job is given ten minutes in all.
pub const CALL: Duration = Duration::from_secs(8);

/// Waits for a call, and no longer than [`CALL`].
///
/// # Errors
/// What the call says, or that its time is over. Whether a write happened is then unknown.
pub async fn within<T>(what: &str, call: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    match tokio::time::timeout(CALL, call).await {
        Ok(result) => result,
        Err(_) => {
            Err(Trouble::new(TroubleKind::Deadline, format!("failed to {what}: no answer within {} s", CALL.as_secs())))
        }
    }
}
