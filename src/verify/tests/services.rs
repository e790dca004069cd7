//! Services and monitors that look for something.

use super::*;

#[test]
fn a_service_finds_pods_and_ports() {
    let found = changed_by(|objects| {
        objects.insert(
            "orders",
            object(
                "v1",
                "Service",
                "orders",
                json!({ "spec": { "selector": { "app": "orders" }, "ports": [{ "port": 80 }] } }),
            ),
        );
    });
    assert_only(&found, Code::ServiceSelectsNothing, "/spec/selector", "Service `orders`");
    let found =
        changed("service", json!({ "spec": { "ports": [{ "name": "http", "port": 80, "targetPort": "web" }] } }));
    assert_only(&found, Code::ServiceTargetPort, "/spec/ports/0/targetPort", "`web`");
    assert_none(&changed(
        "service",
        json!({ "spec": { "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] } }),
    ));
    let external = object(
        "v1",
        "Service",
        "mail",
        json!({ "spec": { "type": "ExternalName", "externalName": "mail.example.com" } }),
    );
    assert_none(&with(external));
}

#[test]
fn a_monitor_finds_services_and_ports() {
    let found = changed("monitor", json!({ "spec": { "selector": { "matchLabels": { "app": "orders" } } } }));
    assert_only(&found, Code::MonitorSelectsNothing, "/spec/selector", "ServiceMonitor `auth`");
    let found = changed("monitor", json!({ "spec": { "endpoints": [{ "port": "metrics" }] } }));
    assert_only(&found, Code::MonitorPort, "/spec/endpoints/0/port", "`metrics`");
    let elsewhere =
        json!({ "spec": { "namespaceSelector": { "any": true }, "selector": { "matchLabels": { "app": "orders" } } } });
    assert_none(&changed("monitor", elsewhere));
}
