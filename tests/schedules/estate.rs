//! The tenants of a schedule: documents with one resource of every kind, and what somebody else does to them.

use serde_json::{Value, json};
use tenantry::{engine::sandbox::State, provision::Document};

use super::chance::Chance;

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

pub const KINDS: &[Meddler] = &[redis::MEDDLER, secret::MEDDLER];

fn secret(tenant: &str, item: &str, fields: &Value) -> Value {
    json!({"store": "vault", "key": format!("tenants/{tenant}/{item}"), "fields": fields})
}

fn login(tenant: &str, item: &str, user: &str) -> Value {
    secret(tenant, item, &json!({"username": {"value": user}, "password": {"generated": 32}}))
}

mod redis {
    use super::*;

    pub const MEDDLER: Meddler = Meddler { resource, foreign, remove_foreign, drift };

    fn name(tenant: &str) -> String {
        format!("{tenant}--cache")
    }

    fn resource(tenant: &str, variant: usize) -> Value {
        let name = name(tenant);
        let commands = [json!(["+@all", "-@admin"]), json!(["+@all", "-@admin", "-@dangerous"])][variant % 2].clone();
        json!({"kind": "redisUser", "id": "cache", "connection": "server", "name": name, "user": name,
            "secret": login(tenant, "cache", &name), "spec": {"commands": commands}})
    }

    fn foreign(state: &mut State, tenant: &str) -> bool {
        let users = &mut state.redis.users;
        if users.contains_key(&name(tenant)) {
            return false;
        }
        users.insert(name(tenant), tenantry::engine::sandbox::redis::User { on: true, ..Default::default() });
        state.redis.file = state.redis.users.clone();
        true
    }

    fn remove_foreign(state: &mut State, tenant: &str) {
        state.redis.users.remove(&name(tenant));
        state.redis.file.remove(&name(tenant));
    }

    fn drift(state: &mut State, tenant: &str, chance: &mut Chance) {
        if chance.percent(20) {
            state.redis.restart();
            return;
        }
        let Some(user) = state.redis.users.get_mut(&name(tenant)).filter(|user| user.claim.is_some()) else { return };
        match chance.below(4) {
            0 => user.on = false,
            1 => user.keys = ["*".to_owned()].into(),
            2 => user.password = None,
            _ => user.commands.push("+@dangerous".to_owned()),
        }
    }
}

mod secret {
    use super::*;

    pub const MEDDLER: Meddler = Meddler {
        resource,
        // An entry of the tenant's own path is the tenant's.
        foreign: |_, _| false,
        remove_foreign: |_, _| {},
        drift: |_, _, _| {},
    };

    fn resource(tenant: &str, variant: usize) -> Value {
        let issuer = ["one", "two"][variant % 2];
        let fields = json!({"key": {"generated": 40}, "issuer": {"value": issuer}});
        json!({"kind": "secret", "id": "app-key", "connection": "vault", "name": format!("tenants/{tenant}/app-key"),
            "secret": super::secret(tenant, "app-key", &fields), "spec": {"fields": fields}})
    }
}
