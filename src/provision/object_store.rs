//! `bucket` and `objectStoreUser`: S3 buckets, and a user with a policy for exactly its buckets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of a `bucket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BucketSpec {
    /// Whether old versions of objects are kept.
    #[serde(default)]
    pub versioning: bool,
    /// Days after which an overwritten or deleted version goes; live objects never expire. Needs `versioning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub noncurrent_days: Option<u32>,
    /// Days after which the parts of an unfinished upload go.
    #[serde(default = "a_week")]
    #[schemars(range(min = 1))]
    pub abort_multipart_days: u32,
    /// The only prefix that everybody may read, `public/` for example; nothing is public where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*/$"))]
    pub public_prefix: Option<String>,
    /// The most that the bucket may hold, as a quantity (`150Gi`), where the server has quotas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
    /// The default encryption of new objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
}

/// Default encryption of new objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encryption {
    /// Keys of the object store.
    #[serde(rename = "AES256")]
    Aes256,
    /// Keys of a key management service.
    #[serde(rename = "aws:kms")]
    Kms,
}

/// Settings of an `objectStoreUser`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectStoreUserSpec {
    /// In a tier file: groups of buckets (`files`) or single ones (`files/products`). In a document: bucket names.
    pub buckets: Vec<String>,
    /// What the user may do with objects in those buckets; it may always list them.
    #[serde(default = "read_and_write")]
    pub actions: Vec<ObjectAction>,
}

/// A right on the objects of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ObjectAction {
    /// Read objects.
    #[serde(rename = "s3:GetObject")]
    Get,
    /// Write objects.
    #[serde(rename = "s3:PutObject")]
    Put,
    /// Delete objects.
    #[serde(rename = "s3:DeleteObject")]
    Delete,
    /// Read old versions.
    #[serde(rename = "s3:GetObjectVersion")]
    GetVersion,
    /// Give up unfinished uploads.
    #[serde(rename = "s3:AbortMultipartUpload")]
    AbortMultipartUpload,
}

fn a_week() -> u32 {
    7
}

fn read_and_write() -> Vec<ObjectAction> {
    vec![ObjectAction::Get, ObjectAction::Put, ObjectAction::Delete, ObjectAction::AbortMultipartUpload]
}
