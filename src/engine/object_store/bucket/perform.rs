//! Buckets: how they are changed.

use std::{collections::BTreeMap, rc::Rc};

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, Delete, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    NoncurrentVersionExpiration, ObjectIdentifier, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};
use serde_json::json;

use crate::{
    engine::{
        Look, Perform, Trouble, TroubleKind,
        object_store::{Server, admin::Request},
        points,
        service::Answers,
    },
    provision::object_store::{BucketSpec, Encryption},
    steps::{
        bucket::{BucketAction, Goal, Rule, S3Bucket, TAG, intent_key},
        policy::Policy,
    },
};

/// The region whose name must not be said when a bucket is made in it.
const DEFAULT_REGION: &str = "us-east-1";

/// Objects that one request deletes at most, by S3.
const BATCH: i32 = 1000;

/// Writes buckets.
pub struct Performer(Rc<Server>);

impl Performer {
    /// Returns the writer of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }
}

impl Perform<S3Bucket> for Performer {
    async fn perform(&self, look: Look<'_, BucketSpec>, action: &BucketAction) -> Result<Answers, Trouble> {
        let server = &self.0;
        match action {
            BucketAction::CreateLedger { ledger } => match server.create(ledger, &server.region).await {
                Err(trouble) if trouble.kind() == TroubleKind::Exists => {}
                done => done?,
            },
            BucketAction::DeclareIntent { ledger, bucket } => {
                server.declare(ledger, bucket, look.asked.claim).await?;
            }
            BucketAction::ForgetIntent { ledger, bucket } => {
                let call = server.s3.delete_object().bucket(ledger).key(intent_key(bucket));
                server.ask("remove an intent", call.send()).await?;
            }
            BucketAction::Create { ledger: _, bucket, region, without: _ } => server.create(bucket, region).await?,
            BucketAction::Tag { bucket, others } => {
                let none = BTreeMap::new();
                let others = if points::planted("tags-of-others-lost") { &none } else { others };
                server.tag(bucket, others, &look.asked.claim.to_string()).await?;
            }
            BucketAction::Empty { bucket } => server.empty(bucket).await?,
            BucketAction::Delete { bucket } => {
                server.ask("delete a bucket", server.s3.delete_bucket().bucket(bucket).send()).await?;
            }
            setting => server.set(look, setting).await?,
        }
        Ok(Answers::new())
    }
}

impl Server {
    async fn create(&self, bucket: &str, region: &str) -> Result<(), Trouble> {
        let place = (region != DEFAULT_REGION).then(|| {
            let region = BucketLocationConstraint::from(region);
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let call = self.s3.create_bucket().bucket(bucket).set_create_bucket_configuration(place);
        self.ask("create a bucket", call.send()).await.map(drop)
    }

    async fn tag(&self, bucket: &str, others: &BTreeMap<String, String>, claim: &str) -> Result<(), Trouble> {
        let what = "tag a bucket";
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().map_err(|why| odd(what, &why));
        let mut tags = vec![tag(TAG, claim)?];
        for (key, value) in others.iter().filter(|(key, _)| *key != TAG) {
            tags.push(tag(key, value)?);
        }
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().map_err(|why| odd(what, &why))?;
        self.ask(what, self.s3.put_bucket_tagging().bucket(bucket).tagging(tagging).send()).await.map(drop)
    }

    /// Changes one setting to what is wanted.
    async fn set(&self, look: Look<'_, BucketSpec>, action: &BucketAction) -> Result<(), Trouble> {
        let s3 = &self.s3;
        match action {
            BucketAction::SetVersioning { bucket, from: _, enabled } => {
                let status = if *enabled { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
                let versioning = VersioningConfiguration::builder().status(status).build();
                let call = s3.put_bucket_versioning().bucket(bucket).versioning_configuration(versioning);
                self.ask("set a bucket's versioning", call.send()).await?;
            }
            BucketAction::SetLifecycle { bucket, from: _, to: _ } => {
                let goal = Goal::of(bucket, &look.wanted().spec, self.flavour);
                let rules = goal.lifecycle.iter().map(lifecycle).collect::<Result<Vec<_>, _>>()?;
                let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
                let rules = rules.map_err(|why| odd("set a bucket's lifecycle", &why))?;
                let call = s3.put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(rules);
                self.ask("set a bucket's lifecycle", call.send()).await?;
            }
            BucketAction::RemoveLifecycle { bucket, from: _ } => {
                self.ask("remove a bucket's lifecycle", s3.delete_bucket_lifecycle().bucket(bucket).send()).await?;
            }
            BucketAction::SetPolicy { bucket, prefix, replaces: _ } => {
                let policy = Policy::public_read(bucket, if points::planted("all-public") { "" } else { prefix });
                let call = s3.put_bucket_policy().bucket(bucket).policy(policy.json().to_string());
                self.ask("set a bucket's policy", call.send()).await?;
            }
            BucketAction::RemovePolicy { bucket } => {
                self.ask("remove a bucket's policy", s3.delete_bucket_policy().bucket(bucket).send()).await?;
            }
            BucketAction::SetPublicAccess { bucket, blocks_policies } => {
                let block = PublicAccessBlockConfiguration::builder()
                    .block_public_acls(true)
                    .ignore_public_acls(true)
                    .block_public_policy(*blocks_policies)
                    .restrict_public_buckets(*blocks_policies);
                let call = s3.put_public_access_block().bucket(bucket).public_access_block_configuration(block.build());
                self.ask("set what a bucket blocks", call.send()).await?;
            }
            BucketAction::SetQuota { bucket, from: _, to } => self.set_quota(bucket, *to).await?,
            BucketAction::SetEncryption { bucket, algorithm, key } => {
                self.encrypt(bucket, *algorithm, key.as_deref()).await?;
            }
            BucketAction::RemoveEncryption { bucket } => {
                self.ask("remove a bucket's encryption", s3.delete_bucket_encryption().bucket(bucket).send()).await?;
            }
            BucketAction::CreateLedger { .. }
            | BucketAction::DeclareIntent { .. }
            | BucketAction::ForgetIntent { .. }
            | BucketAction::Create { .. }
            | BucketAction::Tag { .. }
            | BucketAction::Empty { .. }
            | BucketAction::Delete { .. } => {}
        }
        Ok(())
    }

    /// Older servers read `quota`, newer ones `size`.
    async fn set_quota(&self, bucket: &str, size: Option<u64>) -> Result<(), Trouble> {
        let body = match size {
            Some(size) => json!({"quota": size, "size": size, "quotatype": "hard"}),
            None => json!({"quota": 0, "size": 0}),
        };
        let query = [("bucket", bucket)];
        let request = Request::put("/minio/admin/v3/set-bucket-quota", &query, body.to_string().into_bytes());
        self.admin("set a bucket's quota", request).await.map(drop)
    }

    async fn encrypt(&self, bucket: &str, algorithm: Encryption, key: Option<&str>) -> Result<(), Trouble> {
        let what = "set a bucket's encryption";
        let algorithm = match algorithm {
            Encryption::Aes256 => ServerSideEncryption::Aes256,
            Encryption::Kms => ServerSideEncryption::AwsKms,
        };
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(algorithm)
            .set_kms_master_key_id(key.map(str::to_owned))
            .build()
            .map_err(|why| odd(what, &why))?;
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(|why| odd(what, &why))?;
        let call = self.s3.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(rules);
        self.ask(what, call.send()).await.map(drop)
    }

    /// Deletes whatever a bucket holds, a page at a time; each page is looked at anew, so it can be cut anywhere.
    async fn empty(&self, bucket: &str) -> Result<(), Trouble> {
        loop {
            let doomed = self.some_content(bucket).await?;
            if doomed.is_empty() {
                break;
            }
            let what = "delete objects";
            let delete = Delete::builder().set_objects(Some(doomed)).quiet(true).build();
            let delete = delete.map_err(|why| odd(what, &why))?;
            let answer = self.ask(what, self.s3.delete_objects().bucket(bucket).delete(delete).send()).await?;
            if let Some(error) = answer.errors().first() {
                let what = format!("connection `{}`: failed to {what} of bucket `{bucket}`", self.name);
                return Err(super::super::refused(what, 409, error.code()));
            }
        }
        loop {
            let what = "list unfinished uploads";
            let page = self.ask(what, self.s3.list_multipart_uploads().bucket(bucket).send()).await?;
            let uploads: Vec<(String, String)> = page
                .uploads()
                .iter()
                .filter_map(|one| Some((one.key()?.to_owned(), one.upload_id()?.to_owned())))
                .collect();
            if uploads.is_empty() {
                return Ok(());
            }
            for (key, upload) in uploads {
                let call = self.s3.abort_multipart_upload().bucket(bucket).key(key).upload_id(upload).send();
                self.ask_for("give up an unfinished upload", &["NoSuchUpload"], call).await?;
            }
        }
    }

    async fn some_content(&self, bucket: &str) -> Result<Vec<ObjectIdentifier>, Trouble> {
        let what = "list the versions in a bucket";
        let page = self.ask(what, self.s3.list_object_versions().bucket(bucket).max_keys(BATCH).send()).await?;
        let versions = page.versions().iter().map(|one| (one.key(), one.version_id()));
        let markers = page.delete_markers().iter().map(|one| (one.key(), one.version_id()));
        let markers = markers.filter(|_| !points::planted("delete-markers-left"));
        let doomed = versions.chain(markers).filter_map(|(key, version)| Some((key?, version)));
        doomed
            .map(|(key, version)| {
                let one = ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned)).build();
                one.map_err(|why| odd(what, &why))
            })
            .collect()
    }
}

fn lifecycle(rule: &Rule) -> Result<LifecycleRule, Trouble> {
    let Rule { is_enabled: _, prefix, noncurrent_days, expires_markers, abort_multipart_days, further: _ } = rule;
    let days = |days: &u32| i32::try_from(*days).unwrap_or(i32::MAX);
    let noncurrent =
        noncurrent_days.as_ref().map(|old| NoncurrentVersionExpiration::builder().noncurrent_days(days(old)));
    let markers = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
    let abort = abort_multipart_days
        .as_ref()
        .map(|old| AbortIncompleteMultipartUpload::builder().days_after_initiation(days(old)).build());
    LifecycleRule::builder()
        .id("tenantry")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
        .set_noncurrent_version_expiration(noncurrent.map(|noncurrent| noncurrent.build()))
        .set_expiration(expires_markers.then_some(markers))
        .set_abort_incomplete_multipart_upload(abort)
        .build()
        .map_err(|why| odd("set a bucket's lifecycle", &why))
}

fn odd(what: &str, why: &dyn std::error::Error) -> Trouble {
    Trouble::new(TroubleKind::Setup, format!("failed to {what}")).because(why.to_string())
}
