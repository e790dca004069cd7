//! How values and near misses are shown in messages.

use serde_json::Value;

/// A value longer than this is cut: a message is one line.
const SHOWN_MAX: usize = 60;

/// Returns a value as a message shows it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::String(text) if text.chars().count() > SHOWN_MAX => {
            format!("the text `{}…`", text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect::<String>())
        }
        Value::String(text) => format!("the text `{}`", text.escape_debug()),
        Value::Array(_) | Value::Object(_) => type_of(value).to_owned(),
    }
}

/// Returns what a value is.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Returns the name that was probably meant: the nearest by edits, where at most a third of the letters differ.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A name longer than any field is not a slip of the fingers, and the distance takes quadratic time.
    if name.len() > 100 {
        return None;
    }
    let lower = name.to_lowercase();
    let distance = |other: &str| strsim::damerau_levenshtein(&lower, &other.to_lowercase());
    let allowed = (name.chars().count() / 3).clamp(1, 4);
    names.map(|other| (distance(other), other)).filter(|(edits, _)| *edits <= allowed).min().map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_no_far_one() {
        let names = || ["image", "imagePullPolicy", "resources", "ports"].into_iter();
        assert_eq!(nearest("imagePullPolcy", names()), Some("imagePullPolicy"));
        assert_eq!(nearest("Image", names()), Some("image"));
        assert_eq!(nearest("port", names()), Some("ports"));
        assert_eq!(nearest("replicas", names()), None);
        assert_eq!(nearest(&"x".repeat(10_000), names()), None);
    }

    #[test]
    fn values_are_shown_in_one_short_line() {
        assert_eq!(shown(&json!("a\nb")), "the text `a\\nb`");
        assert_eq!(shown(&json!(["x"])), "a list");
        assert_eq!(shown(&json!(3)), "`3`");
        assert!(shown(&json!("y".repeat(500))).chars().count() < 80);
    }
}
