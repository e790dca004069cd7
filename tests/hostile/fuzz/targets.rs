//! What must hold for any input, beyond that nothing panics.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;
use tenantry::{
    check as checking,
    diag::{Diagnostic, Report},
    diff as differing, git, render as rendering,
    resolve::Resolver,
    review::{LIMIT, Review, text::text},
    sources::{self, Sources},
    tree::Tree,
    yaml::{self, Profile},
};

use crate::base;

/// A secret that no report may show.
const SECRET: &str = "canary-5b7e0d";

/// A place lies in its file: at most one line and one column behind the end.
fn is_inside(finding: &Diagnostic, text: &str) -> bool {
    let lines: Vec<&str> = text.split('\n').collect();
    let (start, end) = (finding.place.span.start, finding.place.span.end);
    let width = lines.get(start.line as usize - 1).map_or(0, |line| line.chars().count());
    start <= end && start.line as usize <= lines.len() + 1 && start.column as usize <= width + 2
}

/// Findings lie within the file; what is accepted is read the same again, and what is written of it means the same.
pub fn read(input: &[u8]) {
    // `check` refuses a lone carriage return before it reads YAML, and YAML counts it as a line break.
    let text = String::from_utf8_lossy(input).replace("\r\n", "\n").replace('\r', " ");
    for profile in [Profile::Estate, Profile::Document, Profile::Template] {
        match yaml::read("a.yaml", &text, profile) {
            Err(findings) => {
                assert!(!findings.is_empty());
                findings.iter().for_each(|finding| assert!(is_inside(finding, &text), "{finding:?} in {text:?}"));
            }
            Ok(node) => {
                assert_eq!(yaml::read("a.yaml", &text, profile).as_ref(), Ok(&node));
                let value = node.to_json();
                assert_eq!(yaml::read_documents(&yaml::write(&value)).unwrap(), [value]);
            }
        }
    }
}

/// Any file may stand in the place of a tenant, a tier, a bundle or the estate file.
pub fn check(base: &Sources, inputs: &[Vec<u8>]) {
    let mut sources = base.clone();
    for (number, input) in inputs.iter().enumerate() {
        sources.insert(format!("tenants/t{number}.yaml"), Ok(Arc::from(input.as_slice())));
    }
    let shared = ["tiers/x.yaml", "templates/x/bundle.yaml", "schemas/values.schema.json", "tenantry.yaml"];
    sources.insert(shared[inputs[0].len() % shared.len()], Ok(Arc::from(inputs[0].as_slice())));
    let checked = checking::check(&sources);
    assert_eq!(checked.estate.is_some(), checked.report.errors() == 0);
    for finding in checked.report.findings() {
        let Some(Ok(bytes)) = sources.get(&finding.place.file) else { continue };
        let text = String::from_utf8_lossy(bytes);
        assert!(is_inside(finding, &text), "{finding:?}");
    }
}

/// What is rendered lies in the tenant's folder and is read back as it was.
pub fn render(base: &Sources, inputs: &[Vec<u8>]) {
    let mut sources = base.clone();
    let mut files = String::new();
    for (number, input) in inputs.iter().enumerate() {
        let input: Arc<[u8]> = String::from_utf8_lossy(input).replace(yaml::is_hidden, "?").into_bytes().into();
        sources.insert(format!("templates/shop/m{number}.yaml.j2"), Ok(input));
        files.push_str(&format!("  - {{ template: m{number}.yaml.j2 }}\n"));
    }
    let bundle = format!("apiVersion: tenantry.dev/v1\nkind: Bundle\nspec:\n  files:\n{files}");
    sources.insert("templates/shop/bundle.yaml", Ok(bundle.into_bytes().into()));
    let Some(mut estate) = checking::check(&sources).estate else { return };
    let mut renderer = rendering::Renderer::new(&estate);
    if let Err(findings) = &renderer {
        // One template with a fault of syntax keeps the others from being rendered.
        for finding in findings {
            sources.insert(finding.place.file.clone(), Ok(b"kind: A\nmetadata: { name: a }\n".as_slice().into()));
        }
        estate = checking::check(&sources).estate.unwrap();
        renderer = rendering::Renderer::new(&estate);
    }
    let Ok(renderer) = renderer else { return };
    let resolver = Resolver::new(&estate);
    // One tenant is enough: the templates differ, and the text of either tenant says which one comes.
    if let Some(tenant) = estate.tenants().values().nth(inputs[0].len() % estate.tenants().len()) {
        match renderer.tenant(&resolver.plan(tenant)) {
            Err(findings) => assert!(!findings.is_empty()),
            Ok(rendered) => {
                let tree = rendering::write(&rendered);
                let folder = format!("tenants/{}/", tenant.name);
                for (path, text) in tree.iter() {
                    assert!(path.starts_with(&folder) && !path.contains(".."), "{path}");
                    assert!(path.ends_with(".json") || yaml::read_documents(text).is_ok(), "{path}: {text}");
                }
            }
        }
    }
}

/// Nothing differs from itself; a report shows no secret and nothing that a terminal obeys, and keeps to its limit.
pub fn diff(inputs: &[Vec<u8>]) {
    let mut trees = [Tree::new(), Tree::new()];
    for (number, input) in inputs.iter().enumerate() {
        let text = String::from_utf8_lossy(input);
        let value = yaml::read_documents(&text).ok().and_then(|mut values| values.pop()).unwrap_or(json!({"a": text}));
        let kind = ["ConfigMap", "Namespace", "Deployment", "Secret"][number % 4];
        let object = json!({
            "apiVersion": "v1", "kind": kind, "metadata": {"name": format!("x{}", number / 2), "namespace": "shop-x"},
            "spec": value, "data": {"text": text},
        });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop-x"},
            "stringData": {"password": format!("{SECRET}-{number}")}, "data": value,
        });
        let folder = format!("tenants/t{}/manifests", number / 4);
        trees[number % 2].insert(format!("{folder}/x{}.yaml", number / 2), yaml::write(&object));
        trees[number % 2].insert(format!("{folder}/secret.yaml"), yaml::write(&secret));
    }
    let [before, after] = &trees;
    assert!(differing::diff(before, before).unwrap().is_empty());
    let Ok(changes) = differing::diff(before, after) else { return };
    let findings = Report::default();
    let review = Review { changes: &changes, findings: &findings, live: None };
    let (plain, markdown) = (text(&changes, tenantry::review::text::Style::default()), review.markdown(None));
    let (html, json) = (review.html().unwrap(), serde_json::to_string(&changes).unwrap());
    assert!(markdown.len() <= LIMIT);
    for report in [&plain, &markdown, &html, &json] {
        assert!(!report.contains(SECRET), "{report}");
    }
    for report in [&plain, &markdown, &html] {
        let letter = report.chars().find(|letter| yaml::is_hidden(*letter));
        assert_eq!(letter, None, "{report}");
    }
}

/// A revision is what libgit2's own walk finds in it; damaged trees are refused.
pub fn revisions(inputs: &[Vec<u8>]) {
    let folder = base::scratch();
    let repository = git2::Repository::init(folder.path()).unwrap();
    let odb = repository.odb().unwrap();
    let opened = git::Repository::discover(folder.path()).unwrap();
    let names =
        ["tenants", "tenantry.yaml", "tiers", "a.yaml", "b.yaml", ".x", "..", ".git", "x y", "", "a/b", "Tenants", "é"];
    let modes = ["100644", "40000", "100755", "120000", "160000", "0", "100664", "x", "040000"];
    for input in inputs {
        let blob = odb.write(git2::ObjectType::Blob, input).unwrap();
        let mut byte = input.iter().copied().cycle();
        let mut pick = |most: usize| usize::from(byte.next().unwrap_or(0)) % most;
        let mut ids = vec![blob];
        for _ in 0..4 {
            let mut bytes = Vec::new();
            for _ in 0..=pick(4) {
                let (mode, name) = (modes[pick(20).saturating_sub(11)], names[pick(names.len())]);
                bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
                bytes.extend_from_slice(ids[pick(ids.len())].as_bytes());
            }
            bytes.truncate(bytes.len() - usize::from(pick(16) == 0));
            ids.push(odb.write(git2::ObjectType::Tree, &bytes).unwrap());
        }
        let root = ids.last().unwrap();
        let commit = format!("tree {root}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nx\n");
        let commit = odb.write(git2::ObjectType::Commit, commit.as_bytes()).unwrap();
        let Ok(read) = git::read::sources(&opened, &commit.to_string(), "") else { continue };
        let Ok(tree) = repository.find_tree(*root) else { continue };
        let mut walked: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let walk = tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            let path = format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes()));
            if entry.filemode() == 0o100_644
                && sources::belongs(&path)
                && let Ok(blob) = repository.find_blob(entry.id())
            {
                walked.insert(path, blob.content().to_vec());
            }
            git2::TreeWalkResult::Ok
        });
        if walk.is_err() {
            continue;
        }
        for (path, source) in read.iter() {
            if let Ok(bytes) = source {
                assert_eq!(walked.get(path).map(Vec::as_slice), Some(&**bytes), "{path}");
            }
        }
    }
}
