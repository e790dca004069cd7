//! Label selectors: whom they mean.

use serde_json::Value;

use super::object::Fields;

/// Returns whether the labels hold each of the wanted ones.
pub(super) fn holds(labels: Option<&Fields>, wanted: &Fields) -> bool {
    wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}

/// Returns whether a label selector (`matchLabels`, `matchExpressions`) selects the labels. An empty one selects all.
pub(super) fn selects(selector: &Value, labels: Option<&Fields>) -> bool {
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    wanted.is_none_or(|wanted| holds(labels, wanted))
        && expressions.into_iter().all(|expression| fits(expression, labels))
}

fn fits(expression: &Value, labels: Option<&Fields>) -> bool {
    let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
    let label = labels.and_then(|labels| labels.get(text("key")));
    let listed = || {
        let values = expression.get("values").and_then(Value::as_array);
        values.is_some_and(|values| label.is_some_and(|label| values.contains(label)))
    };
    match text("operator") {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        // A word that the schema refuses already.
        _ => true,
    }
}

/// Labels that operators give to Pods of their own, which no template shows.
const OPERATORS: [&str; 5] = ["cnpg.io/", "postgresql", "mysql.oracle.com/", "rabbitmq.com/", "strimzi.io/"];

/// Returns whether a label is one that an operator gives to its Pods.
pub(super) fn operators_label(key: &str) -> bool {
    OPERATORS.iter().any(|prefix| key.starts_with(prefix))
}

/// Returns whether a label selector asks for labels that an operator gives to its Pods: whom it selects nobody can tell here.
pub(super) fn is_of_an_operator(selector: &Value) -> bool {
    let labels =
        selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.as_str());
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    let keys = expressions.filter_map(|expression| expression.get("key")?.as_str());
    labels.chain(keys).any(operators_label)
}

/// Returns whether a label selector has no condition.
pub(super) fn is_empty(selector: &Value) -> bool {
    let empty = |field: &str| match selector.get(field) {
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
        None => true,
    };
    empty("matchLabels") && empty("matchExpressions")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_mean_what_kubernetes_says() {
        let labels = json!({ "app": "auth", "tier": "web" });
        let labels = labels.as_object();
        for (selector, selected) in [
            (json!({}), true),
            (json!({ "matchLabels": { "app": "auth" } }), true),
            (json!({ "matchLabels": { "app": "orders" } }), false),
            (json!({ "matchLabels": { "app": "auth", "zone": "a" } }), false),
            (json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["orders", "auth"] }] }), true),
            (json!({ "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": ["auth"] }] }), false),
            (json!({ "matchExpressions": [{ "key": "zone", "operator": "NotIn", "values": ["a"] }] }), true),
            (json!({ "matchExpressions": [{ "key": "zone", "operator": "Exists" }] }), false),
            (json!({ "matchExpressions": [{ "key": "zone", "operator": "DoesNotExist" }] }), true),
        ] {
            assert_eq!(selects(&selector, labels), selected, "{selector}");
        }
        assert!(!selects(&json!({ "matchLabels": { "app": "auth" } }), None));
    }

    #[test]
    fn an_empty_selector_has_no_condition() {
        assert!(is_empty(&json!({})) && is_empty(&json!({ "matchLabels": {} })));
        assert!(!is_empty(&json!({ "matchLabels": { "a": "b" } })));
    }
}
