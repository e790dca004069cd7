//! Argo CD's own objects.

use super::*;

/// Verifies objects for an estate whose tenants may have Applications.
fn allowed(objects: Vec<Value>) -> Vec<Diagnostic> {
    let mut estate = estate::estate();
    let platform = Arc::get_mut(&mut estate.platform).unwrap();
    platform.allowed_kinds.extend(["Application", "ApplicationSet"].map(|kind| format!("argoproj.io/v1alpha1/{kind}")));
    let places = |_: &Plan, _: &Origin, pointer: &str| Place::file(pointer);
    Verifier::new(&estate).unwrap().verify(&plan(), &rendered(right().into_values().chain(objects)), &places)
}

fn spec(rest: Value) -> Value {
    let mut spec = json!({
        "project": "tenants",
        "source": { "repoURL": "https://git.example.com/addons.git", "targetRevision": "main", "path": "addons" },
        "destination": { "server": "https://kubernetes.default.svc", "namespace": "shop-abc" },
    });
    merge(&mut spec, rest);
    spec
}

fn application(name: &str, rest: Value) -> Value {
    object("argoproj.io/v1alpha1", "Application", name, json!({ "spec": spec(rest) }))
}

fn set(rest: Value, template: Value) -> Value {
    let mut set = json!({
        "goTemplate": true, "goTemplateOptions": ["missingkey=error"],
        "generators": [{ "list": { "elements": [{ "tenant": "abc" }] } }],
        "template": { "metadata": { "name": "shop-{{ .tenant }}" }, "spec": spec(template) },
    });
    merge(&mut set, rest);
    object("argoproj.io/v1alpha1", "ApplicationSet", "shops", json!({ "spec": set }))
}

#[test]
fn a_template_does_not_choose_its_project() {
    assert_none(&allowed(vec![set(json!({}), json!({}))]));
    let found = allowed(vec![set(json!({}), json!({ "project": "{{ .project }}" }))]);
    assert_only(&found, Code::ApplicationSetProject, "/spec/template/spec/project", "{{ .project }}");
}

#[test]
fn a_template_refuses_missing_keys() {
    let found = allowed(vec![set(json!({ "goTemplateOptions": null }), json!({}))]);
    assert_only(&found, Code::ApplicationSetTemplate, "/spec/goTemplateOptions", "ApplicationSet `shops`");
    let found = allowed(vec![set(json!({ "goTemplate": false }), json!({}))]);
    assert_only(&found, Code::ApplicationSetTemplate, "/spec", "empty texts");
}

#[test]
fn a_namespace_is_made_once() {
    let creates = json!({ "syncPolicy": { "syncOptions": ["PruneLast=true", "CreateNamespace=true"] } });
    let found = allowed(vec![application("extra", creates.clone())]);
    assert_only(&found, Code::ArgocdCreateNamespace, "/spec/syncPolicy/syncOptions/1", "Application `extra`");
    let mut templated = creates.clone();
    merge(&mut templated, json!({ "destination": { "namespace": "shop-{{ .tenant }}" } }));
    let found = allowed(vec![set(json!({}), templated)]);
    assert_only(
        &found,
        Code::ArgocdCreateNamespace,
        "/spec/template/spec/syncPolicy/syncOptions/1",
        "ApplicationSet `shops`",
    );
    let mut elsewhere = creates;
    merge(&mut elsewhere, json!({ "destination": { "namespace": "tools" } }));
    assert_none(&allowed(vec![application("extra", elsewhere)]));
}

#[test]
fn an_object_has_one_application() {
    let found = allowed(vec![application("a", json!({})), application("b", json!({}))]);
    assert_only(&found, Code::ApplicationOverlap, "/spec/source", "Application `a` and Application `b`");
    assert_none(&allowed(vec![
        application("a", json!({})),
        application("b", json!({ "source": { "path": "other" } })),
    ]));
    let own = |path: &str| {
        let source = json!({ "source": { "repoURL": "https://git.example.com/x.git", "path": path } });
        allowed(vec![application("a", source)])
    };
    assert_only(
        &own("tenants/abc/manifests"),
        Code::ApplicationOverlap,
        "/spec/source",
        "which the Application `shop-abc` owns",
    );
    assert_only(&own("tenants/abc"), Code::ApplicationOverlap, "/spec/source", "own folder");
    assert_none(&own("tenants/abcd/manifests"));
}

#[test]
fn no_other_tool_is_forced_on_a_folder() {
    let with_tool = |tool: &str| {
        let source = json!({ "source": { "repoURL": "https://git.example.com/x.git", "path": "tenants/{{ .tenant }}", tool: {} } });
        allowed(vec![set(json!({}), source)])
    };
    assert_only(&with_tool("helm"), Code::ApplicationTool, "/spec/template/spec/source/helm", "`helm`");
    assert_none(&with_tool("kustomize"));
}

#[test]
fn our_own_application_set_keeps_to_the_rules() {
    let text = include_str!("../../../fixtures/golden/flagship/argocd/applicationset.yaml");
    let mut set = crate::yaml::read_documents(text).unwrap().remove(0);
    set["metadata"]["namespace"] = json!("shop-abc");
    let of_argocd = |finding: &Diagnostic| {
        matches!(
            finding.code,
            Code::ApplicationSetProject
                | Code::ApplicationSetTemplate
                | Code::ArgocdCreateNamespace
                | Code::ApplicationTool
        )
    };
    assert!(!allowed(vec![set]).iter().any(of_argocd));
}
