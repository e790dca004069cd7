//! Holes: the places of values in a rendered text, one private-use character each, and the values that belong there.
//!
//! The n-th value that a template writes becomes the character U+F0000 + n. The text around the holes depends on control
//! flow alone, so it is parsed without the values, and no value can ever change the structure around it.

use std::{borrow::Cow, fmt::Display};

use minijinja::{
    Value,
    value::{DynObject, ValueKind},
};
use serde_json::{Map, Number, Value as Json};

/// The placeholder of the first value: the first character of plane 15, which is private use as a whole.
const FIRST: u32 = 0xF_0000;

/// The most values of one file. Plane 15 has 65,534 characters; a Kubernetes object with more fields than this would not
/// fit in etcd.
pub(super) const MOST_HOLES: usize = 65_000;

/// The most parts of one value: lists that hold another list twice, again and again, cost nothing until they are written.
const MOST_PARTS: usize = 200_000;

/// The most bytes of one text that is joined from values; as much as a whole file may print.
const LONGEST: usize = super::engine::MOST_OUTPUT;

/// The most bytes of all values of one file together: some room for values that are printed in part, such as a list whose items
/// one after the other are looked at. Without it, a few letters of a template make 65,000 texts of 1 MiB each.
pub(super) const MOST_BYTES: usize = 16 * LONGEST;

/// The most levels of a value: twice what a schema inside a CRD nests.
const DEEPEST: usize = 96;

/// Why a value cannot stand where a template put it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HoleFault {
    /// An `if` without `else`.
    #[error("the expression has no value")]
    Undefined,
    /// A part of a map or list that does not exist; holds the way to it.
    #[error("`{0}` inside of the value is undefined")]
    UndefinedPart(String),
    /// `none`.
    #[error("the value is null")]
    Null,
    /// A map or a list inside of a text, or as a key.
    #[error("{0} cannot stand in a text")]
    Structure(&'static str),
    /// A value that is not data; holds what it is.
    #[error("{0} is not data")]
    NotData(&'static str),
    /// A number that JSON does not have.
    #[error("the number {0} has no JSON form")]
    Number(String),
    /// A key of a map that is neither text nor a number.
    #[error("{0} cannot be a key")]
    Key(&'static str),
    /// A placeholder that belongs to no value: private-use characters are ours alone.
    #[error("the private-use character U+{0:04X} belongs to no value")]
    Foreign(u32),
    /// A text beyond [`LONGEST`].
    #[error("the text has more than {LONGEST} bytes")]
    TooLong,
    /// Values of more than [`MOST_BYTES`] in one file.
    #[error("the values of the file have more than {MOST_BYTES} bytes together")]
    Many,
    /// A value of more than [`DEEPEST`] levels.
    #[error("the value nests deeper than {DEEPEST} levels")]
    TooDeep,
}

impl HoleFault {
    /// Returns what to do about it.
    pub(super) fn help(&self) -> &'static str {
        match self {
            HoleFault::Undefined => "give the expression an `else`",
            HoleFault::UndefinedPart(_) => "correct the name that its value comes from, or give that a `| default(…)`",
            HoleFault::Null => "leave the line out with `{% if … %}`, or give the expression a `| default(…, true)`",
            HoleFault::Structure(_) => {
                "let the value stand alone behind `key: `, take one field of it, or make it text with `| join` or `| tojson`"
            }
            HoleFault::NotData(_) => "call the macro or function, or take a field of the value",
            HoleFault::Number(_) => "numbers are finite and integers have at most 64 bits",
            HoleFault::Key(_) => "keys are texts or numbers",
            HoleFault::Foreign(_) => "private-use characters stand for values and may not come from anywhere else",
            HoleFault::TooLong => "no text of a Kubernetes object comes near 1 MiB",
            HoleFault::Many => "print each value once, or make several files of it",
            HoleFault::TooDeep => "build the value with fewer levels",
        }
    }
}

/// Returns the placeholder of the n-th value; `None` beyond [`MOST_HOLES`].
pub(super) fn placeholder(n: usize) -> Option<char> {
    let n = u32::try_from(n).ok().filter(|_| n < MOST_HOLES)?;
    char::from_u32(FIRST + n)
}

/// Returns which value a character stands for, if it is a placeholder.
pub(super) fn index(c: char) -> Option<usize> {
    let n = u32::from(c).checked_sub(FIRST)?;
    usize::try_from(n).ok().filter(|n| *n < MOST_HOLES)
}

/// Returns whether a text may hold private-use characters of planes 15 and 16: their UTF-8 starts with F3 or F4.
pub(super) fn may_hold(text: &str) -> bool {
    text.as_bytes().iter().any(|byte| *byte >= 0xF3)
}

/// Returns whether a character is private use, which no file of an estate may hold.
pub(super) fn is_private_use(c: char) -> bool {
    matches!(u32::from(c), 0xE000..=0xF8FF | 0xF_0000..=0x10_FFFF)
}

/// Returns a text with every placeholder replaced by the text of its value.
///
/// # Errors
/// A placeholder of no value, or of one that is no text.
pub(super) fn expand<'t>(text: &'t str, holes: &[Value]) -> Result<Cow<'t, str>, HoleFault> {
    if !may_hold(text) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match index(c) {
            Some(n) => append(&mut out, holes.get(n).ok_or(HoleFault::Foreign(u32::from(c)))?)?,
            None if super::marks::is_mark(c) => {}
            None if is_private_use(c) => return Err(HoleFault::Foreign(u32::from(c))),
            None => out.push(c),
        }
    }
    Ok(Cow::Owned(out))
}

/// Appends a value as text: strings as they are, numbers and booleans as JSON prints them.
///
/// # Errors
/// The value is no text and no scalar that could become one.
pub(super) fn append(out: &mut String, value: &Value) -> Result<(), HoleFault> {
    match value.kind() {
        ValueKind::String => out.push_str(value.as_str().unwrap_or_default()),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push_str(&number(value)?.to_string()),
        // An `if` without `else` in the middle of a text means nothing more to say.
        ValueKind::Undefined => {}
        ValueKind::None => return Err(HoleFault::Null),
        ValueKind::Map => return Err(HoleFault::Structure("a map")),
        ValueKind::Seq | ValueKind::Iterable => return Err(HoleFault::Structure("a list")),
        kind => return Err(not_data(kind)),
    }
    if out.len() > LONGEST { Err(HoleFault::TooLong) } else { Ok(()) }
}

/// What may still be filled in.
#[derive(Debug)]
pub(super) struct Room {
    /// Bytes of texts in the file.
    bytes: usize,
    /// Parts of one value.
    parts: usize,
}

impl Room {
    /// The room of one file.
    pub(super) fn new() -> Self {
        Self { bytes: MOST_BYTES, parts: MOST_PARTS }
    }

    /// Takes room for a text.
    ///
    /// # Errors
    /// There is none left.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), HoleFault> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(HoleFault::Many)?;
        Ok(())
    }
}

/// Returns a value as JSON. Texts inside of maps and lists may hold placeholders, where a template built them from
/// captured text.
///
/// # Errors
/// The value, or a part of it, is no data, or there is no room left for it.
pub(super) fn to_json(value: &Value, holes: &[Value], room: &mut Room) -> Result<Json, HoleFault> {
    room.parts = MOST_PARTS;
    match value.kind() {
        ValueKind::Undefined => Err(HoleFault::Undefined),
        ValueKind::None => Err(HoleFault::Null),
        _ => inner(value, holes, 0, room),
    }
}

fn inner(value: &Value, holes: &[Value], depth: usize, room: &mut Room) -> Result<Json, HoleFault> {
    if depth > DEEPEST {
        return Err(HoleFault::TooDeep);
    }
    room.parts = room.parts.checked_sub(1).ok_or(HoleFault::TooLong)?;
    Ok(match value.kind() {
        ValueKind::String => {
            let text = expand(value.as_str().unwrap_or_default(), holes)?;
            room.take(text.len())?;
            Json::String(text.into_owned())
        }
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => Json::Number(number(value)?),
        ValueKind::None => Json::Null,
        ValueKind::Undefined => return Err(HoleFault::Undefined),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|_| HoleFault::NotData("a list that cannot be read"))?;
            let items = items.enumerate();
            Json::Array(items.map(|(n, item)| part(&n, &item, holes, depth, room)).collect::<Result<_, _>>()?)
        }
        ValueKind::Map => Json::Object(map(value, holes, depth, room)?),
        kind => return Err(not_data(kind)),
    })
}

/// Converts a part of a map or list, and tells its way if it is undefined.
fn part(name: &dyn Display, value: &Value, holes: &[Value], depth: usize, room: &mut Room) -> Result<Json, HoleFault> {
    inner(value, holes, depth + 1, room).map_err(|fault| match fault {
        HoleFault::Undefined => HoleFault::UndefinedPart(name.to_string()),
        HoleFault::UndefinedPart(rest) => HoleFault::UndefinedPart(format!("{name}.{rest}")),
        fault => fault,
    })
}

fn map(value: &Value, holes: &[Value], depth: usize, room: &mut Room) -> Result<Map<String, Json>, HoleFault> {
    let unreadable = HoleFault::NotData("a map that cannot be read");
    let pairs = value.as_object().and_then(DynObject::try_iter_pairs).ok_or(unreadable)?;
    let mut map = Map::new();
    for (key, value) in pairs {
        let mut text = String::new();
        match key.kind() {
            ValueKind::String => text.push_str(&expand(key.as_str().unwrap_or_default(), holes)?),
            ValueKind::Number => append(&mut text, &key)?,
            kind => return Err(HoleFault::Key(kind_name(kind))),
        }
        room.take(text.len())?;
        let value = part(&text, &value, holes, depth, room)?;
        map.insert(text, value);
    }
    Ok(map)
}

fn number(value: &Value) -> Result<Number, HoleFault> {
    let number = if value.is_integer() {
        value.as_i64().map(Number::from).or_else(|| u64::try_from(value.clone()).ok().map(Number::from))
    } else {
        f64::try_from(value.clone()).ok().and_then(Number::from_f64)
    };
    number.ok_or_else(|| HoleFault::Number(value.to_string()))
}

fn not_data(kind: ValueKind) -> HoleFault {
    HoleFault::NotData(kind_name(kind))
}

/// Returns what a kind of value is called in findings.
pub(super) fn kind_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Undefined => "an undefined value",
        ValueKind::None => "null",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a text",
        ValueKind::Bytes => "a sequence of bytes",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a map",
        ValueKind::Invalid => "a value that failed",
        _ => "a macro or function",
    }
}
