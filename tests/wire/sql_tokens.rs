//! SQL taken apart: far enough to find statements, their words and their literals, in the dialects of both servers.

use std::ops::Range;

/// Whose rules for quotes and comments hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Backslash escapes, `#` comments, backquoted names, double quotes around strings.
    Mysql,
    /// Standard strings, `E'…'`, dollar quotes, nested comments, double quotes around names.
    Postgres,
}

/// What a token is; comments and white space are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, a bare name or a number.
    Word,
    /// A name in quotes.
    Name,
    /// A string, with its quotes.
    Literal,
    /// One character of anything else.
    Mark,
}

/// One token and where it stands.
#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub at: Range<usize>,
}

/// All tokens of a text, which may hold several statements. A quote that is never closed runs to the end.
pub fn tokens(text: &str, dialect: Dialect) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if let Some(skipped) = skipped(rest, dialect) {
            at += skipped;
            continue;
        }
        let (kind, len) = token(rest, dialect);
        tokens.push(Token { kind, at: at..at + len });
        at += len;
    }
    tokens
}

/// The length of white space or a comment at the start.
fn skipped(rest: &str, dialect: Dialect) -> Option<usize> {
    let first = rest.chars().next()?;
    let line = || rest.find('\n').map_or(rest.len(), |end| end + 1);
    match first {
        white if white.is_whitespace() => Some(white.len_utf8()),
        '-' if rest.starts_with("--") => Some(line()),
        '#' if dialect == Dialect::Mysql => Some(line()),
        // MySQL executes `/*!50000 …*/`: its marks are skipped, and its words read.
        '/' if dialect == Dialect::Mysql && rest.starts_with("/*!") => {
            Some(3 + rest[3..].chars().take_while(char::is_ascii_digit).count())
        }
        '*' if dialect == Dialect::Mysql && rest.starts_with("*/") => Some(2),
        '/' if rest.starts_with("/*") => Some(comment(rest, dialect)),
        _ => None,
    }
}

/// The length of a `/* */` comment; PostgreSQL nests them.
fn comment(rest: &str, dialect: Dialect) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") && (depth == 0 || dialect == Dialect::Postgres) {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.as_bytes()[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The token at the start, which is neither white space nor a comment.
fn token(rest: &str, dialect: Dialect) -> (Kind, usize) {
    let mysql = dialect == Dialect::Mysql;
    let bytes = rest.as_bytes();
    match bytes[0] {
        b'\'' => (Kind::Literal, quoted(bytes, 0, mysql)),
        b'"' => (if mysql { Kind::Literal } else { Kind::Name }, quoted(bytes, 0, mysql)),
        b'`' => (Kind::Name, quoted(bytes, 0, false)),
        b'e' | b'E' if !mysql && bytes.get(1) == Some(&b'\'') => (Kind::Literal, quoted(bytes, 1, true)),
        b'$' if !mysql => dollars(rest).map_or((Kind::Mark, 1), |len| (Kind::Literal, len)),
        first if is_word(first) => (Kind::Word, bytes.iter().take_while(|byte| is_word(**byte)).count()),
        _ => (Kind::Mark, 1),
    }
}

/// Bytes beyond ASCII are letters, so a token never ends inside a character.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The length of what is in quotes, `open` being the place of the first; a doubled quote stands for itself.
fn quoted(bytes: &[u8], open: usize, has_escapes: bool) -> usize {
    let quote = bytes[open];
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if has_escapes => at += 2,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of `$tag$…$tag$`; `None` for a parameter such as `$1`.
fn dollars(rest: &str) -> Option<usize> {
    let end = 1 + rest[1..].bytes().take_while(|byte| is_word(*byte)).count();
    let is_tag = rest[end..].starts_with('$') && !rest.as_bytes()[1].is_ascii_digit();
    let tag = is_tag.then(|| &rest[..=end])?;
    Some(rest[tag.len()..].find(tag).map_or(rest.len(), |close| close + 2 * tag.len()))
}
