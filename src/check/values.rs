//! `spec.values` of tenants: checked by the estate's own schema.

use serde_json::{Map, Value};

use super::{
    files::Files,
    places::{Document, Finder, Places, below},
    shape::{Shape, shown},
};
use crate::{
    diag::{Code, Diagnostic, Place, Position, Span},
    yaml::{self, Profile},
};

/// Where the schema lies.
const PATH: &str = "schemas/values.schema.json";

/// What `spec.values` is checked by.
#[derive(Debug)]
pub(super) enum ValuesSchema {
    /// There is no schema, so there may be no values.
    None,
    /// There is one that cannot be used, which is a finding of its own.
    Broken,
    /// The schema.
    Shape(Box<Shape>),
}

impl ValuesSchema {
    /// Reads the estate's schema.
    pub(super) fn read(files: &Files<'_>, findings: &mut Vec<Diagnostic>) -> Self {
        if !files.has(PATH) {
            return ValuesSchema::None;
        }
        let Some(text) = files.text(PATH) else { return ValuesSchema::Broken };
        let mut refuse = |place: Place, why: String| {
            let help = "write a JSON Schema that needs no other file; patterns have no look-around";
            let message = format!("this is no schema that can be used: {}", why.replace(char::is_control, " "));
            findings.push(Diagnostic::new(Code::InvalidValuesSchema, place, message, help));
            ValuesSchema::Broken
        };
        let schema: Value = match serde_json::from_str(text) {
            Ok(schema) => schema,
            Err(error) => {
                let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).max(1);
                let start = Position { line: number(error.line()), column: number(error.column()) };
                let span = Span { start, end: Position { column: start.column + 1, ..start } };
                return refuse(Place::new(PATH, span), error.to_string());
            }
        };
        let made = match outside_reference(&schema, String::new()) {
            Some((pointer, reference)) => {
                Err((pointer, format!("it refers to {}, outside this file", shown(reference))))
            }
            None => Shape::new(schema),
        };
        match made {
            Ok(shape) => ValuesSchema::Shape(Box::new(shape)),
            Err((pointer, why)) => {
                // JSON is YAML, and the YAML reader knows places. A schema that it finds too large has none.
                let node = yaml::read(PATH, text, Profile::Estate).ok();
                let place = node.map(|node| Document { path: PATH, node }.value(&pointer));
                refuse(place.unwrap_or_else(|| Place::file(PATH)), why)
            }
        }
    }

    /// Checks the values of a tenant.
    pub(super) fn check(&self, finder: &mut Finder<'_>, values: &Map<String, Value>) {
        match self {
            ValuesSchema::None if !values.is_empty() => {
                let help = format!("describe them in `{PATH}`, or take them out");
                let message = "the estate has no schema for values, so a tenant can have none";
                finder.key(Code::ValuesWithoutSchema, "/spec/values", message, help);
            }
            ValuesSchema::None | ValuesSchema::Broken => {}
            ValuesSchema::Shape(shape) => {
                shape.check(&mut Value::Object(values.clone()), "/spec/values", finder);
            }
        }
    }
}

/// Returns the first reference to another file or address, with its place. The library refuses them as well.
fn outside_reference(schema: &Value, pointer: String) -> Option<(String, &str)> {
    match schema {
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let at = below(&pointer, key);
            match value.as_str() {
                Some(reference) if matches!(key.as_str(), "$ref" | "$dynamicRef") && !reference.starts_with('#') => {
                    Some((at, reference))
                }
                _ => outside_reference(value, at),
            }
        }),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| outside_reference(item, format!("{pointer}/{index}")))
        }
        _ => None,
    }
}
