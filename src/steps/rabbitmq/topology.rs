//! Exchanges, queues, bindings and policies: in the words of the server, and the way from what is there to what is wanted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{RabbitmqAction, Refusal, Vhost};
use crate::provision::rabbitmq::{self as wanted, DestinationType, ExchangeType, QueueType, RabbitmqVhostSpec};

/// Arguments by name, numbers in one form.
pub type Arguments = BTreeMap<String, Value>;

/// An exchange, as the API takes and gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// How it routes.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it survives a restart.
    pub durable: bool,
    /// Whether it goes with its last binding.
    pub auto_delete: bool,
    /// Whether nobody can publish to it.
    #[serde(default)]
    pub internal: bool,
    /// Arguments.
    pub arguments: Arguments,
}

impl From<&wanted::Exchange> for Exchange {
    fn from(wanted: &wanted::Exchange) -> Self {
        let wanted::Exchange { kind, durable, auto_delete, arguments } = wanted;
        let kind = match kind {
            ExchangeType::Direct => "direct",
            ExchangeType::Fanout => "fanout",
            ExchangeType::Headers => "headers",
            ExchangeType::Topic => "topic",
        };
        Self {
            kind: kind.to_owned(),
            durable: *durable,
            auto_delete: *auto_delete,
            internal: false,
            arguments: plain(arguments),
        }
    }
}

/// A queue, as the API takes and gives it; its type is among the arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Whether it survives a restart.
    pub durable: bool,
    /// Whether it goes with its last consumer.
    pub auto_delete: bool,
    /// Whether it is one connection's alone. No request can ask for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// Arguments.
    pub arguments: Arguments,
}

impl From<&wanted::Queue> for Queue {
    fn from(wanted: &wanted::Queue) -> Self {
        let wanted::Queue {
            kind,
            durable,
            message_ttl,
            max_length,
            dead_letter_exchange,
            dead_letter_routing_key,
            arguments,
        } = wanted;
        let mut arguments = plain(arguments);
        let settings = [
            (TYPE, Some(json!(queue_type(*kind)))),
            ("x-message-ttl", message_ttl.map(Value::from)),
            ("x-max-length", max_length.map(Value::from)),
            ("x-dead-letter-exchange", dead_letter_exchange.clone().map(Value::from)),
            ("x-dead-letter-routing-key", dead_letter_routing_key.clone().map(Value::from)),
        ];
        arguments.extend(settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Self { durable: *durable, auto_delete: false, exclusive: false, arguments }
    }
}

/// The argument that holds the type of a queue.
pub const TYPE: &str = "x-queue-type";

/// Returns the server's word for a type.
pub fn queue_type(kind: QueueType) -> &'static str {
    match kind {
        QueueType::Quorum => "quorum",
        QueueType::Classic => "classic",
    }
}

/// A binding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// The exchange that messages come from.
    pub source: String,
    /// Whether they go to a `queue` or to an `exchange`.
    pub destination_type: String,
    /// Where they go to.
    pub destination: String,
    /// The routing key or pattern.
    pub routing_key: String,
    /// Arguments.
    pub arguments: Arguments,
}

impl From<&wanted::Binding> for Binding {
    fn from(wanted: &wanted::Binding) -> Self {
        let wanted::Binding { source, destination, destination_type, routing_key, arguments } = wanted;
        let destination_type = match destination_type {
            DestinationType::Queue => QUEUE,
            DestinationType::Exchange => EXCHANGE,
        };
        Self {
            source: source.clone(),
            destination_type: destination_type.to_owned(),
            destination: destination.clone(),
            routing_key: routing_key.clone(),
            arguments: plain(arguments),
        }
    }
}

const QUEUE: &str = "queue";
const EXCHANGE: &str = "exchange";

impl Binding {
    fn source(&self) -> Object<'_> {
        (EXCHANGE, &self.source)
    }

    fn destination(&self) -> Object<'_> {
        (&self.destination_type, &self.destination)
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination_type, destination, routing_key, arguments } = self;
        write!(f, "{destination_type} `{destination}` to exchange `{source}` by `{routing_key}`")?;
        if !arguments.is_empty() {
            write!(f, " {}", json!(arguments))?;
        }
        Ok(())
    }
}

/// A policy, as the API takes and gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Policy {
    /// A regular expression over names.
    pub pattern: String,
    /// What it applies to.
    pub apply_to: String,
    /// The arguments that it sets.
    pub definition: Arguments,
    /// Which policy wins where several match: the highest.
    pub priority: i64,
}

impl From<&wanted::Policy> for Policy {
    fn from(wanted: &wanted::Policy) -> Self {
        let wanted::Policy { pattern, apply_to, priority, definition } = wanted;
        Self {
            pattern: pattern.clone(),
            apply_to: apply_to.clone(),
            definition: plain(definition),
            priority: i64::from(*priority),
        }
    }
}

/// Returns arguments with numbers in one form: whole ones are no fractions, wherever they come from.
pub fn plain(arguments: &Arguments) -> Arguments {
    arguments.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect()
}

fn plain_value(value: &Value) -> Value {
    /// Up to here every whole number has a fraction's form of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            #[allow(clippy::cast_possible_truncation, reason = "it is whole, and within what an i64 holds")]
            Some(fraction) if fraction.fract() == 0.0 && fraction.abs() <= EXACT => json!(fraction as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(plain_value).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// An exchange or a queue: its kind and its name.
type Object<'a> = (&'a str, &'a str);

/// Whose an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The document names it, or every virtual host has it.
    Wanted,
    /// The tenant's applications may declare it.
    Applications,
    /// Neither.
    Rest,
}

/// What the document says of a virtual host.
struct Topology<'s> {
    exchanges: BTreeMap<&'s str, Exchange>,
    queues: BTreeMap<&'s str, Queue>,
    policies: BTreeMap<&'s str, Policy>,
    bindings: Vec<Binding>,
    applications: Option<Regex>,
}

impl<'s> Topology<'s> {
    fn of(spec: &'s RabbitmqVhostSpec) -> Self {
        let mut bindings: Vec<Binding> = Vec::with_capacity(spec.bindings.len());
        for binding in spec.bindings.iter().map(Binding::from) {
            if !bindings.contains(&binding) {
                bindings.push(binding);
            }
        }
        Self {
            exchanges: spec.exchanges.iter().map(|(name, exchange)| (name.as_str(), exchange.into())).collect(),
            queues: spec.queues.iter().map(|(name, queue)| (name.as_str(), queue.into())).collect(),
            policies: spec.policies.iter().map(|(name, policy)| (name.as_str(), policy.into())).collect(),
            bindings,
            applications: Regex::new(&spec.permissions.configure).ok(),
        }
    }

    fn part(&self, (kind, name): Object<'_>) -> Part {
        let (is_wanted, is_exchange) = match kind {
            QUEUE => (self.queues.contains_key(name), false),
            _ => (self.exchanges.contains_key(name), true),
        };
        // Names of queues in `amq.` are made for applications that ask for none.
        let is_servers = name.starts_with("amq.") || name.is_empty();
        // A pattern that cannot be read is taken for one that matches.
        match is_wanted || is_exchange && is_servers {
            true => Part::Wanted,
            false if is_servers => Part::Applications,
            false => match &self.applications {
                Some(pattern) if !pattern.is_match(name) => Part::Rest,
                _ => Part::Applications,
            },
        }
    }
}

/// Returns what leads to the wanted topology.
///
/// Policies come before queues, so that no queue is without its limits for a moment. Nothing that holds messages goes
/// unless `replace` says so.
///
/// # Errors
/// A queue or an exchange differs in what cannot be changed, and may not be replaced.
pub fn decide(spec: &RabbitmqVhostSpec, found: Option<&Vhost>, replace: bool) -> Result<Vec<RabbitmqAction>, Refusal> {
    let wanted = Topology::of(spec);
    let empty = BTreeMap::new();
    let (exchanges, no_queues) = (found.map_or(&empty, |vhost| &vhost.exchanges), BTreeMap::new());
    let queues = found.map_or(&no_queues, |vhost| &vhost.queues);
    let bindings = found.map_or(&[][..], |vhost| &vhost.bindings);

    let mut gone = differing(&wanted, exchanges, queues);
    if !replace && !gone.is_empty() {
        return Err(refusal(gone));
    }
    if replace {
        gone.extend(left_over(&wanted, exchanges, queues));
    }
    let mut actions = policies(&wanted, found);
    actions.extend(gone.iter().map(|(object, why)| delete(*object, why.clone())));
    let stays = |object: Object<'_>| !gone.contains_key(&object);
    let lacks = |object: Object<'_>, is_there: bool| !is_there || !stays(object);
    actions.extend(
        wanted
            .exchanges
            .keys()
            .filter(|name| lacks((EXCHANGE, name), exchanges.contains_key(**name)))
            .map(|name| RabbitmqAction::CreateExchange { exchange: (*name).to_owned() }),
    );
    actions.extend(
        wanted
            .queues
            .keys()
            .filter(|name| lacks((QUEUE, name), queues.contains_key(**name)))
            .map(|name| RabbitmqAction::CreateQueue { queue: (*name).to_owned() }),
    );
    // What is deleted takes its bindings with it.
    let kept: Vec<&Binding> =
        bindings.iter().filter(|binding| stays(binding.source()) && stays(binding.destination())).collect();
    let missing = wanted.bindings.iter().filter(|binding| !kept.contains(binding));
    actions.extend(missing.cloned().map(RabbitmqAction::Bind));
    let too_many = kept.into_iter().filter(|binding| {
        let parts = [wanted.part(binding.source()), wanted.part(binding.destination())];
        !wanted.bindings.contains(binding) && parts.contains(&Part::Wanted) && !parts.contains(&Part::Applications)
    });
    actions.extend(too_many.cloned().map(RabbitmqAction::Unbind));
    Ok(actions)
}

/// Finds exchanges and queues that differ, and how.
fn differing<'f>(
    wanted: &Topology<'_>,
    exchanges: &'f BTreeMap<String, Exchange>,
    queues: &'f BTreeMap<String, Queue>,
) -> BTreeMap<Object<'f>, String> {
    let exchanges = exchanges.iter().filter_map(|(name, found)| {
        let differences = differences(&json!(found), &json!(wanted.exchanges.get(name.as_str())?));
        Some(((EXCHANGE, name.as_str()), differences))
    });
    let queues = queues.iter().filter_map(|(name, found)| {
        let differences = differences(&json!(found), &json!(wanted.queues.get(name.as_str())?));
        Some(((QUEUE, name.as_str()), differences))
    });
    let all = exchanges.chain(queues).filter(|(_, differences)| !differences.is_empty());
    all.map(|(object, differences)| (object, differences.join(", "))).collect()
}

/// Finds exchanges and queues that are neither wanted nor the applications'.
fn left_over<'f>(
    wanted: &Topology<'_>,
    exchanges: &'f BTreeMap<String, Exchange>,
    queues: &'f BTreeMap<String, Queue>,
) -> Vec<(Object<'f>, String)> {
    let exchanges = exchanges.keys().map(|name| (EXCHANGE, name.as_str()));
    let all = exchanges.chain(queues.keys().map(|name| (QUEUE, name.as_str())));
    all.filter(|object| wanted.part(*object) == Part::Rest)
        .map(|object| (object, "the document does not name it".to_owned()))
        .collect()
}

fn refusal(differing: BTreeMap<Object<'_>, String>) -> Refusal {
    let whats: BTreeSet<String> = differing.keys().map(|(kind, name)| format!("{kind} `{name}`")).collect();
    let differences: Vec<String> = match differing.len() {
        1 => differing.into_values().collect(),
        _ => differing.into_iter().map(|((_, name), difference)| format!("`{name}`: {difference}")).collect(),
    };
    let what = whats.into_iter().collect::<Vec<_>>().join(" and ");
    Refusal::Replacement { what, difference: differences.join("; ") }
}

fn delete((kind, name): Object<'_>, why: String) -> RabbitmqAction {
    match kind {
        QUEUE => RabbitmqAction::DeleteQueue { queue: name.to_owned(), why, only_empty: false },
        _ => RabbitmqAction::DeleteExchange { exchange: name.to_owned(), why, only_unused: false },
    }
}

/// New ones before others go, for the same reason.
fn policies(wanted: &Topology<'_>, found: Option<&Vhost>) -> Vec<RabbitmqAction> {
    let empty = BTreeMap::new();
    let found = found.map_or(&empty, |vhost| &vhost.policies);
    let mut actions = Vec::new();
    for (name, policy) in &wanted.policies {
        let differences = match found.get(*name) {
            None => Vec::new(),
            Some(found) if found == policy => continue,
            Some(found) => differences(&json!(found), &json!(policy)),
        };
        actions.push(RabbitmqAction::PutPolicy { policy: (*name).to_owned(), differences });
    }
    let others = found.keys().filter(|name| !wanted.policies.contains_key(name.as_str()));
    actions.extend(others.map(|name| RabbitmqAction::DeletePolicy { policy: name.clone() }));
    actions
}

/// Returns where two objects of one kind differ, `from → to`; arguments one by one.
fn differences(found: &Value, wanted: &Value) -> Vec<String> {
    let none = serde_json::Map::new();
    let fields = |value: &'_ Value| value.as_object().cloned().unwrap_or_else(|| none.clone());
    let (found, wanted) = (fields(found), fields(wanted));
    let names: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    let mut all = Vec::new();
    for name in names {
        match (found.get(name), wanted.get(name)) {
            (from, to) if from == to => {}
            (Some(from @ Value::Object(_)), Some(to @ Value::Object(_))) => all.extend(differences(from, to)),
            (from, to) => all.push(format!("{name} {} → {}", shown(from), shown(to))),
        }
    }
    all
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(other) => other.to_string(),
    }
}
