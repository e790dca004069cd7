//! Autoscalers and disruption budgets.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, Pod, at, text_at},
    quota::fills_in,
    selector::{is_of_an_operator, selects},
    tenant::Tenant,
};
use crate::diag::Code;

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    for autoscaler in tenant.of_kind("autoscaling", "HorizontalPodAutoscaler") {
        target(tenant, autoscaler, findings);
    }
    for budget in tenant.of_kind("policy", "PodDisruptionBudget") {
        guarded(tenant, budget, findings);
    }
}

pub(super) fn scaled<'t, 'a>(tenant: &'t Tenant<'a>, autoscaler: &Object<'_>) -> Option<&'t Object<'a>> {
    let target = autoscaler.at(&["spec", "scaleTargetRef"])?;
    let version = text_at(target, &["apiVersion"]).unwrap_or("apps/v1");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    tenant.find(group, text_at(target, &["kind"])?, text_at(target, &["name"])?)
}

fn target(tenant: &Tenant<'_>, autoscaler: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(workload) = scaled(tenant, autoscaler) else {
        findings.add(
            Code::AutoscalerTarget,
            autoscaler,
            "/spec/scaleTargetRef",
            format!("{} scales something that nothing makes", autoscaler.title()),
            "name apiVersion, kind and name of a workload of the tenant",
        );
        return;
    };
    requests(tenant, autoscaler, workload, findings);
    // Zero switches the autoscaler off, which is what a suspended tenant wants.
    if workload.at(&["spec", "replicas"]).and_then(Value::as_u64).is_some_and(|replicas| replicas > 0) {
        findings.add(
            Code::AutoscalerReplicas,
            workload,
            "/spec/replicas",
            format!("{} has a number of Pods and an autoscaler", workload.title()),
            "leave `replicas` out where there is an autoscaler: each sync sets the number back",
        );
    }
}

/// A share of what Pods request can be told only where they request something.
fn requests(tenant: &Tenant<'_>, autoscaler: &Object<'_>, workload: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(pod) = workload.pod else { return };
    for (index, metric) in autoscaler.items(&["spec", "metrics"]).iter().enumerate() {
        let (field, one) = match text_at(metric, &["type"]) {
            Some("Resource") => ("resource", None),
            Some("ContainerResource") => ("containerResource", text_at(metric, &["containerResource", "container"])),
            _ => continue,
        };
        let Some(resource) = text_at(metric, &[field, "name"]) else { continue };
        if text_at(metric, &[field, "target", "type"]) != Some("Utilization") {
            continue;
        }
        let filled = || tenant.of_kind("", "LimitRange").any(|limits| fills_in(limits, "requests", resource));
        if let Some(container) = silent(&pod, one, resource).filter(|_| !filled()) {
            findings.add(
                Code::AutoscalerRequest,
                autoscaler,
                &format!("/spec/metrics/{index}/{field}"),
                format!("{} goes by a share of the {resource} that {} requests, and its container `{container}` requests none", autoscaler.title(), workload.title()),
                format!("give the container a request of {resource}: the autoscaler cannot tell the share, and never scales"),
            );
        }
    }
}

/// Returns the name of the first container that requests nothing of a resource. What a Pod says as a whole goes for its containers.
fn silent<'a>(pod: &Pod<'a>, one: Option<&str>, resource: &str) -> Option<&'a str> {
    let says = |holder: &Value| {
        ["requests", "limits"].into_iter().any(|side| at(holder, &["resources", side, resource]).is_some())
    };
    if says(pod.spec) {
        return None;
    }
    let containers = pod.spec.get("containers").and_then(Value::as_array).into_iter().flatten();
    let named = containers.filter_map(|container| Some((text_at(container, &["name"])?, container)));
    named
        .filter(|(name, _)| one.is_none_or(|one| one == *name))
        .find(|(_, container)| !says(container))
        .map(|(name, _)| name)
}

fn guarded(tenant: &Tenant<'_>, budget: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(selector) = budget.at(&["spec", "selector"]).filter(|selector| !is_of_an_operator(selector)) else {
        return;
    };
    let workloads = || tenant.pods().filter(|(object, pod)| object.group == "apps" && selects(selector, pod.labels));
    if workloads().next().is_none() {
        findings.add(
            Code::DisruptionBudgetSelectsNothing,
            budget,
            "/spec/selector",
            format!("{} selects no Pod of the tenant", budget.title()),
            "give it the labels of a workload's Pod template",
        );
        return;
    }
    let replicas: u64 = workloads().map(|(object, _)| least(tenant, object)).sum();
    if replicas == 0 {
        return;
    }
    let blocking = match (budget.at(&["spec", "minAvailable"]), budget.at(&["spec", "maxUnavailable"])) {
        (Some(least), _) => amount(least, replicas).filter(|least| *least >= replicas).map(|_| ("minAvailable", least)),
        (None, Some(most)) => amount(most, replicas).filter(|most| *most == 0).map(|_| ("maxUnavailable", most)),
        (None, None) => None,
    };
    if let Some((field, value)) = blocking {
        findings.add(
            Code::DisruptionBudgetBlocks,
            budget,
            &format!("/spec/{field}"),
            format!("{} lets none of {replicas} Pods go: `{field}` is {value}", budget.title()),
            "let at least one Pod be away: nodes cannot be drained, so the cluster cannot be upgraded",
        );
    }
}

/// Returns the least number of Pods that a workload runs.
fn least(tenant: &Tenant<'_>, workload: &Object<'_>) -> u64 {
    let replicas = workload.at(&["spec", "replicas"]).and_then(Value::as_u64);
    if replicas == Some(0) {
        return 0;
    }
    let mut autoscalers = tenant.of_kind("autoscaling", "HorizontalPodAutoscaler");
    let autoscaler =
        autoscalers.find(|autoscaler| scaled(tenant, autoscaler).is_some_and(|target| std::ptr::eq(target, workload)));
    match autoscaler {
        Some(autoscaler) => autoscaler.at(&["spec", "minReplicas"]).and_then(Value::as_u64).unwrap_or(1),
        None => replicas.unwrap_or(1),
    }
}

/// Returns a number of Pods, given as one or as a share, rounded up as Kubernetes does.
fn amount(value: &Value, replicas: u64) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(percent) => {
            let percent: u64 = percent.strip_suffix('%')?.parse().ok()?;
            Some(replicas.checked_mul(percent)?.div_ceil(100))
        }
        _ => None,
    }
}
