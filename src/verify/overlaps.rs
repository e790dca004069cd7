//! Selectors that take each other's Pods: workloads, disruption budgets, autoscalers, Services.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, Pod},
    scaling::scaled,
    selector::{holds, selects},
    tenant::Tenant,
};
use crate::diag::{Code, Diagnostic};

/// Selectors are compared each with each: beyond so many workloads that would take longer than all other rules together.
const MOST: usize = 400;

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    let workloads: Vec<(&Object<'_>, Pod<'_>)> =
        tenant.pods().filter(|(object, _)| object.group == "apps" || object.is("", "Pod")).collect();
    if workloads.len() <= MOST {
        selectors(&workloads, findings);
        budgets(tenant, &workloads, findings);
    }
    autoscalers(tenant, findings);
    jobs_behind_services(tenant, findings);
}

fn selectors(workloads: &[(&Object<'_>, Pod<'_>)], findings: &mut Findings<'_>) {
    for (index, (object, _)) in workloads.iter().enumerate() {
        let Some(selector) = object.at(&["spec", "selector"]).filter(|_| object.group == "apps") else { continue };
        for (other_index, (other, pod)) in workloads.iter().enumerate() {
            if index == other_index || !selects(selector, pod.labels) {
                continue;
            }
            // Where each selects the other's, one finding says it.
            let both = other
                .at(&["spec", "selector"])
                .is_some_and(|theirs| selects(theirs, object.pod.and_then(|pod| pod.labels)));
            if both && other_index < index {
                continue;
            }
            let message = format!("the selector of {} selects the Pods of {} too", object.title(), other.title());
            let help = "give each workload a label of its own, `app.kubernetes.io/name` for example, and select by it: the two take each other's Pods for their own";
            push(
                Code::SelectorOverlap,
                (*object, "/spec/selector"),
                (*other, "/spec/template/metadata/labels"),
                message,
                help,
                findings,
            );
        }
    }
}

fn budgets(tenant: &Tenant<'_>, workloads: &[(&Object<'_>, Pod<'_>)], findings: &mut Findings<'_>) {
    let mut first: BTreeMap<usize, &Object<'_>> = BTreeMap::new();
    for budget in tenant.of_kind("policy", "PodDisruptionBudget").filter(|object| tenant.owns(object)) {
        let Some(selector) = budget.at(&["spec", "selector"]) else { continue };
        let guarded: Vec<usize> = workloads
            .iter()
            .enumerate()
            .filter(|(_, (_, pod))| selects(selector, pod.labels))
            .map(|(index, _)| index)
            .collect();
        let other = guarded.iter().find_map(|index| Some((first.get(index)?, workloads[*index].0)));
        if let Some((other, workload)) = other {
            let message =
                format!("{} and {} both guard the Pods of {}", other.title(), budget.title(), workload.title());
            let help = "leave one of the two: the API server refuses to evict a Pod that several budgets guard, so nodes cannot be drained";
            push(
                Code::DisruptionBudgetOverlap,
                (budget, "/spec/selector"),
                (other, "/spec/selector"),
                message,
                help,
                findings,
            );
        }
        for index in guarded {
            first.entry(index).or_insert(budget);
        }
    }
}

fn autoscalers(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    let mut first: BTreeMap<(&str, &str), &Object<'_>> = BTreeMap::new();
    for autoscaler in tenant.of_kind("autoscaling", "HorizontalPodAutoscaler").filter(|object| tenant.owns(object)) {
        let Some(workload) = scaled(tenant, autoscaler) else { continue };
        if let Some(other) = first.get(&(workload.kind, workload.name)) {
            let message = format!("{} and {} both scale {}", other.title(), autoscaler.title(), workload.title());
            let help = "leave one of the two, with the metrics of both: each sets back what the other chose";
            push(
                Code::AutoscalerOverlap,
                (autoscaler, "/spec/scaleTargetRef"),
                (other, "/spec/scaleTargetRef"),
                message,
                help,
                findings,
            );
        } else {
            first.insert((workload.kind, workload.name), autoscaler);
        }
    }
}

/// A Job's Pods become ready, and serve nothing.
fn jobs_behind_services(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    let jobs: Vec<(&Object<'_>, Pod<'_>)> = tenant.pods().filter(|(object, _)| object.group == "batch").collect();
    if jobs.is_empty() {
        return;
    }
    for service in tenant.of_kind("", "Service").filter(|object| tenant.owns(object)) {
        let selector = service.at(&["spec", "selector"]).and_then(Value::as_object).filter(|all| !all.is_empty());
        let Some(selector) = selector else { continue };
        let Some((job, pod)) = jobs.iter().find(|(_, pod)| holds(pod.labels, selector)) else { continue };
        // One that is for Jobs alone means them.
        if !tenant.pods().any(|(object, pod)| object.group != "batch" && holds(pod.labels, selector)) {
            continue;
        }
        let message = format!("{} selects the Pods of {} too", service.title(), job.title());
        let help =
            "give the Job's Pods another label than the service's: while it runs, some requests go there and fail";
        push(
            Code::ServiceSelectsJob,
            (service, "/spec/selector"),
            (job, &format!("{}/metadata/labels", pod.pointer)),
            message,
            help,
            findings,
        );
    }
}

fn push(
    code: Code,
    (object, pointer): (&Object<'_>, &str),
    (other, other_pointer): (&Object<'_>, &str),
    message: String,
    help: &str,
    findings: &mut Findings<'_>,
) {
    let place = findings.place(object.origin, pointer);
    let related = findings.place(other.origin, other_pointer);
    findings
        .push(Diagnostic::new(code, place, message, help).with_related(related, format!("{} is here", other.title())));
}
