//! The readable half of a tenant's name, made from what people call the customer.

/// Characters that a slug keeps, so that a hyphen and a random suffix of six still fit in a name.
const LONGEST: usize = 20;

/// Returns a slug of `display_name`: `Café Zoë & Söhne` → `cafe-zoe-sohne`.
///
/// Transliterated and lower-cased before anything is dropped, one hyphen for all that is between words, cut at 20
/// characters and trimmed after the cut, and with a letter in front. Two customers may share a slug: the suffix that
/// `tenant new` appends tells them apart.
pub fn slug(display_name: &str) -> String {
    let plain = deunicode::deunicode(display_name).to_lowercase();
    let words = plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = words.collect::<Vec<_>>().join("-");
    if !slug.starts_with(|c: char| c.is_ascii_lowercase()) {
        slug = if slug.is_empty() { "tenant".to_owned() } else { format!("t-{slug}") };
    }
    slug.truncate(LONGEST);
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{super::TenantName, slug};

    #[test]
    fn slugs_are_readable_and_right() {
        for (name, expected) in [
            ("ABC Corporation", "abc-corporation"),
            ("XYZ Corporation", "xyz-corporation"),
            ("Café Zoë & Söhne", "cafe-zoe-sohne"),
            ("  --  ", "tenant"),
            ("3M", "t-3m"),
            ("O'Reilly's", "o-reilly-s"),
            ("A very long company name, Inc.", "a-very-long-company"),
            ("Ærøskøbing ApS", "aeroskobing-aps"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
    }

    #[test]
    fn a_slug_with_its_suffix_is_always_a_name() {
        for name in ["北京烤鸭", "🦀🦀🦀", "ß", "-", "a", "Ω", "1", "\u{202e}x", "مرحبا بالعالم كيف حالك اليوم"]
        {
            let name = format!("{}-7f3a9c", slug(name));
            assert!(name.parse::<TenantName>().is_ok(), "{name}");
        }
    }
}
