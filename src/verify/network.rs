//! NetworkPolicies that cannot mean what they say.

use core::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, at, below, text_at},
    selector::{is_empty, selects},
    tenant::Tenant,
};
use crate::diag::Code;

const NAMESPACE: &str = "kubernetes.io/metadata.name";

/// Where a tenant's neighbours and the cloud's metadata are: addresses that "the internet" does not mean.
const PRIVATE: [(Ipv4Addr, u32); 4] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
];

/// The same in IPv6: unique local addresses.
const PRIVATE_6: (Ipv6Addr, u32) = (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    /// The list of rules, and the list of peers in each of them.
    fn fields(self) -> (&'static str, &'static str) {
        match self {
            Direction::Ingress => ("ingress", "from"),
            Direction::Egress => ("egress", "to"),
        }
    }
}

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    for policy in tenant.of_kind("networking.k8s.io", "NetworkPolicy") {
        for direction in [Direction::Ingress, Direction::Egress] {
            let (list, peers) = direction.fields();
            for (index, rule) in policy.items(&["spec", list]).iter().enumerate() {
                let mut rule = Rule { tenant, policy, direction, index, value: rule, findings };
                rule.peers(peers);
                if direction == Direction::Egress {
                    rule.dns_over_udp_only();
                }
            }
        }
    }
}

/// Returns whether an egress rule allows DNS over UDP and not over TCP.
pub(super) fn is_dns_over_udp_only(rule: &Value) -> bool {
    ports(rule).is_some() && allows(rule, "UDP", 53) && !allows(rule, "TCP", 53)
}

struct Rule<'r, 'a, 'f> {
    tenant: &'r Tenant<'a>,
    policy: &'r Object<'a>,
    direction: Direction,
    index: usize,
    value: &'a Value,
    findings: &'r mut Findings<'f>,
}

impl Rule<'_, '_, '_> {
    fn pointer(&self, rest: &str) -> String {
        let (list, _) = self.direction.fields();
        format!("/spec/{list}/{}{rest}", self.index)
    }

    fn add(&mut self, code: Code, rest: &str, message: String, help: &str) {
        self.findings.add(code, self.policy, &self.pointer(rest), format!("{}: {message}", self.policy.title()), help);
    }

    fn peers(&mut self, field: &str) {
        let peers = self.value.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if peers.is_empty() {
            let (what, whom) = match self.direction {
                Direction::Ingress => ("lets everybody in", "say from whom"),
                Direction::Egress => ("lets Pods reach everything", "say where to"),
            };
            let help = format!("{whom}, by `{field}`: the Pods of every other tenant are among them");
            self.add(Code::NetworkOpen, "", format!("a rule without `{field}` {what}"), &help);
        }
        for (index, peer) in peers.iter().enumerate() {
            let at = format_args!("/{field}/{index}");
            self.namespace_label(peer, &at);
            self.every_namespace(peer, &at);
            self.private_ranges(peer, &at);
        }
        self.two_peers(peers, field);
    }

    /// `name: ingress-nginx` is a label that no namespace has by itself.
    fn namespace_label(&mut self, peer: &Value, at: &std::fmt::Arguments<'_>) {
        let Some(labels) = super::object::at(peer, &["namespaceSelector", "matchLabels"]) else { return };
        if let Some(name) = labels.get("name").filter(|_| labels.get(NAMESPACE).is_none()) {
            let name = name.as_str().unwrap_or_default();
            let pointer = below(&format!("{at}/namespaceSelector/matchLabels"), "name");
            let message = format!("it selects namespaces by the label `name: {name}`, which they do not have");
            self.add(
                Code::NetworkNamespaceLabel,
                &pointer,
                message,
                &format!("write `{NAMESPACE}: {name}`, which every namespace has and nobody can change"),
            );
        }
    }

    /// An empty namespaceSelector means all Pods of the cluster, and never an address outside of it.
    fn every_namespace(&mut self, peer: &Value, at: &std::fmt::Arguments<'_>) {
        let empty = |field: &str| peer.get(field).is_some_and(is_empty);
        if !empty("namespaceSelector") || peer.get("podSelector").is_some_and(|selector| !is_empty(selector)) {
            return;
        }
        // Every namespace may be asked for names.
        let only_dns = ports(self.value).is_some_and(|ports| ports.iter().all(|port| is_port(port, 53)));
        if self.direction == Direction::Egress && only_dns {
            return;
        }
        let (code, message, help) = match self.direction {
            Direction::Egress => (
                Code::NetworkEveryNamespace,
                "`namespaceSelector: {}` means every Pod of every tenant, and no address outside the cluster",
                "for the internet write `ipBlock: { cidr: 0.0.0.0/0, except: [private ranges] }`; for a shared service name its namespace",
            ),
            Direction::Ingress => (
                Code::NetworkOpen,
                "`namespaceSelector: {}` lets in the Pods of every tenant",
                "name the namespace of the gateway or of the monitoring",
            ),
        };
        self.add(code, &format!("{at}/namespaceSelector"), message.to_owned(), help);
    }

    fn private_ranges(&mut self, peer: &Value, at: &std::fmt::Arguments<'_>) {
        let Some(block) = peer.get("ipBlock").filter(|_| self.direction == Direction::Egress) else { return };
        let except = || {
            let list = block.get("except").and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str)
        };
        let missing: Vec<String> = match text_at(block, &["cidr"]) {
            Some("0.0.0.0/0") => PRIVATE
                .iter()
                .filter(|(network, bits)| !except().any(|range| covers_4(range, *network, *bits)))
                .map(|(network, bits)| format!("{network}/{bits}"))
                .collect(),
            Some("::/0") if !except().any(|range| covers_6(range, PRIVATE_6.0, PRIVATE_6.1)) => {
                vec![format!("{}/{}", PRIVATE_6.0, PRIVATE_6.1)]
            }
            _ => return,
        };
        if !missing.is_empty() {
            let message = format!("it allows every address, private ones included: {}", missing.join(", "));
            self.add(
                Code::NetworkPrivateRanges,
                &format!("{at}/ipBlock"),
                message,
                "list them under `except`: the Pods of other tenants, the nodes and the cloud's metadata service are there",
            );
        }
    }

    fn dns_over_udp_only(&mut self) {
        if is_dns_over_udp_only(self.value) {
            self.add(
                Code::NetworkDnsUdpOnly,
                "/ports",
                "it allows DNS over UDP only".to_owned(),
                "add `{ protocol: TCP, port: 53 }`: a resolver asks again over TCP when an answer is long",
            );
        }
    }

    /// Two items mean either, one item with both selectors means both.
    fn two_peers(&mut self, peers: &[Value], field: &str) {
        let has = |peer: &Value, there: &str, not: &str| peer.get(there).is_some() && peer.get(not).is_none();
        if !peers.iter().any(|peer| has(peer, "namespaceSelector", "podSelector")) {
            return;
        }
        for (index, peer) in peers.iter().enumerate() {
            let alone = has(peer, "podSelector", "namespaceSelector");
            // An empty one means the tenant's own Pods as a whole, whichever there are.
            let Some(selector) = peer.get("podSelector").filter(|selector| alone && !is_empty(selector)) else {
                continue;
            };
            if !self.tenant.pods().any(|(_, pod)| selects(selector, pod.labels)) {
                self.add(
                    Code::NetworkTwoPeers,
                    &format!("/{field}/{index}"),
                    "a podSelector of its own selects no Pod of the tenant, beside a namespaceSelector of its own"
                        .to_owned(),
                    "write both into one item if these Pods in that namespace are meant: two items mean either of them",
                );
            }
        }
    }
}

/// Returns the ports of a rule, `None` where it has none and means all.
fn ports(rule: &Value) -> Option<&Vec<Value>> {
    rule.get("ports").and_then(Value::as_array).filter(|ports| !ports.is_empty())
}

/// Returns whether a rule lets a port through over a protocol.
fn allows(rule: &Value, protocol: &str, port: u64) -> bool {
    ports(rule).is_none_or(|ports| {
        ports.iter().any(|item| {
            text_at(item, &["protocol"]).unwrap_or("TCP") == protocol
                && (item.get("port").is_none() || is_port(item, port))
        })
    })
}

/// Returns whether an item of `ports` holds a number.
fn is_port(item: &Value, port: u64) -> bool {
    let number = |field: &str| at(item, &[field]).and_then(Value::as_u64);
    match (number("port"), number("endPort")) {
        (Some(first), Some(last)) => (first..=last).contains(&port),
        (Some(only), None) => only == port,
        // A name: that of DNS is `dns` by custom.
        (None, _) => text_at(item, &["port"]).is_some_and(|name| port == 53 && name.starts_with("dns")),
    }
}

fn parts(range: &str) -> Option<(&str, u32)> {
    let (address, bits) = range.split_once('/')?;
    Some((address, bits.parse().ok()?))
}

fn covers_4(range: &str, network: Ipv4Addr, bits: u32) -> bool {
    let Some((Ok(address), prefix)) = parts(range).map(|(address, bits)| (address.parse::<Ipv4Addr>(), bits)) else {
        return false;
    };
    prefix <= bits && (address.to_bits() ^ network.to_bits()).checked_shr(32 - prefix).unwrap_or(0) == 0
}

fn covers_6(range: &str, network: Ipv6Addr, bits: u32) -> bool {
    let Some((Ok(address), prefix)) = parts(range).map(|(address, bits)| (address.parse::<Ipv6Addr>(), bits)) else {
        return false;
    };
    prefix <= bits && (address.to_bits() ^ network.to_bits()).checked_shr(128 - prefix).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_covers_what_lies_in_it() {
        let ten = Ipv4Addr::new(10, 0, 0, 0);
        for range in ["10.0.0.0/8", "8.0.0.0/6", "0.0.0.0/0"] {
            assert!(covers_4(range, ten, 8), "{range}");
        }
        for range in ["10.0.0.0/16", "11.0.0.0/8", "10.0.0.0", "ten/8", "10.0.0.0/99"] {
            assert!(!covers_4(range, ten, 8), "{range}");
        }
        assert!(covers_6("fc00::/7", PRIVATE_6.0, PRIVATE_6.1) && covers_6("::/0", PRIVATE_6.0, PRIVATE_6.1));
        assert!(!covers_6("fd00::/8", PRIVATE_6.0, PRIVATE_6.1));
    }
}
