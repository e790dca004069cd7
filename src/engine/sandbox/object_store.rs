//! The stand-in of an object store with MinIO's user administration: its buckets. Its users are in
//! [`super::object_store_users`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Observer, Performer, Prober, object_store_users};
use crate::{
    engine::{Access, Look, Observe, Perform, Probe, Trouble, TroubleKind, service::Answers},
    provision::{
        Wanted,
        connection::ObjectStoreFlavour,
        object_store::{BucketSpec, Encryption},
    },
    steps::{
        Action,
        bucket::{Bucket as SeenBucket, BucketAction, Goal, LEDGER, Presence, Rule, S3Bucket, Seen, Store, Versioning},
        claim::Owner,
        policy::Policy,
    },
};

/// What the server keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Buckets by name, the ledger left out.
    pub buckets: BTreeMap<String, Bucket>,
    /// Whether the ledger is there.
    pub has_ledger: bool,
    /// Intents by bucket: whose, and when.
    pub intents: BTreeMap<String, (String, u64)>,
    /// The server's clock: one tick a write.
    pub clock: u64,
    /// Users by name.
    pub users: BTreeMap<String, object_store_users::User>,
    /// Policies by name, as JSON.
    pub policies: BTreeMap<String, String>,
}

/// A bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The text of its claim.
    pub claim: Option<String>,
    /// Further tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    pub created: u64,
    /// How many objects and versions it holds.
    pub objects: u64,
    /// Whether versions are kept; none where they never were.
    pub versioning: Option<bool>,
    /// Days after which old versions go.
    pub noncurrent_days: Option<u32>,
    /// Days after which live objects go: never by us.
    pub expires_after: Option<u32>,
    /// The policy, as JSON.
    pub policy: Option<String>,
    /// The most that it may hold.
    pub quota: Option<u64>,
    /// The default encryption.
    pub encryption: Option<Encryption>,
}

impl Server {
    fn bucket(&mut self, name: &str) -> Result<&mut Bucket, Trouble> {
        self.buckets.get_mut(name).ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> Trouble {
    Trouble::new(TroubleKind::Missing, format!("sandbox: there is no bucket `{name}`"))
}

fn exists(what: &str) -> Trouble {
    Trouble::new(TroubleKind::Exists, format!("sandbox: {what} is there already"))
}

impl Observe<S3Bucket> for Observer {
    async fn observe(&self, looks: &[Look<'_, BucketSpec>]) -> Vec<Result<Seen, Trouble>> {
        let mut seen = Vec::with_capacity(looks.len());
        for look in looks {
            let name = &look.wanted().name;
            let found = self.0.read("read a bucket", |state| {
                let server = &state.objects;
                let noted = server.intents.get(name);
                let intent = noted.map(|(claim, _)| Owner::of(Some(claim), look.asked.claim));
                let bucket = server.buckets.get(name).map_or(Presence::Absent, |bucket| {
                    let is_fresh = bucket.objects == 0 && noted.is_some_and(|(_, at)| bucket.created >= *at);
                    Presence::Here(Box::new(seen_bucket(bucket, *look, is_fresh)))
                });
                Ok(Seen { store: store(server), intent, bucket })
            });
            seen.push(found.await);
        }
        seen
    }
}

fn store(server: &Server) -> Store {
    Store {
        flavour: ObjectStoreFlavour::Minio,
        region: "us-east-1".to_owned(),
        ledger: LEDGER.to_owned(),
        has_ledger: server.has_ledger,
        default_key: Some("sandbox".to_owned()),
    }
}

fn seen_bucket(bucket: &Bucket, look: Look<'_, BucketSpec>, is_fresh: bool) -> SeenBucket {
    let Bucket {
        claim,
        tags,
        created: _,
        objects: _,
        versioning,
        noncurrent_days,
        expires_after,
        policy,
        quota,
        encryption,
    } = bucket;
    let rule = Rule {
        is_enabled: true,
        noncurrent_days: *noncurrent_days,
        expires_markers: noncurrent_days.is_some(),
        further: expires_after.iter().map(|days| format!("live objects expire after {days} days")).collect(),
        ..Rule::default()
    };
    let has_rule = noncurrent_days.is_some() || expires_after.is_some();
    SeenBucket {
        owner: Owner::of(claim.as_deref(), look.asked.claim),
        is_fresh,
        tags: tags.clone(),
        region: "us-east-1".to_owned(),
        versioning: match versioning {
            None => Versioning::Off,
            Some(true) => Versioning::Enabled,
            Some(false) => Versioning::Suspended,
        },
        lifecycle: if has_rule { vec![rule] } else { Vec::new() },
        policy: policy.as_deref().map(Policy::read),
        quota: *quota,
        encryption: *encryption,
        public_access: None,
    }
}

impl Perform<S3Bucket> for Performer {
    async fn perform(&self, look: Look<'_, BucketSpec>, action: &BucketAction) -> Result<Answers, Trouble> {
        let claim = look.asked.claim.to_string();
        let write = self.0.write(action.name(), |state| {
            let server = &mut state.objects;
            server.clock += 1;
            change(server, look.wanted(), claim, action)?;
            Ok(Answers::new())
        });
        write.await
    }
}

fn change(
    server: &mut Server,
    wanted: &Wanted<BucketSpec>,
    claim: String,
    action: &BucketAction,
) -> Result<(), Trouble> {
    let now = server.clock;
    match action {
        BucketAction::CreateLedger { ledger: _ } => server.has_ledger = true,
        BucketAction::DeclareIntent { ledger: _, bucket } => {
            if !server.has_ledger {
                return Err(missing(LEDGER));
            }
            if server.intents.contains_key(bucket) {
                return Err(exists("the intent"));
            }
            server.intents.insert(bucket.clone(), (claim, now));
        }
        BucketAction::ForgetIntent { ledger: _, bucket } => drop(server.intents.remove(bucket)),
        BucketAction::Create { ledger: _, bucket, region: _, without: _ } => {
            if server.buckets.contains_key(bucket) {
                return Err(exists("the bucket"));
            }
            server.buckets.insert(bucket.clone(), Bucket { created: now, ..Bucket::default() });
        }
        BucketAction::Delete { bucket } => {
            if server.bucket(bucket)?.objects > 0 {
                return Err(Trouble::new(TroubleKind::Busy, format!("sandbox: bucket `{bucket}` is not empty")));
            }
            server.buckets.remove(bucket);
        }
        BucketAction::Empty { bucket } => server.bucket(bucket)?.objects = 0,
        BucketAction::Tag { bucket, others } => {
            let found = server.bucket(bucket)?;
            (found.claim, found.tags) = (Some(claim), others.clone());
        }
        BucketAction::SetVersioning { bucket, from: _, enabled } => server.bucket(bucket)?.versioning = Some(*enabled),
        BucketAction::SetLifecycle { bucket, from: _, to: _ } => {
            let goal = Goal::of(bucket, &wanted.spec, ObjectStoreFlavour::Minio);
            let found = server.bucket(bucket)?;
            found.noncurrent_days = goal.lifecycle.first().and_then(|rule| rule.noncurrent_days);
            found.expires_after = None;
        }
        BucketAction::RemoveLifecycle { bucket, from: _ } => {
            let found = server.bucket(bucket)?;
            (found.noncurrent_days, found.expires_after) = (None, None);
        }
        BucketAction::RemovePolicy { bucket } => server.bucket(bucket)?.policy = None,
        BucketAction::SetPolicy { bucket, prefix, replaces: _ } => {
            server.bucket(bucket)?.policy = Some(Policy::public_read(bucket, prefix).json().to_string());
        }
        BucketAction::SetQuota { bucket, from: _, to } => server.bucket(bucket)?.quota = *to,
        BucketAction::SetEncryption { bucket, algorithm, key: _ } => {
            server.bucket(bucket)?.encryption = Some(*algorithm);
        }
        BucketAction::RemoveEncryption { bucket } => server.bucket(bucket)?.encryption = None,
        BucketAction::SetPublicAccess { bucket, blocks_policies: _ } => {
            return Err(Trouble::new(
                TroubleKind::Refused,
                format!("sandbox: bucket `{bucket}` has nothing before its policy"),
            ));
        }
    }
    Ok(())
}

/// A bucket has no credential of its own.
impl Probe<S3Bucket> for Prober {
    async fn probe(
        &self,
        _: Look<'_, BucketSpec>,
        _: &[&Wanted<BucketSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        Ok(Vec::new())
    }
}
