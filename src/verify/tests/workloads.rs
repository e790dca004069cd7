//! Selectors, Jobs and hooks, autoscalers and budgets.

use super::*;

#[test]
fn a_selector_holds_nothing_that_changes() {
    for (key, value) in [
        ("tenantry.dev/tier", "standard"),
        ("app.kubernetes.io/version", "v1"),
        ("tier", "standard"),
        ("region", "us-east"),
    ] {
        let label = json!({ key: value });
        let found = changed(
            "deployment",
            json!({
                "spec": { "selector": { "matchLabels": label }, "template": { "metadata": { "labels": label } } },
            }),
        );
        let pointer = format!("/spec/selector/matchLabels/{}", key.replace('/', "~1"));
        assert_only(&found, Code::SelectorMutableLabel, &pointer, key);
        let found = changed_by(|objects| {
            merge(
                objects.get_mut("deployment").unwrap(),
                json!({ "spec": { "template": { "metadata": { "labels": label } } } }),
            );
            merge(objects.get_mut("service").unwrap(), json!({ "spec": { "selector": label } }));
        });
        assert_only(&found, Code::ServiceMutableLabel, &format!("/spec/selector/{}", key.replace('/', "~1")), key);
    }
    let label = json!({ "tier": "backend" });
    assert_none(&changed(
        "deployment",
        json!({ "spec": { "selector": { "matchLabels": label }, "template": { "metadata": { "labels": label } } } }),
    ));
}

#[test]
fn a_selector_selects_its_own_pods() {
    let found =
        changed("deployment", json!({ "spec": { "selector": { "matchLabels": { "app": "auth", "zone": "a" } } } }));
    assert_only(&found, Code::SelectorMismatch, "/spec/selector", "does not select its own Pods");
}

#[test]
fn a_service_takes_no_external_addresses() {
    let found = changed("service", json!({ "spec": { "externalIPs": ["1.1.1.1"] } }));
    assert_only(&found, Code::ServiceExternalIps, "/spec/externalIPs", "Service `auth`");
}

#[test]
fn hooks_have_a_deadline_and_words_that_argo_cd_knows() {
    let annotated =
        |key: &str, value: &str| changed("migration", json!({ "metadata": { "annotations": { key: value } } }));
    assert_only(
        &changed("migration", json!({ "spec": { "activeDeadlineSeconds": null } })),
        Code::HookDeadline,
        "/spec",
        "no deadline",
    );
    for (key, value) in [
        ("argocd.argoproj.io/hook", "Presync"),
        ("argocd.argoproj.io/hook-delete-policy", "BeforeHookCreated"),
        ("argocd.argoproj.io/sync-wave", "first"),
    ] {
        let found = annotated(key, value);
        let pointer = format!("/metadata/annotations/{}", key.replace('/', "~1"));
        assert!(
            found
                .iter()
                .any(|f| f.code == Code::HookAnnotation && f.place.file == pointer && f.message.contains(value)),
            "{found:#?}"
        );
    }
    assert_none(&annotated("argocd.argoproj.io/hook-delete-policy", "BeforeHookCreation, HookSucceeded"));
    assert_none(&annotated("argocd.argoproj.io/sync-wave", "3"));
}

#[test]
fn a_job_that_is_no_hook_runs_once_and_never_again() {
    let no_hook = json!({ "metadata": { "annotations": { "argocd.argoproj.io/hook": null } } });
    assert_only(&changed("migration", no_hook.clone()), Code::JobNotHook, "/metadata/annotations", "is no hook");
    let mut deleted = no_hook;
    merge(&mut deleted, json!({ "spec": { "ttlSecondsAfterFinished": 60 } }));
    let codes: Vec<Code> = changed("migration", deleted).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::JobNotHook, Code::JobTtl]);
}

fn autoscaler(name: &str) -> Value {
    object(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "auth",
        json!({
            "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name }, "minReplicas": 2, "maxReplicas": 3 },
        }),
    )
}

#[test]
fn an_autoscaler_scales_something_that_leaves_it_the_number() {
    assert_only(&with(autoscaler("orders")), Code::AutoscalerTarget, "/spec/scaleTargetRef", "scales something");
    assert_only(&with(autoscaler("auth")), Code::AutoscalerReplicas, "/spec/replicas", "Deployment `auth`");
    let scaled = |replicas: Value| {
        changed_by(|objects| {
            merge(objects.get_mut("deployment").unwrap(), json!({ "spec": { "replicas": replicas } }));
            objects.insert("autoscaler", autoscaler("auth"));
        })
    };
    assert_none(&scaled(json!(null)));
    assert_none(&scaled(json!(0)));
}

#[test]
fn a_budget_selects_pods_and_lets_one_go() {
    let found = changed("budget", json!({ "spec": { "selector": { "matchLabels": { "app": "orders" } } } }));
    assert_only(&found, Code::DisruptionBudgetSelectsNothing, "/spec/selector", "PodDisruptionBudget `auth`");
    for (field, value) in [
        ("minAvailable", json!(2)),
        ("minAvailable", json!("100%")),
        ("minAvailable", json!("51%")),
        ("maxUnavailable", json!(0)),
    ] {
        let mut spec = json!({ "spec": { "maxUnavailable": null } });
        merge(&mut spec, json!({ "spec": { field: value } }));
        assert_only(
            &changed("budget", spec),
            Code::DisruptionBudgetBlocks,
            &format!("/spec/{field}"),
            "none of 2 Pods",
        );
    }
    assert_none(&changed("budget", json!({ "spec": { "maxUnavailable": null, "minAvailable": "50%" } })));
}
