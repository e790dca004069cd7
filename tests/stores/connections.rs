//! Administrators' credentials that are entries of the secret store.

use serde_json::json;
use tenantry::{
    engine::{Purpose, TroubleKind, connections::Connections, kinds, store::Store, stores::directory::Directory},
    provision::Document,
};

use super::battery::{fields, run};

fn document(store: &serde_json::Value, redis_entry: &str) -> Document {
    serde_json::from_value(json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Provision",
        "metadata": {"tenant": "abc", "uid": "0192f0c1-0000-7000-8000-000000000001", "state": "active"},
        "connections": {
            "redis": {"kind": "redis", "host": "127.0.0.1", "port": 9, "tls": {"mode": "off"},
                "credentials": {"secret": redis_entry}},
            "store": store,
        },
        "resources": [{
            "kind": "redisUser", "id": "cache", "connection": "redis", "name": "abc--cache", "user": "abc--cache",
            "secret": {"store": "store", "key": "tenants/abc/cache", "fields": {"password": {"generated": 32}}},
            "spec": {"commands": ["+@all"]},
        }],
    }))
    .unwrap()
}

fn open(document: &Document) -> Result<(), (TroubleKind, String)> {
    let connections = Connections::new(None);
    let opened = run(kinds::open(std::slice::from_ref(document), &connections, Purpose::Apply));
    opened.map(|_| ()).map_err(|trouble| (trouble.kind(), trouble.line()))
}

#[test]
fn a_credential_may_be_an_entry_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = json!({"kind": "directory", "path": folder.path()});
    run(Directory::new(folder.path().to_owned()).create("platform/redis", &fields("x"))).unwrap();
    open(&document(&store, "platform/redis")).unwrap();

    let (kind, line) = open(&document(&store, "platform/other")).unwrap_err();
    assert_eq!(kind, TroubleKind::Setup);
    assert!(line.contains("`redis`") && line.contains("`platform/other`") && line.ends_with("is not there"), "{line}");

    let only_user = [("username".to_owned(), fields("x")["username"].clone())].into();
    run(Directory::new(folder.path().to_owned()).create("platform/half", &only_user)).unwrap();
    let (_, line) = open(&document(&store, "platform/half")).unwrap_err();
    assert!(line.ends_with("has no field `password`"), "{line}");
}

#[test]
fn a_store_cannot_hold_the_key_to_itself() {
    let store =
        json!({"kind": "awsSecretsManager", "region": "eu-central-1", "credentials": {"secret": "platform/aws"}});
    let (kind, line) = open(&document(&store, "platform/redis")).unwrap_err();
    assert_eq!(kind, TroubleKind::Setup);
    assert!(line.contains("whose own credential cannot be an entry"), "{line}");
}

#[test]
fn a_login_without_a_way_is_told() {
    let store = json!({"kind": "vault", "url": "http://127.0.0.1:9"});
    let (kind, line) = open(&document(&store, "platform/redis")).unwrap_err();
    assert_eq!(kind, TroubleKind::Setup);
    assert!(line.contains("`tokenEnv`, `kubernetesRole` or `appRole`"), "{line}");
}
