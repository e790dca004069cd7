//! Lost races of `commit --push`: whoever comes second builds on what the first one left, and the newest revision wins.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{
    git,
    platform::{Platform, path_with, program, script, words},
    web::Web,
};

/// A server at which, up to `times`, somebody else commits to the output branch by hand: just before a push is told where the
/// branch is, and just before it is taken.
fn contended(platform: &Platform, times: usize) -> Web {
    let (remote, done) = (platform.remote(), AtomicUsize::new(0));
    let intrude = move |request: &crate::web::Request| {
        let is_push = request.target.ends_with("git-receive-pack");
        if is_push && done.fetch_add(1, Ordering::SeqCst) < times {
            commit_by_hand(&remote);
        }
        None
    };
    Web::start(platform.path(), None, Box::new(intrude))
}

/// Puts a commit of another program on the output branch: the same tree with one more file.
fn commit_by_hand(remote: &PathBuf) {
    let note = remote.join("note");
    fs::write(&note, "by hand\n").unwrap();
    let blob = git(remote, &["hash-object", "-w", "note"]);
    let index = format!("{}/by-hand.index", remote.display());
    let with_index = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        let output =
            crate::hermetic(command.current_dir(remote).args(arguments)).env("GIT_INDEX_FILE", &index).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let parent = git(remote, &["rev-parse", "refs/heads/rendered"]);
    with_index(&["read-tree", &parent]);
    with_index(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},NOTE-{}", &parent[..12])]);
    let tree = with_index(&["write-tree"]);
    let who = ["-c", "user.name=Bob", "-c", "user.email=bob@example.org"];
    let commit = git(remote, &[&who[..], &["commit-tree", &tree, "-p", &parent, "-m", "by hand"]].concat());
    git(remote, &["update-ref", "refs/heads/rendered", &commit, &parent]);
}

#[test]
fn a_fresh_clone_builds_on_the_branch_of_the_remote() {
    let platform = Platform::new();
    let first = platform.clone("first");
    first.pushed();
    // As a pipeline does: a new clone for each run, without the output branch as a local one.
    let second = platform.clone("second");
    let name = second.add_tenant(1);
    second.push_source();
    second.pushed();
    let history = platform.history();
    assert_eq!(history.len(), 2, "{history:?}");
    assert_eq!(history[1].1, second.head());
    assert!(platform.rendered("rendered").contains(&name));
    // The first clone's branch is behind now: it is brought up, and there is nothing to do.
    first.git(&["pull", "-q", "--ff-only", "origin", "main"]);
    assert!(first.pushed().starts_with("nothing to commit"));
    assert_eq!(first.git(&["rev-parse", "rendered"]), platform.tip("rendered").unwrap());
    platform.fsck();
}

#[test]
fn a_loser_builds_on_what_the_winner_left() {
    let platform = Platform::new();
    platform.clone("before").pushed();
    // The first push meets somebody before and while it is taken, the second one before.
    let web = contended(&platform, 3);
    let clone = platform.clone_with("clone", &web.url());
    clone.add_tenant(1);
    let output = clone.tenantry(&["commit", "--push"]).env("TENANTRY_GIT_TIMEOUT", "20").output().unwrap();
    assert!(output.status.success(), "the loser gives up: {}", words(&output));
    let log = git(&platform.remote(), &["log", "--format=%an", "rendered"]);
    assert_eq!(log, "Ann\nBob\nBob\nBob\nAnn", "what the others committed is lost");
    let list = git(&platform.remote(), &["ls-tree", "--name-only", "rendered"]);
    assert_eq!(list.lines().filter(|name| name.starts_with("NOTE-")).count(), 3, "{list}");
    assert_eq!(platform.rendered("rendered").len(), 2);
    assert_eq!(clone.git(&["rev-parse", "rendered"]), platform.tip("rendered").unwrap());
    clone.fsck();
    platform.fsck();
}

/// HEAD moves on while the race is on: what is committed in the end is what HEAD is then.
#[test]
fn a_loser_reads_checks_and_renders_anew() {
    let platform = Platform::new();
    platform.clone("before").pushed();
    let (remote, folder, done) = (platform.remote(), platform.path().join("clone"), AtomicBool::new(false));
    let intrude = move |request: &crate::web::Request| {
        if request.target.ends_with("/git-receive-pack") && !done.swap(true, Ordering::SeqCst) {
            commit_by_hand(&remote);
            git(&folder, &["merge", "-q", "--ff-only", "next"]);
        }
        None
    };
    let web = Web::start(platform.path(), None, Box::new(intrude));
    let clone = platform.clone_with("clone", &web.url());
    clone.add_tenant(1);
    clone.git(&["checkout", "-q", "-b", "next"]);
    let name = clone.add_tenant(2);
    clone.git(&["checkout", "-q", "main"]);
    clone.pushed();
    assert!(platform.rendered("rendered").contains(&name), "what was rendered before the race was lost is pushed");
    assert_eq!(platform.history().last().unwrap().1, clone.head());
}

#[test]
fn who_always_loses_ends_and_says_so() {
    let platform = Platform::new();
    platform.clone("before").pushed();
    let web = contended(&platform, usize::MAX);
    let clone = platform.clone_with("clone", &web.url());
    clone.add_tenant(1);
    let mut command = clone.tenantry(&["commit", "--push"]);
    let output = command.env("TENANTRY_GIT_TIMEOUT", "4").output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", words(&output));
    assert!(words(&output).contains("others were first") && words(&output).contains("run again"), "{}", words(&output));
    assert!(web.requests().len() > 6, "it tried more than once");
    // Nothing is left that stops the next run.
    clone.git(&["remote", "set-url", "origin", &platform.file_url()]);
    clone.pushed();
    platform.fsck();
}

/// git ends well where it could not write its answer to a full disk or a broken pipe; that there is no branch, it says by a number.
#[test]
fn an_answer_that_got_lost_is_no_missing_branch() {
    let platform = Platform::new();
    let clone = platform.clone("clone");
    clone.pushed();
    let before = clone.git(&["rev-parse", "rendered"]);
    clone.add_tenant(1);
    clone.push_source();
    let (bin, git) = (platform.path().join("bin"), program("git").display().to_string());
    script(&bin.join("git"), &format!("case \"$*\" in *ls-remote*) exit 0 ;; *) exec {git} \"$@\" ;; esac"));
    let output = clone.tenantry(&["commit", "--push"]).env("PATH", path_with(&bin)).output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", words(&output));
    assert!(words(&output).contains("answer got lost"), "{}", words(&output));
    assert_eq!(clone.git(&["rev-parse", "rendered"]), before, "something was committed on what nobody knows");
    clone.pushed();
    platform.fsck();
}

#[test]
fn an_older_revision_does_not_overwrite_a_newer_one() {
    let platform = Platform::new();
    let old = platform.clone("old");
    let new = platform.clone("new");
    new.add_tenant(1);
    new.push_source();
    new.pushed();
    let before = platform.tip("rendered");
    // The older clone does not even have the revision that the branch is rendered from.
    let output = old.push(&["--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(platform.tip("rendered"), before, "an older revision has overwritten a newer one");
    assert_eq!((&document["commit"], &document["newer"]), (&serde_json::Value::Null, &new.head().into()));
    assert_eq!(document["pushed"], true);
    assert!(old.pushed().contains("newer than HEAD"));
    // Whoever means it says so.
    let named = ["--dangerous-replace-revision", &new.head()[..11]];
    assert_eq!(old.push(&named).status.code(), Some(2), "eleven digits are too few");
    let named = ["--dangerous-replace-revision", &new.head()[..12]];
    let output = old.push(&named);
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(platform.history().last().unwrap().1, old.head());
}

#[test]
fn a_revision_of_another_line_is_refused() {
    let platform = Platform::new();
    let (one, other) = (platform.clone("one"), platform.clone("other"));
    one.add_tenant(1);
    one.push_source();
    one.pushed();
    let before = platform.tip("rendered");
    other.add_tenant(2);
    let output = other.push(&[]);
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    let revision = one.head();
    for part in ["merge, or rebase", &format!("--dangerous-replace-revision {revision}")] {
        assert!(words(&output).contains(part), "{}", words(&output));
    }
    assert_eq!(platform.tip("rendered"), before);
    // Merged, it goes on top.
    other.git(&["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]);
    other.pushed();
    assert_eq!(platform.rendered("rendered").len(), 3);
}

#[test]
fn a_shallow_clone_is_told_what_it_lacks() {
    let platform = Platform::new();
    let first = platform.clone("first");
    first.pushed();
    first.add_tenant(1);
    first.push_source();
    git(platform.path(), &["clone", "-q", "--depth", "1", &platform.file_url(), "shallow"]);
    let shallow = platform.clone("other");
    let output =
        shallow.tenantry(&["--estate", "../shallow", "commit", "--push", "--author", "A <a@b>"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    assert!(words(&output).contains("--unshallow"), "{}", words(&output));
}

#[test]
fn commits_by_hand_that_nobody_pushed_are_not_dropped() {
    let platform = Platform::new();
    let clone = platform.clone("clone");
    clone.pushed();
    let tree = clone.git(&["rev-parse", "rendered^{tree}"]);
    let own = clone.git(&["commit-tree", &tree, "-p", "rendered", "-m", "by hand, here"]);
    clone.git(&["update-ref", "refs/heads/rendered", &own]);
    commit_by_hand(&platform.remote());
    let output = clone.push(&[]);
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    assert!(words(&output).contains(&own), "{}", words(&output));
    assert_eq!(clone.git(&["rev-parse", "rendered"]), own);
}

/// A fetch that was killed has unpacked the commit and not what it names.
#[test]
fn what_a_killed_fetch_left_in_parts_is_fetched_again() {
    let platform = Platform::new();
    let clone = platform.clone("clone");
    let other = platform.clone("other");
    other.add_tenant(1);
    other.push_source();
    other.pushed();
    for revision in ["rendered", "main"] {
        let commit = git(&platform.remote(), &["cat-file", "commit", revision]);
        let path = clone.path().join(".git/left");
        fs::write(&path, commit + "\n").unwrap();
        let left = clone.git(&["hash-object", "-t", "commit", "-w", path.to_str().unwrap()]);
        assert_eq!(Some(left), platform.tip(revision));
    }
    assert!(clone.pushed().contains("newer than HEAD"));
    clone.git(&["pull", "-q", "--ff-only", "origin", "main"]);
    clone.add_tenant(2);
    clone.pushed();
    assert_eq!(platform.rendered("rendered").len(), 3);
    clone.fsck();
}

/// A run was killed between its commit and its push; meanwhile somebody else has pushed.
#[test]
fn what_a_killed_run_left_unpushed_is_made_anew() {
    let platform = Platform::new();
    platform.clone("before").pushed();
    let clone = platform.clone("clone");
    clone.add_tenant(1);
    clone.git(&["branch", "-q", "rendered", "origin/rendered"]);
    let left = clone.tenantry(&["commit"]).output().unwrap();
    assert!(left.status.success(), "{}", words(&left));
    commit_by_hand(&platform.remote());
    clone.pushed();
    assert_eq!(git(&platform.remote(), &["log", "--format=%an", "rendered"]), "Ann\nBob\nAnn");
}
