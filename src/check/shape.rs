//! Stage 3: JSON Schema. Every fault is mapped to the key or value that it is about, in words for people.

mod branches;
mod shapes;
mod wording;

use jsonschema::{
    Keyword, PatternOptions, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
    types::JsonType,
};
use serde_json::{Map, Value};

pub(super) use shapes::Shapes;
use wording::Words;
pub(super) use wording::shown;

use super::places::{Finder, below};
use crate::diag::Code;

/// What the schema stage says about one value, before it has a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: Code,
    /// A JSON pointer into the value.
    pub pointer: String,
    /// Whether the key is to be shown rather than the value.
    pub at_key: bool,
    pub message: String,
    pub help: String,
}

/// A compiled JSON Schema.
#[derive(Debug)]
pub(super) struct Shape {
    schema: Value,
    validator: Validator,
}

/// Our own keyword beside `"type": "integer"`: JSON Schema takes `3.0` for an integer, the typed shapes do not.
const WHOLE: &str = "tenantry-whole";

impl Shape {
    /// Compiles a schema. Patterns run on the engine that is linear in the text; references outside the schema are
    /// refused, since the library is built without its resolvers.
    ///
    /// # Errors
    ///
    /// Why it is no schema, and where in it, as a JSON pointer.
    pub(super) fn new(mut schema: Value) -> Result<Self, (String, String)> {
        demand_whole_numbers(&mut schema);
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex()).with_keyword(WHOLE, whole);
        match options.build(&schema) {
            Ok(validator) => Ok(Self { schema, validator }),
            Err(error) => Err((error.instance_path().as_str().to_owned(), error.to_string())),
        }
    }

    /// Returns everything that does not fit, in no particular order.
    pub(super) fn faults(&self, instance: &Value) -> Vec<Fault> {
        // Nearly all files are right, and saying so is much quicker than collecting errors.
        if self.validator.is_valid(instance) {
            return Vec::new();
        }
        let words = Words { schema: &self.schema, instance };
        let mut faults = Vec::new();
        for error in self.validator.iter_errors(instance) {
            words.faults(&error, &mut faults);
        }
        faults
    }

    /// Adds a finding for everything that does not fit; `base` is the pointer to `instance` in the finder's value.
    /// Returns the pointers of what was refused.
    pub(super) fn check(&self, instance: &Value, base: &str, finder: &mut Finder<'_>) -> Vec<String> {
        let mut refused = Vec::new();
        for fault in self.faults(instance) {
            let Fault { code, pointer, at_key, message, help } = fault;
            let place = format!("{base}{pointer}");
            if at_key {
                finder.key(code, &place, message, help);
            } else {
                finder.value(code, &place, message, help);
            }
            refused.push(pointer);
        }
        refused
    }
}

/// Takes refused parts out of a value, so that what is right about the rest can still be checked.
pub(super) fn without(value: &mut Value, refused: &[String]) {
    for pointer in refused {
        let Some((parent, key)) = pointer.rsplit_once('/') else { continue };
        if let Some(Value::Object(map)) = value.pointer_mut(parent) {
            map.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
    }
}

fn demand_whole_numbers(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let integer = |kind: &Value| match kind {
                Value::String(kind) => kind == "integer",
                Value::Array(kinds) => kinds.iter().any(|kind| kind == "integer"),
                _ => false,
            };
            if object.get("type").is_some_and(integer) {
                object.insert(WHOLE.to_owned(), Value::Bool(true));
            }
            object.values_mut().for_each(demand_whole_numbers);
        }
        Value::Array(items) => items.iter_mut().for_each(demand_whole_numbers),
        _ => {}
    }
}

struct Whole;

impl<'i> Keyword<'i> for Whole {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom("a fraction")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        // Other numbers are refused by `type` already.
        !instance.as_f64().is_some_and(|number| instance.is_f64() && number.fract() == 0.0)
    }
}

fn whole<'a>(
    _: &'a Map<String, Value>,
    _: &'a Value,
    _: jsonschema::paths::Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Whole))
}

impl Words<'_> {
    /// Turns an error of the library into faults, one for each thing that a person has to change.
    fn faults(&self, error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
        let at = error.instance_path().as_str();
        let value = error.instance().as_ref();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                faults.extend(unexpected.iter().map(|key| self.unknown_key(error, &below(at, key), key)));
            }
            ValidationErrorKind::PropertyNames { error } => {
                let key = error.instance().as_str().unwrap_or_default();
                faults.push(self.bad_key(&below(at, key), key, error));
            }
            ValidationErrorKind::Required { property } => {
                faults.push(self.missing_key(error, property.as_str().unwrap_or_default()));
            }
            ValidationErrorKind::Type { kind } => {
                let expected: Vec<JsonType> = match kind {
                    TypeKind::Single(kind) => vec![*kind],
                    TypeKind::Multiple(kinds) => kinds.into_iter().collect(),
                };
                faults.push(self.wrong_type(at, value, &expected));
            }
            ValidationErrorKind::Custom { keyword, .. } if keyword == WHOLE => {
                faults.push(self.wrong_type(at, value, &[JsonType::Integer]));
            }
            ValidationErrorKind::Enum { options } => {
                faults.push(self.no_choice(at, value, options.as_array().map_or(&[], Vec::as_slice)));
            }
            ValidationErrorKind::Constant { expected_value } => {
                faults.push(self.no_choice(at, value, std::slice::from_ref(expected_value)));
            }
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                self.branch(error, context, faults);
            }
            _ => faults.push(self.other(error)),
        }
    }
}

#[cfg(test)]
mod tests;
