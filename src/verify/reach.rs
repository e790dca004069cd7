//! What the NetworkPolicies of a tenant let through, held against what its Pods need and who may come in.
//!
//! Proved for each Pod: it reaches DNS, the Services and addresses that it names, and the servers that it has credentials
//! of; the gateway and Prometheus reach what routes and monitors say; nobody else comes in. What is said about the Pods of
//! the platform (their labels, their ports) is not known here: where it decides, nothing is found.

mod addresses;
mod calls;
mod inbound;
mod isolation;
mod needs;

use serde_json::Value;

use super::{
    findings::Findings,
    object::{self, Object},
    selector::holds,
    tenant::Tenant,
};
use crate::kubernetes::network::{
    Answer, Direction, Labels, NamedPort, Namespace, Party, Pod, Policy, Protocol, Ranges, Side, lets_through, overlap,
};

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    if !tenant.complete || isolation::is_decided_elsewhere(tenant, findings) {
        return;
    }
    let own = namespace(tenant);
    let ranges = ranges(tenant);
    let policies = policies(tenant);
    let read: Vec<Policy<'_>> = policies.iter().map(|policy| Policy::read(spec(policy))).collect();
    let workloads =
        tenant.pods().filter_map(|(object, pod)| Workload::new(object, pod, &own, &ranges, &read)).collect();
    let net = Net { tenant, own: &own, ranges: &ranges, policies: &policies, read: &read, workloads };
    if net.workloads.is_empty() {
        return;
    }
    isolation::sources(&net, findings);
    isolation::selectors(&net, findings);
    if isolation::is_open(&net, findings) {
        return;
    }
    needs::names(&net, findings);
    let calls = calls::Calls::of(&net);
    needs::named(&net, &calls, findings);
    needs::connections(&net, &calls, findings);
    inbound::routes(&net, findings);
    inbound::monitors(&net, findings);
}

/// Returns the tenant's namespace with the labels that it is rendered with.
pub(super) fn namespace<'t>(tenant: &'t Tenant<'_>) -> Namespace<'t> {
    let name = tenant.plan.namespace.as_str();
    match tenant.of_kind("", "Namespace").find(|object| object.name == name) {
        Some(object) => Namespace::known(name, object.labels),
        None => Namespace::named(name),
    }
}

/// Returns where Pods have their addresses.
pub(super) fn ranges(tenant: &Tenant<'_>) -> Ranges {
    Ranges::blocks(tenant.plan.platform.network.pod_ranges()).unwrap_or_default()
}

/// Returns the tenant's own NetworkPolicies.
pub(super) fn policies<'t>(tenant: &'t Tenant<'t>) -> Vec<&'t Object<'t>> {
    tenant.of_kind("networking.k8s.io", "NetworkPolicy").filter(|policy| tenant.owns(policy)).collect()
}

/// Returns the specification of a policy; an absent one isolates all Pods, as an empty one does.
pub(super) fn spec<'t>(policy: &Object<'t>) -> &'t Value {
    policy.at(&["spec"]).unwrap_or(&Value::Null)
}

/// The tenant's Pods and what policies say about each.
struct Net<'t> {
    tenant: &'t Tenant<'t>,
    own: &'t Namespace<'t>,
    ranges: &'t Ranges,
    policies: &'t [&'t Object<'t>],
    /// The same policies, read.
    read: &'t [Policy<'t>],
    workloads: Vec<Workload<'t>>,
}

/// The Pods of one object.
struct Workload<'t> {
    object: &'t Object<'t>,
    template: object::Pod<'t>,
    pod: Pod<'t>,
    ingress: Side<'t, 't>,
    egress: Side<'t, 't>,
}

impl<'t> Workload<'t> {
    /// Returns none for Pods in the network of their node: no policy is about them.
    fn new(
        object: &'t Object<'t>,
        template: object::Pod<'t>,
        namespace: &'t Namespace<'t>,
        addresses: &'t Ranges,
        policies: &'t [Policy<'t>],
    ) -> Option<Self> {
        if template.spec.get("hostNetwork") == Some(&Value::Bool(true)) {
            return None;
        }
        let pod =
            Pod { namespace, labels: Labels::all(template.labels), ports: Some(named_ports(&template)), addresses };
        let ingress = Side::of(policies, &pod, Direction::Ingress);
        let egress = Side::of(policies, &pod, Direction::Egress);
        Some(Self { object, template, pod, ingress, egress })
    }

    /// Returns whether its egress lets a port of a party through.
    fn reaches(&self, party: Party<'_, '_>, protocol: Protocol, port: u16) -> Answer {
        lets_through(&self.egress.openings(&self.pod, Direction::Egress, party), protocol, port)
    }

    /// Returns whether its ingress lets a party through to a port.
    fn admits(&self, party: Party<'_, '_>, protocol: Protocol, port: u16) -> Answer {
        lets_through(&self.ingress.openings(&self.pod, Direction::Ingress, party), protocol, port)
    }

    /// Returns what is open from it to another Pod of the tenant.
    fn connects(&self, to: &Workload<'_>, protocol: Protocol, port: u16) -> bool {
        let out = self.egress.openings(&self.pod, Direction::Egress, Party::Pod(&to.pod));
        let inward = to.ingress.openings(&to.pod, Direction::Ingress, Party::Pod(&self.pod));
        lets_through(&overlap(&out, &inward), protocol, port) != Answer::No
    }
}

/// Returns the ports of a Pod's containers that have a name.
pub(super) fn named_ports<'t>(pod: &object::Pod<'t>) -> Vec<NamedPort<'t>> {
    let ports = pod.containers().flat_map(|container| {
        let ports: &'t [Value] = container.value.get("ports").and_then(Value::as_array).map_or(&[], Vec::as_slice);
        ports
    });
    ports
        .filter_map(|port| {
            let name = port.get("name").and_then(Value::as_str)?;
            let number = u16::try_from(port.get("containerPort").and_then(Value::as_u64)?).ok()?;
            Some(NamedPort { name, protocol: Protocol::read(port)?, number })
        })
        .collect()
}

/// A port of some of the tenant's Pods.
struct Endpoint<'n, 't> {
    workload: &'n Workload<'t>,
    protocol: Protocol,
    port: u16,
}

impl<'t> Net<'t> {
    /// Returns some Pod of a namespace, of whose labels and ports nothing is known.
    fn some_pod<'n>(&'n self, namespace: &'n Namespace<'n>) -> Pod<'n> {
        Pod { namespace, labels: Labels::some([]), ports: None, addresses: self.ranges }
    }

    /// Returns the Pods behind those ports of a Service of the tenant that are picked.
    fn behind<'n>(&'n self, service: &Object<'_>, pick: impl Fn(&Value) -> bool) -> Vec<Endpoint<'n, 't>> {
        let selector = service.at(&["spec", "selector"]).and_then(Value::as_object).filter(|all| !all.is_empty());
        let Some(selector) = selector else { return Vec::new() };
        let mut endpoints = Vec::new();
        for workload in self.workloads.iter().filter(|workload| holds(workload.template.labels, selector)) {
            for port in service.items(&["spec", "ports"]).iter().filter(|port| pick(port)) {
                let target = port.get("targetPort").or_else(|| port.get("port"));
                let found = target.zip(Protocol::read(port)).and_then(|(target, protocol)| {
                    Some(Endpoint { workload, protocol, port: workload.port(target, protocol)? })
                });
                endpoints.extend(found);
            }
        }
        endpoints
    }

    /// Returns the first policy that isolates Pods in a direction.
    fn isolating(&self, workload: &Workload<'t>, direction: Direction) -> &'t Object<'t> {
        let mut both = self.policies.iter().zip(self.read);
        let found = both.find(|(_, policy)| {
            policy.rules(direction).is_some() && policy.pods.selects(&workload.pod.labels) == Answer::Yes
        });
        found.map_or(workload.object, |(object, _)| object)
    }
}

impl Workload<'_> {
    /// Returns the number of a port that is given by number or name.
    fn port(&self, port: &Value, protocol: Protocol) -> Option<u16> {
        match port {
            Value::String(name) => {
                let ports = self.pod.ports.as_deref().unwrap_or_default();
                ports.iter().find(|port| port.name == name && port.protocol == protocol).map(|port| port.number)
            }
            number => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        }
    }
}

/// Returns how messages call several workloads.
fn titles<'n, 't: 'n>(workloads: impl IntoIterator<Item = &'n Workload<'t>>) -> String {
    let all: Vec<String> = workloads.into_iter().map(|workload| workload.object.title()).collect();
    match all.as_slice() {
        [rest @ .., last] if rest.len() < 3 => {
            let before = rest.join(", ");
            if before.is_empty() { last.clone() } else { format!("{before} and {last}") }
        }
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
        _ => String::new(),
    }
}
