//! `diff`: what a change does, and nothing for a change of form.

use serde_json::Value;

use crate::estate::{FIRST, Scratch, stdout};

#[test]
fn a_change_of_form_shows_nothing() {
    let scratch = Scratch::repository();
    scratch.edit(
        "templates/app/service.yaml.j2",
        "  replicas: {{ item.replicas }}\n",
        "\n  # a note\n  replicas:   {{ item.replicas }}\n",
    );
    let diff = scratch.run(&["diff", "--exit-code"]).success();
    assert!(stdout(&diff).to_lowercase().contains("no changes"), "{}", stdout(&diff));
}

#[test]
fn a_changed_value_shows_as_a_field() {
    let scratch = Scratch::repository();
    scratch.edit("tiers/standard.yaml", "tag: v1.0.0", "tag: v1.0.1");
    let diff = scratch.run(&["diff", "--exit-code"]).code(3);
    let text = stdout(&diff);
    assert!(text.contains("registry.example.com/web:v1.0.1"), "{text}");
    let json = stdout(&scratch.run(&["diff", "--format", "json"]).success());
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["version"], 1);
}

#[test]
fn a_new_tenant_and_one_that_goes() {
    let scratch = Scratch::repository();
    scratch.add_tenant("second-customer-000001", "6c7d8e9f0a1c");
    let added = stdout(&scratch.run(&["diff"]).success());
    assert!(added.contains("second-customer-000001") && !added.contains(FIRST), "{added}");
    scratch.record("second");
    std::fs::remove_file(scratch.path().join(format!("tenants/{FIRST}.yaml"))).unwrap();
    let gone = stdout(&scratch.run(&["diff"]).success());
    assert!(gone.contains(FIRST) && gone.contains("Namespace"), "{gone}");
}

#[test]
fn two_revisions_are_compared_without_the_work_tree() {
    let scratch = Scratch::repository();
    scratch.edit("tiers/standard.yaml", "tag: v1.0.0", "tag: v1.0.1");
    scratch.record("new version");
    scratch.write("tenants/broken.yaml", ": [");
    let _ = scratch.run(&["diff", "--base", "HEAD~1", "--revision", "HEAD", "--exit-code"]).code(3);
    let _ = scratch.run(&["diff", "--base", "HEAD", "--revision", "HEAD", "--exit-code"]).success();
}
