//! The two secret stores of these tests, read without the engine.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Value, json};
use walkdir::WalkDir;

use super::{
    administrator::curl,
    servers::{TOKEN, variable},
};

/// Entries by key, their fields by name.
pub type Entries = BTreeMap<String, BTreeMap<String, String>>;

/// Where credentials are.
#[derive(Debug)]
pub enum Store {
    /// Files in a folder.
    Directory(PathBuf),
    /// OpenBao.
    Openbao,
}

impl Store {
    /// Returns the connection that documents hold.
    pub fn connection(&self) -> Value {
        match self {
            Store::Directory(path) => json!({"kind": "directory", "path": path}),
            Store::Openbao => json!({"kind": "vault", "url": variable("TENANTRY_TEST_OPENBAO_URL"),
                "mount": variable("TENANTRY_TEST_OPENBAO_MOUNT"), "tokenEnv": TOKEN}),
        }
    }

    /// Returns what is stored for a tenant.
    pub fn entries(&self, tenant: &str) -> Entries {
        match self {
            Store::Directory(root) => {
                let files = WalkDir::new(root.join("tenants").join(tenant)).into_iter().filter_map(Result::ok);
                let files = files.filter(|file| file.path().extension().is_some_and(|end| end == "json"));
                let entry = |file: walkdir::DirEntry| {
                    let key = file.path().strip_prefix(root).unwrap().with_extension("").display().to_string();
                    Some((key, serde_json::from_str(&fs::read_to_string(file.path()).ok()?).unwrap()))
                };
                files.filter_map(entry).collect()
            }
            Store::Openbao => {
                let listed = ask(&format!("metadata/tenants/{tenant}?list=true"));
                let keys = listed.pointer("/data/keys").and_then(Value::as_array).cloned().unwrap_or_default();
                let entry = |key: Value| {
                    let key = format!("tenants/{tenant}/{}", key.as_str().unwrap());
                    let fields = ask(&format!("data/{key}")).pointer("/data/data")?.clone();
                    (!fields.is_null()).then(|| (key, serde_json::from_value(fields).unwrap()))
                };
                keys.into_iter().filter_map(entry).collect()
            }
        }
    }
}

/// What OpenBao answers.
fn ask(path: &str) -> Value {
    let (url, mount) = (variable("TENANTRY_TEST_OPENBAO_URL"), variable("TENANTRY_TEST_OPENBAO_MOUNT"));
    let header = format!("header = \"X-Vault-Token: {}\"", variable(TOKEN));
    serde_json::from_str(&curl(&header, &[&format!("{url}/v1/{mount}/{path}")]).1).unwrap_or_default()
}

/// Returns entries that were changed or are gone; those with more fields than before are neither.
pub fn lost(before: &Entries, after: &Entries) -> Vec<String> {
    let kept = |key: &String, fields: &BTreeMap<String, String>| {
        after.get(key).is_some_and(|now| fields.iter().all(|(field, text)| now.get(field) == Some(text)))
    };
    before.iter().filter(|(key, fields)| !kept(key, fields)).map(|(key, _)| key.clone()).collect()
}

#[test]
fn a_changed_field_is_lost() {
    let entries = |fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Entries::from([("tenants/a/x".to_owned(), fields)])
    };
    let one = entries(&[("password", "1")]);
    assert!(lost(&one, &entries(&[("password", "1"), ("host", "h")])).is_empty());
    assert_eq!(lost(&one, &entries(&[("password", "2")])), ["tenants/a/x"]);
    assert_eq!(lost(&one, &entries(&[("host", "h")])), ["tenants/a/x"]);
    assert_eq!(lost(&one, &Entries::new()), ["tenants/a/x"]);
}
