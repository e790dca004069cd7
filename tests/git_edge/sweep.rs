//! `commit --push` as a whole, killed or refused by the disk at its system calls, those of its git processes included: the
//! next plain run ends well, without a human.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    git,
    platform::{Clone, Platform, path_with, program, script, words},
    servers::Daemon,
};

/// What a run asks of the system that could be its last call.
const CALLS: [&str; 20] = [
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
    "connect",
    "sendto",
    "execve",
    "clone",
    "clone3",
    "pipe2",
    "fstat",
    "exit_group",
];

/// What fails on a disk that is full or broken.
const DISKS: [(&str, &str); 9] = [
    ("write", "ENOSPC"),
    ("pwrite64", "ENOSPC"),
    ("openat", "ENOSPC"),
    ("mkdir", "ENOSPC"),
    ("rename", "ENOSPC"),
    ("link", "ENOSPC"),
    ("ftruncate", "ENOSPC"),
    ("fsync", "EIO"),
    ("fdatasync", "EIO"),
];

/// Every how many-th point is tried: all of them take minutes.
pub(crate) fn stride() -> usize {
    let text = std::env::var("TENANTRY_KILL_STRIDE").ok();
    text.map_or(8, |text| text.parse().expect("a number"))
}

/// Whose calls are counted, and fail: the n-th of one call is the first that any of the processes comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    /// `tenantry` and all that it starts.
    Run,
    /// The `git fetch` that it starts, with what that starts.
    Fetch,
    /// Its `git push`.
    Push,
}

const VICTIMS: [Victim; 3] = [Victim::Run, Victim::Fetch, Victim::Push];

/// One fault: who suffers it, at which call, at which number of it, and what it is.
type Point = (Victim, &'static str, String, String);

/// A platform one run before a commit, a clone that is behind, and a server that is no part of what is killed.
struct Stage {
    platform: Platform,
    cases: AtomicUsize,
    daemon: Daemon,
    /// Where the clone's branch is; the remote's is one further.
    behind: String,
    old: String,
    /// What the second commit shall hold.
    tree: String,
}

impl Stage {
    fn new() -> Self {
        let platform = Platform::new();
        let clone = platform.clone("clone");
        clone.pushed();
        let behind = platform.tip("rendered").unwrap();
        let other = platform.clone("other");
        other.add_tenant(1);
        other.push_source();
        other.pushed();
        let old = platform.tip("rendered").unwrap();
        clone.git(&["pull", "-q", "--ff-only", "origin", "main"]);
        clone.add_tenant(2);
        clone.push_source();
        // Only what the run itself brings is to be brought.
        clone.git(&["update-ref", "refs/remotes/origin/rendered", &behind]);
        let alone = platform.clone("alone");
        let made = alone.tenantry(&["commit", "--branch", "alone"]).output().unwrap();
        assert!(made.status.success(), "{}", words(&made));
        let tree = alone.git(&["rev-parse", "alone^{tree}"]);
        clone.git(&["reflog", "expire", "--expire=now", "--all"]);
        clone.git(&["gc", "-q", "--prune=now"]);
        let daemon = Daemon::start(platform.path());
        Self { platform, cases: AtomicUsize::new(0), daemon, behind, old, tree }
    }

    fn case(&self) -> Case<'_> {
        let name = format!("case{}", self.cases.fetch_add(1, Ordering::SeqCst));
        let folder = self.platform.path().join(&name);
        copy(&self.platform.path().join("clone"), &folder.join("clone"));
        copy(&self.platform.remote(), &folder.join("remote.git"));
        let case = Case { stage: self, clone: Clone::at(self.platform.path(), &folder.join("clone")), folder };
        let config = case.folder.join("clone/.git/config");
        let text = fs::read_to_string(&config).unwrap();
        let url = self.daemon.url(&format!("{name}/remote.git"));
        fs::write(config, text.replace(&self.platform.file_url(), &url)).unwrap();
        case
    }

    /// How often one process of a run makes each call, at most.
    fn points(&self, victim: Victim) -> BTreeMap<&'static str, usize> {
        let case = self.case();
        let names: Vec<&'static str> = CALLS.into_iter().chain(DISKS.map(|(call, _)| call)).collect();
        let output = case.traced(victim, &["-e", &format!("trace={}", names.join(","))]);
        assert!(output.status.success(), "{}", words(&output));
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let log = case.log();
        for line in log.lines() {
            let Some((process, rest)) = line.split_once(' ') else { continue };
            let call = rest.trim_start().split('(').next().unwrap_or_default();
            *counts.entry((process, call)).or_default() += 1;
        }
        let most = |name: &&'static str| {
            let of_name = counts.iter().filter(|((_, call), _)| call == name).map(|(_, count)| *count);
            (*name, of_name.max().unwrap_or_default())
        };
        names.iter().map(most).collect()
    }
}

struct Case<'s> {
    stage: &'s Stage,
    clone: Clone,
    folder: PathBuf,
}

impl Case<'_> {
    fn traced(&self, victim: Victim, options: &[&str]) -> Output {
        let log = self.folder.join("log").display().to_string();
        let strace = [&["strace", "-f", "-o", &log], options].concat();
        let mut plain = self.clone.tenantry(&["commit", "--push"]);
        // One worker: the n-th call is then the same in every run.
        plain.env("RAYON_NUM_THREADS", "1").env("TENANTRY_GIT_TIMEOUT", "20");
        let verb = match victim {
            Victim::Run => {
                let mut traced = Command::new(strace[0]);
                traced.args(&strace[1..]).arg(plain.get_program()).args(plain.get_args());
                traced.env_clear().current_dir(self.clone.path());
                traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
                return traced.output().unwrap();
            }
            Victim::Fetch => "fetch --no-tags",
            Victim::Push => "push --porcelain",
        };
        let (bin, git) = (self.folder.join("bin"), program("git").display().to_string());
        let (strace, verb) = (strace.join("' '"), format!("*' {verb} '*"));
        let text = format!("case \"$*\" in {verb}) exec '{strace}' {git} \"$@\" ;; *) exec {git} \"$@\" ;; esac");
        script(&bin.join("git"), &text);
        plain.env("PATH", path_with(&bin)).output().unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }

    fn remote_tip(&self) -> String {
        git(&self.folder.join("remote.git"), &["rev-parse", "refs/heads/rendered"])
    }

    /// A run with a fault at one call, and one without; tells whether the fault was felt.
    fn suffer(self, (victim, call, number, fault): &Point) -> bool {
        let at = format!("{fault} at {call} {number} of {victim:?}");
        let inject = format!("inject={call}:{fault}:when={number}");
        let output = self.traced(*victim, &["-e", &format!("trace={call}"), "-e", &inject]);
        let log = self.log();
        let was_felt = log.contains("killed by SIGKILL") || log.contains("(INJECTED)");
        let remote = self.folder.join("remote.git");
        for repository in [self.clone.path(), &remote] {
            git(repository, &["fsck", "--full", "--strict"]);
        }
        let is_old_or_new = |repository: &Path| {
            let commit = git(repository, &["rev-parse", "refs/heads/rendered"]);
            let tree = git(repository, &["rev-parse", "refs/heads/rendered^{tree}"]);
            commit == self.stage.old
                || (tree == self.stage.tree
                    && git(repository, &["rev-parse", "refs/heads/rendered^"]) == self.stage.old)
        };
        let is_behind = self.clone.git(&["rev-parse", "rendered"]) == self.stage.behind;
        assert!(is_behind || is_old_or_new(self.clone.path()), "{at}: the clone is at neither commit");
        assert!(is_old_or_new(&remote), "{at}: the remote is at neither commit");
        if output.status.success() {
            assert_ne!(
                self.remote_tip(),
                self.stage.old,
                "{at}: success, and the remote has nothing: {}",
                words(&output)
            );
        }
        let again = self.clone.push(&[]);
        assert!(again.status.success(), "{at}: the next run fails: {}, after {}", words(&again), words(&output));
        assert!(
            is_old_or_new(&remote) && self.remote_tip() != self.stage.old,
            "{at}: the next run made something else"
        );
        assert_eq!(self.clone.git(&["rev-parse", "rendered"]), self.remote_tip(), "{at}");
        let locks = locks(&self.clone.path().join(".git"));
        assert_eq!(locks, Vec::<PathBuf>::new(), "{at}: locks are left");
        fs::remove_dir_all(&self.folder).unwrap();
        was_felt
    }
}

/// Locks of git that are left, which would stop a person's `git fetch`.
fn locks(git: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(git).into_iter().flatten().map(walkdir::DirEntry::into_path);
    // Our own file stays; what counts is who holds it.
    files.filter(|path| path.extension().is_some_and(|end| end == "lock") && !path.ends_with("tenantry.lock")).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// Tries points on both cores; returns how many were felt.
fn try_all(stage: &Stage, points: Vec<Point>) -> usize {
    let (queue, felt) = (Mutex::new(points.into_iter()), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some(point) = next else { break };
                    felt.fetch_add(usize::from(stage.case().suffer(&point)), Ordering::SeqCst);
                }
            });
        }
    });
    felt.into_inner()
}

/// The numbers of one call that are tried; which of them, differs from call to call.
fn numbers(index: usize, count: usize) -> impl Iterator<Item = usize> {
    (1 + index % stride()..=count).step_by(stride())
}

#[test]
#[ignore = "needs strace: run by tests/run"]
fn a_push_killed_at_any_system_call_is_finished_by_the_next() {
    let stage = Stage::new();
    let (mut all, mut points) = (0, Vec::new());
    for victim in VICTIMS {
        let counts = stage.points(victim);
        let of_victim: usize = CALLS.iter().map(|call| counts[call]).sum();
        eprintln!("{victim:?}: {of_victim} points");
        all += of_victim;
        for (index, call) in CALLS.into_iter().enumerate() {
            let point = |number: usize| (victim, call, number.to_string(), "signal=SIGKILL".to_owned());
            points.extend(numbers(index, counts[call]).map(point));
        }
    }
    let tried = points.len();
    let felt = try_all(&stage, points);
    eprintln!("commit --push: killed at {felt} of {tried} points tried, {all} points in all, 0 violations");
    assert!(all > 300, "only {all} points: does strace count?");
    assert!(felt * 10 >= tried * 9, "only {felt} of {tried} were felt");
}

#[test]
#[ignore = "needs strace: run by tests/run"]
fn a_push_on_a_full_or_broken_disk_is_finished_by_the_next() {
    let stage = Stage::new();
    let (mut all, mut points) = (0, Vec::new());
    for victim in VICTIMS {
        let counts = stage.points(victim);
        for (index, (call, error)) in DISKS.into_iter().enumerate() {
            all += counts[call];
            for number in numbers(index, counts[call]) {
                // Once, and from there on: what is full stays so.
                for number in [number.to_string(), format!("{number}+")] {
                    points.push((victim, call, number, format!("error={error}")));
                }
            }
        }
    }
    let tried = points.len();
    let felt = try_all(&stage, points);
    eprintln!("commit --push: the disk failed in {felt} of {tried} cases tried, {all} points in all, 0 violations");
    assert!(felt * 10 >= tried * 9, "only {felt} of {tried} were felt");
}
