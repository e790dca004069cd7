//! A platform team's repository: the source branch `main` with a small estate, and the output branch `rendered`, in one bare
//! repository that clones push to. The binary runs in the clones.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::git;

/// The tenant that the starter estate has.
pub(crate) const FIRST: &str = "first-customer-3f9a1c";

pub(crate) struct Platform {
    root: TempDir,
}

impl Platform {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let made = tenantry(root.path(), root.path()).args(["init", "seed"]).output().unwrap();
        assert!(made.status.success(), "{}", words(&made));
        let seed = root.path().join("seed");
        git(&seed, &["init", "-q", "-b", "main"]);
        git(&seed, &["config", "user.name", "Ann"]);
        git(&seed, &["config", "user.email", "ann@example.org"]);
        git(&seed, &["add", "-A"]);
        git(&seed, &["commit", "-q", "-m", "estate"]);
        git(root.path(), &["clone", "-q", "--bare", "seed", "remote.git"]);
        let platform = Self { root };
        // As a hosting service lets readers and writers do.
        git(&platform.remote(), &["config", "http.receivepack", "true"]);
        platform
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn remote(&self) -> PathBuf {
        self.root.path().join("remote.git")
    }

    pub(crate) fn file_url(&self) -> String {
        format!("file://{}", self.remote().display())
    }

    /// A clone whose `origin` is the bare repository itself.
    pub(crate) fn clone(&self, name: &str) -> Clone {
        git(self.path(), &["clone", "-q", &self.file_url(), name]);
        let clone = Clone { root: self.path().to_owned(), path: self.path().join(name) };
        clone.git(&["config", "user.name", "Ann"]);
        clone.git(&["config", "user.email", "ann@example.org"]);
        clone
    }

    /// The same, with another URL of the repository.
    pub(crate) fn clone_with(&self, name: &str, url: &str) -> Clone {
        let clone = self.clone(name);
        clone.git(&["remote", "set-url", "origin", url]);
        clone
    }

    /// Where a branch of the bare repository is; nothing when it does not exist.
    pub(crate) fn tip(&self, branch: &str) -> Option<String> {
        let found = git(&self.remote(), &["for-each-ref", "--format=%(objectname)", &format!("refs/heads/{branch}")]);
        (!found.is_empty()).then_some(found)
    }

    /// The commits of the output branch, the oldest first: id and source revision.
    pub(crate) fn history(&self) -> Vec<(String, String)> {
        let format = "--format=%H %(trailers:key=Source-Revision,valueonly,separator=%x20)";
        let log = git(&self.remote(), &["log", "--reverse", format, "refs/heads/rendered"]);
        let pair = |line: &str| line.split_once(' ').map(|(id, revision)| (id.to_owned(), revision.trim().to_owned()));
        log.lines().filter_map(pair).collect()
    }

    pub(crate) fn fsck(&self) {
        git(&self.remote(), &["fsck", "--full", "--strict"]);
    }

    /// The tenants of a source revision.
    pub(crate) fn wanted(&self, revision: &str) -> BTreeSet<String> {
        let list = git(&self.remote(), &["ls-tree", "--name-only", revision, "tenants/"]);
        let name = |path: &str| path.strip_prefix("tenants/")?.strip_suffix(".yaml").map(str::to_owned);
        list.lines().filter_map(name).collect()
    }

    /// The tenants that a rendered revision has.
    pub(crate) fn rendered(&self, revision: &str) -> BTreeSet<String> {
        let list = git(&self.remote(), &["ls-tree", "--name-only", revision, "tenants/"]);
        list.lines().filter_map(|path| path.strip_prefix("tenants/")).map(str::to_owned).collect()
    }
}

/// A clone of the platform's repository.
pub(crate) struct Clone {
    root: PathBuf,
    path: PathBuf,
}

impl Clone {
    /// A clone that a test has made itself.
    pub(crate) fn at(root: &Path, path: &Path) -> Self {
        Self { root: root.to_owned(), path: path.to_owned() }
    }

    /// The same once more, under another name.
    pub(crate) fn copy(&self, name: &str) -> Self {
        let path = self.root.join(name);
        assert!(Command::new("cp").arg("-a").args([&self.path, &path]).status().unwrap().success());
        Self { root: self.root.clone(), path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.path, arguments)
    }

    /// The binary in this clone, with nothing of the caller's surroundings.
    pub(crate) fn tenantry(&self, arguments: &[&str]) -> Command {
        let mut command = tenantry(&self.root, &self.path);
        command.args(arguments);
        command
    }

    /// `commit --push` with more arguments.
    pub(crate) fn push(&self, more: &[&str]) -> Output {
        self.tenantry(&[&["commit", "--push"], more].concat()).output().unwrap()
    }

    /// `commit --push` that must succeed; returns what it prints.
    pub(crate) fn pushed(&self) -> String {
        let output = self.push(&[]);
        assert!(output.status.success(), "{}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits a new tenant to the source branch.
    pub(crate) fn add_tenant(&self, number: usize) -> String {
        let name = format!("customer-{number:06}");
        let text = fs::read_to_string(self.path.join(format!("tenants/{FIRST}.yaml"))).unwrap();
        let text = text.replace(FIRST, &name).replace("6c7d8e9f0a1b", &format!("{number:012}"));
        let text = text.replace("first-customer\n", &format!("{name}\n"));
        fs::write(self.path.join(format!("tenants/{name}.yaml")), text).unwrap();
        self.record(&name);
        name
    }

    /// Commits a change of the first tenant's display name, which its manifests and parameters show.
    pub(crate) fn rename_first(&self, to: &str) {
        let path = self.path.join(format!("tenants/{FIRST}.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|line| line.trim_start().starts_with("displayName:")).unwrap();
        fs::write(&path, text.replace(line, &format!("  displayName: {to}"))).unwrap();
        self.record(to);
    }

    pub(crate) fn record(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Pushes the source branch.
    pub(crate) fn push_source(&self) {
        self.git(&["push", "-q", "origin", "main"]);
    }

    pub(crate) fn fsck(&self) {
        self.git(&["fsck", "--full", "--strict"]);
    }
}

/// The binary with the path to programs and, for the harness of planted bugs, the name of one.
fn tenantry(home: &Path, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.env_clear().current_dir(folder).env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1");
    for name in ["PATH", "TENANTRY_PLANTED_BUG"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.stdin(Stdio::null());
    command
}

/// All that a run said.
pub(crate) fn words(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("{}\n{out}{err}", output.status)
}

/// Writes a shell script that can be run.
pub(crate) fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// PATH with a folder in front.
pub(crate) fn path_with(folder: &Path) -> String {
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// A program that is on PATH.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap()
}
