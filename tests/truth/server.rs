//! The real API server, spoken to over one connection.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use hyper::http::{Method, Request};
use kube::{
    Client,
    config::{Config, KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

/// How long controllers may take for what they do in a second: the rest is for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Plural and scope by kind, of one apiVersion.
type Kinds = BTreeMap<String, (String, bool)>;

/// The server that `tests/run` started.
pub struct Server {
    runtime: tokio::runtime::Runtime,
    client: Client,
    kinds: RefCell<BTreeMap<String, Kinds>>,
}

impl Server {
    pub fn connect() -> Self {
        // Another test of this program may have done so.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = env::var_os("TENANTRY_TEST_KUBECONFIG")
            .expect("TENANTRY_TEST_KUBECONFIG is not set: run this test by tests/run");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let file = Kubeconfig::read_from(path).unwrap();
            let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
            Client::try_from(config).unwrap()
        });
        Self { runtime, client, kinds: RefCell::default() }
    }

    fn send(&self, method: Method, path: &str, content: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let request = Request::builder().method(method).uri(path).header("content-type", content).body(body).unwrap();
        self.runtime.block_on(self.client.request::<Value>(request)).map_err(|error| error.to_string())
    }

    pub fn get(&self, path: &str) -> Result<Value, String> {
        self.send(Method::GET, path, "application/json", &Value::Null)
    }

    /// Returns the items of a list.
    pub fn list(&self, path: &str) -> Vec<Value> {
        self.get(path).unwrap()["items"].as_array().unwrap().clone()
    }

    pub fn patch(&self, path: &str, patch: &Value) {
        self.send(Method::PATCH, path, "application/merge-patch+json", patch).unwrap();
    }

    /// Returns the path of an object, `None` where the server has no such kind.
    pub fn path(&self, object: &Value) -> Option<String> {
        let (version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
        let base = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        let mut all = self.kinds.borrow_mut();
        let kinds = all.entry(version.to_owned()).or_insert_with(|| self.discover(&base));
        let (plural, namespaced) = kinds.get(kind)?;
        let metadata = &object["metadata"];
        let namespace = match metadata["namespace"].as_str().filter(|_| *namespaced) {
            Some(namespace) => format!("/namespaces/{namespace}"),
            None => String::new(),
        };
        let name = metadata["name"].as_str()?.replace('/', "%2F");
        Some(format!("{base}{namespace}/{plural}/{name}"))
    }

    fn discover(&self, base: &str) -> Kinds {
        let Ok(found) = self.get(base) else { return Kinds::new() };
        let resources = found["resources"].as_array().unwrap();
        let plain = resources.iter().filter(|resource| !resource["name"].as_str().unwrap().contains('/'));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        plain
            .map(|resource| {
                (text(&resource["kind"]), (text(&resource["name"]), resource["namespaced"].as_bool().unwrap()))
            })
            .collect()
    }

    /// Applies an object as Argo CD does: on the server's side, every field checked.
    pub fn apply(&self, object: &Value) -> Result<Value, String> {
        self.applied(object, "")
    }

    /// Asks whether the server would take an object, and the Pod of its template.
    pub fn would_take(&self, object: &Value) -> Result<(), String> {
        self.applied(object, "&dryRun=All")?;
        let Some(pod) = crate::flagship::pod_of(object) else { return Ok(()) };
        let namespace = pod["metadata"]["namespace"].as_str().unwrap();
        let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict");
        self.send(Method::POST, &path, "application/json", &pod).map(drop)
    }

    fn applied(&self, object: &Value, more: &str) -> Result<Value, String> {
        let path = self.path(object).ok_or("no such kind")?;
        let query = format!("fieldManager=tenantry-tests&force=true&fieldValidation=Strict{more}");
        self.send(Method::PATCH, &format!("{path}?{query}"), "application/apply-patch+yaml", object)
    }

    /// Asks again and again until something is there.
    pub fn wait<T>(&self, what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match ask() {
                Ok(found) => return found,
                Err(state) => assert!(Instant::now() < deadline, "waited in vain for {what}: {state}"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// A namespace of one test alone; it is gone, or going, when this is dropped.
pub struct Namespace<'s> {
    pub name: String,
    server: &'s Server,
}

impl<'s> Namespace<'s> {
    pub fn new(server: &'s Server, name: &str, labels: &Value) -> Self {
        let name = format!("truth-{name}-{}", std::process::id());
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } });
        server.apply(&object).unwrap();
        Self { name, server }
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        // A failure must not hide the test's own.
        let path = format!("/api/v1/namespaces/{}", self.name);
        let _ = self.server.send(Method::DELETE, &path, "application/json", &Value::Null);
    }
}
