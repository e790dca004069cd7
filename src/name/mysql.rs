//! Database names inside MySQL's `GRANT`, where `_` and `%` are wildcards.

/// Returns `database` as a `GRANT … ON` pattern that means this database alone: `\`, `_` and `%` escaped.
///
/// Unescaped, a grant on `a_b` also covers a neighbour's `axb`; backticks alone do not help. Servers that run with
/// `partial_revokes=ON` take the characters literally and need the plain name.
pub fn grant_pattern(database: &str) -> String {
    let mut pattern = String::with_capacity(database.len() + 4);
    for c in database.chars() {
        if matches!(c, '\\' | '_' | '%') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// One sign of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    AnyText,
    AnyCharacter,
    Character(char),
}

/// Returns whether a pattern, as the server keeps it, covers a database: `%` is any text, `_` any character, and what
/// follows a `\` is itself.
pub fn covers(pattern: &str, database: &str) -> bool {
    let mut signs = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        signs.push(match c {
            '%' => Sign::AnyText,
            '_' => Sign::AnyCharacter,
            '\\' => Sign::Character(rest.next().unwrap_or('\\')),
            c => Sign::Character(c),
        });
    }
    let text: Vec<char> = database.chars().collect();
    let (mut sign, mut at) = (0, 0);
    // Where to go on when it does not fit: the last `%` takes one more character. Earlier ones need not be tried again.
    let mut last_any: Option<(usize, usize)> = None;
    while at < text.len() {
        match signs.get(sign) {
            Some(Sign::AnyText) => {
                last_any = Some((sign, at));
                sign += 1;
            }
            Some(Sign::AnyCharacter) => (sign, at) = (sign + 1, at + 1),
            Some(Sign::Character(c)) if *c == text[at] => (sign, at) = (sign + 1, at + 1),
            _ => match last_any {
                Some((any, from)) => {
                    last_any = Some((any, from + 1));
                    (sign, at) = (any + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    signs[sign..].iter().all(|sign| *sign == Sign::AnyText)
}

#[cfg(test)]
mod tests {
    use super::{covers, grant_pattern};

    #[test]
    fn a_pattern_covers_what_the_server_says() {
        for (pattern, database, is) in [
            ("a_b", "axb", true),
            ("a_b", "a_b", true),
            (r"a\_b", "a_b", true),
            (r"a\_b", "axb", false),
            ("a%", "a", true),
            ("a%", "abc", true),
            ("%b%", "abc", true),
            ("%b", "abc", false),
            (r"100\%", "1000", false),
            ("a", "ab", false),
        ] {
            assert_eq!(covers(pattern, database), is, "{pattern} {database}");
        }
        assert!(covers(&grant_pattern(r"a_%\b"), r"a_%\b"));
    }

    #[test]
    fn wildcards_are_escaped() {
        assert_eq!(grant_pattern("abc-7f_auth"), r"abc-7f\_auth");
        assert_eq!(grant_pattern(r"100%_\x"), r"100\%\_\\x");
    }
}
