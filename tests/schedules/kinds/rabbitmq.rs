//! `rabbitmqVhost` in schedules.

use serde_json::json;
use tenantry::engine::rabbitmq::broker::Vhost;

use crate::estate::{Meddler, login};

pub const MEDDLER: Meddler = Meddler {
    resource: |tenant, variant| {
        let name = name(tenant);
        let limit = [50, 60][variant % 2];
        json!({"kind": "rabbitmqVhost", "id": "messages", "connection": "server", "name": name, "user": name,
        "secret": login(tenant, "messages", &name),
        "spec": {
            "permissions": {"configure": "^$", "write": "^events$", "read": "^orders$"},
            "maxConnections": limit,
            "exchanges": {"events": {"type": "topic"}},
            "queues": {"orders": {"type": "quorum", "messageTtl": 1000}},
            "bindings": [{"source": "events", "destination": "orders", "routingKey": "order.*"}],
            "policies": {"length": {"pattern": "^orders$", "definition": {"max-length": limit}}},
        }})
    },
    foreign: |state, tenant| {
        let vhosts = &mut state.rabbitmq.broker.vhosts;
        if vhosts.contains_key(&name(tenant)) {
            return false;
        }
        vhosts.insert(name(tenant), Vhost::default());
        true
    },
    remove_foreign: |state, tenant| drop(state.rabbitmq.broker.vhosts.remove(&name(tenant))),
    drift: |state, tenant, chance| {
        let broker = &mut state.rabbitmq.broker;
        if chance.percent(50) {
            if let Some(user) = broker.users.get_mut(&name(tenant)) {
                user.tags.push("administrator".to_owned());
            }
        } else if let Some(vhost) = broker.vhosts.get_mut(&name(tenant)) {
            vhost.policies.clear();
        }
    },
};

fn name(tenant: &str) -> String {
    format!("{tenant}--messages")
}
