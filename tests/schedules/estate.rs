//! The tenants of a schedule: documents with one resource of every kind, and what somebody else does to them.

use serde_json::{Value, json};
use tenantry::{engine::sandbox::State, provision::Document};

use super::{
    chance::Chance,
    kinds::{http, postgres, rabbitmq, redis, secret},
};

/// The names: neighbours by prefix and by what a pattern could take for a wildcard.
pub const NAMES: [&str; 4] = ["abc", "abc-d", "abcxd", "ab"];

/// Returns the document of a tenant; `variant` changes settings, never names.
pub fn document(tenant: &str, uid: u64, variant: usize) -> Document {
    let resources: Vec<Value> = KINDS.iter().map(|kind| (kind.resource)(tenant, variant)).collect();
    let connection = json!({"kind": "sandbox", "path": "/nonexistent"});
    serde_json::from_value(json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Provision",
        "metadata": {"tenant": tenant, "uid": uid_text(uid), "state": "active"},
        "connections": {"server": connection, "vault": connection},
        "resources": resources,
    }))
    .unwrap()
}

pub fn uid_text(uid: u64) -> String {
    format!("0192f0c1-0000-7000-8000-{uid:012}")
}

/// What the schedule does with a kind.
pub struct Meddler {
    /// The resource of a tenant.
    pub resource: fn(tenant: &str, variant: usize) -> Value,
    /// Makes an object of the tenant's name as somebody else would; returns whether it could: not where one is there.
    pub foreign: fn(state: &mut State, tenant: &str) -> bool,
    /// Takes that object away again.
    pub remove_foreign: fn(state: &mut State, tenant: &str),
    /// Changes something of the tenant's by hand, if it is there.
    pub drift: fn(state: &mut State, tenant: &str, chance: &mut Chance),
}

pub const KINDS: &[Meddler] =
    &[http::MEDDLER, postgres::DATABASE, postgres::SCHEMA, rabbitmq::MEDDLER, redis::MEDDLER, secret::MEDDLER];

pub fn secret(tenant: &str, item: &str, fields: &Value) -> Value {
    json!({"store": "vault", "key": format!("tenants/{tenant}/{item}"), "fields": fields})
}

pub fn login(tenant: &str, item: &str, user: &str) -> Value {
    secret(tenant, item, &json!({"username": {"value": user}, "password": {"generated": 32}}))
}
