//! The escaping of everything that a reader's program could take for more than a letter.

use std::{borrow::Cow, fmt::Write as _};

/// What begins a command of Azure's agents and of GitHub's runners wherever it stands in a line of a log.
const ANYWHERE: [&str; 2] = ["##[", "##vso["];

/// Returns a text of lines without any that a runner of CI takes for a command, such as `::stop-commands::` or `##vso[…]`: the
/// sign that makes it one is written as an escape.
///
/// GitHub's runner takes `::name …::` behind any white space, and `##[name]` anywhere (`ActionCommand.cs` of actions/runner).
pub fn without_commands(text: &str) -> Cow<'_, str> {
    let is_command = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix("::")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.contains("::"))
    };
    let mut text = Cow::Borrowed(text);
    for start in ANYWHERE {
        if text.contains(start) {
            text = text.replace(start, &format!("#\\u{{23}}{}", &start[2..])).into();
        }
    }
    if text.lines().any(is_command) {
        let lines = text.split_inclusive('\n');
        let inert = |line: &str| if is_command(line) { line.replacen("::", "\\u{3a}:", 1) } else { line.to_owned() };
        text = lines.map(inert).collect::<String>().into();
    }
    text
}

/// Returns the text with every character escaped that moves, hides, reorders or recolours others, and nothing that a runner of
/// CI takes for a command.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in without_commands(text).chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            letter if is_hostile(letter) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out
}

/// Control characters, line and paragraph separators, characters of direction, of no width, of variation and tags, and
/// those of private use, which a terminal's font may draw as anything.
fn is_hostile(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{10ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_runners_become_texts_and_addresses_stay() {
        let cases = [
            ("::error file=x::y", "\\u{3a}:error file=x::y"),
            (" a\n\t ::stop-commands::z\n", " a\n\t \\u{3a}:stop-commands::z\n"),
            ("x ##vso[task.complete]", "x #\\u{23}vso[task.complete]"),
            ("##[add-mask]x", "#\\u{23}[add-mask]x"),
        ];
        for (text, inert) in cases {
            assert_eq!(without_commands(text), inert);
        }
        for text in ["::/0", "::1", "::ffff:10.0.0.1", "a ::error::b", "## [x]", "::a", "std::mem::swap"] {
            assert_eq!(without_commands(text), text);
        }
    }
}
