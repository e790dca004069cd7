//! Rules on a RabbitMQ virtual host: exchanges, queues and bindings refer to each other.

use std::collections::BTreeMap;

use super::{
    places::{Finder, below},
    shape::shown,
    suggest,
};
use crate::{
    diag::Code,
    provision::rabbitmq::{Binding, DestinationType, Policy, Queue, QueueType, RabbitmqVhostSpec},
};

/// What a policy can apply to.
const APPLY_TO: [&str; 6] = ["all", "exchanges", "queues", "classic_queues", "quorum_queues", "streams"];

/// Finds what is wrong with a virtual host.
pub(super) fn check(finder: &mut Finder<'_>, spec: &RabbitmqVhostSpec) {
    for (name, queue) in &spec.queues {
        check_queue(finder, &below("/queues", name), spec, queue);
    }
    for (index, binding) in spec.bindings.iter().enumerate() {
        let Binding { source, destination, destination_type, routing_key: _ } = binding;
        let pointer = format!("/bindings/{index}");
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

fn check_queue(finder: &mut Finder<'_>, pointer: &str, spec: &RabbitmqVhostSpec, queue: &Queue) {
    if let Some(dead) = &queue.dead_letter_exchange {
        exchange(finder, &below(pointer, "deadLetterExchange"), spec, dead);
    }
    if queue.kind == QueueType::Quorum && !queue.durable {
        let help = "take `durable` out, or write `type: classic`";
        finder.value(Code::TopologyRule, &below(pointer, "durable"), "a quorum queue is always durable", help);
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
