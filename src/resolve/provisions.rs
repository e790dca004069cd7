//! Outside resources of a plan: every name made, every credential given its place.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::http;
use crate::{
    estate::{
        Platform, Tenant, Tier,
        group::{Group, Members, Spec},
    },
    name::{ItemName, Target},
    plan::Plan,
    provision::{
        self, Resource, Wanted,
        connection::Connection,
        object_store::ObjectStoreUserSpec,
        secret::{SecretField, SecretRef},
    },
};

/// Characters of a generated password: 32 of 62 give 190 bits.
const PASSWORD_LENGTH: u16 = 32;

/// Characters of a generated secret key, as AWS makes them.
const SECRET_KEY_LENGTH: u16 = 40;

/// The resources of one tenant, as the document holds them and as templates see them.
pub(super) struct Made {
    pub resources: Vec<Resource>,
    pub connections: BTreeMap<String, Connection>,
    pub view: BTreeMap<String, Value>,
}

/// Returns the outside resources of a tenant. `plan` needs no provisions yet: `${…}` are filled in from the rest.
pub(super) fn provisions(platform: &Platform, tier: &Tier, tenant: &Tenant, plan: &Plan) -> Made {
    let maker = Maker { platform, tier, tenant, plan };
    let mut resources = Vec::new();
    let mut view = BTreeMap::new();
    for group in tier.groups() {
        let seen = match &group.members {
            Members::One(spec) => {
                let resource = maker.resource(group, group.name.to_string(), &group.name, spec);
                let seen = as_value(&resource);
                resources.push(resource);
                seen
            }
            Members::Many(items) => {
                let mut seen = Map::new();
                for (item, spec) in items {
                    let resource = maker.resource(group, format!("{}/{item}", group.name), item, spec);
                    seen.insert(item.to_string(), as_value(&resource));
                    resources.push(resource);
                }
                Value::Object(seen)
            }
        };
        view.insert(group.name.to_string(), seen);
    }
    resources.sort_by(|one, other| one.id().cmp(other.id()));
    let connections = connections(platform, &resources);
    Made { resources, connections, view }
}

/// Returns the connections that resources and their credentials are on, the administrators' credentials included: a
/// document is performed by itself.
fn connections(platform: &Platform, resources: &[Resource]) -> BTreeMap<String, Connection> {
    let named = resources.iter().flat_map(|resource| {
        let head = resource.head();
        [Some(head.connection), head.secret.map(|secret| secret.store.as_str())]
    });
    let known = named.flatten().filter_map(|name| platform.connections.get_key_value(name));
    let mut used: BTreeMap<String, Connection> =
        known.map(|(name, connection)| (name.clone(), connection.clone())).collect();
    if used.values().any(|connection| connection.entry().is_some())
        && let Some((name, store)) =
            platform.secret_store.as_ref().and_then(|name| platform.connections.get_key_value(name))
    {
        used.insert(name.clone(), store.clone());
    }
    used
}

fn as_value(resource: &Resource) -> Value {
    serde_json::to_value(resource).expect("a resource has text keys only, so it is JSON")
}

struct Maker<'p> {
    platform: &'p Platform,
    tier: &'p Tier,
    tenant: &'p Tenant,
    plan: &'p Plan,
}

impl Maker<'_> {
    fn resource(&self, group: &Group, id: String, item: &ItemName, spec: &Spec) -> Resource {
        match spec {
            Spec::MysqlDatabase(spec) => {
                let (name, user) = (self.name(Target::MysqlDatabase, item), self.name(Target::MysqlUser, item));
                let secret = self.login(group, &id, &user, [("database", name.clone())]);
                Resource::MysqlDatabase(wanted(group, id, name, Some(user), secret, spec.clone()))
            }
            Spec::PostgresDatabase(spec) => {
                let (name, user) = (self.name(Target::PostgresDatabase, item), self.name(Target::PostgresRole, item));
                let secret = self.login(group, &id, &user, [("database", name.clone())]);
                Resource::PostgresDatabase(wanted(group, id, name, Some(user), secret, spec.clone()))
            }
            Spec::PostgresSchema(spec) => {
                let (name, user) = (self.name(Target::PostgresSchema, item), self.name(Target::PostgresRole, item));
                let fields = [("database", spec.database.clone()), ("schema", name.clone())];
                let secret = self.login(group, &id, &user, fields);
                Resource::PostgresSchema(wanted(group, id, name, Some(user), secret, spec.clone()))
            }
            Spec::Bucket(spec) => {
                let name = self.name(Target::Bucket, item);
                Resource::Bucket(wanted(group, id, name, None, None, spec.clone()))
            }
            Spec::ObjectStoreUser(spec) => {
                let name = self.name(Target::ObjectStoreUser, item);
                let spec = ObjectStoreUserSpec { buckets: self.buckets(&spec.buckets), actions: spec.actions.clone() };
                let secret = self.keys(group, &id, &name);
                Resource::ObjectStoreUser(wanted(group, id, name.clone(), Some(name), secret, spec))
            }
            Spec::RabbitmqVhost(spec) => {
                let (name, user) = (self.name(Target::RabbitmqVhost, item), self.name(Target::RabbitmqUser, item));
                let secret = self.login(group, &id, &user, [("vhost", name.clone())]);
                Resource::RabbitmqVhost(wanted(group, id, name, Some(user), secret, spec.clone()))
            }
            Spec::RedisUser(spec) => {
                let name = self.name(Target::RedisUser, item);
                let secret = self.login(group, &id, &name, [("prefix", format!("{name}:"))]);
                Resource::RedisUser(wanted(group, id, name.clone(), Some(name), secret, spec.clone()))
            }
            Spec::HttpResource(spec) => {
                let name = format!("{}/{id}", self.tenant.name);
                let spec = http::filled(spec, &|reference| self.variable(reference));
                // An object with no place for its claim has an entry that holds it, and perhaps nothing else.
                let needs_entry = spec.claim_at.is_none() || !spec.secret.is_empty();
                let secret = needs_entry.then(|| self.secret(&id, spec.secret.clone())).flatten();
                Resource::HttpResource(Box::new(wanted(group, id, name, None, secret, spec)))
            }
            Spec::Secret(spec) => {
                let name = self.key(&id);
                let fields = http::fields(&spec.fields, &|reference| self.variable(reference));
                let secret = self.secret(&id, fields);
                Resource::Secret(wanted(group, id, name, None, secret, spec.clone()))
            }
        }
    }

    fn name(&self, target: Target, item: &ItemName) -> String {
        self.platform.naming.of(target).name(&self.tenant.name, item)
    }

    fn claim(&self) -> String {
        provision::claim(self.plan.tenant.name.as_str(), &self.plan.tenant.uid)
    }

    fn key(&self, id: &str) -> String {
        self.platform.naming.of(Target::Secret).path(&self.tenant.name, id)
    }

    /// An entry of the secret store; none where the estate has no store, which `check` allows only without credentials.
    fn secret(&self, id: &str, fields: BTreeMap<String, SecretField>) -> Option<SecretRef> {
        let store = self.platform.secret_store.clone()?;
        Some(SecretRef { store, key: self.key(id), fields })
    }

    /// Host, port, user and a password that is made once, with the fields of the kind.
    fn login<const N: usize>(
        &self,
        group: &Group,
        id: &str,
        user: &str,
        fields: [(&str, String); N],
    ) -> Option<SecretRef> {
        let mut all = BTreeMap::from([
            ("username".to_owned(), SecretField::Value(user.to_owned())),
            ("password".to_owned(), SecretField::Generated(PASSWORD_LENGTH)),
        ]);
        all.extend(fields.into_iter().map(|(key, value)| (key.to_owned(), SecretField::Value(value))));
        let endpoint = match self.platform.connections.get(&group.connection) {
            Some(
                Connection::Mysql { host, port, .. }
                | Connection::Postgres { host, port, .. }
                | Connection::Rabbitmq { host, port, .. }
                | Connection::Redis { host, port, .. },
            ) => Some((host, port)),
            _ => None,
        };
        if let Some((host, port)) = endpoint {
            all.insert("host".to_owned(), SecretField::Value(host.clone()));
            all.insert("port".to_owned(), SecretField::Value(port.to_string()));
        }
        self.secret(id, all)
    }

    fn keys(&self, group: &Group, id: &str, name: &str) -> Option<SecretRef> {
        let mut fields = BTreeMap::from([
            ("accessKey".to_owned(), SecretField::Value(name.to_owned())),
            ("secretKey".to_owned(), SecretField::Generated(SECRET_KEY_LENGTH)),
        ]);
        if let Some(Connection::ObjectStore { endpoint, region, .. }) = self.platform.connections.get(&group.connection)
        {
            fields.insert("endpoint".to_owned(), SecretField::Value(endpoint.clone()));
            fields.insert("region".to_owned(), SecretField::Value(region.clone()));
        }
        self.secret(id, fields)
    }

    /// Turns groups of buckets (`files`) and single ones (`files/products`) into the names of this tenant's buckets.
    fn buckets(&self, references: &[String]) -> Vec<String> {
        let mut names: Vec<String> = references
            .iter()
            .flat_map(|reference| {
                let (group, item) = reference.split_once('/').unwrap_or((reference, ""));
                let found = self.tier.groups().iter().find(|candidate| candidate.name.as_str() == group);
                let items: Vec<&ItemName> = match found.map(|group| (&group.members, &group.name)) {
                    Some((Members::One(Spec::Bucket(_)), name)) => vec![name],
                    Some((Members::Many(items), _)) => {
                        items.keys().filter(|name| item.is_empty() || name.as_str() == item).collect()
                    }
                    _ => Vec::new(),
                };
                items.into_iter().map(|item| self.name(Target::Bucket, item)).collect::<Vec<_>>()
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn variable(&self, reference: &str) -> Option<Value> {
        let Plan { platform, tenant, tier, namespace, hosts, .. } = self.plan;
        Some(match reference {
            "tenant.name" => json!(tenant.name),
            "tenant.uid" => json!(tenant.uid),
            "tenant.displayName" => json!(tenant.display_name),
            "tenant.subdomain" => json!(tenant.subdomain),
            "tenant.state" => json!(tenant.state),
            "tenant.tier" => json!(tier.name),
            "tenant.region" => json!(self.tenant.region),
            "tenant.contacts.admin" => json!(tenant.contacts.admin),
            "tenant.contacts.billing" => json!(tenant.contacts.billing),
            "tenant.subscription" => json!(tenant.subscription),
            "hosts.primary" => json!(hosts.primary),
            "namespace" => json!(namespace),
            "claim" => json!(self.claim()),
            "platform.name" => json!(platform.name),
            "platform.displayName" => json!(platform.display_name),
            "platform.domain" => json!(platform.domain),
            other => {
                let mut keys = other.strip_prefix("platform.settings.")?.split('.');
                let first = platform.settings.get(keys.next()?)?;
                keys.try_fold(first, |value, key| value.get(key))?.clone()
            }
        })
    }
}

fn wanted<S>(
    group: &Group,
    id: String,
    name: String,
    user: Option<String>,
    secret: Option<SecretRef>,
    spec: S,
) -> Wanted<S> {
    Wanted { id, connection: group.connection.clone(), name, user, secret, spec }
}
