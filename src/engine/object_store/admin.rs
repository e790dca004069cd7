//! MinIO's admin API, version 3: its requests, and what they answer.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Server, refused, seal,
    sign::{Scope, signed},
};
use crate::{
    engine::{
        Trouble, TroubleKind,
        web::{self, Answer},
    },
    steps::bucket::Versioning,
};

/// Bytes of the largest answer: a thousand tenants' users and policies are a few megabytes.
const LARGE: usize = 64 << 20;

/// What stands for itself in a query, as signatures count it.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One request.
pub(super) struct Request<'r> {
    pub(super) method: Method,
    pub(super) path: &'r str,
    pub(super) query: &'r [(&'r str, &'r str)],
    pub(super) body: Vec<u8>,
}

impl<'r> Request<'r> {
    /// Asks.
    pub(super) fn get(path: &'r str, query: &'r [(&'r str, &'r str)]) -> Self {
        Self { method: Method::GET, path, query, body: Vec::new() }
    }

    /// Sets.
    pub(super) fn put(path: &'r str, query: &'r [(&'r str, &'r str)], body: Vec<u8>) -> Self {
        Self { method: Method::PUT, path, query, body }
    }
}

/// What a bucket is, as the administrator's own account tells it.
pub(super) struct Listed {
    pub(super) created: Option<DateTime>,
    pub(super) versioning: Versioning,
    pub(super) quota: Option<u64>,
}

/// A user, as the server tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserInfo {
    #[serde(default)]
    policy_name: String,
    status: String,
    #[serde(default)]
    member_of: Option<BTreeSet<String>>,
}

impl UserInfo {
    pub(super) fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }

    pub(super) fn policies(&self) -> BTreeSet<String> {
        self.policy_name.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn groups(&self) -> BTreeSet<String> {
        self.member_of.clone().unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountInfo {
    #[serde(default)]
    buckets: Option<Vec<BucketInfo>>,
}

#[derive(Deserialize)]
struct BucketInfo {
    name: String,
    created: String,
    details: Details,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    versioning: bool,
    versioning_suspended: bool,
    #[serde(default)]
    quota: Option<Quota>,
}

/// Older servers say `quota`, newer ones `size`; zero is none.
#[derive(Deserialize)]
struct Quota {
    #[serde(default)]
    quota: u64,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyInfo {
    policy: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refused {
    code: String,
}

impl Server {
    /// Sends a request to the admin API and reads the answer, whatever it is.
    async fn send(&self, what: &str, request: Request<'_>) -> Result<Answer, Trouble> {
        let Request { method, path, query, body } = request;
        let mut url = self.endpoint.clone();
        url.set_path(path);
        let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        let scope = Scope { service: "s3", region: &self.region };
        let request = signed(&self.http, &self.login, scope, (method, &url), &[], body)?;
        web::send(&self.name, what, request, LARGE).await
    }

    /// Sends a request to the admin API.
    pub(super) async fn admin(&self, what: &str, request: Request<'_>) -> Result<Vec<u8>, Trouble> {
        let answer = self.send(what, request).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(self.refusal(what, &answer)) }
    }

    /// Sends a request that asks for one object; none where there is no such object.
    async fn admin_for(&self, what: &str, request: Request<'_>) -> Result<Option<Vec<u8>>, Trouble> {
        let answer = self.send(what, request).await?;
        if answer.status.is_success() {
            return Ok(Some(answer.body));
        }
        let trouble = self.refusal(what, &answer);
        let is_named = code(&answer).is_some();
        if trouble.kind() == TroubleKind::Missing && is_named { Ok(None) } else { Err(trouble) }
    }

    fn refusal(&self, what: &str, answer: &Answer) -> Trouble {
        let what = format!("connection `{}`: failed to {what}", self.name);
        refused(what, answer.status.as_u16(), code(answer).as_deref())
    }

    fn read<T: DeserializeOwned>(&self, what: &str, body: &[u8]) -> Result<T, Trouble> {
        serde_json::from_slice(body).map_err(|error| {
            // What does not fit could be a value of the answer; where it stands is enough.
            Trouble::new(TroubleKind::Unexpected, format!("connection `{}`: failed to {what}", self.name)).because(
                format!("the answer is not what it should be, at line {} column {}", error.line(), error.column()),
            )
        })
    }

    /// Returns all buckets in one request.
    pub(super) async fn account(&self) -> Result<BTreeMap<String, Listed>, Trouble> {
        let what = "list buckets";
        let body = self.admin(what, Request::get("/minio/admin/v3/accountinfo", &[])).await?;
        let info: AccountInfo = self.read(what, &body)?;
        let listed = info.buckets.unwrap_or_default().into_iter().map(|BucketInfo { name, created, details }| {
            let quota = details.quota.map(|Quota { quota, size }| if size > 0 { size } else { quota });
            let versioning = match (details.versioning, details.versioning_suspended) {
                (true, _) => Versioning::Enabled,
                (false, true) => Versioning::Suspended,
                (false, false) => Versioning::Off,
            };
            let created = DateTime::from_str(&created, DateTimeFormat::DateTime).ok();
            (name, Listed { created, versioning, quota: quota.filter(|size| *size > 0) })
        });
        Ok(listed.collect())
    }

    /// Returns the key that is used where none is named; none where the server has no key management.
    pub(super) async fn default_key(&self) -> Result<Option<String>, Trouble> {
        #[derive(Deserialize)]
        struct Status {
            #[serde(rename = "default-key-id", default)]
            key: String,
        }
        let what = "read the state of key management";
        let answer = self.send(what, Request::get("/minio/kms/v1/status", &[])).await?;
        match answer.status {
            StatusCode::NOT_IMPLEMENTED => Ok(None),
            status if status.is_success() => Ok(Some(self.read::<Status>(what, &answer.body)?.key)),
            _ => Err(self.refusal(what, &answer)),
        }
    }

    /// Returns one user.
    pub(super) async fn user(&self, name: &str) -> Result<Option<UserInfo>, Trouble> {
        let what = "read a user";
        let query = [("accessKey", name)];
        let body = self.admin_for(what, Request::get("/minio/admin/v3/user-info", &query)).await?;
        body.map(|body| self.read(what, &body)).transpose()
    }

    /// Returns one policy.
    pub(super) async fn policy(&self, name: &str) -> Result<Option<Value>, Trouble> {
        let what = "read a policy";
        let query = [("name", name), ("v", "2")];
        let body = self.admin_for(what, Request::get("/minio/admin/v3/info-canned-policy", &query)).await?;
        body.map(|body| Ok(self.read::<PolicyInfo>(what, &body)?.policy)).transpose()
    }

    /// Returns all users in one request, whose answer is sealed.
    pub(super) async fn users(&self) -> Result<BTreeMap<String, UserInfo>, Trouble> {
        let what = "list users";
        let body = self.admin(what, Request::get("/minio/admin/v3/list-users", &[])).await?;
        self.read(what, &seal::open(&self.login.password, &body)?)
    }

    /// Returns all policies in one request.
    pub(super) async fn policies(&self) -> Result<BTreeMap<String, Value>, Trouble> {
        let what = "list policies";
        let body = self.admin(what, Request::get("/minio/admin/v3/list-canned-policies", &[])).await?;
        self.read(what, &body)
    }
}

fn code(answer: &Answer) -> Option<String> {
    serde_json::from_slice::<Refused>(&answer.body).ok().map(|refused| refused.code)
}
