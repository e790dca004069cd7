//! `argocd/project.yaml`: the AppProject that fences in all tenants' Applications.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kinds;
use crate::{
    estate::{Estate, Platform},
    name::{MAX_LENGTH, Target, TenantName},
};

/// Returns the AppProject: one repository, the tenants' namespaces and the platform's one, namespaced kinds.
pub(super) fn project(estate: &Estate) -> Value {
    let Platform { name, display_name, argocd, provisioning, allowed_kinds, regions, .. } = estate.platform().as_ref();
    let servers: BTreeSet<&str> = regions.values().map(|region| region.server.as_str()).collect();
    let namespaces = namespaces(estate.platform());
    let destinations: Vec<Value> = servers
        .into_iter()
        .flat_map(|server| {
            let allowed = std::iter::once(&provisioning.namespace).chain(&namespaces);
            allowed.map(move |namespace| json!({ "server": server, "namespace": namespace }))
        })
        .collect();
    let kinds: BTreeSet<(&str, &str)> = kinds::BUILT_IN
        .iter()
        .flat_map(|(group, kinds)| kinds.iter().map(move |kind| (*group, *kind)))
        .chain(allowed_kinds.iter().map(|allowed| kinds::split(allowed)))
        .collect();
    let kinds: Vec<Value> = kinds.into_iter().map(|(group, kind)| json!({ "group": group, "kind": kind })).collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {
            "name": argocd.project,
            "namespace": argocd.namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "tenantry",
                "app.kubernetes.io/part-of": name,
            },
        },
        "spec": {
            "description": format!("The tenants of {display_name}"),
            "sourceRepos": [argocd.repo_url],
            "destinations": destinations,
            "clusterResourceWhitelist": [{ "group": "", "kind": "Namespace" }],
            "namespaceResourceWhitelist": kinds,
            "orphanedResources": { "warn": true },
        },
    })
}

/// Returns globs that match the namespaces of all tenants, and of nothing else that the naming can tell apart.
fn namespaces(platform: &Platform) -> Vec<String> {
    // No literal of a pattern holds this, and it is short enough never to be shortened.
    let probe: TenantName = "tenant-q7x".parse().expect("a valid name");
    let pattern = platform.naming.of(Target::Namespace).name_of(&probe);
    let (prefix, suffix) = pattern.split_once(probe.as_str()).unwrap_or((pattern.as_str(), ""));
    // The shortened form of a long name loses what stands behind the tenant.
    let whole = prefix.len() + suffix.len() + MAX_LENGTH <= Target::Namespace.budget();
    let suffix = if whole { suffix } else { "" };
    let mut globs = vec![format!("{prefix}*{suffix}")];
    if prefix.is_empty() && suffix.is_empty() {
        // Tenants' namespaces are called like tenants: any name could be one but these. `!` refuses.
        globs.extend(["!kube-*", "!default"].map(str::to_owned));
        globs.push(format!("!{}", platform.argocd.namespace));
    }
    globs
}
