//! The provision document: the versioned wire form of a tenant's wanted resources outside the cluster.
//!
//! `render` writes it into the tree, a reviewer reads it, and `provision apply` performs exactly it. It holds names,
//! settings and *where* each credential is kept, never a credential. A reader refuses unknown fields and versions.

pub mod http;
pub mod mysql;
pub mod object_store;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod secret;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use http::HttpResourceSpec;
use mysql::MysqlDatabaseSpec;
use object_store::{BucketSpec, ObjectStoreUserSpec};
use postgres::{PostgresDatabaseSpec, PostgresSchemaSpec};
use rabbitmq::RabbitmqVhostSpec;
use redis::RedisUserSpec;
use secret::SecretRef;

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

/// One wanted resource. `id` is `group` or `group/item` of the tier file, stable over changes of naming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Resource {
    /// A database with its own user on a MySQL or MariaDB server.
    MysqlDatabase(Wanted<MysqlDatabaseSpec>),
    /// A database with its own login role on a PostgreSQL server.
    PostgresDatabase(Wanted<PostgresDatabaseSpec>),
    /// A schema with its own login role in a shared PostgreSQL database.
    PostgresSchema(Wanted<PostgresSchemaSpec>),
    /// An S3 bucket.
    Bucket(Wanted<BucketSpec>),
    /// A user of the object store with a policy for exactly its buckets.
    ObjectStoreUser(Wanted<ObjectStoreUserSpec>),
    /// A RabbitMQ virtual host with its user and topology.
    RabbitmqVhost(Wanted<RabbitmqVhostSpec>),
    /// A Redis ACL user with a key prefix.
    RedisUser(Wanted<RedisUserSpec>),
    /// Anything behind a JSON API.
    HttpResource(Box<Wanted<HttpResourceSpec>>),
    /// A secret in the secret store that belongs to no service.
    Secret(Wanted<secret::SecretSpec>),
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

/// The kinds of outside resources, by the names that tier files and documents use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// [`Resource::MysqlDatabase`].
    MysqlDatabase,
    /// [`Resource::PostgresDatabase`].
    PostgresDatabase,
    /// [`Resource::PostgresSchema`].
    PostgresSchema,
    /// [`Resource::Bucket`].
    Bucket,
    /// [`Resource::ObjectStoreUser`].
    ObjectStoreUser,
    /// [`Resource::RabbitmqVhost`].
    RabbitmqVhost,
    /// [`Resource::RedisUser`].
    RedisUser,
    /// [`Resource::HttpResource`].
    HttpResource,
    /// [`Resource::Secret`].
    Secret,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 9] = [
        Kind::MysqlDatabase,
        Kind::PostgresDatabase,
        Kind::PostgresSchema,
        Kind::Bucket,
        Kind::ObjectStoreUser,
        Kind::RabbitmqVhost,
        Kind::RedisUser,
        Kind::HttpResource,
        Kind::Secret,
    ];

    /// Returns the name that tier files and documents use.
    pub fn name(self) -> &'static str {
        match self {
            Kind::MysqlDatabase => "mysqlDatabase",
            Kind::PostgresDatabase => "postgresDatabase",
            Kind::PostgresSchema => "postgresSchema",
            Kind::Bucket => "bucket",
            Kind::ObjectStoreUser => "objectStoreUser",
            Kind::RabbitmqVhost => "rabbitmqVhost",
            Kind::RedisUser => "redisUser",
            Kind::HttpResource => "httpResource",
            Kind::Secret => "secret",
        }
    }

    /// Returns whether deleting such a resource loses a customer's data.
    pub fn holds_data(self) -> bool {
        match self {
            Kind::MysqlDatabase
            | Kind::PostgresDatabase
            | Kind::PostgresSchema
            | Kind::Bucket
            | Kind::RabbitmqVhost => true,
            Kind::ObjectStoreUser | Kind::RedisUser | Kind::HttpResource | Kind::Secret => false,
        }
    }
}

impl Resource {
    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        match self {
            Resource::MysqlDatabase(_) => Kind::MysqlDatabase,
            Resource::PostgresDatabase(_) => Kind::PostgresDatabase,
            Resource::PostgresSchema(_) => Kind::PostgresSchema,
            Resource::Bucket(_) => Kind::Bucket,
            Resource::ObjectStoreUser(_) => Kind::ObjectStoreUser,
            Resource::RabbitmqVhost(_) => Kind::RabbitmqVhost,
            Resource::RedisUser(_) => Kind::RedisUser,
            Resource::HttpResource(_) => Kind::HttpResource,
            Resource::Secret(_) => Kind::Secret,
        }
    }

    /// Returns `group` or `group/item`.
    pub fn id(&self) -> &str {
        match self {
            Resource::MysqlDatabase(wanted) => &wanted.id,
            Resource::PostgresDatabase(wanted) => &wanted.id,
            Resource::PostgresSchema(wanted) => &wanted.id,
            Resource::Bucket(wanted) => &wanted.id,
            Resource::ObjectStoreUser(wanted) => &wanted.id,
            Resource::RabbitmqVhost(wanted) => &wanted.id,
            Resource::RedisUser(wanted) => &wanted.id,
            Resource::HttpResource(wanted) => &wanted.id,
            Resource::Secret(wanted) => &wanted.id,
        }
    }
}
