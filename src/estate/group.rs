//! The outside resources that a tier buys, typed: what a tier file says under `provisions`, with every item's
//! settings merged and read.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    name::{ItemName, NameFault},
    provision::{
        Kind, http::HttpResourceSpec, mysql::MysqlDatabaseSpec, object_store::BucketSpec,
        object_store::ObjectStoreUserSpec, postgres::PostgresDatabaseSpec, postgres::PostgresSchemaSpec,
        rabbitmq::RabbitmqVhostSpec, redis::RedisUserSpec, secret::SecretSpec,
    },
    raw::tier::{Each, ProvisionGroup, TierSpec},
};

/// Outside resources of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name in the tier file.
    pub name: ItemName,
    /// The connection that reaches their server.
    pub connection: String,
    /// One resource, or one for each item.
    pub members: Members,
}

/// The resources of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Members {
    /// A single one, called like the group.
    One(Spec),
    /// One for each item.
    Many(BTreeMap<ItemName, Spec>),
}

/// The settings of a resource, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Spec {
    /// See [`MysqlDatabaseSpec`].
    MysqlDatabase(MysqlDatabaseSpec),
    /// See [`PostgresDatabaseSpec`].
    PostgresDatabase(PostgresDatabaseSpec),
    /// See [`PostgresSchemaSpec`].
    PostgresSchema(PostgresSchemaSpec),
    /// See [`BucketSpec`].
    Bucket(BucketSpec),
    /// See [`ObjectStoreUserSpec`].
    ObjectStoreUser(ObjectStoreUserSpec),
    /// See [`RabbitmqVhostSpec`].
    RabbitmqVhost(RabbitmqVhostSpec),
    /// See [`RedisUserSpec`].
    RedisUser(RedisUserSpec),
    /// See [`HttpResourceSpec`].
    HttpResource(Box<HttpResourceSpec>),
    /// See [`SecretSpec`].
    Secret(SecretSpec),
}

/// Why a group of a tier cannot be read, and where: a JSON pointer into the merged `spec` of the tier.
#[derive(Debug, thiserror::Error)]
pub enum GroupFault {
    /// The group's or an item's name is none.
    #[error("{fault}")]
    Name {
        /// Where it stands.
        pointer: String,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// The settings do not have the shape of their kind.
    #[error("{error}")]
    Spec {
        /// Where they stand.
        pointer: String,
        /// What serde says.
        error: serde_json::Error,
    },
}

impl GroupFault {
    /// Returns where the fault is: a JSON pointer into the merged `spec` of the tier.
    pub fn pointer(&self) -> &str {
        match self {
            GroupFault::Name { pointer, .. } | GroupFault::Spec { pointer, .. } => pointer,
        }
    }
}

impl Spec {
    /// Reads the settings of a resource of `kind`.
    ///
    /// # Errors
    /// What serde says where `settings` do not have the shape of the kind.
    pub fn read(kind: Kind, settings: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let settings = Value::Object(settings);
        Ok(match kind {
            Kind::MysqlDatabase => Spec::MysqlDatabase(serde_json::from_value(settings)?),
            Kind::PostgresDatabase => Spec::PostgresDatabase(serde_json::from_value(settings)?),
            Kind::PostgresSchema => Spec::PostgresSchema(serde_json::from_value(settings)?),
            Kind::Bucket => Spec::Bucket(serde_json::from_value(settings)?),
            Kind::ObjectStoreUser => Spec::ObjectStoreUser(serde_json::from_value(settings)?),
            Kind::RabbitmqVhost => Spec::RabbitmqVhost(serde_json::from_value(settings)?),
            Kind::RedisUser => Spec::RedisUser(serde_json::from_value(settings)?),
            Kind::HttpResource => Spec::HttpResource(Box::new(serde_json::from_value(settings)?)),
            Kind::Secret => Spec::Secret(serde_json::from_value(settings)?),
        })
    }
}

/// Reads all groups of a merged tier.
///
/// # Errors
/// Every group or item that cannot be read.
pub(super) fn groups(tier: &TierSpec) -> Result<Vec<Group>, Vec<GroupFault>> {
    let mut faults = Vec::new();
    let groups = tier.provisions.iter().filter_map(|(name, raw)| group(tier, name, raw, &mut faults)).collect();
    if faults.is_empty() { Ok(groups) } else { Err(faults) }
}

fn group(tier: &TierSpec, name: &str, raw: &ProvisionGroup, faults: &mut Vec<GroupFault>) -> Option<Group> {
    let pointer = format!("/provisions/{}", escape(name));
    let read_name = |text: &str, pointer: &str, faults: &mut Vec<GroupFault>| match text.parse::<ItemName>() {
        Ok(name) => Some(name),
        Err(fault) => {
            faults.push(GroupFault::Name { pointer: pointer.to_owned(), fault });
            None
        }
    };
    let read_spec = |settings: Map<String, Value>, pointer: &str, faults: &mut Vec<GroupFault>| match Spec::read(
        raw.kind, settings,
    ) {
        Ok(spec) => Some(spec),
        Err(error) => {
            faults.push(GroupFault::Spec { pointer: pointer.to_owned(), error });
            None
        }
    };
    let checked_name = read_name(name, &pointer, faults);
    let members = match (raw.each, &raw.items) {
        (Some(each), _) => {
            let services = tier.services.iter().filter(|(_, service)| match each {
                Each::Services => true,
                Each::ServicesWithDatabase => service.database,
            });
            let spec = read_spec(raw.spec.clone(), &format!("{pointer}/spec"), faults);
            let names: Vec<_> = services
                .filter_map(|(service, _)| read_name(service, &format!("/services/{}", escape(service)), faults))
                .collect();
            Members::Many(names.into_iter().filter_map(|name| Some((name, spec.clone()?))).collect())
        }
        (None, Some(items)) => {
            let mut members = BTreeMap::new();
            for (item, settings) in items {
                let pointer = format!("{pointer}/items/{}", escape(item));
                let mut merged = Value::Object(raw.spec.clone());
                merge(&mut merged, &Value::Object(settings.clone()));
                let Value::Object(merged) = merged else { continue };
                if let (Some(item), Some(spec)) =
                    (read_name(item, &pointer, faults), read_spec(merged, &pointer, faults))
                {
                    members.insert(item, spec);
                }
            }
            Members::Many(members)
        }
        (None, None) => Members::One(read_spec(raw.spec.clone(), &format!("{pointer}/spec"), faults)?),
    };
    Some(Group { name: checked_name?, connection: raw.connection.clone(), members })
}

/// Lays `upper` over `lower`: maps key by key, everything else replaces, `null` takes a key away.
pub fn merge(lower: &mut Value, upper: &Value) {
    match (lower, upper) {
        (Value::Object(lower), Value::Object(upper)) => {
            for (key, value) in upper {
                match value {
                    Value::Null => drop(lower.remove(key)),
                    _ => merge(lower.entry(key.clone()).or_insert(Value::Null), value),
                }
            }
        }
        (lower, Value::Object(upper)) => {
            // A new map may hold nulls that take away what is not there.
            *lower = Value::Object(Map::new());
            merge(lower, &Value::Object(upper.clone()));
        }
        (lower, upper) => *lower = upper.clone(),
    }
}

/// Escapes a key for a JSON pointer (RFC 6901).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merging_goes_key_by_key_and_null_takes_away() {
        let mut value = json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"});
        merge(&mut value, &json!({"a": {"b": null, "c": [3], "e": {"f": null, "g": 1}}, "d": {"h": 1}}));
        assert_eq!(value, json!({"a": {"c": [3], "e": {"g": 1}}, "d": {"h": 1}}));
    }
}
