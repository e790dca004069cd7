//! Documents of tenants with one resource of every kind. A new kind has one line in [`KINDS`].

use std::{fs, path::Path};

use serde_json::{Value, json};

/// One tenant, and what its objects are called.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The tenant's name; its folder in the tree, and part of its claims and of its keys in the secret store.
    pub name: String,
    /// The tenant's uid.
    pub uid: String,
    /// What its objects are called where servers allow `_`; buckets, which do not, are called as the tenant is.
    pub stem: String,
}

/// Which settings a document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// An earlier commit.
    Older,
    /// The last commit.
    Last,
}

/// What the resources of one kind are made of: id, connection, name, user, fields of the secret, settings.
struct Made {
    kind: &'static str,
    id: &'static str,
    connection: &'static str,
    name: String,
    user: Option<String>,
    fields: Value,
    spec: Value,
}

/// All kinds.
const KINDS: &[fn(&Tenant, bool) -> Made] = &[
    mysql,
    postgres_database,
    postgres_schema,
    bucket,
    object_store_user,
    rabbitmq,
    redis,
    grafana_org,
    grafana_user,
    secret,
];

/// How many of [`KINDS`] have credentials that can be tried on a server.
pub const KINDS_WITH_LOGIN: usize = 7;

/// How often they are tried on another tenant: Grafana's viewer on the viewer and on the organisation.
pub const TRIES_ON_ANOTHER: usize = KINDS_WITH_LOGIN + 1;

fn login(user: &str) -> Value {
    json!({"username": {"value": user}, "password": {"generated": 32}})
}

fn mysql(tenant: &Tenant, is_last: bool) -> Made {
    let privileges = if is_last { json!(["SELECT", "INSERT", "CREATE"]) } else { json!(["SELECT", "UPDATE"]) };
    Made {
        kind: "mysqlDatabase",
        id: "mysql",
        connection: "mysql",
        name: tenant.stem.clone(),
        user: Some(tenant.stem.clone()),
        fields: login(&tenant.stem),
        spec: json!({"privileges": privileges, "requireTls": false}),
    }
}

fn postgres_database(tenant: &Tenant, is_last: bool) -> Made {
    Made {
        kind: "postgresDatabase",
        id: "postgres",
        connection: "postgres",
        name: tenant.stem.clone(),
        user: Some(tenant.stem.clone()),
        fields: login(&tenant.stem),
        spec: json!({"connectionLimit": if is_last { 20 } else { 10 }, "settings": {"work_mem": "8MB"}}),
    }
}

/// The database that all schemas are in.
pub const POOL: &str = "proof_pool";

fn postgres_schema(tenant: &Tenant, is_last: bool) -> Made {
    let user = format!("{}_slot", tenant.stem);
    Made {
        kind: "postgresSchema",
        id: "slot",
        connection: "postgres",
        name: tenant.stem.clone(),
        user: Some(user.clone()),
        fields: login(&user),
        spec: json!({"database": POOL, "connectionLimit": if is_last { 20 } else { 10 }}),
    }
}

fn bucket(tenant: &Tenant, is_last: bool) -> Made {
    Made {
        kind: "bucket",
        id: "files",
        connection: "minio",
        name: tenant.name.clone(),
        user: None,
        fields: json!(null),
        spec: json!({"versioning": true, "noncurrentDays": if is_last { 30 } else { 14 }}),
    }
}

fn object_store_user(tenant: &Tenant, is_last: bool) -> Made {
    let actions =
        if is_last { json!(["s3:GetObject", "s3:PutObject"]) } else { json!(["s3:GetObject", "s3:DeleteObject"]) };
    let name = tenant.stem.clone();
    Made {
        kind: "objectStoreUser",
        id: "keys",
        connection: "minio",
        name: name.clone(),
        user: Some(name.clone()),
        fields: json!({"accessKey": {"value": name}, "secretKey": {"generated": 40}}),
        spec: json!({"buckets": [tenant.name], "actions": actions}),
    }
}

fn rabbitmq(tenant: &Tenant, is_last: bool) -> Made {
    Made {
        kind: "rabbitmqVhost",
        id: "vhost",
        connection: "rabbitmq",
        name: tenant.stem.clone(),
        user: Some(tenant.stem.clone()),
        fields: login(&tenant.stem),
        spec: json!({
            "permissions": {"configure": "^$", "write": "^events$", "read": "^orders$"},
            "maxQueues": if is_last { 6 } else { 5 },
            "exchanges": {"events": {"type": "topic"}},
            "queues": {"orders": {"type": "classic"}},
            "bindings": [{"source": "events", "destination": "orders", "routingKey": if is_last { "order.#" } else { "order.*" }}],
        }),
    }
}

fn redis(tenant: &Tenant, is_last: bool) -> Made {
    let commands = if is_last { json!(["+@all", "-@admin", "-@dangerous"]) } else { json!(["+@read", "+@connection"]) };
    Made {
        kind: "redisUser",
        id: "redis",
        connection: "redis",
        name: tenant.stem.clone(),
        user: Some(tenant.stem.clone()),
        fields: login(&tenant.stem),
        spec: json!({"commands": commands}),
    }
}

fn grafana_org(tenant: &Tenant, _: bool) -> Made {
    let path = format!("/api/orgs/name/{}", tenant.name);
    Made {
        kind: "httpResource",
        id: "grafana",
        connection: "grafana",
        name: format!("{}/grafana", tenant.name),
        user: None,
        fields: json!({"claim": {"value": format!("tenantry:{}:{}", tenant.name, tenant.uid)}}),
        spec: json!({
            "lookup": {"call": {"method": "GET", "path": path}},
            "create": {"method": "POST", "path": "/api/orgs", "body": {"name": tenant.name}, "repeatable": true},
            "delete": {"method": "DELETE", "path": "/api/orgs/${found.id}"},
        }),
    }
}

fn grafana_user(tenant: &Tenant, is_last: bool) -> Made {
    let shown = if is_last { "Last" } else { "Older" };
    let mut fields = login(&tenant.name);
    fields["claim"] = json!({"value": format!("tenantry:{}:{}", tenant.name, tenant.uid)});
    Made {
        kind: "httpResource",
        id: "viewer",
        connection: "grafana",
        name: format!("{}/viewer", tenant.name),
        user: None,
        fields,
        spec: json!({
            "needs": {"org": {"after": "grafana", "lookup": {"call":
                {"method": "GET", "path": format!("/api/orgs/name/{}", tenant.name)}}}},
            "lookup": {"matching": {"/login": tenant.name}, "call":
                {"method": "GET", "path": "/api/users/lookup", "query": {"loginOrEmail": tenant.name}}},
            "create": {"method": "POST", "path": "/api/admin/users", "repeatable": true,
                "body": {"login": tenant.name, "name": shown, "password": "${secret.password}", "OrgId": "${needs.org.id}"}},
            "update": {"method": "PUT", "path": "/api/users/${found.id}",
                "body": {"login": tenant.name, "email": "${found.email}", "name": shown}},
            "delete": {"method": "DELETE", "path": "/api/admin/users/${found.id}"},
            "wanted": {"/name": shown},
            "secret": login(&tenant.name),
            "login": {"username": "username", "password": "password",
                "proof": {"method": "GET", "path": "/api/user"},
                "set": {"method": "PUT", "path": "/api/admin/users/${found.id}/password", "body": {"password": "${secret.password}"}}},
        }),
    }
}

fn secret(tenant: &Tenant, _: bool) -> Made {
    let fields = json!({"key": {"generated": 64}});
    let (name, spec) = (format!("tenants/{}/session", tenant.name), json!({"fields": fields}));
    Made { kind: "secret", id: "session", connection: "store", name, user: None, fields, spec }
}

/// Returns a tenant's document, with credentials in `store`.
pub fn document(tenant: &Tenant, variant: Variant, connections: &Value, store: &Value) -> Value {
    let mut connections = connections.clone();
    connections["store"] = store.clone();
    let made: Vec<Made> = KINDS.iter().map(|kind| kind(tenant, variant == Variant::Last)).collect();
    let used = connections.as_object_mut().unwrap();
    used.retain(|name, _| name == "store" || made.iter().any(|made| made.connection == name));
    let resources: Vec<Value> = made.into_iter().map(|made| resource(tenant, made)).collect();
    json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Provision",
        "metadata": {"tenant": tenant.name, "uid": tenant.uid, "state": "active"},
        "connections": connections, "resources": resources,
    })
}

fn resource(tenant: &Tenant, made: Made) -> Value {
    let Made { kind, id, connection, name, user, fields, spec } = made;
    let mut resource = json!({"kind": kind, "id": id, "connection": connection, "name": name, "spec": spec});
    if let Some(user) = user {
        resource["user"] = json!(user);
    }
    if !fields.is_null() {
        resource["secret"] =
            json!({"store": "store", "key": format!("tenants/{}/{id}", tenant.name), "fields": fields});
    }
    resource
}

/// Returns the document of a tenant whose time has come.
pub fn leaving(mut document: Value) -> Value {
    document["metadata"]["state"] = json!("deleting");
    document["metadata"]["deleteAfter"] = json!("2026-01-01T00:00:00Z");
    document
}

/// Writes documents as the rendered tree in `folder`, in place of those that are there.
pub fn write_tree<'d>(folder: &Path, documents: impl IntoIterator<Item = &'d Value>) {
    for document in documents {
        let tenant = folder.join("tenants").join(document["metadata"]["tenant"].as_str().unwrap());
        fs::create_dir_all(&tenant).unwrap();
        fs::write(tenant.join("provision.yaml"), serde_json::to_string_pretty(document).unwrap()).unwrap();
    }
}
