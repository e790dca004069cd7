//! What the clusters' release of Kubernetes serves.

use super::*;
use crate::raw::estate::KubernetesVersion;

/// Verifies the right tenant and one more object on clusters of a release.
fn on(release: Option<KubernetesVersion>, object: Value) -> Vec<Diagnostic> {
    let mut estate = estate::estate();
    let platform = Arc::get_mut(&mut estate.platform).unwrap();
    platform.kubernetes_version = release;
    platform.allowed_kinds.extend(
        ["v1/Endpoints", "resource.k8s.io/v1/ResourceClaim", "flowcontrol.apiserver.k8s.io/v1beta3/FlowSchema"]
            .map(str::to_owned),
    );
    let objects = right().into_values().chain([object]);
    let places = |_: &Plan, _: &Origin, pointer: &str| Place::file(pointer);
    Verifier::new(&estate).unwrap().verify(&plan(), &rendered(objects), &places)
}

#[test]
fn kinds_are_served_by_the_release() {
    let claim = || object("resource.k8s.io/v1", "ResourceClaim", "gpu", json!({ "spec": {} }));
    let found = on(Some(KubernetesVersion::V1_33), claim());
    assert_only(
        &found,
        Code::ObjectVersionTooNew,
        "/apiVersion",
        "comes with Kubernetes 1.34, and the clusters run 1.33",
    );
    assert_only(&on(Some(KubernetesVersion::V1_34), claim()), Code::ObjectUnknownKind, "/apiVersion", "no schema");

    let schema = || {
        let mut object = object("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "x", json!({ "spec": {} }));
        object["metadata"].as_object_mut().unwrap().remove("namespace");
        object
    };
    let codes = |release| on(release, schema()).into_iter().map(|finding| finding.code).collect::<Vec<_>>();
    // Its schema is unknown, so it is taken for one of a namespace.
    assert_eq!(codes(Some(KubernetesVersion::V1_31)), [Code::ObjectDeprecatedVersion, Code::ObjectNamespace]);
    assert_eq!(codes(Some(KubernetesVersion::V1_32)), [Code::ObjectRetiredVersion, Code::ObjectNamespace]);
    assert_eq!(codes(None), [Code::ObjectRetiredVersion, Code::ObjectNamespace]);

    let endpoints = || object("v1", "Endpoints", "outside", json!({}));
    assert_none(&on(Some(KubernetesVersion::V1_32), endpoints()));
    let found = on(Some(KubernetesVersion::V1_33), endpoints());
    assert_only(&found, Code::ObjectDeprecatedVersion, "/apiVersion", "is deprecated");
    assert_eq!(found[0].help, "use `apiVersion: discovery.k8s.io/v1`");
}

#[test]
fn fields_are_known_to_the_release() {
    let job = || {
        let mut job = job("other");
        merge(
            &mut job,
            json!({ "spec": { "managedBy": "example.com/queue", "template": { "spec": { "hostUsers": false } } } }),
        );
        job
    };
    let found = on(Some(KubernetesVersion::V1_31), job());
    let at: Vec<&str> = found.iter().map(|finding| finding.place.file.as_str()).collect();
    assert_eq!(at, ["/spec/template/spec/hostUsers", "/spec/managedBy"], "{found:#?}");
    assert!(found.iter().all(|finding| finding.code == Code::ObjectFieldTooNew));
    assert_eq!(on(Some(KubernetesVersion::V1_32), job()).len(), 1);
    assert_none(&on(Some(KubernetesVersion::V1_33), job()));
    assert_none(&on(None, job()));
}

#[test]
fn what_kubernetes_gave_up_is_named() {
    let annotated = |annotations: Value| {
        changed("deployment", json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } }))
    };
    let key = "container.apparmor.security.beta.kubernetes.io/auth";
    let found = annotated(json!({ key: "runtime/default" }));
    let pointer = "/spec/template/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1auth";
    assert_only(&found, Code::ObjectDeprecatedField, pointer, key);
    assert_none(&annotated(json!({ "kubectl.kubernetes.io/restartedAt": "2026-01-01" })));
    let account =
        json!({ "spec": { "template": { "spec": { "serviceAccountName": null, "serviceAccount": "auth" } } } });
    assert_only(
        &changed("deployment", account),
        Code::ObjectDeprecatedField,
        "/spec/template/spec/serviceAccount",
        "`serviceAccount`",
    );
    let class = json!({ "metadata": { "annotations": { "service.kubernetes.io/topology-mode": "Auto" } } });
    assert_only(
        &changed("service", class),
        Code::ObjectDeprecatedField,
        "/metadata/annotations/service.kubernetes.io~1topology-mode",
        "Service",
    );
}
