//! Texts: secret values, since what is in git is read by everybody who can read the repository, for ever; and too much text.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Fields, Object, below},
};
use crate::diag::Code;

const HELP: &str = "keep the value in the secret store and refer to it: an ExternalSecret makes the Secret, `valueFrom.secretKeyRef` or `envFrom` reads it";

/// Words in the name of a variable that holds a secret.
const SECRET_WORDS: [&str; 8] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY", "CREDENTIAL"];

/// Ends of such a name that say that the variable holds something about a secret.
const HARMLESS_ENDS: [&str; 14] = [
    "_FILE",
    "_PATH",
    "_DIR",
    "_NAME",
    "_URL",
    "_TTL",
    "_LIFETIME",
    "_EXPIRY",
    "_EXPIRES",
    "_LENGTH",
    "_HEADER",
    "_ISSUER",
    "_ENABLED",
    "_SECONDS",
];

/// Forms of well-known tokens: how they start, how many characters of the token follow at least, and what they are.
const TOKENS: [(&str, usize, &str); 13] = [
    ("-----BEGIN ", 20, "a private key"),
    ("AKIA", 16, "an AWS access key"),
    ("AIza", 35, "a Google API key"),
    ("ghp_", 30, "a GitHub token"),
    ("gho_", 30, "a GitHub token"),
    ("ghs_", 30, "a GitHub token"),
    ("github_pat_", 22, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("hvs.", 24, "a Vault token"),
    ("sk_live_", 16, "a Stripe key"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("eyJ", 40, "a signed token"),
];

/// The most bytes of one object: etcd takes 1.5 MiB, with what the cluster adds.
const MAX_BYTES: usize = 1024 * 1024;

/// The shortest text that can hold one of them.
const SHORTEST: usize = 16;

pub(super) fn check(object: &Object<'_>, findings: &mut Findings<'_>) {
    if object.is("", "Secret") {
        for field in ["data", "stringData"] {
            if object.at(&[field]).and_then(Value::as_object).is_some_and(|data| !data.is_empty()) {
                let message = format!("{} carries its values", object.title());
                findings.add(Code::SecretData, object, &format!("/{field}"), message, HELP);
            }
        }
    }
    if object.is("", "ConfigMap") {
        let data = object.at(&["data"]).and_then(Value::as_object);
        for (name, value) in data.into_iter().flat_map(Fields::iter) {
            if value.as_str().is_some_and(|value| is_literal(name, value)) {
                let message = format!("`{name}` of {} is given in plain text", object.title());
                findings.add(Code::SecretLiteral, object, &below("/data", name), message, HELP);
            }
        }
    }
    for container in object.pod.iter().flat_map(super::object::Pod::containers) {
        for (index, variable) in container.value.get("env").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            let text = |field: &str| variable.get(field).and_then(Value::as_str);
            if let (Some(name), Some(value)) = (text("name"), text("value"))
                && is_literal(name, value)
            {
                let message =
                    format!("the variable `{name}` of container `{}` is given in plain text", container.name());
                findings.add(
                    Code::SecretLiteral,
                    object,
                    &container.pointer_to(&format!("env/{index}/value")),
                    message,
                    HELP,
                );
            }
        }
    }
    let mut walk = Walk::default();
    walk.value(object.value);
    if walk.found {
        tokens(object.value, String::new(), object, findings);
    }
    if walk.bytes > MAX_BYTES {
        findings.add(
            Code::ObjectTooLarge,
            object,
            "",
            format!("{} is larger than 1 MiB", object.title()),
            "spread it over several objects: etcd refuses larger ones",
        );
    }
}

/// Returns whether a variable of this name holds a secret, and this value is one.
fn is_literal(name: &str, value: &str) -> bool {
    if value.is_empty() || !may_be_secret(name) {
        return false;
    }
    let upper = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let harmless = HARMLESS_ENDS.iter().any(|end| upper.ends_with(end));
    let reference = value.starts_with("$(") || value.starts_with('/') || value.starts_with("http");
    let plain = matches!(value, "true" | "false") || value.bytes().all(|b| b.is_ascii_digit());
    !harmless && !reference && !plain && SECRET_WORDS.iter().any(|word| upper.contains(word))
}

/// A quick look before any allocation: every secret word has a K, a T or a W.
fn may_be_secret(name: &str) -> bool {
    name.len() >= 5 && name.bytes().any(|b| matches!(b.to_ascii_uppercase(), b'K' | b'T' | b'W'))
}

/// One walk through an object.
#[derive(Default)]
struct Walk {
    /// Whether a text holds a token.
    found: bool,
    /// The size as JSON, about.
    bytes: usize,
}

impl Walk {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.bytes += 5,
            Value::String(text) => {
                self.bytes += text.len() + 3;
                self.found = self.found || token(text).is_some();
            }
            Value::Array(items) => {
                self.bytes += 2;
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(fields) => {
                self.bytes += 2;
                for (key, value) in fields {
                    self.bytes += key.len() + 4;
                    self.value(value);
                }
            }
        }
    }
}

fn tokens(value: &Value, pointer: String, object: &Object<'_>, findings: &mut Findings<'_>) {
    match value {
        Value::String(text) => {
            if let Some(what) = token(text) {
                let message = format!("{} holds {what}", object.title());
                findings.add(Code::SecretInText, object, &pointer, message, HELP);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                tokens(item, format!("{pointer}/{index}"), object, findings);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                tokens(value, below(&pointer, key), object, findings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns what secret a text holds. Tokens begin where a word does.
fn token(text: &str) -> Option<&'static str> {
    if text.len() < SHORTEST {
        return None;
    }
    let bytes = text.as_bytes();
    // Pairs of bytes: most texts are passed over with one look at each.
    for (at, pair) in bytes.windows(2).enumerate() {
        if !FIRST[usize::from(pair[0])] {
            continue;
        }
        if pair == b":/" {
            if text[at..].starts_with("://") && has_password(&text[at + 3..]) {
                return Some("a URL with a password");
            }
        } else if may_start(pair[0], pair[1])
            && !at.checked_sub(1).is_some_and(|before| is_inside(bytes[before]))
            && let Some(what) = token_at(&text[at..])
        {
            return Some(what);
        }
    }
    None
}

/// The bytes that a token or the `://` of a URL starts with.
const FIRST: [bool; 256] = {
    let mut table = [false; 256];
    let letters = b"-Aghsxe:";
    let mut at = 0;
    while at < letters.len() {
        table[letters[at] as usize] = true;
        at += 1;
    }
    table
};

/// Returns whether a byte is part of a word, so that no token starts behind it. Bytes beyond ASCII belong to letters.
fn is_inside(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The first two letters of all tokens: most words are told apart by them.
fn may_start(first: u8, second: u8) -> bool {
    matches!(
        (first, second),
        (b'-', b'-')
            | (b'A', b'K' | b'I')
            | (b'g', b'h' | b'i' | b'l')
            | (b'h', b'v')
            | (b's', b'k')
            | (b'x', b'o')
            | (b'e', b'y')
    )
}

fn token_at(text: &str) -> Option<&'static str> {
    let (prefix, least, what) = TOKENS.iter().find(|(prefix, _, _)| text.starts_with(prefix))?;
    let rest = &text[prefix.len()..];
    let is_token = match *prefix {
        "-----BEGIN " => rest.split("-----").next().is_some_and(|title| title.ends_with("PRIVATE KEY")),
        "AKIA" => rest.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count() == *least,
        // Three parts of base64 joined by dots, the second one JSON too.
        "eyJ" => rest.split_once(".eyJ").is_some_and(|(head, _)| head.bytes().all(is_token_byte)),
        _ => rest.bytes().take_while(|b| is_token_byte(*b)).count() >= *least,
    };
    is_token.then_some(*what)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Returns whether the text behind `://` starts with a user and a literal password.
fn has_password(authority: &str) -> bool {
    let end = authority.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace());
    let authority = &authority[..end.unwrap_or(authority.len())];
    let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.starts_with(['$', '{', '<', '*', '%']))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_known_by_their_form() {
        // Put together here, so that no scanner takes this file for a leak.
        let key = format!("key: -----BEGIN {} KEY-----\nMIIE", "EC PRIVATE");
        let aws = format!("{}IOSFODNN7EXAMPLE", "AKIA");
        let github = format!("token={}_{}", "ghp", "a1".repeat(18));
        let signed = format!("{}hbGciOiJIUzI1NiJ9.{}zdWIiOiIxIn0.c2ln", "eyJ", "eyJ");
        for (text, what) in [
            (key.as_str(), "a private key"),
            (&aws, "an AWS access key"),
            (&github, "a GitHub token"),
            (&signed, "a signed token"),
            ("mysql://root:hunter2@mysql:3306/abc", "a URL with a password"),
        ] {
            assert_eq!(token(text), Some(what), "{text}");
        }
    }

    #[test]
    fn ordinary_texts_are_no_tokens() {
        for text in [
            "-----BEGIN CERTIFICATE-----\nMIIE",
            "mysql://$(USER):$(PASSWORD)@mysql:3306/abc",
            "https://shop.example.com/a:b@c",
            "task-AKIAIOSFODNN7EXAMPLE1",
            "ghp_short and nothing more behind it",
            "the eyJet of the storm is a long text indeed",
            "éééééééééééééééééééé",
        ] {
            assert_eq!(token(text), None, "{text}");
        }
    }

    #[test]
    fn secret_variables_are_known_by_name_and_value() {
        for (name, value) in
            [("DB_PASSWORD", "hunter2"), ("stripe-api-key", "abc"), ("JWT_SECRET", "x"), ("token", "t0ken")]
        {
            assert!(is_literal(name, value), "{name}");
        }
        for (name, value) in [
            ("DB_PASSWORD", ""),
            ("DB_PASSWORD", "$(OTHER)"),
            ("DB_PASSWORD_FILE", "/run/secret"),
            ("TOKEN_URL", "auth"),
            ("TOKEN_TTL", "x"),
            ("SECRET_ROTATION", "true"),
            ("TOKEN_COUNT", "3"),
            ("LOG_LEVEL", "info"),
            ("KEYBOARD", "qwerty"),
        ] {
            assert!(!is_literal(name, value), "{name}={value}");
        }
    }
}
