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

/// What a reviewer asks beside the change: how do the outside systems stand, and what will be done there?
#[test]
fn the_plan_of_what_changes_is_added() {
    let scratch = Scratch::flagship();
    let _ = scratch.run(&["commit", "--author", "Platform Bot <bot@example.com>"]).success();
    let _ = scratch.run(&["provision", "apply", "--all", "--sandbox", "sandbox"]).success();
    let live = ["diff", "--live", "--sandbox", "sandbox"];
    let nothing = stdout(&scratch.run(&live).success());
    assert!(nothing.contains("no resources"), "{nothing}");

    scratch.edit("tiers/base.yaml", "maxUserConnections: 30", "maxUserConnections: 31");
    let text = stdout(&scratch.run(&live).success());
    assert!(text.contains("Outside systems as they stand now") && text.contains("30 → 31"), "{text}");
    let json = stdout(&scratch.run(&[&live[..], &["--format", "json"]].concat()).success());
    let document: Value = serde_json::from_str(&json).unwrap();
    assert!(document["live"]["counts"]["change"].as_u64() > Some(0), "{document:#}");
    let schema = serde_json::from_str(include_str!("../../schemas/diff.schema.json")).unwrap();
    let faults: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&document).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn a_comment_for_the_pull_request_points_to_the_whole_report() {
    let scratch = Scratch::repository();
    scratch.edit("tiers/standard.yaml", "tag: v1.0.0", "tag: v1.0.1");
    let markdown = ["diff", "--format", "markdown", "--whole", "https://ci.example/report.html"];
    let comment = stdout(&scratch.run(&markdown).success());
    assert!(comment.starts_with("### tenantry: 1 tenant changed"), "{comment}");
    assert!(comment.contains("+ spec.template.spec.containers[name=web].image"), "{comment}");
    assert!(comment.ends_with("[The whole report](https://ci.example/report.html)\n"), "{comment}");
    let page = stdout(&scratch.run(&["diff", "--format", "html"]).success());
    assert!(page.starts_with("<!doctype html>") && page.contains("web:v1.0.1"), "{page}");
}

#[test]
fn a_change_that_cannot_be_rendered_is_reported_as_such() {
    let scratch = Scratch::repository();
    scratch.edit(&format!("tenants/{FIRST}.yaml"), "tier: standard", "tier: gold");
    let text = scratch.run(&["diff"]).code(1);
    assert!(stdout(&text).is_empty(), "{}", stdout(&text));
    for format in ["markdown", "html", "json"] {
        let report = stdout(&scratch.run(&["diff", "--format", format]).code(1));
        assert!(report.contains("unknown-tier") && report.contains("gold"), "{format}: {report}");
    }
}

#[test]
fn only_findings_that_the_change_brings_are_told() {
    let scratch = Scratch::repository();
    scratch.edit(&format!("tenants/{FIRST}.yaml"), "First Customer", "Fіrst Customer");
    let findings = |scratch: &Scratch| {
        let json = stdout(&scratch.run(&["diff", "--format", "json"]).success());
        let document: Value = serde_json::from_str(&json).unwrap();
        document["findings"].as_array().unwrap().iter().map(|one| one["code"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(findings(&scratch), ["\"mixed-scripts\""]);
    scratch.record("a name in two scripts");
    scratch.edit("tiers/standard.yaml", "tag: v1.0.0", "tag: v1.0.1");
    assert_eq!(findings(&scratch), [""; 0]);
}
