//! How many Pods a workload has at most, and when.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Amounts, Moment, Share, at, claim, limits::Defaults, pods, schedule, scopes::Traits};
use crate::kubernetes::{
    identity::ObjectId,
    quantity::{Quantity, QuantityError},
};

/// The phases of hooks that run Pods; `Skip` runs nothing.
const SKIP: &str = "Skip";

/// The most replicas of workloads that an autoscaler looks after, by kind and name.
pub(super) type Scalers = BTreeMap<(String, String), u64>;

/// Reads the HorizontalPodAutoscalers.
pub(super) fn autoscaled<'o>(objects: impl Iterator<Item = &'o Value>) -> Scalers {
    let autoscalers =
        objects.filter(|object| object.get("kind").and_then(Value::as_str) == Some("HorizontalPodAutoscaler"));
    autoscalers
        .filter_map(|object| {
            let kind = text(object, "/spec/scaleTargetRef/kind")?.to_owned();
            let name = text(object, "/spec/scaleTargetRef/name")?.to_owned();
            Some(((kind, name), object.pointer("/spec/maxReplicas")?.as_u64()?))
        })
        .collect()
}

fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// Returns what a workload adds, `None` for an object that runs no Pods and claims no storage for them.
pub(super) fn share(
    object: ObjectId,
    value: &Value,
    defaults: &Defaults,
    scalers: &Scalers,
) -> Result<Option<Share>, QuantityError> {
    let number = |pointer: &str, absent: u64| value.pointer(pointer).and_then(Value::as_u64).unwrap_or(absent);
    let replicas = || {
        let scaled = scalers.get(&(object.kind.clone(), object.name.clone())).copied();
        match number("/spec/replicas", 1) {
            // Zero replicas switch the autoscaler off: that is how a tenant is suspended.
            0 if value.pointer("/spec/replicas").is_some() => 0,
            replicas => replicas.max(scaled.unwrap_or(0)),
        }
    };
    let (pod, running, surge) = match (object.group(), object.kind.as_str()) {
        ("apps", "Deployment") => ("/spec/template/spec", replicas(), surge(value, replicas())),
        // A StatefulSet ends a Pod before it starts the next one.
        ("apps", "StatefulSet" | "ReplicaSet") => ("/spec/template/spec", replicas(), 0),
        ("batch", "Job") => ("/spec/template/spec", job_pods(value, "/spec"), 0),
        ("batch", "CronJob") => ("/spec/jobTemplate/spec/template/spec", cron_job_pods(value), 0),
        ("", "Pod") => ("/spec", 1, 0),
        _ => return Ok(None),
    };
    let pods = running.saturating_add(surge);
    let mut amounts = Amounts::default();
    if let Some(spec) = value.pointer(pod) {
        amounts.add_all(&pods::amounts(spec, defaults)?, pods)?;
    }
    let traits = Traits::of(value.pointer(pod), &amounts);
    let volumes = value.pointer(pod).and_then(|spec| spec.get("volumes"));
    for volume in volumes.and_then(Value::as_array).into_iter().flatten() {
        // Each Pod has a claim of its own for it, which goes with the Pod.
        if let Some(template) = at(volume, &["ephemeral", "volumeClaimTemplate"]) {
            claims(&mut amounts, template, pods)?;
        }
    }
    match object.kind.as_str() {
        "StatefulSet" => {
            for template in value.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten()
            {
                claims(&mut amounts, template, running)?;
            }
        }
        // The old ones that are kept, the one that is replaced and its successor.
        "Deployment" => {
            let kept = number("/spec/revisionHistoryLimit", KEPT_REVISIONS);
            amounts.add("count/replicasets.apps", Quantity::whole(kept.saturating_add(2)))?;
        }
        "CronJob" => {
            amounts.add("count/jobs.batch", Quantity::whole(kept_jobs(value).saturating_add(runs(value))))?;
        }
        _ => {}
    }
    if pods > 0 && object.kind != "Pod" {
        amounts.add("count/pods", Quantity::whole(pods))?;
    }
    let moment = moment(value);
    Ok(Some(Share { object, pods, surge, moment, traits, amounts }))
}

/// How many old ReplicaSets a Deployment keeps unless it says otherwise.
const KEPT_REVISIONS: u64 = 10;

/// Returns how many ended Jobs a CronJob keeps.
fn kept_jobs(cron_job: &Value) -> u64 {
    let number = |pointer: &str, absent: u64| cron_job.pointer(pointer).and_then(Value::as_u64).unwrap_or(absent);
    number("/spec/successfulJobsHistoryLimit", 3).saturating_add(number("/spec/failedJobsHistoryLimit", 1))
}

fn claims(amounts: &mut Amounts, template: &Value, times: u64) -> Result<(), QuantityError> {
    claim(amounts, template, times)?;
    amounts.add("count/persistentvolumeclaims", Quantity::whole(times))
}

/// Returns how many Pods a rolling update of a Deployment adds: a quarter, rounded up, unless the Deployment says otherwise.
fn surge(deployment: &Value, replicas: u64) -> u64 {
    if text(deployment, "/spec/strategy/type") == Some("Recreate") {
        return 0;
    }
    let share = |percent: u64| replicas.saturating_mul(percent).div_ceil(100);
    match deployment.pointer("/spec/strategy/rollingUpdate/maxSurge") {
        // Without replicas there is nothing to replace.
        _ if replicas == 0 => 0,
        Some(Value::Number(pods)) => pods.as_u64().unwrap_or(0),
        Some(Value::String(percent)) => percent.strip_suffix('%').and_then(|n| n.parse().ok()).map_or(0, share),
        _ => share(25),
    }
}

fn job_pods(object: &Value, spec: &str) -> u64 {
    let number = |field: &str| object.pointer(&format!("{spec}/{field}")).and_then(Value::as_u64);
    let suspended = object.pointer(&format!("{spec}/suspend")) == Some(&Value::Bool(true));
    let parallel = number("parallelism").unwrap_or(1);
    if suspended { 0 } else { number("completions").map_or(parallel, |completions| parallel.min(completions)) }
}

fn cron_job_pods(object: &Value) -> u64 {
    runs(object).saturating_mul(job_pods(object, "/spec/jobTemplate/spec"))
}

/// Returns how many runs of a CronJob there are at once: where they may overlap and have a deadline, as many as begin before it. Without a
/// deadline there is no bound, and one run is what it is planned for.
fn runs(object: &Value) -> u64 {
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return 0;
    }
    if matches!(text(object, "/spec/concurrencyPolicy"), Some("Forbid" | "Replace")) {
        return 1;
    }
    let deadline = object.pointer("/spec/jobTemplate/spec/activeDeadlineSeconds").and_then(Value::as_u64);
    let gap = text(object, "/spec/schedule").and_then(schedule::shortest_gap);
    deadline.zip(gap).map_or(1, |(deadline, gap)| deadline.div_ceil(gap.max(1)).max(1))
}

/// Returns whether Argo CD takes a hook away once it has done its work; otherwise it stays until the next sync.
pub(super) fn goes_at_once(object: &Value) -> bool {
    at(object, &["metadata", "annotations", "argocd.argoproj.io/hook-delete-policy"])
        .and_then(Value::as_str)
        .is_some_and(|policies| policies.split(',').any(|policy| policy.trim() == "HookSucceeded"))
}

/// Returns when an object exists: Argo CD's hooks in their phase and wave, everything else always. One that is a hook of several phases has
/// the first of them here, and the others in `further_moments`.
pub(super) fn moment(object: &Value) -> Moment {
    phases(object).next().unwrap_or(Moment::Always)
}

/// Returns the moments of a hook beyond the first.
pub(super) fn further_moments(object: &Value) -> impl Iterator<Item = Moment> {
    phases(object).skip(1)
}

fn phases(object: &Value) -> impl Iterator<Item = Moment> {
    let annotation = |name: &str| at(object, &["metadata", "annotations", name]).and_then(Value::as_str);
    let phases = annotation("argocd.argoproj.io/hook").unwrap_or_default();
    let wave = annotation("argocd.argoproj.io/sync-wave").and_then(|wave| wave.trim().parse().ok()).unwrap_or(0);
    let phases = phases.split(',').map(str::trim).filter(|phase| !phase.is_empty() && *phase != SKIP);
    phases.map(move |phase| Moment::Hook { phase: phase.to_owned(), wave })
}
