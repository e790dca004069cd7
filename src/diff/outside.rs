//! What a change of the provision document means outside the cluster, from the documents alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    change_set::{Danger, Entry, Level, Op, Subject},
    danger::less,
    documents::Pair,
    fields, mask,
};
use crate::provision::Kind;

/// Returns one entry per resource that differs, and one for the head of the document.
pub(super) fn entries(tenant: &str, path: &str, documents: &Pair<Value>) -> Vec<Entry> {
    let (base_head, base) = split(documents.base.as_ref());
    let (target_head, target) = split(documents.target.as_ref());
    let mut entries: Vec<Entry> = head(base_head, target_head)
        .map(|(fields, dangers)| Entry {
            tenants: vec![tenant.to_owned()],
            op: Op::Change,
            subject: Subject::File { path: path.to_owned() },
            file: path.to_owned(),
            fields,
            notes: Vec::new(),
            dangers,
        })
        .into_iter()
        .collect();
    let ids: std::collections::BTreeSet<&(String, usize)> = base.keys().chain(target.keys()).collect();
    for id in ids {
        let pair = Pair { base: base.get(id).copied(), target: target.get(id).copied() };
        if let Some((op, fields, dangers)) = resource(&pair)
            && let Some(value) = pair.either()
        {
            entries.push(Entry {
                tenants: vec![tenant.to_owned()],
                op,
                subject: subject(value),
                file: path.to_owned(),
                fields,
                notes: Vec::new(),
                dangers,
            });
        }
    }
    entries
}

type Resources<'a> = BTreeMap<(String, usize), &'a Value>;

/// Takes a document apart: what stands around its resources, and these by id. Doubles, which a reader of the document
/// refuses, are numbered.
fn split(document: Option<&Value>) -> (Option<Value>, Resources<'_>) {
    let mut resources = Resources::new();
    for resource in document.and_then(|value| value.get("resources")).and_then(Value::as_array).into_iter().flatten() {
        let mut id = (text(resource, "id").to_owned(), 0);
        while resources.contains_key(&id) {
            id.1 += 1;
        }
        resources.insert(id, resource);
    }
    let head = document.map(|document| match document {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(key, _)| *key != "resources").map(|(k, v)| (k.clone(), v.clone())).collect(),
        ),
        other => other.clone(),
    });
    (head, resources)
}

/// The parts of an entry that say what happens: what changes, and why it is dangerous.
type Found = (Vec<super::FieldChange>, Vec<Danger>);

fn head(base: Option<Value>, target: Option<Value>) -> Option<Found> {
    let (mut base, mut target) = (base?, target?);
    mask::hide("", Some(&mut base), Some(&mut target));
    let fields = fields::changes(&base, &target);
    let at = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let mut dangers = Vec::new();
    if at(&base, "/metadata/uid") != at(&target, "/metadata/uid") {
        dangers.push(Danger::new(Level::Loss, super::danger::ANOTHER_UID));
    }
    if at(&target, "/metadata/state").as_deref() == Some("deleting") {
        let after = at(&target, "/metadata/deleteAfter").unwrap_or_else(|| "its grace period".to_owned());
        dangers
            .push(Danger::new(Level::Loss, format!("everything outside the cluster may be destroyed after {after}")));
    }
    (!fields.is_empty()).then_some((fields, dangers))
}

fn subject(resource: &Value) -> Subject {
    Subject::Outside {
        kind: text(resource, "kind").to_owned(),
        id: text(resource, "id").to_owned(),
        name: text(resource, "name").to_owned(),
        connection: text(resource, "connection").to_owned(),
        holds_data: holds_data(text(resource, "kind")),
    }
}

/// A kind that this version does not know may hold anything.
fn holds_data(kind: &str) -> bool {
    Kind::ALL.iter().find(|known| known.name() == kind).is_none_or(|known| known.holds_data())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn resource(pair: &Pair<&Value>) -> Option<(Op, Vec<super::FieldChange>, Vec<Danger>)> {
    let mut base = pair.base.cloned();
    let mut target = pair.target.cloned();
    mask::hide("", base.as_mut(), target.as_mut());
    match (base, target) {
        (None, None) => None,
        (None, Some(_)) => Some((Op::Create, Vec::new(), Vec::new())),
        (Some(base), None) => Some((Op::Delete, Vec::new(), lost(&base).into_iter().collect())),
        (Some(base), Some(target)) => {
            let fields = fields::changes(&base, &target);
            if fields.is_empty() {
                return None;
            }
            // These three say which object on which server it is.
            if ["kind", "name", "connection"].iter().any(|key| base.get(*key) != target.get(*key)) {
                return Some((Op::Replace, fields, vec![left_behind(&base, &target)]));
            }
            Some((Op::Change, fields, weakened(&base, &target)))
        }
    }
}

fn lost(base: &Value) -> Option<Danger> {
    let (kind, name) = (text(base, "kind"), text(base, "name"));
    holds_data(kind).then(|| Danger::new(Level::Loss, format!("the {} `{name}` holds data", noun(kind))))
}

fn left_behind(base: &Value, target: &Value) -> Danger {
    let (kind, old, new) = (text(base, "kind"), text(base, "name"), text(target, "name"));
    let (from, to) = (text(base, "connection"), text(target, "connection"));
    let (from, to) =
        if from == to { (String::new(), String::new()) } else { (format!(" on {from}"), format!(" on {to}")) };
    if holds_data(kind) {
        let reason = format!(
            "a new empty {} `{new}`{to} is made; `{old}`{from} is left behind with its data",
            noun(text(target, "kind"))
        );
        return Danger::new(Level::Loss, reason);
    }
    let reason = format!("a new {} `{new}`{to} is made; `{old}`{from} is left behind", noun(text(target, "kind")));
    Danger::new(Level::Disruption, reason)
}

/// Returns what people call a kind.
fn noun(kind: &str) -> &str {
    match Kind::ALL.iter().find(|known| known.name() == kind) {
        Some(Kind::MysqlDatabase | Kind::PostgresDatabase) => "database",
        Some(Kind::PostgresSchema) => "schema",
        Some(Kind::Bucket) => "bucket",
        Some(Kind::RabbitmqVhost) => "virtual host",
        Some(Kind::ObjectStoreUser | Kind::RedisUser) => "user",
        Some(Kind::HttpResource | Kind::Secret) | None => kind,
    }
}

/// Returns what a change of settings takes away.
fn weakened(base: &Value, target: &Value) -> Vec<Danger> {
    let both = |pointer: &str| (base.pointer(pointer), target.pointer(pointer));
    let turned_off = |pointer: &str| {
        let (before, after) = both(pointer);
        before == Some(&Value::Bool(true)) && after != Some(&Value::Bool(true))
    };
    let mut dangers = Vec::new();
    if turned_off("/spec/versioning") {
        dangers.push(Danger::new(Level::Loss, "old versions are no longer kept"));
    }
    if let (Some(before), Some(after)) = both("/spec/noncurrentDays")
        && after.as_u64() < before.as_u64()
    {
        dangers.push(Danger::new(Level::Loss, "old versions go earlier"));
    }
    if let (before, Some(after)) = both("/spec/quota")
        && before.is_none_or(|before| less(after, before))
    {
        dangers.push(Danger::new(Level::Disruption, "what holds more takes nothing new any more"));
    }
    if let (Some(before), Some(Value::Object(after))) = both("/spec/queues") {
        let gone = gone(before, after);
        if !gone.is_empty() {
            dangers.push(Danger::new(Level::Loss, format!("queues go with their messages: {}", gone.join(", "))));
        }
    }
    if let (before, Some(Value::String(after))) = both("/spec/publicPrefix")
        && before.and_then(Value::as_str).is_none_or(|before| !after.starts_with(before))
    {
        dangers.push(Danger::new(Level::Exposure, format!("everybody may read what lies under `{after}`")));
    }
    if turned_off("/spec/requireTls") {
        dangers.push(Danger::new(Level::Exposure, "the user may connect without TLS"));
    }
    if turned_off("/spec/requireRowLevelSecurity") {
        dangers.push(Danger::new(Level::Exposure, "row-level security is no longer asked for"));
    }
    dangers
}

fn gone<'a>(before: &'a Value, after: &Map<String, Value>) -> Vec<&'a str> {
    before
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .filter(|key| !after.contains_key(*key))
        .map(String::as_str)
        .collect()
}
