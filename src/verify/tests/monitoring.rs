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

#[test]
fn expressions_are_closed_and_ask_for_what_is_there() {
    assert_only(&alert("sum(up{job=\"a\"} > 1"), Code::AlertSyntax, POINTER, "`(` is not closed");
    let metric = |labels: &str| alert(&format!("kube_deployment_status_replicas_available{{{labels}}} < 1"));
    let found = metric("namespace=\"shop-abc\",deployment=\"orders\"");
    assert_only(&found, Code::QuerySelectsNothing, POINTER, "`deployment=\"orders\"`");
    for right in [
        "namespace=\"shop-abc\",deployment=\"auth\"",
        "namespace=\"platform\",deployment=\"orders\"",
        "namespace=\"shop-abc\",deployment=~\"orders.*\"",
        "deployment=\"orders\"",
    ] {
        assert_none(&metric(right));
    }
}

#[test]
fn dashboards_of_the_operator_are_dashboards_too() {
    let dashboard = |spec: Value| {
        let mut all = json!({ "instanceSelector": { "matchLabels": { "dashboards": "grafana" } } });
        merge(&mut all, spec);
        with(object("grafana.integreatly.org/v1beta1", "GrafanaDashboard", "abc", json!({ "spec": all })))
            .into_iter()
            .filter(|finding| finding.code != Code::ObjectUnknownKind)
            .collect::<Vec<_>>()
    };
    assert_none(&dashboard(json!({ "json": "{\"title\":\"ABC\"}" })));
    let found = dashboard(json!({ "json": "{\"dashboard\":{}}" }));
    assert_only(&found, Code::DashboardEnvelope, "/spec/json", "GrafanaDashboard `abc`");
    assert_none(&dashboard(json!({ "configMapRef": { "name": "dashboard", "key": "abc.json" } })));
    let found = dashboard(json!({ "configMapRef": { "name": "dashboard", "key": "abd.json" } }));
    assert_only(&found, Code::ConfigMapKeyMissing, "/spec/configMapRef/key", "`abd.json`");
}
