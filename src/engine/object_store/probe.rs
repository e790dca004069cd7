//! What a tenant's own keys reach: its buckets, and nobody else's.
//!
//! Nothing is left behind: whether objects can be written is seen by an upload that is begun and given up, which makes
//! no version; whether they can be read, by an object that is there, if there is one.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use aws_sdk_s3::Client;

use super::Server;
use crate::{
    engine::{Access, Look, Probe, Trouble, TroubleKind, web},
    provision::{
        Wanted,
        object_store::{BucketSpec, ObjectAction, ObjectStoreUserSpec},
    },
    steps::{bucket::S3Bucket, object_store_user::ObjectStoreUser},
};

/// The key that uploads are begun under.
const KEY: &str = ".tenantry-isolation";

/// Tries what users reach.
pub struct Prober {
    server: Rc<Server>,
    /// An object of each bucket, by the administrator's look: the same for all who are tried on it.
    objects: RefCell<BTreeMap<String, Option<String>>>,
}

impl Prober {
    /// Returns what tries users of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self { server: Rc::clone(server), objects: RefCell::default() }
    }
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

impl Probe<ObjectStoreUser> for Prober {
    async fn probe(
        &self,
        own: Look<'_, ObjectStoreUserSpec>,
        targets: &[&Wanted<ObjectStoreUserSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let entry = own.entry.ok_or_else(|| Trouble::new(TroubleKind::Setup, "the user has no stored credential"))?;
        let client = self.server.as_tenant(entry.need("accessKey")?.expose(), entry.need("secretKey")?);
        let mut found = Vec::with_capacity(targets.len());
        for (at, target) in targets.iter().enumerate() {
            found.push(match at {
                0 => self.own(&client, own.wanted()).await,
                _ => self.other(&client, target).await,
            });
        }
        Ok(found)
    }
}

impl Prober {
    /// Does with each own bucket what the settings allow.
    async fn own(&self, client: &Client, wanted: &Wanted<ObjectStoreUserSpec>) -> Result<Access, Trouble> {
        let ObjectStoreUserSpec { buckets, actions } = &wanted.spec;
        for bucket in buckets {
            let reads = actions.contains(&ObjectAction::Get);
            let mut works = self.lists(client, bucket).await?;
            works &= !actions.contains(&ObjectAction::Put) || self.writes(client, bucket).await?;
            works &= !reads || self.reads(client, bucket).await? != Some(false);
            if !works {
                return Ok(Access::Denied);
            }
        }
        Ok(Access::Allowed(format!("list, read and write as allowed in {}", buckets.join(", "))))
    }

    /// Tries each way into somebody else's buckets.
    async fn other(&self, client: &Client, target: &Wanted<ObjectStoreUserSpec>) -> Result<Access, Trouble> {
        for bucket in &target.spec.buckets {
            if self.lists(client, bucket).await? {
                return Ok(Access::Allowed(format!("list bucket `{bucket}`")));
            }
            if self.writes(client, bucket).await? {
                return Ok(Access::Allowed(format!("write to bucket `{bucket}`")));
            }
            if self.reads(client, bucket).await? == Some(true) && !self.is_public(bucket).await? {
                return Ok(Access::Allowed(format!("read from bucket `{bucket}`")));
            }
        }
        Ok(Access::Denied)
    }

    async fn lists(&self, client: &Client, bucket: &str) -> Result<bool, Trouble> {
        let call = client.list_objects_v2().bucket(bucket).max_keys(1).send();
        allowed(self.server.ask("list a bucket as a tenant's user", call).await)
    }

    async fn writes(&self, client: &Client, bucket: &str) -> Result<bool, Trouble> {
        let server = &self.server;
        let call = client.create_multipart_upload().bucket(bucket).key(KEY).send();
        let upload = match server.ask("write to a bucket as a tenant's user", call).await {
            Ok(upload) => upload,
            Err(trouble) => return allowed::<()>(Err(trouble)),
        };
        // By the administrator: a user may begin what it may not give up.
        let abort = server.s3.abort_multipart_upload().bucket(bucket).key(KEY).set_upload_id(upload.upload_id);
        server.ask_for("give up an upload", &["NoSuchUpload"], abort.send()).await?;
        Ok(true)
    }

    /// Returns whether an object can be read; none where there is no object.
    async fn reads(&self, client: &Client, bucket: &str) -> Result<Option<bool>, Trouble> {
        let Some(key) = self.object(bucket).await? else { return Ok(None) };
        let call = client.head_object().bucket(bucket).key(key).send();
        let read = self.server.ask("read from a bucket as a tenant's user", call).await;
        allowed(read).map(Some)
    }

    async fn object(&self, bucket: &str) -> Result<Option<String>, Trouble> {
        if let Some(known) = self.objects.borrow().get(bucket) {
            return Ok(known.clone());
        }
        let call = self.server.s3.list_objects_v2().bucket(bucket).max_keys(1).send();
        let page = self.server.ask_for("list a bucket", &["NoSuchBucket"], call).await?;
        let key = page.and_then(|page| page.contents().first()?.key().map(str::to_owned));
        self.objects.borrow_mut().insert(bucket.to_owned(), key.clone());
        Ok(key)
    }

    /// Returns whether everybody may read the object: then it is no hole that a neighbour may.
    async fn is_public(&self, bucket: &str) -> Result<bool, Trouble> {
        let Some(key) = self.object(bucket).await? else { return Ok(false) };
        let mut url = self.server.endpoint.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(bucket).extend(key.split('/'));
        }
        let answer = web::send(&self.server.name, "read as anybody", self.server.http.head(url), web::SMALL).await?;
        Ok(answer.status.is_success())
    }
}

fn allowed<T>(result: Result<T, Trouble>) -> Result<bool, Trouble> {
    match result {
        Ok(_) => Ok(true),
        Err(trouble) if trouble.kind() == TroubleKind::Forbidden => Ok(false),
        Err(trouble) => Err(trouble),
    }
}
