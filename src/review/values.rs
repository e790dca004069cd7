//! Values as a report shows them: on one line, shortened, or as a block of YAML.

use serde_json::Value;

use super::escape::escaped;
use crate::yaml;

/// Characters of two equal beginnings that are kept before the first difference.
const BEFORE: usize = 12;

/// Returns a value on one line with at most `room` characters; a text only in quotes where it could pass for another value.
pub(super) fn scalar(value: &Value, room: usize) -> String {
    cut(&plain(value), room)
}

/// Returns a value on one line, as long as it is.
pub(super) fn whole(value: &Value) -> String {
    plain(value)
}

/// Returns two values on one line each, cut so that their first difference is seen.
pub(super) fn pair(from: &Value, to: &Value, room: usize) -> (String, String) {
    let (from, to) = (plain(from), plain(to));
    if from.chars().count() <= room && to.chars().count() <= room {
        return (from, to);
    }
    let equal = from.chars().zip(to.chars()).take_while(|(a, b)| a == b).count();
    if equal + BEFORE < room {
        return (cut(&from, room), cut(&to, room));
    }
    let tail = |text: &str| format!("…{}", text.chars().skip(equal.saturating_sub(BEFORE)).collect::<String>());
    (cut(&tail(&from), room), cut(&tail(&to), room))
}

/// Returns the lines of a value that needs more than one, else none.
pub(super) fn block(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) if map.is_empty() => Vec::new(),
        Value::Array(items) if items.is_empty() => Vec::new(),
        Value::Object(_) | Value::Array(_) => yaml::write(value).lines().map(str::to_owned).collect(),
        Value::String(text) if text.trim_end_matches('\n').contains('\n') => {
            text.split('\n').map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns at most `room` characters of a text, with an ellipsis and its length where something is left out.
pub(super) fn cut(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => escaped(text),
        Value::String(text) => format!("\"{}\"", escaped(&text.replace('\\', "\\\\").replace('"', "\\\""))),
        other => escaped(&other.to_string()),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && !text.starts_with(['"', '['])
        && !text.starts_with("{\"")
        && !text.contains(['\n', '→', '\\'])
        && !matches!(text, "true" | "false" | "null" | "{}")
        && text.parse::<f64>().is_err()
}
