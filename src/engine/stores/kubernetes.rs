//! Kubernetes Secrets of one namespace: an entry is one Secret, its version the `resourceVersion`.
//!
//! The Secret's name is made of the key by [`secret_object`], and the key itself stands in an annotation: a Secret of
//! that name without it is somebody else's, and is neither read nor written. The API server refuses to create what is
//! there (409) and to replace what was changed since it was read (409), so of two writers one is told that it lost.
//! There is no soft deletion.
//!
//! Argo CD did not make these objects and is told twice to leave them alone, should somebody label them as its own.
//! They are not `immutable`: an answer may bring a field that is added later, and a host may move; what keeps a stored
//! password is that every replacement names the version that was read.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    error::Error,
};

use k8s_openapi::{ByteString, api::core::v1::Secret as Object, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Client, Config,
    api::{DeleteParams, GetParams, ListParams, PostParams, Preconditions},
    client::Body,
    config::KubeConfigOptions,
    core::{ObjectList, PartialObjectMeta, Request},
};
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use crate::{
    engine::{
        Entry, Secret, Trouble, TroubleKind, points,
        store::{Answer, Held, Store, Written},
        tls, web,
        within::{CALL, within},
    },
    name::object::secret_object,
};

/// The annotation with the key.
const KEY: &str = "tenantry.dev/key";

/// Objects of one page of a list: what `kubectl` asks for.
const PAGE: u32 = 500;

/// The Secrets of a namespace.
pub struct KubernetesSecrets {
    name: String,
    namespace: String,
    config: Config,
    /// Made with the first request: it needs the runtime.
    client: RefCell<Option<Client>>,
}

/// One request.
enum Call<'c> {
    Get(&'c str),
    Create(Vec<u8>),
    Replace(&'c str, Vec<u8>),
    Delete(&'c str, &'c DeleteParams),
    /// Names and annotations alone: values are not asked for.
    List(&'c ListParams),
}

impl Call<'_> {
    /// Returns what a Role calls it.
    fn verb(&self) -> &'static str {
        match self {
            Call::Get(_) => "get",
            Call::Create(_) => "create",
            Call::Replace(..) => "update",
            Call::Delete(..) => "delete",
            Call::List(_) => "list",
        }
    }
}

/// An answer of the API server, read to its end.
struct Reply {
    verb: &'static str,
    status: StatusCode,
    body: Vec<u8>,
}

/// Returns how the API server is reached: by the file that `KUBECONFIG` names, else as a Pod of the cluster reaches it.
///
/// The file in a person's home is not taken: whichever cluster it happens to point at is no place for credentials.
///
/// # Errors
/// There is no such file and this is no Pod, or they say nothing that can be used.
pub async fn config(name: &str, has_kubeconfig: bool) -> Result<Config, Trouble> {
    let setup = |why: String| {
        Trouble::new(TroubleKind::Setup, format!("connection `{name}`: failed to find the API server of Kubernetes"))
            .because(why)
    };
    if has_kubeconfig {
        Config::from_kubeconfig(&KubeConfigOptions::default()).await.map_err(|error| setup(error.to_string()))
    } else {
        Config::incluster()
            .map_err(|error| setup(format!("`KUBECONFIG` is not set, and this is no Pod of a cluster: {error}")))
    }
}

impl KubernetesSecrets {
    /// Prepares a client; nothing is connected yet.
    pub fn new(name: &str, namespace: &str, config: Config) -> Self {
        let mut config = config;
        config.connect_timeout = Some(CALL);
        // What was done is looked at before it is done again.
        config.default_retry = false;
        Self { name: name.to_owned(), namespace: namespace.to_owned(), config, client: RefCell::default() }
    }

    fn client(&self, what: &str) -> Result<Client, Trouble> {
        if let Some(client) = self.client.borrow().as_ref() {
            return Ok(client.clone());
        }
        tls::prepare();
        let client = Client::try_from(self.config.clone()).map_err(|error| self.failed(what, &error))?;
        Ok(self.client.borrow_mut().insert(client).clone())
    }

    /// Sends a request and reads the answer. The client's own reading would log what it cannot read, values and all.
    async fn send(&self, what: &str, call: Call<'_>) -> Result<Reply, Trouble> {
        let (verb, requests) = (call.verb(), Request::new(format!("/api/v1/namespaces/{}/secrets", self.namespace)));
        // Whose fields these are, where others have a hand in the object.
        let ours = PostParams { field_manager: Some("tenantry".to_owned()), ..PostParams::default() };
        let request = match call {
            Call::Get(name) => requests.get(name, &GetParams::default()),
            Call::Create(bytes) => requests.create(&ours, bytes),
            Call::Replace(name, bytes) => requests.replace(name, &ours, bytes),
            Call::Delete(name, asked) => requests.delete(name, asked),
            Call::List(page) => requests.list_metadata(page),
        };
        let request = request.map_err(|error| self.trouble(TroubleKind::Setup, what).because(error.to_string()))?;
        let client = self.client(what)?;
        within(&self.name, what, async {
            let answer = client.send(request.map(Body::from)).await.map_err(|error| self.failed(what, &error))?;
            let status = StatusCode::from_u16(answer.status().as_u16())
                .map_err(|_| self.trouble(TroubleKind::Unexpected, what).because("the answer has no status"))?;
            let body = answer.into_body().collect_bytes().await.map_err(|error| self.failed(what, &error))?;
            Ok(Reply { verb, status, body: body.to_vec() })
        })
        .await
    }

    fn trouble(&self, kind: TroubleKind, what: &str) -> Trouble {
        Trouble::new(kind, format!("connection `{}`: failed to {what}", self.name))
    }

    /// Returns what it means that no answer came.
    fn failed(&self, what: &str, error: &kube::Error) -> Trouble {
        // What a login says of itself may hold what it was to keep.
        if matches!(error, kube::Error::Auth(_)) {
            return self.trouble(TroubleKind::Credential, what).because("the login that the kubeconfig names fails");
        }
        let kind = if web::is_tls(error) { TroubleKind::Tls } else { TroubleKind::Unreachable };
        let mut innermost: &(dyn Error + 'static) = error;
        while let Some(cause) = innermost.source() {
            innermost = cause;
        }
        // The texts of a chain repeat each other here; the innermost says what happened.
        self.trouble(kind, what).because(innermost.to_string())
    }

    /// Returns what an answer means that is no success.
    fn refused(&self, what: &str, reply: &Reply) -> Trouble {
        let Reply { verb, status, body: _ } = reply;
        let (kind, why) = match *status {
            StatusCode::UNAUTHORIZED => (TroubleKind::Credential, "the API server does not know who asks".to_owned()),
            StatusCode::FORBIDDEN => {
                let namespace = &self.namespace;
                (TroubleKind::Forbidden, format!("a Role must allow `{verb}` on `secrets` in namespace `{namespace}`"))
            }
            StatusCode::NOT_FOUND => (TroubleKind::Setup, format!("there is no namespace `{}`", self.namespace)),
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => (
                TroubleKind::Refused,
                format!(
                    "the API server answers {status}: names of fields are letters, digits, `-`, `_` and `.`, and all values together have at most 1 MiB"
                ),
            ),
            StatusCode::TOO_MANY_REQUESTS => (TroubleKind::Busy, format!("the API server answers {status}")),
            _ if status.is_server_error() => (TroubleKind::Busy, format!("the API server answers {status}")),
            _ => (TroubleKind::Unexpected, format!("the API server answers {status}")),
        };
        self.trouble(kind, what).because(why)
    }

    fn parse<T: DeserializeOwned>(&self, what: &str, reply: &Reply) -> Result<T, Trouble> {
        // What does not fit could be a value; where it stands is enough.
        serde_json::from_slice(&reply.body).map_err(|error| {
            let why =
                format!("the answer is not what it should be, at line {} column {}", error.line(), error.column());
            self.trouble(TroubleKind::Unexpected, what).because(why)
        })
    }

    /// Returns the Secret of an entry, with the key that it says it holds.
    async fn get(&self, key: &str) -> Result<Option<Object>, Trouble> {
        let what = format!("read the entry `{key}`");
        let name = secret_object(key);
        let reply = self.send(&what, Call::Get(&name)).await?;
        let object: Object = match reply.status {
            StatusCode::OK => self.parse(&what, &reply)?,
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(self.refused(&what, &reply)),
        };
        if held_key(&object.metadata) != Some(key) {
            let why = format!("the Secret `{name}` does not say by the annotation `{KEY}` that it holds it");
            return Err(self.trouble(TroubleKind::Refused, &what).because(why));
        }
        if object.metadata.deletion_timestamp.is_some() {
            let why = format!("the Secret `{name}` is being deleted, and waits for its finalizers");
            return Err(self.trouble(TroubleKind::Busy, &what).because(why));
        }
        Ok(Some(object))
    }

    async fn load(&self, key: &str) -> Result<Held, Trouble> {
        let Some(object) = self.get(key).await? else { return Ok(Held::Free) };
        let version = object.metadata.resource_version.unwrap_or_default();
        let mut fields = BTreeMap::new();
        for (name, ByteString(bytes)) in object.data.unwrap_or_default() {
            let text = String::from_utf8(bytes).map_err(|_| {
                self.trouble(TroubleKind::Unexpected, &format!("read the entry `{key}`"))
                    .because(format!("its field `{name}` is no text"))
            })?;
            fields.insert(name, Secret::new(text));
        }
        Ok(Held::Entry(Entry::new(fields, version)))
    }

    fn bytes(&self, what: &str, object: &Object) -> Result<Vec<u8>, Trouble> {
        serde_json::to_vec(object)
            .map_err(|_| self.trouble(TroubleKind::Setup, what).because("the entry cannot be written as JSON"))
    }
}

fn held_key(metadata: &ObjectMeta) -> Option<&str> {
    metadata.annotations.as_ref()?.get(KEY).map(String::as_str)
}

fn data(fields: &BTreeMap<String, Secret>) -> BTreeMap<String, ByteString> {
    fields.iter().map(|(name, secret)| (name.clone(), ByteString(secret.expose().as_bytes().to_vec()))).collect()
}

/// Returns the Secret of an entry that is made.
fn object(key: &str, fields: &BTreeMap<String, Secret>) -> Object {
    let texts = |pairs: &[(&str, &str)]| {
        Some(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    };
    Object {
        metadata: ObjectMeta {
            name: Some(secret_object(key)),
            labels: texts(&[("app.kubernetes.io/managed-by", "tenantry")]),
            annotations: texts(&[
                (KEY, key),
                ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
                ("argocd.argoproj.io/sync-options", "Prune=false"),
            ]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data(fields)),
        ..Object::default()
    }
}

impl Store for KubernetesSecrets {
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Held> {
        Box::pin(self.load(key))
    }

    fn create<'a>(&'a self, key: &'a str, fields: &'a BTreeMap<String, Secret>) -> Answer<'a, Written> {
        Box::pin(async move {
            let what = format!("create the entry `{key}`");
            let bytes = self.bytes(&what, &object(key, fields))?;
            let reply = self.send(&what, Call::Create(bytes)).await?;
            match reply.status {
                StatusCode::CREATED => Ok(Written::Done),
                StatusCode::CONFLICT if points::planted("kubernetes-exists-is-done") => Ok(Written::Done),
                StatusCode::CONFLICT => Ok(Written::Lost),
                _ => Err(self.refused(&what, &reply)),
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
            let what = format!("replace the entry `{key}`");
            // What others have noted on the object stays.
            let Some(mut object) = self.get(key).await? else { return Ok(Written::Lost) };
            if object.metadata.resource_version.as_deref() != Some(version) {
                return Ok(Written::Lost);
            }
            object.data = Some(data(fields));
            let bytes = self.bytes(&what, &object)?;
            let reply = self.send(&what, Call::Replace(&secret_object(key), bytes)).await?;
            match reply.status {
                StatusCode::OK => Ok(Written::Done),
                StatusCode::CONFLICT | StatusCode::NOT_FOUND => Ok(Written::Lost),
                _ => Err(self.refused(&what, &reply)),
            }
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let what = format!("remove the entry `{key}`");
            let Some(object) = self.get(key).await? else { return Ok(()) };
            // Only the object that was looked at: another one of that name is another entry.
            let ObjectMeta { uid, resource_version, .. } = object.metadata;
            let asked = DeleteParams {
                preconditions: Some(Preconditions { uid, resource_version }),
                ..DeleteParams::default()
            };
            let reply = self.send(&what, Call::Delete(&secret_object(key), &asked)).await?;
            match reply.status {
                StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NOT_FOUND => Ok(()),
                StatusCode::CONFLICT => {
                    Err(self.trouble(TroubleKind::Busy, &what).because("it was changed at that moment"))
                }
                _ => Err(self.refused(&what, &reply)),
            }
        })
    }

    fn present<'a>(&'a self, keys: &'a BTreeSet<String>) -> Answer<'a, BTreeSet<String>> {
        Box::pin(async move {
            let what = "list the entries";
            let mut found = BTreeSet::new();
            let mut page = ListParams::default().limit(PAGE);
            loop {
                let reply = self.send(what, Call::List(&page)).await?;
                if reply.status != StatusCode::OK {
                    return Err(self.refused(what, &reply));
                }
                let list: ObjectList<PartialObjectMeta<Object>> = self.parse(what, &reply)?;
                let held = list.items.iter().filter_map(|object| {
                    let key = held_key(&object.metadata)?;
                    (object.metadata.name.as_deref() == Some(secret_object(key).as_str())).then(|| key.to_owned())
                });
                found.extend(held.filter(|key| keys.contains(key)));
                match list.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => page = page.continue_token(&token),
                    None => return Ok(found),
                }
            }
        })
    }
}
