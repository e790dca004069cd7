//! `secret` in schedules.

use serde_json::{Value, json};

use crate::estate::{self, Meddler};

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
        "secret": estate::secret(tenant, "app-key", &fields), "spec": {"fields": fields}})
}
