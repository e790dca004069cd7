//! A schema file: kinds, and the definitions that they share.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Map, Value, json};

/// One kind.
pub struct Kind {
    /// Group and version.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The plural of its path.
    pub plural: String,
    /// Whether it lives in a namespace.
    pub namespaced: bool,
    /// Its schema, mostly a reference.
    pub schema: Value,
}

/// What a schema file holds.
pub struct Document {
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// The shared definitions by name.
    pub definitions: Map<String, Value>,
}

impl Document {
    /// Returns the text: sorted, one line a kind and a definition, so that a change of one is a change of one line.
    pub fn text(mut self) -> String {
        self.kinds.sort_by(|a, b| (&a.api_version, &a.kind).cmp(&(&b.api_version, &b.kind)));
        let used = self.reachable();
        let mut out = String::from("{\n\"kinds\": [\n");
        for (index, kind) in self.kinds.iter().enumerate() {
            let Kind { api_version, kind, plural, namespaced, schema } = kind;
            let line = json!({
                "apiVersion": api_version, "kind": kind, "plural": plural, "namespaced": namespaced, "schema": schema,
            });
            let _ = writeln!(out, "{}{line}", if index == 0 { "" } else { "," });
        }
        out.push_str("],\n\"$defs\": {\n");
        let definitions = self.definitions.iter().filter(|(name, _)| used.contains(name.as_str()));
        for (index, (name, schema)) in definitions.enumerate() {
            let _ = writeln!(out, "{}{}: {schema}", if index == 0 { "" } else { "," }, json!(name));
        }
        out.push_str("}\n}\n");
        out
    }

    fn reachable(&self) -> BTreeSet<&str> {
        let mut used = BTreeSet::new();
        let mut open: Vec<&Value> = self.kinds.iter().map(|kind| &kind.schema).collect();
        while let Some(schema) = open.pop() {
            match schema {
                Value::Object(object) => {
                    let name = object.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"));
                    if let Some((name, definition)) = name.and_then(|name| Some((name, self.definitions.get(name)?)))
                        && used.insert(name)
                    {
                        open.push(definition);
                    }
                    open.extend(object.values());
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        used
    }
}
