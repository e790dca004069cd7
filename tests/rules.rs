//! Every rule has an invalid fixture of one fault, a valid neighbour and an explanation.
//!
//! A fixture is an overlay over `fixtures/rules-base`: its files replace or add, and `X.deleted` removes `X`. Rules on
//! provision documents have theirs in `fixtures/documents`, laid over its `base`, and so have rules that hold for estates
//! and documents alike. Refresh the expected reports with `TENANTRY_BLESS=1 cargo test --test rules`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads and, on request, writes fixtures")]

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tenantry::{
    admit, check,
    diag::{Code, Diagnostic, Report, Severity},
    estate::Estate,
    inflate::{self, Programs},
    plan::Plan,
    render::{self, Renderer},
    rendered::Origin,
    resolve::Resolver,
    sources::{Refusal, Sources},
    verify::{Across, Verifier},
};

/// Rules that no file can break by itself: kustomize or helm must be there and say no. The tests of `inflate`
/// break them with programs of their own.
const NEEDS_A_PROGRAM: &[Code] = &[Code::InflateFailed];

/// Rules that no estate can break: they are about provision documents, which `render` makes.
const ABOUT_DOCUMENTS: &[Code] = &[
    Code::DocumentVersion,
    Code::DocumentKind,
    Code::DocumentFolder,
    Code::DuplicateDocument,
    Code::DuplicateResource,
    Code::InvalidResourceName,
    Code::ClaimedTwice,
    Code::UnfilledVariable,
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Lays the files of a folder over the sources.
fn lay(sources: &mut Sources, root: &Path, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            lay(sources, root, &path);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        match name.strip_suffix(".deleted") {
            _ if name == "expected.txt" => {}
            Some(removed) => assert!(sources.remove(removed).is_some(), "{} removes nothing", path.display()),
            None => sources.insert(name, Ok(Arc::from(fs::read(&path).unwrap()))),
        }
    }
}

fn base() -> Sources {
    let mut sources = Sources::new();
    let root = fixtures().join("rules-base");
    lay(&mut sources, &root, &root);
    sources
}

/// What no file in git can be: these faults are made here, in the fixture of that code.
fn make_unstorable(code: &str, sources: &mut Sources) {
    let refusal = match code {
        "file-unreadable" => Refusal::Unreadable("permission denied".to_owned()),
        "file-not-regular" => Refusal::NotRegular("a symbolic link".to_owned()),
        "file-too-large" => Refusal::TooLarge(1 << 20),
        _ => return,
    };
    sources.insert("tenants/acme.yaml", Err(refusal));
}

/// Builds a fixture. The neighbour of `file-too-large` is filled up to exactly 64 KiB here.
fn fixture(kind: &str, code: &str) -> Sources {
    let mut sources = base();
    let root = fixtures().join(kind).join(code);
    lay(&mut sources, &root, &root);
    match kind {
        "invalid" => make_unstorable(code, &mut sources),
        _ if code == "file-too-large" => {
            let path = "tenants/acme.yaml";
            let mut bytes = sources.get(path).unwrap().as_ref().unwrap().to_vec();
            bytes.resize(64 << 10, b'\n');
            sources.insert(path, Ok(Arc::from(bytes)));
        }
        _ => {}
    }
    sources
}

/// Runs every stage on the fixture of a code, each where the one before found no error.
fn run(code: &str, sources: &Sources) -> Report {
    let checked = check::check(sources);
    assert_eq!(checked.estate.is_some(), checked.report.errors() == 0, "an estate if and only if there is no error");
    let Some(estate) = checked.estate else { return checked.report };
    let mut findings = checked.report.findings().to_vec();
    findings.extend(made(code, &estate).unwrap_or_else(|findings| findings));
    Report::new(findings)
}

/// Renders and verifies all tenants of an estate. Only the fixture about missing programs looks for them: the reports of
/// the others are the same on every machine.
fn made(code: &str, estate: &Estate) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let resolver = Resolver::new(estate);
    let renderer = Renderer::new(estate)?;
    let verifier = Verifier::new(estate)?;
    let programs = Programs::at(None, None);
    let place = |plan: &Plan, origin: &Origin, pointer: &str| renderer.place(plan, origin, pointer);
    let across = Across::new();
    let mut all = Vec::new();
    for tenant in estate.tenants().values() {
        let plan = resolver.plan(tenant);
        match renderer.tenant(&plan) {
            Err(findings) => all.extend(findings),
            Ok(rendered) => {
                if code == Code::NotInflated.name() && inflate::has_last_word(&plan) {
                    all.extend(programs.inflate(&plan, &rendered, &render::write(&rendered)).1);
                }
                all.extend(verifier.verify_among(&plan, &rendered, &place, &across));
            }
        }
    }
    let again = |name: &str| {
        let plan = resolver.plan(estate.tenants().get(name)?);
        let rendered = renderer.tenant(&plan).ok()?;
        Some((plan, rendered))
    };
    all.extend(verifier.conclude(across, again, &place));
    Ok(all)
}

/// The report as lines of text, the form of the expected files.
fn lines(report: &Report) -> String {
    let mut text = String::new();
    for finding in report.findings() {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        // A place in a tenant's own file says whose it is already.
        let tenant = finding.tenant.as_ref().filter(|_| !finding.place.file.starts_with("tenants/"));
        let tenant = tenant.map(|name| format!("tenant `{name}`: ")).unwrap_or_default();
        let (start, end) = (finding.place.span.start, finding.place.span.end);
        writeln!(
            text,
            "{severity}[{}] {}:{}:{}-{}:{}: {tenant}{}\n  help: {}",
            finding.code,
            finding.place.file,
            start.line,
            start.column,
            end.line,
            end.column,
            finding.message,
            finding.help
        )
        .unwrap();
        for (place, label) in &finding.related {
            writeln!(text, "  {place}: {label}").unwrap();
        }
    }
    text
}

fn folders(kind: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fixtures().join(kind)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn codes() -> impl Iterator<Item = Code> {
    Code::ALL.iter().copied().filter(|code| !NEEDS_A_PROGRAM.contains(code) && !ABOUT_DOCUMENTS.contains(code))
}

#[test]
fn the_base_has_no_finding() {
    assert_eq!(lines(&run("", &base())), "");
}

#[test]
fn every_invalid_fixture_gives_its_report() {
    let bless = std::env::var_os("TENANTRY_BLESS").is_some();
    let mut faults = Vec::new();
    for code in folders("invalid") {
        let mut sources = fixture("invalid", &code);
        make_unstorable(&code, &mut sources);
        let report = run(&code, &sources);
        let found = lines(&report);
        let path = fixtures().join("invalid").join(&code).join("expected.txt");
        if bless {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            faults.push(format!("{code}: expected\n{expected}found\n{found}"));
        }
        if !report.findings().iter().any(|finding| finding.code.name() == code) {
            faults.push(format!("{code}: the report does not hold the code:\n{found}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_valid_neighbour_has_no_finding() {
    let faults: Vec<String> = folders("valid")
        .into_iter()
        .map(|code| (code.clone(), lines(&run(&code, &fixture("valid", &code)))))
        .filter(|(_, found)| !found.is_empty())
        .map(|(code, found)| format!("{code}: {found}"))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_rule_has_both_fixtures_and_an_explanation() {
    let (invalid, valid) = (folders("invalid"), folders("valid"));
    let mut faults = Vec::new();
    for code in codes() {
        if !invalid.contains(code.name()) {
            faults.push(format!("{code}: no fixtures/invalid/{code}"));
        }
        if !valid.contains(code.name()) {
            faults.push(format!("{code}: no fixtures/valid/{code}"));
        }
        if code.explanation().len() < 20 {
            faults.push(format!("{code}: no explanation"));
        }
    }
    for name in invalid.union(&valid) {
        if name.parse::<Code>().is_err() {
            faults.push(format!("fixtures for `{name}`, which is no rule"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Admits the documents of `base` with those of a fixture laid over them.
fn admitted(fixture: &str) -> Report {
    let mut sources = Sources::new();
    for folder in ["base", fixture] {
        let root = fixtures().join("documents").join(folder);
        lay(&mut sources, &root, &root);
    }
    let files: Vec<(&str, &str)> =
        sources.iter().map(|(path, source)| (path, std::str::from_utf8(source.as_ref().unwrap()).unwrap())).collect();
    match admit::documents(files.iter().copied()) {
        Ok(documents) => {
            assert_eq!(documents.len(), files.len());
            Report::default()
        }
        Err(report) => report,
    }
}

#[test]
fn every_invalid_document_gives_its_report() {
    let bless = std::env::var_os("TENANTRY_BLESS").is_some();
    let mut faults = Vec::new();
    for code in folders("documents/invalid") {
        let report = admitted(&format!("invalid/{code}"));
        let found = lines(&report);
        let path = fixtures().join("documents/invalid").join(&code).join("expected.txt");
        if bless {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            faults.push(format!("{code}: expected\n{expected}found\n{found}"));
        }
        if let Some(other) = report.findings().iter().find(|finding| finding.code.name() != code) {
            faults.push(format!("{code}: the report holds another code: {}", other.code));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_valid_document_is_admitted() {
    assert_eq!(lines(&admitted("base")), "", "the base");
    let found = folders("documents/valid").into_iter().map(|code| (lines(&admitted(&format!("valid/{code}"))), code));
    let faults: Vec<String> =
        found.filter(|(found, _)| !found.is_empty()).map(|(found, code)| format!("{code}: {found}")).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_rule_on_documents_has_both_fixtures_and_an_explanation() {
    let (invalid, valid) = (folders("documents/invalid"), folders("documents/valid"));
    assert_eq!(invalid, valid, "each invalid document has a valid neighbour");
    for code in ABOUT_DOCUMENTS {
        assert!(invalid.contains(code.name()), "{code}: no fixtures/documents/invalid/{code}");
        assert!(code.explanation().len() >= 20, "{code}: no explanation");
    }
    for name in invalid {
        assert!(name.parse::<Code>().is_ok(), "fixtures for `{name}`, which is no rule");
    }
}
