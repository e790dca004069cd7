//! Stage 3: JSON Schema. Every fault is mapped to the key or value that it is about, in words for people.

mod branches;
mod shapes;
mod wording;

use jsonschema::{
    Keyword, PatternOptions, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
    types::JsonType,
};
use serde::de::DeserializeOwned;
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
    /// What it leaves unknown: the value at this pointer. What rules say about it would be noise.
    pub refused: String,
    pub mend: Mend,
}

/// What lets the rest of a value be read for further checks, though a part of it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mend {
    /// The part has the right type.
    Keep,
    /// Without it.
    Remove,
    /// A stand-in of the right type.
    Put(Value),
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
        if crate::kubernetes::unfolding::is_endless(&schema) {
            return Err((String::new(), "its references unfold into too many parts".to_owned()));
        }
        tighten(&mut schema);
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

    /// Adds a finding for everything that does not fit, mends `instance` so that the rest of it can still be checked,
    /// and lets the finder ignore what is said about the mended parts. `base` is the pointer to `instance` in the
    /// finder's value. Returns whether everything fits.
    pub(super) fn check(&self, instance: &mut Value, base: &str, finder: &mut Finder<'_>) -> bool {
        let faults = self.faults(instance);
        let mut refused = Vec::new();
        for Fault { code, pointer, at_key, message, help, refused: part, mend: way } in &faults {
            let place = format!("{base}{pointer}");
            if finder.is_refused(&format!("{base}{part}")) {
                // A layer has said so already.
            } else if *at_key {
                finder.key(*code, &place, message, help);
            } else {
                finder.value(*code, &place, message, help);
            }
            mend(instance, part, way);
            refused.push(format!("{base}{part}"));
        }
        finder.ignore(refused);
        faults.is_empty()
    }

    /// Checks a value and reads what it can of it; the second half is whether everything fits.
    pub(super) fn read<T: DeserializeOwned>(&self, mut value: Value, finder: &mut Finder<'_>) -> (Option<T>, bool) {
        let fits = self.check(&mut value, "", finder);
        match serde_json::from_value(value) {
            Ok(read) => (Some(read), fits),
            Err(error) => {
                // The schema is made from the same type; should the two ever differ, nobody gets past this silently.
                if fits {
                    let help = "write the value as the schema describes it";
                    finder.key(Code::SchemaRule, "", error.to_string(), help);
                }
                (None, false)
            }
        }
    }
}

fn mend(value: &mut Value, pointer: &str, way: &Mend) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    match (way, value.pointer_mut(parent)) {
        (Mend::Remove, Some(Value::Object(map))) => drop(map.remove(&key)),
        (Mend::Put(stand_in), Some(Value::Object(map))) => drop(map.insert(key, stand_in.clone())),
        (Mend::Put(stand_in), Some(Value::Array(items))) => {
            if let Some(item) = key.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                *item = stand_in.clone();
            }
        }
        _ => {}
    }
}

/// Demands what the typed shapes do beyond their schema: whole numbers written as such, and within their type.
fn tighten(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let integer = |kind: &Value| match kind {
                Value::String(kind) => kind == "integer",
                Value::Array(kinds) => kinds.iter().any(|kind| kind == "integer"),
                _ => false,
            };
            if object.get("type").is_some_and(integer) {
                object.insert(WHOLE.to_owned(), Value::Bool(true));
                let bounds = match object.get("format").and_then(Value::as_str) {
                    Some("uint32") => Some((0, i64::from(u32::MAX))),
                    Some("int32") => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
                    _ => None,
                };
                if let Some((low, high)) = bounds {
                    object.entry("minimum").or_insert(Value::from(low));
                    object.entry("maximum").or_insert(Value::from(high));
                }
            }
            object.values_mut().for_each(tighten);
        }
        Value::Array(items) => items.iter_mut().for_each(tighten),
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
