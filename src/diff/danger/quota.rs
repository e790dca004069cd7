//! Quotas that fall below what runs.

use serde_json::Value;

use super::immutable;
use crate::{
    diff::change_set::{Danger, Level},
    kubernetes::{
        Schemas,
        fit::{self, QuotaExcess},
    },
};

/// Returns the danger of a ResourceQuota that allows less than the objects of the base ask for at most: those that run keep
/// running, and none of them comes back once it is gone. `running` gives the objects, and is asked where the quota shrinks.
///
/// Whether the target's own objects fit is a finding of its own.
pub(in crate::diff) fn beneath_use(
    kind: &str,
    base: &Value,
    target: &Value,
    running: impl FnOnce() -> Vec<Value>,
) -> Option<Danger> {
    if kind != "ResourceQuota" {
        return None;
    }
    let lowered = immutable::lowered(base, target, "/spec/hard");
    if lowered.is_empty() {
        return None;
    }
    // What cannot be counted has been refused when it was rendered.
    let demand = fit::demand(Schemas::builtin(), &running()).ok()?;
    let excesses = fit::check_quota(target, &demand).ok()?;
    let below: Vec<String> = excesses
        .into_iter()
        .filter(|excess| lowered.contains(&excess.key))
        .map(|QuotaExcess { key, asked, allowed }| format!("{key} {allowed}, in use up to {asked}"))
        .collect();
    let reason = || format!("less than what runs now: {}", below.join("; "));
    (!below.is_empty()).then(|| Danger::new(Level::Disruption, reason()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_falls_below_use_is_told() {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": 3, "strategy": {"type": "Recreate"}, "template": {"spec": {"containers": [
                {"name": "web", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
            ]}}},
        });
        let quota = |cpu: &str, memory: &str| {
            json!({
                "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "all", "namespace": "shop"},
                "spec": {"hard": {"requests.cpu": cpu, "requests.memory": memory}},
            })
        };
        let reason = |kind: &str, after: &Value| {
            let danger = beneath_use(kind, &quota("4", "8Gi"), after, || vec![deployment.clone()]);
            danger.map(|danger| danger.reason)
        };
        assert_eq!(reason("ResourceQuota", &quota("1500m", "3Gi")), None);
        assert_eq!(
            reason("ResourceQuota", &quota("1", "4Gi")).unwrap(),
            "less than what runs now: requests.cpu 1, in use up to 1500m"
        );
        assert_eq!(reason("Deployment", &quota("1", "1Gi")), None);
    }

    #[test]
    fn a_quota_that_stays_asks_for_nothing() {
        let quota = json!({"spec": {"hard": {"pods": "1"}}});
        assert_eq!(beneath_use("ResourceQuota", &quota, &quota, || unreachable!("nothing shrinks")), None);
    }
}
