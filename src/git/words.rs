//! Words of other programs in our messages: no credentials, nothing that steers a terminal, not long.

/// Makes the words of another program fit for one line of a message: no credentials, no control characters, not long.
pub(super) fn presentable(text: &str) -> String {
    const SHOWN: usize = 600; // some lines of a terminal
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let line: String = mask(&lines.join("; ")).chars().map(escape).collect();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Hides user and password of each URL in a text; the user of an `ssh://` URL without password is no secret.
pub(super) fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + "://".len());
        masked.push_str(before);
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"' | '?' | '#');
        let authority = &after[..after.find(is_end).unwrap_or(after.len())];
        rest = after;
        if let Some(at) = authority.rfind('@') {
            let is_public = before.ends_with("ssh://") && !authority[..at].contains(':');
            masked.push_str(if is_public { &authority[..at] } else { "***" });
            rest = &after[at..];
        }
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_in_every_url() {
        for (text, expected) in [
            ("https://me:secret@host/x", "https://***@host/x"),
            ("https://token@host/x", "https://***@host/x"),
            ("'https://me:a@b@host/x' and http://u:p@h", "'https://***@host/x' and http://***@h"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("ssh://git:secret@host/x", "ssh://***@host/x"),
            ("https://host/a@b", "https://host/a@b"),
            ("git@host:x.git", "git@host:x.git"),
        ] {
            assert_eq!(mask(text), expected);
        }
    }

    #[test]
    fn words_of_others_cannot_steer_a_terminal() {
        assert_eq!(presentable("a\x1b[31m\r\n\n b\u{9b}"), "a\\u{1b}[31m; b\\u{9b}");
        assert!(presentable(&"x".repeat(10_000)).chars().count() < 1000);
    }
}
