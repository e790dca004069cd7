//! Where a tenant is in its life: each state has its own dates.

use crate::{
    check::{places::Finder, shape::shown, times},
    diag::Code,
    raw::tenant::{Lifecycle, State},
};

/// Finds what is wrong with a lifecycle.
pub(super) fn check(finder: &mut Finder<'_>, lifecycle: &Lifecycle) {
    let Lifecycle { state, trial_ends, delete_after, reason: _ } = lifecycle;
    let state_is_known = !finder.is_refused("/spec/lifecycle/state");
    for (key, date, of, why) in [
        ("trialEnds", trial_ends, State::Trial, "when the trial ends"),
        ("deleteAfter", delete_after, State::Deleting, "when the data may be destroyed"),
    ] {
        let pointer = format!("/spec/lifecycle/{key}");
        match date {
            None if *state == of && state_is_known && !finder.is_refused(&pointer) => {
                let message = format!("the state `{}` needs `{key}`", of.name());
                let help = format!("add `{key}: \"2027-01-31T00:00:00Z\"`: {why}");
                finder.value(Code::LifecycleMismatch, "/spec/lifecycle/state", message, help);
            }
            Some(_) if *state != of && state_is_known => {
                let message = format!("`{key}` has no meaning in the state `{}`", state.name());
                let help = format!("take it out, or write `state: {}`", of.name());
                finder.key(Code::LifecycleMismatch, &pointer, message, help);
            }
            _ => {}
        }
        if let Some(date) = date.as_deref().filter(|date| !times::is_utc(date)) {
            let help = "write a real date in UTC, to the second: \"2027-01-31T00:00:00Z\"";
            finder.value(Code::InvalidTime, &pointer, format!("{} is no point in time", shown(date)), help);
        }
    }
}
