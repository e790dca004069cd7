//! `secret` in schedules.

use serde_json::{Value, json};

use crate::estate::{self, Meddler};

/// Nobody else's: an entry under a tenant's own path is the tenant's.
pub const MEDDLER: Meddler = Meddler { name: "secret", resource, ..Meddler::QUIET };

fn resource(tenant: &str, variant: usize) -> Value {
    let issuer = ["one", "two"][variant % 2];
    let fields = json!({"key": {"generated": 40}, "issuer": {"value": issuer}});
    json!({"kind": "secret", "id": "app-key", "connection": "vault", "name": estate::key(tenant, "app-key"),
        "secret": estate::secret(tenant, "app-key", &fields), "spec": {"fields": fields}})
}
