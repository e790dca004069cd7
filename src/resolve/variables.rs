//! `${…}` in the settings of an `httpResource`: filled in from the plan, or left for the engine.
//!
//! A filled-in value is data. Its `$` are written `$$`, so a display name that reads `${secret.password}` stays a
//! display name when the engine fills in the rest.

use serde_json::Value;

/// What a reference is filled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The plan, by `resolve`.
    Plan,
    /// What the engine finds or stores: `${found.…}`, `${secret.…}`.
    Engine,
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
    if matches!(root, "found" | "secret") { Scope::Engine } else { Scope::Plan }
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
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Literal(literal) => filled.push_str(&literal.replace('$', "$$")),
            Piece::Reference(reference) if scope(reference) == Scope::Engine => {
                filled.push_str("${");
                filled.push_str(reference);
                filled.push('}');
            }
            Piece::Reference(reference) => filled.push_str(&as_text(look_up(reference)).replace('$', "$$")),
            Piece::Unclosed(rest) => {
                filled.push_str("$${");
                filled.push_str(rest);
            }
        }
    }
    filled
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
}
