//! What may be done with a bucket: one request each, but for emptying it.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{
    provision::object_store::Encryption,
    steps::{Action, Verb},
};

/// One request to the object store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum BucketAction {
    /// Make the bucket for intents. It is the engine's own, not a tenant's: that it is there already is as good.
    CreateLedger {
        /// Its name.
        ledger: String,
    },
    /// Write down who is about to make the bucket, only if nobody else has.
    DeclareIntent {
        /// The bucket with the intents.
        ledger: String,
        /// The bucket.
        bucket: String,
    },
    /// Make the bucket.
    Create {
        /// The bucket with the intents.
        ledger: String,
        /// The bucket.
        bucket: String,
        /// Its region.
        region: String,
        /// What the document wants that this server cannot do, and that does no harm where it is missing.
        without: Option<String>,
    },
    /// Write the claim into the tags.
    Tag {
        /// The bucket.
        bucket: String,
        /// The tags of others, which are kept.
        others: BTreeMap<String, String>,
    },
    /// Take an intent out of the ledger.
    ForgetIntent {
        /// The bucket with the intents.
        ledger: String,
        /// The bucket.
        bucket: String,
    },
    /// Keep old versions, or make no more of them.
    SetVersioning {
        /// The bucket.
        bucket: String,
        /// How it was.
        from: String,
        /// Whether they are kept.
        enabled: bool,
    },
    /// Replace all lifecycle rules.
    SetLifecycle {
        /// The bucket.
        bucket: String,
        /// The rules that were.
        from: String,
        /// The rules that shall be.
        to: String,
    },
    /// Remove all lifecycle rules.
    RemoveLifecycle {
        /// The bucket.
        bucket: String,
        /// The rules that were.
        from: String,
    },
    /// Let nobody in by the bucket's policy.
    RemovePolicy {
        /// The bucket.
        bucket: String,
    },
    /// Block what could make the bucket public, but for its policy where that shall.
    SetPublicAccess {
        /// The bucket.
        bucket: String,
        /// Whether policies for everybody are blocked, too.
        blocks_policies: bool,
    },
    /// Let everybody read what is below one prefix, and nothing else.
    SetPolicy {
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
        /// Whether another policy is replaced.
        replaces: bool,
    },
    /// Bound what the bucket may hold.
    SetQuota {
        /// The bucket.
        bucket: String,
        /// Bytes that were.
        from: Option<u64>,
        /// Bytes that shall be.
        to: Option<u64>,
    },
    /// Encrypt new objects.
    SetEncryption {
        /// The bucket.
        bucket: String,
        /// With whose keys.
        algorithm: Encryption,
        /// The key, where the server must be told one.
        key: Option<String>,
    },
    /// Encrypt new objects no more than the server does by itself.
    RemoveEncryption {
        /// The bucket.
        bucket: String,
    },
    /// Delete every object, every version, every delete marker and every unfinished upload: as many requests as it
    /// takes. Cut anywhere, it has deleted some, and the next run goes on.
    Empty {
        /// The bucket.
        bucket: String,
    },
    /// Delete the bucket. Servers refuse that while it holds anything.
    Delete {
        /// The bucket.
        bucket: String,
    },
}

impl Action for BucketAction {
    fn verb(&self) -> Verb {
        match self {
            BucketAction::CreateLedger { .. } | BucketAction::DeclareIntent { .. } | BucketAction::Create { .. } => {
                Verb::Create
            }
            BucketAction::Tag { .. }
            | BucketAction::ForgetIntent { .. }
            | BucketAction::SetVersioning { .. }
            | BucketAction::SetLifecycle { .. }
            | BucketAction::RemoveLifecycle { .. }
            | BucketAction::RemovePolicy { .. }
            | BucketAction::SetPublicAccess { .. }
            | BucketAction::SetPolicy { .. }
            | BucketAction::SetQuota { .. }
            | BucketAction::SetEncryption { .. }
            | BucketAction::RemoveEncryption { .. } => Verb::Change,
            BucketAction::Empty { .. } | BucketAction::Delete { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            BucketAction::CreateLedger { .. } => "s3-create-ledger",
            BucketAction::DeclareIntent { .. } => "s3-declare-intent",
            BucketAction::Create { .. } => "s3-create-bucket",
            BucketAction::Tag { .. } => "s3-tag-bucket",
            BucketAction::ForgetIntent { .. } => "s3-forget-intent",
            BucketAction::SetVersioning { .. } => "s3-set-versioning",
            BucketAction::SetLifecycle { .. } => "s3-set-lifecycle",
            BucketAction::RemoveLifecycle { .. } => "s3-remove-lifecycle",
            BucketAction::RemovePolicy { .. } => "s3-remove-bucket-policy",
            BucketAction::SetPublicAccess { .. } => "s3-set-public-access",
            BucketAction::SetPolicy { .. } => "s3-set-bucket-policy",
            BucketAction::SetQuota { .. } => "s3-set-quota",
            BucketAction::SetEncryption { .. } => "s3-set-encryption",
            BucketAction::RemoveEncryption { .. } => "s3-remove-encryption",
            BucketAction::Empty { .. } => "s3-empty-bucket",
            BucketAction::Delete { .. } => "s3-delete-bucket",
        }
    }
}

impl fmt::Display for BucketAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BucketAction::CreateLedger { ledger } => write!(f, "create bucket `{ledger}` for tenantry's own notes"),
            BucketAction::DeclareIntent { ledger: _, bucket } => {
                write!(f, "note that bucket `{bucket}` is about to be made")
            }
            BucketAction::Create { ledger: _, bucket, region, without: None } => {
                write!(f, "create bucket `{bucket}` in {region}")
            }
            BucketAction::Create { ledger: _, bucket, region, without: Some(what) } => {
                write!(f, "create bucket `{bucket}` in {region}, without {what}")
            }
            BucketAction::Tag { bucket, others: _ } => write!(f, "tag bucket `{bucket}` as the tenant's"),
            BucketAction::ForgetIntent { ledger: _, bucket } => write!(f, "remove the note on bucket `{bucket}`"),
            BucketAction::SetVersioning { bucket, from, enabled } => {
                write!(f, "bucket `{bucket}`: versioning {from} → {}", if *enabled { "on" } else { "suspended" })
            }
            BucketAction::SetLifecycle { bucket, from, to } => {
                write!(f, "bucket `{bucket}`: lifecycle {from} → {to}")
            }
            BucketAction::RemoveLifecycle { bucket, from } => write!(f, "bucket `{bucket}`: lifecycle {from} → none"),
            BucketAction::RemovePolicy { bucket } => write!(f, "bucket `{bucket}`: remove its policy"),
            BucketAction::SetPublicAccess { bucket, blocks_policies: true } => {
                write!(f, "bucket `{bucket}`: block all public access")
            }
            BucketAction::SetPublicAccess { bucket, blocks_policies: false } => {
                write!(f, "bucket `{bucket}`: block public access, but for its policy")
            }
            BucketAction::SetPolicy { bucket, prefix, replaces } => {
                let instead = if *replaces { " instead of another policy" } else { "" };
                write!(f, "bucket `{bucket}`: let everybody read below `{prefix}`{instead}")
            }
            BucketAction::SetQuota { bucket, from, to } => {
                let said = |size: &Option<u64>| size.map_or("none".to_owned(), |size| format!("{size} bytes"));
                write!(f, "bucket `{bucket}`: quota {} → {}", said(from), said(to))
            }
            BucketAction::SetEncryption { bucket, algorithm, key: _ } => {
                write!(f, "bucket `{bucket}`: encrypt new objects with {}", algorithm.name())
            }
            BucketAction::RemoveEncryption { bucket } => write!(f, "bucket `{bucket}`: remove its default encryption"),
            BucketAction::Empty { bucket } => {
                write!(f, "delete every object and every version in bucket `{bucket}`")
            }
            BucketAction::Delete { bucket } => write!(f, "delete bucket `{bucket}`"),
        }
    }
}
