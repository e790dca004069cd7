//! What policies let through, against what a tenant's Pods need.

use super::*;

/// Returns the findings of the right tenant with other rules in its one policy.
fn rules(change: Value) -> Vec<Diagnostic> {
    changed("network", json!({ "spec": change }))
}

fn policy(name: &str, spec: Value) -> Value {
    object("networking.k8s.io/v1", "NetworkPolicy", name, json!({ "spec": spec }))
}

fn namespace(name: &str) -> Value {
    json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } })
}

fn codes(findings: &[Diagnostic]) -> Vec<Code> {
    findings.iter().map(|finding| finding.code).collect()
}

/// Gives the container of the right Deployment variables, and the estate a network.
fn with_variables(env: Value, more: Vec<Value>, plan: &Plan) -> Vec<Diagnostic> {
    let mut objects = right();
    objects.get_mut("deployment").unwrap()["spec"]["template"]["spec"]["containers"][0]["env"] = env;
    findings(plan, objects.into_values().chain(more))
}

fn internet() -> Value {
    policy(
        "internet",
        json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
            "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"] } }],
            "ports": [{ "port": 587 }, { "port": 443 }],
        }] }),
    )
}

#[test]
fn a_namespace_without_a_policy_is_one_finding() {
    let found = changed_by(|objects| drop(objects.remove("network")));
    assert_only(&found, Code::NetworkNoPolicy, "/metadata/name", "Deployment `auth` and Job `migration`");
}

#[test]
fn pods_that_no_policy_isolates_are_named() {
    let found = rules(json!({ "podSelector": { "matchLabels": { "app": "auth" } } }));
    assert_only(&found, Code::NetworkNotIsolated, "/spec/template/metadata/labels", "Pods of Job `migration`");
    assert_only(
        &rules(json!({ "policyTypes": ["Egress"] })),
        Code::NetworkNotIsolated,
        "/spec/template/metadata/labels",
        "Deployment `auth` and Job `migration`",
    );
}

#[test]
fn an_egress_list_without_rules_and_types_isolates_nobody() {
    assert_none(&rules(json!({ "policyTypes": null, "egress": [] })));
}

#[test]
fn every_pod_looks_names_up() {
    let dns = right().remove("network").unwrap()["spec"]["egress"].take();
    let only = json!({ "podSelector": { "matchLabels": { "app": "auth" } }, "policyTypes": ["Egress"], "egress": dns });
    let found = changed_by(|objects| {
        objects.get_mut("network").unwrap()["spec"]["egress"] = json!([]);
        objects.insert("another", policy("dns", only));
    });
    assert_only(&found, Code::NetworkNoDns, "/spec", "no policy allows DNS to Job `migration`");
    // UDP in one rule and TCP elsewhere: no single rule is wrong.
    let mut udp = right().remove("network").unwrap();
    udp["spec"]["egress"][0]["ports"] = json!([{ "protocol": "TCP", "port": 53 }]);
    assert_only(&changed("network", udp), Code::NetworkNoDns, "/spec", "no policy allows DNS");
}

#[test]
fn the_estate_says_who_answers_dns() {
    let mut plan = plan();
    let network = json!({ "monitoring": "monitoring", "dns": { "namespace": "dns", "podLabels": { "app": "coredns" }, "addresses": ["169.254.20.10/32"] } });
    let mut platform = (*plan.platform).clone();
    platform.network = serde_json::from_value(network).unwrap();
    plan.platform = Arc::new(platform);
    let with = |to: Value| {
        let mut objects = right();
        objects.get_mut("network").unwrap()["spec"]["egress"][0]["to"] = json!([to]);
        findings(&plan, objects.into_values())
    };
    assert_eq!(codes(&findings(&plan, right().into_values())), [Code::NetworkNoDns]);
    assert_none(&with(namespace("dns")));
    assert_none(&with(json!({ "ipBlock": { "cidr": "169.254.20.10/32" } })));
    assert_eq!(codes(&with(json!({ "ipBlock": { "cidr": "169.254.20.11/32" } }))), [Code::NetworkNoDns]);
}

#[test]
fn a_pod_reaches_the_services_that_it_names() {
    let worker = || {
        let mut template = template("worker");
        template["metadata"]["labels"] = json!({ "app": "worker" });
        let spec = json!({ "spec": { "replicas": 1, "selector": { "matchLabels": { "app": "worker" } }, "template": template } });
        let ports = json!([{ "name": "http", "port": 80, "targetPort": "http" }]);
        vec![
            object("apps/v1", "Deployment", "worker", spec),
            object("v1", "Service", "worker", json!({ "spec": { "selector": { "app": "worker" }, "ports": ports } })),
        ]
    };
    let own = |port: Value| {
        policy(
            "own",
            json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "to": [{ "podSelector": {} }], "ports": [{ "port": port }] }] }),
        )
    };
    let ask = |value: &str, more: Vec<Value>| {
        let mut all = worker();
        all.extend(more);
        let mut found = with_variables(json!([{ "name": "WORKER_URL", "value": value }]), all, &plan());
        found.retain(|finding| finding.code != Code::QuotaExceeded);
        found
    };
    for value in
        ["http://worker", "worker:80", "http://worker.shop-abc/x", "http://worker.shop-abc.svc.cluster.local:80"]
    {
        let found = ask(value, vec![]);
        assert_only(&found, Code::NetworkServiceUnreachable, "/spec", "keeps Deployment `auth` from `worker");
        assert_eq!(found[0].related[0].0.file, "/spec/template/spec/containers/0/env/0");
        assert_none(&ask(value, vec![own(json!("http"))]));
        assert_none(&ask(value, vec![own(json!(8080))]));
        // Policies see the port of the Pod, not that of the Service.
        assert_eq!(codes(&ask(value, vec![own(json!(80))])), [Code::NetworkServiceUnreachable]);
    }
    for value in
        ["worker", "http://auth", "http://nobody", "http://abc.example.com", "http://localhost:80", "http://127.0.0.1"]
    {
        assert_none(&ask(value, vec![]));
    }
    let closed = policy("closed", json!({ "podSelector": { "matchLabels": { "app": "worker" } } }));
    let mut objects = right();
    objects.get_mut("network").unwrap()["spec"]["ingress"] =
        json!([{ "from": [namespace("gateway"), namespace("monitoring")] }]);
    objects.get_mut("deployment").unwrap()["spec"]["template"]["spec"]["containers"][0]["args"] =
        json!(["--to=worker:80"]);
    let mut found = findings(&plan(), objects.into_values().chain(worker()).chain([own(json!("http")), closed]));
    found.retain(|finding| finding.code != Code::QuotaExceeded);
    assert_only(&found, Code::NetworkServiceUnreachable, "/spec", "keeps Deployment `auth` from `worker:80`");
}

#[test]
fn settings_of_many_pods_name_whom_some_of_them_call() {
    let settings = |more: Vec<Value>| {
        let mut objects = right();
        objects.get_mut("settings").unwrap()["data"] = json!({ "MAIL_HOST": "smtp.example.org", "MAIL_PORT": "587" });
        findings(&plan(), objects.into_values().chain(more))
    };
    let found = settings(vec![]);
    let names = "keeps Deployment `auth` and Job `migration` from `smtp.example.org:587`";
    assert_only(&found, Code::NetworkAddressUnreachable, "/spec", names);
    assert_none(&settings(vec![internet()]));
    let mut only = internet();
    only["spec"]["podSelector"] = json!({ "matchLabels": { "app": "auth" } });
    assert_none(&settings(vec![only]));
}

#[test]
fn an_address_is_compared_exactly() {
    let ask = |value: &str| with_variables(json!([{ "name": "A_URL", "value": value }]), vec![internet()], &plan());
    for open in ["https://203.0.113.5", "https://api.example.org/x", "https://198.51.100.1:587"] {
        assert_none(&ask(open));
    }
    for closed in ["http://203.0.113.5", "https://10.1.2.3", "https://api.example.org:8443", "http://db.shared.svc"] {
        assert_eq!(codes(&ask(closed)), [Code::NetworkAddressUnreachable], "{closed}");
    }
}

/// Returns the plan with a database whose credential the right Deployment reads.
fn with_database(host: &str, port: u16, pod_port: Option<u16>) -> Plan {
    let mut plan = plan();
    let connection = json!({ "kind": "mysql", "host": host, "port": port, "credentials": {} });
    plan.document.connections.insert("mysql".to_owned(), serde_json::from_value(connection).unwrap());
    let resource = json!({
        "kind": "mysqlDatabase", "id": "data", "connection": "mysql", "name": "abc", "user": "abc",
        "secret": { "store": "vault", "key": "tenants/shop-abc/auth", "fields": { "password": { "generated": 32 } } },
        "spec": { "characterSet": "utf8mb4", "collation": "utf8mb4_general_ci", "privileges": ["SELECT"], "requireTls": true },
    });
    plan.document.resources.push(serde_json::from_value(resource).unwrap());
    let mut platform = (*plan.platform).clone();
    platform.network.pod_ports.extend(pod_port.map(|port| ("mysql".to_owned(), port)));
    plan.platform = Arc::new(platform);
    plan
}

#[test]
fn pods_with_a_credential_reach_the_server() {
    let to = |namespace: Value, port: u16| {
        policy(
            "db",
            json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "to": [namespace], "ports": [{ "port": port }] }] }),
        )
    };
    let ask = |plan: &Plan, more: Vec<Value>| findings(plan, right().into_values().chain(more));
    let inside = with_database("mysql.shared.svc.cluster.local", 3306, None);
    let found = ask(&inside, vec![]);
    assert_only(
        &found,
        Code::NetworkConnectionUnreachable,
        "/spec",
        "keeps Deployment `auth` and Job `migration` from the connection `mysql`",
    );
    assert!(
        found[0].message.contains("`mysql.shared.svc.cluster.local:3306`, which holds `data`"),
        "{}",
        found[0].message
    );
    let mut pods = namespace("shared");
    pods["podSelector"] = json!({ "matchLabels": { "app": "mysql" } });
    assert_none(&ask(&inside, vec![to(pods, 3306)]));
    assert_eq!(codes(&ask(&inside, vec![to(namespace("shared"), 6446)])), [Code::NetworkConnectionUnreachable]);
    assert_eq!(codes(&ask(&inside, vec![to(namespace("else"), 3306)])), [Code::NetworkConnectionUnreachable]);

    // An operator's routers listen at a port of their own.
    let routers = with_database("mysql.shared.svc", 3306, Some(6446));
    assert_eq!(codes(&ask(&routers, vec![to(namespace("shared"), 3306)])), [Code::NetworkConnectionUnreachable]);
    assert_none(&ask(&routers, vec![to(namespace("shared"), 6446)]));

    let outside = with_database("db.example.org", 443, None);
    assert_eq!(codes(&ask(&outside, vec![to(namespace("shared"), 443)])), [Code::NetworkConnectionUnreachable]);
    assert_none(&ask(&outside, vec![internet()]));
}

#[test]
fn a_connection_that_nobody_has_a_credential_of_is_reached_by_somebody() {
    let plan = with_database("mysql.shared.svc", 3306, None);
    let ask = |pods: Value| {
        let mut objects = right();
        objects.get_mut("credentials").unwrap()["spec"]["data"][0]["remoteRef"]["key"] =
            json!("tenants/shop-abc/other");
        let db = json!({ "podSelector": pods, "policyTypes": ["Egress"], "egress": [{ "to": [namespace("shared")], "ports": [{ "port": 3306 }] }] });
        findings(&plan, objects.into_values().chain([policy("db", db)]))
    };
    assert_none(&ask(json!({ "matchLabels": { "app": "auth" } })));
    let found = ask(json!({ "matchLabels": { "app": "nobody" } }));
    assert_only(&found, Code::NetworkConnectionUnreachable, "/spec", "keeps all Pods from the connection `mysql`");
}

#[test]
fn the_gateway_and_prometheus_come_in() {
    let from = |peers: Value| rules(json!({ "ingress": [{ "from": peers, "ports": [{ "port": "http" }] }] }));
    assert_none(&from(json!([namespace("gateway"), namespace("monitoring")])));
    let found = from(json!([namespace("monitoring")]));
    assert_only(&found, Code::NetworkRouteUnreachable, "/spec/rules/0/backendRefs/0", "port 8080 of Deployment `auth`");
    let found = from(json!([namespace("gateway")]));
    assert_only(&found, Code::NetworkMonitorUnreachable, "/spec/endpoints/0", "port 8080 of Deployment `auth`");
    let wrong = rules(
        json!({ "ingress": [{ "from": [namespace("gateway"), namespace("monitoring")], "ports": [{ "port": 80 }] }] }),
    );
    assert_eq!(codes(&wrong), [Code::NetworkRouteUnreachable, Code::NetworkMonitorUnreachable]);
}

#[test]
fn nobody_else_comes_in() {
    let with = |peer: Value| with(policy("more", json!({ "podSelector": {}, "ingress": [{ "from": [peer] }] })));
    let pointer = "/spec/ingress/0/from/0";
    assert_only(&with(namespace("backup")), Code::NetworkIngress, pointer, "lets in Pods of other namespaces");
    let labels = json!({ "namespaceSelector": { "matchLabels": { "team": "payments" } } });
    assert_only(&with(labels), Code::NetworkIngress, pointer, "lets in Pods of other namespaces");
    let block = json!({ "ipBlock": { "cidr": "203.0.113.0/24" } });
    assert_only(&with(block), Code::NetworkIngress, pointer, "addresses that");
    let names = json!({ "namespaceSelector": { "matchExpressions": [{ "key": "kubernetes.io/metadata.name", "operator": "In", "values": ["gateway", "monitoring"] }] } });
    assert_none(&with(names));
    assert_none(&with(namespace("shop-abc")));
}

#[test]
fn the_estate_names_who_else_comes_in_and_all_namespaces() {
    let mut plan = plan();
    let mut platform = (*plan.platform).clone();
    platform.network = serde_json::from_value(json!({
        "monitoring": "monitoring",
        "admits": { "namespaces": ["backup"], "addresses": ["203.0.113.0/24"] },
        "namespaces": { "shared": { "team": "platform" }, "gateway": { "team": "edge" } },
    }))
    .unwrap();
    plan.platform = Arc::new(platform);
    let with = |peer: Value| {
        let more = policy("more", json!({ "podSelector": {}, "ingress": [{ "from": [peer] }] }));
        findings(&plan, right().into_values().chain([more]))
    };
    let team = |team: &str| json!({ "namespaceSelector": { "matchLabels": { "team": team } } });
    assert_none(&with(namespace("backup")));
    assert_none(&with(json!({ "ipBlock": { "cidr": "203.0.113.128/25" } })));
    assert_eq!(codes(&with(json!({ "ipBlock": { "cidr": "203.0.112.0/23" } }))), [Code::NetworkIngress]);
    assert_none(&with(team("edge")));
    assert_only(&with(team("platform")), Code::NetworkIngress, "/spec/ingress/0/from/0", "the namespace `shared`");
    assert_only(
        &with(namespace("nowhere")),
        Code::NetworkSelectsNothing,
        "/spec/ingress/0/from/0/namespaceSelector",
        "selects no namespace",
    );
}

#[test]
fn policies_of_other_engines_are_not_evaluated() {
    let cilium = object("cilium.io/v2", "CiliumNetworkPolicy", "web", json!({ "spec": {} }));
    let found = changed_by(|objects| {
        objects.remove("network");
        objects.insert("another", cilium);
    });
    assert!(codes(&found).contains(&Code::NetworkNotEvaluated), "{found:#?}");
    assert!(!codes(&found).contains(&Code::NetworkNoPolicy), "{found:#?}");
}
