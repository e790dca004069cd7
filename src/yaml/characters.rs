//! Characters that hide text from a reader of a file, or that YAML readers treat differently.

/// The private-use characters: the first area and, of the planes 15 and 16, all.
///
/// Templates mark the places of values with them, so no text of a user may hold one.
pub(super) fn is_private_use(c: char) -> bool {
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}')
}

/// Characters that no YAML text holds as they are: C0 controls but tab and line breaks, DEL, C1 controls, and the
/// characters that end a line for YAML 1.1 alone (NEL, LS, PS), byte order marks and noncharacters.
pub(super) fn is_unprintable(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{7F}'..='\u{9F}'
        | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
        || (c as u32) & 0xFFFE == 0xFFFE
}

/// Characters that show nothing, or that change how the text around them is shown.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Characters that are written as an escape: all of the above and the carriage return.
pub fn is_escaped(c: char) -> bool {
    c == '\r' || is_unprintable(c) || is_invisible(c) || is_private_use(c)
}

/// Returns a short form of `text` for a message: in backticks, one line, hidden characters escaped, at most 60 characters.
pub(super) fn shown(text: &str) -> String {
    /// Enough for any sensible key; a message stays one line of a report.
    const LONGEST: usize = 60;
    let mut out = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        if matches!(c, '\n' | '\t') || is_escaped(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out.push('`');
    out
}
