//! A user of AWS IAM: the user with the claim among its tags from the first, an inline policy, and one access key.
//!
//! AWS makes the secret of a key and tells it once. So the secret is an answer, stored before anything else is done; a
//! key whose answer was lost is good for nothing. The next run makes another one first, stores it, and only then
//! removes what is not stored: a run beside it that has just stored its key keeps it. A user can have two keys; where
//! both are lost, the older one goes first. That it is lost, and not about to be stored by a run beside, is made sure of
//! by taking the entry first: whoever had read it before can store nothing any more.
//!
//! A stored key that is not there any more is not made again: whoever took it away may have had a reason, and a new
//! one would not be what consumers of the stored entry were given.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use crate::{
    provision::{self, object_store::ObjectStoreUserSpec},
    steps::{Action, Asked, Refusal, Verb, claim::Owner, policy::Policy},
};

/// How many keys IAM lets a user have.
const MOST_KEYS: usize = 2;

/// What IAM says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The user.
    pub user: Option<User>,
    /// The id of the key that is stored; none where the stored entry has none, or was not looked at.
    pub stored_key: Option<String>,
    /// Whether the stored entry was looked at.
    pub is_entry_known: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whose it is, by its tags.
    pub owner: Owner,
    /// The inline policy of its name.
    pub policy: Option<Policy>,
    /// Other inline policies.
    pub other_policies: BTreeSet<String>,
    /// The ARNs of managed policies that are attached to it.
    pub attached: BTreeSet<String>,
    /// The groups that it is in.
    pub groups: BTreeSet<String>,
    /// Its keys, the oldest first.
    pub keys: Vec<Key>,
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id, which is no secret.
    pub id: String,
    /// Whether it lets in.
    pub is_active: bool,
}

/// One request to IAM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum IamAction {
    /// Make the user, claim and all.
    CreateUser {
        /// The user.
        user: String,
    },
    /// Write the claim into the tags.
    TagUser {
        /// The user.
        user: String,
    },
    /// Set the inline policy of the user's name.
    PutPolicy {
        /// The user.
        user: String,
        /// What differs.
        difference: String,
        /// Whether the user was made for it, and had no policy.
        is_first: bool,
    },
    /// Remove an inline policy.
    DeletePolicy {
        /// The user.
        user: String,
        /// The policy.
        policy: String,
    },
    /// Detach a managed policy.
    DetachPolicy {
        /// The user.
        user: String,
        /// The ARN of the policy.
        policy: String,
    },
    /// Take the user out of a group, and of its rights.
    LeaveGroup {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// Make an access key, and keep what the answer says.
    CreateKey {
        /// The user.
        user: String,
    },
    /// Let an access key in.
    ActivateKey {
        /// The user.
        user: String,
        /// The key.
        key: String,
    },
    /// Remove an access key.
    DeleteKey {
        /// The user.
        user: String,
        /// The key.
        key: String,
    },
    /// Remove the user. IAM refuses that while it has keys or policies.
    DeleteUser {
        /// The user.
        user: String,
    },
}

impl Action for IamAction {
    fn verb(&self) -> Verb {
        match self {
            IamAction::CreateUser { .. } | IamAction::CreateKey { .. } => Verb::Create,
            IamAction::TagUser { .. }
            | IamAction::PutPolicy { .. }
            | IamAction::DetachPolicy { .. }
            | IamAction::LeaveGroup { .. }
            | IamAction::ActivateKey { .. } => Verb::Change,
            IamAction::DeletePolicy { .. } | IamAction::DeleteKey { .. } | IamAction::DeleteUser { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            IamAction::CreateUser { .. } => "iam-create-user",
            IamAction::TagUser { .. } => "iam-tag-user",
            IamAction::PutPolicy { .. } => "iam-put-policy",
            IamAction::DeletePolicy { .. } => "iam-delete-policy",
            IamAction::DetachPolicy { .. } => "iam-detach-policy",
            IamAction::LeaveGroup { .. } => "iam-leave-group",
            IamAction::CreateKey { .. } => "iam-create-key",
            IamAction::ActivateKey { .. } => "iam-activate-key",
            IamAction::DeleteKey { .. } => "iam-delete-key",
            IamAction::DeleteUser { .. } => "iam-delete-user",
        }
    }
}

impl fmt::Display for IamAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IamAction::CreateUser { user } => write!(f, "create user `{user}`"),
            IamAction::TagUser { user } => write!(f, "tag user `{user}` as the tenant's"),
            IamAction::PutPolicy { user, difference, is_first: _ } => {
                write!(f, "set the policy of user `{user}`: {difference}")
            }
            IamAction::DeletePolicy { user, policy } => write!(f, "delete policy `{policy}` of user `{user}`"),
            IamAction::DetachPolicy { user, policy } => write!(f, "detach from user `{user}`: `{policy}`"),
            IamAction::LeaveGroup { user, group } => write!(f, "take user `{user}` out of group `{group}`"),
            IamAction::CreateKey { user } => write!(f, "create an access key of user `{user}`"),
            IamAction::ActivateKey { user, key } => write!(f, "activate access key `{key}` of user `{user}`"),
            IamAction::DeleteKey { user, key } => write!(f, "delete access key `{key}` of user `{user}`"),
            IamAction::DeleteUser { user } => write!(f, "delete user `{user}`"),
        }
    }
}

pub(super) fn decide(
    asked: Asked<'_, ObjectStoreUserSpec>,
    seen: &Seen,
    adopts: bool,
) -> Result<Vec<IamAction>, Refusal> {
    let Asked { wanted, claim: _, stored: _ } = asked;
    let user = || wanted.name.clone();
    let goal = Policy::of_user(None, &wanted.spec.buckets, &wanted.spec.actions);
    let Some(found) = &seen.user else {
        if let Some(key) = &seen.stored_key {
            return Err(lost(wanted, key));
        }
        let difference = super::difference(true, &Policy::default(), &goal);
        return Ok(vec![
            IamAction::CreateUser { user: user() },
            IamAction::PutPolicy { user: user(), difference, is_first: true },
            IamAction::CreateKey { user: user() },
        ]);
    };
    if let Some(refusal) = Refusal::of(&found.owner, provision::Kind::ObjectStoreUser, wanted, adopts) {
        return Err(refusal);
    }
    let mut actions = excess(&user(), found);
    if found.owner != Owner::Ours {
        actions.push(IamAction::TagUser { user: user() });
    }
    let policy = found.policy.clone().unwrap_or_default();
    if policy.statements != goal.statements {
        let difference = super::difference(true, &policy, &goal);
        actions.push(IamAction::PutPolicy { user: user(), difference, is_first: false });
    }
    if seen.is_entry_known {
        actions.extend(keys(wanted, found, seen.stored_key.as_deref())?);
    }
    Ok(actions)
}

/// What a user has beyond its own policy.
fn excess(user: &str, found: &User) -> Vec<IamAction> {
    let user = || user.to_owned();
    let User { owner: _, policy: _, other_policies, attached, groups, keys: _ } = found;
    let detach = attached.iter().map(|policy| IamAction::DetachPolicy { user: user(), policy: policy.clone() });
    let delete = other_policies.iter().map(|policy| IamAction::DeletePolicy { user: user(), policy: policy.clone() });
    let leave = groups.iter().map(|group| IamAction::LeaveGroup { user: user(), group: group.clone() });
    detach.chain(delete).chain(leave).collect()
}

fn keys(
    wanted: &provision::Wanted<ObjectStoreUserSpec>,
    found: &User,
    stored: Option<&str>,
) -> Result<Vec<IamAction>, Refusal> {
    let user = || wanted.name.clone();
    let delete = |key: &Key| IamAction::DeleteKey { user: user(), key: key.id.clone() };
    let Some(stored) = stored else {
        let mut actions: Vec<IamAction> =
            if found.keys.len() < MOST_KEYS { Vec::new() } else { found.keys.iter().take(1).map(delete).collect() };
        actions.push(IamAction::CreateKey { user: user() });
        return Ok(actions);
    };
    let Some(key) = found.keys.iter().find(|key| key.id == stored) else { return Err(lost(wanted, stored)) };
    let mut actions: Vec<IamAction> = found.keys.iter().filter(|other| other.id != stored).map(delete).collect();
    if !key.is_active {
        actions.push(IamAction::ActivateKey { user: user(), key: stored.to_owned() });
    }
    Ok(actions)
}

fn lost(wanted: &provision::Wanted<ObjectStoreUserSpec>, key: &str) -> Refusal {
    let entry = wanted.secret.as_ref().map(|secret| secret.key.clone()).unwrap_or_default();
    Refusal::Impossible {
        what: format!("access key `{key}` of user `{}` is stored, and IAM has it no more", wanted.name),
        help: format!("IAM tells no secret twice: delete the stored entry `{entry}`, then a new key is made"),
    }
}

/// A key that is made or removed may be one that another run has the secret of.
pub(super) fn is_contested(action: &IamAction) -> bool {
    matches!(action, IamAction::CreateKey { .. } | IamAction::DeleteKey { .. })
}

/// Keys go first: from then on nobody gets in.
pub(super) fn destroy(asked: Asked<'_, ObjectStoreUserSpec>, seen: &Seen) -> Result<Vec<IamAction>, Refusal> {
    let wanted = asked.wanted;
    let Some(found) = &seen.user else { return Ok(Vec::new()) };
    if let Some(refusal) = Refusal::of(&found.owner, provision::Kind::ObjectStoreUser, wanted, false) {
        return Err(refusal);
    }
    let user = || wanted.name.clone();
    let mut actions: Vec<IamAction> =
        found.keys.iter().map(|key| IamAction::DeleteKey { user: user(), key: key.id.clone() }).collect();
    actions.extend(excess(&user(), found));
    actions.extend(found.policy.is_some().then(|| IamAction::DeletePolicy { user: user(), policy: user() }));
    actions.push(IamAction::DeleteUser { user: user() });
    Ok(actions)
}

/// A key's id is in its answer alone, and its secret is stored by then: it stays, and so does its user, without rights.
pub(super) fn undo(action: &IamAction) -> Option<IamAction> {
    match action {
        IamAction::PutPolicy { user, difference: _, is_first: true } => {
            Some(IamAction::DeletePolicy { user: user.clone(), policy: user.clone() })
        }
        _ => None,
    }
}
