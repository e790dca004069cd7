//! Rules on the resources of a document, and on what they refer to in it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::names;
use crate::{
    check::{
        http, naming, objects,
        places::{self, Finder, Places, below},
        provisions::targets,
        shape::shown,
        suggest, topology,
    },
    diag::{Code, Diagnostic, Place},
    name::{ItemName, Target},
    provision::{
        Document, Head, Kind, Resource,
        connection::{fits, is_store},
        http::HttpResourceSpec,
        object_store::ObjectStoreUserSpec,
        secret::{SecretField, SecretRef},
        variables::{Piece, Scope, pieces, scope},
    },
};

/// Finds what is wrong with the resources of a document.
pub(super) fn check(
    finder: &mut Finder<'_>,
    places: &places::Document<'_>,
    document: &Document,
    findings: &mut Vec<Diagnostic>,
) {
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    for (number, resource) in document.resources.iter().enumerate() {
        let base = format!("/resources/{number}");
        let head = resource.head();
        id(finder, &base, head.id, &mut ids);
        connection(finder, &base, document, head);
        called(finder, &base, head);
        credential(finder, &base, document, head);
        if let Resource::ObjectStoreUser(wanted) = resource {
            buckets(finder, &base, document, head, &wanted.spec);
        }
        let below = Below { places, base: format!("{base}/spec") };
        let mut inner = Finder::new(&below);
        inner
            .ignore(finder.refused().iter().filter_map(|at| at.strip_prefix(&below.base).map(str::to_owned)).collect());
        settings(&mut inner, resource);
        findings.extend(inner.finish());
    }
}

/// The places of a part of a document.
struct Below<'p> {
    places: &'p places::Document<'p>,
    base: String,
}

impl Places for Below<'_> {
    fn value(&self, pointer: &str) -> Place {
        self.places.value(&format!("{}{pointer}", self.base))
    }

    fn key(&self, pointer: &str) -> Place {
        self.places.key(&format!("{}{pointer}", self.base))
    }
}

fn id<'d>(finder: &mut Finder<'_>, base: &str, id: &'d str, ids: &mut BTreeMap<&'d str, String>) {
    let pointer = below(base, "id");
    let (group, item) = id.split_once('/').map_or((id, None), |(group, item)| (group, Some(item)));
    for part in [Some(group), item].into_iter().flatten() {
        let _: Option<ItemName> = naming::value(finder, &pointer, part);
    }
    if let Some(first) = ids.get(id) {
        let first = finder.place(first);
        let help = "render the tree again: an id says which resource of the tier it is";
        if let Some(finding) =
            finder.value(Code::DuplicateResource, &pointer, format!("{} is there already", shown(id)), help)
        {
            finding.related.push((first, "the first one".to_owned()));
        }
    } else {
        ids.insert(id, pointer);
    }
}

fn connection(finder: &mut Finder<'_>, base: &str, document: &Document, head: Head<'_>) {
    let (pointer, wanted) = (below(base, "connection"), head.kind.server());
    match document.connections.get(head.connection) {
        None => missing(finder, &pointer, document, head.connection),
        Some(found) if !fits(wanted, found.kind()) => {
            let message = format!(
                "a `{}` cannot be made on {}, which is of kind `{}`",
                head.kind.name(),
                shown(head.connection),
                found.kind()
            );
            let help = format!("name a connection of kind `{wanted}`; render the tree again");
            finder.value(Code::ConnectionKind, &pointer, message, help);
        }
        Some(_) => {}
    }
}

fn missing(finder: &mut Finder<'_>, pointer: &str, document: &Document, name: &str) {
    let names: Vec<&str> = document.connections.keys().map(String::as_str).collect();
    let help =
        suggest::help(name, "document's connections", names, "render the tree again: the document has no connections");
    finder.value(Code::UnknownConnection, pointer, format!("the document has no connection {}", shown(name)), help);
}

/// Names of the resource and of its user.
fn called(finder: &mut Finder<'_>, base: &str, head: Head<'_>) {
    let (at_name, at_user) = (below(base, "name"), below(base, "user"));
    match (targets(head.kind), head.kind) {
        ([first, .., last] | [first @ last], _) => {
            names::check(finder, &at_name, *first, head.name);
            match head.user {
                Some(user) => names::check(finder, &at_user, *last, user),
                None if head.kind == Kind::Bucket => {}
                None => absent(finder, base, "user", head.kind),
            }
        }
        // The name of an entry is its key.
        ([], Kind::Secret) => names::check(finder, &at_name, Target::Secret, head.name),
        // What a JSON API takes for a name stands in its requests; this one is for reports and ledgers.
        ([], _) => names::check(finder, &at_name, Target::Secret, head.name),
    }
}

fn absent(finder: &mut Finder<'_>, base: &str, key: &str, kind: Kind) {
    let message = format!("the key `{key}` is missing, which every `{}` has", kind.name());
    finder.key(Code::MissingKey, base, message, "add it; render the tree again");
}

fn credential(finder: &mut Finder<'_>, base: &str, document: &Document, head: Head<'_>) {
    let at = below(base, "secret");
    let Some(SecretRef { store, key, fields }) = head.secret else {
        if !matches!(head.kind, Kind::Bucket | Kind::HttpResource) {
            absent(finder, base, "secret", head.kind);
        }
        return;
    };
    match document.connections.get(store) {
        None => missing(finder, &below(&at, "store"), document, store),
        Some(found) if !is_store(found.kind()) => {
            let message = format!("{} is of kind `{}` and keeps no secrets", shown(store), found.kind());
            let help = "name the connection of a secret store; render the tree again";
            finder.value(Code::NotASecretStore, &below(&at, "store"), message, help);
        }
        Some(_) => {}
    }
    names::check(finder, &below(&at, "key"), Target::Secret, key);
    filled_fields(finder, &below(&at, "fields"), fields);
}

/// A user of an object store reaches buckets of this very document alone.
fn buckets(finder: &mut Finder<'_>, base: &str, document: &Document, head: Head<'_>, spec: &ObjectStoreUserSpec) {
    let all = document.resources.iter().map(Resource::head).enumerate();
    let mut own = Vec::new();
    for (number, other) in all.filter(|(_, other)| other.kind == Kind::Bucket) {
        // Which of the buckets this one is, is not known then.
        if finder.is_refused(&format!("/resources/{number}/name"))
            || !document.connections.contains_key(other.connection)
        {
            return;
        }
        if other.connection == head.connection {
            own.push(other.name);
        }
    }
    for (number, bucket) in spec.buckets.iter().enumerate().filter(|(_, bucket)| !own.contains(&bucket.as_str())) {
        let message = format!("the document has no bucket {} on `{}`", shown(bucket), head.connection);
        let help = suggest::help(bucket, "buckets there", own.clone(), "take the user out, or add its bucket");
        finder.value(Code::UnknownBucket, &format!("{base}/spec/buckets/{number}"), message, help);
    }
}

/// The settings of a kind, by the rules that held when they were written into a tier.
fn settings(finder: &mut Finder<'_>, resource: &Resource) {
    match resource {
        Resource::MysqlDatabase(wanted) => objects::mysql(finder, &wanted.spec),
        Resource::PostgresDatabase(wanted) => objects::postgres_database(finder, &wanted.spec),
        Resource::PostgresSchema(wanted) => objects::postgres_schema(finder, &wanted.spec),
        Resource::Bucket(wanted) => objects::bucket(finder, &wanted.spec),
        Resource::ObjectStoreUser(_) => {}
        Resource::RabbitmqVhost(wanted) => topology::check(finder, &wanted.spec),
        Resource::RedisUser(wanted) => objects::redis(finder, &wanted.spec),
        Resource::HttpResource(wanted) => {
            let spec = &wanted.spec;
            filled_value(finder, "", &serde_json::to_value(spec).unwrap_or_default());
            if let Some(pointer) = &spec.claim_at {
                http::pointer(finder, "/claimAt", pointer);
            }
            // The claim is filled in by now, so a body cannot be asked for the place where it was.
            http::check(finder, &HttpResourceSpec { claim_at: None, ..spec.clone() }, None);
        }
        Resource::Secret(wanted) => {
            filled_fields(finder, "/fields", &wanted.spec.fields);
            http::fields(finder, "/fields", &wanted.spec.fields, None);
        }
    }
}

fn filled_fields(finder: &mut Finder<'_>, base: &str, fields: &BTreeMap<String, SecretField>) {
    for (name, field) in fields {
        if let SecretField::Value(text) = field {
            filled(finder, &below(&below(base, name), "value"), text);
        }
    }
}

fn filled_value(finder: &mut Finder<'_>, pointer: &str, value: &Value) {
    match value {
        Value::String(text) => filled(finder, pointer, text),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| filled_value(finder, &format!("{pointer}/{at}"), item));
        }
        Value::Object(map) => map.iter().for_each(|(key, item)| filled_value(finder, &below(pointer, key), item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Finds `${…}` that only the plan knew, and `render` should have filled in.
fn filled(finder: &mut Finder<'_>, pointer: &str, text: &str) {
    let open = pieces(text).into_iter().find_map(|piece| match piece {
        Piece::Reference(reference) if scope(reference) == Scope::Plan => Some(reference),
        Piece::Reference(_) | Piece::Literal(_) | Piece::Unclosed(_) => None,
    });
    if let Some(reference) = open {
        let message = format!("`${{{}}}` is not filled in", reference.escape_debug());
        let help = "render the tree again; a document refers to `${found.…}`, `${needs.…}` and `${secret.…}` alone";
        finder.value(Code::UnfilledVariable, pointer, message, help);
        // What else could be said of this text follows from that.
        finder.ignore(vec![pointer.to_owned()]);
    }
}
