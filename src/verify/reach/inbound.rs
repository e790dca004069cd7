//! Who must be let in: the gateway by routes, Prometheus by monitors.

use serde_json::Value;

use super::{Endpoint, Net, isolation::admitted, titles};
use crate::{
    diag::Code,
    kubernetes::network::{Answer, Namespace, Party},
    raw::estate::Routing,
    verify::{
        findings::Findings,
        object::{Object, text_at},
        selector::selects,
    },
};

const ROUTES: [&str; 5] = ["GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute"];

/// Checks that the Pods behind the routes of the platform's gateway let it in.
pub(super) fn routes(net: &Net<'_>, findings: &mut Findings<'_>) {
    let (Routing::Gateway { namespace, .. } | Routing::Ingress { namespace, .. }) = &net.tenant.plan.platform.routing;
    let there = Namespace::named(namespace);
    for kind in ROUTES {
        for route in net.tenant.of_kind("gateway.networking.k8s.io", kind).filter(|route| is_of(route, namespace)) {
            for (index, rule) in route.items(&["spec", "rules"]).iter().enumerate() {
                let backends = rule.get("backendRefs").and_then(Value::as_array).into_iter().flatten();
                for (place, backend) in backends.enumerate() {
                    let name = text_at(backend, &["name"]).filter(|_| backend.get("namespace").is_none());
                    let pointer = format!("/spec/rules/{index}/backendRefs/{place}");
                    backend_of(net, route, name, backend.get("port"), &pointer, &there, findings);
                }
            }
        }
    }
    for ingress in net.tenant.of_kind("networking.k8s.io", "Ingress") {
        for (index, rule) in ingress.items(&["spec", "rules"]).iter().enumerate() {
            let paths = rule.pointer("/http/paths").and_then(Value::as_array).into_iter().flatten();
            for (place, service) in
                paths.enumerate().filter_map(|(place, path)| Some((place, path.pointer("/backend/service")?)))
            {
                let port = service.get("port").and_then(|port| port.get("number").or_else(|| port.get("name")));
                let pointer = format!("/spec/rules/{index}/http/paths/{place}/backend/service");
                backend_of(net, ingress, text_at(service, &["name"]), port, &pointer, &there, findings);
            }
        }
    }
}

/// Returns whether a route hangs on the platform's gateway, itself or by the tenant's listeners at it.
fn is_of(route: &Object<'_>, gateway: &str) -> bool {
    route.items(&["spec", "parentRefs"]).iter().any(|parent| {
        text_at(parent, &["namespace"]) == Some(gateway) || text_at(parent, &["kind"]) == Some("ListenerSet")
    })
}

fn backend_of(
    net: &Net<'_>,
    route: &Object<'_>,
    name: Option<&str>,
    port: Option<&Value>,
    pointer: &str,
    gateway: &Namespace<'_>,
    findings: &mut Findings<'_>,
) {
    let Some(service) = name.and_then(|name| net.tenant.find("", "Service", name)) else { return };
    let picked =
        |listed: &Value| port.is_none_or(|port| listed.get("port") == Some(port) || listed.get("name") == Some(port));
    let closed = closed(net, net.behind(service, picked), gateway);
    if closed.is_empty() {
        return;
    }
    findings.add(
        Code::NetworkRouteUnreachable,
        route,
        pointer,
        format!(
            "{} leads to {}, which no policy lets the namespace `{}` into",
            route.title(),
            shown(&closed),
            gateway.name
        ),
        "allow ingress from the gateway's namespace to the port of the Pods",
    );
}

/// Checks that the Pods behind monitors let Prometheus in.
pub(super) fn monitors(net: &Net<'_>, findings: &mut Findings<'_>) {
    let named = net.tenant.plan.platform.network.monitoring.as_deref();
    // Nobody says where it runs: then a rule for any other namespace may be the one for it.
    let there = named.map_or_else(|| Namespace::other_than(admitted(net)), Namespace::named);
    for monitor in net.tenant.of_kind("monitoring.coreos.com", "ServiceMonitor") {
        let Some(selector) =
            monitor.at(&["spec", "selector"]).filter(|_| monitor.at(&["spec", "namespaceSelector"]).is_none())
        else {
            continue;
        };
        for (index, endpoint) in monitor.items(&["spec", "endpoints"]).iter().enumerate() {
            let Some(name) = text_at(endpoint, &["port"]) else { continue };
            let services = net.tenant.of_kind("", "Service").filter(|service| selects(selector, service.labels));
            let behind =
                services.flat_map(|service| net.behind(service, |port| text_at(port, &["name"]) == Some(name)));
            scraped(net, monitor, behind.collect(), &format!("/spec/endpoints/{index}"), &there, findings);
        }
    }
    for monitor in net.tenant.of_kind("monitoring.coreos.com", "PodMonitor") {
        let Some(selector) =
            monitor.at(&["spec", "selector"]).filter(|_| monitor.at(&["spec", "namespaceSelector"]).is_none())
        else {
            continue;
        };
        for (index, endpoint) in monitor.items(&["spec", "podMetricsEndpoints"]).iter().enumerate() {
            let Some(name) = text_at(endpoint, &["port"]) else { continue };
            let pods = net.workloads.iter().filter(|workload| selects(selector, workload.template.labels));
            let behind = pods.flat_map(|workload| {
                let ports = workload.pod.ports.iter().flatten().filter(|port| port.name == name);
                ports.map(move |port| Endpoint { workload, protocol: port.protocol, port: port.number })
            });
            scraped(net, monitor, behind.collect(), &format!("/spec/podMetricsEndpoints/{index}"), &there, findings);
        }
    }
}

fn scraped(
    net: &Net<'_>,
    monitor: &Object<'_>,
    behind: Vec<Endpoint<'_, '_>>,
    pointer: &str,
    there: &Namespace<'_>,
    findings: &mut Findings<'_>,
) {
    let closed = closed(net, behind, there);
    if closed.is_empty() {
        return;
    }
    findings.add(
        Code::NetworkMonitorUnreachable,
        monitor,
        pointer,
        format!("{} scrapes {}, which no policy lets Prometheus into", monitor.title(), shown(&closed)),
        "allow ingress from Prometheus's namespace to the port of the metrics, and name the namespace under `spec.network.monitoring` of tenantry.yaml",
    );
}

/// Returns the ports that do not let Pods of a namespace in.
fn closed<'n, 't>(net: &Net<'_>, endpoints: Vec<Endpoint<'n, 't>>, from: &Namespace<'_>) -> Vec<Endpoint<'n, 't>> {
    let pod = net.some_pod(from);
    let is_closed =
        |end: &Endpoint<'_, '_>| end.workload.admits(Party::Pod(&pod), end.protocol, end.port) == Answer::No;
    endpoints.into_iter().filter(is_closed).collect()
}

fn shown(closed: &[Endpoint<'_, '_>]) -> String {
    let ports: std::collections::BTreeSet<u16> = closed.iter().map(|end| end.port).collect();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let (word, list) = (if ports.len() == 1 { "port" } else { "ports" }, ports.join(", "));
    let mut pods: Vec<_> = closed.iter().map(|end| end.workload).collect();
    pods.dedup_by(|one, other| std::ptr::eq(*one, *other));
    format!("{word} {list} of {}", titles(pods))
}
