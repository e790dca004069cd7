//! What a run saw, meant to do and did, resource by resource: the one shape that `plan`, `apply` and `destroy` print.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    provision,
    steps::{Standing, Verb},
};

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceReport {
    /// The tenant.
    pub tenant: String,
    /// `group` or `group/item` of the tier file.
    pub id: String,
    /// What it is.
    pub kind: provision::Kind,
    /// Its name on the server.
    pub name: String,
    /// The connection that reaches the server.
    pub connection: String,
    /// How it stood when it was first looked at.
    pub standing: Standing,
    /// Ids of resources of the tenant that must stand before its steps are done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Its steps, in order.
    pub steps: Vec<StepReport>,
    /// Why something was not done, or could not be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<TroubleReport>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// What it does to the resource.
    pub verb: Verb,
    /// The stable name of the action.
    pub action: String,
    /// What it does, in words, from → to.
    pub text: String,
    /// What came of it.
    pub outcome: StepOutcome,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepOutcome {
    /// It would be done.
    Planned,
    /// It was done.
    Done,
    /// It failed; whether the server did it is seen by the next look.
    Failed,
    /// It was taken back.
    Undone,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TroubleReport {
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Whether the same command may succeed later.
    pub passes: bool,
}

/// Something that happened just now, for progress bars and logs.
#[derive(Debug)]
pub enum Event<'e> {
    /// A step begins or ended.
    Step {
        /// The tenant.
        tenant: &'e str,
        /// The resource.
        id: &'e str,
        /// The step.
        step: &'e StepReport,
    },
    /// A resource is as wanted, or given up for this round.
    Settled {
        /// The tenant.
        tenant: &'e str,
        /// The resource.
        id: &'e str,
    },
}

/// Hears what happens.
pub trait Watch {
    /// Called between steps; must not block.
    fn event(&self, event: Event<'_>);
}

/// Hears nothing.
#[derive(Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn event(&self, _: Event<'_>) {}
}
