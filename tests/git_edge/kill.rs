//! A commit that is killed, or refused by the disk, at any system call leaves the old commit or the new one, and the
//! next run needs nobody.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Output},
};

use tenantry::git::read;

use crate::{Lab, commit::child_command, committed, sweep::stride, tenants};

/// What a commit asks of the system that lasts, and some that do not.
const CALLS: [&str; 12] = [
    "openat",
    "write",
    "pwrite64",
    "rename",
    "link",
    "unlink",
    "mkdir",
    "fsync",
    "close",
    "flock",
    "ftruncate",
    "chmod",
];

/// Commits in another process, with a fault at the n-th call; then checks what it left, and that a plain run heals it.
/// Tells whether the branch had moved.
fn fault_then_heal(count: usize, call: &str, number: &str, fault: &str) -> (Output, bool) {
    let at = format!("{call} {number} {fault}");
    let lab = Lab::new();
    let (old, _) = committed(lab.commit(&tenants(count, "x")));
    let plain = child_command(&lab, count, "y");
    let mut traced = Command::new("strace");
    let inject = format!("inject={call}:{fault}:when={number}");
    traced.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
    traced.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    let output = traced.output().unwrap();
    lab.fsck();
    let is_new = lab.git(&["rev-parse", "deploy"]) != old;
    if is_new {
        assert_eq!(lab.git(&["rev-parse", "deploy^"]), old, "{at}");
    }
    assert!(is_new || !output.status.success(), "{at}: success without a commit");
    lab.commit(&tenants(count, "y"));
    assert_eq!(read::tree(&lab.open(), "deploy").unwrap(), tenants(count, "y"), "{at}");
    assert_eq!(lab.git(&["rev-list", "--count", "deploy"]), "2", "{at}");
    lab.fsck();
    (output, is_new)
}

#[test]
#[ignore = "needs strace: run by tests/run"]
fn a_commit_killed_at_any_system_call_is_finished_by_the_next() {
    for count in [2, 60] {
        let mut points = 0;
        for call in CALLS {
            for number in (1_usize..).step_by(stride()) {
                let (output, _) = fault_then_heal(count, call, &number.to_string(), "signal=SIGKILL");
                if output.status.signal().is_none() {
                    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                    break;
                }
                points += 1;
            }
        }
        eprintln!("killed at {points} points of a commit of {count} tenants, every {}. of all", stride());
        assert!(points * stride() > 200, "only {points} points were hit: does strace inject?");
    }
}

#[test]
#[ignore = "needs strace: run by tests/run"]
fn a_commit_on_a_full_or_broken_disk_fails_and_is_finished_by_the_next() {
    const POINTS: usize = 24; // beyond the last call of each kind that writes, with both few and many objects
    for count in [2, 60] {
        let mut failed = 0;
        for (call, fault) in [("write", "error=ENOSPC"), ("pwrite64", "error=ENOSPC"), ("fsync", "error=EIO")] {
            for number in (1..=POINTS).step_by(stride().div_ceil(4)) {
                // From there on: libgit2 tries a failed write of an object once more, in another way.
                let (output, is_new) = fault_then_heal(count, call, &format!("{number}+"), fault);
                failed += usize::from(!output.status.success() && !is_new);
            }
        }
        eprintln!("{failed} commits of {count} tenants failed by the disk");
        assert!(failed > 5, "only {failed} faults were felt: does strace inject?");
    }
}
