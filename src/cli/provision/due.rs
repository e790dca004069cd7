//! Whether a tenant's time has come: by what its document says, by this machine's clock, and by its servers' clocks.

use anyhow::anyhow;
use jiff::{SignedDuration, Timestamp};

use crate::{cli::error::CommandError, engine::clocks::Reading, provision};

/// How far two clocks may be apart. More is a clock that is set wrong, not a slow network.
const APART: SignedDuration = SignedDuration::from_mins(5);

/// Returns when a tenant may go.
///
/// # Errors
/// It is not being deleted, or not yet, by this machine's clock.
pub(super) fn by_document(document: &provision::Document, now: Timestamp) -> Result<Timestamp, CommandError> {
    let provision::Metadata { tenant, uid: _, state, delete_after } = &document.metadata;
    if state != "deleting" {
        return Err(CommandError::refused(anyhow!("tenant `{tenant}` is {state}, not being deleted"))
            .hint("deletion is two commits: set its lifecycle to `deleting` first, with the time of its end"));
    }
    let Some(delete_after) = delete_after else {
        return Err(CommandError::refused(anyhow!("the document of `{tenant}` does not say when it may go")));
    };
    let at: Timestamp = delete_after.parse().map_err(|error: jiff::Error| {
        CommandError::refused(anyhow!("`deleteAfter: {delete_after}` of `{tenant}` is no time: {error}"))
    })?;
    if now < at {
        return Err(CommandError::refused(anyhow!("tenant `{tenant}` may go after {at}, and it is {now}"))
            .hint("wait: until then it can be restored"));
    }
    Ok(at)
}

/// Compares this machine's clock with those of the tenant's servers: what is lost is lost for ever, so all must agree.
///
/// # Errors
/// A server's clock shows another time than ours, or one at which the tenant may not go.
pub(super) fn by_servers(tenant: &str, at: Timestamp, readings: &[Reading]) -> Result<(), CommandError> {
    for Reading { connection, theirs, ours } in readings {
        let is_apart = ours.duration_since(*theirs).abs() > APART;
        if is_apart || *theirs < at {
            return Err(CommandError::refused(anyhow!(
                "tenant `{tenant}` may go after {at}: this machine's clock says that it is {ours}, and that of \
                 `{connection}` says {theirs}"
            ))
            .hint(match is_apart {
                true => "set the clock that is wrong, then run the same command again: nothing was done",
                false => "wait: until then it can be restored",
            }));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::error::Exit;

    fn document(state: &str, delete_after: Option<&str>) -> provision::Document {
        provision::Document {
            api_version: provision::API_VERSION.to_owned(),
            kind: "Provision".to_owned(),
            metadata: provision::Metadata {
                tenant: "abc".to_owned(),
                uid: "1".to_owned(),
                state: state.to_owned(),
                delete_after: delete_after.map(str::to_owned),
            },
            connections: BTreeMap::new(),
            resources: Vec::new(),
        }
    }

    #[test]
    fn only_what_is_due_goes() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let is_due = |state, after| by_document(&document(state, after), now).is_ok();
        assert!(is_due("deleting", Some("2026-11-20T23:59:59Z")));
        assert!(!is_due("deleting", Some("2026-11-21T00:00:01Z")));
        assert!(!is_due("active", Some("2026-11-20T00:00:00Z")));
        assert!(!is_due("deleting", None));
        assert!(!is_due("deleting", Some("yesterday")));
    }

    #[test]
    fn clocks_that_disagree_destroy_nothing() {
        let time = |text: &str| -> Timestamp { text.parse().unwrap() };
        let told = |ours: &str, theirs: &[&str]| {
            let reading =
                |theirs: &&str| Reading { connection: format!("at {theirs}"), theirs: time(theirs), ours: time(ours) };
            let readings: Vec<Reading> = theirs.iter().map(reading).collect();
            by_servers("abc", time("2026-11-21T00:00:00Z"), &readings).map_err(|error| {
                assert_eq!(error.exit(), Exit::Refused);
                (error.chain().next().unwrap(), error.hints().concat())
            })
        };
        assert!(told("2026-11-21T00:00:05Z", &[]).is_ok());
        assert!(told("2026-11-21T00:05:00Z", &["2026-11-21T00:00:00Z", "2026-11-21T00:09:59Z"]).is_ok());
        // Ours runs ahead, or theirs: either way one of the two is wrong.
        let (said, help) = told("2026-12-31T00:00:00Z", &["2026-12-31T00:00:00Z", "2026-11-21T00:00:01Z"]).unwrap_err();
        assert!(said.contains("it is 2026-12-31T00:00:00Z, and that of `at 2026-11-21T00:00:01Z`"), "{said}");
        assert!(help.contains("set the clock"), "{help}");
        assert!(told("2026-11-21T00:00:01Z", &["2026-12-31T00:00:00Z"]).is_err());
        // Close to each other, and the server does not think that it is time.
        let (_, help) = told("2026-11-21T00:00:01Z", &["2026-11-20T23:59:59Z"]).unwrap_err();
        assert!(help.contains("wait"), "{help}");
    }
}
