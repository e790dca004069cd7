use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    diag::{Code, Diagnostic, Place},
    diff::diff,
    tree::Tree,
    yaml,
};

/// What a hostile value would do if it were taken for more than a text.
const HOSTILE: &str = "</summary></details><script>alert(1)</script> <img src=x onerror=alert(1)> `` ``` ~~~ @everyone #1 [x](javascript:x) \
                       https://evil.example *x* _x_ | x | \u{1b}[31m \u{202e}x =cmd|'/C calc'!A0 +1 {{ 7*7 }} &lt; \"'";

fn object(kind: &str, name: &str, rest: Value) -> Value {
    let mut object =
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": format!("shop-{name}")}});
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    object
}

fn tree(files: impl IntoIterator<Item = (String, Value)>) -> Tree {
    files.into_iter().map(|(path, value)| (path, yaml::write(&value).into())).collect()
}

/// One ConfigMap for each text, of the tenant of that number.
fn settings(texts: &[String]) -> Tree {
    tree(texts.iter().enumerate().map(|(number, text)| {
        let name = format!("t{number}");
        let map = object("ConfigMap", &name, json!({"data": {"text": text, "lines": format!("a\n{text}\nb\n")}}));
        (format!("tenants/{name}/manifests/settings.yaml"), map)
    }))
}

/// A volume and a namespace for each tenant: their deletion loses data.
fn volumes(names: &[String]) -> Tree {
    tree(names.iter().flat_map(|name| {
        ["Namespace", "PersistentVolumeClaim"].into_iter().map(move |kind| {
            let path = format!("tenants/{name}/manifests/{}.yaml", kind.to_lowercase());
            (path, object(kind, name, json!({"spec": {}})))
        })
    }))
}

fn found(number: usize, text: &str) -> Report {
    let finding = |number: usize| {
        let place = Place::file(format!("templates/app/{number}.yaml.j2"));
        Diagnostic::new(Code::ServiceSelectsNothing, place, text, text).of_tenant(format!("t{number}"))
    };
    Report::new((0..number).map(finding).collect())
}

fn markdown(base: &Tree, target: &Tree, findings: &Report) -> String {
    let changes = diff(base, target).unwrap();
    Review { changes: &changes, findings, live: None }.markdown(Some("https://ci.example/report.html"))
}

fn html(base: &Tree, target: &Tree, findings: &Report) -> String {
    let changes = diff(base, target).unwrap();
    Review { changes: &changes, findings, live: Some("t0 ok") }.html().unwrap()
}

/// What is left of Markdown without code spans and fences, the way CommonMark finds them.
fn outside_code(markdown: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<usize> = None;
    for line in markdown.lines() {
        let run = line.len() - line.trim_start_matches('`').len();
        match fence {
            Some(length) if run >= length && line.trim_start_matches('`').is_empty() => fence = None,
            Some(_) => {}
            None if run >= 3 && !line[run..].contains('`') => fence = Some(run),
            None => {
                let mut rest = line;
                while let Some(start) = rest.find('`') {
                    out.push_str(&rest[..start]);
                    let ticks = rest[start..].len() - rest[start..].trim_start_matches('`').len();
                    let after = &rest[start + ticks..];
                    let end = closing(after, ticks).unwrap_or_else(|| panic!("a code span does not end: {line}"));
                    rest = &after[end + ticks..];
                }
                out.push_str(rest);
                out.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence does not end");
    out
}

/// Finds a run of exactly that many backticks.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let length = text[start..].len() - text[start..].trim_start_matches('`').len();
        if length == ticks {
            return Some(start);
        }
        at = start + length;
    }
    None
}

#[test]
fn no_change_is_said_as_such() {
    assert_eq!(
        markdown(&Tree::new(), &Tree::new(), &Report::default()).lines().next(),
        Some("### tenantry: no changes")
    );
    assert!(html(&Tree::new(), &Tree::new(), &Report::default()).contains("No changes."));
}

#[test]
fn hostile_texts_are_inert_in_markdown() {
    let report = markdown(&settings(&["x".to_owned()]), &settings(&[HOSTILE.to_owned()]), &found(1, HOSTILE));
    let outside = outside_code(&report);
    for word in ["script>", "<img", "@everyone", "javascript:", "evil.example", "#1", "\u{1b}", "\u{202e}"] {
        assert!(!outside.contains(word), "{word} stands outside of code: {outside}");
    }
    assert!(report.contains("@everyone"), "it is shown all the same");
}

#[test]
fn hostile_texts_are_inert_in_html() {
    let report = html(&settings(&["x".to_owned()]), &settings(&[HOSTILE.to_owned()]), &found(1, HOSTILE));
    for word in ["<script", "<img", "\u{1b}", "\u{202e}", "{{ 7*7 }} &lt; \"'"] {
        assert!(!report.contains(word), "{word}");
    }
    assert!(report.contains("&lt;script&gt;") && report.contains("{{ 7*7 }}"), "it is shown all the same");
}

#[test]
fn a_page_needs_nothing_else() {
    let report = html(&settings(&["x".to_owned()]), &settings(&["y".to_owned()]), &found(1, "text"));
    for word in ["http://", "https://", "url(", "@import", "src=", "<link", "<iframe"] {
        assert!(!report.contains(word), "{word}");
    }
}

/// The lines of a report's dangers.
fn danger_lines(report: &str) -> Vec<&str> {
    report.lines().filter(|line| line.starts_with("- **data loss**")).collect()
}

#[test]
fn dangers_are_never_left_out() {
    for number in [1, 20, 400, 20_000] {
        // Names that do not fold: each tenant's objects are called differently.
        let names: Vec<String> = (0..number).map(|at| format!("tenant-{at}")).collect();
        let (base, target) = (volumes(&names), settings(&vec!["x".repeat(300); 50]));
        let report = markdown(&base, &target, &found(500, "some text"));
        assert!(report.len() <= LIMIT, "{number}: {}", report.len());
        let lines = danger_lines(&report);
        assert!(!lines.is_empty(), "{number}: {report}");
        let tenants: usize = number;
        let counted = report.contains(&format!("{tenants} tenants")) || number == 1;
        assert!(counted, "{number}: {}", lines.join("\n"));
        assert!(report.contains("[The whole report](https://ci.example/report.html)"));
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let texts = |word: &str| (0..3_000).map(|at| format!("{word} {at} {}", "z".repeat(at % 97))).collect::<Vec<_>>();
    let report = markdown(&settings(&texts("old")), &settings(&texts("new")), &Report::default());
    assert!(report.len() <= LIMIT);
    let shown = report.matches("@@ ~ ConfigMap").count();
    assert!(shown > 50, "{shown}");
    assert!(report.contains(&format!("{} changes.**", 3_000 - shown)), "{}", &report[report.len() - 300..]);
}

#[test]
fn errors_refuse_the_change() {
    let place = Place::file("tenants/t0.yaml");
    let findings = Report::new(vec![Diagnostic::new(Code::UnknownTier, place, "there is no tier", "write one")]);
    let report = markdown(&Tree::new(), &Tree::new(), &findings);
    assert!(report.contains("it cannot be rendered") && report.contains("`unknown-tier`"), "{report}");
    assert!(html(&Tree::new(), &Tree::new(), &findings).contains("unknown-tier"));
}

#[test]
fn a_finding_of_many_tenants_is_said_once() {
    let place = || Place::file("templates/app/a.yaml.j2");
    let finding = |tenant: usize| {
        Diagnostic::new(Code::ServiceSelectsNothing, place(), format!("of t{tenant}"), "x")
            .of_tenant(format!("t{tenant}"))
    };
    let report = markdown(&Tree::new(), &Tree::new(), &Report::new((0..40).map(finding).collect()));
    assert_eq!(report.matches("service-selects-nothing").count(), 1);
    assert!(report.contains("of 40 tenants"), "{report}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_inert_and_within_the_limit(texts in prop::collection::vec("\\PC{0,60}|[`~<>&@#*_\\[\\]() |\n-]{0,40}", 1..40)) {
        let target: Vec<String> = texts.iter().map(|text| text.replace('\u{0}', "")).collect();
        let base = vec!["before".to_owned(); target.len()];
        let long = target.concat();
        let report = markdown(&settings(&base), &settings(&target), &found(3, &long));
        prop_assert!(report.len() <= LIMIT);
        // It panics where a span or a fence does not end.
        let outside = outside_code(&report);
        prop_assert!(!outside.contains('@'), "{}", outside);
    }
}
