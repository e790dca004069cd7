//! `rabbitmqVhost` in schedules.

use serde_json::json;
use tenantry::engine::rabbitmq::broker::Vhost;

use crate::estate::{Meddler, login, pointer};

pub const MEDDLER: Meddler = Meddler {
    name: "rabbitmqVhost",
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
    foreign: |state, tenant, _| {
        let vhosts = &mut state.rabbitmq.broker.vhosts;
        if vhosts.contains_key(&name(tenant)) {
            return None;
        }
        vhosts.insert(name(tenant), Vhost::default());
        Some(pointer(["rabbitmq", "broker", "vhosts", &name(tenant)]))
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
    fill: |state, tenant, claim| {
        let server = &mut state.rabbitmq;
        let vhost = server.broker.vhosts.get(&name(tenant));
        let may = vhost.is_some_and(|vhost| vhost.description == claim && vhost.queues.contains_key(ORDERS));
        if may {
            server.messages.entry(name(tenant)).or_default().insert(ORDERS.to_owned(), 3);
        }
        may
    },
    holds: |state, tenant| {
        let is_there =
            state.rabbitmq.broker.vhosts.get(&name(tenant)).is_some_and(|found| found.queues.contains_key(ORDERS));
        let messages = state.rabbitmq.messages.get(&name(tenant)).and_then(|queues| queues.get(ORDERS));
        is_there && messages == Some(&3)
    },
    ..Meddler::QUIET
};

/// The queue that the tenant's messages wait in.
const ORDERS: &str = "orders";

fn name(tenant: &str) -> String {
    format!("{tenant}--messages")
}
