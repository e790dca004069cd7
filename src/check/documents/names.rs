//! Names on servers: within the server's budget, of characters that mean nothing to it.

use crate::{
    check::{places::Finder, shape::shown},
    diag::Code,
    name::Target,
};

/// Finds what is wrong with a name that a resource, a user or an entry has on its server.
pub(super) fn check(finder: &mut Finder<'_>, pointer: &str, target: Target, name: &str) {
    let budget = target.budget();
    let kind = target.key();
    let message = if name.is_empty() {
        "the name is empty".to_owned()
    } else if name.len() > budget {
        format!("the name has {} bytes, more than the {budget} of names of kind `{kind}`", name.len())
    } else if let Some(bad) = name.chars().find(|c| !target.allows(*c)) {
        format!("{} holds `{}`, which no name of kind `{kind}` may", shown(name), bad.escape_debug())
    } else if target == Target::Secret && name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        format!("{} has a part that is empty, `.` or `..`", shown(name))
    } else if target != Target::Secret && !has_edges(name) {
        format!("{} does not begin and end with a letter or digit", shown(name))
    } else {
        return;
    };
    let signs: String = "-_./".chars().filter(|c| target.allows(*c)).map(|c| format!(", `{c}`")).collect();
    let help = format!(
        "names there have lower-case letters, digits{signs}, and at most {budget} bytes; render the tree again"
    );
    finder.value(Code::InvalidResourceName, pointer, message, help);
}

fn has_edges(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}
