//! What the API server refuses although the schema of the kind allows it: rules that its code has, and CEL rules of definitions.
//!
//! Source: k8s.io/kubernetes, pkg/apis/*/validation, and `x-kubernetes-validations` of the published definitions. tests/truth/ holds each rule
//! against a real server.

mod certificates;
mod claims;
mod config;
mod containers;
mod cron;
mod environment;
mod gateway;
mod ingress;
mod jobs;
mod limits;
mod listeners;
mod network;
mod placement;
mod pods;
mod probes;
mod rbac;
mod resources;
mod scaling;
mod selectors;
mod services;
mod spot;
#[cfg(test)]
mod tests;
mod volumes;
mod workloads;

pub use cron::is_schedule;
use serde_json::Value;
use spot::Spot;

use super::fault::Fault;

/// Adds the faults of an object of this kind that no schema shows. Values of a wrong type are passed over: the schema has refused them.
pub(super) fn check(group: &str, kind: &str, object: &Value, faults: &mut Vec<Fault>) {
    let root = Spot::root(object);
    match group {
        "" => core(kind, &root, faults),
        "apps" => workloads::check(kind, &root, faults),
        "batch" => jobs::check(kind, &root, faults),
        "autoscaling" if kind == "HorizontalPodAutoscaler" => scaling::autoscaler(&root, faults),
        "policy" if kind == "PodDisruptionBudget" => scaling::disruption_budget(&root, faults),
        "networking.k8s.io" if kind == "NetworkPolicy" => network::check(&root, faults),
        "networking.k8s.io" if kind == "Ingress" => ingress::check(&root, faults),
        "rbac.authorization.k8s.io" => rbac::check(kind, &root, faults),
        "gateway.networking.k8s.io" if kind == "HTTPRoute" || kind == "GRPCRoute" => {
            gateway::check(kind == "GRPCRoute", &root, faults);
        }
        "gateway.networking.k8s.io" if kind == "ListenerSet" => listeners::check(&root, faults),
        "cert-manager.io" => certificates::check(kind, &root, faults),
        "external-secrets.io" if kind == "ExternalSecret" => config::external_secret(&root, faults),
        "monitoring.coreos.com" => config::monitor(&root, faults),
        _ => return,
    }
    if !group.contains('.') || group == "networking.k8s.io" || group == "rbac.authorization.k8s.io" {
        finalizers(&root, faults);
    }
}

fn core(kind: &str, root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    match kind {
        "Pod" => {
            if let Some(spec) = root.field("spec") {
                pods::check(&spec, pods::Owner::Pod, faults);
            }
        }
        "Service" => services::check(root, faults),
        "ConfigMap" => config::config_map(root, faults),
        "Secret" => config::secret(root, faults),
        "Namespace" => config::namespace(root, faults),
        "PersistentVolumeClaim" => {
            if let Some(spec) = root.field("spec") {
                claims::check(&spec, faults);
            }
        }
        "ResourceQuota" => limits::quota(root, faults),
        "LimitRange" => limits::limit_range(root, faults),
        _ => {}
    }
}

/// Built-in kinds take finalizers with a domain, and three old ones without.
fn finalizers(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(metadata) = root.field("metadata") else { return };
    let Some(list) = metadata.field("finalizers") else { return };
    for item in list.items() {
        if item
            .as_text()
            .is_some_and(|text| !text.contains('/') && !matches!(text, "orphan" | "foregroundDeletion" | "kubernetes"))
        {
            item.wrong_form(faults, "is no name of a finalizer", "write it with a domain: `example.com/keep`");
        }
    }
}
