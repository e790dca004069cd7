//! Where a credential is kept, and which fields its entry in the secret store has. Values never appear here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a credential is kept: one flat entry of text fields per purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// The connection of the secret store.
    pub store: String,
    /// The path of the entry in that store.
    pub key: String,
    /// The fields of the entry.
    pub fields: BTreeMap<String, SecretField>,
}

/// One field of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SecretField {
    /// A text that is no secret: a host, a port, a user name.
    Value(String),
    /// Made once, at random, and never again; holds the number of characters.
    Generated(#[schemars(range(min = 16, max = 128))] u16),
    /// Taken from the answer that created the resource, by JSON pointer; stored before anything else is done.
    Answer(String),
}

/// Settings of a `secret` that belongs to no service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretSpec {
    /// The fields of the entry.
    pub fields: BTreeMap<String, SecretField>,
}
