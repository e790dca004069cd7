//! What the faults of the schema stage say.

use jsonschema::{ValidationError, error::ValidationErrorKind, types::JsonType};
use serde_json::Value;

use super::{Fault, Mend};
use crate::{
    check::{
        places::{below, dotted},
        suggest,
    },
    diag::Code,
};

/// The two sides of a fault: what was wanted and what was given.
pub(super) struct Words<'a> {
    pub schema: &'a Value,
    pub instance: &'a Value,
}

impl Words<'_> {
    /// Returns the schema object that holds the keyword which failed.
    pub(super) fn schema_of(&self, error: &ValidationError<'_>) -> &Value {
        let path = error.schema_path().as_str();
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.schema.pointer(parent).unwrap_or(&Value::Null)
    }

    /// Follows references within the schema.
    pub(super) fn deref<'s>(&'s self, mut schema: &'s Value) -> &'s Value {
        // A schema whose references go in a circle does not compile to anything that fails here.
        while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            match reference.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer)) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    /// Returns what the schema says about a property.
    fn description(&self, owner: &Value, key: &str) -> Option<String> {
        let property = owner.get("properties")?.get(key)?;
        let own = property.get("description").or_else(|| self.deref(property).get("description"));
        Some(as_help(own?.as_str()?))
    }

    pub(super) fn unknown_key(&self, error: &ValidationError<'_>, pointer: &str, key: &str) -> Fault {
        let known = self.schema_of(error).get("properties").and_then(Value::as_object);
        self.unknown_among(pointer, key, known.into_iter().flatten().map(|(key, _)| key.as_str()).collect())
    }

    pub(super) fn unknown_among(&self, pointer: &str, key: &str, known: Vec<&str>) -> Fault {
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        let taken = self.instance.pointer(parent).and_then(Value::as_object);
        let free = known.into_iter().filter(|key| !taken.is_some_and(|taken| taken.contains_key(*key)));
        let help = suggest::help(key, "keys that may be added here", free.collect::<Vec<_>>(), "remove it");
        let owner = if parent.is_empty() { "the file".to_owned() } else { format!("`{}`", dotted(parent)) };
        fault(Code::UnknownKey, pointer, true, format!("{owner} has no key {}", shown(key)), help).mended(Mend::Remove)
    }

    pub(super) fn bad_key(&self, pointer: &str, key: &str, error: &ValidationError<'_>) -> Fault {
        let message = format!("the key {} is not allowed here", shown(key));
        fault(Code::SchemaRule, pointer, true, message, format!("the schema says: {}", clean(&error.to_string())))
    }

    pub(super) fn missing_key(&self, error: &ValidationError<'_>, key: &str) -> Fault {
        let at = error.instance_path().as_str();
        let place = if at.is_empty() { String::new() } else { format!(" in `{}`", dotted(at)) };
        let help = match self.description(self.schema_of(error), key) {
            Some(description) => format!("add it ({description})"),
            None => "add it".to_owned(),
        };
        let property = self.schema_of(error).get("properties").and_then(|properties| properties.get(key));
        let mend = property.map_or(Mend::Keep, |schema| Mend::Put(stand_in(self.deref(schema))));
        let fault = fault(Code::MissingKey, at, true, format!("the key `{key}` is missing{place}"), help);
        Fault { refused: below(at, key), mend, ..fault }
    }

    pub(super) fn wrong_type(&self, at: &str, value: &Value, expected: &[JsonType]) -> Fault {
        let wanted: Vec<&str> =
            expected.iter().filter(|kind| **kind != JsonType::Null).map(|kind| type_words(*kind)).collect();
        let wanted = if wanted.is_empty() { "nothing".to_owned() } else { wanted.join(" or ") };
        let help = match value {
            Value::Number(_) | Value::Bool(_) if expected.contains(&JsonType::String) => {
                format!("quote it: \"{value}\"")
            }
            Value::String(text) if text.parse::<f64>().is_ok() && !expected.contains(&JsonType::String) => {
                "write the number without quotes".to_owned()
            }
            Value::Number(number) if number.is_f64() => "write it without a fraction".to_owned(),
            Value::Null => format!("write {wanted}, or take the key out if it may be left out"),
            _ => format!("write {wanted}"),
        };
        let at_key = value.is_object() || value.is_array();
        fault(
            Code::WrongType,
            at,
            at_key,
            format!("{} must be {wanted}, not {}", subject(at), value_words(value)),
            help,
        )
        .mended(if expected.contains(&JsonType::Null) {
            Mend::Remove
        } else {
            Mend::Put(expected.first().map_or(Value::Null, |kind| empty(*kind)))
        })
    }

    pub(super) fn no_choice(&self, at: &str, value: &Value, choices: &[Value]) -> Fault {
        let words: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
        let help = match value.as_str() {
            Some(word) if words.len() > 1 => suggest::help(word, "choices", words.clone(), "remove it"),
            _ if words.is_empty() => {
                let all: Vec<String> = choices.iter().map(Value::to_string).collect();
                format!("the choices are {}", all.join(", "))
            }
            _ => format!("write {}", suggest::list(words.clone()).unwrap_or_default()),
        };
        let at_key = value.is_object() || value.is_array();
        fault(Code::NotAChoice, at, at_key, format!("{} cannot be {}", subject(at), value_words(value)), help)
            .mended(choices.first().map_or(Mend::Remove, |choice| Mend::Put(choice.clone())))
    }

    pub(super) fn other(&self, error: &ValidationError<'_>) -> Fault {
        use ValidationErrorKind as Kind;
        let at = error.instance_path().as_str();
        let value = error.instance().as_ref();
        let subject = subject(at);
        let (code, message, help) = match error.kind() {
            Kind::Minimum { limit } | Kind::ExclusiveMinimum { limit } => {
                (Code::OutOfRange, format!("{subject} is {value}, below {limit}"), self.range(error))
            }
            Kind::Maximum { limit } | Kind::ExclusiveMaximum { limit } => {
                (Code::OutOfRange, format!("{subject} is {value}, above {limit}"), self.range(error))
            }
            Kind::MinLength { limit } => (
                Code::WrongLength,
                format!("{subject} has fewer characters than {limit}"),
                "write more, or take the key out if it may be left out".to_owned(),
            ),
            Kind::MaxLength { limit } => {
                let length = value.as_str().map_or(0, |text| text.chars().count());
                (
                    Code::WrongLength,
                    format!("{subject} has {length} characters, at most {limit} are allowed"),
                    shorter(),
                )
            }
            Kind::MinItems { limit } | Kind::MinProperties { limit } => (
                Code::WrongLength,
                format!("{subject} has fewer entries than {limit}"),
                "add one, or take the key out if it may be left out".to_owned(),
            ),
            Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
                (Code::WrongLength, format!("{subject} has more entries than {limit}"), shorter())
            }
            Kind::Pattern { pattern } => (
                Code::WrongForm,
                format!("{subject} is {}, which does not have the form `{pattern}`", value_words(value)),
                self.form(error),
            ),
            _ => (
                Code::SchemaRule,
                format!("{subject} does not fit its schema"),
                format!("the schema says: {}", clean(&error.to_string())),
            ),
        };
        let mend = match error.kind() {
            Kind::Minimum { limit } | Kind::Maximum { limit } => Mend::Put(limit.clone()),
            _ => Mend::Keep,
        };
        fault(code, at, value.is_object() || value.is_array(), message, help).mended(mend)
    }

    fn range(&self, error: &ValidationError<'_>) -> String {
        let schema = self.schema_of(error);
        match (schema.get("minimum"), schema.get("maximum")) {
            (Some(low), Some(high)) => format!("write a number from {low} to {high}"),
            (Some(low), None) => format!("write a number from {low} up"),
            (None, Some(high)) => format!("write a number up to {high}"),
            (None, None) => "write a number within the bounds of the schema".to_owned(),
        }
    }

    fn form(&self, error: &ValidationError<'_>) -> String {
        match self.schema_of(error).get("description").and_then(Value::as_str) {
            Some(description) => as_help(description),
            None => "write a text of that form".to_owned(),
        }
    }
}

/// Turns a sentence of the schema into help, which is the middle of a sentence and without its end.
fn as_help(description: &str) -> String {
    let text = description.trim_end_matches('.').replace('\n', " ");
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            format!("{}{second}{}", first.to_lowercase(), letters.as_str())
        }
        _ => text,
    }
}

fn shorter() -> String {
    "write less".to_owned()
}

fn fault(code: Code, pointer: &str, at_key: bool, message: String, help: String) -> Fault {
    let pointer = pointer.to_owned();
    Fault { code, refused: pointer.clone(), pointer, at_key, message, help, mend: Mend::Keep }
}

impl Fault {
    fn mended(self, mend: Mend) -> Self {
        Self { mend, ..self }
    }
}

/// Returns a value of the type that a schema asks for.
fn stand_in(schema: &Value) -> Value {
    if let Some(choice) = schema.get("enum").and_then(Value::as_array).and_then(|choices| choices.first()) {
        return choice.clone();
    }
    match schema.get("type").and_then(Value::as_str).and_then(|kind| kind.parse::<JsonType>().ok()) {
        Some(JsonType::Integer | JsonType::Number) => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(0)),
        Some(kind) => empty(kind),
        None => Value::Null,
    }
}

fn empty(kind: JsonType) -> Value {
    match kind {
        JsonType::Null => Value::Null,
        JsonType::Boolean => Value::Bool(false),
        JsonType::Integer | JsonType::Number => Value::from(0),
        JsonType::String => Value::String(String::new()),
        JsonType::Array => Value::Array(Vec::new()),
        JsonType::Object => Value::Object(serde_json::Map::new()),
    }
}

fn subject(at: &str) -> String {
    if at.is_empty() { "the file".to_owned() } else { format!("`{}`", dotted(at)) }
}

fn type_words(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "text",
        JsonType::Array => "a list",
        JsonType::Object => "a map",
    }
}

/// Returns what a value is, with the value itself where it is short.
pub(super) fn value_words(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(value) => format!("the boolean `{value}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::String(text) => shown(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

/// Returns a text in backticks, escaped and at most 60 characters long: messages go to terminals and logs.
pub(in crate::check) fn shown(text: &str) -> String {
    /// Enough for any sensible value; a message stays one line of a report.
    const MOST: usize = 60;
    let mut out = String::from("`");
    for c in text.chars().take(MOST) {
        if c.is_control() || crate::yaml::is_hidden(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}

/// Returns a message of the library as one line of bounded length.
fn clean(text: &str) -> String {
    /// Longer ones repeat the value that was refused.
    const MOST: usize = 160;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
