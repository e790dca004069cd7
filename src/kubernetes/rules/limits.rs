//! ResourceQuotas and LimitRanges.

use serde_json::Value;

use super::{
    super::{fault::Fault, quantity::Quantity},
    resources::is_resource,
    spot::Spot,
};

/// Scopes that exclude each other.
const OPPOSITES: [(&str, &str); 2] = [("Terminating", "NotTerminating"), ("BestEffort", "NotBestEffort")];

pub(super) fn quota(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    if let Some(scopes) = spec.field("scopes") {
        for (one, other) in OPPOSITES {
            let has = |name: &str| scopes.items().any(|scope| scope.as_text() == Some(name));
            if has(one) && has(other) {
                scopes.refuse(faults, format!("`{one}` and `{other}` exclude each other"), "keep one of them");
            }
        }
        for scope in scopes.items() {
            applies(&spec, &scope, scope.as_text(), faults);
        }
    }
    let Some(selector) = spec.field("scopeSelector") else { return };
    let Some(expressions) = selector.field("matchExpressions") else { return };
    for expression in expressions.items() {
        let values = expression.count("values");
        match expression.text("operator") {
            Some("In" | "NotIn") if values == 0 => {
                expression.missing(faults, "values", "the operator compares with them")
            }
            Some("Exists" | "DoesNotExist") if values > 0 => {
                expression.refuse_field(faults, "values", "the operator takes no values", "take `values` out");
            }
            _ => {}
        }
        applies(&spec, &expression, expression.text("scopeName"), faults);
    }
}

/// A scope is about Pods, so a quota with one counts nothing else; Pods of the best effort can only be counted.
fn applies(spec: &Spot<'_, '_>, place: &Spot<'_, '_>, scope: Option<&str>, faults: &mut Vec<Fault>) {
    let Some(scope) = scope.filter(|scope| *scope != "VolumeAttributesClass") else { return };
    let Some(hard) = spec.field("hard") else { return };
    let computes = |key: &str| {
        let key = key.strip_prefix("requests.").or_else(|| key.strip_prefix("limits.")).unwrap_or(key);
        matches!(key, "cpu" | "memory" | "ephemeral-storage") || key.starts_with("hugepages-")
    };
    for (key, _) in hard.entries() {
        let counted = key == "pods" || scope != "BestEffort" && computes(key);
        if !counted {
            place.refuse(
                faults,
                format!("the scope `{scope}` does not apply to `{key}`"),
                "give Pods of this scope a quota of their own",
            );
            return;
        }
    }
}

pub(super) fn limit_range(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    let Some(limits) = spec.field("limits") else { return };
    for (index, limit) in limits.items().enumerate() {
        let kind = limit.text("type");
        if kind.is_some() && limits.items().take(index).any(|other| other.text("type") == kind) {
            limit.refuse_field(faults, "type", "the type is in the list already", "make one entry of the two");
        }
        entry(&limit, kind.unwrap_or_default(), faults);
    }
}

fn entry(limit: &Spot<'_, '_>, kind: &str, faults: &mut Vec<Fault>) {
    if kind == "Pod" {
        for name in ["default", "defaultRequest"] {
            if limit.count(name) > 0 {
                limit.refuse_field(
                    faults,
                    name,
                    "Pods have no defaults",
                    "move it to the entry of the type `Container`",
                );
            }
        }
    }
    if kind == "PersistentVolumeClaim" {
        let storage = |side: &str| limit.field(side).is_some_and(|side| side.has("storage"));
        if !storage("min") && !storage("max") {
            limit.missing(faults, "max", "claims are held to a least or a most of `storage`");
        }
    }
    for side in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
        let Some(amounts) = limit.field(side) else { continue };
        for (name, amount) in amounts.entries() {
            let known = if kind == "PersistentVolumeClaim" { name == "storage" } else { is_resource(name) };
            // Types with a domain are somebody else's.
            if matches!(kind, "Container" | "Pod" | "PersistentVolumeClaim") && !known {
                amount.refuse(faults, format!("`{name}` is no resource of a {kind}"), "take it out");
            }
        }
    }
    // Each is at most the next one.
    for (lower, upper) in [
        ("min", "max"),
        ("min", "defaultRequest"),
        ("min", "default"),
        ("defaultRequest", "default"),
        ("defaultRequest", "max"),
        ("default", "max"),
    ] {
        in_order(limit, lower, upper, faults);
    }
}

fn in_order(limit: &Spot<'_, '_>, lower: &str, upper: &str, faults: &mut Vec<Fault>) {
    let (Some(low), Some(high)) = (limit.field(lower), limit.field(upper)) else { return };
    for (name, amount) in low.entries() {
        let Some(most) = high.value.get(name) else { continue };
        if exceeds(amount.value, most) {
            amount.out_of_range(
                faults,
                &format!("is more than `{upper}`"),
                &format!("write at most as much as `{upper}`"),
            );
        }
    }
}

fn exceeds(amount: &Value, most: &Value) -> bool {
    matches!((Quantity::of(amount), Quantity::of(most)), (Ok(amount), Ok(most)) if amount > most)
}
