//! What has passed: an estate whose every file was read, checked and found right. Only `check` builds one.

pub mod group;

use std::{collections::BTreeMap, sync::Arc};

use group::{Group, GroupFault};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    name::{Pattern, Target, TenantName, TierName},
    provision::connection::Connection,
    raw::{
        bundle::BundleSpec,
        estate::{Argocd, KubernetesVersion, Output, Provisioning, Region, Routing},
        network::Network,
        tenant::{Contacts, Lifecycle, Overrides, Subscription},
        tier::TierSpec,
    },
    tree::Tree,
};

/// A checked estate. Cloning is not offered: one estate is read, and many plans are made from it.
#[derive(Debug)]
pub struct Estate {
    pub(crate) platform: Arc<Platform>,
    pub(crate) tiers: BTreeMap<TierName, Arc<Tier>>,
    pub(crate) tenants: BTreeMap<TenantName, Tenant>,
    pub(crate) bundles: BTreeMap<String, BundleSpec>,
    pub(crate) templates: Tree,
    pub(crate) charts: Tree,
    pub(crate) components: Tree,
    pub(crate) definitions: Vec<Value>,
}

impl Estate {
    /// Returns the platform around all tenants.
    pub fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    /// Returns the tiers, merged with what they extend.
    pub fn tiers(&self) -> &BTreeMap<TierName, Arc<Tier>> {
        &self.tiers
    }

    /// Returns the tenants by name.
    pub fn tenants(&self) -> &BTreeMap<TenantName, Tenant> {
        &self.tenants
    }

    /// Returns the bundles by folder name.
    pub fn bundles(&self) -> &BTreeMap<String, BundleSpec> {
        &self.bundles
    }

    /// Returns the files below `templates/`, by their path below it (`commerce/service.yaml.j2`).
    pub fn templates(&self) -> &Tree {
        &self.templates
    }

    /// Returns the files below `charts/`, by their path below it.
    pub fn charts(&self) -> &Tree {
        &self.charts
    }

    /// Returns the files below `components/`, by their path below it.
    pub fn components(&self) -> &Tree {
        &self.components
    }

    /// Returns the CustomResourceDefinitions below `schemas/crds/`.
    pub fn definitions(&self) -> &[Value] {
        &self.definitions
    }
}

/// The platform around all tenants.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// The domain that tenants' hosts lie under.
    pub domain: String,
    /// The regions by name.
    pub regions: BTreeMap<String, Region>,
    /// How names are made.
    pub naming: Naming,
    /// How Argo CD finds the rendered tree.
    pub argocd: Argocd,
    /// How the hook Job runs.
    pub provisioning: Provisioning,
    /// Servers by name.
    pub connections: BTreeMap<String, Connection>,
    /// The connection of the secret store.
    pub secret_store: Option<String>,
    /// How requests reach tenants.
    pub routing: Routing,
    /// The minor release of Kubernetes that the clusters run, where the estate says it.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The network around tenants.
    pub network: Network,
    /// Where the rendered tree is committed.
    pub output: Output,
    /// Kinds that templates may make beside the built-in list, as `apiVersion/Kind`.
    pub allowed_kinds: Vec<String>,
    /// Anything that the estate's own templates ask for.
    pub settings: Map<String, Value>,
}

/// A checked pattern for every target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming(BTreeMap<Target, Pattern>);

impl Naming {
    /// Returns the defaults, with the given patterns in the place of some.
    pub fn new(patterns: BTreeMap<Target, Pattern>) -> Self {
        let mut all: BTreeMap<Target, Pattern> =
            Target::ALL.into_iter().map(|target| (target, Pattern::default_for(target))).collect();
        all.extend(patterns);
        Self(all)
    }

    /// Returns the pattern of a target.
    pub fn of(&self, target: Target) -> &Pattern {
        self.0.get(&target).expect("`new` puts a pattern in for every target")
    }
}

/// A tier, merged with what it extends.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    name: TierName,
    layers: Vec<String>,
    spec: TierSpec,
    groups: Vec<Group>,
}

impl Tier {
    /// Reads the outside resources of a merged tier.
    ///
    /// # Errors
    /// Every group or item whose settings do not have the shape of their kind.
    pub fn new(name: TierName, layers: Vec<String>, spec: TierSpec) -> Result<Self, Vec<GroupFault>> {
        let groups = group::groups(&spec)?;
        Ok(Self { name, layers, spec, groups })
    }

    /// Returns its name.
    pub fn name(&self) -> &TierName {
        &self.name
    }

    /// Returns the files that it was merged from, the lowest layer first.
    pub fn layers(&self) -> &[String] {
        &self.layers
    }

    /// Returns what it buys; `service_defaults` is already merged into every service.
    pub fn spec(&self) -> &TierSpec {
        &self.spec
    }

    /// Returns the outside resources that it buys, by the name of their group.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
}

/// A tenant.
///
/// Whoever reads one from JSON has only its shape, with valid names: that it passed is for [`crate::check::known`] to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    /// Its immutable uid, lower case.
    pub uid: String,
    /// What people call it.
    pub display_name: String,
    /// Its tier.
    pub tier: TierName,
    /// Its region.
    pub region: String,
    /// Its host below the platform's domain.
    pub subdomain: String,
    /// Hosts that it owns, as lower-case A-labels.
    pub custom_domains: Vec<String>,
    /// Whom to write to.
    pub contacts: Contacts,
    /// The billing system's subscription.
    pub subscription: Option<Subscription>,
    /// Changes of the tier, within its caps.
    pub overrides: Overrides,
    /// Values of the estate's own.
    pub values: Map<String, Value>,
    /// Where it is in its life.
    pub lifecycle: Lifecycle,
}
