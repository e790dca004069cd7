//! Rules on one tenant file.

mod domains;
mod lifecycle;
mod overrides;
pub(super) mod uid;

use serde_json::Value;

use super::{
    files::{self, Files},
    mail, naming,
    places::Finder,
    platform::Facts,
    shape::shown,
    suggest,
    tenants::Surroundings,
    text,
    tiers::State,
};
use crate::{
    diag::{Code, Diagnostic, Severity},
    estate::Tenant,
    name::{Target, TenantName, TierName},
    raw::tenant::{TenantFile, TenantSpec},
};

/// What a tenant claims for itself alone among all tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// `metadata.name`, as it is written.
    pub name: Option<String>,
    /// Its uid in lower case, if it is one.
    pub uid: Option<String>,
    /// Its host below the platform's domain, in lower case.
    pub subdomain: Option<String>,
    /// Its further hosts as A-labels, each with its index in the file.
    pub domains: Vec<(usize, String)>,
}

impl Claims {
    /// Returns what a tenant claims whose file has no finding.
    pub(super) fn of(tenant: &Tenant) -> Self {
        Self {
            name: Some(tenant.name.to_string()),
            uid: Some(tenant.uid.clone()),
            subdomain: Some(tenant.subdomain.to_lowercase()),
            domains: tenant.custom_domains.iter().cloned().enumerate().collect(),
        }
    }
}

/// Checks one tenant file.
pub(super) fn check<'s>(
    files: &Files<'s>,
    path: &'s str,
    around: &Surroundings<'_>,
    findings: &mut Vec<Diagnostic>,
) -> (Claims, Option<Tenant>) {
    let start = findings.len();
    let outcome = read(files, path, around, findings);
    let right = !findings[start..].iter().any(|finding| finding.severity == Severity::Error);
    if let Some(stem) = files::resource_name(path, "tenants/") {
        for finding in &mut findings[start..] {
            finding.tenant = Some(stem.to_owned());
        }
    }
    let (claims, tenant) = outcome.unwrap_or_default();
    (claims, tenant.filter(|_| right))
}

fn read<'s>(
    files: &Files<'s>,
    path: &'s str,
    around: &Surroundings<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<(Claims, Option<Tenant>)> {
    let document = files.document(path, findings)?;
    let value = document.node.to_json();
    let mut finder = Finder::new(&document);
    let name = value.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    let (Some(file), _) = around.shapes.tenant.read::<TenantFile>(value, &mut finder) else {
        findings.extend(name.iter().filter_map(|name| files::name_mismatch(&document, "tenants/", name)));
        findings.extend(finder.finish());
        return Some((Claims { name, ..Claims::default() }, None));
    };
    if !finder.is_refused("/metadata/name") {
        findings.extend(files::name_mismatch(&document, "tenants/", &file.metadata.name));
    }
    let (claims, tenant) = rules(&mut finder, file, around);
    findings.extend(finder.finish());
    Some((claims, tenant))
}

fn rules(finder: &mut Finder<'_>, file: TenantFile, around: &Surroundings<'_>) -> (Claims, Option<Tenant>) {
    let TenantFile { metadata, spec, api_version: _, kind: _ } = file;
    let TenantSpec {
        display_name,
        tier,
        region,
        subdomain,
        custom_domains,
        contacts,
        subscription,
        overrides,
        values,
        lifecycle,
    } = spec;
    let name = naming::value::<TenantName>(finder, "/metadata/name", &metadata.name);
    if let Some(name) = &name {
        namespace(finder, name, around.facts);
    }
    let uid = uid::check(finder, &metadata.uid);
    text::check(finder, "/spec/displayName", &display_name);
    tier_of(finder, &tier, around);
    region_of(finder, &region, around.facts);
    // The default is the name; whatever is wrong with it has been said.
    let host = subdomain.clone().unwrap_or_else(|| metadata.name.clone());
    domains::subdomain(finder, subdomain.as_deref(), &host, around.facts);
    let domains = domains::custom(finder, &custom_domains, around.facts);
    mail::check(finder, "/spec/contacts/admin", &contacts.admin);
    if let Some(billing) = &contacts.billing {
        mail::check(finder, "/spec/contacts/billing", billing);
    }
    if let Some(id) = subscription.as_ref().map(|subscription| subscription.id.as_str())
        && id.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        let help = "copy it from the billing system";
        finder.value(Code::InvalidSubscription, "/spec/subscription/id", format!("{} holds a blank", shown(id)), help);
    }
    if let Some(State::Whole { spec, .. }) = around.tiers.get(&tier) {
        overrides::check(finder, &overrides, spec);
    }
    around.values.check(finder, &values);
    lifecycle::check(finder, &lifecycle);

    let claims = Claims {
        name: Some(metadata.name).filter(|name| !name.is_empty()),
        uid: uid.clone(),
        subdomain: Some(host.to_lowercase()).filter(|host| !host.is_empty()),
        domains: domains.clone(),
    };
    let tenant = name.zip(uid).zip(tier.parse::<TierName>().ok()).map(|((name, uid), tier)| Tenant {
        name,
        uid,
        display_name,
        tier,
        region,
        subdomain: host,
        custom_domains: domains.into_iter().map(|(_, domain)| domain).collect(),
        contacts,
        subscription,
        overrides,
        values,
        lifecycle,
    });
    (claims, tenant)
}

fn tier_of(finder: &mut Finder<'_>, tier: &str, around: &Surroundings<'_>) {
    let names = around.tiers.names();
    match around.tiers.get(tier) {
        None => {
            let help = suggest::help(tier, "tiers", names, "add a tier under `tiers/`");
            finder.value(Code::UnknownTier, "/spec/tier", format!("there is no tier {}", shown(tier)), help);
        }
        Some(State::Abstract) => {
            let help = match suggest::list(names) {
                Some(list) => format!("the tiers are {list}"),
                None => "add a tier that extends it".to_owned(),
            };
            let message = format!("the tier `{tier}` is abstract: it is only there to be extended");
            finder.value(Code::AbstractTier, "/spec/tier", message, help);
        }
        Some(State::Broken | State::Whole { .. }) => {}
    }
}

fn region_of(finder: &mut Finder<'_>, region: &str, facts: &Facts) {
    let Some(regions) = &facts.regions else { return };
    if !regions.contains(region) {
        let names = regions.iter().map(String::as_str);
        let help = suggest::help(region, "regions", names, "add one under `spec.regions` in `tenantry.yaml`");
        finder.value(Code::UnknownRegion, "/spec/region", format!("there is no region {}", shown(region)), help);
    }
}

/// A tenant's namespace must not be one that belongs to the cluster or to the platform.
fn namespace(finder: &mut Finder<'_>, name: &TenantName, facts: &Facts) {
    let Some(naming) = &facts.naming else { return };
    let namespace = naming.of(Target::Namespace).name_of(name);
    let owner = match facts.namespaces.get(&namespace) {
        Some(what) => what.as_str(),
        None if namespace == "default" || namespace.starts_with("kube-") => "the cluster itself",
        None => return,
    };
    let message = format!("its namespace would be `{namespace}`, which belongs to {owner}");
    let help = "choose another name, or give `naming.namespace` in `tenantry.yaml` a prefix";
    finder.value(Code::ReservedNamespace, "/metadata/name", message, help);
}
