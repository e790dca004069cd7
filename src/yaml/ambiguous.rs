//! What a plain scalar is, and whether all readers agree on it.
//!
//! YAML 1.2 (core schema) knows `true`, `null`, `12`, `0o14`, `0xC`, `1.2e3`. YAML 1.1 knows more words (`yes`, `on`), and
//! octal (`014`), binary, underscores, sexagesimal (`1:30`) and dates; its readers (libyaml's users, go-yaml and with it
//! Kubernetes, Psych, SnakeYAML) differ among themselves. A scalar is taken for a value only where all of them agree.

use serde_json::Number;

/// The meaning of a plain scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    /// The same text for every reader.
    Text,
    /// Null for every reader.
    Null,
    /// The same boolean for every reader.
    Bool(bool),
    /// The same number for every reader.
    Number(Number),
    /// A number for every reader, but one that JSON does not have: infinite, not a number, or beyond 64 bits.
    Unfit(Unfit),
    /// Readers disagree.
    Ambiguous(Ambiguity),
}

/// Why a number is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// `.inf`, `.nan` and decimals beyond the range of a 64-bit float.
    NotFinite,
    /// An integer beyond i64 and u64: readers round it, wrap it or refuse it.
    TooLarge,
}

/// What a plain scalar is to some readers and not to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ambiguity {
    /// A word such as `no`.
    Boolean(bool),
    /// An odd spelling of null such as `nULL`.
    Null,
    /// A number in octal, hexadecimal or binary, with a leading zero, underscores or commas.
    Integer,
    /// A decimal without digits before its point, or an exponent without point or sign.
    Decimal,
    /// A number to the base of 60, such as `1:30`.
    Sexagesimal,
    /// A date or time.
    Time,
    /// `=` and `<<`.
    Sign,
}

/// Returns what a plain scalar is.
pub(super) fn resolve(text: &str) -> Plain {
    let Some(first) = text.bytes().next() else {
        return Plain::Null;
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => numeric(text),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' if text.len() <= 5 => word(text),
        b'~' if text.len() == 1 => Plain::Null,
        b'=' if text.len() == 1 => Plain::Ambiguous(Ambiguity::Sign),
        b'<' if text == "<<" => Plain::Ambiguous(Ambiguity::Sign),
        _ => Plain::Text,
    }
}

fn word(text: &str) -> Plain {
    match text {
        "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        _ => {}
    }
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("y") || is("yes") || is("on") || is("true") {
        Plain::Ambiguous(Ambiguity::Boolean(true))
    } else if is("n") || is("no") || is("off") || is("false") {
        Plain::Ambiguous(Ambiguity::Boolean(false))
    } else if is("null") {
        Plain::Ambiguous(Ambiguity::Null)
    } else {
        Plain::Text
    }
}

fn numeric(text: &str) -> Plain {
    let bytes = text.as_bytes();
    let body = bytes.strip_prefix(b"-").or(bytes.strip_prefix(b"+")).unwrap_or(bytes);
    match body.first() {
        Some(b'0'..=b'9' | b'.') => {}
        // ruamel.yaml takes digits and underscores in any order behind a sign, and even none.
        Some(b'_') => return odd(bytes, body).map_or(Plain::Text, Plain::Ambiguous),
        _ => return Plain::Text,
    }
    if body.iter().all(u8::is_ascii_digit) {
        return if body.len() > 1 && body[0] == b'0' { Plain::Ambiguous(Ambiguity::Integer) } else { integer(text) };
    }
    if is_agreed_decimal(body) {
        return decimal(text);
    }
    let is = |word: &[u8]| body.eq_ignore_ascii_case(word);
    if is(b".inf") || is(b".nan") {
        return Plain::Unfit(Unfit::NotFinite);
    }
    odd(bytes, body).map_or(Plain::Text, Plain::Ambiguous)
}

fn integer(text: &str) -> Plain {
    // Rust reads a leading plus for both types.
    match (text.parse::<i64>(), text.parse::<u64>()) {
        (Ok(number), _) => Plain::Number(number.into()),
        (_, Ok(number)) => Plain::Number(number.into()),
        _ => Plain::Unfit(Unfit::TooLarge),
    }
}

fn decimal(text: &str) -> Plain {
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    number.map_or(Plain::Unfit(Unfit::NotFinite), Plain::Number)
}

/// Digits, a point, digits or none, and perhaps an exponent with a sign: `1.5`, `1.`, `1.0e+3`.
fn is_agreed_decimal(body: &[u8]) -> bool {
    let (whole, rest) = digits(body);
    let Some(rest) = rest.strip_prefix(b".").filter(|_| !whole.is_empty()) else {
        return false;
    };
    match digits(rest).1 {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] => !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Splits the leading digits off.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().take_while(|b| b.is_ascii_digit()).count())
}

/// Recognises the spellings that only some readers take for a number or a time; `body` is `text` without its sign.
fn odd(text: &[u8], body: &[u8]) -> Option<Ambiguity> {
    if is_time(text) {
        return Some(Ambiguity::Time);
    }
    // Readers that know separators differ on where they may stand: go-yaml drops every underscore.
    let separated = body.iter().any(|b| matches!(b, b'_' | b','));
    let stripped: Vec<u8>;
    let body = if separated {
        stripped = body.iter().copied().filter(|b| !matches!(b, b'_' | b',')).collect();
        &stripped
    } else {
        body
    };
    if is_radix(body, separated) || (separated && digits(body).1.is_empty()) {
        return Some(Ambiguity::Integer);
    }
    if is_sexagesimal(body) {
        return Some(Ambiguity::Sexagesimal);
    }
    (is_decimal(body) || (separated && body == b".")).then_some(Ambiguity::Decimal)
}

/// `0x1F`, `0o17`, `0b1`, in either case; go-yaml also takes a sign behind `0b` and `0o`.
fn is_radix(body: &[u8], separated: bool) -> bool {
    let (digit, rest): (fn(&u8) -> bool, _) = match body {
        [b'0', b'x' | b'X', rest @ ..] => (u8::is_ascii_hexdigit, rest),
        [b'0', b'o' | b'O', rest @ ..] => (|b| (b'0'..=b'7').contains(b), rest),
        [b'0', b'b' | b'B', rest @ ..] => (|b| (b'0'..=b'1').contains(b), rest),
        _ => return false,
    };
    let rest = rest.strip_prefix(b"-").or(rest.strip_prefix(b"+")).unwrap_or(rest);
    (separated || !rest.is_empty()) && rest.iter().all(digit)
}

/// Any decimal, with or without point and exponent, that holds a digit in front of the exponent.
fn is_decimal(body: &[u8]) -> bool {
    let (whole, rest) = digits(body);
    let (fraction, rest) = rest.strip_prefix(b".").map_or((&b""[..], rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return false;
    }
    match rest {
        [] => true,
        [b'e' | b'E', exponent @ ..] => {
            let exponent = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+")).unwrap_or(exponent);
            !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// `1:30`, `12:30:45.5`: groups of at most two digits up to 59 behind the first.
fn is_sexagesimal(body: &[u8]) -> bool {
    let body = match body.iter().position(|b| *b == b'.') {
        Some(point) if digits(&body[point + 1..]).1.is_empty() => &body[..point],
        Some(_) => return false,
        None => body,
    };
    let mut groups = body.split(|b| *b == b':');
    let first = groups.next().unwrap_or_default();
    let mut count = 0;
    let rest = groups.all(|group| {
        count += 1;
        matches!(group, [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
    });
    rest && count > 0 && !first.is_empty() && digits(first).1.is_empty()
}

/// `2001-01-01`, alone or with a time of day behind it.
fn is_time(text: &[u8]) -> bool {
    let (year, rest) = digits(text);
    let Some(rest) = rest.strip_prefix(b"-").filter(|_| year.len() == 4) else {
        return false;
    };
    let (month, rest) = digits(rest);
    let Some(rest) = rest.strip_prefix(b"-").filter(|_| matches!(month.len(), 1 | 2)) else {
        return false;
    };
    let (day, rest) = digits(rest);
    if !matches!(day.len(), 1 | 2) {
        return false;
    }
    let time = match rest {
        [] => return true,
        [b'T' | b't', time @ ..] => time,
        [b' ' | b'\t', ..] => rest.trim_ascii_start(),
        _ => return false,
    };
    let (hour, rest) = digits(time);
    matches!(hour.len(), 1 | 2)
        && rest.first() == Some(&b':')
        && rest.iter().all(|b| matches!(b, b'0'..=b'9' | b':' | b'.' | b'+' | b'-' | b'Z' | b'z' | b' ' | b'\t'))
}
