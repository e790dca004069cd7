//! The CronJob that repairs what hooks cannot: Argo CD runs no hook when it heals itself or syncs a selection, and may
//! skip one. It makes all tenants' outside resources match the output branch.

use serde_json::{Value, json};

use super::hook::{self, Work};
use crate::estate::Platform;

/// How long a run over all tenants may take: less than a day, so that two never meet by design.
const DEADLINE_SECONDS: u32 = 6 * 60 * 60;

/// Returns the CronJob, in the platform's namespace, where the administrators' credentials are.
pub(super) fn cron_job(platform: &Platform) -> Value {
    let Platform { name, provisioning, argocd, output, .. } = platform;
    let labels = json!({
        "app.kubernetes.io/managed-by": "tenantry",
        "app.kubernetes.io/name": "provision-all",
        "app.kubernetes.io/part-of": name,
    });
    let args = ["provision", "apply", "--all", "--repository", &argocd.repo_url, "--from", &output.branch];
    let mut pod = hook::pod(platform, Work { args: &args, volumes: Vec::new(), mounts: Vec::new() });
    // git keeps its settings in a home; the root of the container is read-only.
    pod["containers"][0]["env"] = json!([{ "name": "HOME", "value": "/tmp" }]);
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "name": "provision-all", "namespace": provisioning.namespace, "labels": labels },
        "spec": {
            "schedule": provisioning.repair_schedule,
            // A second run would only do the same; it waits for the next time.
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 600,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "activeDeadlineSeconds": DEADLINE_SECONDS,
                    "backoffLimit": provisioning.backoff_limit,
                    "template": { "metadata": { "labels": labels }, "spec": pod },
                },
            },
        },
    })
}
