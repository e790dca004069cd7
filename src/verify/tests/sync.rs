//! What Argo CD does not notice, wait for, or take away.

use super::*;

#[test]
fn a_hook_that_stays_is_never_run_again() {
    let policy = |policy: &str| {
        changed(
            "migration",
            json!({ "metadata": { "annotations": { "argocd.argoproj.io/hook-delete-policy": policy } } }),
        )
    };
    let pointer = "/metadata/annotations/argocd.argoproj.io~1hook-delete-policy";
    assert_only(&policy("HookSucceeded"), Code::HookDeletePolicy, pointer, "once it fails");
    assert_only(&policy("HookFailed"), Code::HookDeletePolicy, pointer, "once it succeeds");
    for right in ["BeforeHookCreation", "HookSucceeded,HookFailed", "BeforeHookCreation, HookFailed"] {
        assert_none(&policy(right));
    }
    let last = json!({ "metadata": { "annotations": {
        "argocd.argoproj.io/hook": "PostDelete", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded" } } });
    assert_none(&changed("migration", last));
}

#[test]
fn a_pod_that_is_a_hook_has_a_deadline() {
    let pod = |rest: Value| {
        let mut spec = template("once")["spec"].clone();
        spec["restartPolicy"] = json!("Never");
        merge(&mut spec, rest);
        with(object(
            "v1",
            "Pod",
            "once",
            json!({
            "metadata": { "annotations": { "argocd.argoproj.io/hook": "PostSync" } }, "spec": spec }),
        ))
    };
    assert_only(&pod(json!({})), Code::HookDeadline, "/spec", "Pod `once`");
    assert_none(&pod(json!({ "activeDeadlineSeconds": 60 })));
}

#[test]
fn an_image_of_a_hook_alone_changes_unseen() {
    let mut hook = right().remove("migration").unwrap();
    hook["spec"]["template"]["spec"]["containers"][0]["image"] = json!("shops/migrations:v7");
    let found = changed("migration", hook.clone());
    assert_only(&found, Code::HookAlone, "/spec/template/spec/containers/0/image", "`shops/migrations:v7`");
    let shown = |name: &str, change: Value| {
        let hook = hook.clone();
        changed_by(|objects| {
            objects.insert("migration", hook);
            merge(objects.get_mut(name).unwrap(), change);
        })
    };
    assert_none(&shown("settings", json!({ "data": { "migrations": "shops/migrations:v7" } })));
    assert_none(&shown(
        "deployment",
        json!({ "metadata": { "annotations": { "example.com/hooks": "a b shops/migrations:v7" } } }),
    ));
    assert_eq!(shown("settings", json!({ "data": { "migrations": "shops/migrations:v6" } })).len(), 1);
}

#[test]
fn a_wave_does_not_wait_for_what_has_no_health() {
    let pooler = |wave: &str| {
        with(object(
            "postgresql.cnpg.io/v1",
            "Pooler",
            "pool",
            json!({
                "metadata": { "annotations": { "argocd.argoproj.io/sync-wave": wave } },
                "spec": { "cluster": { "name": "db" }, "pgbouncer": { "poolMode": "session" } },
            }),
        ))
    };
    assert_only(&pooler("-1"), Code::WaveWithoutHealth, "/metadata/annotations", "Pooler `pool`");
    assert_none(&pooler("0"));
}

#[test]
fn labels_of_components_stay_out_of_selectors() {
    let with_component = |text: &str| {
        let mut estate = estate::estate();
        estate.components.insert("shared/kustomization.yaml", text);
        let mut plan = plan();
        plan.tier.kustomize.components.push("shared".to_owned());
        let places = |_: &Plan, _: &Origin, pointer: &str| Place::file(pointer);
        Verifier::new(&estate).unwrap().verify(&plan, &rendered(right().into_values()), &places)
    };
    let file = "components/shared/kustomization.yaml";
    assert_only(
        &with_component("kind: Component\ncommonLabels: { tier: premium }\n"),
        Code::KustomizeLabels,
        file,
        "`commonLabels`",
    );
    let labels = |rest: &str| format!("kind: Component\nlabels:\n- pairs: {{ tier: premium }}\n{rest}");
    assert_only(
        &with_component(&labels("  includeSelectors: true\n")),
        Code::KustomizeLabels,
        file,
        "`includeSelectors`",
    );
    assert_none(&with_component(&labels("  includeTemplates: true\n")));
}
