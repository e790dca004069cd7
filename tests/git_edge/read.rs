//! Reading estates and rendered trees from revisions.

use std::{fs, os::unix::fs::symlink};

use tenantry::{
    git::{GitError, Held, Repository, read},
    load,
    sources::{Refusal, Sources},
};

use crate::{Lab, committed, git, tenants, tree};

fn refusal(sources: &Sources, path: &str) -> Refusal {
    sources.get(path).unwrap().clone().unwrap_err()
}

/// An estate with one of everything, committed in the folder `estate`.
fn estate() -> Lab {
    let lab = Lab::new();
    lab.put("estate/tenantry.yaml", "a");
    lab.put("estate/tenants/a.yaml", "b");
    lab.put("estate/tenants/big.yaml", &"x".repeat((64 << 10) + 1));
    lab.put("estate/tenants/.hidden.yaml", "no");
    lab.put("estate/tenants/exec.yaml", "x");
    lab.put("estate/notes/a.yaml", "no");
    symlink("/etc/passwd", lab.path().join("estate/tenants/link.yaml")).unwrap();
    symlink("/etc", lab.path().join("estate/tiers")).unwrap();
    lab.git(&["add", "."]);
    lab.git(&["update-index", "--chmod=+x", "estate/tenants/exec.yaml"]);
    let head = lab.git(&["rev-parse", "HEAD"]);
    lab.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},estate/tenants/module")]);
    lab.git(&["commit", "-q", "-m", "estate"]);
    lab
}

#[test]
fn a_revision_gives_blobs_and_says_why_others_are_refused() {
    let lab = estate();
    fs::write(lab.path().join("estate/tenants/a.yaml"), "changed on disk").unwrap();
    let sources = read::sources(&lab.open(), "main", "estate").unwrap();
    assert_eq!(sources.get("tenants/a.yaml").unwrap().as_deref().unwrap(), b"b");
    let not_regular = |what: &str| Refusal::NotRegular(what.to_owned());
    assert_eq!(refusal(&sources, "tenants/big.yaml"), Refusal::TooLarge((64 << 10) + 1));
    assert_eq!(refusal(&sources, "tenants/exec.yaml"), not_regular("executable"));
    assert_eq!(refusal(&sources, "tenants/link.yaml"), not_regular("symbolic link"));
    assert_eq!(refusal(&sources, "tenants/module"), not_regular("gitlink (submodule)"));
    assert_eq!(refusal(&sources, "tiers"), not_regular("symbolic link"));
    assert_eq!(sources.iter().count(), 7);
}

/// A few tree objects that hold each other many times name more folders or files than there are atoms.
#[test]
fn a_revision_of_folders_in_folders_is_refused_before_it_fills_the_memory() {
    let lab = Lab::new();
    let input = |text: &str| {
        let path = lab.path().join("input");
        fs::write(&path, text).unwrap();
        path
    };
    let git_with = |arguments: &str, text: &str| {
        lab.git(&["-c", &format!("alias.made=!git {arguments} <'{}'", input(text).display()), "made"])
    };
    let blob = git_with("hash-object -w --stdin", "apiVersion: v1\n");
    for leaf in [format!("100644 blob {blob}\ta.yaml\n"), String::new()] {
        let mut folder = git_with("mktree", &leaf);
        for _ in 0..9 {
            let entries: String = (0..50).map(|number| format!("040000 tree {folder}\td{number:02}\n")).collect();
            folder = git_with("mktree", &entries);
        }
        let root = format!("100644 blob {blob}\ttenantry.yaml\n040000 tree {folder}\ttemplates\n");
        let root = git_with("mktree", &root);
        let commit = lab.git(&["commit-tree", "-m", "bomb", &root]);
        let refused = read::sources(&lab.open(), &commit, "").unwrap_err();
        assert!(matches!(refused, GitError::TooManyFiles { .. }), "{refused}");
    }
}

#[test]
fn a_revision_and_its_checkout_give_the_same_sources() {
    let lab = Lab::new();
    lab.put("tenantry.yaml", "a");
    lab.put("tenants/é.yaml", "b");
    lab.put("charts/x/.helmignore", "c");
    lab.put("tenants/a.yaml~", "no");
    lab.git(&["add", "-f", "."]);
    lab.git(&["commit", "-q", "-m", "estate"]);
    let sources = read::sources(&lab.open(), "HEAD", "").unwrap();
    assert_eq!(sources, load::directory(&lab.path()).unwrap());
    assert_eq!(sources.iter().count(), 3);
}

#[test]
fn an_unknown_revision_or_folder_says_what_exists() {
    let lab = estate();
    lab.git(&["tag", "v1"]);
    let error = read::sources(&lab.open(), "origin/main", "estate").unwrap_err();
    assert_eq!(error.to_string(), "failed to find the revision `origin/main`: the repository has `main`, `v1`");
    assert!(!error.hint().is_empty());
    for rev in ["", "-x", "main^{tree}", "main:estate/tenantry.yaml", "main^^^^^", "@{", "main..v1"] {
        assert!(read::sources(&lab.open(), rev, "estate").is_err(), "{rev}");
    }
    let error = read::sources(&lab.open(), "main", "estate/tenants/a.yaml").unwrap_err();
    assert!(matches!(error, GitError::NoFolder { .. }), "{error}");
}

#[test]
fn no_repository_and_no_commit_are_told_apart() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::discover(empty.path()), Err(GitError::NoRepository { .. })));
    git(empty.path(), &["init", "-q"]);
    let repository = Repository::discover(empty.path()).unwrap();
    assert!(matches!(read::head_revision(&repository), Err(GitError::NoCommits)));
}

#[test]
fn the_prefix_is_the_place_of_the_estate() {
    let lab = estate();
    assert_eq!(lab.open().prefix(&lab.path().join("estate/tenants/..")).unwrap(), "estate");
    assert_eq!(lab.open().prefix(&lab.path()).unwrap(), "");
    assert!(matches!(lab.open().prefix(lab.root.path()), Err(GitError::Outside { .. })));
}

#[test]
fn dirty_is_whatever_differs_from_the_commit() {
    let lab = Lab::new();
    lab.put(".gitignore", "ignored.yaml\n");
    for name in ["tenantry.yaml", "tenants/a.yaml", "tenants/b.yaml", "tenants/c.yaml"] {
        lab.put(name, "text\n");
    }
    lab.git(&["add", "."]);
    lab.git(&["commit", "-q", "-m", "estate"]);
    let dirty = || {
        let held = Held::of(load::directory(&lab.path()).unwrap()).unwrap();
        read::dirty(&lab.open(), "", &held).unwrap()
    };
    assert_eq!(dirty(), Vec::<String>::new());
    lab.put("README.md", "no part of the estate");
    lab.put("tenants/a.yaml", "text\r\n");
    fs::remove_file(lab.path().join("tenants/b.yaml")).unwrap();
    lab.put("tenants/ignored.yaml", "new");
    lab.put("tenants/new.yaml", "new");
    assert_eq!(dirty(), ["tenants/a.yaml", "tenants/b.yaml", "tenants/ignored.yaml", "tenants/new.yaml"]);
}

#[test]
fn a_rendered_revision_is_read_back_as_it_was_committed() {
    let lab = Lab::new();
    let rendered = tenants(40, "x");
    lab.commit(&rendered);
    let repository = lab.open();
    assert_eq!(read::tree(&repository, "deploy").unwrap(), rendered);
    let under =
        read::tree_where(&repository, "deploy", |path| path == "tenants/" || path.starts_with("tenants/t00007/"))
            .unwrap();
    assert_eq!(under.len(), 4);
    assert_eq!(under, rendered.under("tenants/t00007/").map(|(path, text)| (path.to_owned(), text.clone())).collect());
    let ids = read::blob_ids(&repository, "deploy", |_| true).unwrap();
    assert_eq!(ids.len(), rendered.len());
    let expected = lab.git(&["rev-parse", "deploy:tenants/t00007/provision.yaml"]);
    assert_eq!(ids["tenants/t00007/provision.yaml"].to_string(), expected);
}

#[test]
fn only_what_differs_is_read_of_two_revisions() {
    let lab = Lab::new();
    let mut rendered = tenants(5, "x");
    let (before, _) = committed(lab.commit(&rendered));
    rendered.remove("tenants/t00001/application.json");
    rendered.insert("tenants/t00002/provision.yaml", "changed");
    rendered.insert("tenants/new/application.json", "new");
    let (after, _) = committed(lab.commit(&rendered));
    let (old, new) = read::changed(&lab.open(), &before, &after).unwrap();
    let expected = [
        ("tenants/t00001/application.json", "{\"name\": \"t1\"}\n"),
        ("tenants/t00002/provision.yaml", "tenant: t2\nword: x\n"),
    ];
    assert_eq!(old, tree(&expected));
    assert_eq!(new, tree(&[("tenants/new/application.json", "new"), ("tenants/t00002/provision.yaml", "changed")]));
}

#[test]
fn a_link_in_a_rendered_revision_is_named() {
    let lab = Lab::new();
    lab.git(&["checkout", "-q", "-b", "deploy"]);
    lab.put("tenants/a/b.yaml", "b");
    symlink("/etc/passwd", lab.path().join("tenants/a/link.yaml")).unwrap();
    lab.git(&["add", "."]);
    lab.git(&["commit", "-q", "-m", "tampered"]);
    let error = read::tree(&lab.open(), "deploy").unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to read `tenants/a/link.yaml` of the revision deploy: it is symbolic link, no plain text file"
    );
}
