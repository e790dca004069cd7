//! `httpResource` in schedules: an object of an API that keeps no claim, so that the ledger does; and one that carries
//! its claim, refers to the first, gets ready later, has a login, and brings a key with its creation.

use serde_json::json;
use tenantry::engine::sandbox::{State, http::Object};

use crate::{
    chance::Chance,
    estate::{Meddler, key, pointer, secret},
};

pub const SITE: Meddler = Meddler {
    name: "httpResource",
    resource: |tenant, variant| {
        let tier = ["standard", "premium"][variant % 2];
        json!({"kind": "httpResource", "id": "site", "connection": "server", "name": name(tenant, "site"),
        "secret": secret(tenant, "site", &json!({"token": {"generated": 20}})),
        "spec": {
            "lookup": {"call": {"method": "GET", "path": "/sites", "query": {"name": tenant}}, "items": "/data",
                "matching": {"/name": tenant}},
            "create": {"method": "POST", "path": "/sites", "body": {"name": tenant, "tier": tier}},
            "update": {"method": "PATCH", "path": "/sites/${found.id}", "body": {"tier": tier}},
            "delete": {"method": "DELETE", "path": "/sites/${found.id}"},
            "wanted": {"/tier": tier},
            "secret": {"token": {"generated": 20}},
        }})
    },
    foreign: |state, tenant, _| foreign(state, &name(tenant, "site")),
    remove_foreign: |state, tenant| drop(state.http.objects.remove(&name(tenant, "site"))),
    drift: |state, tenant, _| {
        if let Some(object) = state.http.objects.get_mut(&name(tenant, "site")) {
            object.values.insert("/tier".to_owned(), json!("free"));
        }
    },
    ..Meddler::QUIET
};

pub const ACCOUNT: Meddler = Meddler {
    name: "httpResource/account",
    needs: &["httpResource"],
    resource: |tenant, variant| {
        let tier = ["standard", "premium"][variant % 2];
        let fields =
            json!({"username": {"value": tenant}, "password": {"generated": 20}, "apiKey": {"answer": "/key"}});
        json!({"kind": "httpResource", "id": "account", "connection": "server", "name": name(tenant, "account"),
        "secret": secret(tenant, "account", &fields),
        "spec": {
            "needs": {"site": {"after": "site", "lookup": {
                "call": {"method": "GET", "path": "/sites", "query": {"name": tenant}}, "items": "/data",
                "matching": {"/name": tenant}}}},
            "lookup": {"call": {"method": "GET", "path": "/accounts"}, "items": "/data", "matching": {"/name": tenant}},
            "create": {"method": "POST", "path": "/accounts",
                "body": {"name": tenant, "tier": tier, "site": "${needs.site.id}", "notes": "${claim}"}},
            "update": {"method": "PATCH", "path": "/accounts/${found.id}", "body": {"tier": tier}},
            "delete": {"method": "DELETE", "path": "/accounts/${found.id}"},
            "wanted": {"/tier": tier, "/site": "${needs.site.id}"},
            "claimAt": "/notes",
            "readyWhen": {"ready": {"/state": ["ready"]}},
            "secret": fields,
            "login": {"username": "username", "password": "password", "proof": {"method": "GET", "path": "/me"},
                "set": {"method": "PUT", "path": "/accounts/${found.id}/password",
                    "body": {"password": "${secret.password}"}}},
            "reveal": {"call": {"method": "GET", "path": "/accounts/${found.id}/key"}, "fields": {"apiKey": "/key"}},
        }})
    },
    foreign: |state, tenant, _| foreign(state, &name(tenant, "account")),
    remove_foreign: |state, tenant| drop(state.http.objects.remove(&name(tenant, "account"))),
    drift,
    agrees: |state, tenant| {
        let object = state.http.objects.get(&name(tenant, "account"));
        let entry = state.secrets.entries.get(&key(tenant, "account"));
        let keys = object
            .zip(entry)
            .map(|(object, entry)| entry.fields.get("apiKey") == Some(&format!("sandbox-apiKey-{}", object.id)));
        keys.unwrap_or(true)
    },
    ..Meddler::QUIET
};

fn drift(state: &mut State, tenant: &str, chance: &mut Chance) {
    let object = state.http.objects.get_mut(&name(tenant, "account"));
    let Some(object) = object.filter(|object| object.claim.is_some()) else { return };
    match chance.below(3) {
        0 => object.password = None,
        1 => object.ready = false,
        _ => drop(object.values.insert("/tier".to_owned(), json!("free"))),
    }
}

fn foreign(state: &mut State, name: &str) -> Option<String> {
    let objects = &mut state.http.objects;
    if objects.contains_key(name) {
        return None;
    }
    let values = [("/tier".to_owned(), json!("somebody's"))].into();
    objects.insert(name.to_owned(), Object { id: 99, values, ready: true, ..Default::default() });
    Some(pointer(["http", "objects", name]))
}

fn name(tenant: &str, item: &str) -> String {
    format!("{tenant}/{item}")
}
