//! A user of MinIO, or of a server with MinIO's admin API: the user, and a policy of the same name that is attached.
//!
//! The claim is the `ID` of the policy, which is made before the user and goes after it. `add-user` writes over the
//! secret of a user that is there, so it is sent only after a look found none. A user beside whom no claimed policy is
//! attached is ours only if the stored secret lets it in: nobody else knows that secret.
//!
//! Rights beyond the own policy, attached or by groups, go before anything is given.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use crate::{
    provision::{self, object_store::ObjectStoreUserSpec},
    steps::{Action, Asked, Refusal, Verb, claim::Owner, policy::Policy},
};

/// What the server says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The policy of its name.
    pub policy: Option<Claimed>,
    /// The user.
    pub user: Option<User>,
}

/// A policy and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Whose it is, by its `ID`.
    pub owner: Owner,
    /// What it says.
    pub policy: Policy,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whether it may log in.
    pub is_enabled: bool,
    /// The policies that are attached to it.
    pub policies: BTreeSet<String>,
    /// The groups that it is in.
    pub groups: BTreeSet<String>,
    /// Whether the stored secret lets it in; none where it was not tried.
    pub login: Option<bool>,
}

/// One request to MinIO's admin API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum MinioAction {
    /// Make the policy, claim and all.
    CreatePolicy {
        /// The policy.
        policy: String,
    },
    /// Replace the policy.
    ReplacePolicy {
        /// The policy.
        policy: String,
        /// What differs.
        difference: String,
    },
    /// Make the user with the stored secret. It has no rights yet.
    CreateUser {
        /// The user.
        user: String,
    },
    /// Give the user the stored secret, and let it in.
    SetSecret {
        /// The user.
        user: String,
    },
    /// Let the user in.
    Enable {
        /// The user.
        user: String,
    },
    /// Attach the policy.
    Attach {
        /// The user.
        user: String,
    },
    /// Detach policies that are not its own.
    Detach {
        /// The user.
        user: String,
        /// The policies.
        policies: BTreeSet<String>,
    },
    /// Take the user out of a group, and of its rights.
    LeaveGroup {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// Let the user in no more.
    Disable {
        /// The user.
        user: String,
    },
    /// Remove the user and its service accounts.
    RemoveUser {
        /// The user.
        user: String,
    },
    /// Remove the policy.
    RemovePolicy {
        /// The policy.
        policy: String,
    },
}

impl Action for MinioAction {
    fn verb(&self) -> Verb {
        match self {
            MinioAction::CreatePolicy { .. } | MinioAction::CreateUser { .. } => Verb::Create,
            MinioAction::ReplacePolicy { .. }
            | MinioAction::SetSecret { .. }
            | MinioAction::Enable { .. }
            | MinioAction::Attach { .. }
            | MinioAction::Detach { .. }
            | MinioAction::LeaveGroup { .. } => Verb::Change,
            MinioAction::Disable { .. } | MinioAction::RemoveUser { .. } | MinioAction::RemovePolicy { .. } => {
                Verb::Remove
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            MinioAction::CreatePolicy { .. } => "minio-create-policy",
            MinioAction::ReplacePolicy { .. } => "minio-replace-policy",
            MinioAction::CreateUser { .. } => "minio-create-user",
            MinioAction::SetSecret { .. } => "minio-set-secret",
            MinioAction::Enable { .. } => "minio-enable-user",
            MinioAction::Attach { .. } => "minio-attach-policy",
            MinioAction::Detach { .. } => "minio-detach-policies",
            MinioAction::LeaveGroup { .. } => "minio-leave-group",
            MinioAction::Disable { .. } => "minio-disable-user",
            MinioAction::RemoveUser { .. } => "minio-remove-user",
            MinioAction::RemovePolicy { .. } => "minio-remove-policy",
        }
    }
}

impl fmt::Display for MinioAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MinioAction::CreatePolicy { policy } => write!(f, "create policy `{policy}`"),
            MinioAction::ReplacePolicy { policy, difference } => write!(f, "replace policy `{policy}`: {difference}"),
            MinioAction::CreateUser { user } => write!(f, "create user `{user}`"),
            MinioAction::SetSecret { user } => write!(f, "set the secret key of user `{user}`"),
            MinioAction::Enable { user } => write!(f, "enable user `{user}`"),
            MinioAction::Attach { user } => write!(f, "attach policy `{user}` to user `{user}`"),
            MinioAction::Detach { user, policies } => {
                write!(f, "detach from user `{user}`: {}", super::list(policies))
            }
            MinioAction::LeaveGroup { user, group } => write!(f, "take user `{user}` out of group `{group}`"),
            MinioAction::Disable { user } => write!(f, "disable user `{user}`"),
            MinioAction::RemoveUser { user } => write!(f, "remove user `{user}`"),
            MinioAction::RemovePolicy { policy } => write!(f, "remove policy `{policy}`"),
        }
    }
}

/// Returns whose the policy and the user of one name are; none where neither is there.
fn owner(name: &str, seen: &Seen) -> Option<Owner> {
    match (&seen.policy, &seen.user) {
        (None, None) => None,
        (Some(policy), None) => Some(policy.owner.clone()),
        (Some(policy), Some(_)) if policy.owner != Owner::Ours => Some(policy.owner.clone()),
        (Some(_), Some(user)) if user.policies.contains(name) => Some(Owner::Ours),
        (_, Some(user)) if user.login == Some(true) => Some(Owner::Ours),
        (_, Some(_)) => Some(Owner::Unmarked),
    }
}

pub(super) fn decide(
    asked: Asked<'_, ObjectStoreUserSpec>,
    seen: &Seen,
    adopts: bool,
) -> Result<Vec<MinioAction>, Refusal> {
    let Asked { wanted, claim, stored: _ } = asked;
    let name = || wanted.name.clone();
    let refusal = owner(&wanted.name, seen)
        .and_then(|owner| Refusal::of(&owner, provision::Kind::ObjectStoreUser, wanted, adopts));
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    let mut actions = Vec::new();
    if let Some(user) = &seen.user {
        let excess: BTreeSet<String> = user.policies.iter().filter(|policy| **policy != wanted.name).cloned().collect();
        if !excess.is_empty() {
            actions.push(MinioAction::Detach { user: name(), policies: excess });
        }
        let groups = user.groups.iter();
        actions.extend(groups.map(|group| MinioAction::LeaveGroup { user: name(), group: group.clone() }));
    }
    let goal = Policy::of_user(Some(claim), &wanted.spec.buckets, &wanted.spec.actions);
    match &seen.policy {
        None => actions.push(MinioAction::CreatePolicy { policy: name() }),
        Some(found) if found.policy != goal => {
            let difference = super::difference(found.owner == Owner::Ours, &found.policy, &goal);
            actions.push(MinioAction::ReplacePolicy { policy: name(), difference });
        }
        Some(_) => {}
    }
    match &seen.user {
        None => actions.push(MinioAction::CreateUser { user: name() }),
        Some(user) if user.login == Some(false) => actions.push(MinioAction::SetSecret { user: name() }),
        Some(user) if !user.is_enabled => actions.push(MinioAction::Enable { user: name() }),
        Some(_) => {}
    }
    if !seen.user.as_ref().is_some_and(|user| user.policies.contains(&wanted.name)) {
        actions.push(MinioAction::Attach { user: name() });
    }
    Ok(actions)
}

/// The server detaches what is attached to a user that is removed. The policy, which is the claim, goes last.
pub(super) fn destroy(asked: Asked<'_, ObjectStoreUserSpec>, seen: &Seen) -> Result<Vec<MinioAction>, Refusal> {
    let wanted = asked.wanted;
    let refusal = owner(&wanted.name, seen)
        .and_then(|owner| Refusal::of(&owner, provision::Kind::ObjectStoreUser, wanted, false));
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    let name = || wanted.name.clone();
    let mut actions = Vec::new();
    if let Some(user) = &seen.user {
        // A user without its policy is known by its login: it may do nothing, and stays enabled until it is gone.
        if user.is_enabled && user.policies.contains(&wanted.name) {
            actions.push(MinioAction::Disable { user: name() });
        }
        actions.push(MinioAction::RemoveUser { user: name() });
    }
    if seen.policy.is_some() {
        actions.push(MinioAction::RemovePolicy { policy: name() });
    }
    Ok(actions)
}

/// A user holds no data. The server refuses to remove a policy that is still attached to somebody.
pub(super) fn undo(action: &MinioAction) -> Option<MinioAction> {
    match action {
        MinioAction::CreateUser { user } => Some(MinioAction::RemoveUser { user: user.clone() }),
        MinioAction::CreatePolicy { policy } => Some(MinioAction::RemovePolicy { policy: policy.clone() }),
        _ => None,
    }
}
