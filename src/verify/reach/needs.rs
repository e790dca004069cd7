//! What the tenant's Pods must reach: DNS, whom they name, and the servers that they have credentials of.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Net, Workload,
    addresses::{Address, Where, locate},
    calls::{Call, Calls},
    titles,
};
use crate::{
    diag::{Code, Diagnostic},
    kubernetes::network::{Answer, Direction, Labels, NamedPort, Namespace, Party, Pod, Protocol, Ranges},
    provision::connection::Connection,
    verify::{
        findings::Findings,
        network::is_dns_over_udp_only,
        object::{Object, text_at},
    },
};

const DNS: u16 = 53;

/// The ports of CoreDNS, by the names that its manifests give them.
const DNS_PORTS: [NamedPort<'static>; 2] = [
    NamedPort { name: "dns", protocol: Protocol::Udp, number: DNS },
    NamedPort { name: "dns-tcp", protocol: Protocol::Tcp, number: DNS },
];

/// Checks that every Pod can look names up, over UDP and TCP.
pub(super) fn names(net: &Net<'_>, findings: &mut Findings<'_>) {
    let dns = &net.tenant.plan.platform.network.dns;
    let namespace = Namespace::named(&dns.namespace);
    let labels = Labels::some(dns.pod_labels.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let pod = Pod { namespace: &namespace, labels, ports: Some(DNS_PORTS.to_vec()), addresses: net.ranges };
    let caches = Ranges::blocks(dns.addresses.iter().map(String::as_str)).unwrap_or_default();
    let is_closed = |workload: &Workload<'_>, protocol| {
        workload.reaches(Party::Pod(&pod), protocol, DNS) == Answer::No
            && workload.reaches(Party::Addresses(&caches), protocol, DNS) == Answer::No
    };
    let closed = |protocol| net.workloads.iter().filter(|one| is_closed(one, protocol)).collect::<Vec<_>>();
    let (udp, tcp) = (closed(Protocol::Udp), closed(Protocol::Tcp));
    // A rule about single policies says it already.
    let said = || net.policies.iter().flat_map(|policy| policy.items(&["spec", "egress"])).any(is_dns_over_udp_only);
    let (pods, what) = match (udp.as_slice(), tcp.as_slice()) {
        ([_, ..], _) => (&udp, "DNS"),
        ([], [_, ..]) if !said() => (&tcp, "DNS over TCP"),
        _ => return,
    };
    let policy = net.isolating(pods[0], Direction::Egress);
    let whom = match pods.len() == net.workloads.len() {
        true => String::new(),
        false => format!(" to {}", titles(pods.iter().copied())),
    };
    findings.add(
        Code::NetworkNoDns,
        policy,
        "/spec",
        format!("{} restrains what Pods may reach, and no policy allows {what}{whom}", policy.title()),
        "allow port 53 over UDP and TCP to the Pods `k8s-app: kube-dns` of kube-system: no host name can be looked up",
    );
}

/// Checks that Pods reach the Services and the addresses that they name.
pub(super) fn named(net: &Net<'_>, calls: &Calls<'_>, findings: &mut Findings<'_>) {
    let mut said: BTreeSet<(Address<'_>, Code)> = BTreeSet::new();
    for call in &calls.list {
        let (code, closed) = match locate(net.tenant, call.address.host) {
            Where::Own(service) => (Code::NetworkServiceUnreachable, to_service(net, call, service)),
            Where::Cluster(namespace) => (Code::NetworkAddressUnreachable, to_namespace(net, call, namespace)),
            Where::Outside => (Code::NetworkAddressUnreachable, to_addresses(net, call, &everywhere())),
            Where::Address(address) => {
                (Code::NetworkAddressUnreachable, to_addresses(net, call, &Ranges::address(address)))
            }
            Where::Nowhere => continue,
        };
        let Some((policy, from)) = closed else { continue };
        if !said.insert((call.address, code)) {
            continue;
        }
        let port = call.address.port.map(|port| format!(":{port}")).unwrap_or_default();
        let message =
            format!("{} keeps {} from `{}{port}`", policy.title(), titles(from), call.address.host.escape_debug());
        let help = match code {
            Code::NetworkServiceUnreachable => {
                "let Pods of the tenant connect to each other: `podSelector` without `namespaceSelector` in `to` of the one side and in `from` of the other"
            }
            _ => {
                "allow the address in an egress rule: an `ipBlock` for what is outside, the namespace for what is in the cluster; or take the address out"
            }
        };
        let place = findings.place(policy.origin, "/spec");
        let (object, pointer) = &call.said;
        let related = findings.place(object.origin, pointer);
        findings.push(Diagnostic::new(code, place, message, help).with_related(related, "named here"));
    }
}

/// A policy in the way, and the Pods that it stops.
type Closed<'n, 't> = Option<(&'t Object<'t>, Vec<&'n Workload<'t>>)>;

/// Returns the Pods of a call that cannot connect: each of them where each means to, all of them or none otherwise.
fn stopped<'n, 't>(
    net: &'n Net<'t>,
    call: &Call<'_>,
    connects: impl Fn(&Workload<'t>) -> bool,
) -> Vec<&'n Workload<'t>> {
    let mut callers = call.by.iter().map(|number| &net.workloads[*number]);
    if !call.each && callers.clone().any(&connects) {
        return Vec::new();
    }
    callers.by_ref().filter(|caller| !connects(caller)).collect()
}

fn to_service<'n, 't>(net: &'n Net<'t>, call: &Call<'_>, service: &Object<'_>) -> Closed<'n, 't> {
    let picked = |port: &Value| call.address.port.is_none_or(|number| port.get("port") == Some(&Value::from(number)));
    let endpoints = net.behind(service, picked);
    if endpoints.is_empty() {
        return None;
    }
    let connects = |caller: &Workload<'t>| {
        // A Pod that knows its own address need not call itself.
        let mut others = endpoints.iter().filter(|end| !std::ptr::eq(end.workload, caller)).peekable();
        others.peek().is_none() || others.all(|end| caller.connects(end.workload, end.protocol, end.port))
    };
    let from = stopped(net, call, connects);
    let first = from.first()?;
    let end = endpoints.iter().find(|end| !first.connects(end.workload, end.protocol, end.port))?;
    let out = first.reaches(Party::Pod(&end.workload.pod), end.protocol, end.port);
    let policy = match out {
        Answer::No => net.isolating(first, Direction::Egress),
        _ => net.isolating(end.workload, Direction::Ingress),
    };
    Some((policy, from))
}

/// The ports behind a Service of the platform are not known: any that is open may be the one.
fn to_namespace<'n, 't>(net: &'n Net<'t>, call: &Call<'_>, namespace: &str) -> Closed<'n, 't> {
    let namespace = Namespace::named(namespace);
    let pod = net.some_pod(&namespace);
    let from = stopped(net, call, |caller| {
        let open = caller.egress.openings(&caller.pod, Direction::Egress, Party::Pod(&pod));
        open.iter().any(|opening| opening.protocol != Protocol::Udp || opening.first != DNS || opening.last != DNS)
    });
    Some((net.isolating(from.first()?, Direction::Egress), from))
}

fn to_addresses<'n, 't>(net: &'n Net<'t>, call: &Call<'_>, addresses: &Ranges) -> Closed<'n, 't> {
    let from = stopped(net, call, |caller| {
        let open = caller.egress.openings(&caller.pod, Direction::Egress, Party::Addresses(addresses));
        match call.address.port {
            Some(port) => crate::kubernetes::network::lets_through(&open, Protocol::Tcp, port) != Answer::No,
            None => !open.is_empty(),
        }
    });
    Some((net.isolating(from.first()?, Direction::Egress), from))
}

/// A name outside may mean any address.
fn everywhere() -> Ranges {
    Ranges::blocks(["0.0.0.0/0", "::/0"]).unwrap_or_default()
}

/// A server that Pods of the tenant connect to, and what it holds for them.
struct Server<'t> {
    address: Address<'t>,
    /// The port that policies see.
    port: u16,
    resources: Vec<&'t str>,
    /// Entries of the secret store.
    keys: BTreeSet<&'t str>,
}

/// Checks that Pods with credentials reach the servers behind the tenant's outside resources, and that some Pod reaches each.
pub(super) fn connections(net: &Net<'_>, calls: &Calls<'_>, findings: &mut Findings<'_>) {
    let readers = readers(net, calls);
    for (name, server) in servers(net) {
        let has_key = |number: &usize| server.keys.iter().any(|key| readers[*number].contains(key));
        let with: Vec<usize> = (0..net.workloads.len()).filter(has_key).collect();
        let each = !with.is_empty();
        let by = if each { with } else { (0..net.workloads.len()).collect() };
        let Some(first) = net.workloads.first() else { return };
        let address = Address { host: server.address.host, port: Some(server.port) };
        let call = Call { address, said: (first.object, String::new()), by, each };
        let closed = match locate(net.tenant, address.host) {
            Where::Own(service) => to_service(net, &Call { address: server.address, ..call }, service),
            Where::Cluster(namespace) => to_port(net, &call, namespace, server.port),
            Where::Outside => to_addresses(net, &call, &everywhere()),
            Where::Address(address) => to_addresses(net, &call, &Ranges::address(address)),
            Where::Nowhere => continue,
        };
        let Some((policy, from)) = closed else { continue };
        let what = match server.resources.as_slice() {
            [one] => format!("`{one}`"),
            [one, rest @ ..] => format!("`{one}` and {} more", rest.len()),
            [] => continue,
        };
        let from = if each { titles(from) } else { "all Pods".to_owned() };
        let message = format!(
            "{} keeps {from} from the connection `{name}`, `{}:{}`, which holds {what} of the tenant's provisions",
            policy.title(),
            address.host.escape_debug(),
            server.port
        );
        let help = "allow it in an egress rule; where the Pods behind the Service listen at another port, name that under `spec.network.podPorts` of tenantry.yaml";
        findings.add(Code::NetworkConnectionUnreachable, policy, "/spec", message, help);
    }
}

fn to_port<'n, 't>(net: &'n Net<'t>, call: &Call<'_>, namespace: &str, port: u16) -> Closed<'n, 't> {
    let namespace = Namespace::named(namespace);
    let pod = net.some_pod(&namespace);
    let from = stopped(net, call, |caller| caller.reaches(Party::Pod(&pod), Protocol::Tcp, port) != Answer::No);
    Some((net.isolating(from.first()?, Direction::Egress), from))
}

/// Returns the servers by the names of their connections. Of JSON APIs and secret stores nobody in the tenant's namespace
/// has a credential of its own: the provisioning Job and the operator of the store use them, elsewhere.
fn servers<'t>(net: &Net<'t>) -> BTreeMap<&'t str, Server<'t>> {
    let document = &net.tenant.plan.document;
    let mut servers = BTreeMap::new();
    for resource in &document.resources {
        let head = resource.head();
        let Some(address) = document.connections.get(head.connection).and_then(address) else { continue };
        let Some(port) = address.port else { continue };
        let port = net.tenant.plan.platform.network.pod_ports.get(head.connection).copied().unwrap_or(port);
        let new = || Server { address, port, resources: Vec::new(), keys: BTreeSet::new() };
        let server = servers.entry(head.connection).or_insert_with(new);
        server.resources.push(head.id);
        server.keys.extend(head.secret.map(|secret| secret.key.as_str()));
    }
    servers
}

/// Returns where tenants' Pods reach a server.
fn address(connection: &Connection) -> Option<Address<'_>> {
    match connection {
        Connection::Mysql { host, port, .. }
        | Connection::Postgres { host, port, .. }
        | Connection::Rabbitmq { host, port, .. }
        | Connection::Redis { host, port, .. } => {
            let known = host.parse::<IpAddr>().is_ok() || Address::read(host).is_some();
            known.then_some(Address { host, port: Some(*port) })
        }
        Connection::ObjectStore { endpoint, .. } => Address::of_urls(endpoint).next(),
        Connection::Http { .. }
        | Connection::Vault { .. }
        | Connection::AwsSecretsManager { .. }
        | Connection::KubernetesSecrets { .. }
        | Connection::Directory { .. }
        | Connection::Sandbox { .. } => None,
    }
}

/// Returns for each workload the entries of the secret store behind the Secrets that it reads.
fn readers<'t>(net: &Net<'t>, calls: &Calls<'t>) -> Vec<BTreeSet<&'t str>> {
    let mut made: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for object in net.tenant.of_kind("external-secrets.io", "ExternalSecret") {
        let name = text_at(object.value, &["spec", "target", "name"]).unwrap_or(object.name);
        let keys = made.entry(name).or_default();
        keys.extend(object.items(&["spec", "data"]).iter().filter_map(|one| text_at(one, &["remoteRef", "key"])));
        keys.extend(object.items(&["spec", "dataFrom"]).iter().filter_map(|one| text_at(one, &["extract", "key"])));
    }
    let keys = |secrets: &BTreeSet<&'t str>| {
        secrets.iter().filter_map(|secret| made.get(secret)).flat_map(|keys| keys.iter().copied()).collect()
    };
    calls.secrets.iter().map(keys).collect()
}
