//! `check`: its formats, its exit codes and its explanations.

use serde_json::Value;
use tenantry::diag::Code;

use crate::estate::{FIRST, Scratch, stderr, stdout};

fn with_two_faults() -> Scratch {
    let scratch = Scratch::starter();
    scratch.edit(&format!("tenants/{FIRST}.yaml"), "tier: standard", "tier: standart");
    scratch.edit("tiers/standard.yaml", "replicas: 2", "replicaz: 2");
    scratch
}

#[test]
fn all_faults_of_all_files_come_at_once_with_place_and_advice() {
    let found = with_two_faults().run(&["check"]).code(1);
    let text = stdout(&found);
    assert!(text.contains("tiers/standard.yaml:"), "{text}");
    assert!(text.contains(&format!("tenants/{FIRST}.yaml:")), "{text}");
    assert!(text.contains("did you mean") && text.contains("`replicas`"), "{text}");
    assert!(text.contains("replicaz: 2"), "the source line is shown: {text}");
}

#[test]
fn json_counts_and_places() {
    let found = with_two_faults().run(&["check", "--format", "json"]).code(1);
    let document: Value = serde_json::from_str(&stdout(&found)).unwrap();
    let schema: Value = serde_json::from_str(&std::fs::read_to_string("schemas/check.schema.json").unwrap()).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&document));
    assert_eq!(document["version"], 1);
    assert_eq!(document["counts"]["tenants"], 1);
    let findings = document["findings"].as_array().unwrap();
    let count = |name: &str| document["counts"][name].as_u64().unwrap();
    assert_eq!(findings.len() as u64, count("errors") + count("warnings"));
    let unknown = findings.iter().find(|finding| finding["code"] == "unknown-key").unwrap();
    let line = unknown["line"].as_u64().unwrap() as usize;
    let column = unknown["column"].as_u64().unwrap() as usize;
    let text = with_two_faults().read("tiers/standard.yaml");
    assert!(text.lines().nth(line - 1).unwrap()[column - 1..].starts_with("replicaz"), "{unknown}");
}

#[test]
fn sarif_and_github_name_the_same_findings() {
    let scratch = with_two_faults();
    let sarif: Value = serde_json::from_str(&stdout(&scratch.run(&["check", "--format", "sarif"]).code(1))).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let github = stdout(&scratch.run(&["check", "--format", "github"]).code(1));
    assert_eq!(github.lines().count(), results.len());
    assert!(github.lines().all(|line| line.starts_with("::error file=") || line.starts_with("::warning file=")));
    for result in results {
        let rule = &sarif["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
    }
}

#[test]
fn every_code_is_explained() {
    let scratch = Scratch::starter();
    for code in [Code::YamlSyntax, Code::FileTooLarge] {
        let explained = scratch.run(&["check", "--explain", code.name()]).success();
        assert!(stdout(&explained).starts_with(code.name()));
    }
    let unknown = scratch.run(&["check", "--explain", "yaml-sintax"]).code(2);
    assert!(stderr(&unknown).contains("did you mean `yaml-syntax`?"));
}

#[test]
fn a_revision_is_read_without_the_work_tree() {
    let scratch = Scratch::repository();
    scratch.edit(&format!("tenants/{FIRST}.yaml"), "tier: standard", "tier: nothing");
    let _ = scratch.run(&["check"]).code(1);
    let _ = scratch.run(&["check", "--revision", "HEAD"]).success();
    let unknown = scratch.run(&["check", "--revision", "v9"]).code(5);
    assert!(stderr(&unknown).contains("v9"));
}
