//! `httpResource`: anything behind a JSON API, declared as lookup, create, update, delete and ready-when.
//!
//! Texts may hold `${…}`: in a tier file `${tenant.…}`, `${hosts.…}`, `${platform.…}` and `${claim}`, which `resolve`
//! fills in; in the document only `${found.…}` (the object that the lookup found), `${needs.…}` (objects that it needs)
//! and `${secret.…}` are left, for the engine. A filled-in value is data: a `$` in it is written `$$`, so it can never
//! become a reference, and in a path it is always one part of it.
//!
//! Pointers are JSON pointers (RFC 6901); the empty one is the whole answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::secret::SecretField;

/// Settings of an `httpResource`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpResourceSpec {
    /// Objects that must be there first: `${needs.<name>.…}` are their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, Need>,
    /// How to find out whether it exists.
    pub lookup: Lookup,
    /// How to make it.
    pub create: Call,
    /// How to change it; without it a difference stops the tenant's run, unless it may be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Call>,
    /// How to remove it; without it a removal stops, and is done by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<Call>,
    /// JSON pointers into the found object → the value that each must have; a difference calls `update`. A missing
    /// value is the same as `null`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wanted: BTreeMap<String, Value>,
    /// The pointer that carries our claim, which the bodies of `create` and `update` write as `${claim}`. Without it
    /// the claim is kept in the secret store, written before the object is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_at: Option<String>,
    /// When it is ready; at once where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_when: Option<ReadyWhen>,
    /// The fields of the secret that goes with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret: BTreeMap<String, SecretField>,
    /// How its own password is proven and set, for objects that log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// How to ask again for fields of the secret that came with an answer which was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reveal: Option<Reveal>,
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
    /// Headers besides those of the connection and the body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Status codes that mean success.
    #[serde(default = "success")]
    pub expect: Vec<u16>,
    /// Status codes that mean that such an object is there already.
    #[serde(default = "taken", skip_serializing_if = "is_usually_taken")]
    pub taken: Vec<u16>,
    /// The header that carries an idempotency key, for servers that know one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_header: Option<String>,
    /// Whether the server itself keeps a second such POST from making a second object. Where it does not, and knows no
    /// idempotency key, a POST whose answer is lost is not sent again in the same run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
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

impl Method {
    /// Returns the word in capitals.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// How to find out whether the object exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lookup {
    /// The request.
    pub call: Call,
    /// The JSON pointer to the list in the answer, empty where the answer is the list; the answer is the object itself
    /// where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// Pointers into an item → the value that ours has there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matching: BTreeMap<String, Value>,
    /// Pointers to lists in an item → a value that is among those of ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub containing: BTreeMap<String, Value>,
    /// How the list goes on; one page where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<Pages>,
    /// The request that reads a matching item whole, where a list tells only part of it: its answer is the object, and
    /// `${found.…}` in the request itself is the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Call>,
    /// Status codes that mean that it does not exist.
    #[serde(default = "not_found")]
    pub absent: Vec<u16>,
}

/// How a list goes on. At most 100 pages are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Pages {
    /// Pages are counted from 1.
    Number {
        /// The query parameter with the number.
        parameter: String,
        /// The pointer to the number of the last page; without it one reads on until a page is empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_at: Option<String>,
    },
    /// Each page says how to ask for the next.
    Cursor {
        /// The query parameter with the cursor.
        parameter: String,
        /// The pointer to the next page's cursor: missing, `null` or empty on the last page.
        next_at: String,
    },
}

/// Another object that a resource needs, for its id for example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Need {
    /// The `httpResource` of the same tenant that makes it, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How it is found.
    pub lookup: Lookup,
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

/// How an object's own password is proven and set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// The field of the secret with the user.
    pub username: String,
    /// The field of the secret with the password.
    pub password: String,
    /// The request that is sent with both as `Authorization: Basic`, in place of the connection's own.
    pub proof: Call,
    /// Status codes of `proof` that mean that the password is another one.
    #[serde(default = "unauthorised")]
    pub refused: Vec<u16>,
    /// The request that sets the password.
    pub set: Call,
}

/// How to ask again for fields of the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reveal {
    /// The request; it changes nothing.
    pub call: Call,
    /// Fields of the secret → pointers into its answer.
    pub fields: BTreeMap<String, String>,
}

fn success() -> Vec<u16> {
    vec![200, 201]
}

fn taken() -> Vec<u16> {
    vec![409, 412]
}

fn is_usually_taken(codes: &[u16]) -> bool {
    codes == taken()
}

fn not_found() -> Vec<u16> {
    vec![404]
}

fn unauthorised() -> Vec<u16> {
    vec![401]
}

fn five() -> u32 {
    5
}

fn five_minutes() -> u32 {
    300
}
