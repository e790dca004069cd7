//! A power cut: whatever a branch names has reached the disk before the branch names it.

use std::{collections::BTreeSet, fs, process::Command};

use crate::platform::{Clone, Platform, words};

/// One call that puts something on the disk or gives it its name, in the order of the calls.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    Sync(String),
    Name(String, String),
}

fn calls(log: &str) -> Vec<Call> {
    let call = |line: &str| {
        let line = line.split_once(' ')?.1.trim_start();
        let (name, rest) = line.split_once('(')?;
        match name {
            "fsync" | "fdatasync" => {
                let path = rest.split_once('<')?.1.split_once('>')?.0;
                Some(Call::Sync(path.to_owned()))
            }
            "rename" | "link" => {
                let mut quoted = rest.split('"').skip(1).step_by(2);
                Some(Call::Name(quoted.next()?.to_owned(), quoted.next()?.to_owned()))
            }
            _ => None,
        }
    };
    log.lines().filter_map(call).collect()
}

/// Commits under strace and checks each new object, and the branch; returns how many files were synced first.
fn assert_durable(clone: &Clone, arguments: &[&str]) -> usize {
    let log = clone.path().join(".git/trace");
    let plain = clone.tenantry(arguments);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-y", "-o", log.to_str().unwrap(), "-e", "trace=fsync,fdatasync,rename,link"]);
    traced.arg(plain.get_program()).args(plain.get_args()).env_clear().current_dir(clone.path());
    traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = traced.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let git = clone.path().join(".git").display().to_string();
    let mut synced = BTreeSet::new();
    let mut named = 0;
    for call in calls(&fs::read_to_string(log).unwrap()) {
        match call {
            Call::Sync(path) => drop(synced.insert(path)),
            Call::Name(from, to) => {
                let is_kept = to.starts_with(&format!("{git}/objects/")) || to.ends_with("refs/heads/rendered");
                if is_kept {
                    assert!(synced.contains(&from), "{to} is not on the disk when it gets its name");
                    named += 1;
                }
            }
        }
    }
    named
}

#[test]
#[ignore = "needs strace: run by tests/run"]
fn what_a_branch_names_is_on_the_disk() {
    let platform = Platform::new();
    let clone = platform.clone("clone");
    let mut files = Vec::new();
    // Few objects are written one by one, many as one pack.
    for tenants in [0, 8] {
        (0..tenants).for_each(|number| drop(clone.add_tenant(number + 1)));
        files.push(assert_durable(&clone, &["commit"]));
    }
    eprintln!("files synced before they got their names: {files:?}");
    assert!(files.iter().all(|files| *files >= 3), "{files:?}: is a commit written otherwise now?");
}
