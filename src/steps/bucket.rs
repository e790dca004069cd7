//! `bucket`: an S3 bucket with its versions, lifecycle, public prefix, quota and encryption.
//!
//! The claim is a tag, [`TAG`]. Making a bucket and tagging it are two requests; a run that dies in between would leave
//! a bucket that is nobody's. So an intent comes first: an object in a ledger bucket, written only if there is none. A
//! bucket without a claim is whose the intent is, if it is not older than that and holds nothing. Once the
//! claim is in the tags the intent goes: whoever makes a bucket of that name later is somebody else.
//!
//! Nothing is public for longer than it should be: a policy that says too much goes before anything else is done, and
//! one that lets everybody read comes last.

pub mod action;
pub mod seen;

pub use action::BucketAction;
pub use seen::{Bucket, Goal, Presence, PublicAccess, Rule, Seen, Store, Versioning};

use super::{Allow, Asked, Kind, Refusal, claim::Owner, policy::is_literal};
use crate::provision::{
    self, Wanted,
    connection::ObjectStoreFlavour,
    object_store::{BucketSpec, Encryption},
};

/// The kind `bucket`.
#[derive(Debug)]
pub struct S3Bucket;

/// The key of the tag whose value is the claim.
pub const TAG: &str = "tenantry";

/// How the ledger is called; on AWS, where names are shared by all accounts, with a digest of the account behind it.
pub const LEDGER: &str = "tenantry-ledger";

/// Returns the key of a bucket's intent in the ledger.
pub fn intent_key(bucket: &str) -> String {
    format!("claims/{bucket}.json")
}

impl Kind for S3Bucket {
    const KIND: provision::Kind = provision::Kind::Bucket;
    type Spec = BucketSpec;
    type Seen = Seen;
    type Action = BucketAction;

    fn decide(asked: Asked<'_, BucketSpec>, seen: &Seen, allow: &Allow) -> Result<Vec<BucketAction>, Refusal> {
        let Asked { wanted, claim: _, stored: _ } = asked;
        let Seen { store, intent, bucket } = seen;
        let adopts = allow.adopts(Self::KIND, &wanted.name);
        let name = || wanted.name.clone();
        let forget = || BucketAction::ForgetIntent { ledger: store.ledger.clone(), bucket: name() };
        let mut actions = Vec::new();
        let found = match bucket {
            Presence::Elsewhere => return Err(elsewhere(wanted)),
            Presence::Absent => {
                if let Some(refusal) = intent.as_ref().and_then(|owner| Refusal::of(owner, Self::KIND, wanted, adopts))
                {
                    return Err(refusal);
                }
                if !store.has_ledger {
                    actions.push(BucketAction::CreateLedger { ledger: store.ledger.clone() });
                }
                if intent.is_some() && *intent != Some(Owner::Ours) {
                    actions.push(forget());
                }
                if *intent != Some(Owner::Ours) {
                    let ledger = store.ledger.clone();
                    actions.push(BucketAction::DeclareIntent { ledger, bucket: name() });
                }
                let without = (store.flavour == ObjectStoreFlavour::Aws && wanted.spec.quota.is_some())
                    .then(|| "its quota, which AWS has not".to_owned());
                actions.extend([
                    BucketAction::Create {
                        ledger: store.ledger.clone(),
                        bucket: name(),
                        region: store.region.clone(),
                        without,
                    },
                    BucketAction::Tag { bucket: name(), others: Default::default() },
                    forget(),
                ]);
                &Bucket::new(store)
            }
            Presence::Here(bucket) => {
                if let Some(refusal) = Refusal::of(&owner(bucket, intent), Self::KIND, wanted, adopts) {
                    return Err(refusal);
                }
                if bucket.owner != Owner::Ours {
                    actions.push(BucketAction::Tag { bucket: name(), others: bucket.tags.clone() });
                }
                if *intent == Some(Owner::Ours) {
                    actions.push(forget());
                }
                bucket
            }
        };
        can_be(wanted, store, found)?;
        actions.extend(settings(wanted, store, found));
        Ok(actions)
    }

    fn destroy(asked: Asked<'_, BucketSpec>, seen: &Seen) -> Result<Vec<BucketAction>, Refusal> {
        let Seen { store, intent, bucket } = seen;
        let name = || asked.wanted.name.clone();
        let mut actions = Vec::new();
        if let Presence::Here(bucket) = bucket {
            if let Some(refusal) = Refusal::of(&owner(bucket, intent), Self::KIND, asked.wanted, false) {
                return Err(refusal);
            }
            if bucket.policy.is_some() {
                actions.push(BucketAction::RemovePolicy { bucket: name() });
            }
            actions.extend([BucketAction::Empty { bucket: name() }, BucketAction::Delete { bucket: name() }]);
        }
        if *intent == Some(Owner::Ours) {
            actions.push(BucketAction::ForgetIntent { ledger: store.ledger.clone(), bucket: name() });
        }
        Ok(actions)
    }

    /// The server itself refuses to delete a bucket that holds anything. An intent stays, and is there before the bucket
    /// goes: another run may have seen it, and be about to make the bucket again.
    fn undo(action: &BucketAction) -> Vec<BucketAction> {
        match action {
            BucketAction::Create { ledger, bucket, region: _, without: _ } => vec![
                BucketAction::DeclareIntent { ledger: ledger.clone(), bucket: bucket.clone() },
                BucketAction::Delete { bucket: bucket.clone() },
            ],
            _ => Vec::new(),
        }
    }

    fn exists(_: Asked<'_, BucketSpec>, seen: &Seen) -> bool {
        matches!(seen.bucket, Presence::Here(_))
    }
}

/// Whose a bucket is: by its tags, or without any, by the intent to make it.
fn owner(bucket: &Bucket, intent: &Option<Owner>) -> Owner {
    match (&bucket.owner, intent) {
        (Owner::Unmarked, Some(intent)) if bucket.is_fresh => intent.clone(),
        (owner, _) => owner.clone(),
    }
}

fn elsewhere(wanted: &Wanted<BucketSpec>) -> Refusal {
    Refusal::Impossible {
        what: format!("bucket `{}` belongs to an account that this administrator is not of", wanted.name),
        help: "names of buckets are shared by all accounts: change `naming.bucket` in `tenantry.yaml`".to_owned(),
    }
}

/// Refuses what the server cannot do, before anything is changed.
fn can_be(wanted: &Wanted<BucketSpec>, store: &Store, found: &Bucket) -> Result<(), Refusal> {
    let Wanted { name, spec, .. } = wanted;
    let impossible = |what: String, help: &str| Err(Refusal::Impossible { what, help: help.to_owned() });
    if *name == store.ledger {
        return impossible(format!("bucket `{name}` is for tenantry's own notes"), "give the bucket another name");
    }
    if !is_literal(name) || spec.public_prefix.as_deref().is_some_and(|prefix| !is_literal(prefix)) {
        let what = format!("a policy for bucket `{name}` would say more than its public prefix");
        return impossible(what, "write names and prefixes without `*`, `?` and `$`");
    }
    if spec.quota.is_some() && spec.quota_bytes().is_none() {
        let what = format!("the quota of bucket `{name}` is no number of bytes");
        return impossible(what, "write a quantity such as `150Gi`");
    }
    if store.flavour == ObjectStoreFlavour::Aws && found.region != store.region {
        let what = format!("bucket `{name}` is in region {}, not in {}", found.region, store.region);
        return impossible(what, "a bucket cannot move: copy it to a new one, or change the connection's `region`");
    }
    if spec.encryption.is_some() && found.encryption != spec.encryption && lacks_keys(store) {
        let what = format!("bucket `{name}` cannot encrypt: the server has no key management");
        return impossible(what, "set MINIO_KMS_SECRET_KEY or a key server, or take `encryption` out");
    }
    Ok(())
}

fn lacks_keys(store: &Store) -> bool {
    store.flavour == ObjectStoreFlavour::Minio && store.default_key.is_none()
}

/// Returns what leads from the settings that a bucket has to those that it shall have.
fn settings(wanted: &Wanted<BucketSpec>, store: &Store, found: &Bucket) -> Vec<BucketAction> {
    let Wanted { name, spec, .. } = wanted;
    let goal = Goal::of(name, spec, store.flavour);
    let Goal { versioning, lifecycle, policy, quota, encryption, public_access } = &goal;
    let name = || name.clone();
    let mut actions = Vec::new();
    let says = |policy: &Option<super::policy::Policy>| policy.as_ref().map(|policy| policy.statements.clone());
    let policy_differs = says(&found.policy) != says(policy);
    let opens = public_access.is_some() && found.public_access != *public_access && policy.is_some();
    let removes = found.policy.is_some() && policy_differs && (policy.is_none() || opens);
    if removes {
        actions.push(BucketAction::RemovePolicy { bucket: name() });
    }
    if let (Some(access), true) = (public_access, found.public_access != *public_access) {
        actions.push(BucketAction::SetPublicAccess { bucket: name(), blocks_policies: access.blocks_policies });
    }
    if *versioning != (found.versioning == Versioning::Enabled) {
        let from = found.versioning.to_string();
        actions.push(BucketAction::SetVersioning { bucket: name(), from, enabled: *versioning });
    }
    if found.lifecycle != *lifecycle {
        let from = rules(&found.lifecycle);
        actions.push(match lifecycle.is_empty() {
            true => BucketAction::RemoveLifecycle { bucket: name(), from },
            false => BucketAction::SetLifecycle { bucket: name(), from, to: rules(lifecycle) },
        });
    }
    if found.quota != *quota {
        actions.push(BucketAction::SetQuota { bucket: name(), from: found.quota, to: *quota });
    }
    if found.encryption != *encryption {
        actions.push(encrypt(name(), spec.encryption, store));
    }
    if let (Some(prefix), true) = (&spec.public_prefix, policy_differs) {
        let replaces = found.policy.is_some() && !removes;
        actions.push(BucketAction::SetPolicy { bucket: name(), prefix: prefix.clone(), replaces });
    }
    actions
}

fn encrypt(bucket: String, wanted: Option<Encryption>, store: &Store) -> BucketAction {
    match wanted {
        None => BucketAction::RemoveEncryption { bucket },
        Some(algorithm) => {
            let key = (algorithm == Encryption::Kms).then(|| store.default_key.clone()).flatten();
            BucketAction::SetEncryption { bucket, algorithm, key }
        }
    }
}

fn rules(rules: &[Rule]) -> String {
    let said: Vec<String> = rules.iter().map(Rule::to_string).collect();
    if said.is_empty() { "none".to_owned() } else { said.join("; ") }
}

#[cfg(test)]
mod tests;
