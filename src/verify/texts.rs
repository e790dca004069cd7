//! Texts: secret values, since what is in git is read by everybody who can read the repository, for ever; and too much text.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Container, Fields, Object, below},
    tokens::token,
};
use crate::diag::Code;

const HELP: &str = "keep the value in the secret store and refer to it: an ExternalSecret makes the Secret, `valueFrom.secretKeyRef` or `envFrom` reads it";

/// Words in the name of a variable that holds a secret.
const SECRET_WORDS: [&str; 13] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "ACCOUNT_KEY",
    "ACCESS_KEY",
    "CREDENTIAL",
];

/// Ends of such a name that say that the variable holds something about a secret.
const HARMLESS_ENDS: [&str; 33] = [
    "_ALGORITHM",
    "_BACKEND",
    "_CHECKSUM",
    "_COUNT",
    "_DIGEST",
    "_DIR",
    "_ENABLED",
    "_ENDPOINT",
    "_EXPIRES",
    "_EXPIRY",
    "_FILE",
    "_HEADER",
    "_HOST",
    "_ISSUER",
    "_KIND",
    "_LENGTH",
    "_LIFETIME",
    "_LIMIT",
    "_NAME",
    "_PATH",
    "_POLICY",
    "_PREFIX",
    "_PROVIDER",
    "_REF",
    "_REGEX",
    "_ROTATION",
    "_SECONDS",
    "_SIZE",
    "_STORE",
    "_TTL",
    "_TYPE",
    "_URL",
    "_VERSION",
];

/// How values start that only refer to a secret, or stand for one that is filled in elsewhere.
const REFERENCES: [&str; 14] =
    ["$(", "${", "{{", "<", "***", "/", "http://", "https://", "vault:", "secret://", "op://", "ref+", "arn:", "file:"];

/// Words of names whose keys everybody may see.
const PUBLIC_WORDS: [&str; 4] = ["PUBLIC", "PUBLISHABLE", "SITE_KEY", "KEY_ID"];

/// The most bytes of one object: etcd takes 1.5 MiB, with what the cluster adds.
const MAX_BYTES: usize = 1024 * 1024;

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
    for (key, value) in object.annotations.into_iter().flatten() {
        if value.as_str().is_some_and(|value| is_password(key, value)) {
            let message = format!("the annotation `{key}` of {} is given in plain text", object.title());
            findings.add(Code::SecretLiteral, object, &below("/metadata/annotations", key), message, HELP);
        }
    }
    for container in object.pod.iter().flat_map(super::object::Pod::containers) {
        variables(object, &container, findings);
        arguments(object, &container, findings);
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

fn variables(object: &Object<'_>, container: &Container<'_>, findings: &mut Findings<'_>) {
    for (index, variable) in container.value.get("env").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let text = |field: &str| variable.get(field).and_then(Value::as_str);
        if let (Some(name), Some(value)) = (text("name"), text("value"))
            && is_literal(name, value)
        {
            let message = format!("the variable `{name}` of container `{}` is given in plain text", container.name());
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

/// `--password hunter2`: with `=` between the two it is known by its form.
fn arguments(object: &Object<'_>, container: &Container<'_>, findings: &mut Findings<'_>) {
    for list in ["command", "args"] {
        let items = container.value.get(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, pair) in items.windows(2).enumerate() {
            let (Some(name), Some(value)) = (pair[0].as_str(), pair[1].as_str()) else { continue };
            if name.starts_with("--") && !name.contains('=') && !value.starts_with('-') && is_literal(name, value) {
                let message =
                    format!("the argument behind `{name}` of container `{}` is given in plain text", container.name());
                findings.add(
                    Code::SecretLiteral,
                    object,
                    &container.pointer_to(&format!("{list}/{}", index + 1)),
                    message,
                    HELP,
                );
            }
        }
    }
}

/// Returns whether an annotation is a password. Many annotations name a Secret, and are called after it.
fn is_password(key: &str, value: &str) -> bool {
    let named = |word: &[u8]| key.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    may_be_secret(key)
        && !key.contains("kubernetes.io/")
        && (named(b"passw") || named(b"api-key") || named(b"apikey"))
        && is_literal(key, value)
}

/// Returns whether a variable of this name holds a secret, and this value is one.
fn is_literal(name: &str, value: &str) -> bool {
    if value.is_empty() || !may_be_secret(name) {
        return false;
    }
    let upper = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let harmless = HARMLESS_ENDS.iter().any(|end| upper.ends_with(end));
    let reference = REFERENCES.iter().any(|start| value.starts_with(start));
    let plain = matches!(value, "true" | "false") || value.bytes().all(|b| b.is_ascii_digit());
    if harmless || reference || plain || PUBLIC_WORDS.iter().any(|word| upper.contains(word)) {
        return false;
    }
    SECRET_WORDS.iter().any(|word| upper.contains(word)) || upper.ends_with("KEY") && is_random(value)
}

/// Returns whether a value looks like chance: long, of letters and digits in no order. Ids and digests do too, and are told by their form.
fn is_random(value: &str) -> bool {
    /// Below it, words and versions come close.
    const LEAST: usize = 24;
    let bare = value.strip_prefix("base64:").unwrap_or(value);
    let coded = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-');
    let has = |test: fn(&u8) -> bool| bare.as_bytes().iter().any(test);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let mut kinds = [false; 256];
    bare.bytes().for_each(|b| kinds[usize::from(b)] = true);
    // A random text of base64 shows most of its characters once; `Aa1Aa1Aa1…` and paths do not.
    let different = kinds.iter().filter(|seen| **seen).count();
    bare.len() >= LEAST && mixed && bare.bytes().all(coded) && different >= 14
}

/// A quick look before any allocation: every secret word has an H, a K, a T or a W.
fn may_be_secret(name: &str) -> bool {
    name.len() >= 5 && name.bytes().any(|b| matches!(b.to_ascii_uppercase(), b'H' | b'K' | b'T' | b'W'))
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn secret_variables_are_known_by_name_and_value() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("stripe-api-key", "abc"),
            ("JWT_SECRET", "x"),
            ("token", "t0ken"),
            ("APP_KEY", "base64:aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xYz/+="),
            ("SIGNING-KEY", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("passphrase", "correct horse"),
        ] {
            assert!(is_literal(name, value), "{name}");
        }
        for (name, value) in [
            ("DB_PASSWORD", ""),
            ("DB_PASSWORD", "$(OTHER)"),
            ("DB_PASSWORD", "${DB_PASSWORD}"),
            ("DB_PASSWORD", "<from the store>"),
            ("DB_PASSWORD", "vault:secret/data/shop#password"),
            ("SECRET_CHECKSUM", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            ("ROUTING_KEY", "orders.created.v1"),
            ("CACHE_KEY", "0192f0c1-0000-7000-8000-000000000001"),
            ("IMAGE_KEY", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            ("STRIPE_PUBLISHABLE_KEY", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("SSH_PUBLIC_KEY", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"),
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
