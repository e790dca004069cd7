//! The words of a key that say whether its value is secret.
//!
//! The last words decide: `dbPassword` holds a password, `passwordFile` and `secretKeyRef` say where one is.

/// A key that ends with one of these holds a secret.
const SECRET: [&str; 16] = [
    "password",
    "passwords",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "secret",
    "token",
    "tokens",
    "credential",
    "credentials",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "authorization",
];

/// A key that ends with `key` holds a secret after one of these.
const SECRET_KEYS: [&str; 12] = [
    "api",
    "private",
    "secret",
    "access",
    "account",
    "auth",
    "encryption",
    "hmac",
    "master",
    "session",
    "shared",
    "signing",
];

/// A key that ends with one of these names something, also below a key such as `password`: `secretKeyRef`, `valueFrom`,
/// `generated: 32` of a provision document, `expirationSeconds` of a projected token.
const NAMES: [&str; 14] = [
    "ref",
    "refs",
    "from",
    "name",
    "namespace",
    "path",
    "store",
    "kind",
    "property",
    "audience",
    "seconds",
    "generated",
    "answer",
    "selector",
];

/// Returns whether the value of the key may be a secret.
pub(super) fn is_secret(key: &str) -> bool {
    // Far longer than any key that a person wrote, and it keeps hostile keys cheap.
    if key.len() > 512 {
        return true;
    }
    // Nearly every key ends here, before anything is split.
    let end = key.trim_end_matches(|c: char| !c.is_alphabetic()).as_bytes();
    let may_end =
        |word: &str| end.len() >= word.len() && end[end.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes());
    if !SECRET.into_iter().chain(["key", "string", "hash"]).any(may_end) {
        return false;
    }
    match words(key).as_slice() {
        [.., before, last] if last == "secret" => before != "existing",
        [.., before, last] if last == "key" => SECRET_KEYS.contains(&before.as_str()),
        [.., before, last] if last == "string" => before == "connection",
        [.., before, last] if last == "hash" => before.starts_with("pass"),
        [.., last] => SECRET.contains(&last.as_str()),
        [] => false,
    }
}

/// Returns whether the value of the key names something, even below a key that holds secrets.
pub(super) fn is_reference(key: &str) -> bool {
    key == "key" || words(key).last().is_some_and(|last| NAMES.contains(&last.as_str()))
}

/// Returns whether a map or list under the key describes where a secret is kept.
pub(super) fn is_place(key: &str) -> bool {
    words(key).last().is_some_and(|last| last == "secret")
}

/// Splits at signs and at capitals, without digits at the end of a word: `APIKey_2` is `api`, `key`.
fn words(key: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in key.split(|c: char| !c.is_alphanumeric()) {
        let letters: Vec<char> = part.chars().collect();
        let mut word = String::new();
        for (index, &letter) in letters.iter().enumerate() {
            let after_small = index > 0 && !letters[index - 1].is_uppercase();
            let before_small = index > 0 && letters.get(index + 1).is_some_and(|next| next.is_lowercase());
            if letter.is_uppercase() && (after_small || before_small) {
                push(&mut words, &mut word);
            }
            word.extend(letter.to_lowercase());
        }
        push(&mut words, &mut word);
    }
    words
}

fn push(words: &mut Vec<String>, word: &mut String) {
    let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if !bare.is_empty() {
        words.push(bare.to_owned());
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_split_at_signs_and_capitals() {
        assert_eq!(words("APIKey_2"), ["api", "key"]);
        assert_eq!(words("DB_PASSWORD"), ["db", "password"]);
        assert_eq!(words("spring.datasource.passwordFile"), ["spring", "datasource", "password", "file"]);
        assert!(words("2--").is_empty());
    }

    #[test]
    fn the_last_words_decide() {
        assert!(is_secret("redisConnectionString") && is_secret("S3_SECRET_KEY") && is_secret("MYSQL_PWD"));
        assert!(
            !is_secret("topologyKey") && !is_secret("secretName") && !is_secret("monkey") && !is_secret("accessKeyId")
        );
    }
}
