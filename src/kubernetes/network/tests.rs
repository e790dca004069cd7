//! What each form of a rule means, as truth tables; and random clusters against the documentation, read naively.

#![allow(clippy::unwrap_used)]

pub(crate) mod chance;
mod naive;
mod random;

use serde_json::{Value, json};

use super::*;

/// A Pod of the tables: namespace, labels of it, labels, address. Each has the port `http` (TCP 8080) and `dns` (UDP 53).
struct Cluster {
    namespaces: Vec<(String, Value)>,
    pods: Vec<(usize, Value, Ranges)>,
}

fn address(text: &str) -> Ranges {
    Ranges::address(text.parse().unwrap())
}

fn cluster() -> Cluster {
    let namespaces = [("own", json!({ "team": "red" })), ("next", json!({ "team": "blue", "zone": "a" }))];
    let pods = [(0, "web", "10.0.0.1"), (0, "db", "10.0.0.2"), (1, "web", "10.0.1.1"), (1, "db", "10.0.1.2")];
    Cluster {
        namespaces: namespaces.map(|(name, labels)| (name.to_owned(), labels)).to_vec(),
        pods: pods.map(|(there, app, at)| (there, json!({ "app": app }), address(at))).to_vec(),
    }
}

fn ports() -> Option<Vec<NamedPort<'static>>> {
    Some(vec![
        NamedPort { name: "http", protocol: Protocol::Tcp, number: 8080 },
        NamedPort { name: "dns", protocol: Protocol::Udp, number: 53 },
    ])
}

/// Returns which of own/web, own/db, next/web and next/db a rule of a policy over all Pods of `own` means, as `1` and `0`.
fn met(direction: Direction, rule: Value) -> String {
    let cluster = cluster();
    let namespaces: Vec<Namespace> =
        cluster.namespaces.iter().map(|(name, labels)| Namespace::known(name, labels.as_object())).collect();
    let pods: Vec<Pod> = cluster
        .pods
        .iter()
        .map(|(there, labels, addresses)| Pod {
            namespace: &namespaces[*there],
            labels: Labels::all(labels.as_object()),
            ports: ports(),
            addresses,
        })
        .collect();
    let spec = json!({ "podSelector": {}, "policyTypes": [direction.name()], direction.fields().0: [rule] });
    let policies = [Policy::read(&spec)];
    let open = |pod| !openings(&policies, &pods[0], direction, Party::Pod(pod)).is_empty();
    pods.iter().map(|pod| if open(pod) { '1' } else { '0' }).collect()
}

#[test]
fn each_form_of_a_peer_means_what_the_api_says() {
    let blue = json!({ "matchLabels": { "team": "blue" } });
    let web = json!({ "matchLabels": { "app": "web" } });
    let expression = |key: &str, operator: &str, values: Value| match values {
        Value::Null => json!({ "matchExpressions": [{ "key": key, "operator": operator }] }),
        values => json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }),
    };
    let namespaces = |selector: Value| json!([{ "namespaceSelector": selector }]);
    for (peers, expected) in [
        (json!([{ "podSelector": {} }]), "1100"),
        (json!([{ "podSelector": web }]), "1000"),
        (namespaces(json!({})), "1111"),
        (namespaces(blue.clone()), "0011"),
        (namespaces(json!({ "matchLabels": { "kubernetes.io/metadata.name": "next" } })), "0011"),
        (namespaces(json!({ "matchLabels": { "name": "next" } })), "0000"),
        // One item means both, two mean either.
        (json!([{ "namespaceSelector": blue, "podSelector": web }]), "0010"),
        (json!([{ "namespaceSelector": blue }, { "podSelector": web }]), "1011"),
        (json!([{ "namespaceSelector": blue, "podSelector": {} }]), "0011"),
        (namespaces(expression("team", "In", json!(["red", "green"]))), "1100"),
        (namespaces(expression("team", "NotIn", json!(["red"]))), "0011"),
        (namespaces(expression("zone", "NotIn", json!(["b"]))), "1111"),
        (namespaces(expression("zone", "Exists", Value::Null)), "0011"),
        (namespaces(expression("zone", "DoesNotExist", Value::Null)), "1100"),
        (namespaces(expression("zone", "Gt", json!(["1"]))), "0000"),
        (json!([{ "ipBlock": { "cidr": "10.0.0.0/16" } }]), "1111"),
        (json!([{ "ipBlock": { "cidr": "10.0.0.0/16", "except": ["10.0.1.0/24"] } }]), "1100"),
        (json!([{ "ipBlock": { "cidr": "10.0.0.0/24", "except": ["10.0.0.1/32"] } }]), "0100"),
        (json!([{ "ipBlock": { "cidr": "::/0" } }]), "0000"),
        (json!([{ "ipBlock": { "cidr": "everything" } }]), "0000"),
        (json!([{}]), "0000"),
        (json!([]), "1111"),
    ] {
        assert_eq!(met(Direction::Ingress, json!({ "from": peers })), expected, "from {peers}");
        assert_eq!(met(Direction::Egress, json!({ "to": peers })), expected, "to {peers}");
    }
    assert_eq!(met(Direction::Ingress, json!({})), "1111");
    // `to` in a rule about ingress is no field of it.
    assert_eq!(met(Direction::Ingress, json!({ "to": [{ "podSelector": web }] })), "1111");
}

/// Returns whether a Pod `app: web` is isolated by a policy: ingress, egress.
fn isolated(spec: Value) -> (bool, bool) {
    let namespace = Namespace::known("own", None);
    let labels = json!({ "app": "web" });
    let at = address("10.0.0.1");
    let pod = Pod { namespace: &namespace, labels: Labels::all(labels.as_object()), ports: None, addresses: &at };
    let policies = [Policy::read(&spec)];
    (isolates(&policies, &pod, Direction::Ingress), isolates(&policies, &pod, Direction::Egress))
}

#[test]
fn a_policy_isolates_by_its_types_or_by_their_defaults() {
    let rule = json!([{}]);
    for (spec, expected) in [
        (json!({ "podSelector": {} }), (true, false)),
        (json!({}), (true, false)),
        (json!({ "podSelector": {}, "policyTypes": [] }), (true, false)),
        (json!({ "podSelector": {}, "egress": rule }), (true, true)),
        (json!({ "podSelector": {}, "egress": [] }), (true, false)),
        (json!({ "podSelector": {}, "policyTypes": ["Egress"] }), (false, true)),
        (json!({ "podSelector": {}, "policyTypes": ["Egress"], "ingress": rule }), (false, true)),
        (json!({ "podSelector": {}, "policyTypes": ["Ingress"], "egress": rule }), (true, false)),
        (json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] }), (true, true)),
        (
            json!({ "podSelector": { "matchLabels": { "app": "db" } }, "policyTypes": ["Ingress", "Egress"] }),
            (false, false),
        ),
        (json!({ "podSelector": { "matchLabels": { "app": "web" } } }), (true, false)),
    ] {
        assert_eq!(isolated(spec.clone()), expected, "{spec}");
    }
}

/// Returns which of TCP 8080, TCP 8081, UDP 8080, UDP 53, SCTP 8080 a list of `ports` opens at a Pod, and at an address.
fn opened(list: Value) -> (String, String) {
    let namespace = Namespace::known("own", None);
    let at = address("10.0.0.1");
    let pod = Pod { namespace: &namespace, labels: Labels::all(None), ports: ports(), addresses: &at };
    let policies_of =
        |direction: Direction| json!({ "policyTypes": [direction.name()], direction.fields().0: [{ "ports": list }] });
    let asked = [
        (Protocol::Tcp, 8080),
        (Protocol::Tcp, 8081),
        (Protocol::Udp, 8080),
        (Protocol::Udp, 53),
        (Protocol::Sctp, 8080),
    ];
    let show = |open: &[Opening]| {
        asked
            .iter()
            .map(|(protocol, port)| if lets_through(open, *protocol, *port) == Answer::Yes { '1' } else { '0' })
            .collect()
    };
    let (ingress, egress) = (policies_of(Direction::Ingress), policies_of(Direction::Egress));
    let at_pod = openings(&[Policy::read(&ingress)], &pod, Direction::Ingress, Party::Addresses(&at));
    let outside = openings(&[Policy::read(&egress)], &pod, Direction::Egress, Party::Addresses(&at));
    (show(&at_pod), show(&outside))
}

#[test]
fn each_form_of_a_port_means_what_the_api_says() {
    for (list, pod, outside) in [
        (json!([]), "11111", "11111"),
        (json!([{ "port": 8080 }]), "10000", "10000"),
        (json!([{ "protocol": "UDP", "port": 8080 }]), "00100", "00100"),
        (json!([{ "protocol": "SCTP", "port": 8080 }]), "00001", "00001"),
        (json!([{ "protocol": "UDP" }]), "00110", "00110"),
        (json!([{}]), "11000", "11000"),
        (json!([{ "port": 8000, "endPort": 8080 }]), "10000", "10000"),
        (json!([{ "port": 8080, "endPort": 9000 }]), "11000", "11000"),
        (json!([{ "port": 8081, "endPort": 8080 }]), "00000", "00000"),
        // A name is looked up at the target, with its protocol; an address has none.
        (json!([{ "port": "http" }]), "10000", "00000"),
        (json!([{ "port": "dns" }]), "00000", "00000"),
        (json!([{ "protocol": "UDP", "port": "dns" }]), "00010", "00000"),
        (json!([{ "port": "unknown" }]), "00000", "00000"),
        (json!([{ "port": 8080 }, { "protocol": "UDP", "port": 53 }]), "10010", "10010"),
        (json!([{ "protocol": "ICMP" }]), "00000", "00000"),
        (json!([{ "port": 70000 }]), "00000", "00000"),
    ] {
        assert_eq!(opened(list.clone()), (pod.to_owned(), outside.to_owned()), "{list}");
    }
}

#[test]
fn a_connection_needs_both_sides() {
    let (own, next) = (Namespace::known("own", None), Namespace::known("next", None));
    let (from_at, to_at) = (address("10.0.0.1"), address("10.0.1.1"));
    let from = Pod { namespace: &own, labels: Labels::all(None), ports: ports(), addresses: &from_at };
    let to = Pod { namespace: &next, labels: Labels::all(None), ports: ports(), addresses: &to_at };
    let out = |rules: Value| json!({ "policyTypes": ["Egress"], "egress": rules });
    let inward = |rules: Value| json!({ "policyTypes": ["Ingress"], "ingress": rules });
    let everybody = json!([{}]);
    let http = json!([{ "ports": [{ "port": "http" }] }]);
    let udp = json!([{ "ports": [{ "protocol": "UDP" }] }]);
    for (egress, ingress, open) in [
        (None, None, true),
        (Some(json!([])), None, false),
        (None, Some(json!([])), false),
        (Some(everybody.clone()), Some(everybody.clone()), true),
        (Some(http.clone()), Some(everybody.clone()), true),
        (Some(udp.clone()), Some(http.clone()), false),
        (Some(http.clone()), Some(http.clone()), true),
    ] {
        let (egress, ingress) = (egress.map(out), ingress.map(inward));
        let read = |spec: &Option<Value>| -> bool { spec.is_some() };
        let outward: Vec<Policy> = egress.iter().map(Policy::read).collect();
        let inbound: Vec<Policy> = ingress.iter().map(Policy::read).collect();
        let found = between((&outward, &from), (&inbound, &to));
        assert_eq!(!found.is_empty(), open, "{egress:?} {ingress:?} {}", read(&egress));
    }
}

#[test]
fn what_is_not_known_is_never_a_proof() {
    let own = Namespace::known("own", None);
    let platform = Namespace::named("platform");
    let other = Namespace::other_than(vec!["own", "gateway"]);
    let private = Ranges::blocks(["10.0.0.0/8", "192.168.0.0/16"]).unwrap();
    let at = address("10.0.0.1");
    let pod = Pod { namespace: &own, labels: Labels::all(None), ports: None, addresses: &at };
    let some = |namespace| Pod { namespace, labels: Labels::some([("app", "x")]), ports: None, addresses: &private };
    let (platform, other) = (some(&platform), some(&other));
    let name = |name: &str| json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } });
    for (peer, in_platform, elsewhere) in [
        (name("platform"), Answer::Yes, Answer::Maybe),
        (name("gateway"), Answer::No, Answer::No),
        (json!({ "namespaceSelector": { "matchLabels": { "team": "a" } } }), Answer::Maybe, Answer::Maybe),
        (
            json!({ "namespaceSelector": { "matchExpressions": [{ "key": "team", "operator": "DoesNotExist" }] } }),
            Answer::Maybe,
            Answer::Maybe,
        ),
        (
            json!({ "namespaceSelector": { "matchExpressions": [{ "key": "kubernetes.io/metadata.name", "operator": "Exists" }] } }),
            Answer::Yes,
            Answer::Yes,
        ),
        (
            json!({ "namespaceSelector": { "matchExpressions": [{ "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["gateway"] }] } }),
            Answer::Yes,
            Answer::Yes,
        ),
        (
            json!({ "namespaceSelector": {}, "podSelector": { "matchLabels": { "app": "x" } } }),
            Answer::Yes,
            Answer::Yes,
        ),
        (
            json!({ "namespaceSelector": {}, "podSelector": { "matchLabels": { "tier": "x" } } }),
            Answer::Maybe,
            Answer::Maybe,
        ),
        (json!({ "podSelector": {} }), Answer::No, Answer::No),
        (json!({ "ipBlock": { "cidr": "0.0.0.0/0" } }), Answer::Yes, Answer::Yes),
        (json!({ "ipBlock": { "cidr": "10.0.0.0/8" } }), Answer::Maybe, Answer::Maybe),
        (
            json!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "192.168.0.0/16"] } }),
            Answer::No,
            Answer::No,
        ),
    ] {
        let spec = json!({ "ingress": [{ "from": [peer] }] });
        let policies = [Policy::read(&spec)];
        let answer =
            |party| lets_through(&openings(&policies, &pod, Direction::Ingress, Party::Pod(party)), Protocol::Tcp, 80);
        assert_eq!((answer(&platform), answer(&other)), (in_platform, elsewhere), "{spec}");
    }
}

#[test]
fn blocks_without_their_exceptions_are_exact() {
    let block = |cidr, except: &[&str]| Ranges::block(cidr, except.iter().copied()).unwrap();
    let holds = |set: &Ranges, at: &str| set.holds(&address(at)) == Answer::Yes;
    let set = block("10.0.0.0/8", &["10.1.0.0/16", "10.255.255.255/32", "11.0.0.0/8", "nonsense"]);
    for (at, inside) in [
        ("10.0.0.0", true),
        ("10.0.255.255", true),
        ("10.1.0.0", false),
        ("10.1.255.255", false),
        ("10.2.0.0", true),
        ("10.255.255.254", true),
        ("10.255.255.255", false),
        ("9.255.255.255", false),
        ("11.0.0.0", false),
        ("::a00:0", false),
    ] {
        assert_eq!(holds(&set, at), inside, "{at}");
    }
    assert!(block("10.0.0.0/8", &["0.0.0.0/0"]).is_empty());
    assert!(holds(&block("0.0.0.0/0", &[]), "255.255.255.255") && holds(&block("::/0", &[]), "ff::1"));
    assert!(holds(&block("fd00::/8", &[]), "fdff::1") && !holds(&block("fd00::/8", &[]), "fe00::"));
    assert!(holds(&block("2001:db8::1/128", &[]), "2001:db8::1"));
    for nonsense in ["10.0.0.0", "10.0.0.0/33", "::/129", "/8", "10.0.0/8"] {
        assert_eq!(Ranges::block(nonsense, []), None, "{nonsense}");
    }
    let touching = Ranges::blocks(["10.0.0.0/9", "10.128.0.0/9"]).unwrap();
    assert_eq!(touching.holds(&block("10.0.0.0/8", &[])), Answer::Yes);
    assert_eq!(block("10.0.0.0/9", &[]).holds(&touching), Answer::Maybe);
}
