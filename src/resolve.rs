//! The resolve step: a checked tenant → its plan, with every default, name and choice made. It cannot fail.

mod http;
mod provisions;
mod services;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    estate::{Estate, Platform, Tenant, Tier},
    name::{Target, TierName},
    plan::{Hosts, Plan, PlatformPlan, RegionPlan, TenantPlan, TierPlan},
    provision::{API_VERSION, Document, Metadata},
    raw::tenant::Contacts,
};

/// Resolves the tenants of one estate; what many tenants share is made once.
#[derive(Debug)]
pub struct Resolver<'e> {
    estate: &'e Estate,
    platform: Arc<PlatformPlan>,
    regions: BTreeMap<&'e str, Arc<RegionPlan>>,
}

impl<'e> Resolver<'e> {
    /// Prepares what all tenants of `estate` share.
    pub fn new(estate: &'e Estate) -> Self {
        let Platform { name, display_name, domain, regions, argocd, provisioning, routing, network, settings, .. } =
            estate.platform().as_ref();
        let platform = PlatformPlan {
            name: name.clone(),
            display_name: display_name.clone(),
            domain: domain.clone(),
            routing: routing.clone(),
            network: network.clone(),
            argocd: argocd.clone(),
            provisioning: provisioning.clone(),
            settings: settings.clone(),
        };
        let regions = regions
            .iter()
            .map(|(name, region)| {
                let plan =
                    RegionPlan { name: name.clone(), server: region.server.clone(), settings: region.settings.clone() };
                (name.as_str(), Arc::new(plan))
            })
            .collect();
        Self { estate, platform: Arc::new(platform), regions }
    }

    /// Returns the plan of a tenant of this estate.
    ///
    /// Why it cannot fail: `check` lets a tenant into an estate only with a tier, a region and overrides that exist.
    pub fn plan(&self, tenant: &Tenant) -> Plan {
        let platform = self.estate.platform();
        let tier = self.estate.tiers().get(&tenant.tier).expect("check refuses a tenant of an unknown tier");
        let region = self.regions.get(tenant.region.as_str()).expect("check refuses a tenant of an unknown region");
        let naming = &platform.naming;
        let mut plan = Plan {
            platform: Arc::clone(&self.platform),
            region: Arc::clone(region),
            tenant: tenant_plan(tenant),
            tier: tier_plan(tier, tenant),
            namespace: naming.of(Target::Namespace).name_of(&tenant.name),
            application: naming.of(Target::Application).name_of(&tenant.name),
            release: naming.of(Target::HelmRelease).name_of(&tenant.name),
            hosts: hosts(tenant, &platform.domain),
            labels: labels(platform, tenant, tier.name()),
            annotations: annotations(tenant, &platform.domain),
            services: services::services(tier, tenant),
            provisions: BTreeMap::new(),
            document: Document {
                api_version: API_VERSION.to_owned(),
                kind: "Provision".to_owned(),
                metadata: Metadata {
                    tenant: tenant.name.to_string(),
                    uid: tenant.uid.clone(),
                    state: tenant.lifecycle.state.name().to_owned(),
                    delete_after: tenant.lifecycle.delete_after.clone(),
                },
                connections: BTreeMap::new(),
                resources: Vec::new(),
            },
        };
        let made = provisions::provisions(platform, tier, tenant, &plan);
        plan.provisions = made.view;
        plan.document.connections = made.connections;
        plan.document.resources = made.resources;
        plan
    }
}

fn tenant_plan(tenant: &Tenant) -> TenantPlan {
    let Tenant { name, uid, display_name, subdomain, contacts, subscription, values, lifecycle, .. } = tenant;
    TenantPlan {
        name: name.clone(),
        uid: uid.clone(),
        display_name: display_name.clone(),
        subdomain: subdomain.clone(),
        contacts: Contacts { admin: contacts.admin.clone(), billing: Some(billing(contacts).to_owned()) },
        subscription: subscription.as_ref().map(|s| s.id.clone()).unwrap_or_default(),
        state: lifecycle.state,
        running: lifecycle.state.runs(),
        trial_ends: lifecycle.trial_ends.clone(),
        delete_after: lifecycle.delete_after.clone(),
        values: values.clone(),
    }
}

fn billing(contacts: &Contacts) -> &str {
    contacts.billing.as_deref().unwrap_or(&contacts.admin)
}

fn tier_plan(tier: &Tier, tenant: &Tenant) -> TierPlan {
    let spec = tier.spec();
    let mut quota = spec.quota.clone();
    quota.extend(tenant.overrides.quota.clone());
    let mut settings: Map<String, Value> = spec.settings.clone();
    settings.extend(tenant.overrides.settings.clone());
    TierPlan {
        name: tier.name().clone(),
        format: spec.format,
        bundles: spec.bundles.clone(),
        quota,
        limits: spec.limits.clone(),
        settings,
        kustomize: spec.kustomize.clone().unwrap_or_default(),
        chart: spec.chart.clone(),
    }
}

fn hosts(tenant: &Tenant, domain: &str) -> Hosts {
    let primary = format!("{}.{domain}", tenant.subdomain);
    let custom = tenant.custom_domains.clone();
    let all = std::iter::once(primary.clone()).chain(custom.iter().cloned()).collect();
    Hosts { primary, custom, all }
}

/// Labels take names only: an e-mail address, a time or a company's name does not fit in a label value.
fn labels(platform: &Platform, tenant: &Tenant, tier: &TierName) -> BTreeMap<String, String> {
    [
        ("app.kubernetes.io/managed-by", "tenantry"),
        ("app.kubernetes.io/part-of", &platform.name),
        ("tenantry.dev/region", &tenant.region),
        ("tenantry.dev/state", tenant.lifecycle.state.name()),
        ("tenantry.dev/tenant", tenant.name.as_str()),
        ("tenantry.dev/tier", tier.as_str()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

fn annotations(tenant: &Tenant, domain: &str) -> BTreeMap<String, String> {
    let domain = format!("{}.{domain}", tenant.subdomain);
    [
        ("tenantry.dev/admin-contact", Some(tenant.contacts.admin.as_str())),
        ("tenantry.dev/billing-contact", Some(billing(&tenant.contacts))),
        ("tenantry.dev/delete-after", tenant.lifecycle.delete_after.as_deref()),
        ("tenantry.dev/display-name", Some(tenant.display_name.as_str())),
        ("tenantry.dev/domain", Some(domain.as_str())),
        ("tenantry.dev/subscription", tenant.subscription.as_ref().map(|s| s.id.as_str())),
        ("tenantry.dev/trial-ends", tenant.lifecycle.trial_ends.as_deref()),
        ("tenantry.dev/uid", Some(tenant.uid.as_str())),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
    .collect()
}
