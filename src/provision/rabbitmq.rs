//! `rabbitmqVhost`: a virtual host with its user, rights, limits and topology.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Settings of a `rabbitmqVhost`. Exchange and queue names live inside the vhost and carry no tenant.
///
/// The document says all that is in the vhost, but for what the tenant's applications declare themselves, which is what
/// `permissions.configure` matches. A queue or exchange that is neither stays until a run may replace things: it may hold
/// messages. Only its bindings to what is wanted are taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RabbitmqVhostSpec {
    /// What the user may do, as anchored regular expressions over names.
    pub permissions: Permissions,
    /// What the user may do with routing keys, by topic exchange; everything where an exchange is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub topic_permissions: BTreeMap<String, TopicPermissions>,
    /// What a queue is that an application declares without a type; the server's own default where absent. RabbitMQ
    /// before 3.11 takes it only when the vhost is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_queue_type: Option<QueueType>,
    /// The most connections at one time; no limit where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// The most queues; no limit where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_queues: Option<u32>,
    /// Exchanges by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exchanges: BTreeMap<String, Exchange>,
    /// Queues by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, Queue>,
    /// Bindings from exchanges to queues or exchanges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
    /// Policies by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Policy>,
}

/// Regular expressions over the names of exchanges and queues; each must start with `^` and end with `$`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Permissions {
    /// What the user may declare and delete; `^$` is nothing.
    #[schemars(regex(pattern = r"^\^.*\$$"))]
    pub configure: String,
    /// What the user may publish to.
    #[schemars(regex(pattern = r"^\^.*\$$"))]
    pub write: String,
    /// What the user may consume from.
    #[schemars(regex(pattern = r"^\^.*\$$"))]
    pub read: String,
}

/// Regular expressions over routing keys; each must start with `^` and end with `$`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopicPermissions {
    /// What the user may publish with.
    #[schemars(regex(pattern = r"^\^.*\$$"))]
    pub write: String,
    /// What the user may bind and consume by.
    #[schemars(regex(pattern = r"^\^.*\$$"))]
    pub read: String,
}

/// An exchange. It cannot be changed once it is there, only made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exchange {
    /// How it routes.
    #[serde(rename = "type")]
    pub kind: ExchangeType,
    /// Whether it survives a restart.
    #[serde(default = "yes")]
    pub durable: bool,
    /// Whether it goes with its last binding.
    #[serde(default)]
    pub auto_delete: bool,
    /// Further arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, Value>,
}

/// How an exchange routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExchangeType {
    /// By the exact routing key.
    Direct,
    /// To every binding.
    Fanout,
    /// By header values.
    Headers,
    /// By patterns over the routing key.
    Topic,
}

/// A queue. It cannot be changed once it is there, only made anew; what may change later belongs into a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Queue {
    /// Quorum queues are replicated; classic ones are not.
    #[serde(rename = "type", default = "quorum")]
    pub kind: QueueType,
    /// Whether it survives a restart; quorum queues always do.
    #[serde(default = "yes")]
    pub durable: bool,
    /// Milliseconds that a message may wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_ttl: Option<u64>,
    /// The most messages that may wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// The exchange that takes expired and rejected messages; it must be one of this vhost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_exchange: Option<String>,
    /// The routing key that those messages get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_routing_key: Option<String>,
    /// Further arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, Value>,
}

/// The implementation of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum QueueType {
    /// Replicated by Raft.
    Quorum,
    /// On one node.
    Classic,
}

/// A binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Binding {
    /// The exchange that messages come from.
    pub source: String,
    /// The queue or exchange that they go to.
    pub destination: String,
    /// What the destination is.
    #[serde(default = "to_queue")]
    pub destination_type: DestinationType,
    /// The routing key or pattern.
    #[serde(default)]
    pub routing_key: String,
    /// Further arguments: what a `headers` exchange compares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, Value>,
}

/// What a binding leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DestinationType {
    /// A queue.
    Queue,
    /// Another exchange.
    Exchange,
}

/// A policy over queues or exchanges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// A regular expression over names.
    pub pattern: String,
    /// `queues`, `exchanges` or `all`.
    #[serde(default = "to_all")]
    pub apply_to: String,
    /// Which policy wins where several match: the highest.
    #[serde(default)]
    pub priority: i32,
    /// The arguments that it sets.
    pub definition: BTreeMap<String, Value>,
}

fn yes() -> bool {
    true
}

fn quorum() -> QueueType {
    QueueType::Quorum
}

fn to_queue() -> DestinationType {
    DestinationType::Queue
}

fn to_all() -> String {
    "all".to_owned()
}
