//! Tests of merging layers: what comes out, and who gave it.

use std::sync::Arc;

use serde_json::json;

use super::*;

fn sources(tiers: &[(&str, &str)]) -> Sources {
    let mut sources = Sources::new();
    for (name, spec) in tiers {
        let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
        let text = format!("apiVersion: tenantry.dev/v1\nkind: Tier\nmetadata: {{name: {name}}}\nspec:\n{spec}");
        sources.insert(format!("tiers/{name}.yaml"), Ok(Arc::from(text.into_bytes())));
    }
    sources
}

fn words(layered: &Layered, pointer: &str) -> Vec<(String, u32, Value)> {
    let origins = layered.origins(pointer).iter();
    origins.map(|o| (o.file.clone(), o.span.start.line, o.value.clone())).collect()
}

#[test]
fn maps_are_merged_lists_replaced_and_null_takes_away() {
    let sources = sources(&[
        ("base", "abstract: true\nquota: {pods: '10', services: '5'}\nbundles: [a, b]\nsettings: {x: {z: 1}}"),
        ("top", "extends: base\nquota: {pods: '20', services: null}\nbundles: [c]\nsettings: {x: 5}"),
    ]);
    let layered = of_tier(&sources, "top").unwrap();
    assert_eq!(
        layered.value,
        json!({"extends": "base", "quota": {"pods": "20"}, "bundles": ["c"], "settings": {"x": 5}})
    );
    assert_eq!(layered.files, ["tiers/base.yaml", "tiers/top.yaml"]);
    assert_eq!(
        words(&layered, "/quota/pods"),
        [("tiers/base.yaml".to_owned(), 6, json!("10")), ("tiers/top.yaml".to_owned(), 6, json!("20"))]
    );
    assert_eq!(words(&layered, "/bundles/0"), [("tiers/top.yaml".to_owned(), 7, json!("c"))]);
    assert_eq!(words(&layered, "/bundles").len(), 2);
    assert!(layered.origins("/settings/x/z").is_empty() && layered.origins("/bundles/1").is_empty());
}

#[test]
fn defaults_lie_beneath_every_service_whatever_layer_they_are_in() {
    let sources = sources(&[
        ("base", "services: {a: {tag: v1, env: {A: '1'}}, b: {replicas: 5}}"),
        (
            "top",
            "extends: base\nserviceDefaults: {replicas: 2, env: {B: '2'}, public: true}\nservices: {a: {public: null}}",
        ),
    ]);
    let layered = of_tier(&sources, "top").unwrap();
    assert_eq!(
        layered.value["services"],
        json!({"a": {"tag": "v1", "env": {"A": "1", "B": "2"}, "replicas": 2},
            "b": {"replicas": 5, "env": {"B": "2"}, "public": true}})
    );
    let origins = words(&layered, "/services/b/replicas");
    assert_eq!(origins[0], ("tiers/top.yaml".to_owned(), 6, json!(2)));
    assert_eq!(origins[1], ("tiers/base.yaml".to_owned(), 5, json!(5)));
    assert_eq!(words(&layered, "/services/a/env/B"), [("tiers/top.yaml".to_owned(), 6, json!("2"))]);
}

#[test]
fn an_item_hides_a_setting_of_its_group_by_null() {
    let sources = sources(&[("top", "provisions: {files: {items: {a: {quota: null}, b: {}}, spec: {quota: 1Gi}}}")]);
    let layered = of_tier(&sources, "top").unwrap();
    assert_eq!(layered.value["provisions"]["files"]["items"]["a"], json!({"quota": null}));
}

#[test]
fn an_empty_value_that_hides_nothing_is_found() {
    let sources = sources(&[("top", "provisions: {files: {items: {a: {}, b: }}}\nquota: {pods: null}")]);
    let findings = of_tier(&sources, "top").unwrap_err();
    let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::NullWithoutEffect; 2]);
}

#[test]
fn circles_depth_and_unknown_tiers_are_found() {
    let code = |tiers: &[(&str, &str)], tier: &str| of_tier(&sources(tiers), tier).unwrap_err()[0].code;
    assert_eq!(code(&[("a", "extends: b"), ("b", "extends: a")], "a"), Code::ExtendsCycle);
    assert_eq!(code(&[("a", "extends: a")], "a"), Code::ExtendsCycle);
    assert_eq!(code(&[("a", "extends: x")], "a"), Code::UnknownBase);
    assert_eq!(code(&[], "a"), Code::UnknownTier);
    let five =
        [("a", "extends: b"), ("b", "extends: c"), ("c", "extends: d"), ("d", "extends: e"), ("e", "bundles: []")];
    assert_eq!(code(&five, "a"), Code::ExtendsTooDeep);
    assert!(of_tier(&sources(&five), "b").is_ok());
}
