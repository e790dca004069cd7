//! Documents of the flagship estate, and such as nobody would write.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read fixtures")]

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;

use super::documents;
use crate::{
    check,
    diag::{Code, Report},
    load,
    provision::Document,
    resolve::Resolver,
    yaml,
};

/// The documents below a folder of `fixtures`, by path.
fn fixture(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let tenants = fs::read_dir(root.join("tenants")).unwrap().map(|entry| entry.unwrap().file_name());
    let files = tenants.filter_map(|tenant| {
        let path = format!("tenants/{}/provision.yaml", tenant.to_str().unwrap());
        Some((path.clone(), fs::read_to_string(root.join(&path)).ok()?))
    });
    files.collect()
}

fn admit(files: &BTreeMap<String, String>) -> Result<Vec<Document>, Report> {
    documents(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))
}

#[test]
fn what_render_writes_is_admitted() {
    let sources = load::directory(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let estate = check::check(&sources).estate.expect("the flagship estate is right");
    let resolver = Resolver::new(&estate);
    let wanted: Vec<Document> = estate.tenants().values().map(|tenant| resolver.plan(tenant).document).collect();
    let written: BTreeMap<String, String> = wanted
        .iter()
        .map(|document| {
            let text = yaml::write(&serde_json::to_value(document).unwrap());
            (format!("tenants/{}/provision.yaml", document.metadata.tenant), text)
        })
        .collect();
    let admitted = admit(&written).unwrap_or_else(|report| panic!("{:#?}", report.findings()));
    assert!(admitted.iter().any(|document| document.resources.len() >= 15));
    assert_eq!(admitted, wanted);
}

#[test]
fn one_bad_document_among_good_ones_stops_all_of_them() {
    let mut files = fixture("documents/base");
    files.insert("tenants/zeta/provision.yaml".to_owned(), "kind: Provision\n".to_owned());
    let report = admit(&files).unwrap_err();
    assert!(report.findings().iter().all(|finding| finding.place.file == "tenants/zeta/provision.yaml"));
    assert!(report.findings().iter().all(|finding| finding.code == Code::MissingKey), "{report:#?}");
}

#[test]
fn a_document_is_as_large_as_render_lets_it_be() {
    let files = fixture("documents/base");
    let text = &files["tenants/acme/provision.yaml"];
    let filled = |bytes: usize| format!("{text}#{}", "x".repeat(bytes - text.len() - 1));
    assert!(documents([("a.yaml", filled(100 << 10).as_str())]).is_ok());
    let report = documents([("a.yaml", filled((100 << 10) + 1).as_str())]).unwrap_err();
    assert_eq!(report.findings()[0].code, Code::FileTooLarge);
}

/// One slip of a hand, or of a hostile one.
#[derive(Debug, Clone)]
enum Slip {
    Drop(usize),
    Twice(usize),
    Swap(usize, usize),
    Indent(usize, usize),
    Value(usize, &'static str),
    Cut(usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let values = [
        "",
        "~",
        "{}",
        "[]",
        "\"\"",
        "0",
        "-1",
        "1e999",
        "99999999999999999999",
        "true",
        "../..",
        "\"a\\0b\"",
        "*",
        "&a",
        "!!str x",
        "|",
        "\"${\"",
        "${tenant.name}",
        "\"%\"",
        "\"`; DROP\"",
        "é",
        "tenantry.dev/v9",
        "\"\\uD834\"",
    ];
    let line = 0..120_usize;
    prop_oneof![
        line.clone().prop_map(Slip::Drop),
        line.clone().prop_map(Slip::Twice),
        (line.clone(), line.clone()).prop_map(|(one, other)| Slip::Swap(one, other)),
        (line.clone(), 0..12_usize).prop_map(|(at, blanks)| Slip::Indent(at, blanks)),
        (line, proptest::sample::select(values.to_vec())).prop_map(|(at, value)| Slip::Value(at, value)),
        (0..4000_usize).prop_map(Slip::Cut),
    ]
}

fn slipped(text: &str, slips: &[Slip]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for slip in slips {
        let count = lines.len().max(1);
        match slip {
            _ if lines.is_empty() => break,
            Slip::Drop(at) => drop(lines.remove(at % count)),
            Slip::Twice(at) => lines.insert(at % count, lines[at % count].clone()),
            Slip::Swap(one, other) => lines.swap(one % count, other % count),
            Slip::Indent(at, blanks) => {
                let line = &mut lines[at % count];
                *line = format!("{}{}", " ".repeat(*blanks), line.trim_start());
            }
            Slip::Value(at, value) => {
                let line = &mut lines[at % count];
                let key = line.find(": ").map_or(line.len(), |colon| colon + 2);
                line.truncate(key);
                line.push_str(value);
            }
            Slip::Cut(at) => {
                let text: String = lines.join("\n").chars().take(*at).collect();
                lines = text.lines().map(str::to_owned).collect();
            }
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_document_breaks_it(slips in proptest::collection::vec(slip(), 1..6), both in any::<bool>()) {
        let mut files = fixture("documents/base");
        for (path, text) in &mut files {
            if both || path.contains("acme") {
                *text = slipped(text, &slips);
            }
        }
        match admit(&files) {
            Ok(admitted) => prop_assert_eq!(admitted.len(), files.len()),
            Err(report) => {
                prop_assert!(report.errors() > 0);
                for finding in report.findings() {
                    prop_assert!(!finding.message.is_empty() && !finding.help.is_empty(), "{:?}", finding);
                    prop_assert!(finding.place.span.start.line >= 1, "{:?}", finding);
                }
            }
        }
    }

    #[test]
    fn no_text_breaks_it(text in any::<String>()) {
        let _ = documents([("stdin", text.as_str())]);
    }
}
