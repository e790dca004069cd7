//! Autoscalers and disruption budgets.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, text_at},
    selector::selects,
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

fn scaled<'t, 'a>(tenant: &'t Tenant<'a>, autoscaler: &Object<'_>) -> Option<&'t Object<'a>> {
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

fn guarded(tenant: &Tenant<'_>, budget: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(selector) = budget.at(&["spec", "selector"]) else { return };
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
