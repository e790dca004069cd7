//! Connections: the servers that hold tenants' resources or secrets, and where their administrators' credentials come
//! from. Never a credential itself.
//!
//! They stand in `tenantry.yaml`, and those that a document uses are repeated in it: what runs needs nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A server that holds tenants' resources or secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Connection {
    /// MySQL or MariaDB.
    Mysql {
        /// The host that tenants and the hook reach it at.
        host: String,
        /// The port.
        #[serde(default = "port_mysql")]
        port: u16,
        /// How the connection is protected.
        #[serde(default, skip_serializing_if = "Tls::is_default")]
        tls: Tls,
        /// Where the administrator's credential comes from.
        credentials: UserPassword,
    },
    /// PostgreSQL.
    Postgres {
        /// The host that tenants and the hook reach it at.
        host: String,
        /// The port.
        #[serde(default = "port_postgres")]
        port: u16,
        /// How the connection is protected.
        #[serde(default, skip_serializing_if = "Tls::is_default")]
        tls: Tls,
        /// The extensions that tenants' databases may have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        extensions: Vec<String>,
        /// Where the administrator's credential comes from.
        credentials: UserPassword,
    },
    /// An S3 object store.
    ObjectStore {
        /// The URL.
        endpoint: String,
        /// The region.
        #[serde(default = "us_east_1")]
        region: String,
        /// Whose user administration it has.
        flavour: ObjectStoreFlavour,
        /// A file with the authorities that signed the server's certificate; the system's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<String>,
        /// Where the administrator's keys come from.
        credentials: UserPassword,
    },
    /// RabbitMQ.
    Rabbitmq {
        /// The host that tenants reach it at.
        host: String,
        /// The port for AMQP; 5671 is with TLS.
        #[serde(default = "port_amqp")]
        port: u16,
        /// The URL of the management API.
        management_url: String,
        /// A file with the authorities that signed the server's certificate; the system's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<String>,
        /// Where the administrator's credential comes from.
        credentials: UserPassword,
    },
    /// Redis.
    Redis {
        /// The host that tenants and the hook reach it at.
        host: String,
        /// The port.
        #[serde(default = "port_redis")]
        port: u16,
        /// How the connection is protected.
        #[serde(default, skip_serializing_if = "Tls::is_default")]
        tls: Tls,
        /// Where the administrator's credential comes from.
        credentials: UserPassword,
    },
    /// A JSON API.
    Http {
        /// The URL that paths are below.
        url: String,
        /// A file with the authorities that signed the server's certificate; the system's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<String>,
        /// How requests prove who sends them.
        authentication: HttpAuthentication,
    },
    /// OpenBao or Vault, KV version 2.
    Vault {
        /// The URL.
        url: String,
        /// The mount of the KV engine.
        #[serde(default = "mount_secret")]
        mount: String,
        /// A file with the authorities that signed the server's certificate; the system's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<String>,
        /// The environment variable with the token; a login is used where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_env: Option<String>,
        /// The role of the Kubernetes login, with the token of the Pod's service account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kubernetes_role: Option<String>,
        /// The AppRole login.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        app_role: Option<AppRole>,
    },
    /// AWS Secrets Manager.
    AwsSecretsManager {
        /// The region.
        region: String,
        /// The URL of a private endpoint; the region's own where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// Where the keys come from.
        #[serde(default = "aws_variables")]
        credentials: UserPassword,
    },
    /// Kubernetes Secrets, in the platform namespace.
    KubernetesSecrets {
        /// The namespace.
        namespace: String,
    },
    /// Files of mode 0600 in one directory, for tests and a quick start.
    Directory {
        /// The directory.
        path: String,
    },
    /// Stand-ins of all services and of a secret store in one directory: nothing outside is touched.
    Sandbox {
        /// The directory.
        path: String,
    },
}

impl Connection {
    /// Returns the name of its kind, as files use it.
    pub fn kind(&self) -> &'static str {
        match self {
            Connection::Mysql { .. } => "mysql",
            Connection::Postgres { .. } => "postgres",
            Connection::ObjectStore { .. } => "objectStore",
            Connection::Rabbitmq { .. } => "rabbitmq",
            Connection::Redis { .. } => "redis",
            Connection::Http { .. } => "http",
            Connection::Vault { .. } => "vault",
            Connection::AwsSecretsManager { .. } => "awsSecretsManager",
            Connection::KubernetesSecrets { .. } => "kubernetesSecrets",
            Connection::Directory { .. } => "directory",
            Connection::Sandbox { .. } => "sandbox",
        }
    }

    /// Returns where the administrator's user and password come from, for kinds that have them.
    pub fn credentials(&self) -> Option<&UserPassword> {
        match self {
            Connection::Mysql { credentials, .. }
            | Connection::Postgres { credentials, .. }
            | Connection::ObjectStore { credentials, .. }
            | Connection::Rabbitmq { credentials, .. }
            | Connection::Redis { credentials, .. }
            | Connection::AwsSecretsManager { credentials, .. } => Some(credentials),
            Connection::Http { authentication, .. } => match authentication {
                HttpAuthentication::Basic(credentials) | HttpAuthentication::Login { credentials, .. } => {
                    Some(credentials)
                }
                HttpAuthentication::Bearer { .. } | HttpAuthentication::Header { .. } => None,
            },
            Connection::Vault { .. }
            | Connection::KubernetesSecrets { .. }
            | Connection::Directory { .. }
            | Connection::Sandbox { .. } => None,
        }
    }

    /// Returns the key of the entry in the estate's secret store that the credential is, if it is one.
    pub fn entry(&self) -> Option<&str> {
        match self.credentials()?.source()? {
            Source::Entry(key) => Some(key),
            Source::Variables { .. } | Source::Files { .. } => None,
        }
    }
}

/// Returns whether a kind of connection can keep secrets.
pub fn is_store(kind: &str) -> bool {
    matches!(kind, "vault" | "awsSecretsManager" | "kubernetesSecrets" | "directory" | "sandbox")
}

/// Returns whether resources that are made on connections of kind `wanted` can be made on one of kind `found`.
pub fn fits(wanted: &str, found: &str) -> bool {
    found == "sandbox" || if wanted == "vault" { is_store(found) } else { wanted == found }
}

/// How a connection to a database server is protected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// Whether TLS is used, and the server's certificate checked.
    #[serde(default)]
    pub mode: TlsMode,
    /// A file with the authorities that signed the server's certificate; the system's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
}

impl Tls {
    fn is_default(&self) -> bool {
        *self == Tls::default()
    }
}

/// Whether TLS is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// Always, with a certificate that is checked.
    #[default]
    Required,
    /// Never: passwords and data cross the network as they are.
    Off,
}

/// Where a user and a password come from: exactly one of environment variables, files, and an entry of the secret store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserPassword {
    /// The variable with the user or access key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_env: Option<String>,
    /// The variable with the password or secret key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// The file with the user or access key; a line break at its end is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_file: Option<String>,
    /// The file with the password or secret key; a line break at its end is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<String>,
    /// The key of an entry in the estate's secret store with the fields `username` and `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// What one [`UserPassword`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'c> {
    /// Two environment variables.
    Variables {
        /// The one with the user.
        username: &'c str,
        /// The one with the password.
        password: &'c str,
    },
    /// Two files.
    Files {
        /// The one with the user.
        username: &'c str,
        /// The one with the password.
        password: &'c str,
    },
    /// An entry of the secret store.
    Entry(&'c str),
}

impl UserPassword {
    /// Returns a credential from two environment variables.
    pub fn from_variables(username: &str, password: &str) -> Self {
        Self { username_env: Some(username.to_owned()), password_env: Some(password.to_owned()), ..Self::default() }
    }

    /// Returns where the credential comes from; none where it says nothing, half of it, or more than one thing.
    pub fn source(&self) -> Option<Source<'_>> {
        let Self { username_env, password_env, username_file, password_file, secret } = self;
        match (username_env, password_env, username_file, password_file, secret) {
            (Some(username), Some(password), None, None, None) => Some(Source::Variables { username, password }),
            (None, None, Some(username), Some(password), None) => Some(Source::Files { username, password }),
            (None, None, None, None, Some(key)) => Some(Source::Entry(key)),
            _ => None,
        }
    }
}

/// The AppRole login of OpenBao and Vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppRole {
    /// The variable with the role id.
    pub role_id_env: String,
    /// The variable with the secret id.
    pub secret_id_env: String,
}

/// Whose user administration an object store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectStoreFlavour {
    /// MinIO's admin API, which RustFS speaks too.
    Minio,
    /// AWS IAM.
    Aws,
}

/// How requests to a JSON API prove who sends them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum HttpAuthentication {
    /// `Authorization: Bearer`.
    Bearer {
        /// The variable with the token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_env: Option<String>,
        /// The file with the token, in place of a variable; a line break at its end is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_file: Option<String>,
    },
    /// `Authorization: Basic`.
    Basic(UserPassword),
    /// A header of the API's own.
    Header {
        /// The header.
        name: String,
        /// The variable with its value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value_env: Option<String>,
        /// The file with its value, in place of a variable; a line break at its end is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value_file: Option<String>,
    },
    /// A login that answers with a token, which then goes into `Authorization: Bearer`.
    Login {
        /// The path of the login below the connection's URL.
        path: String,
        /// The key of the user in the JSON body.
        username_key: String,
        /// The key of the password in the JSON body.
        password_key: String,
        /// The JSON pointer to the token in the answer.
        token_at: String,
        /// Where user and password come from.
        credentials: UserPassword,
    },
}

fn aws_variables() -> UserPassword {
    UserPassword::from_variables("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
}

fn us_east_1() -> String {
    "us-east-1".to_owned()
}

fn mount_secret() -> String {
    "secret".to_owned()
}

fn port_mysql() -> u16 {
    3306
}

fn port_postgres() -> u16 {
    5432
}

fn port_amqp() -> u16 {
    5672
}

fn port_redis() -> u16 {
    6379
}
