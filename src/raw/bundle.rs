//! `templates/<bundle>/bundle.yaml`: what the templates of a folder make.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ApiVersion;

/// A bundle file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Bundle")]
pub struct BundleFile {
    /// The version of this file's shape.
    pub api_version: ApiVersion,
    /// `Bundle`.
    pub kind: BundleKind,
    /// What the templates make.
    pub spec: BundleSpec,
}

/// `kind` of a bundle file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BundleKind {
    /// A bundle.
    Bundle,
}

/// What the templates of a bundle make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleSpec {
    /// The files, in the order in which they are rendered.
    pub files: Vec<BundleItem>,
    /// For `format: helm`: the template of the chart's values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<String>,
}

/// One template and the files that it makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleItem {
    /// The template's file in the bundle's folder, `service.yaml.j2` for example.
    #[schemars(length(min = 1))]
    pub template: String,
    /// An expression over the plan that gives a list or a map: one file for each, which the template sees as `item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// An expression over the plan, and `item` with `each`: without truth there is no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The path of the file in the manifests folder, a template itself; the template's name without `.j2` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}
