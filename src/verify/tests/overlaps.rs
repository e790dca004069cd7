//! Selectors that take each other's Pods.

use super::*;

fn deployment(name: &str, labels: Value) -> Value {
    let mut template = template(name);
    template["metadata"]["labels"] = labels.clone();
    object(
        "apps/v1",
        "Deployment",
        name,
        json!({ "spec": { "replicas": 1, "selector": { "matchLabels": labels }, "template": template } }),
    )
}

/// Without a quota: these tests are not about sums.
fn added(objects: Vec<Value>) -> Vec<Diagnostic> {
    let mut all = right();
    all.remove("quota");
    findings(&plan(), all.into_values().chain(objects))
}

#[test]
fn workloads_do_not_select_each_others_pods() {
    let found = added(vec![deployment("admin", json!({ "app": "auth", "part": "admin" }))]);
    // Service, budget and monitor of `auth` select them too, and that is one fault.
    assert_only(
        &found,
        Code::SelectorOverlap,
        "/spec/selector",
        "Deployment `auth` selects the Pods of Deployment `admin`",
    );
    assert_eq!(found[0].related.len(), 1);
    let found = added(vec![deployment("twin", json!({ "app": "auth" }))]);
    assert_only(&found, Code::SelectorOverlap, "/spec/selector", "Deployment `twin`");
    assert_none(&added(vec![deployment("admin", json!({ "app": "admin" }))]));
}

#[test]
fn a_pod_has_one_budget() {
    let budget = |labels: Value| {
        object(
            "policy/v1",
            "PodDisruptionBudget",
            "more",
            json!({ "spec": { "maxUnavailable": 1, "selector": { "matchLabels": labels } } }),
        )
    };
    let found = added(vec![budget(json!({ "app": "auth" }))]);
    assert_only(&found, Code::DisruptionBudgetOverlap, "/spec/selector", "the Pods of Deployment `auth`");
    let found = added(vec![budget(json!({}))]);
    assert_only(&found, Code::DisruptionBudgetOverlap, "/spec/selector", "`more`");
    assert_none(&added(vec![deployment("admin", json!({ "app": "admin" })), {
        let mut budget = budget(json!({ "app": "admin" }));
        budget["spec"]["maxUnavailable"] = json!("50%");
        budget
    }]));
    // The Pods of an operator stand in no template.
    assert_none(&added(vec![budget(json!({ "cnpg.io/cluster": "db" }))]));
}

fn autoscaler(name: &str, metric: Value) -> Value {
    object(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        name,
        json!({ "spec": {
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "auth" }, "minReplicas": 2, "maxReplicas": 3,
        "metrics": [metric],
    } }),
    )
}

fn utilization(resource: &str) -> Value {
    json!({ "type": "Resource", "resource": { "name": resource, "target": { "type": "Utilization", "averageUtilization": 80 } } })
}

/// Changes the container of `auth` and adds autoscalers.
fn scaled(container: Value, limits: bool, autoscalers: Vec<Value>) -> Vec<Diagnostic> {
    let mut all = right();
    all.remove("quota");
    if !limits {
        all.remove("limits");
    }
    let deployment = all.get_mut("deployment").unwrap();
    deployment["spec"].as_object_mut().unwrap().remove("replicas");
    merge(&mut deployment["spec"]["template"]["spec"]["containers"][0], container);
    findings(&plan(), all.into_values().chain(autoscalers))
}

#[test]
fn a_workload_has_one_autoscaler() {
    let found =
        scaled(json!({}), true, vec![autoscaler("a", utilization("cpu")), autoscaler("b", utilization("memory"))]);
    assert_only(
        &found,
        Code::AutoscalerOverlap,
        "/spec/scaleTargetRef",
        "`a` and HorizontalPodAutoscaler `b` both scale Deployment `auth`",
    );
    assert_none(&scaled(json!({}), true, vec![autoscaler("a", utilization("cpu"))]));
}

#[test]
fn an_autoscaler_goes_by_requests_that_are_there() {
    let none = json!({ "resources": null });
    let found = scaled(none.clone(), false, vec![autoscaler("a", utilization("cpu"))]);
    assert_only(&found, Code::AutoscalerRequest, "/spec/metrics/0/resource", "container `auth` requests none");
    // A LimitRange says it for them, and a limit is a request.
    assert_none(&scaled(none.clone(), true, vec![autoscaler("a", utilization("cpu"))]));
    let limit = json!({ "resources": { "requests": null } });
    assert_none(&scaled(limit, false, vec![autoscaler("a", utilization("cpu"))]));
    let average = json!({ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "AverageValue", "averageValue": "1" } } });
    assert_none(&scaled(none.clone(), false, vec![autoscaler("a", average)]));
    let one = json!({ "type": "ContainerResource", "containerResource": {
        "name": "memory", "container": "other", "target": { "type": "Utilization", "averageUtilization": 80 } } });
    assert_none(&scaled(none, false, vec![autoscaler("a", one)]));
}

#[test]
fn a_service_does_not_lead_to_jobs() {
    let labelled = json!({ "spec": { "template": { "metadata": { "labels": { "app": "auth" } } } } });
    let found = changed("migration", labelled);
    assert_only(
        &found,
        Code::ServiceSelectsJob,
        "/spec/selector",
        "Service `auth` selects the Pods of Job `migration`",
    );
}

#[test]
fn a_stateful_set_has_a_headless_service() {
    let stateful = |service: &str| {
        let mut set = deployment("db", json!({ "app": "db" }));
        set["kind"] = json!("StatefulSet");
        set["spec"]["serviceName"] = json!(service);
        set
    };
    let service = |spec: Value| {
        let mut service = object(
            "v1",
            "Service",
            "db",
            json!({ "spec": { "selector": { "app": "db" }, "ports": [{ "port": 80 }] } }),
        );
        merge(&mut service, json!({ "spec": spec }));
        service
    };
    let headless = service(json!({ "clusterIP": "None" }));
    assert_none(&added(vec![stateful("db"), headless.clone()]));
    assert_only(
        &added(vec![stateful("bd"), headless]),
        Code::StatefulSetService,
        "/spec/serviceName",
        "`bd`, which nothing makes",
    );
    let found = added(vec![stateful("db"), service(json!({}))]);
    assert_only(&found, Code::StatefulSetService, "/spec/serviceName", "not headless");
}

#[test]
fn a_pod_monitor_selects_pods_and_their_ports() {
    let monitor = |labels: Value, port: &str| {
        added(vec![object(
            "monitoring.coreos.com/v1",
            "PodMonitor",
            "pods",
            json!({ "spec": {
            "selector": { "matchLabels": labels }, "podMetricsEndpoints": [{ "port": port }],
        } }),
        )])
    };
    assert_none(&monitor(json!({ "app": "auth" }), "http"));
    assert_none(&monitor(json!({ "cnpg.io/cluster": "db" }), "metrics"));
    assert_only(&monitor(json!({ "app": "orders" }), "http"), Code::MonitorSelectsNothing, "/spec/selector", "no Pod");
    let found = monitor(json!({ "app": "auth" }), "metrics");
    assert_only(&found, Code::MonitorPort, "/spec/podMetricsEndpoints/0/port", "`metrics`");
}
