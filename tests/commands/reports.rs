//! The reports that a reviewer reads, of the changes that come every week. The golden ones lie in `fixtures/reports`, so
//! that a change of their look shows in review; refresh them with `TENANTRY_BLESS=1 cargo test --test commands reports`.

use std::{fs, path::Path};

use serde_json::Value;

use crate::estate::{FIRST, Scratch, stdout};

const PREMIUM: &str = "tenants/lumiere-paris-9b27d4.yaml";
const BUSINESS: &str = "tenants/polar-gear-b1657e.yaml";

/// The report of what was edited since the last commit, in every format; JSON by its shape and sums alone, as it holds
/// what the others hold. Returns the document.
fn golden(scratch: &Scratch, name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports");
    for (format, ending) in [("text", "txt"), ("markdown", "md"), ("html", "html")] {
        let report = stdout(&scratch.run(&["diff", "--format", format]).success());
        let report = report.replace(concat!("tenantry ", env!("CARGO_PKG_VERSION")), "tenantry VERSION");
        let path = folder.join(format!("{name}.{ending}"));
        if std::env::var_os("TENANTRY_BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, report).unwrap();
            continue;
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(report, known, "{} differs; TENANTRY_BLESS=1 refreshes it", path.display());
    }
    let document: Value = serde_json::from_str(&stdout(&scratch.run(&["diff", "--format", "json"]).success())).unwrap();
    let schema = serde_json::from_str(include_str!("../../schemas/diff.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    document
}

/// Returns the level and the reason of each danger.
fn dangers(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of_entry = |entry: &Value| entry["dangers"].as_array().cloned().unwrap_or_default();
    let all = document["entries"].as_array().unwrap().iter().flat_map(of_entry);
    all.map(|danger| (text(&danger["level"]), text(&danger["reason"]))).collect()
}

#[test]
fn of_a_new_tenant() {
    let scratch = Scratch::flagship();
    let tenant = scratch.read(PREMIUM);
    let tenant = tenant
        .replace("lumiere-paris-9b27d4", "tide-and-table-71c0aa")
        .replace("0197c0ba-6fa2-7bc9-857e-6f1cc0f173a6", "01a9c0ba-6fa2-7bc9-857e-6f1cc0f173a7")
        .replace("subdomain: lumiere", "subdomain: tide-and-table")
        .replace("boutique.lumiere-paris.example", "shop.tide-and-table.example")
        .replace("Lumière Paris", "Tide & Table")
        .replace("sub_lp3318", "sub_tt3319");
    scratch.write("tenants/tide-and-table-71c0aa.yaml", tenant);
    let document = golden(&scratch, "new-tenant");
    assert_eq!(document["counts"]["tenants"]["added"], 1);
    assert_eq!(document["kinds"]["outside"]["mysqlDatabase"]["added"], 11);
    assert!(dangers(&document).iter().all(|(level, _)| level != "loss"), "{:?}", dangers(&document));
}

#[test]
fn of_another_tier_for_one_tenant() {
    let scratch = Scratch::flagship();
    scratch.edit(PREMIUM, "tier: premium", "tier: standard");
    let document = golden(&scratch, "tier-change");
    assert_eq!(document["counts"]["tenants"]["changed"], 1);
    let dangers = dangers(&document);
    assert!(dangers.iter().any(|(_, reason)| reason.starts_with("less than what runs now")), "{dangers:?}");
}

/// Five hundred tenants get the same new image: one entry says so, and names them all.
#[test]
fn of_an_image_for_five_hundred_tenants() {
    let scratch = Scratch::repository();
    let tier = scratch.read("tiers/standard.yaml");
    scratch.write(
        "tiers/base.yaml",
        tier.replace("name: standard", "name: base").replace("spec:", "spec:\n  abstract: true"),
    );
    scratch.write(
        "tiers/standard.yaml",
        "apiVersion: tenantry.dev/v1\nkind: Tier\nmetadata:\n  name: standard\nspec:\n  extends: base\n",
    );
    for number in 1..500 {
        scratch.add_tenant(&format!("customer-{number:06x}"), &format!("6c7d8e{number:06x}"));
    }
    scratch.record("five hundred tenants");
    scratch.edit("tiers/base.yaml", "tag: v1.0.0", "tag: v1.0.1");
    let document = golden(&scratch, "image-bump");
    assert_eq!(document["counts"]["tenants"]["changed"], 500);
    assert_eq!(document["counts"]["objects"]["changed"], 500);
    let markdown = stdout(&scratch.run(&["diff", "--format", "markdown"]).success());
    assert_eq!(markdown.matches("v1.0.1").count(), 1, "{markdown}");
}

#[test]
fn of_a_template_that_says_the_same_in_other_words() {
    let scratch = Scratch::flagship();
    let template = "templates/commerce/deployment.yaml.j2";
    let text = scratch.read(template);
    scratch.write(template, format!("{{# Said again, in other words. #}}\n{text}"));
    let document = golden(&scratch, "refactoring");
    assert_eq!(document["entries"].as_array().unwrap().len(), 0);
}

#[test]
fn of_a_domain_that_moves_to_another_tenant() {
    let scratch = Scratch::flagship();
    scratch.edit(PREMIUM, "customDomains: [boutique.lumiere-paris.example]", "customDomains: []");
    let both = "customDomains: [shop.polar-gear.example, boutique.lumiere-paris.example]";
    scratch.edit(BUSINESS, "customDomains: [shop.polar-gear.example]", both);
    let document = golden(&scratch, "domain-move");
    let dangers = dangers(&document);
    let has = |level: &str, words: &str| dangers.iter().any(|(of, reason)| of == level && reason.contains(words));
    assert!(has("exposure", "until now they went to the tenant `lumiere-paris-9b27d4`"), "{dangers:?}");
    assert!(has("disruption", "they go to the tenant `polar-gear-b1657e`"), "{dangers:?}");
}

#[test]
fn of_a_domain_that_nobody_has_any_more() {
    let scratch = Scratch::flagship();
    scratch.edit(PREMIUM, "customDomains: [boutique.lumiere-paris.example]", "customDomains: []");
    let text = stdout(&scratch.run(&["diff"]).success());
    assert!(text.contains("nobody answers requests to `boutique.lumiere-paris.example` any more"), "{text}");
}

/// Argo CD would say that all is in sync, and the migration of the new command would never run.
#[test]
fn of_a_hook_alone() {
    let scratch = Scratch::flagship();
    let template = "templates/commerce/migration.yaml.j2";
    let text = scratch.read(template);
    let (before, _) = text.split_once("activeDeadlineSeconds:").unwrap();
    let line = text[before.len()..].lines().next().unwrap().to_owned();
    scratch.edit(template, &line, "activeDeadlineSeconds: 1234");
    let document: Value = serde_json::from_str(&stdout(&scratch.run(&["diff", "--format", "json"]).success())).unwrap();
    let dangers = dangers(&document);
    assert!(
        !dangers.is_empty() && dangers.iter().all(|(_, reason)| reason.starts_with("nothing but hooks")),
        "{dangers:?}"
    );
    // With anything else that changes there is a sync, and the hooks run in it.
    scratch.edit("tiers/base.yaml", "tag: v1.2.3", "tag: v1.2.4");
    let text = stdout(&scratch.run(&["diff"]).success());
    assert!(text.contains("v1.2.4") && !text.contains("nothing but hooks"), "{text}");
}

#[test]
fn of_a_tenant_that_goes() {
    let scratch = Scratch::flagship();
    fs::remove_file(scratch.path().join(PREMIUM)).unwrap();
    let document = golden(&scratch, "deletion");
    assert_eq!(document["counts"]["tenants"]["removed"], 1);
    let dangers = dangers(&document);
    for words in ["the tenant goes with everything it has", "everything in the namespace goes with it", "holds data"] {
        assert!(
            dangers.iter().any(|(level, reason)| level == "loss" && reason.contains(words)),
            "{words}: {dangers:?}"
        );
    }
    assert!(!dangers.iter().any(|(_, reason)| reason.contains("nobody answers")), "{dangers:?}");
}

/// The same estate renders the same for the starter's only tenant, whatever the report is asked for.
#[test]
fn of_nothing() {
    let scratch = Scratch::repository();
    assert!(scratch.read(&format!("tenants/{FIRST}.yaml")).contains("tier: standard"));
    for (format, words) in [("text", "no changes"), ("markdown", "### tenantry: no changes"), ("html", "No changes.")] {
        let report = stdout(&scratch.run(&["diff", "--format", format]).success());
        assert!(report.contains(words), "{format}: {report}");
    }
}
