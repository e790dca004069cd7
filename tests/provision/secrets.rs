//! `secret` in a real OpenBao; the oracle asks its API with curl.

use std::{
    collections::BTreeMap,
    env,
    io::Write,
    path::Path,
    process::{self, Command, Stdio},
};

use serde_json::{Value, json};
use tenantry::{provision::Document, steps::credential::CLAIM_FIELD};

use super::{
    battery::{Battery, Case, Entries, assert_not_ours},
    wire::{Proxy, http::usual_reads},
};

/// Three entries in a folder of their own.
struct Secrets {
    folder: String,
    proxy: Proxy,
}

const NAMES: [&str; 3] = ["app-key", "app-key-two", "signing"];

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

/// What the API answers to its administrator. The token stays out of curl's arguments.
fn ask(method: &str, path: &str, body: Option<&Value>) -> Value {
    let (url, mount) = (variable("TENANTRY_TEST_OPENBAO_URL"), variable("TENANTRY_TEST_OPENBAO_MOUNT"));
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--config", "-", "--request", method])
        .args(body.map(|body| ["--data".to_owned(), body.to_string()]).into_iter().flatten())
        .arg(format!("{url}/v1/{mount}/{path}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let token = variable("TENANTRY_TEST_OPENBAO_TOKEN");
    write!(curl.stdin.take().unwrap(), "header = \"X-Vault-Token: {token}\"").unwrap();
    let output = curl.wait_with_output().unwrap();
    assert!(output.status.success(), "{method} {path}: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

impl Secrets {
    fn new(test: &str) -> Self {
        let url = variable("TENANTRY_TEST_OPENBAO_URL");
        let proxy = Proxy::http(url.trim_start_matches("http://").parse().unwrap(), usual_reads);
        Self { folder: format!("tests/{test}-{}", process::id()), proxy }
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    fn entry(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let fields = ask("GET", &format!("data/{}", self.key(name)), None).pointer("/data/data").cloned()?;
        serde_json::from_value(fields).unwrap()
    }

    fn put(&self, name: &str, fields: &BTreeMap<String, String>) {
        ask("POST", &format!("data/{}", self.key(name)), Some(&json!({ "data": fields })));
    }
}

impl Case for Secrets {
    fn document(&self, uid: &str, updated: bool, _: &Path) -> Document {
        let issuer = if updated { "two" } else { "one" };
        let fields = json!({"key": {"generated": 40}, "issuer": {"value": issuer}});
        let resource = |name: &str| {
            json!({"kind": "secret", "id": name, "connection": "store", "name": self.key(name),
                "secret": {"store": "store", "key": self.key(name), "fields": fields}, "spec": {"fields": fields}})
        };
        serde_json::from_value(json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Provision",
            "metadata": {"tenant": "abc", "uid": uid, "state": "active"},
            "connections": {"store": {"kind": "vault", "url": format!("http://{}", self.proxy.address()),
                "mount": variable("TENANTRY_TEST_OPENBAO_MOUNT"), "tokenEnv": "TENANTRY_TEST_OPENBAO_TOKEN"}},
            "resources": NAMES.map(resource),
        }))
        .unwrap()
    }

    fn dump(&self) -> String {
        let lines = NAMES.iter().filter_map(|name| {
            let mut fields = self.entry(name)?;
            // What is made at random differs between two runs, in all but its length.
            fields.entry("key".to_owned()).and_modify(|key| *key = format!("{} characters", key.len()));
            Some(format!("{name} {fields:?}"))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn drift(&self) {
        let mut fields = self.entry(NAMES[0]).unwrap();
        fields.insert("issuer".to_owned(), "by hand".to_owned());
        self.put(NAMES[0], &fields);
        let mut fields = self.entry(NAMES[1]).unwrap();
        fields.remove("issuer");
        fields.remove(CLAIM_FIELD);
        self.put(NAMES[1], &fields);
    }

    fn foreign(&self) {
        let claim = "tenantry:somebody:0192f0c1-0000-7000-8000-00000000000e";
        self.put(NAMES[2], &BTreeMap::from([(CLAIM_FIELD.to_owned(), claim.to_owned())]));
    }

    fn entries(&self) -> Option<Entries> {
        Some(NAMES.iter().filter_map(|name| Some(((*name).to_owned(), generated(self.entry(name)?)))).collect())
    }

    fn settle_neighbour(&self) {
        self.put("app-key/neighbour", &BTreeMap::from([("key".to_owned(), "sentinel".to_owned())]));
    }

    fn neighbour(&self) -> String {
        format!("{:?}", self.entry("app-key/neighbour"))
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }
}

/// What must never change.
fn generated(mut fields: BTreeMap<String, String>) -> BTreeMap<String, String> {
    fields.retain(|name, _| name == "key");
    fields
}

impl Drop for Secrets {
    fn drop(&mut self) {
        for name in NAMES.iter().chain(&["app-key/neighbour"]) {
            ask("DELETE", &format!("metadata/{}", self.key(name)), None);
        }
    }
}

macro_rules! battery {
    ($($name:ident $test:ident)+) => {$(
        #[test]
        #[ignore = "needs openbao: run by tests/run"]
        fn $name() {
            let secrets = Secrets::new(stringify!($name));
            Battery::new(&secrets).$test();
        }
    )+};
}

battery! {
    secret_create create
    secret_repeat repeat
    secret_noop noop
    secret_update update
    secret_crash_after_n crash_after_n
    secret_another_uid another_uid
    secret_drift drift
    secret_wire_faults wire_faults
}

#[cfg(feature = "faults")]
battery! {
    secret_kill_at_every_point kill_at_every_point
}

/// An entry of another tenant under a wanted key stops everything; a removal leaves it, and says so.
#[test]
#[ignore = "needs openbao: run by tests/run"]
fn secret_of_another_stays() {
    let secrets = Secrets::new("secret_of_another_stays");
    let battery = Battery::new(&secrets);
    secrets.foreign();
    let before = secrets.dump();
    drop(secrets.writes());
    assert_not_ours(&battery.apply(false));
    assert_not_ours(&battery.destroy());
    assert_eq!(secrets.writes(), Vec::<String>::new(), "nothing is written beside what is not ours");
    assert_eq!(secrets.dump(), before);
}
