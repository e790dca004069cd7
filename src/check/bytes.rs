//! Stage 1: bytes become text, or the reasons why they do not.

use crate::{
    diag::{Code, Diagnostic, Place, Position, Span},
    sources::{Refusal, Source, limit},
    yaml,
};

/// Findings of one file after which looking ends: a file of nothing but faults needs no complete list.
const MOST_FINDINGS: usize = 20;

/// Returns the text of a file.
///
/// # Errors
///
/// Why there is none, or every character in it that nobody would see.
pub(super) fn text<'s>(path: &str, source: &'s Source) -> Result<&'s str, Vec<Diagnostic>> {
    let bytes = match source {
        Ok(bytes) => bytes,
        Err(refusal) => return Err(vec![refused(path, refusal)]),
    };
    if bytes.len() as u64 > limit(path) {
        return Err(vec![refused(path, &Refusal::TooLarge(bytes.len() as u64))]);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| vec![not_utf8(path, bytes, error.valid_up_to())])?;
    let hidden = hidden_characters(path, text);
    if hidden.is_empty() { Ok(text) } else { Err(hidden) }
}

fn refused(path: &str, refusal: &Refusal) -> Diagnostic {
    let (code, message, help) = match refusal {
        Refusal::NotRegular(what) => (
            Code::FileNotRegular,
            format!("the file is {what}"),
            "replace it by a regular file with mode 100644".to_owned(),
        ),
        Refusal::Unreadable(why) => (
            Code::FileUnreadable,
            format!("the file cannot be read: {}", why.escape_debug()),
            "make it readable for the user that runs tenantry, or take it out of the estate".to_owned(),
        ),
        Refusal::TooLarge(bytes) => (
            Code::FileTooLarge,
            format!("the file has {bytes} bytes, at most {} are read", limit(path)),
            "split it, or move what does not belong into it elsewhere".to_owned(),
        ),
    };
    Diagnostic::new(code, Place::file(path), message, help)
}

fn not_utf8(path: &str, bytes: &[u8], valid: usize) -> Diagnostic {
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let start = before.chars().fold(Position::START, after);
    let end = Position { column: start.column + 1, ..start };
    let bad = bytes.get(valid).copied().unwrap_or_default();
    Diagnostic::new(
        Code::FileNotUtf8,
        Place::new(path, Span { start, end }),
        format!("the byte 0x{bad:02X} is not UTF-8"),
        "save the file as UTF-8",
    )
}

fn after(position: Position, c: char) -> Position {
    match c {
        '\n' => Position { line: position.line + 1, column: 1 },
        _ => Position { column: position.column + 1, ..position },
    }
}

fn hidden_characters(path: &str, text: &str) -> Vec<Diagnostic> {
    // Most files are printable ASCII, and looking at bytes is ten times as quick.
    if text.bytes().all(|b| matches!(b, b'\n' | b'\t' | b' '..=b'~')) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut position = Position::START;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let next = after(position, c);
        let line_break = c == '\r' && characters.peek() == Some(&'\n');
        if yaml::is_hidden(c) && !line_break {
            findings.push(Diagnostic::new(
                Code::ForbiddenCharacter,
                Place::new(path, Span { start: position, end: Position { column: position.column + 1, ..position } }),
                format!("the character U+{:04X} ({}) is not allowed", u32::from(c), what(c)),
                "remove it; editors show it when asked for invisible characters",
            ));
            if findings.len() == MOST_FINDINGS {
                break;
            }
        }
        position = next;
    }
    findings
}

fn what(c: char) -> &'static str {
    match c {
        '\0' => "NUL",
        '\x1b' => "escape, which terminals obey",
        '\r' => "carriage return without a line feed",
        '\u{FEFF}' => "byte order mark",
        '\u{85}' | '\u{2028}' | '\u{2029}' => "a line break for some readers only",
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
            "bidirectional control, which reorders the text around it"
        }
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}' => "private use",
        c if c.is_control() => "control character",
        _ => "invisible character",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn findings(bytes: &[u8]) -> Vec<(u32, u32, String)> {
        let source: Source = Ok(Arc::from(bytes));
        let found = text("tenants/a.yaml", &source).err().unwrap_or_default();
        found.into_iter().map(|f| (f.place.span.start.line, f.place.span.start.column, f.message)).collect()
    }

    #[test]
    fn hidden_characters_are_found_where_they_are() {
        let found = findings("é: 1\nname: a\u{202E}b\u{0}\r\n".as_bytes());
        let places: Vec<(u32, u32)> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
        assert_eq!(places, [(2, 8), (2, 10)]);
        assert!(found[0].2.contains("U+202E") && !found[0].2.contains('\u{202E}'), "{}", found[0].2);
    }

    #[test]
    fn accents_signs_and_windows_line_ends_are_text() {
        assert!(findings("name: Café & Söhne 日本 🎉\r\nb: 1\r\n".as_bytes()).is_empty());
        assert_eq!(findings(b"a: 1\rb: 2\n").len(), 1);
    }

    #[test]
    fn the_first_byte_that_is_not_utf8_has_a_place() {
        assert_eq!(findings(b"a: 1\nb: \xff\n"), [(2, 4, "the byte 0xFF is not UTF-8".to_owned())]);
    }
}
