//! Where a value of the plan comes from: every layer of the estate's files that set or changed it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path;
use crate::{
    diag::Place,
    estate::Estate,
    plan::Plan,
    sources::{ESTATE_FILE, Sources},
    yaml::{self, Node, Profile},
};

/// A value of the plan and its layers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Origins {
    /// The path in the plan.
    pub(super) path: String,
    /// The value.
    pub(super) value: Value,
    /// What set or changed it, the lowest layer first; none for a default of tenantry's own.
    pub(super) layers: Vec<Layer>,
}

/// One layer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Layer {
    /// `file:line:column`.
    pub(super) place: String,
    /// The key in that file.
    pub(super) path: String,
    /// What it says there.
    pub(super) value: Value,
}

/// Returns where the value at `keys` of the plan comes from.
pub(super) fn of(estate: &Estate, sources: &Sources, plan: &Plan, keys: &[String], value: Value) -> Origins {
    let tenant_file = format!("tenants/{}.yaml", plan.tenant.name);
    let tier_files = estate.tiers().get(&plan.tier.name).map(|tier| tier.layers().to_vec()).unwrap_or_default();
    let mut layers = Vec::new();
    for (file, keys) in candidates(plan, keys, &tenant_file, &tier_files) {
        layers.extend(read(sources, &file).and_then(|node| layer(&file, &node, &keys)));
    }
    Origins { path: keys.join("."), value, layers }
}

/// The places that may say something about a value of the plan, the lowest layer first.
fn candidates(plan: &Plan, keys: &[String], tenant: &str, tiers: &[String]) -> Vec<(String, Vec<String>)> {
    let below = |prefix: &[&str], rest: &[String]| -> Vec<String> {
        prefix.iter().map(|key| (*key).to_owned()).chain(rest.iter().cloned()).collect()
    };
    let in_tiers = |prefix: &[&str], rest: &[String]| -> Vec<(String, Vec<String>)> {
        tiers.iter().map(|file| (file.clone(), below(prefix, rest))).collect()
    };
    let in_estate = |prefix: &[&str], rest: &[String]| (ESTATE_FILE.to_owned(), below(prefix, rest));
    let in_tenant = |prefix: &[&str], rest: &[String]| (tenant.to_owned(), below(prefix, rest));
    let Some((root, rest)) = keys.split_first() else { return Vec::new() };
    match root.as_str() {
        "tier" => {
            let mut found = in_tiers(&["spec"], rest);
            found.push(in_tenant(&["spec", "overrides"], rest));
            if rest.first().is_some_and(|key| key == "name") {
                found.push(in_tenant(&["spec", "tier"], &[]));
            }
            found
        }
        "services" => {
            let (service, field) = rest.split_at(rest.len().min(1));
            let field: Vec<String> = match field.first().map(String::as_str) {
                // The plan joins these two, so both are shown by the tag, which is what changes.
                Some("image" | "version") => vec!["tag".to_owned()],
                _ => field.to_vec(),
            };
            let mut found = in_tiers(&["spec", "serviceDefaults"], &field);
            let own: Vec<String> = service.iter().cloned().chain(field.clone()).collect();
            found.extend(in_tiers(&["spec", "services"], &own));
            found.push(in_tenant(&["spec", "overrides", "services"], &own));
            if matches!(field.first().map(String::as_str), Some("replicas" | "autoscaling" | "disruptionBudget")) {
                found.extend((!plan.tenant.running).then(|| in_tenant(&["spec", "lifecycle", "state"], &[])));
            }
            found
        }
        "provisions" => provision(rest, &in_tiers, &in_estate),
        "tenant" => match rest.first().map(String::as_str) {
            Some("name" | "uid") => vec![in_tenant(&["metadata"], rest)],
            Some("state" | "running") => vec![in_tenant(&["spec", "lifecycle", "state"], &[])],
            Some("trialEnds" | "deleteAfter") => vec![in_tenant(&["spec", "lifecycle"], rest)],
            Some("subscription") => vec![in_tenant(&["spec", "subscription", "id"], &[])],
            _ => vec![in_tenant(&["spec"], rest)],
        },
        "region" => vec![in_tenant(&["spec", "region"], &[]), in_estate(&["spec", "regions", &plan.region.name], rest)],
        "platform" if rest.first().is_some_and(|key| key == "name") => vec![in_estate(&["metadata", "name"], &[])],
        "platform" => vec![in_estate(&["spec"], rest)],
        "hosts" => vec![
            in_estate(&["spec", "domain"], &[]),
            in_tenant(&["spec", "subdomain"], &[]),
            in_tenant(&["spec", "customDomains"], &[]),
        ],
        "namespace" | "application" => {
            vec![in_estate(&["spec", "naming", root], &[]), in_tenant(&["metadata", "name"], &[])]
        }
        "release" => vec![in_estate(&["spec", "naming", "helmRelease"], &[]), in_tenant(&["metadata", "name"], &[])],
        "labels" | "annotations" => vec![in_tenant(&["spec"], &[])],
        _ => Vec::new(),
    }
}

type Found = Vec<(String, Vec<String>)>;

/// A group's settings, an item's settings over them, and the pattern that names it.
fn provision(
    rest: &[String],
    in_tiers: &impl Fn(&[&str], &[String]) -> Found,
    in_estate: &impl Fn(&[&str], &[String]) -> (String, Vec<String>),
) -> Found {
    let Some((group, rest)) = rest.split_first() else { return in_tiers(&["spec", "provisions"], &[]) };
    let field = rest.iter().position(|key| matches!(key.as_str(), "spec" | "name" | "user" | "secret" | "connection"));
    let Some(at) = field else { return in_tiers(&["spec", "provisions", group], &[]) };
    let (item, field) = rest.split_at(at);
    match field[0].as_str() {
        "spec" => {
            let mut found = in_tiers(&["spec", "provisions", group, "spec"], &field[1..]);
            if let Some(item) = item.first() {
                found.extend(in_tiers(&["spec", "provisions", group, "items", item], &field[1..]));
            }
            found
        }
        "connection" => in_tiers(&["spec", "provisions", group, "connection"], &[]),
        _ => {
            let mut found = in_tiers(&["spec", "provisions", group, "kind"], &[]);
            found.push(in_estate(&["spec", "naming"], &[]));
            found
        }
    }
}

fn read(sources: &Sources, file: &str) -> Option<Node> {
    let bytes = sources.get(file)?.as_ref().ok()?;
    yaml::read(file, std::str::from_utf8(bytes).ok()?, Profile::Estate).ok()
}

/// What a file says at `keys`, or at the nearest key above where it takes the value away by `null`.
fn layer(file: &str, node: &Node, keys: &[String]) -> Option<Layer> {
    let (depth, found) = (0..=keys.len()).rev().find_map(|depth| {
        let found = node.at(&path::pointer(&keys[..depth]))?;
        (depth == keys.len() || found.is_null()).then_some((depth, found))
    })?;
    let keys = &keys[..depth];
    let span = node.key_span_at(&path::pointer(keys)).unwrap_or(found.span);
    Some(Layer { place: Place::new(file, span).to_string(), path: keys.join("."), value: found.to_json() })
}
