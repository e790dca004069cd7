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
        http::{Call, HttpResourceSpec, Login, Lookup, Need, Pages, ReadyWhen, Reveal},
        secret::SecretField,
        variables::{Piece, pieces, references},
    },
};

/// What `${…}` may name, beside `platform.settings.…`.
const VARIABLES: [&str; 16] = [
    "claim",
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
    /// The objects that it needs, and that are known by then.
    needs: Option<&'a BTreeMap<String, Need>>,
    /// The fields of its credential, where that may be used.
    secret: Option<&'a BTreeMap<String, SecretField>>,
    /// `platform.settings`; `None` if unknown.
    settings: Option<&'a Value>,
}

/// Finds what is wrong with an `httpResource`.
pub(super) fn check(finder: &mut Finder<'_>, spec: &HttpResourceSpec, settings: Option<&Value>) {
    let HttpResourceSpec { needs, lookup, create, update, delete, wanted, claim_at, ready_when, secret, login, reveal } =
        spec;
    // What is known, at the times of: the lookup of a need, the lookup, the creation, and everything later.
    let first = Scope { found: false, needs: None, secret: None, settings };
    let search = Scope { needs: Some(needs), ..first };
    let before = Scope { secret: Some(secret), ..search };
    let later = Scope { found: true, ..before };
    for (name, Need { after: _, lookup }) in needs {
        self::lookup(finder, &below(&below("/needs", name), "lookup"), lookup, first);
    }
    self::lookup(finder, "/lookup", lookup, search);
    call(finder, "/create", create, before);
    for (pointer, optional) in [("/update", update), ("/delete", delete)] {
        optional.iter().for_each(|request| call(finder, pointer, request, later));
    }
    values(finder, "/wanted", wanted, Scope { secret: None, ..later });
    if let Some(pointer) = claim_at {
        self::pointer(finder, "/claimAt", pointer);
        let writes = |call: &Call| call.body.as_ref().is_some_and(|body| references(body).contains("claim"));
        for (at, call) in
            [Some(("/create", create)), update.as_ref().map(|update| ("/update", update))].into_iter().flatten()
        {
            if !writes(call) {
                let message = "the claim is looked for in the object, and this request does not write it";
                let help =
                    "write `${claim}` into the body, or take `claimAt` out: the claim is then kept in the secret store";
                finder.key(Code::ClaimNotWritten, at, message, help);
            }
        }
    }
    if let Some(ReadyWhen { ready, failed, interval_seconds: _, timeout_seconds: _ }) = ready_when {
        for (base, map) in [("/readyWhen/ready", ready), ("/readyWhen/failed", failed)] {
            map.keys().for_each(|key| pointer_key(finder, &below(base, key), key));
        }
    }
    fields(finder, "/secret", secret, settings);
    if let Some(Login { username, password, proof, refused: _, set }) = login {
        for (at, name) in [("/login/username", username), ("/login/password", password)] {
            field(finder, at, name, secret, |_| true);
        }
        call(finder, "/login/proof", proof, Scope { secret: None, ..later });
        call(finder, "/login/set", set, later);
    }
    if let Some(Reveal { call: ask, fields }) = reveal {
        call(finder, "/reveal/call", ask, Scope { secret: None, ..later });
        for (name, pointer) in fields {
            let at = below("/reveal/fields", name);
            field(finder, &at, name, secret, |field| matches!(field, SecretField::Answer(_)));
            self::pointer(finder, &at, pointer);
        }
    }
}

/// Finds a name that is no such field of the secret.
fn field(
    finder: &mut Finder<'_>,
    at: &str,
    name: &str,
    secret: &BTreeMap<String, SecretField>,
    fits: impl Fn(&SecretField) -> bool,
) {
    if !secret.get(name).is_some_and(&fits) {
        let known = secret.iter().filter(|(_, field)| fits(field)).map(|(name, _)| name.as_str());
        let message = format!("{} is no such field of its secret", shown(name));
        finder.value(
            Code::UnknownVariable,
            at,
            message,
            suggest::help(name, "fields", known, "add the field to `secret`"),
        );
    }
}

fn lookup(finder: &mut Finder<'_>, base: &str, lookup: &Lookup, scope: Scope<'_>) {
    let Lookup { call: search, items, matching, containing, pages, detail, absent: _ } = lookup;
    call(finder, &below(base, "call"), search, scope);
    values(finder, &below(base, "matching"), matching, scope);
    values(finder, &below(base, "containing"), containing, scope);
    if let Some(items) = items.as_deref().filter(|items| !items.is_empty()) {
        pointer(finder, &below(base, "items"), items);
    }
    match pages {
        Some(Pages::Number { parameter: _, last_at: Some(last_at) }) => {
            pointer(finder, &format!("{base}/pages/number/lastAt"), last_at);
        }
        Some(Pages::Cursor { parameter: _, next_at }) => {
            pointer(finder, &format!("{base}/pages/cursor/nextAt"), next_at);
        }
        Some(Pages::Number { parameter: _, last_at: None }) | None => {}
    }
    if let Some(detail) = detail {
        call(finder, &below(base, "detail"), detail, Scope { found: true, ..scope });
    }
}

fn values(finder: &mut Finder<'_>, base: &str, values: &BTreeMap<String, Value>, scope: Scope<'_>) {
    for (key, wanted) in values {
        let at = below(base, key);
        pointer_key(finder, &at, key);
        value(finder, &at, wanted, scope);
    }
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
                refer(finder, &pointer, text, Scope { found: false, needs: None, secret: None, settings });
                credential(finder, &pointer, key, text);
            }
            SecretField::Answer(pointer) if !is_pointer(pointer) => {
                not_a_pointer(finder, &below(&at, "answer"), pointer, false);
            }
            SecretField::Answer(_) | SecretField::Generated(_) => {}
        }
    }
}

/// Headers that say who asks, or how the message is cut: the connection's and the client's own.
const OWN_HEADERS: [&str; 7] =
    ["authorization", "connection", "content-length", "content-type", "cookie", "host", "transfer-encoding"];

fn call(finder: &mut Finder<'_>, base: &str, call: &Call, scope: Scope<'_>) {
    let Call { method: _, path, query, headers, body, expect: _, taken: _, idempotency_header, repeatable: _ } = call;
    // A URL is written into the logs of every machine on the way.
    let open = Scope { secret: None, ..scope };
    refer(finder, &below(base, "path"), path, open);
    let is_climbing = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split(['/', '?', '#']).any(is_climbing) {
        let message = format!("{} leaves the API below which the connection's credential is sent", shown(path));
        finder.value(Code::UnsafePath, &below(base, "path"), message, "write the path without `.` and `..`");
    }
    for (map, base) in [(query, below(base, "query")), (headers, below(base, "headers"))] {
        for (key, text) in map {
            let at = below(&base, key);
            refer(finder, &at, text, open);
            credential(finder, &at, key, text);
        }
    }
    let own = |name: &str| OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str());
    let named = headers.keys().map(|name| (below(&below(base, "headers"), name), name));
    let key = idempotency_header.iter().map(|name| (below(base, "idempotencyHeader"), name));
    for (at, name) in named.chain(key) {
        if own(name) || name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            let message = format!("{} is no header that can be set here", shown(name));
            let help = "write letters, digits and hyphens; who asks is said by the connection's `authentication`";
            finder.value(Code::InvalidIdentifier, &at, message, help);
        }
    }
    if let Some(body) = body {
        value(finder, &below(base, "body"), body, scope);
    }
}

fn value(finder: &mut Finder<'_>, pointer: &str, value: &Value, scope: Scope<'_>) {
    match value {
        Value::String(text) => refer(finder, pointer, text, scope),
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

fn refer(finder: &mut Finder<'_>, pointer: &str, text: &str, scope: Scope<'_>) {
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
        "needs" => {
            let name = rest.split('.').next().unwrap_or_default();
            let known = scope.needs.into_iter().flat_map(BTreeMap::keys).map(String::as_str);
            if scope.needs.is_some_and(|needs| needs.contains_key(name)) && rest.len() > name.len() {
                return None;
            }
            Some(suggest::help(name, "objects that it needs", known, "add it to `needs`, and name one of its fields"))
        }
        "secret" => match scope.secret {
            Some(secret) if secret.contains_key(rest) => None,
            Some(secret) => {
                let fields = secret.keys().map(String::as_str);
                Some(suggest::help(rest, "fields of its secret", fields, "add the field to `secret`"))
            }
            None => Some("a credential goes into the body of a request that makes or changes".to_owned()),
        },
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
