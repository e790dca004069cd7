//! Jobs and CronJobs.

use super::{
    super::fault::Fault,
    cron,
    pods::{self, Owner},
    spot::Spot,
};

pub(super) fn check(kind: &str, root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    if kind == "Job" {
        job(&spec, faults);
    }
    if kind == "CronJob" {
        cron::check(&spec, faults);
        if let Some(template) = spec.field("jobTemplate")
            && let Some(spec) = template.field("spec")
        {
            job(&spec, faults);
        }
    }
}

fn job(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if spec.has("selector") && !spec.flag("manualSelector") {
        spec.refuse_field(faults, "selector", "a Job makes its own selector", "take it out");
    }
    let indexed = spec.text("completionMode") == Some("Indexed");
    // Without either of the two, both are 1.
    if indexed && !spec.has("completions") && spec.has("parallelism") {
        spec.missing(faults, "completions", "the completion mode is `Indexed`");
    }
    for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
        if spec.has(name) && !indexed {
            spec.refuse_field(
                faults,
                name,
                "only a Job of the completion mode `Indexed` has indexes",
                "take it out, or write `completionMode: Indexed`",
            );
        }
    }
    let Some(template) = spec.field("template") else { return };
    let Some(pod) = template.field("spec") else { return };
    pods::check(&pod, Owner::Template, faults);
    let restart = pod.text("restartPolicy");
    if !matches!(restart, Some("OnFailure" | "Never")) {
        pod.refuse_field(
            faults,
            "restartPolicy",
            "Pods of a Job end: they restart on failure or never",
            "write `restartPolicy: Never`",
        );
    }
    let Some(policy) = spec.field("podFailurePolicy") else { return };
    if restart != Some("Never") {
        pod.refuse_field(
            faults,
            "restartPolicy",
            "a policy for failures wants Pods that never restart",
            "write `restartPolicy: Never`",
        );
    }
    let Some(rules) = policy.field("rules") else { return };
    for rule in rules.items() {
        let conditions = usize::from(rule.count("onPodConditions") > 0);
        if conditions + usize::from(rule.has("onExitCodes")) != 1 {
            rule.refuse(
                faults,
                "a rule is about exit codes or about conditions",
                "give it one of `onExitCodes` and `onPodConditions`",
            );
        }
        if let Some(codes) = rule.field("onExitCodes")
            && codes.text("operator") == Some("In")
            && codes.field("values").is_some_and(|values| values.items().any(|value| value.value.as_i64() == Some(0)))
        {
            codes.refuse_field(faults, "values", "0 is no failure", "take 0 out");
        }
    }
}
