//! The rows of the management API's listings, by its own names, and the columns that are asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use super::broker;
use crate::steps::rabbitmq::{
    About, Rights, Topics,
    topology::{self, Arguments},
};

/// What a virtual host is asked for.
pub(super) const VHOST: &str =
    "columns=name,description,tags,default_queue_type,protected_from_deletion,metadata,cluster_state";
/// What an exchange is asked for.
pub(super) const EXCHANGE: &str = "columns=name,vhost,type,durable,auto_delete,internal,arguments";
/// What a queue is asked for; statistics would take a request to every queue's process.
pub(super) const QUEUE: &str = "disable_stats=true&columns=name,vhost,type,durable,auto_delete,exclusive,arguments";
/// What a binding is asked for.
pub(super) const BINDING: &str =
    "columns=vhost,source,destination_type,destination,routing_key,arguments,properties_key";

#[derive(Deserialize)]
pub(super) struct Vhost {
    pub(super) name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    tags: Option<Words>,
    #[serde(default)]
    default_queue_type: Option<String>,
    #[serde(default)]
    protected_from_deletion: Option<bool>,
    #[serde(default)]
    metadata: Option<Metadata>,
    /// Each node that runs, with what the virtual host does there.
    #[serde(default)]
    cluster_state: Value,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    protected_from_deletion: Option<bool>,
}

impl Vhost {
    pub(super) fn broker(self) -> (String, broker::Vhost) {
        let Self { name, description, tags, default_queue_type, protected_from_deletion, metadata, cluster_state } =
            self;
        let Metadata { protected_from_deletion: in_metadata } = metadata.unwrap_or_default();
        let about = About {
            tags: tags.map(Words::list).unwrap_or_default(),
            // What was never set is called so.
            default_queue_type: default_queue_type.filter(|kind| kind != "undefined"),
            protected: protected_from_deletion.or(in_metadata).unwrap_or_default(),
        };
        let description = description.unwrap_or_default();
        let states = cluster_state.as_object().filter(|states| !states.is_empty());
        let is_stopped = states.is_some_and(|states| states.values().all(|state| state != "running"));
        (name, broker::Vhost { description, about, is_half_made: is_stopped, ..broker::Vhost::default() })
    }
}

/// A list, or words with commas between them, as older versions have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    List(Vec<String>),
    Text(String),
}

impl Words {
    fn list(self) -> Vec<String> {
        match self {
            Words::List(list) => list,
            Words::Text(text) => {
                text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) name: String,
    tags: Words,
    #[serde(default)]
    password_hash: String,
    #[serde(default)]
    hashing_algorithm: String,
}

impl User {
    pub(super) fn broker(self) -> (String, broker::User) {
        let Self { name, tags, password_hash, hashing_algorithm } = self;
        (name, broker::User { tags: tags.list(), password_hash, hashing_algorithm })
    }
}

#[derive(Deserialize)]
pub(super) struct Permission {
    pub(super) user: String,
    pub(super) vhost: String,
    #[serde(flatten)]
    pub(super) rights: Rights,
}

#[derive(Deserialize)]
pub(super) struct TopicPermission {
    pub(super) user: String,
    pub(super) vhost: String,
    pub(super) exchange: String,
    #[serde(flatten)]
    pub(super) topics: Topics,
}

#[derive(Deserialize)]
pub(super) struct Limits {
    pub(super) vhost: String,
    #[serde(deserialize_with = "map")]
    pub(super) value: BTreeMap<String, i64>,
}

#[derive(Deserialize)]
pub(super) struct Policy {
    pub(super) vhost: String,
    pub(super) name: String,
    pattern: String,
    #[serde(rename = "apply-to")]
    apply_to: String,
    #[serde(deserialize_with = "map")]
    definition: Arguments,
    #[serde(default)]
    priority: i64,
}

impl Policy {
    pub(super) fn broker(self) -> (String, topology::Policy) {
        let Self { vhost: _, name, pattern, apply_to, definition, priority } = self;
        (name, topology::Policy { pattern, apply_to, definition: topology::plain(&definition), priority })
    }
}

#[derive(Deserialize)]
pub(super) struct Exchange {
    pub(super) vhost: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    kind: String,
    durable: bool,
    auto_delete: bool,
    #[serde(default)]
    internal: bool,
    #[serde(default, deserialize_with = "map")]
    arguments: Arguments,
}

impl Exchange {
    pub(super) fn broker(self) -> (String, topology::Exchange) {
        let Self { vhost: _, name, kind, durable, auto_delete, internal, arguments } = self;
        let arguments = topology::plain(&arguments);
        (name, topology::Exchange { kind, durable, auto_delete, internal, arguments })
    }
}

#[derive(Deserialize)]
pub(super) struct Queue {
    pub(super) vhost: String,
    pub(super) name: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    durable: bool,
    auto_delete: bool,
    #[serde(default)]
    exclusive: bool,
    #[serde(default, deserialize_with = "map")]
    arguments: Arguments,
}

impl Queue {
    pub(super) fn broker(self) -> (String, topology::Queue) {
        let Self { vhost: _, name, kind, durable, auto_delete, exclusive, arguments } = self;
        let mut arguments = topology::plain(&arguments);
        // The server takes a declaration with the type for the same as the one without that made the queue.
        if let Some(kind) = kind {
            arguments.entry(topology::TYPE.to_owned()).or_insert(Value::String(kind));
        }
        (name, topology::Queue { durable, auto_delete, exclusive, arguments })
    }
}

#[derive(Deserialize)]
pub(super) struct Binding {
    pub(super) vhost: String,
    source: String,
    destination_type: String,
    destination: String,
    routing_key: String,
    #[serde(default, deserialize_with = "map")]
    arguments: Arguments,
    /// What the API calls the binding by, encoded once.
    pub(super) properties_key: String,
}

impl Binding {
    pub(super) fn broker(self) -> topology::Binding {
        let Self { vhost: _, source, destination_type, destination, routing_key, arguments, properties_key: _ } = self;
        let arguments = topology::plain(&arguments);
        topology::Binding { source, destination_type, destination, routing_key, arguments }
    }
}

#[derive(Deserialize)]
pub(super) struct Overview {
    pub(super) rabbitmq_version: String,
}

impl Overview {
    /// Returns whether the server is older than 3.11, which was the first to change a default queue type.
    pub(super) fn keeps_default_type(&self) -> bool {
        let mut numbers = self.rabbitmq_version.split('.').map_while(|part| part.parse::<u32>().ok());
        (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) < (3, 11)
    }
}

/// Reads a map; Erlang's empty one may have become an empty list.
fn map<'de, D: Deserializer<'de>, V: Deserialize<'de>>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum MapOrList<V> {
        Map(BTreeMap<String, V>),
        List(Vec<Value>),
    }
    match MapOrList::deserialize(deserializer)? {
        MapOrList::Map(map) => Ok(map),
        MapOrList::List(list) if list.is_empty() => Ok(BTreeMap::new()),
        MapOrList::List(_) => Err(D::Error::custom("a list where a map should be")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use serde_json::json;

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn words_of_all_versions_are_read() {
        let old: Vhost = read(json!({"name": "v", "tags": "a, b", "default_queue_type": "undefined"}));
        let new: Vhost = read(json!({"name": "v", "tags": ["a", "b"], "metadata": {"protected_from_deletion": true}}));
        let (old, new) = (old.broker().1.about, new.broker().1.about);
        assert_eq!(
            (old.tags, old.default_queue_type, old.protected),
            (vec!["a".to_owned(), "b".to_owned()], None, false)
        );
        assert!(new.protected);
        let limits: Limits = read(json!({"vhost": "v", "value": []}));
        assert!(limits.value.is_empty());
    }

    #[test]
    fn a_queue_without_a_type_among_its_arguments_has_one() {
        let row = json!({"vhost": "v", "name": "q", "type": "classic", "durable": true, "auto_delete": false, "arguments": {"x-max-length": 5.0}});
        let (_, queue) = read::<Queue>(row).broker();
        assert_eq!(json!(queue.arguments), json!({"x-queue-type": "classic", "x-max-length": 5}));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, keeps) in [("3.10.8", true), ("3.9.1", true), ("3.11.0", false), ("4.1.0-beta.1", false)] {
            assert_eq!(Overview { rabbitmq_version: version.to_owned() }.keeps_default_type(), keeps, "{version}");
        }
    }
}
