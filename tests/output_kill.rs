//! Writing files, killed or refused by the disk at any system call: the next run gives what one run would have given.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run programs, read clocks and write files"
)]
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tenantry::{output, tree::Tree};

/// What writing files asks of the system.
const CALLS: [&str; 7] = ["openat", "write", "rename", "unlink", "rmdir", "mkdir", "close"];

/// Some files change, some stay, some go, some come.
fn before() -> Tree {
    let text = |number: usize| (format!("tenants/t{number}/a.yaml"), "before\n".into());
    (0..8).map(text).chain([("argocd/same.yaml".to_owned(), "same\n".into())]).collect()
}

fn after() -> Tree {
    let text = |number: usize| (format!("tenants/t{number}/a.yaml"), "after\n".repeat(9_000).into());
    (4..12).map(text).chain([("argocd/same.yaml".to_owned(), "same\n".into())]).collect()
}

/// Everything below `dir`, temporary files and the index included.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    if !dir.exists() {
        return BTreeMap::new(); // killed before the first call
    }
    let entries = walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap);
    let path = |entry: &walkdir::DirEntry| entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| (path(&entry), fs::read(entry.path()).unwrap_or_default())).collect()
}

/// Writes files in another process, with a fault at the n-th call of each thread; then checks what it left, and that a
/// plain run heals it. Returns the child's own words too.
fn fault_then_heal(is_fresh: bool, call: &str, number: usize, fault: &str) -> (Output, String) {
    let at = format!("{call} {number} {fault}, fresh: {is_fresh}");
    let root = tempfile::tempdir().unwrap();
    let (dir, clean) = (root.path().join("out"), root.path().join("clean"));
    if !is_fresh {
        output::write(&before(), &dir).unwrap();
    }
    let mut traced = Command::new("strace");
    let inject = format!("inject={call}:{fault}:when={number}");
    traced.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
    traced.arg(std::env::current_exe().unwrap()).args(["--exact", "child", "--ignored", "--test-threads=1"]);
    let faulty = traced.env("OUT", &dir).env("RAYON_NUM_THREADS", "1").output().unwrap();
    output::write(&after(), &clean).unwrap();
    if faulty.status.success() {
        assert_eq!(contents(&dir), contents(&clean), "{at}");
    }
    for (path, bytes) in contents(&dir).into_iter().filter(|(path, _)| path.ends_with(".yaml")) {
        let is_whole =
            [before(), after()].iter().any(|tree| tree.get(&path).is_some_and(|text| text.as_bytes() == bytes));
        assert!(is_whole, "{at}: {path} is half-written");
    }
    output::write(&after(), &dir).unwrap();
    assert_eq!(contents(&dir), contents(&clean), "{at}");
    let words = fs::read_link(dir.with_extension("error")).map(|words| words.to_string_lossy().into_owned());
    (faulty, words.unwrap_or_default())
}

#[test]
#[ignore = "a child process of other tests"]
fn child() {
    let dir = PathBuf::from(std::env::var("OUT").unwrap());
    if let Err(error) = output::write(&after(), &dir) {
        // A link holds the words, since `write` is what may fail in this process.
        std::os::unix::fs::symlink(format!("{error}: {}", error.hint()), dir.with_extension("error")).unwrap();
        panic!("{error}");
    }
}

#[test]
#[ignore = "needs strace: run by tests/run"]
fn a_run_killed_at_any_system_call_is_finished_by_the_next() {
    let mut points = 0;
    for is_fresh in [true, false] {
        for call in CALLS {
            for number in 1.. {
                let (output, _) = fault_then_heal(is_fresh, call, number, "signal=SIGKILL");
                if output.status.signal().is_none() {
                    break;
                }
                points += 1;
            }
        }
    }
    eprintln!("killed at {points} points of writing files");
    assert!(points > 100, "only {points} points were hit: does strace inject?");
}

#[test]
#[ignore = "needs strace: run by tests/run"]
fn a_full_disk_is_named_with_a_remedy() {
    let mut named = 0;
    for number in 1..=16 {
        let (_, words) = fault_then_heal(false, "write", number, "error=ENOSPC");
        named += usize::from(words.contains("failed to write the") && words.contains("make room on the disk"));
    }
    assert!(named > 5, "only {named} runs met the full disk: does strace inject?");
}
