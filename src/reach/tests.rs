//! The reach of single changes of the flagship estate: nobody is forgotten, and nobody is dragged along.

use std::path::Path;

use super::*;
use crate::{check::check, load, sources::Sources};

fn flagship() -> Sources {
    load::directory(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn estate(sources: &Sources) -> Estate {
    let checked = check(sources);
    checked.estate.unwrap_or_else(|| panic!("{:#?}", checked.report.findings()))
}

fn edited(path: &str, from: &str, to: &str) -> Sources {
    let mut sources = flagship();
    let text = String::from_utf8(sources.get(path).unwrap().clone().unwrap().to_vec()).unwrap();
    assert!(text.contains(from), "{path} does not hold `{from}`");
    sources.insert(path, Ok(text.replacen(from, to, 1).as_bytes().into()));
    sources
}

/// The tenants that a change reaches, and the estate before it.
fn reached(changed: &Sources) -> (BTreeSet<String>, Estate) {
    let before = estate(&flagship());
    let reach = between(&before, &estate(changed));
    assert!(reach.platform);
    (reach.tenants, before)
}

fn of_tiers(estate: &Estate, tiers: &[&str]) -> BTreeSet<String> {
    let tenants = estate.tenants().values().filter(|tenant| tiers.contains(&tenant.tier.as_str()));
    tenants.map(|tenant| tenant.name.to_string()).collect()
}

fn all(estate: &Estate) -> BTreeSet<String> {
    estate.tenants().keys().map(ToString::to_string).collect()
}

#[test]
fn nothing_reaches_nobody() {
    assert_eq!(reached(&flagship()).0, BTreeSet::new());
}

#[test]
fn a_region_that_nobody_is_in_and_a_comment_reach_nobody() {
    let region = "  regions:\n    nowhere: { server: \"https://nowhere.example\" }\n";
    let (tenants, _) = reached(&edited("tenantry.yaml", "  regions:\n", region));
    assert_eq!(tenants, BTreeSet::new());
    let (tenants, _) = reached(&edited("tiers/premium.yaml", "kind: Tier\n", "kind: Tier\n# A comment.\n"));
    assert_eq!(tenants, BTreeSet::new());
}

#[test]
fn what_every_plan_holds_reaches_all() {
    let (tenants, before) = reached(&edited("tenantry.yaml", "  displayName: ", "  displayName: New "));
    assert_eq!(tenants, all(&before));
}

#[test]
fn an_imported_template_reaches_whoever_renders_what_imports_it() {
    let (tenants, before) = reached(&edited("templates/commerce/_security.j2", "{%", "{# x #}{%"));
    let with_bundle = before.tiers().values().filter(|tier| tier.spec().bundles.iter().any(|name| name == "commerce"));
    let tiers: Vec<&str> = with_bundle.map(|tier| tier.name().as_str()).collect();
    assert!(!tiers.is_empty());
    assert_eq!(tenants, of_tiers(&before, &tiers));
}

#[test]
fn the_flagship_chooses_no_template_by_an_expression() {
    let before = estate(&flagship());
    for name in before.bundles().keys() {
        assert!(matches!(crate::render::loads(&before, name), crate::render::Loads::These(_)), "{name}");
    }
}

#[test]
fn a_definition_reaches_all_since_it_says_what_is_right() {
    let mut sources = flagship();
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: as.example.org }\nspec:\n  group: example.org\n  scope: Namespaced\n  names: { kind: A, plural: as }\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema: { openAPIV3Schema: { type: object } }\n";
    sources.insert("schemas/crds/a.yaml", Ok(definition.as_bytes().into()));
    let (tenants, before) = reached(&sources);
    assert_eq!(tenants, all(&before));
}

#[test]
fn a_tenant_of_one_side_alone_is_reached() {
    let mut sources = flagship();
    let path = sources.under("tenants/").next().unwrap().0.to_owned();
    sources.remove(&path);
    let (tenants, _) = reached(&sources);
    let name = path.trim_start_matches("tenants/").trim_end_matches(".yaml");
    assert_eq!(tenants, BTreeSet::from([name.to_owned()]));
}

#[test]
fn a_base_tier_reaches_the_tenants_of_every_tier_that_stands_on_it() {
    let (tenants, before) = reached(&edited("tiers/base.yaml", "tag: v1.2.3", "tag: v1.2.4"));
    assert!(before.tenants().values().all(|tenant| tenant.tier.as_str() != "base"), "nobody is in the base itself");
    let on_base = before.tiers().values().filter(|tier| tier.layers().iter().any(|layer| layer == "tiers/base.yaml"));
    let tiers: Vec<&str> = on_base.map(|tier| tier.name().as_str()).collect();
    assert!(!tiers.is_empty());
    assert_eq!(tenants, of_tiers(&before, &tiers));
}

/// What a file added to another estate of the fixtures reaches.
fn reached_in(fixture: &str, path: &str) -> (BTreeSet<String>, Estate) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/estates").join(fixture);
    let mut sources = load::directory(&root).unwrap();
    let before = estate(&sources);
    sources.insert(path, Ok(b"one more file\n".as_slice().into()));
    (between(&before, &estate(&sources)).tenants, before)
}

#[test]
fn a_component_reaches_the_tiers_that_lay_it_over_their_objects() {
    let (tenants, before) = reached_in("kustomize-overlay", "components/spot-nodes/NOTES.txt");
    assert_eq!(tenants, of_tiers(&before, &["spot"]));
    assert!(!tenants.is_empty() && tenants != all(&before));
}

#[test]
fn a_chart_reaches_the_tiers_that_are_it() {
    let (tenants, before) = reached_in("helm", "charts/mechanicbuddy-tenant/NOTES.txt");
    assert_eq!(tenants, all(&before));
    let (tenants, _) = reached_in("helm", "charts/another/values.yaml");
    assert_eq!(tenants, BTreeSet::new());
}

#[test]
fn another_store_of_secrets_reaches_whoever_has_something_outside() {
    let connections = "  secrets:\n    store: ";
    let spare = "    spare:\n      kind: vault\n      url: https://spare.example.com\n      tokenEnv: SPARE_TOKEN\n";
    let with = |store: &str| {
        edited("tenantry.yaml", "  secrets:\n    store: openbao", &format!("{spare}{connections}{store}"))
    };
    let (before, after) = (estate(&with("openbao")), estate(&with("spare")));
    let outside = before.tenants().values().filter(|tenant| {
        let plan = Resolver::new(&before).plan(tenant);
        !plan.document.resources.is_empty()
    });
    let outside: BTreeSet<String> = outside.map(|tenant| tenant.name.to_string()).collect();
    assert!(!outside.is_empty());
    assert_eq!(between(&before, &after).tenants, outside);
}
