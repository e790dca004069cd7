//! `httpResource`: anything behind a JSON API, declared as lookup, create, update, delete and ready-when.
//!
//! Texts may hold `${…}`: in a tier file `${tenant.…}`, `${hosts.…}`, `${platform.…}`, which `resolve` fills in; in
//! the document only `${found.…}` (the object that the lookup found) and `${secret.…}` are left, for the engine. A
//! filled-in value is data: a `$` in it is written `$$`, so it can never become a reference.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::secret::SecretField;

/// Settings of an `httpResource`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpResourceSpec {
    /// How to find out whether it exists.
    pub lookup: Lookup,
    /// How to make it.
    pub create: Call,
    /// How to change it; without it a difference is reported and left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Call>,
    /// How to remove it; without it a removal is reported and left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<Call>,
    /// JSON pointers into the found object → the value that each must have; a difference calls `update`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wanted: BTreeMap<String, Value>,
    /// The pointer that carries our claim (tenant name and uid); without it the resource is claimed in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_at: Option<String>,
    /// When it is ready; at once where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_when: Option<ReadyWhen>,
    /// The fields of the secret that goes with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret: BTreeMap<String, SecretField>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path below the connection's URL, starting with `/`.
    #[schemars(regex(pattern = r"^/"))]
    pub path: String,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Status codes that mean success.
    #[serde(default = "success")]
    pub expect: Vec<u16>,
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    Get,
    /// Make.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

/// How to find out whether the object exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lookup {
    /// The request.
    pub call: Call,
    /// The JSON pointer to the list in the answer; the answer is the object itself where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// Pointers into an item → the value that ours has there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matching: BTreeMap<String, Value>,
    /// The query parameter that counts pages from 1; one page where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_parameter: Option<String>,
    /// Status codes that mean that it does not exist.
    #[serde(default = "not_found")]
    pub absent: Vec<u16>,
}

/// When the object is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadyWhen {
    /// Pointers into the found object → the values that mean ready; all must hold.
    pub ready: BTreeMap<String, Vec<Value>>,
    /// Pointers into the found object → the values that mean that it never will be.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<String, Vec<Value>>,
    /// Seconds between two looks.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 300))]
    pub interval_seconds: u32,
    /// Seconds until the wait is given up.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 1, max = 3600))]
    pub timeout_seconds: u32,
}

fn success() -> Vec<u16> {
    vec![200, 201]
}

fn not_found() -> Vec<u16> {
    vec![404]
}

fn five() -> u32 {
    5
}

fn five_minutes() -> u32 {
    300
}
