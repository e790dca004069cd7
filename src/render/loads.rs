//! Which templates a bundle may take in: its own, and what these import, include or extend.

use std::collections::BTreeSet;

use super::scan::{self, Tag};
use crate::estate::Estate;

/// The words that take another template in, as the engine has them. `from` needs `import` behind it.
const WORDS: [&str; 3] = ["extends", "import", "include"];

/// What a bundle may take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loads {
    /// These files below `templates/`, there or not.
    These(BTreeSet<String>),
    /// Any: a template chooses by an expression.
    Any,
}

/// Returns what a bundle may take in, its own `bundle.yaml` included, whose paths are small templates.
///
/// Where one of the words stands anywhere but in a tag with one literal name, it counts as a choice: too much is only slower.
pub fn loads(estate: &Estate, bundle: &str) -> Loads {
    let mut found = BTreeSet::new();
    let mut ahead = vec![format!("{bundle}/bundle.yaml")];
    if let Some(spec) = estate.bundles().get(bundle) {
        let templates = spec.files.iter().map(|file| &file.template).chain(&spec.values);
        ahead.extend(templates.map(|template| format!("{bundle}/{template}")));
    }
    while let Some(name) = ahead.pop() {
        if let Some(text) = estate.templates().get(&name).filter(|_| !found.contains(&name)) {
            match names(text) {
                Some(names) => ahead.extend(names),
                None => return Loads::Any,
            }
        }
        found.insert(name);
    }
    Loads::These(found)
}

/// Returns the names of the templates that a template takes in, or nothing where it may choose.
fn names(text: &str) -> Option<Vec<String>> {
    if !WORDS.iter().any(|word| text.contains(word)) {
        return Some(Vec::new());
    }
    let mut names = Vec::new();
    let mut rest = 0;
    let mut outside = String::new();
    for tag in scan::tags(text) {
        if let Some(name) = (tag.tag == Tag::Block).then(|| literal(&text[tag.range.clone()])).flatten() {
            outside.push_str(&text[rest..tag.range.start]);
            outside.push(' ');
            rest = tag.range.end;
            names.push(name.to_owned());
        }
    }
    outside.push_str(&text[rest..]);
    let words = outside.split(|c: char| !c.is_alphanumeric() && c != '_');
    if words.into_iter().any(|word| WORDS.contains(&word)) { None } else { Some(names) }
}

/// Returns the one name of a tag such as `{% from "a/b.j2" import c %}`, if it is one.
fn literal(tag: &str) -> Option<&str> {
    let inside = tag.strip_prefix("{%")?.strip_suffix("%}")?;
    let inside = inside.trim_matches(['-', '+']).trim();
    let (word, rest) = inside.split_once(char::is_whitespace)?;
    if !matches!(word, "extends" | "from" | "import" | "include") {
        return None;
    }
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, after) = rest[1..].split_once(quote)?;
    // Behind it, only words that choose nothing: `as x`, `import x, y as z`, `ignore missing`.
    let chooses = after.chars().any(|c| !c.is_alphanumeric() && !matches!(c, '_' | ',' | ' ' | '\n' | '\t'))
        || after.split_whitespace().next().is_some_and(|next| !matches!(next, "as" | "import" | "ignore"));
    (!chooses && !name.contains('\\')).then_some(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn literal_names_are_found() {
        let text = "{% from \"a/_b.j2\" import c, d as e %}\n{%- import 'f.j2' as g -%}\n{% include \"h\" ignore missing %}{% extends \"i\" %}x: {{ j }}\n";
        assert_eq!(names(text).unwrap(), ["a/_b.j2", "f.j2", "h", "i"]);
        assert_eq!(names("kind: Service\n{% if a %}{{ important }}{% endif %}\n").unwrap(), [""; 0]);
    }

    #[test]
    fn whatever_might_choose_counts_as_any() {
        for text in [
            "{% include name %}",
            "{% include \"parts/\" ~ kind %}",
            "{% include [\"a\", \"b\"] %}",
            "{% include \"a\" if b else \"c\" %}",
            "{% import ns.lib as lib %}",
            "{% from lib import macro %}",
            "{% include(\"a\") %}",
            "{% raw %}{% include \"a\" %}{% endraw %}",
            "{# import what is needed #}",
            "{% include \"a\\x2fb\" %}",
            "{% include \"a\"|lower %}",
        ] {
            assert_eq!(names(text), None, "{text}");
        }
    }
}
