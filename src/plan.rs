//! What shall be: one tenant with every default, name and choice resolved. Templates see exactly this.
//!
//! Nothing optional that has a default is left. A plan is immutable, serialisable and holds no credential.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    name::{TenantName, TierName},
    provision::Document,
    raw::{
        estate::{Argocd, Provisioning, Routing},
        network::Network,
        service::{Autoscaling, DisruptionBudget, Health, Resources},
        tenant::{Contacts, State},
        tier::{Format, Kustomize, Limits},
    },
};

/// One tenant with every choice made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The platform around all tenants.
    pub platform: Arc<PlatformPlan>,
    /// The tenant's region.
    pub region: Arc<RegionPlan>,
    /// The tenant.
    pub tenant: TenantPlan,
    /// What its tier buys, with its overrides.
    pub tier: TierPlan,
    /// Its namespace.
    pub namespace: String,
    /// Its Argo CD Application.
    pub application: String,
    /// Its Helm release.
    pub release: String,
    /// Its hosts.
    pub hosts: Hosts,
    /// The tenancy labels: every value is a valid label value.
    pub labels: BTreeMap<String, String>,
    /// The tenancy annotations: free text.
    pub annotations: BTreeMap<String, String>,
    /// Its services by name.
    pub services: BTreeMap<String, ServicePlan>,
    /// Its outside resources: group → the resource, or group → item → the resource. Each as in `provision.yaml`.
    pub provisions: BTreeMap<String, Value>,
    /// The same resources as the document that is rendered. Templates see `provisions`.
    #[serde(skip)]
    pub document: Document,
}

/// What templates may know of the platform.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformPlan {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// The domain that tenants' hosts lie under.
    pub domain: String,
    /// How requests reach tenants.
    pub routing: Routing,
    /// The network around tenants.
    pub network: Network,
    /// How Argo CD finds the rendered tree.
    pub argocd: Argocd,
    /// How the hook Job runs.
    pub provisioning: Provisioning,
    /// Anything that the estate's own templates ask for.
    pub settings: Map<String, Value>,
}

/// What templates may know of a region.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionPlan {
    /// Its name.
    pub name: String,
    /// The API server of the cluster, as Argo CD knows it.
    pub server: String,
    /// Anything that the estate's own templates ask for.
    pub settings: Map<String, Value>,
}

/// The tenant itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantPlan {
    /// Its name.
    pub name: TenantName,
    /// Its immutable uid.
    pub uid: String,
    /// What people call it.
    pub display_name: String,
    /// Its host below the platform's domain.
    pub subdomain: String,
    /// Whom to write to; `billing` is always there.
    pub contacts: Contacts,
    /// The id of its subscription, or the empty text.
    pub subscription: String,
    /// Where it is in its life.
    pub state: State,
    /// Whether its services run.
    pub running: bool,
    /// When its trial ends, for a trial.
    pub trial_ends: Option<String>,
    /// When its data may be destroyed, for a deleting one.
    pub delete_after: Option<String>,
    /// Values of the estate's own.
    pub values: Map<String, Value>,
}

/// What the tenant's tier buys.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TierPlan {
    /// Its name.
    pub name: TierName,
    /// What the manifests folder is.
    pub format: Format,
    /// The bundles that are rendered.
    pub bundles: Vec<String>,
    /// The hard limits of the ResourceQuota.
    pub quota: BTreeMap<String, String>,
    /// The LimitRange.
    pub limits: Limits,
    /// Anything that the estate's own templates ask for.
    pub settings: Map<String, Value>,
    /// What has the last word over the objects, for `format: kustomize`.
    pub kustomize: Kustomize,
    /// The folder under `charts/`, for `format: helm`.
    pub chart: Option<String>,
}

/// The hosts that a tenant answers at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hosts {
    /// The host below the platform's domain.
    pub primary: String,
    /// Hosts that the customer owns.
    pub custom: Vec<String>,
    /// All of them, the primary one first.
    pub all: Vec<String>,
}

/// One service of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlan {
    /// Its name.
    pub name: String,
    /// The image with its tag.
    pub image: String,
    /// The tag alone.
    pub version: String,
    /// The number of Pods; 0 where the tenant does not run.
    pub replicas: u32,
    /// The port that serves requests.
    pub port: u16,
    /// The port that serves metrics; the same one where the service has no other.
    pub metrics_port: u16,
    /// What each Pod gets.
    pub resources: Resources,
    /// Whether it has a database of its own.
    pub database: bool,
    /// Whether requests from outside reach it.
    pub public: bool,
    /// How it scales by itself; never where the tenant does not run.
    pub autoscaling: Option<Autoscaling>,
    /// How many of its Pods may be away at one time; never where the tenant does not run.
    pub disruption_budget: Option<DisruptionBudget>,
    /// Paths that tell whether it works.
    pub health: Health,
    /// How its database is brought up to date; never where the tenant does not run.
    pub migration: Option<MigrationPlan>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Anything that the estate's own templates ask for.
    pub settings: Map<String, Value>,
}

/// How a service's database is brought up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationPlan {
    /// The command in the service's own image.
    pub command: Vec<String>,
    /// Seconds after which the Job is given up.
    pub deadline_seconds: u32,
    /// What the Job's Pod gets.
    pub resources: Resources,
}
