//! `tenants/<name>.yaml`: one customer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ApiVersion;

/// A tenant file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Tenant")]
pub struct TenantFile {
    /// The version of this file's shape.
    pub api_version: ApiVersion,
    /// `Tenant`.
    pub kind: TenantKind,
    /// Who it is.
    pub metadata: TenantMetadata,
    /// What it gets.
    pub spec: TenantSpec,
}

/// `kind` of a tenant file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TenantKind {
    /// A tenant.
    Tenant,
}

/// Who a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantMetadata {
    /// The name of the file without `.yaml`: lower-case letters, digits and single hyphens, at most 30. Never changes.
    pub name: String,
    /// A UUID, given once by `tenant new`; every outside object carries it. Never changes.
    pub uid: String,
}

/// What a tenant gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSpec {
    /// What people call the customer; any script, accents and signs are fine.
    #[schemars(length(min = 1, max = 100))]
    pub display_name: String,
    /// The tier: a file under `tiers/`.
    pub tier: String,
    /// The region: one of `spec.regions` in `tenantry.yaml`.
    pub region: String,
    /// The host below the platform's domain; the tenant's name where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdomain: Option<String>,
    /// Further hosts that the customer owns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub custom_domains: Vec<String>,
    /// Whom to write to.
    pub contacts: Contacts,
    /// The billing system's subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscription>,
    /// Changes of the tier for this tenant: only what the tier allows, only up to its caps.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// Values of the estate's own, checked by `schemas/values.schema.json`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// Where the tenant is in its life.
    pub lifecycle: Lifecycle,
}

/// Whom to write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contacts {
    /// E-mail address of the customer's administrator.
    pub admin: String,
    /// E-mail address for invoices; the administrator's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<String>,
}

/// The billing system's subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscription {
    /// Its id there.
    #[schemars(length(min = 1, max = 255))]
    pub id: String,
}

/// Changes of the tier for one tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overrides {
    /// Keys of the tier's `quota` → another amount.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quota: BTreeMap<String, String>,
    /// Services → another size.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServiceOverride>,
    /// Keys of the tier's `settings` → another value.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
}

impl Overrides {
    /// Returns whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        let Self { quota, services, settings } = self;
        quota.is_empty() && services.is_empty() && settings.is_empty()
    }
}

/// Another size for one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceOverride {
    /// The number of Pods; where the tier scales the service by itself, the least number.
    pub replicas: u32,
}

/// Where a tenant is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lifecycle {
    /// trial → active ⇄ suspended → deleting.
    pub state: State,
    /// When the trial ends: UTC, RFC 3339, `2027-01-31T00:00:00Z` for example. Only and always with `trial`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_ends: Option<String>,
    /// When the data may be destroyed: UTC, RFC 3339. Only and always with `deleting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after: Option<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub reason: Option<String>,
}

/// The states of a tenant's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Runs, and ends by itself unless it becomes active.
    Trial,
    /// Runs.
    Active,
    /// Does not run; all data is kept.
    Suspended,
    /// Does not run; the data is destroyed after `deleteAfter`.
    Deleting,
}

impl State {
    /// Returns the name that files use.
    pub fn name(self) -> &'static str {
        match self {
            State::Trial => "trial",
            State::Active => "active",
            State::Suspended => "suspended",
            State::Deleting => "deleting",
        }
    }

    /// Returns whether the tenant's services run.
    pub fn runs(self) -> bool {
        match self {
            State::Trial | State::Active => true,
            State::Suspended | State::Deleting => false,
        }
    }
}
