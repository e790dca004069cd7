//! The dialect of JSON Schema that Kubernetes speaks (structural schemas of `apiextensions.k8s.io/v1`), as far as it restrains an object.
//!
//! The files under `schemas/kubernetes/` speak it too, with `$ref` to `$defs` beside it.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

/// A file of `schemas/kubernetes/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SchemaFile<'a> {
    #[serde(borrow)]
    pub kinds: Vec<KindEntry<'a>>,
    #[serde(borrow, rename = "$defs")]
    pub definitions: BTreeMap<Cow<'a, str>, RawSchema<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct KindEntry<'a> {
    #[serde(borrow)]
    pub api_version: Cow<'a, str>,
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    #[serde(borrow)]
    pub plural: Cow<'a, str>,
    pub namespaced: bool,
    #[serde(borrow)]
    pub schema: RawSchema<'a>,
}

/// One schema. Keywords that restrain nothing (descriptions, defaults) are passed over; so are CEL rules, which need a cluster.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawSchema<'a> {
    #[serde(borrow, rename = "$ref")]
    pub reference: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub format: Option<Cow<'a, str>>,
    pub nullable: bool,
    #[serde(borrow)]
    pub properties: BTreeMap<Cow<'a, str>, RawSchema<'a>>,
    #[serde(borrow)]
    pub required: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub additional_properties: Option<Additional<'a>>,
    #[serde(borrow)]
    pub items: Option<Box<RawSchema<'a>>>,
    #[serde(rename = "enum")]
    pub words: Option<Vec<Value>>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub exclusive_minimum: bool,
    pub exclusive_maximum: bool,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
    #[serde(borrow)]
    pub pattern: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub all_of: Vec<RawSchema<'a>>,
    #[serde(borrow)]
    pub any_of: Vec<RawSchema<'a>>,
    #[serde(borrow)]
    pub one_of: Vec<RawSchema<'a>>,
    #[serde(borrow)]
    pub not: Option<Box<RawSchema<'a>>>,
    #[serde(rename = "x-kubernetes-int-or-string")]
    pub int_or_string: bool,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    pub preserve_unknown_fields: bool,
    #[serde(rename = "x-kubernetes-embedded-resource")]
    pub embedded_resource: bool,
    /// A default fills in before the schema is applied, so such a field is never missing.
    #[serde(deserialize_with = "present")]
    pub default: bool,
    #[serde(borrow, rename = "x-kubernetes-list-type")]
    pub list_type: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "x-kubernetes-list-map-keys")]
    pub list_map_keys: Vec<Cow<'a, str>>,
    /// Ours: other fields in which items differ where they have them, such as the names of ports.
    #[serde(borrow, rename = "x-tenantry-unique")]
    pub also_unique: Vec<Cow<'a, str>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// `additionalProperties`: a schema, or whether any are allowed.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Additional<'a> {
    Allowed(bool),
    #[serde(borrow)]
    Schema(Box<RawSchema<'a>>),
}
