//! The git edge against real repositories, the git program and a git server on loopback.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests run programs, read clocks, write files, and say how many cases there were"
)]
#![cfg(feature = "git")]
#![allow(clippy::unwrap_used)]

mod brake;
mod commit;
mod connection;
mod credentials;
mod durable;
mod kill;
#[cfg(feature = "faults")]
#[path = "../planted/mod.rs"]
mod planted;
mod platform;
mod proxy;
mod race;
mod read;
mod remote;
mod servers;
mod signing;
mod sweep;
mod web;
mod writers;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tenantry::{
    git::{
        Repository,
        write::{CommitOutcome, CommitRequest, Expected},
    },
    tree::Tree,
};

#[cfg(feature = "faults")]
#[test]
fn every_planted_bug_has_its_test() {
    planted::the_table_and_the_switches_agree();
}

#[cfg(feature = "faults")]
#[test]
#[ignore = "needs strace, openssh: run by tests/run"]
fn planted_bugs_of_git_are_caught() {
    planted::all_are_caught(planted::GIT);
}

/// A repository with one commit on `main`, in a directory of its own.
struct Lab {
    root: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(lab.path()).unwrap();
        lab.git(&["init", "-q", "-b", "main"]);
        lab.git(&["config", "user.name", "Ann"]);
        lab.git(&["config", "user.email", "ann@example.org"]);
        fs::write(lab.path().join("README.md"), "an estate\n").unwrap();
        lab.git(&["add", "."]);
        lab.git(&["commit", "-q", "-m", "first"]);
        lab
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("repository")
    }

    fn open(&self) -> Repository {
        Repository::discover(&self.path()).unwrap()
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn fsck(&self) {
        self.git(&["fsck", "--full", "--strict"]);
    }

    fn commit(&self, tree: &Tree) -> CommitOutcome {
        tenantry::git::write::commit(&self.open(), &request(tree)).unwrap()
    }
}

/// Runs git, which must succeed, without any settings of the machine.
fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = hermetic(Command::new("git").current_dir(directory).args(arguments)).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "git {arguments:?}: {stdout}{stderr}");
    stdout.trim().to_owned()
}

fn hermetic(command: &mut Command) -> &mut Command {
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C")
}

fn request(tree: &Tree) -> CommitRequest<'_> {
    CommitRequest {
        branch: "deploy",
        tree,
        only: None,
        message: "Render\n\nSource-Revision: 0\n",
        author: None,
        expected: Expected::Anywhere,
        time: Some(1_700_000_000),
        wait: Duration::from_secs(20),
        sign: None,
    }
}

fn tree(files: &[(&str, &str)]) -> Tree {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).into())).collect()
}

/// A rendered tree of so many tenants, four files each; `word` is in one file of each tenant.
fn tenants(count: usize, word: &str) -> Tree {
    let mut tree = tree(&[("argocd/project.yaml", "kind: AppProject\n")]);
    for number in 0..count {
        let folder = format!("tenants/t{number:05}");
        tree.insert(format!("{folder}/application.json"), format!("{{\"name\": \"t{number}\"}}\n"));
        tree.insert(format!("{folder}/provision.yaml"), format!("tenant: t{number}\nword: {word}\n"));
        tree.insert(format!("{folder}/manifests/shared.yaml"), "kind: LimitRange\n");
        tree.insert(format!("{folder}/manifests/hooks/provision.yaml"), format!("kind: Job\nname: t{number}\n"));
    }
    tree
}

/// Returns the id of a new commit and that of its parent.
fn committed(outcome: CommitOutcome) -> (String, Option<String>) {
    match outcome {
        CommitOutcome::Committed { commit, parent, .. } => (commit, parent),
        CommitOutcome::Unchanged { .. } => panic!("nothing was committed"),
    }
}
