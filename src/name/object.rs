//! Names of Kubernetes objects for paths in the secret store: where the store is Kubernetes, each entry is a Secret.

use sha2::{Digest, Sha256};

/// Bytes of the longest name of a Kubernetes object (DNS-1123 subdomain).
const LONGEST: usize = 253;

/// Begins the part that stands for what could not be kept.
const MARK: &str = "sha256-";

/// Returns the name of the Secret that holds the entry `key`, different for different keys.
///
/// A path of plain names keeps them: `tenants/acme/orders` is `tenants.acme.orders`. Whatever has another form, holds
/// the dot that stands for a slash, or is too long, keeps what can be read of it, and 128 bits of its SHA-256.
pub fn secret_object(key: &str) -> String {
    if key.len() <= LONGEST && key.split('/').all(is_plain) {
        return key.replace('/', ".");
    }
    let digest = hex::encode(&Sha256::digest(key)[..16]);
    let room = LONGEST - MARK.len() - digest.len() - 1;
    let mut readable = String::with_capacity(room);
    for c in key.chars() {
        let c = if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        if readable.len() < room && !(c == '-' && (readable.is_empty() || readable.ends_with('-'))) {
            readable.push(c);
        }
    }
    let readable = readable.trim_end_matches('-');
    if readable.is_empty() { format!("{MARK}{digest}") } else { format!("{readable}.{MARK}{digest}") }
}

/// Whether a part of a path is a DNS-1123 label that cannot be taken for a digest.
fn is_plain(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with(['-'])
        && !part.ends_with(['-'])
        && !part.starts_with(MARK)
        && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn is_object_name(name: &str) -> bool {
        let is_label = |label: &str| {
            let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            ends(label.chars().next())
                && ends(label.chars().last())
                && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        name.len() <= LONGEST && name.split('.').all(is_label)
    }

    #[test]
    fn plain_paths_can_be_read() {
        assert_eq!(secret_object("tenants/acme/orders"), "tenants.acme.orders");
        assert!(secret_object("tenants/acme/my_db").starts_with("tenants-acme-my-db.sha256-"));
    }

    #[test]
    fn neighbours_have_names_of_their_own() {
        let long = "a".repeat(300);
        let keys =
            ["a/b", "a.b", "a-b", "a_b", "a/b/", "/a/b", "a//b", "A/b", "a/-b", "", "-", "é", &long, &long[..299]];
        let names: BTreeMap<String, &str> = keys.into_iter().map(|key| (secret_object(key), key)).collect();
        assert_eq!(names.len(), keys.len(), "{names:?}");
        let hashed = secret_object("a.b").replace('.', "/");
        assert_ne!(secret_object(&hashed), secret_object("a.b"));
    }

    proptest! {
        #[test]
        fn every_text_has_a_name_that_kubernetes_takes(key in ".{0,400}") {
            prop_assert!(is_object_name(&secret_object(&key)), "{}", secret_object(&key));
        }

        #[test]
        fn two_paths_never_share_a_name(one in "[a./-]{1,6}(sha256-)?[a0./-]{0,4}", other in "[a./-]{1,6}(sha256-)?[a0./-]{0,4}") {
            prop_assert_eq!(one == other, secret_object(&one) == secret_object(&other));
        }
    }
}
