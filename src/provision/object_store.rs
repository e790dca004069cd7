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
    /// The most that the bucket may hold, as a quantity (`150Gi`), where the server has quotas; AWS has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
    /// The default encryption of new objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
}

impl BucketSpec {
    /// Returns the quota in bytes, rounded up; none where there is none, or where it is no quantity of bytes.
    pub fn quota_bytes(&self) -> Option<u64> {
        self.quota.as_deref().and_then(bytes)
    }
}

/// Reads a Kubernetes quantity of bytes: a decimal number with an exponent, a decimal suffix or a binary one.
fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let factor: u128 = match suffix {
        "" => 1,
        "k" => 1000,
        "M" => 1000_u128.pow(2),
        "G" => 1000_u128.pow(3),
        "T" => 1000_u128.pow(4),
        "P" => 1000_u128.pow(5),
        "E" => 1000_u128.pow(6),
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "Pi" => 1 << 50,
        "Ei" => 1 << 60,
        other => 10_u128.checked_pow(other.strip_prefix(['e', 'E'])?.parse().ok()?)?,
    };
    // Nine digits are less than a byte of any sum that a server can hold.
    let digits = fraction.len().min(9);
    let scale = 10_u128.pow(u32::try_from(digits).ok()?);
    let all: u128 = format!("{whole}{}", fraction.get(..digits)?).parse().ok()?;
    u64::try_from(all.checked_mul(factor)?.div_ceil(scale)).ok()
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

impl ObjectAction {
    /// Returns its name in policies.
    pub fn name(self) -> &'static str {
        match self {
            ObjectAction::Get => "s3:GetObject",
            ObjectAction::Put => "s3:PutObject",
            ObjectAction::Delete => "s3:DeleteObject",
            ObjectAction::GetVersion => "s3:GetObjectVersion",
            ObjectAction::AbortMultipartUpload => "s3:AbortMultipartUpload",
        }
    }
}

impl Encryption {
    /// Returns its name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Encryption::Aes256 => "AES256",
            Encryption::Kms => "aws:kms",
        }
    }
}

fn a_week() -> u32 {
    7
}

fn read_and_write() -> Vec<ObjectAction> {
    vec![ObjectAction::Get, ObjectAction::Put, ObjectAction::Delete, ObjectAction::AbortMultipartUpload]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_read_as_kubernetes_writes_them() {
        for (text, expected) in [
            ("150Gi", Some(150 << 30)),
            ("1.5Gi", Some(3 << 29)),
            ("0.1", Some(1)),
            ("2k", Some(2000)),
            ("1e9", Some(1_000_000_000)),
            ("500m", None),
            ("", None),
            ("-1Gi", None),
            ("99999999999Ei", None),
            ("1e99", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
