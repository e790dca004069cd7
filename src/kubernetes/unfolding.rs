//! How large a JSON Schema becomes once every reference in it is followed.
//!
//! Thirty definitions of which each refers to the next one twice are a kilobyte of text and a billion parts: whoever
//! compiles them runs out of memory (CVE-2025-55199 of helm).

use std::collections::BTreeMap;

use serde_json::Value;

/// The most parts that a schema may unfold into. The largest published chart schemas stay below a tenth of it.
const MOST: u64 = 100_000;

/// The deepest nesting that is followed; the parser of JSON refuses 128 levels within one file.
const DEEPEST: usize = 512;

/// Returns whether a schema unfolds into more parts than anybody writes.
pub(crate) fn is_endless(schema: &Value) -> bool {
    Unfolding { root: schema, known: BTreeMap::new() }.parts(schema, 0) > MOST
}

struct Unfolding<'s> {
    root: &'s Value,
    /// The parts behind each reference; zero while they are counted, so that a circle ends.
    known: BTreeMap<&'s str, u64>,
}

impl<'s> Unfolding<'s> {
    fn parts(&mut self, schema: &'s Value, depth: usize) -> u64 {
        if depth > DEEPEST {
            return MOST + 1;
        }
        let below: u64 = match schema {
            Value::Object(map) => map.iter().fold(0, |sum: u64, (key, value)| {
                let parts = match (key.as_str(), value.as_str()) {
                    ("$ref" | "$dynamicRef", Some(reference)) => self.behind(reference, depth),
                    // Parts of a definition count where it is referred to.
                    ("$defs" | "definitions", _) => 0,
                    _ => self.parts(value, depth + 1),
                };
                sum.saturating_add(parts)
            }),
            Value::Array(items) => {
                items.iter().fold(0, |sum: u64, item| sum.saturating_add(self.parts(item, depth + 1)))
            }
            _ => 0,
        };
        below.saturating_add(1)
    }

    fn behind(&mut self, reference: &'s str, depth: usize) -> u64 {
        if let Some(known) = self.known.get(reference) {
            return *known;
        }
        let Some(target) = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) else { return 1 };
        self.known.insert(reference, 0);
        let parts = self.parts(target, depth + 1);
        self.known.insert(reference, parts);
        parts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_doubles_at_each_step_is_endless() {
        let definitions = |count: usize| {
            let step = |n: usize| {
                let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
                (format!("d{n}"), json!({"allOf": [next, next]}))
            };
            let mut definitions: serde_json::Map<String, Value> = (0..count).map(step).collect();
            definitions.insert(format!("d{count}"), json!({"type": "string"}));
            json!({"$defs": definitions, "$ref": "#/$defs/d0"})
        };
        assert!(is_endless(&definitions(30)));
        assert!(!is_endless(&definitions(5)));
    }

    #[test]
    fn circles_end() {
        assert!(!is_endless(&json!({"properties": {"child": {"$ref": "#"}, "other": {"$ref": "#"}}})));
        assert!(!is_endless(&json!({"$ref": "#"})));
    }
}
