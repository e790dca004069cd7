//! The name spaces that a tenant's names go to, each with its budget.

use std::fmt;

/// A name space outside the estate: names in it must be distinct between all tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A Kubernetes namespace: DNS-1123 label.
    Namespace,
    /// An Argo CD Application: kept within a Helm release name, which defaults to it.
    Application,
    /// A Helm release.
    HelmRelease,
    /// A MySQL or MariaDB database.
    MysqlDatabase,
    /// A MySQL or MariaDB user: MySQL's 32, though MariaDB allows 128.
    MysqlUser,
    /// A PostgreSQL database.
    PostgresDatabase,
    /// A PostgreSQL role.
    PostgresRole,
    /// A PostgreSQL schema in a shared database.
    PostgresSchema,
    /// An S3 bucket.
    Bucket,
    /// An access key of MinIO, or an IAM user.
    ObjectStoreUser,
    /// A RabbitMQ virtual host.
    RabbitmqVhost,
    /// A RabbitMQ user.
    RabbitmqUser,
    /// A Redis ACL user.
    RedisUser,
    /// A path in the secret store.
    Secret,
}

impl Target {
    /// All name spaces.
    pub const ALL: [Target; 14] = [
        Target::Namespace,
        Target::Application,
        Target::HelmRelease,
        Target::MysqlDatabase,
        Target::MysqlUser,
        Target::PostgresDatabase,
        Target::PostgresRole,
        Target::PostgresSchema,
        Target::Bucket,
        Target::ObjectStoreUser,
        Target::RabbitmqVhost,
        Target::RabbitmqUser,
        Target::RedisUser,
        Target::Secret,
    ];

    /// Returns the key under `naming` in `tenantry.yaml`.
    pub fn key(self) -> &'static str {
        match self {
            Target::Namespace => "namespace",
            Target::Application => "application",
            Target::HelmRelease => "helmRelease",
            Target::MysqlDatabase => "mysqlDatabase",
            Target::MysqlUser => "mysqlUser",
            Target::PostgresDatabase => "postgresDatabase",
            Target::PostgresRole => "postgresRole",
            Target::PostgresSchema => "postgresSchema",
            Target::Bucket => "bucket",
            Target::ObjectStoreUser => "objectStoreUser",
            Target::RabbitmqVhost => "rabbitmqVhost",
            Target::RabbitmqUser => "rabbitmqUser",
            Target::RedisUser => "redisUser",
            Target::Secret => "secret",
        }
    }

    /// Returns the most bytes that a name may have there.
    ///
    /// Sources: Kubernetes label-style names 63, Helm release 53, MySQL identifiers 64 and users 32, PostgreSQL
    /// identifiers 63 (longer ones are cut with a notice only), S3 buckets 63, IAM users 64, RabbitMQ short strings
    /// 255; Redis has no limit, AWS Secrets Manager allows 512.
    pub fn budget(self) -> usize {
        match self {
            Target::Application | Target::HelmRelease => 53,
            Target::MysqlUser => 32,
            Target::MysqlDatabase | Target::ObjectStoreUser => 64,
            Target::Namespace
            | Target::PostgresDatabase
            | Target::PostgresRole
            | Target::PostgresSchema
            | Target::Bucket => 63,
            Target::RabbitmqVhost | Target::RabbitmqUser | Target::RedisUser => 255,
            Target::Secret => 512,
        }
    }

    /// Returns whether each tenant has many names there, one per item, so that the pattern needs `{item}`.
    pub fn per_item(self) -> bool {
        match self {
            Target::Namespace | Target::Application | Target::HelmRelease => false,
            Target::MysqlDatabase
            | Target::MysqlUser
            | Target::PostgresDatabase
            | Target::PostgresRole
            | Target::PostgresSchema
            | Target::Bucket
            | Target::ObjectStoreUser
            | Target::RabbitmqVhost
            | Target::RabbitmqUser
            | Target::RedisUser
            | Target::Secret => true,
        }
    }

    /// Returns whether `c` may stand in a name there.
    pub fn allows(self, c: char) -> bool {
        match self {
            Target::Namespace | Target::Application | Target::HelmRelease | Target::Bucket => {
                matches!(c, 'a'..='z' | '0'..='9' | '-')
            }
            Target::MysqlDatabase
            | Target::MysqlUser
            | Target::PostgresDatabase
            | Target::PostgresRole
            | Target::PostgresSchema => matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'),
            Target::ObjectStoreUser | Target::RabbitmqVhost | Target::RabbitmqUser | Target::RedisUser => {
                matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | '.')
            }
            Target::Secret => matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | '.' | '/'),
        }
    }

    /// Returns the pattern that holds where `naming` says nothing.
    pub fn default_pattern(self) -> &'static str {
        match self {
            Target::Namespace => "{tenant}",
            Target::Application | Target::HelmRelease => "tenant-{tenant}",
            Target::Bucket | Target::ObjectStoreUser | Target::RabbitmqVhost | Target::RabbitmqUser => {
                "{tenant}--{item}"
            }
            Target::RedisUser => "{tenant}--{item}",
            Target::MysqlDatabase
            | Target::MysqlUser
            | Target::PostgresDatabase
            | Target::PostgresRole
            | Target::PostgresSchema => "{tenant}_{item}",
            Target::Secret => "tenants/{tenant}/{item}",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
