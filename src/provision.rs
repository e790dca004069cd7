//! The provision document: the versioned wire form of a tenant's wanted resources outside the cluster.
//!
//! `render` writes it into the tree, a reviewer reads it, and `provision apply` performs exactly it. It holds names,
//! settings and *where* each credential is kept, never a credential. A reader refuses unknown fields and versions.

pub mod connection;
pub mod http;
pub mod mysql;
pub mod object_store;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod secret;
pub mod variables;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use connection::Connection;
use http::HttpResourceSpec;
use mysql::MysqlDatabaseSpec;
use object_store::{BucketSpec, ObjectStoreUserSpec};
use postgres::{PostgresDatabaseSpec, PostgresSchemaSpec};
use rabbitmq::RabbitmqVhostSpec;
use redis::RedisUserSpec;
use secret::{SecretRef, SecretSpec};

/// The only version of the document that this binary writes and reads.
pub const API_VERSION: &str = "tenantry.dev/v1";

/// All outside resources of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// `tenantry.dev/v1`.
    pub api_version: String,
    /// `Provision`.
    pub kind: String,
    /// Whose resources these are.
    pub metadata: Metadata,
    /// The connections that the resources and their credentials are on, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, Connection>,
    /// The resources, in the order of their ids.
    pub resources: Vec<Resource>,
}

/// Whose resources these are: the two parts of every claim, and the lifecycle state that decides what may be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The tenant's name.
    pub tenant: String,
    /// The tenant's immutable uid.
    pub uid: String,
    /// `trial`, `active`, `suspended` or `deleting`.
    pub state: String,
    /// When a deleting tenant's resources may be destroyed: UTC, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_after: Option<String>,
}

/// Returns the text of a claim, our mark on an outside object: `tenantry:<tenant>:<uid>`.
pub fn claim(tenant: &str, uid: &str) -> String {
    format!("{CLAIM_PREFIX}{tenant}:{uid}")
}

/// How a claim starts wherever a server keeps free text.
pub const CLAIM_PREFIX: &str = "tenantry:";

/// Returns the path of a tenant's document in a rendered tree.
pub fn document_path(tenant: &str) -> String {
    format!("tenants/{tenant}/provision.yaml")
}

/// Returns the tenant whose document stands at a path of a rendered tree.
pub fn document_owner(path: &str) -> Option<&str> {
    let tenant = path.strip_prefix("tenants/")?.strip_suffix("/provision.yaml")?;
    // The hook Job below a tenant's manifests has the same name.
    (!tenant.contains('/')).then_some(tenant)
}

/// Returns whether a path of a rendered tree is a document's, or that of a folder, with a `/` behind it, on the way to one.
pub fn leads_to_document(path: &str) -> bool {
    let tenant = || path.strip_prefix("tenants/")?.strip_suffix('/');
    path == "tenants/" || tenant().is_some_and(|tenant| !tenant.contains('/')) || document_owner(path).is_some()
}

/// Declares each kind once: variant, name in tier files and documents, settings, and whether it holds a customer's data.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident $name:literal $wanted:ty, $data:literal;)+) => {
        /// One wanted resource. `id` is `group` or `group/item` of the tier file, stable over changes of naming.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        pub enum Resource {
            $($(#[$doc])+ #[serde(rename = $name)] $variant($wanted),)+
        }

        /// The kinds of outside resources, by the names that tier files and documents use.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Kind {
            $(#[doc = concat!("[`Resource::", stringify!($variant), "`].")] #[serde(rename = $name)] $variant,)+
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Kind] = &[$(Kind::$variant,)+];

            /// Returns the name that tier files and documents use.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)+ }
            }

            /// Returns whether deleting such a resource loses a customer's data.
            pub fn holds_data(self) -> bool {
                match self { $(Kind::$variant => $data,)+ }
            }
        }

        impl Resource {
            /// Returns what all kinds have.
            pub fn head(&self) -> Head<'_> {
                match self { $(Resource::$variant(wanted) => wanted.head(Kind::$variant),)+ }
            }
        }
    };
}

kinds! {
    /// A database with its own user on a MySQL or MariaDB server.
    MysqlDatabase "mysqlDatabase" Wanted<MysqlDatabaseSpec>, true;
    /// A database with its own login role on a PostgreSQL server.
    PostgresDatabase "postgresDatabase" Wanted<PostgresDatabaseSpec>, true;
    /// A schema with its own login role in a shared PostgreSQL database.
    PostgresSchema "postgresSchema" Wanted<PostgresSchemaSpec>, true;
    /// An S3 bucket.
    Bucket "bucket" Wanted<BucketSpec>, true;
    /// A user of the object store with a policy for exactly its buckets.
    ObjectStoreUser "objectStoreUser" Wanted<ObjectStoreUserSpec>, false;
    /// A RabbitMQ virtual host with its user and topology.
    RabbitmqVhost "rabbitmqVhost" Wanted<RabbitmqVhostSpec>, true;
    /// A Redis ACL user with a key prefix.
    RedisUser "redisUser" Wanted<RedisUserSpec>, false;
    /// Anything behind a JSON API.
    HttpResource "httpResource" Box<Wanted<HttpResourceSpec>>, false;
    /// A secret in the secret store that belongs to no service.
    Secret "secret" Wanted<SecretSpec>, false;
}

impl Kind {
    /// Returns the kind of connection that such a resource is made on; `vault` stands for all secret stores, see
    /// [`connection::fits`].
    pub fn server(self) -> &'static str {
        match self {
            Kind::MysqlDatabase => "mysql",
            Kind::PostgresDatabase | Kind::PostgresSchema => "postgres",
            Kind::Bucket | Kind::ObjectStoreUser => "objectStore",
            Kind::RabbitmqVhost => "rabbitmq",
            Kind::RedisUser => "redis",
            Kind::HttpResource => "http",
            Kind::Secret => "vault",
        }
    }
}

impl Document {
    /// Returns the connection of the estate's secret store: where credentials lie, else the only store there is.
    pub fn secret_store(&self) -> Option<(&str, &Connection)> {
        let named = self.resources.iter().find_map(|resource| Some(resource.head().secret?.store.as_str()));
        let mut stores = self.connections.iter().filter(|(name, connection)| match named {
            Some(named) => name.as_str() == named,
            None => connection::is_store(connection.kind()),
        });
        let (name, connection) = stores.next()?;
        stores.next().is_none().then_some((name.as_str(), connection))
    }
}

impl Resource {
    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        self.head().kind
    }

    /// Returns `group` or `group/item`.
    pub fn id(&self) -> &str {
        self.head().id
    }
}

/// What every resource has, around the settings of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wanted<S> {
    /// `group` or `group/item` of the tier file.
    pub id: String,
    /// The connection of `tenantry.yaml` that reaches the server.
    pub connection: String,
    /// The name of the resource on that server, within the server's limits.
    pub name: String,
    /// The user or role that belongs to it, for kinds that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where the credential is kept, for kinds that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// The settings of its kind, every default filled in.
    pub spec: S,
}

/// What resources of all kinds have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'r> {
    /// What it is.
    pub kind: Kind,
    /// `group` or `group/item` of the tier file.
    pub id: &'r str,
    /// The connection that reaches its server.
    pub connection: &'r str,
    /// Its name on that server.
    pub name: &'r str,
    /// The user or role that belongs to it.
    pub user: Option<&'r str>,
    /// Where its credential is kept.
    pub secret: Option<&'r SecretRef>,
}

impl<S> Wanted<S> {
    /// Returns what resources of all kinds have.
    pub fn head(&self, kind: Kind) -> Head<'_> {
        let Self { id, connection, name, user, secret, spec: _ } = self;
        Head { kind, id, connection, name, user: user.as_deref(), secret: secret.as_ref() }
    }
}
