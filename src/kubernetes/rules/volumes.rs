//! Volumes of a Pod.

use serde_json::Value;

use super::{
    super::{fault::Fault, quantity::Quantity},
    claims, environment,
    spot::Spot,
};

/// The most that the mode of a file may be: rwxrwxrwx.
const MODE_MAX: i64 = 0o777;

/// A projected token lives at least ten minutes.
const TOKEN_SECONDS_MIN: i64 = 600;

/// What `fieldRef` of a file may name, beside single labels and annotations.
const FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

pub(super) fn check(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(volumes) = spec.field("volumes") else { return };
    for volume in volumes.items() {
        let sources = volume.value.as_object().into_iter().flatten();
        if sources.filter(|(name, source)| *name != "name" && !source.is_null()).count() > 1 {
            volume.refuse(faults, "a volume has one source, this one has more", "make two volumes of it");
        }
        source(&volume, faults);
    }
}

fn source(volume: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(folder) = volume.field("emptyDir")
        && let Some(size) = folder.field("sizeLimit")
        && Quantity::of(size.value).is_ok_and(|size| size < Quantity::ZERO)
    {
        size.out_of_range(faults, "is negative", "write how much the volume may hold");
    }
    for (kind, name) in [("configMap", "name"), ("secret", "secretName")] {
        if let Some(source) = volume.field(kind) {
            source.required(faults, name);
            files(&source, faults);
        }
    }
    if let Some(claim) = volume.field("persistentVolumeClaim") {
        claim.required(faults, "claimName");
    }
    if let Some(downward) = volume.field("downwardAPI") {
        modes(&downward, faults);
        downward_files(&downward, faults);
    }
    if let Some(path) = volume.field("hostPath")
        && path.text("path").is_some_and(|text| text.split('/').any(|part| part == ".."))
    {
        path.refuse_field(faults, "path", "the path leads upwards", "write it without `..`");
    }
    if let Some(ephemeral) = volume.field("ephemeral") {
        match ephemeral.field("volumeClaimTemplate") {
            None => ephemeral.missing(faults, "volumeClaimTemplate", ""),
            Some(template) => {
                if let Some(spec) = template.field("spec") {
                    claims::check(&spec, faults);
                }
            }
        }
    }
    if let Some(projected) = volume.field("projected") {
        modes(&projected, faults);
        projection(&projected, faults);
    }
}

fn projection(projected: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(sources) = projected.field("sources") else { return };
    for source in sources.items() {
        source.exactly_one(
            faults,
            &["configMap", "secret", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"],
        );
        for kind in ["configMap", "secret"] {
            if let Some(source) = source.field(kind) {
                source.required(faults, "name");
                files(&source, faults);
            }
        }
        if let Some(downward) = source.field("downwardAPI") {
            downward_files(&downward, faults);
        }
        if let Some(token) = source.field("serviceAccountToken") {
            token.at_least(faults, "expirationSeconds", TOKEN_SECONDS_MIN);
            token.inside(faults, "path");
        }
    }
}

fn files(source: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    modes(source, faults);
    let Some(items) = source.field("items") else { return };
    for item in items.items() {
        item.required(faults, "key");
        item.inside(faults, "path");
        mode(&item, "mode", faults);
    }
}

fn downward_files(downward: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(items) = downward.field("items") else { return };
    for item in items.items() {
        item.exactly_one(faults, &["fieldRef", "resourceFieldRef"]);
        item.inside(faults, "path");
        mode(&item, "mode", faults);
        if let Some(reference) = item.field("fieldRef") {
            environment::field(&reference, &FIELDS, faults);
        }
        if let Some(reference) = item.field("resourceFieldRef") {
            reference.required(faults, "containerName");
            environment::resource(&reference, faults);
        }
    }
}

fn modes(source: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    mode(source, "defaultMode", faults);
}

fn mode(source: &Spot<'_, '_>, name: &str, faults: &mut Vec<Fault>) {
    if let Some(field) = source.field(name)
        && field.value.as_i64().is_some_and(|mode| !(0..=MODE_MAX).contains(&mode))
    {
        let value: &Value = field.value;
        field.out_of_range(
            faults,
            "is no mode of a file",
            &format!("write {value} in octal digits if those are meant: 0440 is 288"),
        );
    }
}
