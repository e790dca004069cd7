//! The stand-in of AWS IAM: it makes keys itself, tells their secrets once, and refuses to remove a user that has any.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Sandbox, digest};
use crate::{
    engine::{Look, Secret, Trouble, TroubleKind, service::Answers},
    provision::{Wanted, object_store::ObjectStoreUserSpec, secret::SecretField},
    steps::{
        Action,
        claim::Owner,
        object_store_user::{IamAction, iam},
        policy::Policy,
    },
};

/// What the server keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// How many keys were made: ids are never used twice.
    pub keys: u64,
}

/// A user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The text of its claim.
    pub claim: Option<String>,
    /// Inline policies by name, as JSON.
    pub policies: BTreeMap<String, String>,
    /// Managed policies.
    pub attached: BTreeSet<String>,
    /// Groups.
    pub groups: BTreeSet<String>,
    /// Keys, the oldest first: id, digest of the secret, whether it lets in.
    pub keys: Vec<(String, String, bool)>,
}

/// Returns whether a user is one of IAM: its keys are answers, not made by us.
pub(super) fn serves(wanted: &Wanted<ObjectStoreUserSpec>) -> bool {
    let key = wanted.secret.as_ref().and_then(|secret| secret.fields.get("secretKey"));
    matches!(key, Some(SecretField::Answer(_)))
}

pub(super) async fn seen(sandbox: &Sandbox, look: Look<'_, ObjectStoreUserSpec>) -> Result<iam::Seen, Trouble> {
    let name = &look.wanted().name;
    let stored = look.entry.and_then(|entry| entry.get("accessKey")).map(|key| key.expose().to_owned());
    let read = sandbox.read("read a user of IAM", |state| {
        let user = state.iam.users.get(name).map(|User { claim, policies, attached, groups, keys }| iam::User {
            owner: Owner::of(claim.as_deref(), look.asked.claim),
            policy: policies.get(name).map(|text| Policy::read(text)),
            other_policies: policies.keys().filter(|policy| *policy != name).cloned().collect(),
            attached: attached.clone(),
            groups: groups.clone(),
            keys: keys.iter().map(|(id, _, is_active)| iam::Key { id: id.clone(), is_active: *is_active }).collect(),
        });
        Ok(iam::Seen { user, stored_key: stored, is_entry_known: look.entry.is_some() })
    });
    read.await
}

pub(super) async fn perform(
    sandbox: &Sandbox,
    look: Look<'_, ObjectStoreUserSpec>,
    action: &IamAction,
) -> Result<Answers, Trouble> {
    // Chosen outside: the stand-ins themselves have no chance in them.
    let secret = Secret::random(40)?;
    let write = sandbox.write(action.name(), |state| change(&mut state.iam, look, action, secret));
    write.await
}

fn change(
    server: &mut Server,
    look: Look<'_, ObjectStoreUserSpec>,
    action: &IamAction,
    secret: Secret,
) -> Result<Answers, Trouble> {
    let claim = Some(look.asked.claim.to_string());
    if let IamAction::CreateUser { user } = action {
        if server.users.contains_key(user) {
            return Err(Trouble::new(TroubleKind::Exists, "sandbox: the user is there already"));
        }
        server.users.insert(user.clone(), User { claim, ..User::default() });
        return Ok(Answers::new());
    }
    let name = &look.wanted().name;
    let missing = || Trouble::new(TroubleKind::Missing, format!("sandbox: there is no user `{name}`"));
    let user = server.users.get_mut(name).ok_or_else(missing)?;
    match action {
        IamAction::CreateUser { .. } => {}
        IamAction::TagUser { .. } => user.claim = claim,
        IamAction::PutPolicy { .. } => {
            let ObjectStoreUserSpec { buckets, actions } = &look.wanted().spec;
            let policy = Policy::of_user(None, buckets, actions).json().to_string();
            user.policies.insert(name.clone(), policy);
        }
        IamAction::DeletePolicy { user: _, policy } => drop(user.policies.remove(policy).ok_or_else(missing)?),
        IamAction::DetachPolicy { user: _, policy } => _ = user.attached.remove(policy),
        IamAction::LeaveGroup { user: _, group } => _ = user.groups.remove(group),
        IamAction::CreateKey { .. } if user.keys.len() >= 2 => {
            return Err(Trouble::new(TroubleKind::Exists, "sandbox: the user has two keys already"));
        }
        IamAction::CreateKey { .. } => {
            server.keys += 1;
            let id = format!("AKIASANDBOX{:09}", server.keys);
            user.keys.push((id.clone(), digest(&secret), true));
            return Ok(Answers::from([("accessKey".to_owned(), Secret::new(id)), ("secretKey".to_owned(), secret)]));
        }
        IamAction::ActivateKey { user: _, key } => {
            user.keys.iter_mut().filter(|(id, ..)| id == key).for_each(|(.., is_active)| *is_active = true);
        }
        IamAction::DeleteKey { user: _, key } => user.keys.retain(|(id, ..)| id != key),
        IamAction::DeleteUser { .. } => {
            if !(user.keys.is_empty() && user.policies.is_empty() && user.attached.is_empty() && user.groups.is_empty())
            {
                return Err(Trouble::new(TroubleKind::Busy, "sandbox: the user still has keys or policies"));
            }
            server.users.remove(name);
        }
    }
    Ok(Answers::new())
}

/// Lets a user in with its stored key; returns its policy.
pub(super) fn let_in(server: &Server, own: Look<'_, ObjectStoreUserSpec>) -> Result<Option<Policy>, Trouble> {
    let name = &own.wanted().name;
    let field = |field: &str| own.entry.and_then(|entry| entry.get(field));
    let refused = || Trouble::new(TroubleKind::Credential, "the user does not get in");
    let (access, secret) = (field("accessKey").ok_or_else(refused)?, field("secretKey").ok_or_else(refused)?);
    let user = server.users.get(name).ok_or_else(refused)?;
    let (access, secret) = (access.expose(), digest(secret));
    let opens = user.keys.iter().any(|(id, digest, is_active)| id == access && *digest == secret && *is_active);
    if opens { Ok(user.policies.get(name).map(|text| Policy::read(text))) } else { Err(refused()) }
}
