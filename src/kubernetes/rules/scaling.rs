//! Autoscalers and disruption budgets.

use super::{super::fault::Fault, selectors, spot::Spot};

/// The sources of metrics: the type and the field that belongs to it.
const SOURCES: [(&str, &str); 5] = [
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
    ("Pods", "pods"),
    ("Object", "object"),
    ("External", "external"),
];

pub(super) fn autoscaler(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    let (least, most) = (spec.number("minReplicas"), spec.number("maxReplicas"));
    if let (Some(least), Some(most)) = (least, most)
        && most < least
    {
        spec.refuse_field(
            faults,
            "maxReplicas",
            format!("{most} is less than `minReplicas`, {least}"),
            "write at least as many",
        );
    }
    let metrics = spec.field("metrics");
    if let Some(metrics) = &metrics {
        metrics.items().for_each(|metric| self::metric(&metric, faults));
    }
    let beyond = |metric: Spot<'_, '_>| matches!(metric.text("type"), Some("Object" | "External"));
    if least == Some(0) && !metrics.as_ref().is_some_and(|metrics| metrics.items().any(beyond)) {
        spec.refuse_field(
            faults,
            "minReplicas",
            "0 is allowed only with a metric of an object or from outside",
            "write at least 1: nothing would wake the Pods",
        );
    }
    let Some(behavior) = spec.field("behavior") else { return };
    for direction in ["scaleUp", "scaleDown"] {
        let Some(rules) = behavior.field(direction) else { continue };
        if rules.has("policies") && rules.count("policies") == 0 {
            rules.refuse_field(
                faults,
                "policies",
                "at least one policy is wanted",
                "leave the list out for the default",
            );
        }
        if rules.number("stabilizationWindowSeconds").is_some_and(|seconds| !(0..=3600).contains(&seconds)) {
            rules.refuse_field(faults, "stabilizationWindowSeconds", "a window is an hour at most", "write 0 to 3600");
        }
    }
}

fn metric(metric: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some((kind, wanted)) = SOURCES.iter().find(|(kind, _)| metric.text("type") == Some(kind)) else { return };
    for (_, field) in SOURCES {
        match (field == *wanted, metric.field(field)) {
            (true, None) => metric.missing(faults, field, &format!("the type is `{kind}`")),
            (false, Some(_)) => metric.refuse_field(
                faults,
                field,
                format!("a metric of the type `{kind}` has no `{field}`"),
                "take it out, or make two metrics",
            ),
            (true, Some(source)) => {
                if let Some(target) = source.field("target") {
                    self::target(&target, matches!(*kind, "Resource" | "ContainerResource"), faults);
                }
            }
            (false, None) => {}
        }
    }
}

fn target(target: &Spot<'_, '_>, resource: bool, faults: &mut Vec<Fault>) {
    if resource {
        target.exactly_one(faults, &["averageUtilization", "averageValue"]);
        if target.has("value") {
            target.refuse_field(faults, "value", "a resource is measured for each Pod", "write `averageValue`");
        }
    } else if !target.has("value") && !target.has("averageValue") {
        target.missing(faults, "averageValue", "a target has `value` or `averageValue`");
    }
    target.at_least(faults, "averageUtilization", 1);
}

pub(super) fn disruption_budget(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    spec.at_most_one(faults, &["minAvailable", "maxUnavailable"]);
    spec.share(faults, "minAvailable", 100);
    spec.share(faults, "maxUnavailable", 100);
    selectors::field(&spec, "selector", faults);
}
