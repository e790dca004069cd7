//! How a resource stands: one word for what was seen against what is wanted.

use schemars::JsonSchema;
use serde::Serialize;

/// How a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// As wanted.
    Ok,
    /// Not there yet.
    Create,
    /// There, and different.
    Change,
    /// Was made once, and is not there any more: making it anew brings no data back. In a removal: nothing is left.
    Gone,
    /// There, and to be removed.
    Remove,
    /// There, and not ours, or not to be had without a permission: nothing is done.
    NotOurs,
    /// Its server did not say.
    Unreachable,
}

impl Standing {
    /// Returns how a wanted resource stands: whether something is to be done, is there at all, or was there once (its
    /// credential is stored).
    pub fn wanted(has_steps: bool, exists: bool, existed: bool) -> Self {
        match (has_steps, exists, existed) {
            (false, _, _) => Standing::Ok,
            (true, true, _) => Standing::Change,
            (true, false, true) => Standing::Gone,
            (true, false, false) => Standing::Create,
        }
    }

    /// Returns how a resource stands that is to be removed.
    pub fn unwanted(has_steps: bool) -> Self {
        if has_steps { Standing::Remove } else { Standing::Gone }
    }

    /// Returns the words that people read.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Ok => "ok",
            Standing::Create => "create",
            Standing::Change => "change",
            Standing::Gone => "gone",
            Standing::Remove => "remove",
            Standing::NotOurs => "not ours",
            Standing::Unreachable => "unreachable",
        }
    }
}
