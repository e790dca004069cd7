//! Services and monitors: whether they find what they look for.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Fields, Object, Pod, text_at},
    selector::{holds, is_of_an_operator, operators_label, selects},
    tenant::Tenant,
};
use crate::diag::Code;

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    for service in tenant.of_kind("", "Service") {
        pods_of(tenant, service, findings);
    }
    for monitor in tenant.of_kind("monitoring.coreos.com", "ServiceMonitor") {
        services_of(tenant, monitor, findings);
    }
    for monitor in tenant.of_kind("monitoring.coreos.com", "PodMonitor") {
        pods_of_monitor(tenant, monitor, findings);
    }
    for workload in tenant.of_kind("apps", "StatefulSet").filter(|object| tenant.owns(object)) {
        governing(tenant, workload, findings);
    }
}

/// The Service that gives each Pod of a StatefulSet its name in DNS.
fn governing(tenant: &Tenant<'_>, workload: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(name) = text_at(workload.value, &["spec", "serviceName"]).filter(|name| !name.is_empty()) else { return };
    let fault = match tenant.find("", "Service", name) {
        None => "which nothing makes",
        Some(service) if text_at(service.value, &["spec", "clusterIP"]) != Some("None") => "which is not headless",
        Some(_) => return,
    };
    findings.add(
        Code::StatefulSetService,
        workload,
        "/spec/serviceName",
        format!("{} is governed by the Service `{name}`, {fault}", workload.title()),
        "make a Service of that name with `clusterIP: None` that selects the same Pods: without it none of them has a name in DNS",
    );
}

fn pods_of_monitor(tenant: &Tenant<'_>, monitor: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(selector) = monitor.at(&["spec", "selector"]).filter(|selector| !is_of_an_operator(selector)) else {
        return;
    };
    if !looks_here(tenant, monitor) {
        return;
    }
    let selected = || tenant.pods().map(|(_, pod)| pod).filter(|pod| selects(selector, pod.labels));
    if selected().next().is_none() {
        findings.add(
            Code::MonitorSelectsNothing,
            monitor,
            "/spec/selector",
            format!("{} selects no Pod of the tenant", monitor.title()),
            "give it the labels of a workload's Pod template",
        );
        return;
    }
    for (index, endpoint) in monitor.items(&["spec", "podMetricsEndpoints"]).iter().enumerate() {
        let Some(name) = text_at(endpoint, &["port"]) else { continue };
        if !selected().any(|pod| has_port(&pod, name)) {
            findings.add(
                Code::MonitorPort,
                monitor,
                &format!("/spec/podMetricsEndpoints/{index}/port"),
                format!("{} scrapes the port `{name}`, which no container of its Pods has", monitor.title()),
                "name a port of a container (its name, not its number)",
            );
        }
    }
}

fn pods_of(tenant: &Tenant<'_>, service: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(selector) = service.at(&["spec", "selector"]).and_then(Value::as_object).filter(|all| !all.is_empty())
    else {
        return;
    };
    if selector.keys().any(|key| operators_label(key)) {
        return;
    }
    let selected = || tenant.pods().map(|(_, pod)| pod).filter(|pod| holds(pod.labels, selector));
    if selected().next().is_none() {
        findings.add(
            Code::ServiceSelectsNothing,
            service,
            "/spec/selector",
            format!("{} selects no Pod of the tenant", service.title()),
            "give it the labels of a workload's Pod template",
        );
        return;
    }
    for (index, port) in service.items(&["spec", "ports"]).iter().enumerate() {
        let Some(name) = text_at(port, &["targetPort"]) else { continue };
        if !selected().any(|pod| has_port(&pod, name)) {
            findings.add(
                Code::ServiceTargetPort,
                service,
                &format!("/spec/ports/{index}/targetPort"),
                format!("{} leads to the port `{name}`, which no container of its Pods has", service.title()),
                "name a port of a container, or write its number",
            );
        }
    }
}

fn has_port(pod: &Pod<'_>, name: &str) -> bool {
    let named = |port: &Value| text_at(port, &["name"]) == Some(name);
    pod.containers().any(|container| {
        container.value.get("ports").and_then(Value::as_array).is_some_and(|ports| ports.iter().any(named))
    })
}

fn services_of(tenant: &Tenant<'_>, monitor: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(selector) = monitor.at(&["spec", "selector"]) else { return };
    if !looks_here(tenant, monitor) {
        return;
    }
    let selected = || tenant.of_kind("", "Service").filter(|service| selects(selector, service.labels));
    if selected().next().is_none() {
        findings.add(
            Code::MonitorSelectsNothing,
            monitor,
            "/spec/selector",
            format!("{} selects no Service of the tenant", monitor.title()),
            "give it labels that the Services themselves carry, not their Pods",
        );
        return;
    }
    for (index, endpoint) in monitor.items(&["spec", "endpoints"]).iter().enumerate() {
        let Some(name) = text_at(endpoint, &["port"]) else { continue };
        let named = |port: &Value| text_at(port, &["name"]) == Some(name);
        if !selected().any(|service| service.items(&["spec", "ports"]).iter().any(named)) {
            findings.add(
                Code::MonitorPort,
                monitor,
                &format!("/spec/endpoints/{index}/port"),
                format!("{} scrapes the port `{name}`, which none of its Services has", monitor.title()),
                "name a port of the Service (its name, not a number, and not the container's)",
            );
        }
    }
}

/// Returns whether a monitor looks for Services in the tenant's namespace only, as it does by default.
fn looks_here(tenant: &Tenant<'_>, monitor: &Object<'_>) -> bool {
    let Some(namespaces) = monitor.at(&["spec", "namespaceSelector"]).and_then(Value::as_object) else { return true };
    let names = |fields: &Fields| fields.get("matchNames").and_then(Value::as_array).cloned().unwrap_or_default();
    let any = namespaces.get("any") == Some(&Value::Bool(true));
    !any && names(namespaces).iter().all(|name| name.as_str() == Some(tenant.plan.namespace.as_str()))
}
