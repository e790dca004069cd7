//! Writing values as normalised YAML that readers of YAML 1.1 and 1.2 understand alike.
//!
//! Block style, two spaces a level, lists not indented further than their key, no wrapping, and quotes only where a reader
//! could take the text for anything else.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use super::{
    ambiguous::{self, Plain},
    characters,
};

/// The keys that come first in every map, as people expect them in Kubernetes objects; the others follow by alphabet.
const FIRST_KEYS: [&str; 4] = ["apiVersion", "kind", "metadata", "name"];

/// Longer keys are written with `? `, as kubectl does: readers look for the colon of a plain `key: ` in 1,024
/// characters only, and an escape takes up to six of them for a byte.
const LONG_KEY: usize = 128;

/// Returns a value as a YAML document that ends with a line break and holds no `---`.
///
/// The same value always gives the same text.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    write_to(&mut out, value);
    out
}

/// Appends a value to `out` as [`write()`] returns it; `out` must be empty or end with a line break.
pub fn write_to(out: &mut String, value: &Value) {
    match value {
        Value::Object(entries) if !entries.is_empty() => map(out, entries, 0),
        Value::Array(items) if !items.is_empty() => list(out, items, 0),
        // Readers disagree on how far a block scalar at the top is indented.
        Value::String(text) if text.contains('\n') => {
            quote(out, text);
            out.push('\n');
        }
        _ => scalar(out, value, 0),
    }
}

/// Writes the entries of a map that is not empty; the caller has indented the first.
fn map(out: &mut String, entries: &Map<String, Value>, indentation: usize) {
    let mut first = true;
    let mut write_entry = |key: &str, value: &Value| {
        if !std::mem::take(&mut first) {
            indent(out, indentation);
        }
        entry(out, key, value, indentation);
    };
    for key in FIRST_KEYS {
        if let Some(value) = entries.get(key) {
            write_entry(key, value);
        }
    }
    for (key, value) in entries {
        if !FIRST_KEYS.contains(&key.as_str()) {
            write_entry(key, value);
        }
    }
}

fn entry(out: &mut String, key: &str, value: &Value, indentation: usize) {
    let long = key.len() > LONG_KEY;
    if long {
        out.push_str("? ");
    }
    inline(out, key);
    if long {
        out.push('\n');
        indent(out, indentation);
    }
    out.push(':');
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            out.push('\n');
            indent(out, indentation + 2);
            map(out, entries, indentation + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            indent(out, indentation);
            list(out, items, indentation);
        }
        _ => {
            out.push(' ');
            scalar(out, value, indentation);
        }
    }
}

/// Writes the items of a list that is not empty; the caller has indented the first.
fn list(out: &mut String, items: &[Value], indentation: usize) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            indent(out, indentation);
        }
        out.push_str("- ");
        match item {
            Value::Object(entries) if !entries.is_empty() => map(out, entries, indentation + 2),
            Value::Array(items) if !items.is_empty() => list(out, items, indentation + 2),
            _ => scalar(out, item, indentation),
        }
    }
}

/// Writes what fits behind a key or a dash, and the line break; `indentation` is that of the key or the dash.
fn scalar(out: &mut String, value: &Value, indentation: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(value) => number(out, value),
        Value::String(text) => {
            if let Some(shape) = Literal::of(text) {
                return literal(out, text, &shape, indentation + 2);
            }
            inline(out, text);
        }
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
    out.push('\n');
}

fn indent(out: &mut String, columns: usize) {
    /// Deep enough for nearly every object.
    const SPACES: &str = "                                ";
    let mut left = columns;
    while left > 0 {
        let now = left.min(SPACES.len());
        out.push_str(&SPACES[..now]);
        left -= now;
    }
}

fn number(out: &mut String, number: &Number) {
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(value), ..) => digits(out, value),
        (_, Some(value), _) => {
            out.push('-');
            digits(out, value.unsigned_abs());
        }
        (_, _, Some(value)) => decimal(out, value),
        _ => out.push_str("null"),
    }
}

fn digits(out: &mut String, mut value: u64) {
    /// The digits of `u64::MAX`.
    const MOST: usize = 20;
    let mut buffer = [b'0'; MOST];
    let mut start = MOST;
    loop {
        start -= 1;
        buffer[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend(buffer[start..].iter().map(|digit| char::from(*digit)));
}

/// Writes the shortest decimal that reads back as the same number; YAML 1.1 wants a point, and a sign in the exponent.
fn decimal(out: &mut String, value: f64) {
    let size = value.abs();
    if value != 0.0 && !(1e-5..1e16).contains(&size) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        out.push_str(mantissa);
        out.push_str(if mantissa.contains('.') { "e" } else { ".0e" });
        out.push_str(if exponent.starts_with('-') { "" } else { "+" });
        out.push_str(exponent);
        return;
    }
    let start = out.len();
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
    if !out[start..].contains('.') {
        out.push_str(".0");
    }
}

/// Writes a text on one line: plain where every reader takes it for this text, else in double quotes.
fn inline(out: &mut String, text: &str) {
    if is_plain(text) { out.push_str(text) } else { quote(out, text) }
}

/// Returns whether every reader takes the plain text for a string, and for this one.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let starts_plain = match first {
        b'a'..=b'z'
        | b'A'..=b'Z'
        | b'0'..=b'9'
        | b'/'
        | b'_'
        | b'.'
        | b'$'
        | b'('
        | b'+'
        | b'<'
        | b'='
        | b'\\'
        | b'^'
        | b';'
        | b'~'
        | b')' => true,
        // A dash starts a list item in front of a space, and some readers refuse it in front of a bracket.
        b'-' => bytes.get(1).is_some_and(|b| !matches!(b, b' ' | b'[' | b']' | b'{' | b'}' | b',')),
        _ => !first.is_ascii(),
    };
    if !starts_plain || matches!(last, b' ' | b':') || has_separator(bytes) || is_marker(text) {
        return false;
    }
    if !text.is_ascii() && (text.chars().any(characters::is_escaped) || text.trim() != text) {
        return false;
    }
    ambiguous::resolve(text) == Plain::Text
}

/// Returns whether a plain text would be cut: at `: `, at ` #`, or at a control character.
fn has_separator(bytes: &[u8]) -> bool {
    let mut previous = 0;
    for b in bytes {
        match b {
            0..=0x1F | 0x7F => return true,
            b' ' if previous == b':' => return true,
            b'#' if previous == b' ' => return true,
            _ => {}
        }
        previous = *b;
    }
    false
}

/// Returns whether the text could start or end a document where it stands at the start of a line.
fn is_marker(text: &str) -> bool {
    let rest = text.strip_prefix("---").or_else(|| text.strip_prefix("..."));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Writes a text in double quotes, with the escapes that YAML 1.1, YAML 1.2 and (but for `\U`) JSON share.
pub(super) fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let special = match c {
            ' '..='~' => matches!(c, '"' | '\\'),
            '\0'..='\u{7F}' => true,
            _ => characters::is_escaped(c),
        };
        if !special {
            continue;
        }
        out.push_str(&text[start..at]);
        start = at + c.len_utf8();
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ => hexadecimal(out, u32::from(c)),
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

fn hexadecimal(out: &mut String, code: u32) {
    let width = if code > 0xFFFF { 8 } else { 4 };
    out.push_str(if width == 8 { "\\U" } else { "\\u" });
    for digit in (0..width).rev() {
        out.push(char::from_digit(code >> (4 * digit) & 0xF, 16).unwrap_or('0').to_ascii_uppercase());
    }
}

/// How a text of several lines is written as a literal block.
struct Literal {
    /// `-` drops the last line break, `+` keeps all, nothing keeps one.
    chomping: &'static str,
    /// The first line starts with a space, so the header must say where the text begins.
    indicator: bool,
}

impl Literal {
    /// Returns how to write the text as a block, or `None` where a block could not hold it exactly for every reader.
    fn of(text: &str) -> Option<Self> {
        if !text.as_bytes().contains(&b'\n') {
            return None;
        }
        if text.chars().any(|c| !matches!(c, '\n' | '\t' | ' '..='~') && (c.is_ascii() || characters::is_escaped(c))) {
            return None;
        }
        let body = text.trim_end_matches('\n');
        let (first, last) = (body.trim_start_matches('\n').split('\n').next()?, body.rsplit('\n').next()?);
        // Readers find the indentation in the first line with text, and drop or keep blank ones at both ends by it.
        let blank = |line: &str| line.bytes().all(|b| b == b' ');
        if blank(first) || blank(last) {
            return None;
        }
        // A tab in front of text counts as indentation for some.
        let tabbed = |line: &str| line.trim_start_matches(' ').starts_with('\t');
        if text.split('\n').any(tabbed) {
            return None;
        }
        let chomping = match text.len() - body.len() {
            0 => "-",
            1 => "",
            _ => "+",
        };
        Some(Self { chomping, indicator: first.starts_with(' ') })
    }
}

fn literal(out: &mut String, text: &str, shape: &Literal, indentation: usize) {
    let Literal { chomping, indicator } = shape;
    out.push('|');
    if *indicator {
        out.push('2');
    }
    out.push_str(chomping);
    out.push('\n');
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            indent(out, indentation);
            out.push_str(line);
        }
        out.push('\n');
    }
}
