//! What `render` generates from other files of the tree: it is not shown twice.
//!
//! Lists of files, checksums, and copies of the provision document change whenever what they stand for changes. They are
//! taken out before the comparison and become a note, but only while they really stand for it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    change_set::{Danger, Level, Note},
    documents::{Document, Pair},
};
use crate::yaml;

/// Workloads whose Pods are replaced when their template changes.
const ROLLING: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// The file of the ConfigMap that holds the digest of the provision document.
const DIGEST_FILE: &str = "/provision-digest.yaml";

/// The end of the annotation that carries the same digest.
const DIGEST_KEY: &str = "provision-digest";

/// The provision document of a tenant in both trees, as far as they are known.
pub(super) struct Provisioned {
    pub(super) documents: Pair<Value>,
}

impl Provisioned {
    fn changed(&self) -> bool {
        matches!(&self.documents, Pair { base: Some(base), target: Some(target) } if base != target)
    }
}

/// Takes out of an object what stands for something else; returns what a reader should know of it.
pub(super) fn fold(kind: &str, pair: &mut Pair<Document>, provisioned: &Provisioned) -> (Vec<Note>, Vec<Danger>) {
    let mut notes = Vec::new();
    let dangers = foreign_document(pair, provisioned);
    if let Pair { base: Some(base), target: Some(target) } = pair {
        if ROLLING.contains(&kind) && base.value.pointer("/spec/template") != target.value.pointer("/spec/template") {
            notes.push(Note::PodsRoll);
        }
        for template in ["/spec/template", "/spec/jobTemplate/spec/template"] {
            take_annotations(&mut base.value, &mut target.value, template, |key| key.starts_with("checksum/"));
        }
        if provisioned.changed() {
            let mut follows = same_documents(&mut base.value, &mut target.value);
            if kind == "ConfigMap" && target.path.ends_with(DIGEST_FILE) {
                follows |= base.value.get("data") != target.value.get("data");
                take(&mut base.value, "data");
                take(&mut target.value, "data");
            }
            for holder in ["", "/spec/template"] {
                follows |=
                    take_annotations(&mut base.value, &mut target.value, holder, |key| key.ends_with(DIGEST_KEY));
            }
            if follows {
                notes.push(Note::FollowsProvision);
            }
        }
    }
    (notes, dangers)
}

fn take(value: &mut Value, key: &str) {
    if let Value::Object(map) = value {
        map.remove(key);
    }
}

/// Removes matching annotations from both sides and returns whether they differed.
fn take_annotations(base: &mut Value, target: &mut Value, holder: &str, which: fn(&str) -> bool) -> bool {
    let taken = |value: &mut Value| -> Vec<(String, Value)> {
        let Some(Value::Object(metadata)) = value.pointer_mut(&format!("{holder}/metadata")) else { return Vec::new() };
        let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else { return Vec::new() };
        let keys: Vec<String> = annotations.keys().filter(|key| which(key)).cloned().collect();
        let taken = keys.into_iter().filter_map(|key| annotations.remove_entry(&key)).collect::<Vec<_>>();
        // A map that held nothing else would show as a change of its own.
        if !taken.is_empty() && annotations.is_empty() {
            metadata.remove("annotations");
        }
        taken
    };
    taken(base) != taken(target)
}

/// Returns the provision document that a text holds, in YAML or JSON.
fn embedded(text: &str) -> Option<Value> {
    // Cheap and exact enough: both words are keys or values of every document.
    if !text.contains("Provision") || !text.contains("tenantry.dev/") {
        return None;
    }
    let mut documents = yaml::read_documents(text).ok()?;
    let document = documents.pop().filter(|_| documents.is_empty())?;
    (document.get("kind").and_then(Value::as_str) == Some("Provision")).then_some(document)
}

/// A Job that runs another document than the reviewer reads is the one thing that must never pass as bookkeeping.
fn foreign_document(pair: &Pair<Document>, provisioned: &Provisioned) -> Vec<Danger> {
    let (Some(target), Some(shown)) = (&pair.target, &provisioned.documents.target) else { return Vec::new() };
    let mut found = Vec::new();
    texts(&target.value, &mut |text| found.extend(embedded(text)));
    if found.iter().all(|document| document == shown) {
        return Vec::new();
    }
    vec![Danger::new(Level::Loss, "it carries another document than `provision.yaml` shows")]
}

fn texts(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, see)),
        Value::Object(map) => map.values().for_each(|value| texts(value, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces documents that stand at the same place in both objects; returns whether there was one that differed.
fn same_documents(base: &mut Value, target: &mut Value) -> bool {
    match (base, target) {
        (Value::String(base), Value::String(target)) => {
            let both = base != target && embedded(base).is_some() && embedded(target).is_some();
            if both {
                target.clone_from(base);
            }
            both
        }
        (Value::Array(base), Value::Array(target)) => {
            base.iter_mut().zip(target).fold(false, |found, (base, target)| same_documents(base, target) | found)
        }
        (Value::Object(base), Value::Object(target)) => base.iter_mut().fold(false, |found, (key, base)| {
            target.get_mut(key).is_some_and(|target| same_documents(base, target)) | found
        }),
        _ => false,
    }
}

/// Makes the lists of files of two kustomizations equal, as far as files that came or went explain their difference.
///
/// `added` and `removed` are paths in the tree; `folder` is where the kustomization lies, with `/` at its end.
pub(super) fn fold_resources(
    base: &mut Value,
    target: &mut Value,
    folder: &str,
    added: &BTreeSet<&str>,
    removed: &BTreeSet<&str>,
) {
    let list = |value: &Value| -> Option<BTreeSet<String>> {
        value.get("resources")?.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let (Some(before), Some(after)) = (list(base), list(target)) else { return };
    let explained = after.difference(&before).all(|file| added.contains(format!("{folder}{file}").as_str()))
        && before.difference(&after).all(|file| removed.contains(format!("{folder}{file}").as_str()));
    if explained {
        take(base, "resources");
        take(target, "resources");
    }
}
