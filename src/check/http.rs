//! Rules on an `httpResource`: `${…}` refer to what there is when they are filled in, and no credential is written out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    places::{Finder, below},
    services,
    shape::shown,
    suggest,
};
use crate::{
    diag::Code,
    provision::{
        http::{Call, HttpResourceSpec, Lookup, ReadyWhen},
        secret::SecretField,
    },
    resolve::variables::{Piece, pieces},
};

/// What `${…}` may name, beside `platform.settings.…`.
const VARIABLES: [&str; 15] = [
    "tenant.name",
    "tenant.uid",
    "tenant.displayName",
    "tenant.subdomain",
    "tenant.state",
    "tenant.tier",
    "tenant.region",
    "tenant.contacts.admin",
    "tenant.contacts.billing",
    "tenant.subscription",
    "hosts.primary",
    "namespace",
    "platform.name",
    "platform.displayName",
    "platform.domain",
];

/// What a text may refer to.
#[derive(Clone, Copy)]
struct Scope<'a> {
    /// Whether an object has been found by then.
    found: bool,
    secret: &'a BTreeMap<String, SecretField>,
    /// `platform.settings`; `None` if unknown.
    settings: Option<&'a Value>,
}

/// Finds what is wrong with an `httpResource`.
pub(super) fn check(finder: &mut Finder<'_>, spec: &HttpResourceSpec, settings: Option<&Value>) {
    let HttpResourceSpec { lookup, create, update, delete, wanted, claim_at, ready_when, secret } = spec;
    let scope = Scope { found: true, secret, settings };
    let before = Scope { found: false, ..scope };
    let Lookup { call: search, items, matching, page_parameter: _, absent: _ } = lookup;
    call(finder, "/lookup/call", search, before);
    call(finder, "/create", create, before);
    for (pointer, optional) in [("/update", update), ("/delete", delete)] {
        optional.iter().for_each(|request| call(finder, pointer, request, scope));
    }
    for (base, map, scope) in [("/lookup/matching", matching, before), ("/wanted", wanted, scope)] {
        for (key, wanted) in map {
            let at = below(base, key);
            pointer_key(finder, &at, key);
            value(finder, &at, wanted, scope);
        }
    }
    for (at, pointer) in [("/lookup/items", items), ("/claimAt", claim_at)] {
        if let Some(pointer) = pointer.as_deref().filter(|pointer| !is_pointer(pointer)) {
            not_a_pointer(finder, at, pointer, false);
        }
    }
    if let Some(ReadyWhen { ready, failed, interval_seconds: _, timeout_seconds: _ }) = ready_when {
        for (base, map) in [("/readyWhen/ready", ready), ("/readyWhen/failed", failed)] {
            map.keys().for_each(|key| pointer_key(finder, &below(base, key), key));
        }
    }
    fields(finder, "/secret", secret, settings);
}

/// Finds what is wrong with the fields of a secret.
pub(super) fn fields(
    finder: &mut Finder<'_>,
    base: &str,
    fields: &BTreeMap<String, SecretField>,
    settings: Option<&Value>,
) {
    for (key, field) in fields {
        let at = below(base, key);
        match field {
            SecretField::Value(text) => {
                let pointer = below(&at, "value");
                references(finder, &pointer, text, Scope { found: false, secret: &BTreeMap::new(), settings });
                credential(finder, &pointer, key, text);
            }
            SecretField::Answer(pointer) if !is_pointer(pointer) => {
                not_a_pointer(finder, &below(&at, "answer"), pointer, false);
            }
            SecretField::Answer(_) | SecretField::Generated(_) => {}
        }
    }
}

fn call(finder: &mut Finder<'_>, base: &str, call: &Call, scope: Scope<'_>) {
    let Call { method: _, path, query, body, expect: _ } = call;
    references(finder, &below(base, "path"), path, scope);
    for (key, text) in query {
        let at = below(&below(base, "query"), key);
        references(finder, &at, text, scope);
        credential(finder, &at, key, text);
    }
    if let Some(body) = body {
        value(finder, &below(base, "body"), body, scope);
    }
}

fn value(finder: &mut Finder<'_>, pointer: &str, value: &Value, scope: Scope<'_>) {
    match value {
        Value::String(text) => references(finder, pointer, text, scope),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                self::value(finder, &format!("{pointer}/{index}"), item, scope);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let at = below(pointer, key);
                if let Value::String(text) = item {
                    credential(finder, &at, key, text);
                }
                self::value(finder, &at, item, scope);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn references(finder: &mut Finder<'_>, pointer: &str, text: &str, scope: Scope<'_>) {
    for piece in pieces(text) {
        match piece {
            Piece::Literal(_) => {}
            Piece::Unclosed(_) => {
                let help = "close it, or write `$$` for a dollar sign";
                finder.value(Code::UnknownVariable, pointer, "`${` without its `}`", help);
            }
            Piece::Reference(reference) => {
                if let Some(help) = unknown(reference, scope) {
                    let message = format!("`${{{}}}` names nothing here", reference.escape_debug());
                    finder.value(Code::UnknownVariable, pointer, message, help);
                }
            }
        }
    }
}

/// Returns the help for a reference to nothing.
fn unknown(reference: &str, scope: Scope<'_>) -> Option<String> {
    if VARIABLES.contains(&reference) {
        return None;
    }
    let (root, rest) = reference.split_once('.').unwrap_or((reference, ""));
    match root {
        "found" if scope.found && !rest.is_empty() => None,
        "found" if scope.found => Some("write `${found.field}`".to_owned()),
        "found" => Some("nothing has been found before the lookup, nor when the object is created".to_owned()),
        "secret" if scope.secret.contains_key(rest) => None,
        "secret" => {
            let fields = scope.secret.keys().map(String::as_str);
            Some(suggest::help(rest, "fields of its secret", fields, "add the field to `secret`"))
        }
        _ => match reference.strip_prefix("platform.settings.") {
            Some(keys) => {
                let settings = scope.settings?;
                let found = keys.split('.').try_fold(settings, |value, key| value.get(key));
                found.is_none().then(|| "add it under `spec.settings` in `tenantry.yaml`".to_owned())
            }
            None => Some(suggest::help(reference, "references", VARIABLES, "")),
        },
    }
}

/// Finds a credential that stands in the file itself.
fn credential(finder: &mut Finder<'_>, pointer: &str, key: &str, text: &str) {
    if !text.is_empty() && !text.contains("${") && services::holds_credential(key) {
        let message = format!("{} looks like a credential, written in clear", shown(key));
        let help = "let it be made (`generated`) and refer to it as `${secret.…}`; connections carry their own";
        finder.value(Code::InlineCredential, pointer, message, help);
    }
}

/// Finds a text that is no JSON pointer.
pub(super) fn pointer(finder: &mut Finder<'_>, at: &str, text: &str) {
    if !is_pointer(text) {
        not_a_pointer(finder, at, text, false);
    }
}

fn pointer_key(finder: &mut Finder<'_>, at: &str, key: &str) {
    if !is_pointer(key) {
        not_a_pointer(finder, at, key, true);
    }
}

fn not_a_pointer(finder: &mut Finder<'_>, at: &str, text: &str, key: bool) {
    let message = format!("{} is no JSON pointer", shown(text));
    let help = "write the keys with a slash in front of each: `/status/ready`";
    if key {
        finder.key(Code::InvalidPointer, at, message, help);
    } else {
        finder.value(Code::InvalidPointer, at, message, help);
    }
}

/// RFC 6901, with at least one step.
fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.match_indices('~').all(|(at, _)| text[at + 1..].starts_with(['0', '1']))
}
