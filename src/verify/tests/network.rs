//! NetworkPolicies.

use super::*;

/// Adds a policy with one egress rule.
fn egress(rule: Value) -> Vec<Diagnostic> {
    with(object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "more",
        json!({
            "spec": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [rule] },
        }),
    ))
}

/// Adds a policy with one ingress rule.
fn ingress(rule: Value) -> Vec<Diagnostic> {
    with(object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "more",
        json!({ "spec": { "podSelector": {}, "ingress": [rule] } }),
    ))
}

#[test]
fn namespaces_are_selected_by_a_label_that_they_have() {
    let from = |labels: Value| ingress(json!({ "from": [{ "namespaceSelector": { "matchLabels": labels } }] }));
    let found = from(json!({ "name": "ingress-nginx" }));
    assert_only(
        &found,
        Code::NetworkNamespaceLabel,
        "/spec/ingress/0/from/0/namespaceSelector/matchLabels/name",
        "name: ingress-nginx",
    );
    assert!(found[0].help.contains("kubernetes.io/metadata.name: ingress-nginx"));
    assert_none(&from(json!({ "kubernetes.io/metadata.name": "gateway" })));
}

#[test]
fn every_namespace_is_not_the_internet() {
    let found = egress(json!({ "to": [{ "namespaceSelector": {} }], "ports": [{ "protocol": "TCP", "port": 443 }] }));
    assert_only(&found, Code::NetworkEveryNamespace, "/spec/egress/0/to/0/namespaceSelector", "every tenant");
    let found = ingress(json!({ "from": [{ "namespaceSelector": {} }] }));
    assert_only(&found, Code::NetworkOpen, "/spec/ingress/0/from/0/namespaceSelector", "every tenant");
    let dns = json!([{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }]);
    assert_none(&egress(json!({ "to": [{ "namespaceSelector": {} }], "ports": dns })));
    let prometheus = json!({ "namespaceSelector": {}, "podSelector": { "matchLabels": { "app": "prometheus" } } });
    // Whoever makes Pods in any namespace can give them that label.
    let found = ingress(json!({ "from": [prometheus] }));
    assert_only(&found, Code::NetworkIngress, "/spec/ingress/0/from/0", "lets in Pods of other namespaces");
}

#[test]
fn a_rule_has_peers() {
    assert_only(
        &egress(json!({ "ports": [{ "port": 443 }] })),
        Code::NetworkOpen,
        "/spec/egress/0",
        "reach everything",
    );
    assert_only(&ingress(json!({})), Code::NetworkOpen, "/spec/ingress/0", "everybody");
    assert_none(&ingress(json!({ "from": [{ "podSelector": {} }] })));
}

#[test]
fn the_internet_has_no_private_addresses() {
    let block = |cidr: &str, except: Value| {
        egress(json!({ "to": [{ "ipBlock": { "cidr": cidr, "except": except } }], "ports": [{ "port": 443 }] }))
    };
    let pointer = "/spec/egress/0/to/0/ipBlock";
    assert_only(
        &block("0.0.0.0/0", json!(["10.0.0.0/8", "192.168.0.0/16"])),
        Code::NetworkPrivateRanges,
        pointer,
        "172.16.0.0/12, 169.254.0.0/16",
    );
    assert_only(&block("::/0", json!([])), Code::NetworkPrivateRanges, pointer, "fc00::/7");
    assert_none(&block("0.0.0.0/0", json!(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"])));
    assert_none(&block("::/0", json!(["fc00::/7"])));
    assert_none(&block("203.0.113.0/24", json!([])));
}

#[test]
fn both_selectors_stand_in_one_item() {
    let namespace = json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "shared" } } });
    let pods = json!({ "podSelector": { "matchLabels": { "app": "mysql" } } });
    let ports = json!([{ "port": 3306 }]);
    let found = egress(json!({ "to": [namespace, pods], "ports": ports }));
    assert_only(&found, Code::NetworkTwoPeers, "/spec/egress/0/to/1", "selects no Pod of the tenant");
    let mut both = namespace.clone();
    merge(&mut both, pods);
    assert_none(&egress(json!({ "to": [both], "ports": ports })));
    let own = json!({ "podSelector": { "matchLabels": { "app": "auth" } } });
    assert_none(&egress(json!({ "to": [namespace, own], "ports": ports })));
}

#[test]
fn names_can_be_looked_up() {
    let no_egress = changed("network", json!({ "spec": { "egress": [] } }));
    assert_only(&no_egress, Code::NetworkNoDns, "/spec", "no policy allows DNS");
    assert_none(&changed("network", json!({ "spec": { "policyTypes": ["Ingress"], "egress": null } })));
    let named = json!([{ "protocol": "UDP", "port": "dns" }, { "protocol": "TCP", "port": "dns-tcp" }]);
    let mut policy = right().remove("network").unwrap();
    policy["spec"]["egress"][0]["ports"] = named;
    assert_none(&changed("network", policy));
}
