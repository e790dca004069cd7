//! "Did you mean": the nearest of the words that would be right, and lists of them.

/// Returns the candidate that `word` was most likely meant to be.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let plain = fold(word);
    // A third of the letters may be wrong: enough for a slip, too few for another word.
    let most = (plain.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&plain, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Folds case and separators: `custom_domains` was meant to be `customDomains`.
fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Returns the help for a word that names nothing: the nearest one, or all of them.
///
/// `what` says what they are, in the plural ("tiers"); `none` is the help where there are none at all.
pub(super) fn help<'c>(
    word: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
    none: &str,
) -> String {
    if let Some(nearest) = nearest(word, candidates.clone()) {
        return format!("did you mean `{nearest}`?");
    }
    match list(candidates) {
        Some(list) => format!("the {what} are {list}"),
        None => none.to_owned(),
    }
}

/// Returns the words in backticks, at most twelve of them.
pub(super) fn list<'c>(words: impl IntoIterator<Item = &'c str>) -> Option<String> {
    /// More make a line that nobody reads.
    const MOST: usize = 12;
    let words: Vec<&str> = words.into_iter().collect();
    let mut text = words.iter().take(MOST).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    if words.len() > MOST {
        text.push_str(&format!(" and {} more", words.len() - MOST));
    }
    (!words.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let tiers = ["standard", "premium", "business"];
        for (word, meant) in [("premum", "premium"), ("Premium", "premium"), ("stnadard", "standard")] {
            assert_eq!(nearest(word, tiers), Some(meant), "{word}");
        }
        assert_eq!(nearest("custom_domains", ["customDomains"]), Some("customDomains"));
        assert_eq!(nearest("gold", tiers), None);
        assert_eq!(nearest("", tiers), None);
    }

    #[test]
    fn help_lists_what_there_is() {
        assert_eq!(help("gold", "tiers", ["a", "b"], "none"), "the tiers are `a`, `b`");
        assert_eq!(help("gold", "tiers", [], "there are none"), "there are none");
        let many: Vec<String> = (0..14).map(|n| n.to_string()).collect();
        assert!(list(many.iter().map(String::as_str)).is_some_and(|text| text.ends_with("`11` and 2 more")));
    }
}
