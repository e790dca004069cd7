//! Fields that the clusters' release does not know yet, and fields and annotations that Kubernetes gave up.
//!
//! Source of what was given up: the warnings of the API server (k8s.io/kubernetes v1.36.3, pkg/api/pod, pkg/api/service, pkg/api/node).

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Fields, Object, below},
};
use crate::{diag::Code, kubernetes::releases};

/// Annotations that mean nothing any more or will not for long, by their start: what to write instead.
const ANNOTATIONS: [(&str, &str); 9] = [
    ("container.apparmor.security.beta.kubernetes.io/", "write `appArmorProfile` into the `securityContext`"),
    (
        "container.seccomp.security.alpha.kubernetes.io/",
        "write `seccompProfile` into the container's `securityContext`",
    ),
    ("kubernetes.io/ingress.class", "write `spec.ingressClassName`"),
    ("scheduler.alpha.kubernetes.io/", "write the field of that name into the Pod's specification"),
    ("seccomp.security.alpha.kubernetes.io/", "write `seccompProfile` into the Pod's `securityContext`"),
    ("service.alpha.kubernetes.io/tolerate-unready-endpoints", "write `spec.publishNotReadyAddresses`"),
    ("service.kubernetes.io/topology-aware-hints", "write `spec.trafficDistribution`"),
    ("service.kubernetes.io/topology-mode", "write `spec.trafficDistribution`"),
    ("volume.beta.kubernetes.io/storage-class", "write `spec.storageClassName`"),
];

pub(super) fn check(minor: Option<u8>, object: &Object<'_>, findings: &mut Findings<'_>) {
    if let Some(minor) = minor.filter(|minor| *minor < releases::NEWEST) {
        too_new(minor, object, findings);
    }
    annotations(object.annotations, "/metadata/annotations", object, findings);
    let Some(pod) = object.pod else { return };
    if !pod.pointer.is_empty() {
        let at = format_args!("{}/metadata/annotations", pod.pointer);
        annotations(pod.annotations, at, object, findings);
    }
    if pod.spec.get("serviceAccount").is_some() && pod.spec.get("serviceAccountName").is_none() {
        given_up(object, &pod.pointer_to("serviceAccount"), "`serviceAccount`", "write `serviceAccountName`", findings);
    }
    for (index, volume) in pod.spec.get("volumes").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if volume.get("gitRepo").is_some() {
            let help = "clone the repository in an init container into an `emptyDir`: since 1.33 no kubelet mounts it";
            given_up(
                object,
                &pod.pointer_to(&format!("volumes/{index}/gitRepo")),
                "a `gitRepo` volume",
                help,
                findings,
            );
        }
    }
}

fn too_new(minor: u8, object: &Object<'_>, findings: &mut Findings<'_>) {
    let mut tell = |start: &str, found: Vec<releases::NewField>| {
        for releases::NewField { pointer, from } in found {
            findings.add(
                Code::ObjectFieldTooNew,
                object,
                &format!("{start}{pointer}"),
                format!("{}: the field comes with Kubernetes 1.{from}, and the clusters run 1.{minor}", object.title()),
                "take it out, or upgrade the clusters first, and then `spec.kubernetesVersion` of tenantry.yaml: until then it is dropped or refused",
            );
        }
    };
    if let Some(pod) = object.pod {
        tell(&format!("{}/spec", pod.pointer), releases::new_fields_of_pod(pod.spec, minor));
    }
    if let Some(spec) = object.at(&["spec"]) {
        tell("/spec", releases::new_fields(object.group, object.kind, spec, minor));
    }
}

fn annotations(map: Option<&Fields>, at: impl std::fmt::Display, object: &Object<'_>, findings: &mut Findings<'_>) {
    // Most keys are told apart by their first letter.
    for key in map.into_iter().flat_map(|map| map.keys()).filter(|key| key.starts_with(['c', 'k', 's', 'v'])) {
        if let Some((_, help)) = ANNOTATIONS.iter().find(|(start, _)| key.starts_with(start)) {
            given_up(object, &below(&at.to_string(), key), &format!("the annotation `{key}`"), help, findings);
        }
    }
}

fn given_up(object: &Object<'_>, pointer: &str, what: &str, help: &str, findings: &mut Findings<'_>) {
    let message = format!("{} has {what}, which Kubernetes gave up", object.title());
    findings.add(Code::ObjectDeprecatedField, object, pointer, message, help);
}
