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

#[cfg(test)]
mod tests {
    use super::grant_pattern;

    #[test]
    fn wildcards_are_escaped() {
        assert_eq!(grant_pattern("abc-7f_auth"), r"abc-7f\_auth");
        assert_eq!(grant_pattern(r"100%_\x"), r"100\%\_\\x");
    }
}
