//! Texts for people: display names and the like.

use unicode_security::MixedScript;

use super::{places::Finder, shape::shown};
use crate::diag::Code;

/// Finds what is wrong with a text that people read. Hidden characters have been refused as bytes already.
pub(super) fn check(finder: &mut Finder<'_>, pointer: &str, text: &str) {
    let fault = if text.trim() != text {
        Some("starts or ends with a blank")
    } else if text.chars().any(char::is_control) {
        Some("holds a line break or a tab")
    } else if !text.chars().any(char::is_alphanumeric) {
        Some("holds no letter and no digit")
    } else {
        None
    };
    if let Some(fault) = fault {
        let help = "write it as it shall stand in a mail or on an invoice: one line, no blanks around it";
        finder.value(Code::DisplayName, pointer, format!("{} {fault}", shown(text)), help);
    }
    mixed_scripts(finder, pointer, text);
}

/// Warns of words whose letters come from several scripts: `аpple` with a Cyrillic `а` reads like another company.
pub(super) fn mixed_scripts(finder: &mut Finder<'_>, pointer: &str, text: &str) {
    let words = text.split(|c: char| !c.is_alphanumeric());
    if let Some(word) = words.into_iter().find(|word| !word.is_ascii() && !word.is_single_script()) {
        finder.value(
            Code::MixedScripts,
            pointer,
            format!("{} mixes letters of several scripts", shown(word)),
            "type it again; one of its letters only looks like the one that is meant",
        );
    }
}
