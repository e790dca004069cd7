//! Outside resources of a plan: every name made, every credential given its place.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::variables;
use crate::{
    estate::{
        Platform, Tenant, Tier,
        group::{Group, Members, Spec},
    },
    name::{ItemName, Target},
    plan::Plan,
    provision::{
        Resource, Wanted,
        connection::{Connection, ObjectStoreFlavour},
        http::{Call, HttpResourceSpec, Lookup},
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

/// Returns the connections that resources and their credentials are on: a document is performed by itself.
fn connections(platform: &Platform, resources: &[Resource]) -> BTreeMap<String, Connection> {
    let named = resources.iter().flat_map(|resource| {
        let head = resource.head();
        [Some(head.connection), head.secret.map(|secret| secret.store.as_str())]
    });
    let known = named.flatten().filter_map(|name| platform.connections.get_key_value(name));
    known.map(|(name, connection)| (name.clone(), connection.clone())).collect()
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
                let spec = self.http(spec);
                let secret = (!spec.secret.is_empty()).then(|| self.secret(&id, spec.secret.clone())).flatten();
                Resource::HttpResource(Box::new(wanted(group, id, name, None, secret, spec)))
            }
            Spec::Secret(spec) => {
                let name = self.key(&id);
                let secret = self.secret(&id, spec.fields.clone());
                Resource::Secret(wanted(group, id, name, None, secret, spec.clone()))
            }
        }
    }

    fn name(&self, target: Target, item: &ItemName) -> String {
        self.platform.naming.of(target).name(&self.tenant.name, item)
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
        if let Some(Connection::ObjectStore { endpoint, region, flavour, .. }) =
            self.platform.connections.get(&group.connection)
        {
            // AWS makes keys itself, and tells the secret of each once.
            if *flavour == ObjectStoreFlavour::Aws {
                fields = ["accessKey", "secretKey"]
                    .map(|field| (field.to_owned(), SecretField::Answer(format!("/{field}"))))
                    .into();
            }
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

    /// Fills the plan into the settings: where any JSON may stand a value keeps its type, elsewhere it is text.
    fn http(&self, spec: &HttpResourceSpec) -> HttpResourceSpec {
        let look_up = |reference: &str| self.variable(reference);
        let call = |call: &Call| Call {
            method: call.method,
            path: variables::fill_text(&call.path, &look_up),
            query: call.query.iter().map(|(key, text)| (key.clone(), variables::fill_text(text, &look_up))).collect(),
            body: call.body.clone().map(|body| variables::fill(body, &look_up)),
            expect: call.expect.clone(),
        };
        let values = |map: &BTreeMap<String, Value>| {
            map.iter().map(|(key, value)| (key.clone(), variables::fill(value.clone(), &look_up))).collect()
        };
        let HttpResourceSpec { lookup, create, update, delete, wanted, claim_at, ready_when, secret } = spec;
        HttpResourceSpec {
            lookup: Lookup {
                call: call(&lookup.call),
                items: lookup.items.clone(),
                matching: values(&lookup.matching),
                page_parameter: lookup.page_parameter.clone(),
                absent: lookup.absent.clone(),
            },
            create: call(create),
            update: update.as_ref().map(call),
            delete: delete.as_ref().map(call),
            wanted: values(wanted),
            claim_at: claim_at.clone(),
            ready_when: ready_when.clone(),
            secret: secret.iter().map(|(key, field)| (key.clone(), self.field(field))).collect(),
        }
    }

    fn field(&self, field: &SecretField) -> SecretField {
        match field {
            SecretField::Value(text) => {
                SecretField::Value(variables::fill_text(text, &|reference| self.variable(reference)))
            }
            SecretField::Generated(_) | SecretField::Answer(_) => field.clone(),
        }
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
