//! Routes, Ingresses, hosts.

use super::*;

fn ingress(change: Value) -> Value {
    let mut ingress = object(
        "networking.k8s.io/v1",
        "Ingress",
        "web",
        json!({
            "spec": { "rules": [{ "host": "abc.example.com", "http": { "paths": [{
                "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "auth", "port": { "name": "http" } } },
            }] } }] },
        }),
    );
    merge(&mut ingress, change);
    ingress
}

#[test]
fn a_route_takes_the_tenants_hosts_only() {
    let hosts = |hosts: Value| changed("route", json!({ "spec": { "hostnames": hosts } }));
    assert_only(&hosts(json!(["xyz.example.com"])), Code::RouteHost, "/spec/hostnames/0", "xyz.example.com");
    assert_only(&hosts(json!(["xabc.example.com"])), Code::RouteHost, "/spec/hostnames/0", "xabc.example.com");
    assert_only(&hosts(json!(null)), Code::RouteHost, "/spec", "every host");
    assert_none(&hosts(json!(["abc.example.com", "www.abc.example.com", "*.abc.example.com"])));

    let mut found = with(ingress(json!({ "spec": { "rules": [{ "host": "xyz.example.com" }] } })));
    assert_only(&found, Code::RouteHost, "/spec/rules/0/host", "xyz.example.com");
    found = with(object(
        "cert-manager.io/v1",
        "Certificate",
        "tls",
        json!({
            "spec": { "secretName": "tls", "dnsNames": ["auth.shop-abc.svc", "example.com"], "issuerRef": { "name": "le" } },
        }),
    ));
    assert_only(&found, Code::RouteHost, "/spec/dnsNames/1", "`example.com`");
}

#[test]
fn a_route_leads_to_a_service_and_its_port() {
    let backend = |backend: Value| changed("route", json!({ "spec": { "rules": [{ "backendRefs": [backend] }] } }));
    let pointer = "/spec/rules/0/backendRefs/0";
    assert_only(&backend(json!({ "name": "orders", "port": 80 })), Code::RouteBackend, pointer, "`orders`");
    assert_only(&backend(json!({ "name": "auth", "port": 8080 })), Code::RouteBackend, pointer, "8080");
    assert_none(&with(ingress(json!({}))));
    let mut wrong = ingress(json!({}));
    wrong["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = json!({ "name": "web" });
    assert_only(&with(wrong), Code::RouteBackend, "/spec/rules/0/http/paths/0/backend/service", "web");
}

#[test]
fn a_route_hangs_on_something() {
    let parent = |parent: Value| changed("route", json!({ "spec": { "parentRefs": [parent] } }));
    let listeners = json!({ "group": "gateway.networking.k8s.io", "kind": "ListenerSet", "name": "own" });
    assert_only(&parent(listeners), Code::RouteParent, "/spec/parentRefs/0", "ListenerSet `own`");
    assert_only(&parent(json!({ "name": "public" })), Code::RouteParent, "/spec/parentRefs/0", "Gateway `public`");
}

#[test]
fn annotations_of_an_ingress_exist_and_write_no_configuration() {
    let annotated = |name: &str| {
        with(ingress(json!({ "metadata": { "annotations": { format!("nginx.ingress.kubernetes.io/{name}"): "1" } } })))
    };
    let pointer = |name: &str| format!("/metadata/annotations/nginx.ingress.kubernetes.io~1{name}");
    let found = annotated("rate-limit");
    assert_only(&found, Code::IngressAnnotation, &pointer("rate-limit"), "does not exist");
    assert!(found[0].help.contains("limit-rps"));
    assert_only(
        &annotated("configuration-snippet"),
        Code::IngressSnippet,
        &pointer("configuration-snippet"),
        "ingress controller",
    );
    for name in ["limit-rps", "proxy-body-size", "ssl-redirect", "canary-weight"] {
        assert_none(&annotated(name));
    }
}
