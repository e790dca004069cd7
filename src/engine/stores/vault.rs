//! OpenBao and Vault, KV version 2: an entry is one secret of the mount, its version the number that the server counts.
//!
//! A write names the version that it follows (`cas`), 0 for a key that never had one, so of two writers one is told that
//! it lost. A key whose versions are all destroyed still counts on; it is free, and the next write follows its last
//! number. Deleted softly is not free: what the versions hold may be in use.
//!
//! It speaks HTTP by [`web`] and not by a client library of that API: none in reach refuses redirects, which would carry
//! the token to another host, bounds what it reads, trusts `caFile` alone, and takes no setting from `VAULT_…` variables.

mod api;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

pub use session::{Login, SERVICE_ACCOUNT_TOKEN};

use crate::engine::{
    Entry, Secret, Trouble, TroubleKind, points,
    store::{Answer, Held, Store, Written, beginning},
    web,
};
use api::{Api, Request, encoded};
use session::Session;

/// Folders that are listed at a time.
const LISTED_AT_ONCE: usize = 8;

/// From how many folders on it is worth trying to have all names below them by one request.
const MANY_FOLDERS: usize = 8;

/// Bytes of the longest list of names: 100,000 keys in one folder.
const LONGEST_LIST: usize = 16 << 20;

/// What the server says of a write that follows another version than the last.
const NOT_THE_LAST: &str = "check-and-set parameter did not match";

/// One mount of an OpenBao or Vault server.
pub struct Vault {
    api: Api,
    session: Session,
    mount: String,
}

/// The answer to a read: the fields, unless the version is deleted or destroyed.
#[derive(Deserialize)]
struct Read {
    data: Version,
}

#[derive(Deserialize)]
struct Version {
    data: Option<BTreeMap<String, String>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
}

/// What is known of all versions of a key.
#[derive(Deserialize)]
struct History {
    data: Versions,
}

#[derive(Deserialize)]
struct Versions {
    current_version: u64,
    versions: BTreeMap<String, Kept>,
}

#[derive(Deserialize)]
struct Kept {
    destroyed: bool,
}

impl Versions {
    /// Nothing of a free key can be brought back, so nothing that it held need be kept.
    fn is_free(&self) -> bool {
        self.versions.values().all(|version| version.destroyed)
    }
}

#[derive(Deserialize)]
struct Listed {
    data: Keys,
}

#[derive(Deserialize)]
struct Keys {
    /// Left out where a scan finds none.
    #[serde(default)]
    keys: Vec<String>,
}

impl Vault {
    /// Prepares a client for the KV engine at `mount`; nothing is connected yet.
    ///
    /// # Errors
    /// The file with the authorities cannot be read.
    pub fn new(name: &str, url: &str, mount: &str, ca_file: Option<&str>, login: Login) -> Result<Self, Trouble> {
        let api = Api::new(name, url, web::client(name, ca_file)?);
        Ok(Self { api, session: Session::new(login), mount: mount.trim_matches('/').to_owned() })
    }

    /// Returns the path of a key in one of the parts of the mount: `data` or `metadata`.
    fn path(&self, part: &str, key: &str) -> Result<String, Trouble> {
        // A server would read the last two as steps through folders.
        if key.split('/').any(|name| matches!(name, "" | "." | "..")) {
            return Err(Trouble::new(TroubleKind::Setup, format!("`{key}` is no key of this store")));
        }
        Ok(format!("{}/{part}/{}", encoded(&self.mount), encoded(key)))
    }

    /// Sends a request with the token of the session. `right` is what a policy must give on its path.
    async fn ask(&self, what: &str, right: &str, request: Request<'_>) -> Result<web::Answer, Trouble> {
        let mut token = self.session.token(&self.api).await?;
        let mut answer = self.api.send(what, &request, Some(&token)).await?;
        // The server says the same of a token that has ended and of a right that is missing.
        if answer.status == StatusCode::FORBIDDEN
            && let Some(another) = self.session.another(&self.api, &token).await?
        {
            token = another;
            answer = self.api.send(what, &request, Some(&token)).await?;
        }
        if answer.status == StatusCode::FORBIDDEN {
            let why = format!("the policy of the login must give {right} on `{}`", request.path);
            return Err(self.api.trouble(TroubleKind::Forbidden, what).because(why));
        }
        if answer.status == StatusCode::NOT_FOUND && api::said(&answer).contains("no handler for route") {
            let why = format!("there is no secrets engine at `{}/`", self.mount);
            return Err(self.api.trouble(TroubleKind::Setup, what).because(why));
        }
        Ok(answer)
    }

    /// Writes a version that follows `cas`.
    async fn write(&self, key: &str, cas: u64, fields: &BTreeMap<String, Secret>) -> Result<Written, Trouble> {
        let what = format!("write the entry `{key}`");
        let plain: BTreeMap<&String, &str> = fields.iter().map(|(name, secret)| (name, secret.expose())).collect();
        let options = if points::planted("vault-without-cas") { json!({}) } else { json!({ "cas": cas }) };
        let body = json!({ "options": options, "data": plain });
        let request =
            Request { method: Method::POST, path: self.path("data", key)?, body: Some(&body), most: web::SMALL };
        // The two are separate rights, and a refusal does not say which of them was asked for.
        let answer = self.ask(&what, "`create` and `update`", request).await?;
        match answer.status {
            StatusCode::OK => Ok(Written::Done),
            StatusCode::BAD_REQUEST if api::said(&answer).contains(NOT_THE_LAST) => Ok(Written::Lost),
            StatusCode::NO_CONTENT => {
                let why = format!("the secrets engine at `{}/` is not KV version 2", self.mount);
                Err(self.api.trouble(TroubleKind::Setup, &what).because(why))
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                Err(self.api.trouble(TroubleKind::Refused, &what).because("the entry is larger than the server takes"))
            }
            _ => Err(self.api.refused(&answer, &what)),
        }
    }

    /// Returns what is known of the versions of a key; none where it never had one.
    async fn versions(&self, key: &str) -> Result<Option<Versions>, Trouble> {
        let what = format!("look at the versions of the entry `{key}`");
        let answer = self.ask(&what, "`read`", Request::get(self.path("metadata", key)?)).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.json::<History>(self.api.name(), &what)?.data)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.api.refused(&answer, &what)),
        }
    }

    async fn load(&self, key: &str) -> Result<Held, Trouble> {
        let what = format!("read the entry `{key}`");
        let answer = self.ask(&what, "`read`", Request::get(self.path("data", key)?)).await?;
        match answer.status {
            StatusCode::OK => {
                let Version { data, metadata } = answer.json::<Read>(self.api.name(), &what)?.data;
                let fields = data.unwrap_or_default().into_iter().map(|(name, text)| (name, Secret::new(text)));
                Ok(Held::Entry(Entry::new(fields.collect(), metadata.version.to_string())))
            }
            StatusCode::NOT_FOUND if serde_json::from_slice::<Read>(&answer.body).is_ok() => {
                let versions = self.versions(key).await?;
                Ok(if versions.is_none_or(|versions| versions.is_free()) { Held::Free } else { Held::Deleted })
            }
            StatusCode::NOT_FOUND => Ok(Held::Free),
            _ => Err(self.api.refused(&answer, &what)),
        }
    }

    /// Returns the names in a folder that have an entry, folders inside it left out.
    async fn list(&self, folder: &str) -> Result<Vec<String>, Trouble> {
        let what = format!("list the entries below `{folder}`");
        // An empty folder is the mount itself.
        let below = if folder.is_empty() { String::new() } else { format!("{}/", encoded(folder)) };
        let path = format!("{}/metadata/{below}?list=true", encoded(&self.mount));
        let request = Request { method: Method::GET, path, body: None, most: LONGEST_LIST };
        let answer = self.ask(&what, "`list`", request).await?;
        match answer.status {
            StatusCode::OK => {
                let names = answer.json::<Listed>(self.api.name(), &what)?.data.keys;
                Ok(names.into_iter().filter(|name| !name.ends_with('/')).collect())
            }
            StatusCode::NOT_FOUND => Ok(Vec::new()),
            _ => Err(self.api.refused(&answer, &what)),
        }
    }

    /// Returns all keys below a folder, as OpenBao tells by one request (from 2.2 on, to whoever has the capability
    /// `scan`); none where the server does not tell them so, as Vault.
    async fn scan(&self, folder: &str) -> Result<Option<BTreeSet<String>>, Trouble> {
        let what = format!("list all entries below `{folder}`");
        let path = format!("{}/metadata/{}/?scan=true", encoded(&self.mount), encoded(folder));
        let request = Request { method: Method::GET, path, body: None, most: LONGEST_LIST };
        let answer = match self.ask(&what, "`scan`", request).await {
            Ok(answer) if answer.status == StatusCode::OK => answer,
            Ok(_) => return Ok(None),
            Err(trouble) => {
                return match trouble.kind() {
                    // The latter: more names than one answer may have.
                    TroubleKind::Forbidden | TroubleKind::Refused | TroubleKind::Unexpected => Ok(None),
                    _ => Err(trouble),
                };
            }
        };
        let names = answer.json::<Listed>(self.api.name(), &what)?.data.keys.into_iter();
        Ok(Some(names.filter(|name| !name.ends_with('/')).map(|name| joined(folder, &name)).collect()))
    }
}

impl Store for Vault {
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Held> {
        Box::pin(self.load(key))
    }

    fn create<'a>(&'a self, key: &'a str, fields: &'a BTreeMap<String, Secret>) -> Answer<'a, Written> {
        Box::pin(async move {
            if self.write(key, 0, fields).await? == Written::Done {
                return Ok(Written::Done);
            }
            match self.versions(key).await? {
                Some(versions) if versions.is_free() => self.write(key, versions.current_version, fields).await,
                _ => Ok(Written::Lost),
            }
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a str,
        fields: &'a BTreeMap<String, Secret>,
    ) -> Answer<'a, Written> {
        Box::pin(async move {
            match version.parse() {
                // 0 would create.
                Ok(version @ 1..) => self.write(key, version, fields).await,
                _ => Ok(Written::Lost),
            }
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let what = format!("remove the entry `{key}`");
            let path = self.path("metadata", key)?;
            let request = Request { method: Method::DELETE, path, body: None, most: web::SMALL };
            let answer = self.ask(&what, "`delete`", request).await?;
            match answer.status {
                StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(()),
                _ => Err(self.api.refused(&answer, &what)),
            }
        })
    }

    fn present<'a>(&'a self, keys: &'a BTreeSet<String>) -> Answer<'a, BTreeSet<String>> {
        Box::pin(async move {
            let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for key in keys {
                self.path("metadata", key)?;
                let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
                folders.entry(folder).or_default().insert(name);
            }
            if folders.len() >= MANY_FOLDERS
                && let Some((folder, _)) = beginning(folders.keys().copied()).rsplit_once('/')
                && let Some(found) = self.scan(folder).await?
            {
                return Ok(keys.intersection(&found).cloned().collect());
            }
            let lists = stream::iter(folders).map(async |(folder, wanted)| {
                let names = self.list(folder).await?;
                let found = names.into_iter().filter(|name| wanted.contains(name.as_str()));
                Ok::<_, Trouble>(found.map(|name| joined(folder, &name)).collect::<Vec<_>>())
            });
            let found: Vec<Vec<String>> = lists.buffer_unordered(LISTED_AT_ONCE).try_collect().await?;
            Ok(found.into_iter().flatten().collect())
        })
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
