//! The documentation of NetworkPolicy, sentence by sentence, without a thought for speed: the measure of the evaluator.

use std::net::Ipv4Addr;

use serde_json::Value;

/// A Pod of a cluster in which everything is known.
pub(super) struct Pod {
    pub namespace: String,
    pub namespace_labels: Value,
    pub labels: Value,
    pub address: Ipv4Addr,
    /// Name, protocol, number.
    pub ports: Vec<(String, String, u64)>,
}

/// "The connection is allowed if the egress policy on the source and the ingress policy on the destination allow it."
pub(super) fn connects(policies: &[(String, Value)], from: &Pod, to: &Pod, protocol: &str, port: u64) -> bool {
    one_side(policies, "Egress", from, to, to, protocol, port)
        && one_side(policies, "Ingress", to, from, to, protocol, port)
}

fn one_side(
    policies: &[(String, Value)],
    direction: &str,
    subject: &Pod,
    other: &Pod,
    destination: &Pod,
    protocol: &str,
    port: u64,
) -> bool {
    let mut isolated = false;
    for (namespace, spec) in policies {
        // "A NetworkPolicy selects Pods of its own namespace."
        if *namespace != subject.namespace || !selects(&spec["podSelector"], &subject.labels) {
            continue;
        }
        if !types(spec).contains(&direction.to_owned()) {
            continue;
        }
        isolated = true;
        let (rules, peers) = if direction == "Ingress" { ("ingress", "from") } else { ("egress", "to") };
        for rule in items(&spec[rules]) {
            // "If this field is empty or missing, this rule matches all sources / all ports."
            let from = items(&rule[peers]);
            let ports = items(&rule["ports"]);
            let peer_matches = from.is_empty() || from.iter().any(|peer| is_peer(peer, namespace, other));
            let port_matches = ports.is_empty() || ports.iter().any(|item| is_port(item, destination, protocol, port));
            if peer_matches && port_matches {
                return true;
            }
        }
    }
    // "If no policy selects a Pod for a direction, all connections in that direction are allowed."
    !isolated
}

/// "If this field is not specified, it defaults to Ingress, and to Egress as well where there are egress rules."
fn types(spec: &Value) -> Vec<String> {
    let listed: Vec<String> =
        items(&spec["policyTypes"]).iter().map(|kind| kind.as_str().unwrap().to_owned()).collect();
    if !listed.is_empty() {
        return listed;
    }
    let mut types = vec!["Ingress".to_owned()];
    if !items(&spec["egress"]).is_empty() {
        types.push("Egress".to_owned());
    }
    types
}

fn is_peer(peer: &Value, own: &str, pod: &Pod) -> bool {
    if let Some(block) = peer.get("ipBlock") {
        let outside = items(&block["except"]).iter().all(|range| !lies_in(pod.address, range));
        return lies_in(pod.address, &block["cidr"]) && outside;
    }
    match (peer.get("namespaceSelector"), peer.get("podSelector")) {
        (None, None) => false,
        (None, Some(pods)) => pod.namespace == own && selects(pods, &pod.labels),
        (Some(namespaces), None) => selects(namespaces, &pod.namespace_labels),
        (Some(namespaces), Some(pods)) => selects(namespaces, &pod.namespace_labels) && selects(pods, &pod.labels),
    }
}

fn lies_in(address: Ipv4Addr, cidr: &Value) -> bool {
    let (network, length) = cidr.as_str().unwrap().split_once('/').unwrap();
    let (network, length): (Ipv4Addr, u32) = (network.parse().unwrap(), length.parse().unwrap());
    let bits = |address: Ipv4Addr| (0..32).map(move |bit| address.to_bits() >> (31 - bit) & 1);
    let agree = bits(address).zip(bits(network)).take_while(|(one, other)| one == other).count();
    agree >= usize::try_from(length).unwrap()
}

fn is_port(item: &Value, destination: &Pod, protocol: &str, port: u64) -> bool {
    if item.get("protocol").map_or("TCP", |name| name.as_str().unwrap()) != protocol {
        return false;
    }
    match item.get("port") {
        None => true,
        Some(Value::String(wanted)) => {
            destination.ports.iter().any(|(name, of, number)| name == wanted && of == protocol && *number == port)
        }
        Some(first) => {
            let first = first.as_u64().unwrap();
            let last = item.get("endPort").map_or(first, |last| last.as_u64().unwrap());
            first <= port && port <= last
        }
    }
}

fn selects(selector: &Value, labels: &Value) -> bool {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    if let Some(wanted) = selector.get("matchLabels") {
        for (key, value) in wanted.as_object().unwrap() {
            if label(key) != value.as_str() {
                return false;
            }
        }
    }
    items(&selector["matchExpressions"]).iter().all(|expression| {
        let found = label(expression["key"].as_str().unwrap());
        let listed = items(&expression["values"]).iter().any(|value| found.is_some() && value.as_str() == found);
        match expression["operator"].as_str().unwrap() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => found.is_some(),
            _ => found.is_none(),
        }
    })
}

fn items(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}
