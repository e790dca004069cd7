//! A commit that is killed at any system call leaves the old commit or the new one, and the next run needs nobody.

use std::{os::unix::process::ExitStatusExt, process::Command};

use tenantry::git::read;

use crate::{Lab, commit::child_command, committed, tenants};

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

#[test]
#[ignore = "needs strace, takes minutes: run by tests/run"]
fn a_commit_killed_at_any_system_call_is_finished_by_the_next() {
    for count in [2, 60] {
        let mut points = 0;
        for call in CALLS {
            for number in 1.. {
                let lab = Lab::new();
                let (old, _) = committed(lab.commit(&tenants(count, "x")));
                let plain = child_command(&lab, count, "y");
                let mut traced = Command::new("strace");
                let inject = format!("inject={call}:signal=SIGKILL:when={number}");
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
                let now = lab.git(&["rev-parse", "deploy"]);
                let is_new = now != old;
                if is_new {
                    assert_eq!(lab.git(&["rev-parse", "deploy^"]), old, "{call} {number}");
                }
                lab.commit(&tenants(count, "y"));
                assert_eq!(read::tree(&lab.open(), "deploy").unwrap(), tenants(count, "y"), "{call} {number}");
                assert_eq!(lab.git(&["rev-list", "--count", "deploy"]), "2", "{call} {number}");
                lab.fsck();
                if output.status.signal().is_none() {
                    assert!(output.status.success() && is_new, "{}", String::from_utf8_lossy(&output.stderr));
                    break;
                }
                points += 1;
            }
        }
        assert!(points > 100, "only {points} points were hit: does strace inject?");
    }
}
