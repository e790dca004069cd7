//! Variables of a container.

use super::{super::fault::Fault, config::is_key, spot::Spot};

/// What `fieldRef` of a variable may name, beside labels and annotations.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

pub(super) fn check(container: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(list) = container.field("env") {
        for variable in list.items() {
            name(&variable, "name", faults);
            let Some(source) = variable.field("valueFrom") else { continue };
            if variable.text("value").is_some_and(|value| !value.is_empty()) {
                variable.refuse_field(
                    faults,
                    "valueFrom",
                    "a variable has a value or a source",
                    "take one of the two out",
                );
            }
            source.exactly_one(
                faults,
                &["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"],
            );
            for reference in ["configMapKeyRef", "secretKeyRef"] {
                let Some(reference) = source.field(reference) else { continue };
                reference.required(faults, "name");
                if let Some(key) = reference.field("key")
                    && key.as_text().is_some_and(|text| !is_key(text))
                {
                    key.wrong_form(faults, "is no key", "write letters, digits, `-`, `_` and `.`");
                }
            }
            if let Some(reference) = source.field("fieldRef") {
                field(&reference, &FIELDS, faults);
            }
            if let Some(reference) = source.field("resourceFieldRef") {
                resource(&reference, faults);
            }
        }
    }
    let Some(list) = container.field("envFrom") else { return };
    for source in list.items() {
        source.exactly_one(faults, &["configMapRef", "secretRef"]);
        if source.text("prefix").is_some_and(|prefix| !prefix.is_empty()) {
            name(&source, "prefix", faults);
        }
        for reference in ["configMapRef", "secretRef"] {
            if let Some(reference) = source.field(reference) {
                reference.required(faults, "name");
            }
        }
    }
}

/// Since Kubernetes 1.34 a variable's name may hold every printable character of ASCII but `=`.
fn name(variable: &Spot<'_, '_>, field: &str, faults: &mut Vec<Fault>) {
    if let Some(name) = variable.field(field)
        && name
            .as_text()
            .is_some_and(|text| text.is_empty() || text.bytes().any(|b| b == b'=' || !(b' '..=b'~').contains(&b)))
    {
        name.wrong_form(faults, "is no name of a variable", "write letters, digits and `_`");
    }
}

/// Checks the path of a field that a variable or a file takes.
pub(super) fn field(reference: &Spot<'_, '_>, allowed: &[&str], faults: &mut Vec<Fault>) {
    let Some(path) = reference.field("fieldPath") else { return };
    let part = |text: &str| {
        ["metadata.labels", "metadata.annotations"]
            .iter()
            .any(|start| text.strip_prefix(start).is_some_and(|rest| rest.starts_with("['") && rest.ends_with("']")))
    };
    if path.as_text().is_some_and(|text| !allowed.contains(&text) && !part(text)) {
        path.wrong_form(faults, "is no field that a Pod hands on", &format!("write one of {}", allowed.join(", ")));
    }
}

/// Checks the resource that a variable or a file takes.
pub(super) fn resource(reference: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(resource) = reference.field("resource") else { return };
    let known = |text: &str| {
        text.split_once('.').is_some_and(|(side, name)| {
            matches!(side, "limits" | "requests")
                && (matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-"))
        })
    };
    if resource.as_text().is_some_and(|text| !known(text)) {
        resource.wrong_form(
            faults,
            "is no resource of a container",
            "write `limits.cpu` or `requests.memory` for example",
        );
    }
}
