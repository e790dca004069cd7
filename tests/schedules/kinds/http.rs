//! `httpResource` in schedules: an object of an API that keeps no claim, so that the ledger does.

use serde_json::json;
use tenantry::engine::sandbox::http::Object;

use crate::estate::Meddler;

pub const MEDDLER: Meddler = Meddler {
    resource: |tenant, variant| {
        let tier = ["standard", "premium"][variant % 2];
        json!({"kind": "httpResource", "id": "site", "connection": "server", "name": name(tenant),
        "secret": crate::estate::secret(tenant, "site", &json!({"token": {"generated": 20}})),
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
    foreign: |state, tenant| {
        let objects = &mut state.http.objects;
        if objects.contains_key(&name(tenant)) {
            return false;
        }
        let values = [("/tier".to_owned(), json!("somebody's"))].into();
        objects.insert(name(tenant), Object { id: 99, values, ready: true, ..Default::default() });
        true
    },
    remove_foreign: |state, tenant| drop(state.http.objects.remove(&name(tenant))),
    drift: |state, tenant, _| {
        if let Some(object) = state.http.objects.get_mut(&name(tenant)) {
            object.values.insert("/tier".to_owned(), json!("free"));
        }
    },
};

fn name(tenant: &str) -> String {
    format!("{tenant}/site")
}
