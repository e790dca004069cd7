//! The table of mutated objects: what each is made of, what is changed in it, and what the API server says.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Map, Value};

use crate::flagship::Flagship;

/// One object that differs from a sound one in one thing.
pub struct Case {
    /// `Deployment/auth: an unknown field`.
    pub title: String,
    /// `Deployment/auth`, what was changed.
    pub base: String,
    pub object: Value,
    /// Whether the API server takes it, as the table says; a test against the server proves it.
    pub accepted: bool,
}

/// Returns all cases, in the order of the files.
pub fn all(flagship: &Flagship) -> Vec<Case> {
    let bases = bases(flagship);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder().join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let tables = files.iter().flat_map(documents);
    tables.flat_map(|table| group(&bases, &table)).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/truth")
}

fn documents(file: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    tenantry::yaml::read_documents(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The sound objects: those that the flagship estate renders, and those of kinds that it has none of.
fn bases(flagship: &Flagship) -> BTreeMap<String, Value> {
    let written = documents(&folder().join("objects.yaml")).into_iter().map(|mut object| {
        object["metadata"]["namespace"] = flagship.namespace().into();
        object
    });
    let rendered = flagship.rendered.objects.iter().map(|object| object.value.clone());
    rendered.chain(written).map(|object| (title(&object), object)).collect()
}

/// `Kind/name`.
pub fn title(object: &Value) -> String {
    format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
}

fn group(bases: &BTreeMap<String, Value>, table: &Value) -> Vec<Case> {
    let base = table["base"].as_str().unwrap();
    let sound = bases.get(base).unwrap_or_else(|| panic!("there is no {base}"));
    let cases = |verdict: &str| table[verdict].as_array().unwrap_or_else(|| panic!("{base}: no {verdict}")).clone();
    let refused = cases("refused").into_iter().map(|case| (case, false));
    let accepted = cases("accepted").into_iter().map(|case| (case, true));
    refused
        .chain(accepted)
        .map(|(case, accepted)| Case {
            title: format!("{base}: {}", case["name"].as_str().unwrap()),
            base: base.to_owned(),
            object: changed(sound, &case),
            accepted,
        })
        .collect()
}

/// Applies what a case says: `copy`, then `set`, `fill` (so many letters), `remove`.
fn changed(sound: &Value, case: &Value) -> Value {
    let mut object = sound.clone();
    let fields = case.as_object().unwrap();
    assert!(
        fields.keys().all(|key| matches!(key.as_str(), "name" | "copy" | "set" | "fill" | "remove")),
        "{case}: an unknown word"
    );
    let nothing = Map::new();
    let map = |word: &str| case[word].as_object().unwrap_or(&nothing).clone();
    for (from, to) in map("copy") {
        let copied = object.pointer(&pointer(&object, &from)).unwrap_or_else(|| panic!("{case}: no {from}")).clone();
        put(&mut object, to.as_str().unwrap(), copied);
    }
    for (place, value) in map("set") {
        put(&mut object, &place, value);
    }
    for (place, length) in map("fill") {
        put(&mut object, &place, "x".repeat(usize::try_from(length.as_u64().unwrap()).unwrap()).into());
    }
    for place in case["remove"].as_array().into_iter().flatten() {
        remove(&mut object, place.as_str().unwrap());
    }
    object
}

/// Spells out `pod:/…` and `container:/…`: the specification of the Pods, and their first container.
fn pointer(object: &Value, place: &str) -> String {
    let pod = if object["kind"] == "CronJob" { "/spec/jobTemplate/spec/template/spec" } else { "/spec/template/spec" };
    match place.split_once(':') {
        Some(("pod", rest)) => format!("{pod}{rest}"),
        Some(("container", rest)) => format!("{pod}/containers/0{rest}"),
        _ => place.to_owned(),
    }
}

fn steps(object: &Value, place: &str) -> Vec<String> {
    pointer(object, place)[1..].split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

/// Puts a value at a place, making the maps on the way; `-` is the end of a list.
fn put(object: &mut Value, place: &str, value: Value) {
    let steps = steps(object, place);
    let mut at = object;
    for (index, step) in steps.iter().enumerate() {
        at = match at {
            Value::Array(items) => {
                let position = step.parse().unwrap_or(items.len());
                if position == items.len() {
                    items.push(Value::Null);
                }
                &mut items[position]
            }
            Value::Object(fields) => {
                let list = steps.get(index + 1).is_some_and(|next| next == "-");
                let empty = if list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
                fields.entry(step.clone()).or_insert(empty)
            }
            other => panic!("{place}: {other} has no fields"),
        };
    }
    *at = value;
}

fn remove(object: &mut Value, place: &str) {
    let steps = steps(object, place);
    let (last, way) = steps.split_last().unwrap();
    let parent = way.iter().fold(object, |at, step| match at {
        Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        other => &mut other[step.as_str()],
    });
    let removed = match parent {
        Value::Array(items) => Some(items.remove(last.parse().unwrap())),
        Value::Object(fields) => fields.remove(last),
        _ => None,
    };
    assert!(removed.is_some(), "{place} is not there to be removed");
}
