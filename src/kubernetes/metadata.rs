//! The metadata of objects and of templates: names, labels, annotations.

use serde_json::{Map, Value};

use super::{
    fault::{Fault, FaultKind, Path},
    names,
    schemas::KindInfo,
};

/// Checks that an object has a name that its kind may have.
pub(super) fn check_name(kind: &KindInfo, object: &Value, faults: &mut Vec<Fault>) {
    let Some(metadata) = object.get("metadata").and_then(Value::as_object) else { return };
    let root = Path::ROOT;
    let at = root.field("metadata");
    match metadata.get("name") {
        Some(Value::String(name)) => {
            if let Err(error) = names::check_name(&kind.group, &kind.kind, name) {
                let message = format!("the name `{name}` {error}");
                faults.push(at.field("name").fault(
                    FaultKind::InvalidName,
                    message,
                    format!("choose another name for this {}", kind.kind),
                ));
            }
        }
        None if !metadata.contains_key("generateName") => {
            faults.push(at.fault(FaultKind::MissingField, "required field `name` is missing", "add `name`"));
        }
        // A name of another type is a fault of its type already.
        _ => {}
    }
    if !kind.namespaced && metadata.contains_key("namespace") {
        let message = format!("a {} lives in no namespace", kind.kind);
        faults.push(at.field("namespace").fault(FaultKind::UnknownField, message, "take `namespace` out"));
    }
}

/// Checks the labels and annotations of an object or a template.
pub(super) fn check_labels(metadata: &Map<String, Value>, path: &Path<'_>, faults: &mut Vec<Fault>) {
    if let Some(Value::Object(labels)) = metadata.get("labels") {
        let at = path.field("labels");
        for (key, value) in labels {
            check_key(key, &at, faults);
            if let Some(value) = value.as_str()
                && let Err(error) = names::check_label_value(value)
            {
                let message = format!("the value `{value}` of the label `{key}` {error}");
                faults.push(at.field(key).fault(
                    FaultKind::InvalidLabel,
                    message,
                    "make it an annotation, which holds any text",
                ));
            }
        }
    }
    if let Some(Value::Object(annotations)) = metadata.get("annotations") {
        let at = path.field("annotations");
        let mut size = 0;
        for (key, value) in annotations {
            check_key(key, &at, faults);
            size += key.len() + value.as_str().map_or(0, str::len);
        }
        if size > names::ANNOTATIONS_MAX {
            let message = format!("the annotations hold {size} bytes, {} are allowed", names::ANNOTATIONS_MAX);
            faults.push(at.fault(FaultKind::InvalidLabel, message, "move large texts into a ConfigMap"));
        }
    }
}

fn check_key(key: &str, at: &Path<'_>, faults: &mut Vec<Fault>) {
    if let Err(error) = names::check_key(key) {
        faults.push(at.field(key).fault(
            FaultKind::InvalidLabel,
            format!("the key `{key}` {error}"),
            "choose another key",
        ));
    }
}
