//! All findings of all files at once, and nothing that only follows from another one.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads fixtures")]

use std::{fs, path::Path, sync::Arc};

use tenantry::{check, diag::Code, sources::Sources};

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rules-base");

/// The base with some texts replaced in some of its files.
fn changed(changes: &[(&str, &[(&str, &str)])]) -> Sources {
    let mut sources = Sources::new();
    for file in [
        "tenantry.yaml",
        "tiers/base.yaml",
        "tiers/standard.yaml",
        "tenants/acme.yaml",
        "tenants/borealis.yaml",
        "templates/shop/bundle.yaml",
        "templates/shop/extra.yaml.j2",
        "templates/shop/namespace.yaml.j2",
        "templates/shop/service.yaml.j2",
    ] {
        let mut text = fs::read_to_string(Path::new(BASE).join(file)).unwrap();
        for (_, replacements) in changes.iter().filter(|(name, _)| *name == file) {
            for (from, to) in *replacements {
                assert_eq!(text.matches(from).count(), 1, "{file}: {from}");
                text = text.replace(from, to);
            }
        }
        sources.insert(file, Ok(Arc::from(text.into_bytes())));
    }
    sources
}

fn found(changes: &[(&str, &[(&str, &str)])]) -> Vec<(Code, String)> {
    let checked = check::check(&changed(changes));
    assert!(checked.estate.is_none());
    checked.report.findings().iter().map(|finding| (finding.code, finding.place.file.clone())).collect()
}

fn codes(changes: &[(&str, &[(&str, &str)])]) -> Vec<Code> {
    found(changes).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn one_bad_tenant_tells_all_its_faults_at_once() {
    let faults = codes(&[(
        "tenants/acme.yaml",
        &[
            ("name: acme\n", "name: acme\n  labels: {}\n"),
            ("displayName: Acme & Söhne", "displayName: ' Acme'"),
            ("tier: standard", "tier: standart"),
            ("  region: eu-central\n", ""),
            ("[shop.acme.de]", "[shop.acme.de, 10.0.0.1]"),
            ("admin@acme.de", "admin"),
            ("state: active", "state: activ"),
        ],
    )]);
    assert_eq!(
        faults,
        [
            Code::UnknownKey,
            Code::MissingKey,
            Code::DisplayName,
            Code::UnknownTier,
            Code::InvalidDomain,
            Code::InvalidEmail,
            Code::NotAChoice
        ]
    );
}

#[test]
fn a_broken_tier_hides_nothing_in_tenants_and_is_not_unknown() {
    let faults = found(&[
        ("tiers/standard.yaml", &[("requests.cpu: \"4\"", "requests.cpu: [")]),
        ("tenants/acme.yaml", &[("region: eu-central", "region: eu-west")]),
    ]);
    assert_eq!(
        faults,
        [(Code::UnknownRegion, "tenants/acme.yaml".to_owned()), (Code::YamlSyntax, "tiers/standard.yaml".to_owned())]
    );
}

#[test]
fn a_broken_base_is_told_once_and_what_extends_it_is_left_alone() {
    let faults = found(&[("tiers/base.yaml", &[("  abstract: true\n", "  abstract: true\n  \"a\\0b\": 1\n")])]);
    assert_eq!(faults, [(Code::ForbiddenCharacter, "tiers/base.yaml".to_owned())]);
}

#[test]
fn a_broken_estate_file_hides_nothing_in_tenants_and_makes_no_region_unknown() {
    let faults = found(&[
        ("tenantry.yaml", &[("metadata:\n", "metadata: [\n")]),
        ("tenants/acme.yaml", &[("tier: standard", "tier: premium")]),
    ]);
    let files: Vec<&str> = faults.iter().map(|(_, file)| file.as_str()).collect();
    assert_eq!(files, ["tenantry.yaml", "tenants/acme.yaml"]);
    assert_eq!(faults[1].0, Code::UnknownTier);
}

#[test]
fn one_slip_in_the_estate_file_leaves_its_regions_and_connections_known() {
    let faults = found(&[
        ("tenantry.yaml", &[("    kind: gateway\n", "    kind: gatewy\n"), ("kind: redis\n", "kind: redi\n")]),
        ("tenants/acme.yaml", &[("region: eu-central", "region: eu-west")]),
    ]);
    assert_eq!(
        faults,
        [
            (Code::NotAChoice, "tenantry.yaml".to_owned()),
            (Code::NotAChoice, "tenantry.yaml".to_owned()),
            (Code::UnknownRegion, "tenants/acme.yaml".to_owned())
        ]
    );
}

#[test]
fn one_slip_in_a_layer_leaves_the_rest_of_its_tier_checked() {
    let faults = codes(&[
        ("tiers/base.yaml", &[("    replicas: 2\n", "    replicas: two\n")]),
        (
            "tiers/standard.yaml",
            &[
                ("tag: v1.2.3", "tag: latest"),
                ("      connection: cache", "      connection: cash"),
                ("port: 8080\n      database: true\n      env", "port: 8080\n      databse: true\n      env"),
            ],
        ),
    ]);
    assert_eq!(faults, [Code::WrongType, Code::ImageLatest, Code::UnknownKey, Code::UnknownConnection]);
}

#[test]
fn a_kind_that_is_wrong_says_nothing_about_its_settings() {
    let faults = codes(&[("tiers/standard.yaml", &[("kind: redisUser", "kind: redisUsr")])]);
    assert_eq!(faults, [Code::NotAChoice]);
}

#[test]
fn findings_come_in_the_same_order_every_time() {
    let sources = changed(&[
        ("tiers/base.yaml", &[("min: { cpu: 10m }", "min: { cpu: 10x }")]),
        ("tenants/acme.yaml", &[("tier: standard", "tier: a"), ("region: eu-central", "region: b")]),
        ("tenants/borealis.yaml", &[("tier: standard", "tier: c"), ("89ac", "89ab")]),
    ]);
    let first = check::check(&sources).report;
    assert_eq!(first.findings().len(), 5);
    for _ in 0..20 {
        assert_eq!(check::check(&sources).report, first);
    }
}

#[test]
fn every_finding_about_a_tenant_names_it() {
    let report = check::check(&changed(&[
        ("tenants/acme.yaml", &[("tier: standard", "tier: a"), ("shop.acme.de", "shop acme")]),
        ("tenants/borealis.yaml", &[("89ac", "89ab")]),
    ]))
    .report;
    for finding in report.findings() {
        let stem = finding.place.file.trim_start_matches("tenants/").trim_end_matches(".yaml");
        assert_eq!(finding.tenant.as_deref(), Some(stem), "{finding:?}");
    }
    assert_eq!(report.findings().len(), 3);
}
