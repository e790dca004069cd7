//! `mysqlDatabase`: a database with its own user on a MySQL or MariaDB server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of a `mysqlDatabase`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MysqlDatabaseSpec {
    /// The database's default character set.
    #[serde(default = "utf8mb4")]
    pub character_set: String,
    /// The database's default collation; `utf8mb4_unicode_ci` exists on MySQL and MariaDB alike.
    #[serde(default = "unicode_ci")]
    pub collation: String,
    /// What the user may do in this database and nowhere else.
    pub privileges: Vec<Privilege>,
    /// The host part of the user: where it may connect from.
    #[serde(default = "anywhere")]
    pub host: String,
    /// Whether the server refuses the user without TLS.
    #[serde(default = "yes")]
    pub require_tls: bool,
    /// The most connections of the user at one time; no limit where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_user_connections: Option<u32>,
}

/// A privilege on one database. `GRANT OPTION` is not among them, and never will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Privilege {
    /// Read rows.
    #[serde(rename = "SELECT")]
    Select,
    /// Add rows.
    #[serde(rename = "INSERT")]
    Insert,
    /// Change rows.
    #[serde(rename = "UPDATE")]
    Update,
    /// Remove rows.
    #[serde(rename = "DELETE")]
    Delete,
    /// Create tables.
    #[serde(rename = "CREATE")]
    Create,
    /// Change tables.
    #[serde(rename = "ALTER")]
    Alter,
    /// Drop tables; migrations need it.
    #[serde(rename = "DROP")]
    Drop,
    /// Create and drop indexes.
    #[serde(rename = "INDEX")]
    Index,
    /// Create foreign keys; MySQL demands it, MariaDB does not.
    #[serde(rename = "REFERENCES")]
    References,
    /// Create temporary tables.
    #[serde(rename = "CREATE TEMPORARY TABLES")]
    CreateTemporaryTables,
    /// Lock tables.
    #[serde(rename = "LOCK TABLES")]
    LockTables,
    /// Create views.
    #[serde(rename = "CREATE VIEW")]
    CreateView,
    /// See the definition of views.
    #[serde(rename = "SHOW VIEW")]
    ShowView,
    /// Create stored routines.
    #[serde(rename = "CREATE ROUTINE")]
    CreateRoutine,
    /// Change and drop stored routines.
    #[serde(rename = "ALTER ROUTINE")]
    AlterRoutine,
    /// Run stored routines.
    #[serde(rename = "EXECUTE")]
    Execute,
    /// Create events.
    #[serde(rename = "EVENT")]
    Event,
    /// Create triggers.
    #[serde(rename = "TRIGGER")]
    Trigger,
}

impl Privilege {
    /// Returns the words that a `GRANT` uses for it.
    pub fn name(self) -> &'static str {
        match self {
            Privilege::Select => "SELECT",
            Privilege::Insert => "INSERT",
            Privilege::Update => "UPDATE",
            Privilege::Delete => "DELETE",
            Privilege::Create => "CREATE",
            Privilege::Alter => "ALTER",
            Privilege::Drop => "DROP",
            Privilege::Index => "INDEX",
            Privilege::References => "REFERENCES",
            Privilege::CreateTemporaryTables => "CREATE TEMPORARY TABLES",
            Privilege::LockTables => "LOCK TABLES",
            Privilege::CreateView => "CREATE VIEW",
            Privilege::ShowView => "SHOW VIEW",
            Privilege::CreateRoutine => "CREATE ROUTINE",
            Privilege::AlterRoutine => "ALTER ROUTINE",
            Privilege::Execute => "EXECUTE",
            Privilege::Event => "EVENT",
            Privilege::Trigger => "TRIGGER",
        }
    }
}

fn utf8mb4() -> String {
    "utf8mb4".to_owned()
}

fn unicode_ci() -> String {
    "utf8mb4_unicode_ci".to_owned()
}

fn anywhere() -> String {
    "%".to_owned()
}

fn yes() -> bool {
    true
}
