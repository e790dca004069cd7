//! Reading what programs write: any number of documents, without places.

use serde_json::{Map, Number, Value, map};

use super::{
    ambiguous::{self, Ambiguity, Plain},
    events::{self, Event, Range, ScalarStyle, ScanError},
};
use crate::diag::Position;

/// Levels of nesting; the OpenAPI schema of a published CRD has some 40, and `serde_json` stops at 128 too.
const DEEPEST: usize = 128;

/// A text could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The text is not YAML.
    #[error("failed to read YAML at line {}, column {}: {message}", at.line, at.column)]
    Syntax {
        /// Where reading stopped.
        at: Position,
        /// What the parser says.
        message: String,
    },
    /// The text holds what has no JSON value, or what we never expand.
    #[error("failed to read YAML at line {}, column {}: {what} not supported", at.line, at.column)]
    Unsupported {
        /// Where it stands.
        at: Position,
        /// What it is, in the plural.
        what: &'static str,
    },
    /// A mapping holds the same key twice.
    #[error("failed to read YAML at line {}, column {}: the key `{key}` is given twice", at.line, at.column)]
    DuplicateKey {
        /// Where the second one stands.
        at: Position,
        /// The key.
        key: String,
    },
}

/// Reads all documents of a text that a program wrote.
///
/// Plain scalars mean what they mean to Kubernetes, whose reader follows YAML 1.1 (`yes` is true, `017` is fifteen, a date
/// is text): what is read here is about to be compared with, or sent to, a cluster. Documents that hold nothing but
/// comments are left out. Anchors that no alias uses are ignored.
///
/// # Errors
///
/// Returns the first fault: of syntax, an alias, a tag, a merge key, a key that is not a scalar, a duplicate key, a number
/// that JSON does not have, or nesting beyond 128 levels.
pub fn read_documents(text: &str) -> Result<Vec<Value>, ReadError> {
    let mut builder = Builder { documents: Vec::new(), frames: Vec::new() };
    for event in events::lenient(text, DEEPEST) {
        let (event, range) = event.map_err(|error| syntax(&error))?;
        builder.event(event, &range)?;
    }
    Ok(builder.documents)
}

fn syntax(error: &ScanError) -> ReadError {
    ReadError::Syntax { at: events::position(error.marker()), message: error.kind().to_string() }
}

fn unsupported(range: &Range, what: &'static str) -> ReadError {
    ReadError::Unsupported { at: events::position(&range.start), what }
}

struct Builder {
    documents: Vec<Value>,
    frames: Vec<Frame>,
}

/// A collection that has begun and not ended; a map with the key whose value comes next.
enum Frame {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

impl Builder {
    fn event(&mut self, event: Event<'_>, range: &Range) -> Result<(), ReadError> {
        match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, _, Some(_))
            | Event::MappingStart(_, _, Some(_)) => Err(unsupported(range, "tags are")),
            Event::Alias(_) | Event::UnresolvedAlias(_) => Err(unsupported(range, "aliases are")),
            Event::Scalar(text, style, ..) => {
                if let Some(Frame::Map(map, key @ None)) = self.frames.last_mut() {
                    if text == "<<" && style == ScalarStyle::Plain {
                        return Err(unsupported(range, "merge keys are"));
                    }
                    if map.contains_key(text.as_ref()) {
                        let at = events::position(&range.start);
                        return Err(ReadError::DuplicateKey { at, key: text.into_owned() });
                    }
                    *key = Some(text.into_owned());
                    return Ok(());
                }
                let left_out = events::is_left_out(style, range);
                if left_out && self.frames.is_empty() {
                    return Ok(());
                }
                let value = match style {
                    _ if left_out => Value::Null,
                    ScalarStyle::Plain => plain(&text, range)?,
                    _ => Value::String(text.into_owned()),
                };
                self.attach(value);
                Ok(())
            }
            Event::SequenceStart(..) => self.open(Frame::List(Vec::new()), range),
            Event::MappingStart(..) => self.open(Frame::Map(Map::new(), None), range),
            Event::SequenceEnd | Event::MappingEnd => {
                match self.frames.pop() {
                    Some(Frame::List(items)) => self.attach(Value::Array(items)),
                    Some(Frame::Map(map, _)) => self.attach(Value::Object(map)),
                    None => {}
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, frame: Frame, range: &Range) -> Result<(), ReadError> {
        if self.frames.len() >= DEEPEST {
            return Err(unsupported(range, "more than 128 levels are"));
        }
        if matches!(self.frames.last(), Some(Frame::Map(_, None))) {
            return Err(unsupported(range, "keys that are lists or maps are"));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn attach(&mut self, value: Value) {
        match self.frames.last_mut() {
            None => self.documents.push(value),
            Some(Frame::List(items)) => items.push(value),
            Some(Frame::Map(map, key)) => {
                if let Some(map::Entry::Vacant(place)) = key.take().map(|key| map.entry(key)) {
                    place.insert(value);
                }
            }
        }
    }
}

/// Returns what a plain scalar means to Kubernetes.
fn plain(text: &str, range: &Range) -> Result<Value, ReadError> {
    Ok(match ambiguous::resolve(text) {
        Plain::Null => Value::Null,
        Plain::Bool(value) => Value::Bool(value),
        Plain::Number(number) => Value::Number(number),
        Plain::Text => Value::String(text.to_owned()),
        Plain::Unfit(_) => rounded(text).ok_or_else(|| unsupported(range, "numbers that are not finite are"))?,
        Plain::Ambiguous(Ambiguity::Boolean(value)) if is_boolean_word(text) => Value::Bool(value),
        Plain::Ambiguous(Ambiguity::Integer | Ambiguity::Decimal) => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| rounded(&digits)).unwrap_or_else(|| Value::String(text.to_owned()))
        }
        Plain::Ambiguous(_) => Value::String(text.to_owned()),
    })
}

/// The spellings of go-yaml: lower case, upper case, or a capital first.
fn is_boolean_word(text: &str) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    let capital = text.starts_with(|c: char| c.is_ascii_uppercase());
    rest.bytes().all(|b| b.is_ascii_lowercase()) || (capital && rest.bytes().all(|b| b.is_ascii_uppercase()))
}

/// Reads an integer with a prefix for its base; a leading zero alone means octal.
fn integer(text: &str) -> Option<Value> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match body.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &body[2..]),
        [b'0', b'o' | b'O', ..] => (8, &body[2..]),
        [b'0', b'b' | b'B', ..] => (2, &body[2..]),
        [b'0', _, ..] => (8, &body[1..]),
        _ => (10, body),
    };
    let number = i128::from_str_radix(digits, radix).ok()?;
    let number = if negative { -number } else { number };
    Number::from_i128(number).map(Value::Number)
}

/// Reads a decimal, rounded to a 64-bit float; `None` if it is not one or not finite.
fn rounded(text: &str) -> Option<Value> {
    if !text.bytes().any(|b| b.is_ascii_digit())
        || text.bytes().any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E'))
    {
        return None;
    }
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}
