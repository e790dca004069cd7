//! Identities, namespaces, keys of others, schemas.

use super::*;

#[test]
fn an_object_without_an_identity_is_refused() {
    assert_only(
        &with(json!({ "apiVersion": "v1", "kind": "ConfigMap" })),
        Code::ObjectIdentity,
        "/metadata",
        "metadata.name",
    );
    assert_only(&with(json!(["a"])), Code::ObjectIdentity, "", "not an object");
    let odd = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x", "namespace": 3 } });
    assert_only(&with(odd), Code::ObjectIdentity, "/metadata/namespace", "namespace");
}

#[test]
fn a_generated_name_is_refused() {
    let mut generated = job("x");
    merge(&mut generated, json!({ "metadata": { "name": null, "generateName": "x-" } }));
    assert_only(&with(generated), Code::ObjectGeneratedName, "/metadata/generateName", "generated name");
}

#[test]
fn two_objects_of_one_identity_are_refused_whatever_their_version() {
    let double = object("v1", "ConfigMap", "settings", json!({}));
    let found = with(double);
    assert_only(&found, Code::ObjectDuplicate, "/metadata/name", "ConfigMap `settings` is made twice");
    assert_eq!(found[0].related.len(), 1);
    assert_none(&with(object("v1", "ConfigMap", "settings-2", json!({}))));
}

#[test]
fn every_object_lives_in_the_tenants_own_namespace() {
    let neighbour = json!({ "metadata": { "namespace": "shop-xyz" } });
    assert_only(&changed("dashboard", neighbour), Code::ObjectNamespace, "/metadata/namespace", "`shop-xyz`");
    let none = json!({ "metadata": { "namespace": null } });
    assert_only(&changed("dashboard", none), Code::ObjectNamespace, "/metadata", "names no namespace");
    let other = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop-xyz" } });
    assert_only(&with(other), Code::ObjectNamespace, "/metadata/name", "`shop-xyz`");
}

#[test]
fn only_our_own_hook_may_run_in_the_platforms_namespace() {
    let mut hook = job("provision-abc");
    merge(
        &mut hook,
        json!({ "metadata": { "namespace": "platform" }, "spec": { "template": { "spec": { "serviceAccountName": "tenantry" } } } }),
    );
    assert_only(&with(hook.clone()), Code::ObjectNamespace, "/metadata/namespace", "`platform`");
    for (origin, name, refused) in [
        (Origin::Generated, "provision-abc", false),
        (Origin::Inflated, "provision-abc", false),
        (Origin::Inflated, "other", true),
    ] {
        let mut rendered = rendered(right().into_values());
        hook["metadata"]["name"] = json!(name);
        rendered.objects.push(RenderedObject { path: "hooks/provision.yaml".to_owned(), origin, value: hook.clone() });
        let found = verifier().verify(&plan(), &rendered, &|_: &Plan, _: &Origin, pointer: &str| Place::file(pointer));
        assert_eq!(found.iter().any(|finding| finding.code == Code::ObjectNamespace), refused, "{found:#?}");
    }
}

#[test]
fn cluster_scoped_kinds_and_other_kinds_must_be_allowed() {
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": "x" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "x" } });
    assert_only(&with(role), Code::ObjectKind, "/kind", "ClusterRoleBinding `x`");
    let role = object("rbac.authorization.k8s.io/v1", "Role", "x", json!({ "rules": [] }));
    assert_none(&with(role));
}

#[test]
fn keys_of_others_are_left_alone() {
    for (field, key) in [
        ("annotations", "argocd.argoproj.io/tracking-id"),
        ("labels", "app.kubernetes.io/instance"),
        ("annotations", "config.kubernetes.io/local-config"),
    ] {
        let pointer = format!("/metadata/{field}/{}", key.replace('/', "~1"));
        assert_only(
            &changed("settings", json!({ "metadata": { field: { key: "x" } } })),
            Code::ObjectForeignKey,
            &pointer,
            key,
        );
    }
    assert_none(&changed("settings", json!({ "metadata": { "labels": { "app.kubernetes.io/part-of": "x" } } })));
}

#[test]
fn a_huge_object_is_refused() {
    let found = changed("settings", json!({ "data": { "a": "x".repeat(1024 * 1024) } }));
    assert!(found.iter().any(|finding| finding.code == Code::ObjectTooLarge), "{found:#?}");
    assert_none(&changed("settings", json!({ "data": { "a": "x".repeat(900 * 1024) } })));
}

#[test]
fn too_many_objects_are_one_finding() {
    let objects = |count: usize| (0..count).map(|n| object("v1", "ConfigMap", &format!("c{n}"), json!({})));
    assert_only(&findings(&plan(), objects(5_001)), Code::ObjectCount, "", "5001");
    assert_none(&findings(&plan(), objects(5_000)));
}

#[test]
fn faults_of_a_schema_have_a_code_each() {
    for (change, code, pointer, message) in [
        (json!({ "spec": { "replica": 2 } }), Code::ObjectUnknownField, "/spec/replica", "replica"),
        (json!({ "spec": { "replicas": "2" } }), Code::ObjectWrongType, "/spec/replicas", "`2`"),
        (
            json!({ "spec": { "strategy": { "type": "Rolling" } } }),
            Code::ObjectWrongValue,
            "/spec/strategy/type",
            "Rolling",
        ),
        (json!({ "metadata": { "name": "Auth" } }), Code::ObjectName, "/metadata/name", "Auth"),
        (
            json!({ "metadata": { "labels": { "contact": "a@b.c" } } }),
            Code::ObjectLabel,
            "/metadata/labels/contact",
            "a@b.c",
        ),
    ] {
        let found = changed("deployment", change);
        assert_only(&found, code, pointer, message);
    }
    let found = changed("service", json!({ "spec": { "ports": [{ "name": "http", "targetPort": "http" }] } }));
    assert!(found.iter().any(|f| f.code == Code::ObjectMissingField && f.place.file == "/spec/ports/0"), "{found:#?}");
}

#[test]
fn a_retired_version_names_its_successor() {
    let found = changed("budget", json!({ "apiVersion": "policy/v1beta1" }));
    assert_only(&found, Code::ObjectRetiredVersion, "/apiVersion", "policy/v1beta1");
    assert!(found[0].help.contains("policy/v1"));
}
