//! Tests of what is read by hand: schedules, times, paths. The rules themselves are held against a real server in tests/truth/.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn faults(group: &str, kind: &str, object: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(group, kind, object, &mut faults);
    faults.into_iter().map(|fault| fault.path).collect()
}

fn cron_job(schedule: &str) -> Value {
    json!({ "spec": { "schedule": schedule } })
}

#[test]
fn schedules_are_read_as_the_controller_reads_them() {
    for good in
        ["* * * * *", "0 3 * * *", "*/5 0-6/2 1,15 JAN-jun sun", "0 3 ? * 0", "@daily", "@every 1h30m", "5/15 * * * *"]
    {
        assert!(faults("batch", "CronJob", &cron_job(good)).is_empty(), "{good}");
    }
    for bad in [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "*/0 * * * *",
        "5-1 * * * *",
        "@never",
        "@every soon",
        "1, * * * *",
    ] {
        assert_eq!(faults("batch", "CronJob", &cron_job(bad)), ["/spec/schedule"], "{bad}");
    }
}

#[test]
fn zones_are_those_of_the_database() {
    let zone = |name: &str| faults("batch", "CronJob", &json!({ "spec": { "timeZone": name } }));
    assert!(["Europe/Paris", "UTC", "America/Argentina/Buenos_Aires"].into_iter().all(|name| zone(name).is_empty()));
    for name in ["Europe/Atlantis", "europe/paris", "", "Local", "Europe/Paris\nUTC"] {
        assert_eq!(zone(name), ["/spec/timeZone"], "{name}");
    }
}

#[test]
fn exceptions_lie_within_their_range() {
    let policy = |range: &str, except: &str| {
        let to = json!([{ "ipBlock": { "cidr": range, "except": [except] } }]);
        faults("networking.k8s.io", "NetworkPolicy", &json!({ "spec": { "egress": [{ "to": to }] } }))
    };
    for (range, except) in [("0.0.0.0/0", "10.0.0.0/8"), ("10.0.0.0/8", "10.255.0.0/16"), ("::/0", "fc00::/7")] {
        assert!(policy(range, except).is_empty(), "{range} {except}");
    }
    for (range, except) in
        [("10.0.0.0/8", "11.0.0.0/16"), ("10.0.0.0/8", "10.0.0.0/8"), ("0.0.0.0/0", "fc00::/7"), ("10.0.0.0/8", "x")]
    {
        assert_eq!(policy(range, except), ["/spec/egress/0/to/0/ipBlock/except/0"], "{range} {except}");
    }
}

#[test]
fn values_of_a_wrong_type_are_passed_over() {
    // Whatever stands somewhere, the schema has spoken about it, and nothing here may panic.
    for value in [json!(null), json!(3), json!("x"), json!([]), json!([null, 3, "x", {}]), json!({ "a": null })] {
        for (group, kind) in [
            ("apps", "Deployment"),
            ("apps", "StatefulSet"),
            ("batch", "Job"),
            ("batch", "CronJob"),
            ("", "Service"),
            ("", "Pod"),
            ("", "ConfigMap"),
            ("", "Secret"),
            ("", "Namespace"),
            ("", "LimitRange"),
            ("", "ResourceQuota"),
            ("networking.k8s.io", "NetworkPolicy"),
            ("networking.k8s.io", "Ingress"),
            ("policy", "PodDisruptionBudget"),
            ("gateway.networking.k8s.io", "HTTPRoute"),
            ("gateway.networking.k8s.io", "ListenerSet"),
            ("autoscaling", "HorizontalPodAutoscaler"),
            ("rbac.authorization.k8s.io", "RoleBinding"),
        ] {
            faults(group, kind, &value);
            faults(group, kind, &json!({ "metadata": value, "spec": value, "data": value, "rules": value }));
            let pod = json!({ "containers": value, "initContainers": [{ "env": value, "livenessProbe": value }], "volumes": value, "affinity": value });
            faults(
                group,
                kind,
                &json!({ "spec": { "template": { "spec": pod }, "selector": value, "rules": value, "ports": value } }),
            );
        }
    }
}
