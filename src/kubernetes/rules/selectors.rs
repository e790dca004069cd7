//! Label selectors: keys, values and expressions.

use super::{
    super::{fault::Fault, names},
    spot::Spot,
};

/// Checks the label selector in a field, where there is one.
pub(super) fn field(parent: &Spot<'_, '_>, name: &str, faults: &mut Vec<Fault>) {
    if let Some(selector) = parent.field(name) {
        check(&selector, faults);
    }
}

/// Checks a label selector.
pub(super) fn check(selector: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(labels) = selector.field("matchLabels") {
        map(&labels, faults);
    }
    let Some(expressions) = selector.field("matchExpressions") else { return };
    for expression in expressions.items() {
        key(&expression, faults);
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
        let Some(values) = expression.field("values") else { continue };
        for value in values.items() {
            label_value(&value, faults);
        }
    }
}

/// Checks a map of labels that something is selected by.
pub(super) fn map(labels: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    for (key, value) in labels.entries() {
        if names::check_key(key).is_err() {
            value.wrong_form(faults, "has a key that no label can have", "choose another key");
        }
        label_value(&value, faults);
    }
}

fn key(expression: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(key) = expression.field("key")
        && key.as_text().is_some_and(|text| names::check_key(text).is_err())
    {
        key.wrong_form(faults, "is no key of a label", "choose another key");
    }
}

fn label_value(value: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if value.as_text().is_some_and(|text| names::check_label_value(text).is_err()) {
        value.wrong_form(faults, "is no value of a label", "select by a value that a label can have");
    }
}
