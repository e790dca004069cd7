//! `tiers/<name>.yaml`: what a plan buys.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ApiVersion, Named, service::Service};
use crate::provision::Kind;

/// A tier file. Its `spec` is a layer: `spec.extends` names the layer beneath it, maps are merged key by key, lists
/// and scalars replace, `null` takes an inherited key away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Tier")]
pub struct TierFile {
    /// The version of this file's shape.
    pub api_version: ApiVersion,
    /// `Tier`.
    pub kind: TierKind,
    /// Which tier it is.
    pub metadata: Named,
    /// What it buys.
    pub spec: TierSpec,
}

/// `kind` of a tier file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TierKind {
    /// A tier.
    Tier,
}

/// What a tier buys, once its layers are merged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TierSpec {
    /// The tier beneath; at most four layers in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// Whether the tier is only there to be extended; no tenant may use it then. Never inherited.
    #[serde(default)]
    pub r#abstract: bool,
    /// What the tenant's manifests folder is.
    pub format: Format,
    /// Folders under `templates/`, rendered in this order.
    pub bundles: Vec<String>,
    /// The hard limits of the tenant's ResourceQuota.
    #[serde(default)]
    pub quota: BTreeMap<String, String>,
    /// The tenant's LimitRange.
    #[serde(default)]
    pub limits: Limits,
    /// What lies beneath every service of `services`: a service's own keys win.
    #[serde(default)]
    pub service_defaults: Map<String, Value>,
    /// The services by name.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// Groups of outside resources by name.
    #[serde(default)]
    pub provisions: BTreeMap<String, ProvisionGroup>,
    /// Anything that the estate's own templates ask for.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// What a tenant may change by `overrides`, and how far.
    #[serde(default)]
    pub overridable: Overridable,
    /// For `format: kustomize`: what has the last word over our objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kustomize: Option<Kustomize>,
    /// For `format: helm`: the folder under `charts/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<String>,
}

/// What a tenant's manifests folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Objects and a `kustomization.yaml` that lists them.
    Kustomize,
    /// A chart with the tenant's values, and further objects.
    Helm,
    /// Objects alone.
    Plain,
}

/// The tenant's LimitRange, by Kubernetes quantities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// For each container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerLimits>,
    /// For each volume claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claim: Option<ClaimLimits>,
}

/// Limits of each container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerLimits {
    /// The most that a container may have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub max: BTreeMap<String, String>,
    /// The least that a container may ask for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub min: BTreeMap<String, String>,
    /// The limit of a container that has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub default: BTreeMap<String, String>,
    /// The request of a container that has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub default_request: BTreeMap<String, String>,
}

/// Limits of each volume claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimLimits {
    /// The largest claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub max: BTreeMap<String, String>,
    /// The smallest claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub min: BTreeMap<String, String>,
}

/// Outside resources of one kind: one for each item, or a single one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvisionGroup {
    /// What they are.
    pub kind: Kind,
    /// The connection of `tenantry.yaml` that reaches their server.
    pub connection: String,
    /// One for each of these; not together with `items`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// One for each of these, with settings over those of `spec`; a single one, called like the group, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<BTreeMap<String, Map<String, Value>>>,
    /// The settings of their kind.
    #[serde(default)]
    pub spec: Map<String, Value>,
}

/// What a group has one resource for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Each {
    /// Each service.
    #[serde(rename = "services")]
    Services,
    /// Each service with `database: true`.
    #[serde(rename = "services.database")]
    ServicesWithDatabase,
}

/// What a tenant may change, and how far. What is not named may not be changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overridable {
    /// Keys of `quota`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quota: BTreeMap<String, QuotaCap>,
    /// Services, or `"*"` for all that are not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ReplicaCap>,
    /// Keys of `settings`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, SettingCap>,
}

/// How far a quota may be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuotaCap {
    /// The most, as a quantity.
    pub max: String,
}

/// How far a number of Pods may be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplicaCap {
    /// The most Pods.
    pub max_replicas: u32,
}

/// Which values a setting may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingCap {
    /// The values to choose from; any value where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
}

/// What has the last word over our objects, for `format: kustomize`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kustomize {
    /// Folders under `components/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Patches as kustomize takes them: `patch` and, where it is needed, `target`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Map<String, Value>>,
}
