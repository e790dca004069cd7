//! Where Pods may run.

use super::{
    super::{fault::Fault, names},
    selectors,
    spot::Spot,
};

pub(super) fn check(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    spec.object_name(faults, "nodeName");
    if let Some(selector) = spec.field("nodeSelector") {
        selectors::map(&selector, faults);
    }
    if let Some(tolerations) = spec.field("tolerations") {
        tolerations.items().for_each(|toleration| self::toleration(&toleration, faults));
    }
    if let Some(spreads) = spec.field("topologySpreadConstraints") {
        for spread in spreads.items() {
            spread.at_least(faults, "minDomains", 1);
            if spread.has("minDomains") && spread.text("whenUnsatisfiable") == Some("ScheduleAnyway") {
                spread.refuse_field(
                    faults,
                    "minDomains",
                    "`minDomains` counts only with `whenUnsatisfiable: DoNotSchedule`",
                    "take it out",
                );
            }
            selectors::field(&spread, "labelSelector", faults);
        }
    }
    let Some(affinity) = spec.field("affinity") else { return };
    if let Some(nodes) = affinity.field("nodeAffinity") {
        node_affinity(&nodes, faults);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        if let Some(pods) = affinity.field(kind) {
            pod_affinity(&pods, faults);
        }
    }
}

fn toleration(toleration: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let exists = toleration.text("operator") == Some("Exists");
    if exists && toleration.text("value").is_some_and(|value| !value.is_empty()) {
        toleration.refuse_field(faults, "value", "`Exists` compares with nothing", "take `value` out");
    }
    if !exists && toleration.text("key").is_none_or(str::is_empty) {
        toleration.missing(faults, "key", "only `operator: Exists` does without");
    }
    if toleration.has("tolerationSeconds") && toleration.text("effect") != Some("NoExecute") {
        toleration.refuse_field(
            faults,
            "tolerationSeconds",
            "only the effect `NoExecute` has a time",
            "write `effect: NoExecute`, or take the seconds out",
        );
    }
    if let Some(key) = toleration.field("key")
        && key.as_text().is_some_and(|text| !text.is_empty() && names::check_key(text).is_err())
    {
        key.wrong_form(faults, "is no key of a taint", "choose another key");
    }
}

fn node_affinity(nodes: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(required) = nodes.field("requiredDuringSchedulingIgnoredDuringExecution") {
        if required.count("nodeSelectorTerms") == 0 {
            required.missing(faults, "nodeSelectorTerms", "at least one is wanted");
        }
        if let Some(terms) = required.field("nodeSelectorTerms") {
            terms.items().for_each(|term| node_term(&term, faults));
        }
    }
    let Some(preferred) = nodes.field("preferredDuringSchedulingIgnoredDuringExecution") else { return };
    for item in preferred.items() {
        if let Some(term) = item.field("preference") {
            node_term(&term, faults);
        }
    }
}

fn node_term(term: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(expressions) = term.field("matchExpressions") else { return };
    for expression in expressions.items() {
        let values = expression.count("values");
        let wanted = match expression.text("operator") {
            Some("In" | "NotIn") if values == 0 => "at least one",
            Some("Gt" | "Lt") if values != 1 => "exactly one",
            Some("Exists" | "DoesNotExist") if values != 0 => "no",
            _ => continue,
        };
        expression.refuse_field(
            faults,
            "values",
            format!("the operator takes {wanted} value"),
            "correct `values` or `operator`",
        );
    }
}

fn pod_affinity(pods: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(required) = pods.field("requiredDuringSchedulingIgnoredDuringExecution") {
        required.items().for_each(|term| pod_term(&term, faults));
    }
    let Some(preferred) = pods.field("preferredDuringSchedulingIgnoredDuringExecution") else { return };
    for item in preferred.items() {
        if let Some(term) = item.field("podAffinityTerm") {
            pod_term(&term, faults);
        }
    }
}

fn pod_term(term: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    for name in ["labelSelector", "namespaceSelector"] {
        selectors::field(term, name, faults);
    }
}
