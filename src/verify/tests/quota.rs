//! Quotas and limits.

use super::*;

fn hard(hard: Value) -> Vec<Diagnostic> {
    changed("quota", json!({ "spec": { "hard": hard } }))
}

#[test]
fn quota_keys_exist() {
    let found = hard(json!({ "pod": "5" }));
    assert_only(&found, Code::ResourceQuotaKey, "/spec/hard/pod", "`pod`");
    assert_none(&hard(json!({ "pods": "5", "count/jobs.batch": "5" })));
}

#[test]
fn everything_fits_at_its_greatest_moment() {
    // Two Pods, one more while they are updated, and the migration: four times 100m.
    assert_none(&hard(json!({ "requests.cpu": "400m" })));
    let found = hard(json!({ "requests.cpu": "399m" }));
    assert_only(
        &found,
        Code::QuotaExceeded,
        "/spec/hard/requests.cpu",
        "400m of `requests.cpu` are asked for at most, 399m are allowed",
    );
    assert!(
        found[0].message.ends_with(
            "Deployment `auth` 300m (3 Pods with 1 more while it is updated), Job `migration` 100m (1 Pods)"
        ),
        "{}",
        found[0].message
    );
    assert_only(
        &hard(json!({ "count/deployments.apps": "0" })),
        Code::QuotaExceeded,
        "/spec/hard/count~1deployments.apps",
        "allowed",
    );
}

#[test]
fn what_kustomize_may_still_change_is_not_summed_up() {
    let mut plan = plan();
    plan.tier.kustomize.components.push("small".to_owned());
    let mut objects = right();
    merge(objects.get_mut("quota").unwrap(), json!({ "spec": { "hard": { "requests.cpu": "1m" } } }));
    assert_none(&findings(&plan, objects.into_values()));
}

#[test]
fn containers_keep_to_the_limit_range() {
    let limits = |bounds: Value| {
        let mut item = json!({ "type": "Container" });
        merge(&mut item, bounds);
        changed("limits", json!({ "spec": { "limits": [item] } }))
    };
    let found = limits(json!({ "max": { "cpu": "100m" } }));
    // The Deployment and the migration have the same resources; each is reported.
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|finding| finding.code == Code::LimitRange), "{found:#?}");
    assert_eq!(found[0].place.file, "/spec/template/spec/containers/0/resources/limits/cpu");
    assert_none(&limits(json!({ "max": { "cpu": "200m" } })));
}

#[test]
fn a_quota_makes_requests_a_duty_unless_a_limit_range_gives_them() {
    let without = |limits: Value| {
        changed_by(|objects| {
            objects.insert("limits", object("v1", "LimitRange", "limits", json!({ "spec": { "limits": [limits] } })));
            objects.get_mut("deployment").unwrap()["spec"]["template"]["spec"]["containers"][0]["resources"] =
                json!({ "limits": { "cpu": "200m" }, "requests": { "memory": "1Mi" } });
        })
    };
    let found = without(json!({ "type": "PersistentVolumeClaim", "max": { "storage": "1Gi" } }));
    assert_only(&found, Code::QuotaNeedsResources, "/spec/template/spec/containers/0/resources", "no limits of memory");
    assert_none(&without(json!({ "type": "Container", "default": { "memory": "256Mi" } })));
}
