//! The stand-in of an object store with MinIO's user administration: its users.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Observer, Performer, Prober, digest, object_store::Server};
use crate::{
    engine::{Access, Look, Observe, Perform, Probe, Trouble, TroubleKind, service::Answers},
    provision::{Wanted, object_store::ObjectStoreUserSpec},
    steps::{
        Action,
        claim::Owner,
        object_store_user::{MinioAction, ObjectStoreUser, Seen, UserAction, minio},
        policy::Policy,
    },
};

/// A user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The digest of its secret key.
    pub secret: String,
    /// Whether it may log in.
    pub is_enabled: bool,
    /// The policies that are attached to it.
    pub policies: BTreeSet<String>,
    /// The groups that it is in.
    pub groups: BTreeSet<String>,
}

impl Observe<ObjectStoreUser> for Observer {
    async fn observe(&self, looks: &[Look<'_, ObjectStoreUserSpec>]) -> Vec<Result<Seen, Trouble>> {
        let mut seen = Vec::with_capacity(looks.len());
        for look in looks {
            let name = &look.wanted().name;
            let found = self.0.read("read a user of the object store", |state| {
                let server = &state.objects;
                let policy = server.policies.get(name).map(|text| Policy::read(text)).map(|policy| {
                    let owner = Owner::of(policy.id.as_deref(), look.asked.claim);
                    minio::Claimed { owner, policy }
                });
                let stored = look.entry.and_then(|entry| entry.get("secretKey")).map(digest);
                let user = server.users.get(name).map(|User { secret, is_enabled, policies, groups }| minio::User {
                    is_enabled: *is_enabled,
                    policies: policies.clone(),
                    groups: groups.clone(),
                    login: stored.filter(|_| *is_enabled).map(|stored| stored == *secret),
                });
                Ok(Seen::Minio(minio::Seen { policy, user }))
            });
            seen.push(found.await);
        }
        seen
    }
}

impl Perform<ObjectStoreUser> for Performer {
    async fn perform(&self, look: Look<'_, ObjectStoreUserSpec>, action: &UserAction) -> Result<Answers, Trouble> {
        let UserAction::Minio(action) = action else {
            return Err(Trouble::new(TroubleKind::Refused, "sandbox: the object store has no IAM"));
        };
        let write = self.0.write(action.name(), |state| {
            change(&mut state.objects, look, action)?;
            Ok(Answers::new())
        });
        write.await
    }
}

fn change(server: &mut Server, look: Look<'_, ObjectStoreUserSpec>, action: &MinioAction) -> Result<(), Trouble> {
    let trouble = |kind, what: &str| Err(Trouble::new(kind, format!("sandbox: {what}")));
    let missing = || Trouble::new(TroubleKind::Missing, "sandbox: there is no such user");
    match action {
        MinioAction::CreatePolicy { policy } if server.policies.contains_key(policy) => {
            return trouble(TroubleKind::Exists, "the policy is there already");
        }
        MinioAction::CreatePolicy { policy } | MinioAction::ReplacePolicy { policy, difference: _ } => {
            let ObjectStoreUserSpec { buckets, actions } = &look.wanted().spec;
            let document = Policy::of_user(Some(look.asked.claim), buckets, actions).json();
            server.policies.insert(policy.clone(), document.to_string());
        }
        MinioAction::CreateUser { user } if server.users.contains_key(user) => {
            return trouble(TroubleKind::Exists, "the user is there already");
        }
        MinioAction::CreateUser { user } | MinioAction::SetSecret { user } => {
            let entry = look.entry.ok_or_else(|| Trouble::new(TroubleKind::Setup, "no stored credential"))?;
            let secret = digest(entry.need("secretKey")?);
            let found = server.users.entry(user.clone()).or_default();
            (found.secret, found.is_enabled) = (secret, true);
        }
        MinioAction::Enable { user } => server.users.get_mut(user).ok_or_else(missing)?.is_enabled = true,
        MinioAction::Disable { user } => server.users.get_mut(user).ok_or_else(missing)?.is_enabled = false,
        MinioAction::Attach { user } => {
            if !server.policies.contains_key(user) {
                return trouble(TroubleKind::Missing, "there is no such policy");
            }
            if !server.users.get_mut(user).ok_or_else(missing)?.policies.insert(user.clone()) {
                return trouble(TroubleKind::Exists, "the policy is attached already");
            }
        }
        MinioAction::Detach { user, policies } => {
            let found = server.users.get_mut(user).ok_or_else(missing)?;
            found.policies.retain(|policy| !policies.contains(policy));
        }
        MinioAction::LeaveGroup { user, group } => {
            server.users.get_mut(user).ok_or_else(missing)?.groups.remove(group);
        }
        MinioAction::RemoveUser { user } => drop(server.users.remove(user).ok_or_else(missing)?),
        MinioAction::RemovePolicy { policy } => {
            if server.users.values().any(|user| user.policies.contains(policy)) {
                return trouble(TroubleKind::Busy, "the policy is attached to a user");
            }
            server.policies.remove(policy);
        }
    }
    Ok(())
}

impl Probe<ObjectStoreUser> for Prober {
    async fn probe(
        &self,
        own: Look<'_, ObjectStoreUserSpec>,
        targets: &[&Wanted<ObjectStoreUserSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let probe = self.0.read("try buckets", |state| {
            let server = &state.objects;
            let stored = own.entry.and_then(|entry| entry.get("secretKey")).map(digest);
            let user = server.users.get(&own.wanted().name).filter(|user| user.is_enabled);
            let Some(user) = user.filter(|user| Some(&user.secret) == stored.as_ref()) else {
                return Err(Trouble::new(TroubleKind::Credential, "the user does not get in"));
            };
            let policies: Vec<Policy> = user
                .policies
                .iter()
                .filter_map(|name| server.policies.get(name))
                .map(|text| Policy::read(text))
                .collect();
            let tries = targets.iter().enumerate().map(|(at, target)| {
                let mut buckets = target.spec.buckets.iter();
                let reached: Vec<&String> = buckets.by_ref().filter(|bucket| reaches(&policies, bucket)).collect();
                let is_in = if at == 0 { reached.len() == target.spec.buckets.len() } else { !reached.is_empty() };
                Ok(if is_in { Access::Allowed(format!("list {}", target.name)) } else { Access::Denied })
            });
            Ok(tries.collect())
        });
        probe.await
    }
}

fn reaches(policies: &[Policy], bucket: &str) -> bool {
    let arn = format!("arn:aws:s3:::{bucket}");
    let matches = |resource: &String| match resource.strip_suffix('*') {
        Some(prefix) => arn.starts_with(prefix),
        None => *resource == arn,
    };
    policies
        .iter()
        .flat_map(|policy| &policy.statements)
        .any(|one| one.effect == "Allow" && one.resources.iter().any(matches))
}
