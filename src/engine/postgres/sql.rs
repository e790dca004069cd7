//! SQL as text: names and values quoted, and statements that begin or end a transaction found.

use std::iter::Peekable;

/// Quotes a name. Documents are checked, and quoted all the same.
pub(super) fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Quotes a text, in the form that means the same whatever `standard_conforming_strings` says.
pub(super) fn text(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// Quotes the name of a parameter, part by part.
pub(super) fn parameter(text: &str) -> String {
    text.split('.').map(name).collect::<Vec<_>>().join(".")
}

/// First words of statements that begin or end a transaction. Savepoints may stay: they end with the transaction.
const TRANSACTION_WORDS: &[&str] = &["ABORT", "BEGIN", "COMMIT", "END", "PREPARE TRANSACTION", "ROLLBACK", "START"];

/// Returns the first statement that begins or ends a transaction, with its line.
pub(super) fn transaction_statement(sql: &str) -> Option<(usize, String)> {
    let mut statement: Vec<(usize, String)> = Vec::new();
    // Bodies of SQL functions hold statements and an `END` of their own: BEGIN ATOMIC … END, with CASE … END inside.
    let mut depth = 0_usize;
    for (line, token) in Tokens::new(sql) {
        match token {
            Token::Word(word) => {
                let last = statement.last().map(|(_, last)| last.as_str());
                match word.as_str() {
                    "ATOMIC" if last == Some("BEGIN") && statement.len() > 1 => depth += 1,
                    "CASE" if depth > 0 => depth += 1,
                    "END" if depth > 0 => depth -= 1,
                    _ => {}
                }
                statement.push((line, word));
            }
            Token::Other => statement.push((line, String::new())),
            Token::Semicolon if depth > 0 => {}
            Token::Semicolon => {
                if let Some(found) = transaction(&statement) {
                    return Some(found);
                }
                statement.clear();
            }
        }
    }
    transaction(&statement)
}

fn transaction(statement: &[(usize, String)]) -> Option<(usize, String)> {
    let (line, first) = statement.first()?;
    let second = statement.get(1).map_or("", |(_, word)| word.as_str());
    let third = statement.get(2).map_or("", |(_, word)| word.as_str());
    let both = format!("{first} {second}");
    let is_to_savepoint = first == "ROLLBACK" && (second == "TO" || third == "TO");
    let found = TRANSACTION_WORDS.iter().find(|word| **word == first.as_str() || **word == both)?;
    (!is_to_savepoint).then(|| (*line, (*found).to_owned()))
}

enum Token {
    /// A word, in upper case.
    Word(String),
    /// What ends a statement.
    Semicolon,
    /// A quoted name or text, a number, a sign.
    Other,
}

/// The tokens of a text of SQL, each with its line; comments and blanks are left out.
struct Tokens<'s> {
    text: &'s str,
    chars: Peekable<std::str::CharIndices<'s>>,
    line: usize,
}

impl<'s> Tokens<'s> {
    fn new(text: &'s str) -> Self {
        Self { text, chars: text.char_indices().peekable(), line: 1 }
    }

    fn step(&mut self) -> Option<(usize, char)> {
        let (at, c) = self.chars.next()?;
        if c == '\n' {
            self.line += 1;
        }
        Some((at, c))
    }

    fn rest(&mut self) -> &'s str {
        self.chars.peek().map_or("", |(at, _)| &self.text[*at..])
    }

    fn skip(&mut self, characters: usize) {
        for _ in 0..characters {
            self.step();
        }
    }

    /// Skips to behind the closing quote; a doubled quote does not close, nor does an escaped one.
    fn quoted(&mut self, quote: char, escapes: bool) {
        while let Some((_, c)) = self.step() {
            if c == '\\' && escapes {
                self.step();
            } else if c == quote {
                if self.chars.peek().is_none_or(|(_, next)| *next != quote) {
                    return;
                }
                self.step();
            }
        }
    }

    /// Skips to behind `$tag$`, where the text starts one.
    fn dollar_quoted(&mut self) -> bool {
        let rest = self.rest();
        let Some(end) = rest[1..].find('$') else { return false };
        let tag = &rest[..end + 2];
        let inner = &tag[1..tag.len() - 1];
        if !inner.chars().all(|c| c.is_alphanumeric() || c == '_') || inner.starts_with(|c: char| c.is_numeric()) {
            return false;
        }
        let length = rest[tag.len()..].find(tag).map_or(rest.len(), |at| at + 2 * tag.len());
        self.skip(rest[..length].chars().count());
        true
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return;
            } else if rest.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    return;
                }
            } else {
                self.skip(1);
            }
        }
    }

    fn word(&mut self) -> String {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let rest = self.rest();
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        self.skip(rest[..end].chars().count());
        rest[..end].to_ascii_uppercase()
    }
}

impl Iterator for Tokens<'_> {
    type Item = (usize, Token);

    fn next(&mut self) -> Option<(usize, Token)> {
        loop {
            let rest = self.rest();
            let c = rest.chars().next()?;
            let line = self.line;
            match c {
                _ if c.is_whitespace() => self.skip(1),
                _ if rest.starts_with("--") => {
                    let end = rest.find('\n').unwrap_or(rest.len());
                    self.skip(rest[..end].chars().count());
                }
                _ if rest.starts_with("/*") => self.block_comment(),
                ';' => {
                    self.skip(1);
                    return Some((line, Token::Semicolon));
                }
                '\'' | '"' => {
                    self.skip(1);
                    self.quoted(c, false);
                    return Some((line, Token::Other));
                }
                '$' if self.dollar_quoted() => return Some((line, Token::Other)),
                _ if c.is_alphabetic() || c == '_' => {
                    let word = self.word();
                    if word == "E" && self.rest().starts_with('\'') {
                        self.skip(1);
                        self.quoted('\'', true);
                        return Some((line, Token::Other));
                    }
                    return Some((line, Token::Word(word)));
                }
                _ if c.is_numeric() => {
                    self.word();
                    return Some((line, Token::Other));
                }
                _ => {
                    self.skip(1);
                    return Some((line, Token::Other));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_stays_one_word() {
        assert_eq!(name(r#"a"; DROP DATABASE b; --"#), r#""a""; DROP DATABASE b; --""#);
        assert_eq!(text("it's"), "'it''s'");
        assert_eq!(text(r"a\' OR 1"), r"E'a\\'' OR 1'");
        assert_eq!(parameter("my.app-name"), r#""my"."app-name""#);
    }

    #[test]
    fn transactions_of_a_files_own_are_found() {
        for (sql, line, word) in [
            ("COMMIT", 1, "COMMIT"),
            ("SELECT 1;\n-- here\n  begin ;", 3, "BEGIN"),
            ("start transaction; SELECT 1", 1, "START"),
            ("SELECT ';';/* ; */ end;", 1, "END"),
            ("PREPARE TRANSACTION 'x'", 1, "PREPARE TRANSACTION"),
            ("rollback work", 1, "ROLLBACK"),
            ("SELECT $1; ABORT", 1, "ABORT"),
        ] {
            assert_eq!(transaction_statement(sql), Some((line, word.to_owned())), "{sql}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_left_alone() {
        for sql in [
            "",
            "CREATE TABLE commit_log (\"commit\" text DEFAULT 'x; COMMIT;')",
            "DO $$ BEGIN NULL; COMMIT; END $$",
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN; RETURN 1; END; $body$;",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;",
            "SELECT E'\\'; COMMIT; --' ; -- COMMIT;\n/* a /* ; COMMIT; */ ; END; */ SELECT \"a;\"\"COMMIT\"",
            "SAVEPOINT a; ROLLBACK TO a; ROLLBACK WORK TO SAVEPOINT a; RELEASE a",
            "PREPARE p AS SELECT 1",
            "SELECT 'open",
        ] {
            assert_eq!(transaction_statement(sql), None, "{sql}");
        }
    }
}
