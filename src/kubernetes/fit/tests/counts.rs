//! What counts beside containers: Pods as a whole, special resources, objects that controllers make, scopes.

use super::*;

fn cron_job(schedule: &str, spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "backup", "namespace": "t" },
        "spec": { "schedule": schedule, "jobTemplate": { "spec": { "activeDeadlineSeconds": 3600,
            "template": { "spec": { "containers": [container("100m", "64Mi")] } } } } }
    });
    object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    object
}

#[test]
fn runs_of_a_cron_job_overlap_up_to_its_deadline() {
    for (schedule, spec, pods) in [
        ("*/10 * * * *", json!({}), "6"),
        ("*/10 * * * *", json!({ "concurrencyPolicy": "Allow" }), "6"),
        ("*/10 * * * *", json!({ "concurrencyPolicy": "Forbid" }), "1"),
        ("*/10 * * * *", json!({ "concurrencyPolicy": "Replace" }), "1"),
        ("*/10 * * * *", json!({ "suspend": true }), "0"),
        ("0 3 * * *", json!({}), "1"),
        ("*/10 * * * *", json!({ "jobTemplate": { "spec": { "template": { "spec": { "containers": [] } } } } }), "1"),
    ] {
        assert_eq!(shown(&total(&[cron_job(schedule, spec.clone())]), "pods"), pods, "{schedule} {spec}");
    }
    assert_eq!(shown(&total(&[cron_job("0 3 * * *", json!({}))]), "count/jobs.batch"), "5");
}

#[test]
fn controllers_make_objects_that_count() {
    let sum = total(&[deployment("auth", 2, &[]), job("plain", None)]);
    assert_eq!(shown(&sum, "count/replicasets.apps"), "12");
    assert_eq!(shown(&sum, "count/pods"), "4");
    let secret = |target: Value| {
        json!({ "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": "a", "namespace": "t" },
            "spec": { "target": target } })
    };
    let certificate = json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": "c", "namespace": "t" } });
    let sum = total(&[secret(json!({})), secret(json!({ "creationPolicy": "Merge" })), certificate]);
    assert_eq!((shown(&sum, "secrets"), shown(&sum, "count/secrets")), ("2".to_owned(), "2".to_owned()));
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "m", "namespace": "t" } });
    assert_eq!(shown(&total(std::slice::from_ref(&map)), "configmaps"), "2", "the cluster's certificate is one too");
    assert_eq!(shown(&total(&[map]), "count/configmaps"), "2");
}

#[test]
fn hooks_that_go_at_once_do_not_add_up() {
    let hook = |name: &str, wave: &str| {
        let mut hook = job(name, Some(("Sync", wave)));
        hook["metadata"]["annotations"]["argocd.argoproj.io/hook-delete-policy"] =
            json!("BeforeHookCreation, HookSucceeded");
        hook
    };
    assert_eq!(shown(&total(&[hook("a", "1"), hook("b", "2")]), "count/jobs.batch"), "1");
}

#[test]
fn a_hook_of_several_phases_runs_in_each() {
    let both = job("both", Some(("PreSync, PostSync", "0")));
    let sum = |other: &str| shown(&total(&[both.clone(), job("other", Some((other, "0")))]), "requests.cpu");
    assert_eq!((sum("PreSync"), sum("PostSync"), sum("Sync")), ("1".to_owned(), "1".to_owned(), "500m".to_owned()));
}

#[test]
fn a_pod_as_a_whole_counts_instead_of_its_containers() {
    let whole = |resources: Value| {
        let mut object = deployment("auth", 1, &[container("100m", "64Mi"), container("100m", "64Mi")]);
        object["spec"]["strategy"] = json!({ "type": "Recreate" });
        object["spec"]["template"]["spec"]["resources"] = resources;
        total(&[object])
    };
    let sum = whole(json!({ "requests": { "cpu": "500m" }, "limits": { "memory": "1Gi" } }));
    assert_eq!(shown(&sum, "requests.cpu"), "500m");
    assert_eq!(shown(&sum, "requests.memory"), "128Mi");
    assert_eq!(shown(&sum, "limits.cpu"), "2");
    assert_eq!(shown(&sum, "limits.memory"), "1Gi");
    let mut silent = deployment("auth", 1, &[json!({ "name": "main", "image": "x" })]);
    silent["spec"]["strategy"] = json!({ "type": "Recreate" });
    silent["spec"]["template"]["spec"]["resources"] = json!({ "limits": { "cpu": "2" } });
    assert_eq!(shown(&total(&[silent]), "requests.cpu"), "2");
}

#[test]
fn special_resources_count_by_their_requests() {
    let mut gpu = container("1", "1Gi");
    gpu["resources"]["limits"]["nvidia.com/gpu"] = json!("2");
    gpu["resources"]["limits"]["hugepages-2Mi"] = json!("4Mi");
    let mut object = deployment("model", 1, &[gpu]);
    object["spec"]["strategy"] = json!({ "type": "Recreate" });
    let sum = total(&[object]);
    for (key, amount) in [
        ("requests.nvidia.com/gpu", "2"),
        ("nvidia.com/gpu", "0"),
        ("hugepages-2Mi", "4Mi"),
        ("requests.hugepages-2Mi", "4Mi"),
    ] {
        assert_eq!(shown(&sum, key), amount, "{key}");
    }
}

#[test]
fn volumes_that_live_as_long_as_their_pod_are_claims() {
    let mut object = deployment("auth", 2, &[]);
    object["spec"]["template"]["spec"]["volumes"] = json!([{ "name": "scratch", "ephemeral": { "volumeClaimTemplate": {
        "metadata": { "annotations": { "volume.beta.kubernetes.io/storage-class": "fast" } },
        "spec": { "resources": { "requests": { "storage": "1Gi" } } } } } }]);
    let sum = total(&[object]);
    for (key, amount) in [
        ("persistentvolumeclaims", "3"),
        ("count/persistentvolumeclaims", "3"),
        ("requests.storage", "3Gi"),
        ("fast.storageclass.storage.k8s.io/requests.storage", "3Gi"),
    ] {
        assert_eq!(shown(&sum, key), amount, "{key}");
    }
}

#[test]
fn a_quota_with_scopes_counts_the_pods_in_them() {
    let mut urgent = deployment("urgent", 1, &[container("1", "1Gi")]);
    urgent["spec"]["strategy"] = json!({ "type": "Recreate" });
    urgent["spec"]["template"]["spec"]["priorityClassName"] = json!("high");
    let mut idle = deployment("idle", 3, &[json!({ "name": "main", "image": "x" })]);
    idle["spec"]["strategy"] = json!({ "type": "Recreate" });
    let mut ending = job("ending", Some(("Sync", "0")));
    ending["spec"]["template"]["spec"]["activeDeadlineSeconds"] = json!(60);
    let demand = demand(Schemas::builtin(), &[urgent, idle, ending]).unwrap();
    let asked = |spec: Value| {
        let mut quota = json!({ "spec": { "hard": { "pods": "0" } } });
        quota["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        check_quota(&quota, &demand).unwrap().first().map_or("0".to_owned(), |excess| excess.asked.to_string())
    };
    let class = |operator: &str, values: Value| json!({ "scopeSelector": { "matchExpressions": [{ "scopeName": "PriorityClass", "operator": operator, "values": values }] } });
    for (spec, pods) in [
        (json!({}), "5"),
        (json!({ "scopes": ["BestEffort"] }), "3"),
        (json!({ "scopes": ["NotBestEffort"] }), "2"),
        (json!({ "scopes": ["Terminating"] }), "1"),
        (json!({ "scopes": ["NotTerminating", "NotBestEffort"] }), "1"),
        (json!({ "scopes": ["CrossNamespacePodAffinity"] }), "0"),
        (class("In", json!(["high"])), "1"),
        (class("NotIn", json!(["high"])), "4"),
        (class("DoesNotExist", json!([])), "4"),
        (class("Exists", json!([])), "1"),
    ] {
        assert_eq!(asked(spec.clone()), pods, "{spec}");
    }
}

#[test]
fn a_ratio_holds_for_whole_pods_and_needs_both_sides() {
    let limits = |kind: &str| limit_range(json!([{ "type": kind, "maxLimitRequestRatio": { "cpu": "4" } }]));
    let with = |kind: &str, cpu: Value| {
        let object = deployment("auth", 1, &[json!({ "name": "main", "image": "x", "resources": cpu })]);
        check_limit_range(&limits(kind), &object).unwrap().into_iter().map(|found| found.message).collect::<Vec<_>>()
    };
    let wide = json!({ "requests": { "cpu": "100m" }, "limits": { "cpu": "1" } });
    assert_eq!(with("Pod", wide), ["the limit 1 of cpu is more than 4 times the request 100m"]);
    assert_eq!(with("Pod", json!({ "requests": { "cpu": "250m" }, "limits": { "cpu": "1" } })), [""; 0]);
    assert!(with("Container", json!({ "requests": { "cpu": "1" } }))[0].starts_with("no limits of cpu"));
    assert!(with("Container", json!({}))[0].starts_with("no requests of cpu"));
}
