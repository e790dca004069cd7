//! `postgresDatabase` and `postgresSchema`: a database, or a schema in a shared one, with its own login role.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of a `postgresDatabase`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresDatabaseSpec {
    /// Extensions that must be installed; the connection's server must allow them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
    /// The most connections of the role at one time; no limit where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub connection_limit: Option<u32>,
    /// `ALTER DATABASE … SET` parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// `ALTER ROLE … IN DATABASE … SET` parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub role_settings: BTreeMap<String, String>,
}

/// Settings of a `postgresSchema`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresSchemaSpec {
    /// The shared database that the schema is made in. It is made where it is not there, owned by the administrator, and
    /// never dropped.
    pub database: String,
    /// The most connections of the role at one time; no limit where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub connection_limit: Option<u32>,
    /// A folder of files `*.sql` that are run in the order of their names, once each, as the schema's own role: a path below
    /// the folder that the environment variable `TENANTRY_MIGRATIONS` names, or below the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<String>,
    /// Whether every table of the schema must enable and force row-level security.
    #[serde(default)]
    pub require_row_level_security: bool,
}
