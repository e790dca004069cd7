//! Alerts and dashboards.

use super::*;

fn alert(expression: &str) -> Vec<Diagnostic> {
    let rule = json!({ "alert": "A", "expr": expression });
    changed("alerts", json!({ "spec": { "groups": [{ "name": "tenant", "rules": [rule] }] } }))
}

const POINTER: &str = "/spec/groups/0/rules/0/expr";

#[test]
fn quotas_are_asked_for_with_their_type() {
    assert_only(&alert("sum(kube_resourcequota{namespace=\"a\"}) > 1"), Code::AlertQuotaType, POINTER, "`type`");
    assert_only(&alert("sum(kube_resourcequota) > 1"), Code::AlertQuotaType, POINTER, "`type`");
    assert_none(&alert("sum(kube_resourcequota{namespace=\"a\", type = \"used\"}) > 1"));
}

#[test]
fn containers_are_counted_once() {
    assert_only(
        &alert("sum(container_memory_rss{pod=\"a\"}) > 1"),
        Code::AlertContainerLabel,
        POINTER,
        "container_memory_rss",
    );
    for right in [
        "sum(container_memory_rss{container=\"php\"}) > 1",
        "sum(container_network_receive_bytes_total{pod=\"a\"}) > 1",
        "sum(kube_pod_container_status_restarts_total) > 1",
    ] {
        assert_none(&alert(right));
    }
}

#[test]
fn dashboards_are_json_without_an_envelope() {
    let dashboard = |text: &str| changed("dashboard", json!({ "data": { "abc.json": text } }));
    assert_only(&dashboard("{\"title\":"), Code::DashboardJson, "/data/abc.json", "EOF");
    assert_only(&dashboard("{\"dashboard\":{\"title\":\"x\"}}"), Code::DashboardEnvelope, "/data/abc.json", "envelope");
    assert_none(&changed("settings", json!({ "data": { "x.json": "no dashboard" } })));
}
