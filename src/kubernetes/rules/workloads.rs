//! Deployments, StatefulSets, ReplicaSets and DaemonSets.

use super::{
    super::fault::Fault,
    claims,
    pods::{self, Owner},
    selectors,
    spot::Spot,
};

/// A Deployment that says nothing else has so many seconds for a step.
const PROGRESS_SECONDS: i64 = 600;

pub(super) fn check(kind: &str, root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    if let Some(selector) = spec.field("selector") {
        if selector.value.as_object().is_some_and(|fields| fields.is_empty())
            || selector.count("matchLabels") + selector.count("matchExpressions") == 0
        {
            selector.refuse(faults, "an empty selector would select every Pod", "give it the labels of the template");
        }
        selectors::check(&selector, faults);
    }
    if let Some(template) = spec.field("template")
        && let Some(pod) = template.field("spec")
    {
        let claims = spec.field("volumeClaimTemplates");
        pods::check(&pod, claims.as_ref().map_or(Owner::Template, Owner::Claims), faults);
        if pod.text("restartPolicy").is_some_and(|policy| policy != "Always") {
            pod.refuse_field(
                faults,
                "restartPolicy",
                format!("Pods of a {kind} restart always"),
                "take it out, or make a Job",
            );
        }
        if pod.has("activeDeadlineSeconds") {
            pod.refuse_field(
                faults,
                "activeDeadlineSeconds",
                format!("Pods of a {kind} have no deadline"),
                "take it out, or make a Job",
            );
        }
    }
    match kind {
        "Deployment" => deployment(&spec, faults),
        "StatefulSet" => stateful_set(&spec, faults),
        _ => {}
    }
}

fn deployment(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let ready = spec.number("minReadySeconds").unwrap_or(0);
    let deadline = spec.number("progressDeadlineSeconds").unwrap_or(PROGRESS_SECONDS);
    if deadline <= ready {
        spec.refuse_field(
            faults,
            "progressDeadlineSeconds",
            format!("{deadline} seconds are not longer than `minReadySeconds`"),
            "give a step more time than a Pod takes to count as ready",
        );
    }
    let Some(strategy) = spec.field("strategy") else { return };
    let Some(rolling) = strategy.field("rollingUpdate") else { return };
    if strategy.text("type") == Some("Recreate") {
        rolling.refuse(faults, "`Recreate` has no parameters of a rolling update", "take `rollingUpdate` out");
        return;
    }
    rolling.share(faults, "maxSurge", i64::MAX);
    rolling.share(faults, "maxUnavailable", 100);
    let none = |name: &str| rolling.number(name) == Some(0) || rolling.text(name) == Some("0%");
    if none("maxSurge") && none("maxUnavailable") {
        rolling.refuse(
            faults,
            "`maxSurge` and `maxUnavailable` are both 0",
            "let one Pod be more, or one be away: nothing could be replaced",
        );
    }
}

fn stateful_set(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    spec.object_name(faults, "serviceName");
    if let Some(ordinals) = spec.field("ordinals") {
        ordinals.at_least(faults, "start", 0);
    }
    if let Some(strategy) = spec.field("updateStrategy")
        && let Some(rolling) = strategy.field("rollingUpdate")
    {
        if strategy.text("type") == Some("OnDelete") {
            rolling.refuse(faults, "`OnDelete` has no parameters of a rolling update", "take `rollingUpdate` out");
        }
        rolling.at_least(faults, "partition", 0);
        rolling.share(faults, "maxUnavailable", 100);
    }
    let Some(templates) = spec.field("volumeClaimTemplates") else { return };
    for template in templates.items() {
        if let Some(claim) = template.field("spec") {
            claims::check(&claim, faults);
        }
    }
}
