//! Rules on a RabbitMQ virtual host: exchanges, queues and bindings refer to each other.

use std::collections::BTreeMap;

use super::{
    places::{Finder, below},
    shape::shown,
    suggest,
};
use crate::{
    diag::Code,
    provision::rabbitmq::{Binding, DestinationType, ExchangeType, Policy, Queue, QueueType, RabbitmqVhostSpec},
};

/// Arguments of a queue that are settings of their own: written twice, one of them would be lost.
const SETTINGS: [(&str, &str); 5] = [
    ("x-queue-type", "type"),
    ("x-message-ttl", "messageTtl"),
    ("x-max-length", "maxLength"),
    ("x-dead-letter-exchange", "deadLetterExchange"),
    ("x-dead-letter-routing-key", "deadLetterRoutingKey"),
];

/// The bytes of a short string, which names and routing keys are on the wire.
const SHORT_STRING: usize = 255;

/// What a policy can apply to.
const APPLY_TO: [&str; 6] = ["all", "exchanges", "queues", "classic_queues", "quorum_queues", "streams"];

/// Finds what is wrong with a virtual host.
pub(super) fn check(finder: &mut Finder<'_>, spec: &RabbitmqVhostSpec) {
    for (pointer, names) in [
        ("/exchanges", spec.exchanges.keys().collect::<Vec<_>>()),
        ("/queues", spec.queues.keys().collect()),
        ("/policies", spec.policies.keys().collect()),
    ] {
        for name in names {
            check_name(finder, &below(pointer, name), name);
        }
    }
    for (name, queue) in &spec.queues {
        check_queue(finder, &below("/queues", name), spec, queue);
    }
    check_topics(finder, spec);
    let queues = u32::try_from(spec.queues.len()).unwrap_or(u32::MAX);
    if let Some(most) = spec.max_queues.filter(|most| *most < queues) {
        let message = format!("the virtual host may have {most} queues and is to have {queues}");
        finder.value(Code::TopologyRule, "/maxQueues", message, "write a higher number");
    }
    for (index, binding) in spec.bindings.iter().enumerate() {
        let Binding { source, destination, destination_type, routing_key, arguments: _ } = binding;
        let pointer = format!("/bindings/{index}");
        if source.is_empty() {
            let message = "the server itself binds the default exchange to every queue, by its name";
            finder.value(Code::TopologyRule, &below(&pointer, "source"), message, "take the binding out");
        }
        if routing_key.len() > SHORT_STRING {
            let message = format!("a routing key has at most {SHORT_STRING} bytes");
            finder.value(Code::TopologyRule, &below(&pointer, "routingKey"), message, "write a shorter one");
        }
        exchange(finder, &below(&pointer, "source"), spec, source);
        match destination_type {
            DestinationType::Exchange => exchange(finder, &below(&pointer, "destination"), spec, destination),
            DestinationType::Queue => {
                known(finder, &below(&pointer, "destination"), "queue", &spec.queues, destination);
            }
        }
    }
    for (name, policy) in &spec.policies {
        check_policy(finder, &below("/policies", name), spec, policy);
    }
}

/// `.` and `..` cannot stand in a URL, not even as `%2E`; names in `amq.` are the server's own.
fn check_name(finder: &mut Finder<'_>, pointer: &str, name: &str) {
    let fault = match name {
        "" | "." | ".." => "is no name here",
        name if name.starts_with("amq.") => "is a name of the server's own",
        name if name.len() > SHORT_STRING => "is longer than 255 bytes",
        _ => return,
    };
    finder.key(Code::TopologyRule, pointer, format!("{} {fault}", shown(name)), "write another name");
}

/// The server compares routing keys with topic permissions on topic exchanges only.
fn check_topics(finder: &mut Finder<'_>, spec: &RabbitmqVhostSpec) {
    for name in spec.topic_permissions.keys() {
        let pointer = below("/topicPermissions", name);
        match spec.exchanges.get(name) {
            Some(exchange) if exchange.kind != ExchangeType::Topic => {
                let message = format!("the exchange {} is no topic exchange: the rule has no effect", shown(name));
                finder.key(Code::TopologyRule, &pointer, message, "take it out");
            }
            Some(_) => {}
            None if name == "amq.topic" => {}
            None => {
                let help = suggest::help(name, "exchanges", spec.exchanges.keys().map(String::as_str), "take it out");
                let message = format!("the virtual host has no exchange {}", shown(name));
                finder.key(Code::TopologyUnknown, &pointer, message, help);
            }
        }
    }
}

fn check_queue(finder: &mut Finder<'_>, pointer: &str, spec: &RabbitmqVhostSpec, queue: &Queue) {
    if let Some(dead) = &queue.dead_letter_exchange {
        exchange(finder, &below(pointer, "deadLetterExchange"), spec, dead);
    }
    if queue.kind == QueueType::Quorum && !queue.durable {
        let help = "take `durable` out, or write `type: classic`";
        finder.value(Code::TopologyRule, &below(pointer, "durable"), "a quorum queue is always durable", help);
    }
    for (argument, setting) in SETTINGS.iter().filter(|(argument, _)| queue.arguments.contains_key(*argument)) {
        let message = format!("`{argument}` is a setting of its own");
        let at = below(&below(pointer, "arguments"), argument);
        finder.key(Code::TopologyRule, &at, message, format!("write `{setting}` beside `arguments`"));
    }
    if queue.dead_letter_routing_key.is_some() && queue.dead_letter_exchange.is_none() {
        let at = below(pointer, "deadLetterRoutingKey");
        let message = "a routing key for dead letters has no effect without an exchange for them";
        finder.key(Code::TopologyRule, &at, message, "add `deadLetterExchange`, or take it out");
    }
}

fn check_policy(finder: &mut Finder<'_>, pointer: &str, spec: &RabbitmqVhostSpec, policy: &Policy) {
    let Policy { pattern, apply_to, priority: _, definition } = policy;
    if !APPLY_TO.contains(&apply_to.as_str()) {
        let message = format!("a policy cannot apply to {}", shown(apply_to));
        let help = suggest::help(apply_to, "choices", APPLY_TO, "take it out");
        finder.value(Code::NotAChoice, &below(pointer, "applyTo"), message, help);
    }
    if regex::Regex::new(pattern).is_err() {
        let message = format!("{} is no regular expression", shown(pattern));
        finder.value(Code::WrongForm, &below(pointer, "pattern"), message, "write one that is anchored: `^name$`");
    }
    if definition.is_empty() {
        let message = "the policy sets nothing";
        finder.key(
            Code::TopologyRule,
            &below(pointer, "definition"),
            message,
            "add an argument, or take the policy out",
        );
    }
    if let Some(dead) = definition.get("dead-letter-exchange").and_then(serde_json::Value::as_str) {
        exchange(finder, &format!("{pointer}/definition/dead-letter-exchange"), spec, dead);
    }
}

/// The exchanges of every virtual host need no entry: the default one, and `amq.…`.
fn exchange(finder: &mut Finder<'_>, pointer: &str, spec: &RabbitmqVhostSpec, name: &str) {
    if !name.is_empty() && !name.starts_with("amq.") {
        known(finder, pointer, "exchange", &spec.exchanges, name);
    }
}

fn known<T>(finder: &mut Finder<'_>, pointer: &str, what: &str, all: &BTreeMap<String, T>, name: &str) {
    if !all.contains_key(name) {
        let none = format!("add it to `{what}s`");
        let help = suggest::help(name, &format!("{what}s"), all.keys().map(String::as_str), &none);
        finder.value(Code::TopologyUnknown, pointer, format!("the virtual host has no {what} {}", shown(name)), help);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{check::places::Places, diag::Place};

    /// Tells pointers as files.
    struct Pointers;

    impl Places for Pointers {
        fn value(&self, pointer: &str) -> Place {
            Place::file(pointer)
        }

        fn key(&self, pointer: &str) -> Place {
            Place::file(pointer)
        }
    }

    /// Returns where a topology is at fault.
    fn faults(change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
        let mut spec = json!({
            "permissions": {"configure": "^$", "write": "^.*$", "read": "^.*$"},
            "maxQueues": 1,
            "topicPermissions": {"events": {"write": "^.*$", "read": "^.*$"}, "amq.topic": {"write": "^$", "read": "^$"}},
            "exchanges": {"events": {"type": "topic"}, "dead": {"type": "fanout"}},
            "queues": {"orders": {"arguments": {"x-max-priority": 5}}},
            "bindings": [{"source": "events", "destination": "orders"}],
        });
        change(&mut spec);
        let spec: RabbitmqVhostSpec = serde_json::from_value(spec).unwrap();
        let mut finder = Finder::new(&Pointers);
        check(&mut finder, &spec);
        finder.finish().into_iter().map(|finding| finding.place.file).collect()
    }

    #[test]
    fn what_the_server_would_refuse_is_found() {
        assert_eq!(faults(|_| ()), Vec::<String>::new());
        assert_eq!(faults(|spec| spec["maxQueues"] = json!(0)), ["/maxQueues"]);
        assert_eq!(faults(|spec| spec["bindings"][0]["source"] = json!("")), ["/bindings/0/source"]);
        assert_eq!(
            faults(|spec| spec["bindings"][0]["routingKey"] = json!("x".repeat(256))),
            ["/bindings/0/routingKey"]
        );
        assert_eq!(
            faults(|spec| spec["topicPermissions"]["dead"] = json!({"write": "^$", "read": "^$"})),
            ["/topicPermissions/dead"]
        );
        assert_eq!(
            faults(|spec| spec["topicPermissions"]["none"] = json!({"write": "^$", "read": "^$"})),
            ["/topicPermissions/none"]
        );
        for (argument, _) in SETTINGS {
            let at = format!("/queues/orders/arguments/{argument}");
            assert_eq!(faults(|spec| spec["queues"]["orders"]["arguments"][argument] = json!(1)), [at]);
        }
        for name in ["", ".", "..", "amq.mine", &"x".repeat(256)] {
            assert_eq!(
                faults(|spec| spec["exchanges"][name] = json!({"type": "topic"})),
                [format!("/exchanges/{name}")]
            );
        }
    }
}
