//! `objectStoreUser`: a user of an object store who reaches exactly its buckets. What that takes differs by the store:
//! [`minio`] has users with policies of their own name, [`iam`] has users with tags, inline policies and keys.

pub mod iam;
pub mod minio;

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use super::{
    Action, Allow, Asked, Kind, Refusal, Verb,
    policy::{Policy, is_literal},
};
use crate::provision::{self, Wanted, object_store::ObjectStoreUserSpec};
pub use iam::IamAction;
pub use minio::MinioAction;

/// The kind `objectStoreUser`.
#[derive(Debug)]
pub struct ObjectStoreUser;

/// What a server says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// MinIO.
    Minio(minio::Seen),
    /// AWS IAM.
    Iam(iam::Seen),
}

/// One request to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum UserAction {
    /// To MinIO's admin API.
    Minio(MinioAction),
    /// To AWS IAM.
    Iam(IamAction),
}

impl Action for UserAction {
    fn verb(&self) -> Verb {
        match self {
            UserAction::Minio(action) => action.verb(),
            UserAction::Iam(action) => action.verb(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            UserAction::Minio(action) => action.name(),
            UserAction::Iam(action) => action.name(),
        }
    }
}

impl fmt::Display for UserAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserAction::Minio(action) => action.fmt(f),
            UserAction::Iam(action) => action.fmt(f),
        }
    }
}

impl Kind for ObjectStoreUser {
    const KIND: provision::Kind = provision::Kind::ObjectStoreUser;
    type Spec = ObjectStoreUserSpec;
    type Seen = Seen;
    type Action = UserAction;

    fn decide(asked: Asked<'_, ObjectStoreUserSpec>, seen: &Seen, allow: &Allow) -> Result<Vec<UserAction>, Refusal> {
        let adopts = allow.adopts(Self::KIND, &asked.wanted.name);
        can_be(asked.wanted)?;
        Ok(match seen {
            Seen::Minio(seen) => minio::decide(asked, seen, adopts)?.into_iter().map(UserAction::Minio).collect(),
            Seen::Iam(seen) => iam::decide(asked, seen, adopts)?.into_iter().map(UserAction::Iam).collect(),
        })
    }

    fn destroy(asked: Asked<'_, ObjectStoreUserSpec>, seen: &Seen) -> Result<Vec<UserAction>, Refusal> {
        Ok(match seen {
            Seen::Minio(seen) => minio::destroy(asked, seen)?.into_iter().map(UserAction::Minio).collect(),
            Seen::Iam(seen) => iam::destroy(asked, seen)?.into_iter().map(UserAction::Iam).collect(),
        })
    }

    fn undo(action: &UserAction) -> Vec<UserAction> {
        let undo = match action {
            UserAction::Minio(action) => minio::undo(action).map(UserAction::Minio),
            UserAction::Iam(action) => iam::undo(action).map(UserAction::Iam),
        };
        undo.into_iter().collect()
    }

    fn is_contested(actions: &[UserAction]) -> bool {
        actions.iter().any(|action| matches!(action, UserAction::Iam(action) if iam::is_contested(action)))
    }

    fn exists(_: Asked<'_, ObjectStoreUserSpec>, seen: &Seen) -> bool {
        match seen {
            Seen::Minio(seen) => seen.user.is_some() || seen.policy.is_some(),
            Seen::Iam(seen) => seen.user.is_some(),
        }
    }
}

/// Refuses names that a policy would take for patterns: a document is input.
fn can_be(wanted: &Wanted<ObjectStoreUserSpec>) -> Result<(), Refusal> {
    let ObjectStoreUserSpec { buckets, actions } = &wanted.spec;
    if let Some(odd) = buckets.iter().find(|bucket| !is_literal(bucket) || bucket.contains('/')) {
        return Err(Refusal::Impossible {
            what: format!("user `{}` would reach more than one bucket by the name `{odd}`", wanted.name),
            help: "write names of buckets, without `*`, `?`, `$` and `/`".to_owned(),
        });
    }
    if buckets.is_empty() || actions.is_empty() {
        return Err(Refusal::Impossible {
            what: format!("user `{}` may do nothing: no server takes an empty policy", wanted.name),
            help: "list its buckets and actions".to_owned(),
        });
    }
    Ok(())
}

/// Says where a policy differs from what it shall be, by its resources and actions.
fn difference(is_claimed: bool, found: &Policy, wanted: &Policy) -> String {
    let says = |policy: &Policy| -> BTreeSet<String> {
        let each = policy.statements.iter();
        let each =
            each.flat_map(|one| one.actions.iter().flat_map(|action| one.resources.iter().map(move |on| (action, on))));
        each.map(|(action, on)| format!("{action} on {on}")).collect()
    };
    let (has, shall) = (says(found), says(wanted));
    let mut said = Vec::new();
    said.extend((!is_claimed).then(|| "claim".to_owned()));
    said.extend(has.difference(&shall).map(|right| format!("not {right}")));
    said.extend(shall.difference(&has).cloned());
    if said.is_empty() { "conditions".to_owned() } else { said.join(", ") }
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
