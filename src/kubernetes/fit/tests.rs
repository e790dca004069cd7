//! Sums of real namespaces.

#![allow(clippy::unwrap_used)]

mod counts;

use serde_json::{Value, json};

use super::*;

fn container(cpu: &str, memory: &str) -> Value {
    json!({ "name": "main", "image": "x", "resources": {
        "requests": { "cpu": cpu, "memory": memory }, "limits": { "cpu": "1", "memory": "1Gi" } } })
}

fn deployment(name: &str, replicas: u64, containers: &[Value]) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": "t" },
        "spec": { "replicas": replicas, "template": { "spec": { "containers": containers } } }
    })
}

fn job(name: &str, hook: Option<(&str, &str)>) -> Value {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name, "namespace": "t", "annotations": {} },
        "spec": { "template": { "spec": { "containers": [container("500m", "512Mi")] } } }
    });
    if let Some((phase, wave)) = hook {
        job["metadata"]["annotations"] =
            json!({ "argocd.argoproj.io/hook": phase, "argocd.argoproj.io/sync-wave": wave });
    }
    job
}

fn limit_range(limits: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "limits", "namespace": "t" }, "spec": { "limits": limits } })
}

fn total(objects: &[Value]) -> Amounts {
    demand(Schemas::builtin(), objects).unwrap().total
}

fn shown(amounts: &Amounts, key: &str) -> String {
    amounts.get(key).to_string()
}

#[test]
fn a_rolling_update_adds_a_quarter_rounded_up() {
    for (strategy, pods) in [
        (json!(null), "5"),
        (json!({ "type": "Recreate" }), "4"),
        (json!({ "rollingUpdate": { "maxSurge": 0 } }), "4"),
        (json!({ "rollingUpdate": { "maxSurge": 3 } }), "7"),
        (json!({ "rollingUpdate": { "maxSurge": "30%" } }), "6"),
    ] {
        let mut object = deployment("auth", 4, &[container("250m", "256Mi")]);
        object["spec"]["strategy"] = strategy.clone();
        assert_eq!(shown(&total(&[object]), "pods"), pods, "{strategy}");
    }
    let total = total(&[deployment("auth", 4, &[container("250m", "256Mi")])]);
    assert_eq!(shown(&total, "requests.cpu"), "1250m");
    assert_eq!(shown(&total, "requests.memory"), "1280Mi");
    assert_eq!(shown(&total, "limits.cpu"), "5");
    assert_eq!(shown(&total, "count/deployments.apps"), "1");
}

#[test]
fn an_autoscaler_counts_with_its_greatest_number_unless_the_workload_is_off() {
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "auth", "namespace": "t" },
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "auth" }, "maxReplicas": 8 }
    });
    let sum = |replicas| total(&[scaler.clone(), deployment("auth", replicas, &[container("100m", "64Mi")])]);
    assert_eq!(shown(&sum(2), "pods"), "10");
    assert_eq!(shown(&sum(0), "pods"), "0");
    assert_eq!(shown(&total(&[scaler.clone(), deployment("other", 2, &[])]), "pods"), "3");
}

#[test]
fn init_containers_count_alone_and_sidecars_all_the_time() {
    let mut object = deployment("auth", 1, &[container("200m", "64Mi"), container("100m", "64Mi")]);
    object["spec"]["strategy"] = json!({ "type": "Recreate" });
    object["spec"]["template"]["spec"]["initContainers"] = json!([container("250m", "512Mi")]);
    assert_eq!(shown(&total(&[object.clone()]), "requests.cpu"), "300m");
    assert_eq!(shown(&total(&[object.clone()]), "requests.memory"), "512Mi");
    let mut sidecar = container("50m", "32Mi");
    sidecar["restartPolicy"] = json!("Always");
    object["spec"]["template"]["spec"]["initContainers"] = json!([sidecar, container("400m", "16Mi")]);
    let total = total(&[object]);
    assert_eq!(shown(&total, "requests.cpu"), "450m");
    assert_eq!(shown(&total, "requests.memory"), "160Mi");
}

#[test]
fn hooks_of_one_wave_run_at_once_and_waves_one_after_another() {
    let objects = [
        deployment("auth", 1, &[container("1", "1Gi")]),
        job("provision", Some(("PreSync", "0"))),
        job("migrate-a", Some(("Sync", "1"))),
        job("migrate-b", Some(("Sync", "1"))),
        job("later", Some(("Sync", "2"))),
    ];
    let demand = demand(Schemas::builtin(), &objects).unwrap();
    // The Deployment with its surge, and the two migrations.
    assert_eq!(shown(&demand.total, "requests.cpu"), "3");
    assert_eq!(shown(&demand.total, "pods"), "4");
    // Hooks stay until the next sync, whatever their wave.
    assert_eq!(shown(&demand.total, "count/jobs.batch"), "4");
    assert_eq!(demand.shares.len(), 5);
    assert_eq!(demand.shares[0].surge, 1);
    assert_eq!(demand.shares[2].moment, Moment::Hook { phase: "Sync".to_owned(), wave: 1 });
    assert_eq!(shown(&total(&[job("plain", None), job("hook", Some(("Sync", "0")))]), "pods"), "2");
}

#[test]
fn parallel_jobs_and_suspended_ones() {
    let with = |spec: Value| {
        let mut object = job("j", None);
        object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        shown(&total(&[object]), "pods")
    };
    assert_eq!(with(json!({ "parallelism": 3 })), "3");
    assert_eq!(with(json!({ "parallelism": 3, "completions": 2 })), "2");
    assert_eq!(with(json!({ "suspend": true })), "0");
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "backup", "namespace": "t" },
        "spec": { "schedule": "0 3 * * *", "jobTemplate": { "spec": { "template": { "spec": { "containers": [container("100m", "64Mi")] } } } } }
    });
    assert_eq!(shown(&total(&[cron]), "requests.cpu"), "100m");
}

#[test]
fn a_limit_range_fills_in_what_containers_leave_out() {
    let limits = limit_range(
        json!([{ "type": "Container", "default": { "cpu": "500m", "memory": "512Mi" }, "defaultRequest": { "cpu": "100m" } }]),
    );
    let mut object = deployment("auth", 1, &[json!({ "name": "main", "image": "x" })]);
    object["spec"]["strategy"] = json!({ "type": "Recreate" });
    let sum = total(&[limits.clone(), object.clone()]);
    assert_eq!(shown(&sum, "requests.cpu"), "100m");
    assert_eq!(shown(&sum, "requests.memory"), "512Mi");
    assert_eq!(shown(&sum, "limits.cpu"), "500m");
    // A limit of its own is the request, before the LimitRange is asked.
    object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({ "limits": { "cpu": "2" } });
    assert_eq!(shown(&total(&[limits, object]), "requests.cpu"), "2");
}

#[test]
fn claims_and_services_are_counted() {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data", "namespace": "t" },
        "spec": { "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": { "requests": { "storage": "10Gi" } } }
    });
    let stateful = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "db", "namespace": "t" },
        "spec": { "replicas": 3, "template": { "spec": { "containers": [container("1", "1Gi")] } },
            "volumeClaimTemplates": [{ "metadata": { "name": "data" }, "spec": { "resources": { "requests": { "storage": "20Gi" } } } }] }
    });
    let service = |kind: &str| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "t" },
            "spec": { "type": kind, "ports": [{ "port": 80 }, { "port": 443 }] }
        })
    };
    let objects = [claim, stateful, service("ClusterIP"), service("LoadBalancer"), service("NodePort")];
    let demand = demand(Schemas::builtin(), &objects).unwrap();
    let sum = &demand.total;
    for (key, amount) in [
        ("requests.storage", "70Gi"),
        ("persistentvolumeclaims", "4"),
        ("count/persistentvolumeclaims", "4"),
        ("fast.storageclass.storage.k8s.io/requests.storage", "10Gi"),
        ("pods", "3"),
        ("services", "3"),
        ("services.loadbalancers", "1"),
        ("services.nodeports", "4"),
    ] {
        assert_eq!(shown(sum, key), amount, "{key}");
    }
    let quota = json!({ "spec": { "hard": { "requests.storage": "60Gi", "pods": "3", "services": 2 } } });
    let excesses = check_quota(&quota, &demand).unwrap();
    assert_eq!(excesses.iter().map(|excess| excess.key.as_str()).collect::<Vec<_>>(), ["requests.storage", "services"]);
    assert_eq!(excesses[0].asked.to_string(), "70Gi");
}

#[test]
fn a_limit_range_refuses_what_is_outside() {
    let limits = limit_range(json!([
        { "type": "Container", "max": { "cpu": "2", "memory": "1Gi" }, "min": { "cpu": "100m" }, "maxLimitRequestRatio": { "cpu": "4" } },
        { "type": "PersistentVolumeClaim", "max": { "storage": "50Gi" }, "min": { "storage": "1Gi" } }
    ]));
    let with =
        |resources: Value| deployment("auth", 1, &[json!({ "name": "main", "image": "x", "resources": resources })]);
    let paths = |object: &Value| -> Vec<String> {
        check_limit_range(&limits, object).unwrap().into_iter().map(|violation| violation.path).collect()
    };
    let at = |place: &str| vec![format!("/spec/template/spec/containers/0/resources/{place}")];
    assert_eq!(
        paths(&with(
            json!({ "requests": { "cpu": "500m", "memory": "1Gi" }, "limits": { "cpu": "2", "memory": "1Gi" } })
        )),
        Vec::<String>::new()
    );
    assert_eq!(paths(&with(json!({ "requests": { "cpu": "50m" }, "limits": { "cpu": "200m" } }))), at("requests/cpu"));
    assert_eq!(paths(&with(json!({ "requests": { "cpu": "1" }, "limits": { "cpu": "3" } }))), at("limits/cpu"));
    assert_eq!(paths(&with(json!({ "requests": { "cpu": "200m" }, "limits": { "cpu": "1" } }))), at("limits/cpu"));
    assert_eq!(
        paths(&with(json!({ "requests": { "memory": "1Gi" }, "limits": { "memory": "512Mi" } }))),
        at("requests/memory")
    );
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" },
        "spec": { "resources": { "requests": { "storage": "60Gi" } } }
    });
    let violations = check_limit_range(&limits, &claim).unwrap();
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert_eq!(violations[0].path, "/spec/resources/requests/storage");
    assert_eq!(violations[0].message, "requests 60Gi of storage, at most 50Gi is allowed");
}

#[test]
fn quota_keys_are_those_of_the_api_server() {
    let check = |key: &str| check_quota_key(Schemas::builtin(), key);
    for key in [
        "pods",
        "requests.cpu",
        "limits.memory",
        "count/deployments.apps",
        "count/configmaps",
        "count/ingresses.networking.k8s.io",
        "fast.storageclass.storage.k8s.io/requests.storage",
        "requests.nvidia.com/gpu",
        "hugepages-2Mi",
        "count/widgets.example.com",
    ] {
        assert_eq!(check(key), Ok(()), "{key}");
    }
    for (key, instead) in [
        ("deployments.apps", Some("count/deployments.apps")),
        ("deployment", Some("count/deployments.apps")),
        ("ingresses.networking.k8s.io", Some("count/ingresses.networking.k8s.io")),
        ("request.cpu", Some("requests.cpu")),
        ("count/deployment.apps", Some("count/deployments.apps")),
        ("storage", None),
        ("fast storage/x", None),
    ] {
        assert_eq!(check(key).unwrap_err().instead.as_deref(), instead, "{key}");
    }
}

#[test]
fn what_cannot_be_counted_names_the_object() {
    let error = demand(Schemas::builtin(), &[deployment("auth", 1, &[container("x", "1Gi")])]).unwrap_err();
    assert_eq!(error.to_string(), "failed to count apps/v1 Deployment t/auth: `x` is not a quantity");
    assert!(demand(Schemas::builtin(), &[json!({})]).is_err());
    let huge = deployment("auth", u64::MAX, &[container("9999999E", "1Gi")]);
    assert!(demand(Schemas::builtin(), &[huge]).is_err());
}
