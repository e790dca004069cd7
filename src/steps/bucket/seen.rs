//! What is seen of a bucket, in the words that decisions compare.

use std::{collections::BTreeMap, fmt};

use crate::{
    provision::{
        connection::ObjectStoreFlavour,
        object_store::{BucketSpec, Encryption},
    },
    steps::{claim::Owner, policy::Policy},
};

/// What an object store says of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The store itself.
    pub store: Store,
    /// Whose intent to make a bucket of that name is in the ledger.
    pub intent: Option<Owner>,
    /// The bucket.
    pub bucket: Presence,
}

/// An object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Whose interface it has.
    pub flavour: ObjectStoreFlavour,
    /// The region that buckets are made in.
    pub region: String,
    /// The bucket with the intents.
    pub ledger: String,
    /// Whether that bucket is there.
    pub has_ledger: bool,
    /// The key that MinIO encrypts with where a bucket names none; none where it has no key management, or where
    /// nobody asked because no bucket is to be encrypted.
    pub default_key: Option<String>,
}

/// Whether a bucket is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nobody has one of that name.
    Absent,
    /// Somebody has one whom this administrator does not know: names are shared by all accounts of AWS.
    Elsewhere,
    /// It is there.
    Here(Box<Bucket>),
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Whose it is, by its tags.
    pub owner: Owner,
    /// Whether it holds nothing and is not older than the intent to make it. Looked at only where that decides.
    pub is_fresh: bool,
    /// Tags that are not the claim.
    pub tags: BTreeMap<String, String>,
    /// The region that it is in.
    pub region: String,
    /// Whether old versions are kept.
    pub versioning: Versioning,
    /// Its lifecycle rules.
    pub lifecycle: Vec<Rule>,
    /// Its policy.
    pub policy: Option<Policy>,
    /// The most that it may hold, in bytes.
    pub quota: Option<u64>,
    /// The default encryption of new objects.
    pub encryption: Option<Encryption>,
    /// What AWS puts before policies and access lists; none where the server has nothing of the kind.
    pub public_access: Option<PublicAccess>,
}

/// Whether old versions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// They never were.
    Off,
    /// They are.
    Enabled,
    /// They were: those that are there stay.
    Suspended,
}

impl fmt::Display for Versioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Versioning::Off => "off",
            Versioning::Enabled => "on",
            Versioning::Suspended => "suspended",
        })
    }
}

/// One lifecycle rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is in force.
    pub is_enabled: bool,
    /// The prefix that it is for; all objects where empty.
    pub prefix: String,
    /// Days after which versions go that are not the current one.
    pub noncurrent_days: Option<u32>,
    /// Whether a marker goes that deletes nothing any more.
    pub expires_markers: bool,
    /// Days after which the parts of an unfinished upload go.
    pub abort_multipart_days: Option<u32>,
    /// What else it does: nothing of it is ever wanted, above all no expiry of live objects.
    pub further: Vec<String>,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_enabled, prefix, noncurrent_days, expires_markers, abort_multipart_days, further } = self;
        let mut said = Vec::new();
        said.extend(noncurrent_days.map(|days| format!("old versions go after {days} days")));
        said.extend(expires_markers.then(|| "empty delete markers go".to_owned()));
        said.extend(abort_multipart_days.map(|days| format!("unfinished uploads go after {days} days")));
        said.extend(further.iter().cloned());
        f.write_str(&said.join(", "))?;
        if !prefix.is_empty() {
            write!(f, " below `{prefix}`")?;
        }
        if !is_enabled {
            f.write_str(" (disabled)")?;
        }
        Ok(())
    }
}

/// Which of the ways to make something public are blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicAccess {
    /// Access lists for everybody are neither taken nor followed.
    pub blocks_lists: bool,
    /// Policies for everybody are neither taken nor followed.
    pub blocks_policies: bool,
}

/// What a bucket shall be, on one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Whether old versions are kept.
    pub versioning: bool,
    /// Its lifecycle rules.
    pub lifecycle: Vec<Rule>,
    /// Its policy.
    pub policy: Option<Policy>,
    /// The most that it may hold, in bytes.
    pub quota: Option<u64>,
    /// The default encryption of new objects.
    pub encryption: Option<Encryption>,
    /// What is blocked before policies.
    pub public_access: Option<PublicAccess>,
}

impl Goal {
    /// Returns what the settings mean on a store.
    ///
    /// - MinIO knows no rule for unfinished uploads: it drops them itself, after a day by default.
    /// - AWS has no quotas, and encrypts every object with its own keys where nothing else is said.
    pub fn of(bucket: &str, spec: &BucketSpec, flavour: ObjectStoreFlavour) -> Self {
        let BucketSpec { versioning, noncurrent_days, abort_multipart_days, public_prefix, quota: _, encryption } =
            spec;
        let is_aws = flavour == ObjectStoreFlavour::Aws;
        let rule = Rule {
            is_enabled: true,
            noncurrent_days: *noncurrent_days,
            expires_markers: noncurrent_days.is_some(),
            abort_multipart_days: is_aws.then_some(*abort_multipart_days),
            ..Rule::default()
        };
        let does_nothing = rule.noncurrent_days.is_none() && rule.abort_multipart_days.is_none();
        Self {
            versioning: *versioning,
            lifecycle: if does_nothing { Vec::new() } else { vec![rule] },
            policy: public_prefix.as_deref().map(|prefix| Policy::public_read(bucket, prefix)),
            quota: if is_aws { None } else { spec.quota_bytes() },
            encryption: encryption.or(is_aws.then_some(Encryption::Aes256)),
            public_access: is_aws
                .then_some(PublicAccess { blocks_lists: true, blocks_policies: public_prefix.is_none() }),
        }
    }
}

impl Bucket {
    /// Returns a bucket as a store makes it.
    pub fn new(store: &Store) -> Self {
        let is_aws = store.flavour == ObjectStoreFlavour::Aws;
        Self {
            owner: Owner::Ours,
            is_fresh: true,
            tags: BTreeMap::new(),
            region: store.region.clone(),
            versioning: Versioning::Off,
            lifecycle: Vec::new(),
            policy: None,
            quota: None,
            encryption: is_aws.then_some(Encryption::Aes256),
            public_access: is_aws.then_some(PublicAccess { blocks_lists: true, blocks_policies: true }),
        }
    }
}
