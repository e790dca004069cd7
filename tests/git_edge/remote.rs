//! Push and fetch: bare repositories on this machine, and a git server on loopback.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tenantry::git::{
    GitError,
    remote::{Access, Remote},
    write,
};

use crate::{Lab, committed, git, servers::Daemon, tenants};

fn bare(lab: &Lab) -> PathBuf {
    let path = lab.root.path().join("remote.git");
    git(lab.root.path(), &["init", "-q", "--bare", "remote.git"]);
    lab.git(&["remote", "add", "origin", path.to_str().unwrap()]);
    path
}

pub(crate) fn hook(remote: &Path, name: &str, script: &str) {
    let path = remote.join("hooks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Pushes the branch `deploy` as it is here.
fn push(lab: &Lab, remote: &str, expected: Option<&str>) -> Result<(), GitError> {
    Remote::new(&lab.open(), remote, &Access::default()).push("deploy", "refs/heads/deploy", expected)
}

fn fetch(lab: &Lab, remote: &str, branch: &str) -> Result<Option<String>, GitError> {
    Remote::new(&lab.open(), remote, &Access::default()).fetch(branch)
}

fn tip(remote: &Path) -> String {
    git(remote, &["rev-parse", "refs/heads/deploy"])
}

#[test]
fn a_push_is_confirmed_and_may_be_repeated() {
    let lab = Lab::new();
    let path = bare(&lab);
    let (first, _) = committed(lab.commit(&tenants(2, "x")));
    push(&lab, "origin", None).unwrap();
    push(&lab, "origin", Some(&first)).unwrap();
    assert_eq!(tip(&path), first);
    let (second, _) = committed(lab.commit(&tenants(2, "y")));
    push(&lab, "origin", Some(&first)).unwrap();
    assert_eq!(tip(&path), second);
}

#[test]
fn a_refusing_hook_is_an_error_with_its_words() {
    let lab = Lab::new();
    let path = bare(&lab);
    hook(&path, "pre-receive", "echo 'only on \x1b[31mFridays'; exit 1");
    lab.commit(&tenants(2, "x"));
    let error = push(&lab, "origin", None).unwrap_err();
    let GitError::Refused { reason, .. } = &error else { panic!("{error}") };
    assert!(reason.contains("pre-receive hook declined") && reason.contains("Fridays"), "{reason}");
    assert!(!error.to_string().contains('\x1b') && !error.hint().is_empty());
    assert_eq!(Remote::new(&lab.open(), "origin", &Access::default()).tip("deploy").unwrap(), None);
}

#[test]
fn a_lost_race_loses_nothing_and_is_made_good() {
    let lab = Lab::new();
    let path = bare(&lab);
    let (base, _) = committed(lab.commit(&tenants(2, "x")));
    push(&lab, "origin", None).unwrap();
    let other = Lab::new();
    other.git(&["remote", "add", "origin", path.to_str().unwrap()]);
    fetch(&other, "origin", "deploy").unwrap();
    write::move_branch(&other.open(), "deploy", &base, None).unwrap();
    let (theirs, _) = committed(other.commit(&tenants(3, "x")));
    push(&other, "origin", Some(&base)).unwrap();

    let (ours, _) = committed(lab.commit(&tenants(4, "x")));
    for expected in [None, Some(base.as_str())] {
        let error = push(&lab, "origin", expected).unwrap_err();
        assert!(matches!(error, GitError::LostRace { .. }), "{error}");
    }
    assert_eq!(tip(&path), theirs);

    assert_eq!(fetch(&lab, "origin", "deploy").unwrap(), Some(theirs.clone()));
    // Now that their commit is known here, even the right expectation must not drop it.
    let error = push(&lab, "origin", Some(&theirs)).unwrap_err();
    assert!(matches!(error, GitError::NotFastForward { .. }), "{error}");
    let error = push(&lab, "origin", None).unwrap_err();
    assert!(matches!(error, GitError::LostRace { .. }), "{error}");

    write::move_branch(&lab.open(), "deploy", &theirs, Some(&ours)).unwrap();
    let (again, parent) = committed(lab.commit(&tenants(4, "x")));
    assert_eq!(parent, Some(theirs.clone()));
    push(&lab, "origin", Some(&theirs)).unwrap();
    assert_eq!(tip(&path), again);
}

#[test]
fn an_unreachable_remote_is_named_without_credentials() {
    let lab = Lab::new();
    lab.commit(&tenants(1, "x"));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://me:canary@127.0.0.1:{free}/x.git");
    lab.git(&["remote", "add", "web", &url]);
    for name in [url.as_str(), "web", "nowhere", "--upload-pack=touch canary"] {
        let error = push(&lab, name, None).unwrap_err();
        assert!(matches!(error, GitError::Unreachable { .. }), "{error}");
        assert!(!error.to_string().contains("me:canary") && !format!("{error:?}").contains("me:canary"), "{error:?}");
        assert!(!error.hint().is_empty());
        assert!(fetch(&lab, name, "deploy").is_err());
    }
    assert!(!lab.path().join("canary").exists());
}

#[test]
fn names_that_are_no_branch_are_refused() {
    let lab = Lab::new();
    for name in ["", "-f", "a..b", "a b", "a:b", "x.lock", "@{1}", "HEAD"] {
        let repository = lab.open();
        let error = Remote::new(&repository, "origin", &Access::default()).push(name, "main", None).unwrap_err();
        let is_known = matches!(error, GitError::BadBranch { .. } | GitError::UnknownRevision { .. });
        assert!(is_known, "{name}: {error}");
    }
}

#[test]
fn a_server_accepts_refuses_and_loses_its_answer() {
    let lab = Lab::new();
    let path = bare(&lab);
    let server = Daemon::start(lab.root.path());
    let url = server.url("remote.git");
    let push = || push(&lab, &url, None);
    let (first, _) = committed(lab.commit(&tenants(2, "x")));
    push().unwrap();
    assert_eq!(tip(&path), first);
    assert_eq!(fetch(&lab, &url, "deploy").unwrap(), Some(first.clone()));
    assert_eq!(fetch(&lab, &url, "absent").unwrap(), None);

    hook(&path, "pre-receive", "exit 1");
    lab.commit(&tenants(2, "y"));
    let error = push().unwrap_err();
    assert!(matches!(error, GitError::Refused { .. }), "{error}");
    assert_eq!(tip(&path), first);

    // The server takes the commit and dies before it can say so: the hook's parent is what answers.
    fs::remove_file(path.join("hooks/pre-receive")).unwrap();
    hook(&path, "reference-transaction", "test $1 != committed || { touch killed; kill -9 $PPID; }");
    let (second, _) = committed(lab.commit(&tenants(2, "z")));
    push().unwrap();
    assert_eq!(tip(&path), second);
    assert!(path.join("killed").exists());
}
