//! Buckets: how they are looked at.

pub mod ledger;
pub mod perform;

use std::{collections::BTreeMap, rc::Rc};

use aws_sdk_s3::{
    primitives::DateTime,
    types::{BucketVersioningStatus, ExpirationStatus, LifecycleRule, ServerSideEncryption},
};
use futures::{StreamExt, stream, try_join};

use super::{AT_ONCE, Server, admin::Details};
use crate::{
    engine::{Look, Observe, Trouble, TroubleKind},
    provision::{
        connection::ObjectStoreFlavour,
        object_store::{BucketSpec, Encryption},
    },
    steps::{
        bucket::{Bucket, Presence, PublicAccess, Rule, S3Bucket, Seen, Store, TAG, Versioning},
        claim::Owner,
        policy::Policy,
    },
};
use ledger::{Intents, Ledger};

/// Reads buckets.
pub struct Observer(Rc<Server>);

impl Observer {
    /// Returns the reader of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }
}

/// What is asked once for all buckets.
struct Common {
    store: Store,
    /// When each bucket was made.
    made: BTreeMap<String, Option<DateTime>>,
    /// What one request told of many buckets; the others are asked for one by one.
    details: BTreeMap<String, Details>,
    intents: Intents,
}

/// From how many buckets on one request for all of the server's is worth it.
const MANY: usize = 8;

impl Observe<S3Bucket> for Observer {
    async fn observe(&self, looks: &[Look<'_, BucketSpec>]) -> Vec<Result<Seen, Trouble>> {
        let common = match self.common(looks).await {
            Ok(common) => common,
            Err(trouble) => return looks.iter().map(|_| Err(trouble.again())).collect(),
        };
        stream::iter(looks).map(|look| self.seen(*look, &common)).buffered(AT_ONCE).collect().await
    }
}

impl Observer {
    async fn common(&self, looks: &[Look<'_, BucketSpec>]) -> Result<Common, Trouble> {
        let server = &self.0;
        let (made, account) = server.buckets().await?;
        let (details, ledger) = match server.flavour {
            ObjectStoreFlavour::Minio if looks.len() >= MANY => (server.account().await?, Ledger::own()),
            ObjectStoreFlavour::Minio => (BTreeMap::new(), Ledger::own()),
            ObjectStoreFlavour::Aws => (BTreeMap::new(), Ledger::of_account(&account)),
        };
        let encrypts = looks.iter().any(|look| look.wanted().spec.encryption.is_some());
        let default_key = match server.flavour {
            ObjectStoreFlavour::Minio if encrypts => server.default_key().await?,
            ObjectStoreFlavour::Minio | ObjectStoreFlavour::Aws => None,
        };
        let intents = server.intents(&ledger).await?;
        let store = Store {
            flavour: server.flavour,
            region: server.region.clone(),
            ledger: ledger.name,
            has_ledger: intents.has_ledger,
            default_key,
        };
        Ok(Common { store, made, details, intents })
    }

    async fn seen(&self, look: Look<'_, BucketSpec>, common: &Common) -> Result<Seen, Trouble> {
        let name = &look.wanted().name;
        let noted = common.intents.of.get(name);
        let intent = match noted {
            Some(_) => self.0.intent(&common.store.ledger, name, look.asked.claim).await?,
            None => None,
        };
        let bucket = match (common.made.get(name), self.0.flavour) {
            (Some(made), _) => {
                let mut bucket = self.bucket(look, common.details.get(name)).await?;
                if bucket.owner == Owner::Unmarked && intent.is_some() {
                    // Both times are the server's own.
                    let is_younger = matches!((made, noted), (Some(made), Some(noted)) if made >= noted);
                    bucket.is_fresh = is_younger && self.0.is_empty(name).await?;
                }
                Presence::Here(Box::new(bucket))
            }
            (None, ObjectStoreFlavour::Minio) => Presence::Absent,
            (None, ObjectStoreFlavour::Aws) => match self.0.region_of(name).await? {
                Some(_) => Presence::Elsewhere,
                None => Presence::Absent,
            },
        };
        Ok(Seen { store: common.store.clone(), intent, bucket })
    }

    async fn bucket(&self, look: Look<'_, BucketSpec>, details: Option<&Details>) -> Result<Bucket, Trouble> {
        let (server, name) = (&self.0, look.wanted().name.as_str());
        let is_aws = server.flavour == ObjectStoreFlavour::Aws;
        let region = match is_aws {
            true => server.region_of(name).await?.unwrap_or_default(),
            false => server.region.clone(),
        };
        let mut tags = server.tags(name).await?;
        let owner = Owner::of(tags.remove(TAG).as_deref(), look.asked.claim);
        let access = async { if is_aws { server.public_access(name).await.map(Some) } else { Ok(None) } };
        let details = async {
            match details {
                Some(details) => Ok(*details),
                None => {
                    let quota = async { if is_aws { Ok(None) } else { server.quota(name).await } };
                    let (versioning, quota) = try_join!(server.versioning(name), quota)?;
                    Ok(Details { versioning, quota })
                }
            }
        };
        let (lifecycle, policy, encryption, public_access, details) =
            try_join!(server.lifecycle(name), server.bucket_policy(name), server.encryption(name), access, details)?;
        Ok(Bucket {
            owner,
            is_fresh: false,
            tags,
            region,
            versioning: details.versioning,
            lifecycle,
            policy,
            quota: details.quota,
            // AWS encrypts with its own keys where nothing is said.
            encryption: encryption.or(is_aws.then_some(Encryption::Aes256)),
            public_access,
        })
    }
}

impl Server {
    /// Returns when each bucket of the account was made, and the account's id.
    async fn buckets(&self) -> Result<(BTreeMap<String, Option<DateTime>>, String), Trouble> {
        let (mut made, mut account, mut next) = (BTreeMap::new(), String::new(), None);
        loop {
            let page = self.ask("list buckets", self.s3.list_buckets().set_continuation_token(next).send()).await?;
            for bucket in page.buckets() {
                made.extend(bucket.name().map(|name| (name.to_owned(), bucket.creation_date().copied())));
            }
            if let Some(id) = page.owner().and_then(|owner| owner.id()) {
                id.clone_into(&mut account);
            }
            next = page.continuation_token().map(str::to_owned);
            if next.is_none() {
                return Ok((made, account));
            }
        }
    }

    /// Returns the region of a bucket, whoever's it is; none where there is no such bucket. A bucket of somebody else
    /// may not tell its region.
    async fn region_of(&self, bucket: &str) -> Result<Option<String>, Trouble> {
        let what = "look for a bucket";
        let answer = self.ask_for(what, &["NotFound", "NoSuchBucket"], self.s3.head_bucket().bucket(bucket).send());
        match answer.await {
            Ok(Some(head)) => Ok(Some(head.bucket_region().unwrap_or(&self.region).to_owned())),
            Ok(None) => Ok(None),
            // A bucket in another region, or of another account: it is there, and says no more.
            Err(trouble) if matches!(trouble.kind(), TroubleKind::Forbidden | TroubleKind::Setup) => {
                Ok(Some("another".to_owned()))
            }
            Err(trouble) => Err(trouble),
        }
    }

    async fn tags(&self, bucket: &str) -> Result<BTreeMap<String, String>, Trouble> {
        let call = self.s3.get_bucket_tagging().bucket(bucket).send();
        let answer = self.ask_for("read a bucket's tags", &["NoSuchTagSet", "NoSuchTagSetError"], call).await?;
        let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn versioning(&self, bucket: &str) -> Result<Versioning, Trouble> {
        let call = self.s3.get_bucket_versioning().bucket(bucket).send();
        Ok(match self.ask("read a bucket's versioning", call).await?.status {
            Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
            Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
            _ => Versioning::Off,
        })
    }

    async fn lifecycle(&self, bucket: &str) -> Result<Vec<Rule>, Trouble> {
        let call = self.s3.get_bucket_lifecycle_configuration().bucket(bucket).send();
        let answer = self.ask_for("read a bucket's lifecycle", &["NoSuchLifecycleConfiguration"], call).await?;
        Ok(answer.and_then(|answer| answer.rules).unwrap_or_default().into_iter().map(rule).collect())
    }

    async fn bucket_policy(&self, bucket: &str) -> Result<Option<Policy>, Trouble> {
        let call = self.s3.get_bucket_policy().bucket(bucket).send();
        let answer = self.ask_for("read a bucket's policy", &["NoSuchBucketPolicy"], call).await?;
        Ok(answer.and_then(|answer| answer.policy).map(|text| Policy::read(&text)))
    }

    async fn encryption(&self, bucket: &str) -> Result<Option<Encryption>, Trouble> {
        let call = self.s3.get_bucket_encryption().bucket(bucket).send();
        let absent = ["ServerSideEncryptionConfigurationNotFoundError"];
        let answer = self.ask_for("read a bucket's encryption", &absent, call).await?;
        let rules = answer.and_then(|answer| answer.server_side_encryption_configuration).map(|found| found.rules);
        let rule = rules.into_iter().flatten().find_map(|rule| rule.apply_server_side_encryption_by_default);
        Ok(rule.map(|rule| match rule.sse_algorithm {
            ServerSideEncryption::Aes256 => Encryption::Aes256,
            _ => Encryption::Kms,
        }))
    }

    async fn public_access(&self, bucket: &str) -> Result<PublicAccess, Trouble> {
        let call = self.s3.get_public_access_block().bucket(bucket).send();
        let absent = ["NoSuchPublicAccessBlockConfiguration"];
        let answer = self.ask_for("read what a bucket blocks", &absent, call).await?;
        let found = answer.and_then(|answer| answer.public_access_block_configuration);
        let is = |flag: Option<bool>| flag == Some(true);
        Ok(found.map_or(PublicAccess { blocks_lists: false, blocks_policies: false }, |found| PublicAccess {
            blocks_lists: is(found.block_public_acls) && is(found.ignore_public_acls),
            blocks_policies: is(found.block_public_policy) && is(found.restrict_public_buckets),
        }))
    }

    /// Returns whether a bucket holds no object, no version and no delete marker.
    async fn is_empty(&self, bucket: &str) -> Result<bool, Trouble> {
        let call = self.s3.list_object_versions().bucket(bucket).max_keys(1).send();
        let page = self.ask("see whether a bucket is empty", call).await?;
        Ok(page.versions().is_empty() && page.delete_markers().is_empty())
    }
}

fn rule(rule: LifecycleRule) -> Rule {
    let mut further = Vec::new();
    let days = |days: Option<i32>| days.and_then(|days| u32::try_from(days).ok());
    #[expect(deprecated, reason = "older rules have their prefix here")]
    let mut prefix = rule.prefix.unwrap_or_default();
    if let Some(filter) = rule.filter {
        if let Some(below) = filter.prefix {
            prefix = below;
        }
        let others = filter.tag.is_some()
            || filter.and.is_some()
            || filter.object_size_greater_than.is_some()
            || filter.object_size_less_than.is_some();
        further.extend(others.then(|| "only for some objects".to_owned()));
    }
    let expiration = rule.expiration.as_ref();
    if expiration.is_some_and(|expiration| expiration.days.is_some_and(|days| days > 0) || expiration.date.is_some()) {
        further.push("live objects expire".to_owned());
    }
    if rule.transitions.is_some_and(|moves| !moves.is_empty())
        || rule.noncurrent_version_transitions.is_some_and(|moves| !moves.is_empty())
    {
        further.push("objects move to other storage".to_owned());
    }
    let noncurrent = rule.noncurrent_version_expiration;
    let keeps = noncurrent.as_ref().and_then(|expiration| expiration.newer_noncurrent_versions);
    further.extend(keeps.filter(|versions| *versions > 0).map(|versions| format!("{versions} old versions stay")));
    Rule {
        is_enabled: rule.status == ExpirationStatus::Enabled,
        prefix,
        noncurrent_days: noncurrent.and_then(|expiration| days(expiration.noncurrent_days)),
        expires_markers: expiration.is_some_and(|expiration| expiration.expired_object_delete_marker == Some(true)),
        abort_multipart_days: rule
            .abort_incomplete_multipart_upload
            .and_then(|abort| days(abort.days_after_initiation)),
        further,
    }
}
