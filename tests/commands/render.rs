//! `render`: the same bytes each time, only our own files removed, nothing half-written.

use std::{collections::BTreeMap, fs, path::Path};

use crate::estate::{FIRST, Scratch, stderr, stdout};

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    all.map(|entry| {
        let path = entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        (path, fs::read(entry.path()).unwrap())
    })
    .collect()
}

#[test]
fn the_same_estate_gives_the_same_bytes() {
    let scratch = Scratch::repository();
    let (one, two) = (scratch.beside("one"), scratch.beside("two"));
    let _ = scratch.run(&["render", "--out", one.to_str().unwrap()]).success();
    let _ = scratch.run(&["render", "--revision", "HEAD", "--out", two.to_str().unwrap()]).success();
    let made = files(&one);
    assert_eq!(made, files(&two));
    for path in [
        "argocd/applicationset.yaml".to_owned(),
        "argocd/project.yaml".to_owned(),
        format!("tenants/{FIRST}/application.json"),
        format!("tenants/{FIRST}/manifests/kustomization.yaml"),
        format!("tenants/{FIRST}/manifests/services/web.yaml"),
    ] {
        assert!(made.contains_key(&path), "{path} is missing from {:?}", made.keys());
    }
}

#[test]
fn only_stale_files_of_our_own_are_removed() {
    let scratch = Scratch::repository();
    scratch.add_tenant("second-customer-000001", "6c7d8e9f0a1c");
    let out = scratch.beside("out");
    let argument = out.to_str().unwrap();
    let _ = scratch.run(&["render", "--out", argument]).success();
    assert!(out.join("tenants/second-customer-000001").is_dir());
    fs::write(out.join("tenants/note.txt"), "a note of a person").unwrap();
    fs::remove_file(scratch.path().join("tenants/second-customer-000001.yaml")).unwrap();
    let again = scratch.run(&["render", "--out", argument]).success();
    assert!(stderr(&again).contains("removed"), "{}", stderr(&again));
    assert!(!out.join("tenants/second-customer-000001").exists());
    assert_eq!(fs::read_to_string(out.join("tenants/note.txt")).unwrap(), "a note of a person");
}

#[test]
fn a_foreign_directory_is_refused_and_left_alone() {
    let scratch = Scratch::starter();
    let out = scratch.beside("foreign");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("mine"), "mine").unwrap();
    let refused = scratch.run(&["render", "--out", out.to_str().unwrap()]).code(4);
    assert!(stderr(&refused).contains("not empty"));
    assert_eq!(files(&out).len(), 1);
}

#[test]
fn an_estate_with_findings_writes_nothing() {
    let scratch = Scratch::starter();
    scratch.edit("templates/app/service.yaml.j2", "{{ item.port }}", "{{ item.prot }}");
    let out = scratch.beside("out");
    let found = scratch.run(&["render", "--out", out.to_str().unwrap()]).code(1);
    let text = stderr(&found);
    assert!(text.contains("templates/app/service.yaml.j2:") && text.contains(FIRST), "{text}");
    assert!(!out.exists());
}

#[test]
fn one_tenant_goes_to_stdout_and_an_unknown_one_is_named() {
    let scratch = Scratch::starter();
    let rendered = stdout(&scratch.run(&["render", FIRST]).success());
    assert!(rendered.contains(&format!("# tenants/{FIRST}/manifests/route.yaml\n")));
    assert!(!rendered.contains("ApplicationSet"));
    let unknown = scratch.run(&["render", "first-customer-3f9a1d"]).code(2);
    assert!(stderr(&unknown).contains(&format!("did you mean `{FIRST}`?")));
}
