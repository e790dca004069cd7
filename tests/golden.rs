//! The golden trees: what the estates of this repository render to, so that a change of the code shows as a change of
//! output in review. Refresh with `TENANTRY_BLESS=1 cargo test --test golden`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test runs the binary and reads files")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Of the flagship estate two tenants are kept: one with everything, and one that is suspended.
const FLAGSHIP: [&str; 3] = ["argocd/", "tenants/abc-corporation-7f3a9c/", "tenants/cafe-zoe-sohne-"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let all =
        walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    all.map(|entry| {
        let path = entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        (path, fs::read_to_string(entry.path()).unwrap())
    })
    .filter(|(path, _)| path != ".tenantry-index")
    .collect()
}

fn render(estate: &Path) -> BTreeMap<String, String> {
    let out = tempfile::tempdir().unwrap();
    // Without kustomize and helm the estates that need them render the same, with a warning.
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("tenantry");
    command.env("PATH", "").arg("render").arg("--estate").arg(estate).arg("--out").arg(out.path()).assert().success();
    files(out.path())
}

fn compare(name: &str, rendered: &BTreeMap<String, String>) {
    let golden = root().join("fixtures/golden").join(name);
    if std::env::var_os("TENANTRY_BLESS").is_some() {
        let _ = fs::remove_dir_all(&golden);
        for (path, text) in rendered {
            let path = golden.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        return;
    }
    let known = files(&golden);
    assert!(!known.is_empty(), "there is no golden tree in {}", golden.display());
    let paths = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(rendered), paths(&known), "the files of {name} differ; TENANTRY_BLESS=1 refreshes them");
    for (path, text) in rendered {
        assert_eq!(text, &known[path], "{name}: {path} differs; TENANTRY_BLESS=1 refreshes it");
    }
}

#[test]
fn the_flagship_estate_renders_as_before() {
    let mut rendered = render(&root());
    rendered.retain(|path, _| FLAGSHIP.iter().any(|kept| path.starts_with(kept)));
    assert!(rendered.len() > 50, "{} files", rendered.len());
    compare("flagship", &rendered);
}

#[test]
fn the_fixture_estates_render_as_before() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("fixtures/estates")).unwrap() {
        let estate = entry.unwrap().path();
        compare(estate.file_name().unwrap().to_str().unwrap(), &render(&estate));
        count += 1;
    }
    assert!(count >= 4, "only {count} estates");
}
