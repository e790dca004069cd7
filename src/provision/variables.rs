//! `${…}` in the settings of an `httpResource`: filled in from the plan, or left for the engine.
//!
//! A filled-in value is data. Its `$` are written `$$`, so a display name that reads `${secret.password}` stays a
//! display name when the engine fills in the rest.

use std::collections::BTreeSet;

use serde_json::Value;

/// Who fills a reference in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `resolve`, from the plan.
    Plan,
    /// The engine: `${found.…}` from the object that was found, `${needs.…}` from those that it needs.
    Seen,
    /// The engine, from the stored credential: `${secret.…}`.
    Secret,
}

/// A text cut into literals and references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Text as it is; `$$` arrives as one `$`.
    Literal(&'t str),
    /// The inside of `${…}`.
    Reference(&'t str),
    /// A `${` without its `}`, up to the end.
    Unclosed(&'t str),
}

/// Cuts a text at its references.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        if !before.is_empty() {
            pieces.push(Piece::Literal(before));
        }
        rest = match after.as_bytes().first() {
            Some(b'{') => match after.split_once('}') {
                Some((reference, rest)) => {
                    pieces.push(Piece::Reference(&reference[1..]));
                    rest
                }
                None => {
                    pieces.push(Piece::Unclosed(&after[1..]));
                    ""
                }
            },
            first => {
                pieces.push(Piece::Literal("$"));
                if first == Some(&b'$') { &after[1..] } else { after }
            }
        };
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

/// Returns who fills a reference in.
pub fn scope(reference: &str) -> Scope {
    let root = reference.split('.').next().unwrap_or_default();
    match root {
        "found" | "needs" => Scope::Seen,
        "secret" => Scope::Secret,
        _ => Scope::Plan,
    }
}

/// Fills in every reference to the plan in all texts of `value`, keys left alone.
///
/// A text that is one reference and nothing else takes the value's own JSON type. A reference that `look_up` does not
/// know becomes the empty text; `check` refuses those.
pub fn fill(value: Value, look_up: &impl Fn(&str) -> Option<Value>) -> Value {
    match value {
        Value::String(text) => match pieces(&text)[..] {
            [Piece::Reference(reference)] if scope(reference) == Scope::Plan => {
                match look_up(reference).unwrap_or_default() {
                    Value::String(text) => Value::String(text.replace('$', "$$")),
                    other => other,
                }
            }
            _ => Value::String(fill_text(&text, look_up)),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(|item| fill(item, look_up)).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, item)| (key, fill(item, look_up))).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// Fills in every reference to the plan in a text.
pub fn fill_text(text: &str, look_up: &impl Fn(&str) -> Option<Value>) -> String {
    fill_with(text, look_up, str::to_owned)
}

/// Fills in every reference to the plan in the path of a URL. A value is one part of the path, whatever it holds.
pub fn fill_path(text: &str, look_up: &impl Fn(&str) -> Option<Value>) -> String {
    fill_with(text, look_up, encoded)
}

fn fill_with(text: &str, look_up: &impl Fn(&str) -> Option<Value>, write: fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Literal(literal) => filled.push_str(&literal.replace('$', "$$")),
            Piece::Reference(reference) if scope(reference) != Scope::Plan => {
                filled.push_str("${");
                filled.push_str(reference);
                filled.push('}');
            }
            Piece::Reference(reference) => {
                filled.push_str(&write(&as_text(look_up(reference))).replace('$', "$$"));
            }
            Piece::Unclosed(rest) => {
                filled.push_str("$${");
                filled.push_str(rest);
            }
        }
    }
    filled
}

/// Fills in every reference that is left in a document. What comes out is data and holds no reference.
///
/// A text that is one reference and nothing else takes the value's own JSON type.
///
/// # Errors
/// The first reference that `look_up` does not know.
pub fn complete(value: &Value, look_up: &impl Fn(&str) -> Option<Value>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match pieces(text)[..] {
            [Piece::Reference(reference)] => look_up(reference).ok_or_else(|| reference.to_owned())?,
            _ => Value::String(complete_text(text, look_up)?),
        },
        Value::Array(items) => items.iter().map(|item| complete(item, look_up)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let filled = map.iter().map(|(key, item)| Ok((key.clone(), complete(item, look_up)?)));
            Value::Object(filled.collect::<Result<_, String>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// Fills in every reference that is left in a text.
///
/// # Errors
/// The first reference that `look_up` does not know.
pub fn complete_text(text: &str, look_up: &impl Fn(&str) -> Option<Value>) -> Result<String, String> {
    complete_with(text, look_up, str::to_owned)
}

/// Fills in every reference that is left in the path of a URL. A value is one part of the path, whatever it holds.
///
/// # Errors
/// The first reference that `look_up` does not know.
pub fn complete_path(text: &str, look_up: &impl Fn(&str) -> Option<Value>) -> Result<String, String> {
    complete_with(text, look_up, encoded)
}

fn complete_with(
    text: &str,
    look_up: &impl Fn(&str) -> Option<Value>,
    write: fn(&str) -> String,
) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Literal(literal) => filled.push_str(literal),
            Piece::Reference(reference) => {
                let value = look_up(reference).ok_or_else(|| reference.to_owned())?;
                filled.push_str(&write(&as_text(Some(value))));
            }
            Piece::Unclosed(rest) => {
                filled.push_str("${");
                filled.push_str(rest);
            }
        }
    }
    Ok(filled)
}

/// Returns all references in the texts of a value.
pub fn references(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::String(text) => references_in(text),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(map) => map.values().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => BTreeSet::new(),
    }
}

/// Returns all references in a text.
pub fn references_in(text: &str) -> BTreeSet<&str> {
    let references = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Reference(reference) => Some(reference),
        Piece::Literal(_) | Piece::Unclosed(_) => None,
    });
    references.collect()
}

/// Follows keys, or places in a list, that are joined by dots; the whole value where there are none.
pub fn follow<'v>(value: &'v Value, keys: &str) -> Option<&'v Value> {
    keys.split('.').filter(|key| !key.is_empty()).try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => value.get(key),
    })
}

/// Writes a text as one part of a URL's path: everything but letters, digits, `-`, `_`, `.` and `~` as `%XX`. A part
/// of dots alone would be taken for a step up, and is written so too.
fn encoded(text: &str) -> String {
    let dots = !text.is_empty() && text.bytes().all(|byte| byte == b'.');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || byte == b'.' && !dots;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn as_text(value: Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(value: Value) -> Value {
        fill(value, &|reference| match reference {
            "tenant.displayName" => Some(json!("Café ${secret.password} & $5")),
            "tenant.sites" => Some(json!(3)),
            _ => None,
        })
    }

    #[test]
    fn values_keep_their_type_and_never_become_references() {
        let value = filled(json!({"n": "${tenant.sites}", "t": "x ${tenant.displayName} ${found.id}", "p": "$1 $$ 5"}));
        assert_eq!(value, json!({"n": 3, "t": "x Café $${secret.password} & $$5 ${found.id}", "p": "$$1 $$ 5"}));
        // What the engine reads back: our own reference, and the tenant's text as text.
        let text = value["t"].as_str().unwrap_or_default();
        let references: Vec<_> = pieces(text).into_iter().filter(|p| matches!(p, Piece::Reference(_))).collect();
        assert_eq!(references, [Piece::Reference("found.id")]);
    }

    #[test]
    fn an_unclosed_reference_is_told_apart() {
        assert_eq!(pieces("a${b"), [Piece::Literal("a"), Piece::Unclosed("b")]);
        assert_eq!(pieces("$"), [Piece::Literal("$")]);
    }

    #[test]
    fn what_is_left_is_filled_with_data() {
        let look_up = |reference: &str| match reference {
            "found.id" => Some(json!(789)),
            "found.name" => Some(json!("a/${secret.password}?b c")),
            _ => None,
        };
        let filled = complete(&json!({"id": "${found.id}", "t": "n ${found.name} $$${found.id}"}), &look_up);
        assert_eq!(filled, Ok(json!({"id": 789, "t": "n a/${secret.password}?b c $789"})));
        assert_eq!(complete_text("${found.gone}", &look_up), Err("found.gone".to_owned()));
        let path = complete_path("/x/${found.name}", &look_up);
        assert_eq!(path.as_deref(), Ok("/x/a%2F%24%7Bsecret.password%7D%3Fb%20c"));
    }

    #[test]
    fn a_value_is_one_part_of_a_path() {
        let path = |name: &'static str| fill_path("/orgs/${tenant.displayName}/x", &|_| Some(json!(name)));
        assert_eq!(path("../admin?x=$1"), "/orgs/..%2Fadmin%3Fx%3D%241/x");
        assert_eq!(path(".."), "/orgs/%2E%2E/x");
        assert_eq!(path("Café"), "/orgs/Caf%C3%A9/x");
    }

    #[test]
    fn keys_and_places_are_followed() {
        let value = json!({"a": [{"b": 1}]});
        assert_eq!(follow(&value, "a.0.b"), Some(&json!(1)));
        assert_eq!((follow(&value, "a.1"), follow(&value, "")), (None, Some(&value)));
    }
}
