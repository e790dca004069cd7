//! `explain`: the file and line of every layer that set or changed a value.

use serde_json::Value;

use crate::estate::{FIRST, Scratch, stderr, stdout};

fn line_of(text: &str, needle: &str) -> usize {
    text.lines().position(|line| line.contains(needle)).unwrap() + 1
}

#[test]
fn a_value_of_the_plan_names_every_layer() {
    let scratch = Scratch::starter();
    scratch.write(
        "tiers/premium.yaml",
        "apiVersion: tenantry.dev/v1\nkind: Tier\nmetadata:\n  name: premium\nspec:\n  extends: standard\n  quota:\n    requests.cpu: 600m\n",
    );
    let file = format!("tenants/{FIRST}.yaml");
    scratch.edit(&file, "tier: standard", "tier: premium\n  overrides:\n    quota:\n      requests.cpu: \"1\"");
    let text = stdout(&scratch.run(&["explain", FIRST, "tier.quota.requests.cpu"]).success());
    assert!(text.starts_with("tier.quota.requests.cpu = \"1\"\n"), "{text}");
    let standard = line_of(&scratch.read("tiers/standard.yaml"), "requests.cpu: 300m");
    let own = line_of(&scratch.read(&file), "requests.cpu");
    for place in [format!("tiers/standard.yaml:{standard}:"), "tiers/premium.yaml:8:".into(), format!("{file}:{own}:")]
    {
        assert!(text.contains(&place), "{place} is missing from {text}");
    }
}

#[test]
fn a_field_of_an_object_names_its_template_line_and_the_plan() {
    let scratch = Scratch::starter();
    let text = stdout(&scratch.run(&["explain", FIRST, "Deployment/web", "spec.replicas"]).success());
    let template = line_of(&scratch.read("templates/app/service.yaml.j2"), "replicas: {{ item.replicas }}");
    let tier = line_of(&scratch.read("tiers/standard.yaml"), "replicas: 2");
    assert!(text.starts_with("Deployment/web spec.replicas = 2\n"), "{text}");
    assert!(text.contains(&format!("templates/app/service.yaml.j2:{template}:")), "{text}");
    assert!(text.contains(&format!("tiers/standard.yaml:{tier}:")), "{text}");
    let json =
        stdout(&scratch.run(&["explain", FIRST, "Deployment/web", "spec.replicas", "--format", "json"]).success());
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["from"][0]["path"], "services.web.replicas");
}

#[test]
fn what_is_not_there_is_answered_by_what_is_near() {
    let scratch = Scratch::starter();
    let wrong = scratch.run(&["explain", FIRST, "services.web.replicaz"]).code(2);
    assert!(stderr(&wrong).contains("did you mean `services.web.replicas`?"), "{}", stderr(&wrong));
    let wrong = scratch.run(&["explain", FIRST, "Deployment/wep"]).code(2);
    assert!(stderr(&wrong).contains("did you mean `Deployment/web`?"), "{}", stderr(&wrong));
}
