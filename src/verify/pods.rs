//! Images: what runs is what the commit says.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, text_at},
    tenant::Tenant,
};
use crate::diag::Code;

/// Custom resources that name an image in a field of their own: group, kind, the way to it.
const IMAGES: &[(&str, &str, &[&str])] = &[
    ("monitoring.coreos.com", "Alertmanager", &["spec", "image"]),
    ("monitoring.coreos.com", "Prometheus", &["spec", "image"]),
    ("monitoring.coreos.com", "ThanosRuler", &["spec", "image"]),
    ("postgresql.cnpg.io", "Cluster", &["spec", "imageName"]),
    ("rabbitmq.com", "RabbitmqCluster", &["spec", "image"]),
];

/// Custom resources that hold the specification of a Pod: group, kind, the way to it.
const TEMPLATES: &[(&str, &str, &[&str])] = &[
    ("argoproj.io", "Rollout", &["spec", "template", "spec"]),
    ("keda.sh", "ScaledJob", &["spec", "jobTargetRef", "template", "spec"]),
    ("postgresql.cnpg.io", "Pooler", &["spec", "template", "spec"]),
    ("serving.knative.dev", "Service", &["spec", "template", "spec"]),
];

/// Tags that by their name move from image to image.
const MOVING: [&str; 16] = [
    "canary",
    "current",
    "dev",
    "develop",
    "edge",
    "head",
    "main",
    "master",
    "nightly",
    "prod",
    "production",
    "release",
    "snapshot",
    "stable",
    "staging",
    "trunk",
];

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    for object in &tenant.objects {
        match object.pod {
            Some(pod) => {
                for container in pod.containers() {
                    if let Some(name) = text_at(container.value, &["image"]) {
                        image(object, name, || container.pointer_to("image"), findings);
                    }
                }
                volumes(object, pod.spec, pod.pointer, findings);
            }
            None if object.group.contains('.') => custom(object, findings),
            None => {}
        }
    }
}

/// An image may be mounted as a volume.
fn volumes(object: &Object<'_>, spec: &Value, template: &str, findings: &mut Findings<'_>) {
    for (index, volume) in spec.get("volumes").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if let Some(name) = text_at(volume, &["image", "reference"]) {
            image(object, name, || format!("{template}/spec/volumes/{index}/image/reference"), findings);
        }
    }
}

fn custom(object: &Object<'_>, findings: &mut Findings<'_>) {
    for (_, _, way) in IMAGES.iter().filter(|(group, kind, _)| object.is(group, kind)) {
        if let Some(name) = text_at(object.value, way) {
            image(object, name, || format!("/{}", way.join("/")), findings);
        }
    }
    for (_, _, way) in TEMPLATES.iter().filter(|(group, kind, _)| object.is(group, kind)) {
        let Some(spec) = object.at(way) else { continue };
        for list in ["initContainers", "containers"] {
            for (index, container) in spec.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
                if let Some(name) = text_at(container, &["image"]) {
                    image(object, name, || format!("/{}/{list}/{index}/image", way.join("/")), findings);
                }
            }
        }
    }
}

fn image(object: &Object<'_>, image: &str, pointer: impl Fn() -> String, findings: &mut Findings<'_>) {
    let fault = match tag(image) {
        Tag::Fixed => return,
        Tag::Missing => "names no tag".to_owned(),
        Tag::Moving(tag) => format!("has the tag `{tag}`"),
    };
    findings.add(
        Code::ImageTag,
        object,
        &pointer(),
        format!("the image `{image}` of {} {fault}", object.title()),
        "name a fixed version: what runs would change with each new Pod, and no commit could bring the old one back",
    );
}

#[derive(Debug, PartialEq)]
enum Tag<'i> {
    Fixed,
    Missing,
    Moving(&'i str),
}

fn tag(image: &str) -> Tag<'_> {
    if image.contains('@') {
        return Tag::Fixed;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once(':') {
        None | Some((_, "")) => Tag::Missing,
        Some((_, tag)) if MOVING.contains(&tag) || tag.split('-').any(|part| part == "latest") => Tag::Moving(tag),
        Some(_) => Tag::Fixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_behind_ports_and_digests() {
        for (image, expected) in [
            ("shop/auth:v1.2.3", Tag::Fixed),
            ("registry.local:5000/shop/auth:v1", Tag::Fixed),
            ("shop/auth@sha256:00", Tag::Fixed),
            ("registry.local:5000/shop/auth", Tag::Missing),
            ("auth", Tag::Missing),
            ("auth:", Tag::Missing),
            ("shop/auth:latest", Tag::Moving("latest")),
            ("shop/auth:latest-alpine", Tag::Moving("latest-alpine")),
            ("shop/auth:main", Tag::Moving("main")),
            ("shop/auth:main-4f2a9c1", Tag::Fixed),
            ("shop/auth:bookworm", Tag::Fixed),
            ("latest/auth:v1", Tag::Fixed),
        ] {
            assert_eq!(tag(image), expected, "{image}");
        }
    }
}
