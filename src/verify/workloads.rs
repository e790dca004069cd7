//! Workloads: selectors that hold what changes, and selectors that miss their own Pods.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Fields, Object, below},
    selector::selects,
    tenant::Tenant,
};
use crate::{diag::Code, plan::Plan};

/// Labels whose values change in the life of a tenant.
const MUTABLE: [&str; 4] = ["tenantry.dev/tier", "tenantry.dev/region", "tenantry.dev/state", "helm.sh/chart"];

/// What the names of labels that change with what runs are, or end in behind a hyphen: `image-tag`, `example.com/config-hash`.
const CHANGING: [&str; 9] = ["version", "tag", "image", "commit", "revision", "checksum", "digest", "hash", "sha"];

pub(super) fn check(tenant: &Tenant<'_>, object: &Object<'_>, findings: &mut Findings<'_>) {
    match (object.group, object.kind) {
        ("apps", _) => workload(tenant.plan, object, findings),
        ("", "Service") => service(tenant.plan, object, findings),
        _ => {}
    }
}

fn workload(plan: &Plan, object: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(selector) = object.at(&["spec", "selector"]) else { return };
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    for (key, value) in labels.into_iter().flat_map(Fields::iter) {
        if !is_mutable(plan, key, value) && !is_tag(object, value) {
            continue;
        }
        findings.add(
            Code::SelectorMutableLabel,
            object,
            &below("/spec/selector/matchLabels", key),
            format!("the selector of {} holds `{key}: {}`, which changes", object.title(), shown(value)),
            "select by `app.kubernetes.io/name` alone: a selector can never be changed, so the first change of tier, region or version fails",
        );
    }
    let Some(pod) = object.pod else { return };
    if !selects(selector, pod.labels) {
        findings.add(
            Code::SelectorMismatch,
            object,
            "/spec/selector",
            format!("the selector of {} does not select its own Pods", object.title()),
            "give the labels of `spec.selector` to `spec.template.metadata.labels` too",
        );
    }
}

fn service(plan: &Plan, object: &Object<'_>, findings: &mut Findings<'_>) {
    let selector = object.at(&["spec", "selector"]).and_then(Value::as_object);
    for (key, value) in selector.into_iter().flat_map(Fields::iter).filter(|(key, value)| is_mutable(plan, key, value))
    {
        findings.add(
            Code::ServiceMutableLabel,
            object,
            &below("/spec/selector", key),
            format!("the selector of {} holds `{key}: {}`, which changes", object.title(), shown(value)),
            "select by `app.kubernetes.io/name` alone: while the label changes, the Service finds only some of its Pods",
        );
    }
    if object.at(&["spec", "externalIPs"]).and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        findings.add(
            Code::ServiceExternalIps,
            object,
            "/spec/externalIPs",
            format!("{} takes external addresses", object.title()),
            "take `externalIPs` out: with it a tenant catches the traffic of any address in the cluster (CVE-2020-8554)",
        );
    }
}

/// Short names count only with the tenant's own tier or region as their value: `tier: backend` is an ordinary label.
fn is_mutable(plan: &Plan, key: &str, value: &Value) -> bool {
    match key {
        "tier" => value.as_str() == Some(plan.tier.name.as_str()),
        "region" => value.as_str() == Some(plan.region.name.as_str()),
        _ => MUTABLE.contains(&key) || changes(key),
    }
}

fn changes(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    let word = name.rsplit(['-', '_', '.']).next().unwrap_or(name);
    CHANGING.contains(&word)
}

/// Returns whether a label's value is the tag of an image that the workload's Pods run.
fn is_tag(object: &Object<'_>, value: &Value) -> bool {
    let Some(value) = value.as_str().filter(|value| value.bytes().any(|b| b.is_ascii_digit())) else { return false };
    let images = object.pod.into_iter().flat_map(|pod| pod.containers());
    images.into_iter().filter_map(|container| container.value.get("image")?.as_str()).any(|image| {
        image
            .split('@')
            .next()
            .and_then(|image| image.rsplit('/').next()?.split_once(':'))
            .is_some_and(|(_, tag)| tag == value)
    })
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
