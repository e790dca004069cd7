//! `httpResource` against declared servers: the flagship's register of shops and Grafana, and Neon, Cloudflare and an
//! Nginx Proxy Manager. Documents come from estates, so what is tested here is what a tier can say.
//!
//! The oracle reads the state of the servers directly, and their own log counts what went over the wire.

mod battery_runs;
mod creation;
mod faults;
mod ownership;
mod readiness;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tenantry::{
    check,
    engine::{
        Purpose,
        gate::Stop,
        report::{ResourceReport, Unwatched},
    },
    load,
    provision::Document,
    resolve::Resolver,
    steps::Allow,
};

use super::{
    battery::{Case, UID, run, settings},
    stand_ins::{
        Api, Server, cloudflare::Cloudflare, grafana::Grafana, neon::Neon, nginx_proxy_manager::NginxProxyManager,
        websites::Websites,
    },
    wire::Proxy,
};

/// The tokens and passwords of all administrators: nothing may ever show them.
pub const CANARY: &str = "canary-4711";

/// The document of an estate's first tenant, for the tenant of [`UID`], and its resources behind JSON APIs only.
fn document_of(estate: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(estate);
    let checked = check::check(&load::directory(&root).unwrap());
    let estate = checked.estate.unwrap();
    let resolver = Resolver::new(&estate);
    let plan = resolver.plan(estate.tenants().values().next().unwrap());
    let text = serde_json::to_string(&plan.document).unwrap();
    let uid = plan.document.metadata.uid.clone();
    let mut document: Value = serde_json::from_str(&text.replace(&uid, UID)).unwrap();
    let resources = document["resources"].as_array_mut().unwrap();
    resources.retain(|resource| resource["kind"] == "httpResource");
    document
}

/// Files with credentials, and a secret store.
pub struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        for (name, text) in [("token", CANARY), ("user", "admin"), ("password", CANARY)] {
            fs::write(files.path().join(name), format!("{text}\n")).unwrap();
        }
        Self(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn bearer(&self) -> Value {
        json!({"bearer": {"tokenFile": self.path("token")}})
    }

    fn login(&self) -> Value {
        json!({"usernameFile": self.path("user"), "passwordFile": self.path("password")})
    }
}

/// Puts connections in the place of those that a document names.
fn connected(document: &Value, connections: Value, store: &Path) -> Value {
    let mut document = document.clone();
    document["connections"] = connections;
    document["connections"]["store"] = json!({"kind": "directory", "path": store});
    for resource in document["resources"].as_array_mut().unwrap() {
        if let Some(secret) = resource.get_mut("secret") {
            secret["store"] = json!("store");
        }
    }
    document
}

/// Replaces a text, or a number, wherever it stands.
fn replaced(document: &Value, from: &str, to: &str) -> Value {
    let text = document.to_string();
    assert!(text.contains(from), "the document holds no {from}");
    serde_json::from_str(&text.replace(from, to)).unwrap()
}

/// Which of a case's servers the engine reaches through the proxy; the others it reaches directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    None,
    Websites,
    Grafana,
    Neon,
    Cloudflare,
    ProxyManager,
}

/// A proxy before a server, and the server's URL as the engine is told it.
fn proxy<A: Api>(server: &Server<A>) -> Proxy {
    // A login is a POST that changes nothing.
    Proxy::http(server.address(), |request| request.path() == "/api/tokens")
}

/// The tenant of the flagship estate.
pub const SHOP: &str = "abc-corporation-7f3a9c";

/// The flagship's shop, organisation and user.
pub struct Flagship {
    pub websites: Server<Websites>,
    pub grafana: Server<Grafana>,
    document: Value,
    files: Files,
    proxy: Proxy,
    through: Through,
}

impl Flagship {
    pub fn new() -> Self {
        Self::through(Through::None)
    }

    pub fn through(through: Through) -> Self {
        let websites = Server::start(Websites::new(CANARY, 2));
        let grafana = Server::start(Grafana::new("admin", CANARY));
        let proxy = if through == Through::Grafana { proxy(&grafana) } else { proxy(&websites) };
        Self { websites, grafana, document: document_of("."), files: Files::new(), proxy, through }
    }

    /// The document on these servers.
    pub fn value(&self, store: &Path) -> Value {
        let url = |through, direct: String| {
            if self.through == through { format!("http://{}", self.proxy.address()) } else { direct }
        };
        let (websites, grafana) =
            (url(Through::Websites, self.websites.url()), url(Through::Grafana, self.grafana.url()));
        let connections = json!({
            "websites": {"kind": "http", "url": websites, "authentication": self.files.bearer()},
            "grafana": {"kind": "http", "url": grafana, "authentication": {"basic": self.files.login()}},
        });
        connected(&self.document, connections, store)
    }

    /// The default store of the tests that are no battery.
    pub fn store(&self) -> PathBuf {
        self.files.path("store")
    }

    pub fn apply(&self) -> Vec<ResourceReport> {
        self.apply_value(self.value(&self.store()))
    }

    pub fn apply_value(&self, document: Value) -> Vec<ResourceReport> {
        apply(document, Allow::default())
    }
}

/// Runs the engine on a document.
pub fn apply(document: Value, allow: Allow) -> Vec<ResourceReport> {
    let document: Document = serde_json::from_value(document).unwrap();
    run(&document, &settings(Purpose::Apply, Stop::default(), allow), &Unwatched)
}

pub fn destroy(document: Value) -> Vec<ResourceReport> {
    let document: Document = serde_json::from_value(document).unwrap();
    run(&document, &settings(Purpose::Destroy, Stop::default(), Allow::default()), &Unwatched)
}

/// The trouble of a resource, in one line; empty where it has none.
pub fn trouble(reports: &[ResourceReport], id: &str) -> String {
    let report = reports.iter().find(|report| report.id == id).unwrap();
    report.trouble.as_ref().map(|trouble| trouble.message.clone()).unwrap_or_default()
}

/// Leaves one resource in a document.
pub fn only(document: &Value, id: &str) -> Value {
    let mut document = document.clone();
    document["resources"].as_array_mut().unwrap().retain(|resource| resource["id"] == id);
    document
}

/// Changes the settings of a resource.
pub fn with(document: &Value, id: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut document = document.clone();
    let resources = document["resources"].as_array_mut().unwrap();
    change(&mut resources.iter_mut().find(|resource| resource["id"] == id).unwrap()["spec"]);
    document
}

/// The methods and paths of the writes that came since the last call.
fn writes<A: Api>(server: &Server<A>) -> Vec<String> {
    let log = server.log();
    server.forget();
    let writes = log.into_iter().filter(|logged| logged.writes);
    writes.map(|logged| format!("{} {}", logged.request.method, logged.request.path)).collect()
}

impl Case for Flagship {
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
        let mut document = replaced(&self.value(store), UID, uid);
        if updated {
            document = replaced(&replaced(&document, "ABC Corporation", "ABC Retail"), "\"premium\"", "\"basic\"");
        }
        serde_json::from_value(document).unwrap()
    }

    fn dump(&self) -> String {
        let mut dump = String::new();
        self.websites.with(|websites| {
            // Batteries make and remove the shop hundreds of times; each time uses up a key.
            if self.through != Through::None && websites.websites.is_empty() {
                websites.a_day_passes();
            }
            for website in websites.websites.values() {
                let mut shown = serde_json::to_value(website).unwrap();
                shown.as_object_mut().unwrap().remove("id");
                dump.push_str(&format!("{shown}\n"));
            }
        });
        self.grafana.with(|grafana| {
            for (id, org) in grafana.orgs.iter().filter(|(id, _)| **id != 1) {
                let members: BTreeMap<&String, &String> = org
                    .members
                    .iter()
                    .filter_map(|(user, role)| Some((&grafana.users.get(user)?.login, role)))
                    .collect();
                dump.push_str(&format!("{} {members:?} {}\n", org.name, *id > 1));
            }
            for (id, user) in grafana.users.iter().filter(|(id, _)| **id != 1) {
                let in_main = grafana.orgs[&1].members.contains_key(id);
                dump.push_str(&format!("{} {} {} {in_main}\n", user.login, user.email, user.name));
            }
        });
        dump
    }

    fn drift(&self) {
        self.websites.with(|websites| {
            websites.websites.values_mut().for_each(|website| website.tier = "enterprise".to_owned());
        });
        self.grafana.with(|grafana| {
            let id = grafana.user(SHOP).unwrap().0;
            let user = grafana.users.get_mut(&id).unwrap();
            (user.name, user.password) = ("Somebody".to_owned(), "changed by hand".to_owned());
        });
    }

    fn foreign(&self) {
        self.grafana.with(|grafana| grafana.add_org(SHOP));
    }

    fn writes(&self) -> Vec<String> {
        [writes(&self.websites), writes(&self.grafana)].concat()
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }
}

/// The tenant of the estate `apis`, and its host.
pub const GROCER: &str = "green-grocer-5be20d";
pub const HOST: &str = "green-grocer.storefronts.example.com";

/// A database of Neon, a hostname of Cloudflare and a route of the proxy manager.
pub struct Apis {
    pub neon: Server<Neon>,
    pub cloudflare: Server<Cloudflare>,
    pub proxy: Server<NginxProxyManager>,
    document: Value,
    files: Files,
    wire: Proxy,
    through: Through,
}

impl Apis {
    pub fn new() -> Self {
        Self::through(Through::None)
    }

    pub fn through(through: Through) -> Self {
        let neon = Server::start(Neon::new(CANARY, "p1"));
        let cloudflare = Server::start(Cloudflare::new(CANARY, "z1", 20));
        let manager = Server::start(NginxProxyManager::new("admin", CANARY));
        let wire = match through {
            Through::Cloudflare => proxy(&cloudflare),
            Through::ProxyManager => proxy(&manager),
            _ => proxy(&neon),
        };
        let document = document_of("fixtures/estates/apis");
        Self { neon, cloudflare, proxy: manager, document, files: Files::new(), wire, through }
    }

    pub fn value(&self, store: &Path) -> Value {
        let http = |through, direct: String, path: &str, authentication: Value| {
            let url = if self.through == through { format!("http://{}", self.wire.address()) } else { direct };
            json!({"kind": "http", "url": format!("{url}{path}"), "authentication": authentication})
        };
        let login = json!({"login": {
            "path": "/api/tokens", "usernameKey": "identity", "passwordKey": "secret", "tokenAt": "/token",
            "credentials": self.files.login(),
        }});
        let connections = json!({
            "neon": http(Through::Neon, self.neon.url(), "/api/v2", self.files.bearer()),
            "cloudflare": http(Through::Cloudflare, self.cloudflare.url(), "/client/v4", self.files.bearer()),
            "proxy": http(Through::ProxyManager, self.proxy.url(), "", login),
        });
        connected(&self.document, connections, store)
    }

    /// The document with one resource only.
    pub fn only(&self, id: &str) -> Value {
        only(&self.value(&self.files.path("store")), id)
    }

    /// The fields of a stored entry.
    pub fn stored(&self, id: &str) -> BTreeMap<String, String> {
        let path = self.files.path("store").join(format!("storefronts/{GROCER}/{id}.json"));
        fs::read_to_string(path).map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
    }
}

impl Case for Apis {
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
        let mut document = replaced(&self.value(store), UID, uid);
        if updated {
            document = replaced(&replaced(&document, "8080", "9090"), "\"1.2\"", "\"1.3\"");
        }
        serde_json::from_value(document).unwrap()
    }

    fn dump(&self) -> String {
        let mut dump = String::new();
        self.neon.with(|neon| {
            for branch in neon.branches.values().filter(|branch| branch.parent.is_some()) {
                let has_endpoint = branch.endpoint.is_some();
                dump.push_str(&format!(
                    "{} {} {has_endpoint} {:?}\n",
                    branch.name, branch.init_source, branch.annotation
                ));
            }
        });
        self.cloudflare.with(|cloudflare| {
            for found in cloudflare.hostnames.values() {
                dump.push_str(&format!("{} {} {:?}\n", found.hostname, found.ssl, found.states()));
            }
        });
        self.proxy.with(|proxy| {
            for host in proxy.hosts.values() {
                let mut host = host.clone();
                host.remove("id");
                dump.push_str(&format!("{}\n", Value::Object(host)));
            }
        });
        dump
    }

    fn drift(&self) {
        self.cloudflare.with(|cloudflare| {
            cloudflare.hostnames.values_mut().for_each(|found| found.ssl["method"] = json!("txt"));
        });
        self.proxy.with(|proxy| {
            proxy.hosts.values_mut().for_each(|host| drop(host.insert("forward_port".to_owned(), json!(81))));
        });
    }

    fn foreign(&self) {
        self.proxy.with(|proxy| proxy.add(HOST, "somebody-elses"));
    }

    fn writes(&self) -> Vec<String> {
        [writes(&self.neon), writes(&self.cloudflare), writes(&self.proxy)].concat()
    }

    fn proxy(&self) -> &Proxy {
        &self.wire
    }
}

/// One server of [`Apis`] alone: the wait for a hostname is slow, and has its own tests.
macro_rules! alone {
    ($name:ident, $id:literal) => {
        pub struct $name(pub Apis);

        impl $name {
            pub fn through(through: Through) -> Self {
                Self(Apis::through(through))
            }
        }

        impl Case for $name {
            fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
                let document = serde_json::to_value(self.0.document(uid, updated, store)).unwrap();
                serde_json::from_value(only(&document, $id)).unwrap()
            }

            fn dump(&self) -> String {
                self.0.dump()
            }

            fn drift(&self) {
                self.0.drift();
            }

            fn foreign(&self) {
                self.0.foreign();
            }

            fn writes(&self) -> Vec<String> {
                self.0.writes()
            }

            fn proxy(&self) -> &Proxy {
                self.0.proxy()
            }

            /// The flagship has the points of the kind; this is one server of several.
            #[cfg(feature = "faults")]
            fn least_points(&self) -> usize {
                20
            }
        }
    };
}

alone!(NeonOnly, "database");
alone!(RouteOnly, "route");
