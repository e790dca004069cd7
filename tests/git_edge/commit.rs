//! Commits to the output branch.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tenantry::{
    git::{
        GitError, read,
        remote::{Access, Remote},
        write::{self, CommitOutcome, CommitRequest, Expected},
    },
    tree::Tree,
};

use crate::{Lab, committed, hermetic, request, tenants, tree};

fn files(lab: &Lab, revision: &str) -> Vec<String> {
    lab.git(&["ls-tree", "-r", "--name-only", revision]).lines().map(str::to_owned).collect()
}

fn objects(lab: &Lab) -> Vec<String> {
    let all = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered"];
    let mut ids: Vec<String> = lab.git(&all).lines().map(str::to_owned).collect();
    ids.sort();
    ids
}

#[test]
fn the_first_commit_has_no_parent_and_touches_no_work_tree() {
    let lab = Lab::new();
    lab.put("README.md", "edited\n");
    let before = (lab.git(&["status", "--porcelain"]), fs::read(lab.path().join(".git/index")).unwrap());
    let outcome = lab.commit(&tenants(3, "x"));
    let CommitOutcome::Committed { commit, parent: None, changed_files: 13, changed_tenants } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(changed_tenants, BTreeSet::from(["t00000", "t00001", "t00002"].map(str::to_owned)));
    assert_eq!(lab.git(&["rev-parse", "deploy"]), commit);
    assert_eq!(lab.git(&["rev-list", "--count", "deploy"]), "1");
    assert_eq!(lab.git(&["log", "-1", "--format=%an %ae %cn %at", "deploy"]), "Ann ann@example.org Ann 1700000000");
    let tree = lab.git(&["rev-parse", "deploy^{tree}"]);
    let trailers = format!("Source-Revision: 0\nTree-Digest: git:{tree}");
    assert_eq!(lab.git(&["log", "-1", "--format=%(trailers)", "deploy"]), trailers);
    assert_eq!(before, (lab.git(&["status", "--porcelain"]), fs::read(lab.path().join(".git/index")).unwrap()));
    lab.fsck();
}

#[test]
fn few_objects_and_many_give_the_same_tree_as_git() {
    for count in [2, 60] {
        let lab = Lab::new();
        let rendered = tenants(count, "x");
        lab.commit(&rendered);
        let packs = fs::read_dir(lab.path().join(".git/objects/pack")).map_or(0, |entries| entries.count());
        assert_eq!(packs > 0, count == 60, "{count} tenants");
        assert!(!lab.path().join(".git/tenantry-pack").exists());
        lab.fsck();
        for (path, text) in rendered.iter() {
            lab.put(path, text);
        }
        lab.git(&["add", "argocd", "tenants"]);
        lab.git(&["rm", "-q", "--cached", "README.md"]);
        assert_eq!(lab.git(&["write-tree"]), lab.git(&["rev-parse", "deploy^{tree}"]));
    }
}

#[test]
fn names_sort_as_git_sorts_them() {
    let lab = Lab::new();
    lab.commit(&tree(&[("tenants/a/b", "1"), ("tenants/a.b/c", "2"), ("tenants/a-b", "3"), ("tenants/a0", "4")]));
    lab.fsck();
    assert_eq!(files(&lab, "deploy"), ["tenants/a-b", "tenants/a.b/c", "tenants/a/b", "tenants/a0"]);
}

#[test]
fn the_same_tree_again_makes_no_commit() {
    let lab = Lab::new();
    let rendered = tenants(3, "x");
    let (commit, _) = committed(lab.commit(&rendered));
    let before = objects(&lab);
    assert_eq!(lab.commit(&rendered), CommitOutcome::Unchanged { commit: Some(commit) });
    assert_eq!(objects(&lab), before);
    let empty = Tree::new();
    let nothing = CommitRequest { branch: "other", ..request(&empty) };
    assert_eq!(write::commit(&lab.open(), &nothing).unwrap(), CommitOutcome::Unchanged { commit: None });
}

#[test]
fn one_changed_file_writes_only_what_leads_to_it() {
    let lab = Lab::new();
    let mut rendered = tenants(60, "x");
    lab.commit(&rendered);
    let before = objects(&lab).len();
    rendered.insert("tenants/t00007/manifests/hooks/provision.yaml", "changed");
    let outcome = lab.commit(&rendered);
    assert!(
        matches!(&outcome, CommitOutcome::Committed { changed_files: 1, changed_tenants, .. }
            if changed_tenants.iter().eq(["t00007"])),
        "{outcome:?}"
    );
    // The blob, the folders hooks, manifests, t00007, tenants and the root, and the commit.
    assert_eq!(objects(&lab).len() - before, 7);
    lab.fsck();
}

#[test]
fn a_deleted_tenant_is_gone_and_entries_of_others_stay() {
    let lab = Lab::new();
    lab.git(&["checkout", "-q", "-b", "deploy"]);
    lab.put("docs/how.md", "kept\n");
    lab.put("tenants/old/a.yaml", "a\n");
    lab.put("tenants/old/deep/b.yaml", "b\n");
    lab.put("run.sh", "#!/bin/sh\n");
    lab.git(&["add", "."]);
    lab.git(&["update-index", "--chmod=+x", "run.sh"]);
    lab.git(&["commit", "-q", "-m", "by hand"]);
    lab.git(&["checkout", "-q", "-f", "main"]);
    let outcome = lab.commit(&tree(&[("tenants/new/a.yaml", "a\n")]));
    let CommitOutcome::Committed { changed_files: 3, changed_tenants, parent: Some(_), .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(changed_tenants, BTreeSet::from(["new", "old"].map(str::to_owned)));
    assert_eq!(files(&lab, "deploy"), ["README.md", "docs/how.md", "run.sh", "tenants/new/a.yaml"]);
    assert!(lab.git(&["ls-tree", "deploy", "run.sh"]).starts_with("100755"));
    lab.fsck();
}

#[test]
fn a_commit_of_some_folders_keeps_all_others() {
    let lab = Lab::new();
    let mut rendered = tenants(5, "x");
    lab.commit(&rendered);
    let only = BTreeSet::from(["tenants/t00001", "tenants/t00002", "tenants/new"].map(str::to_owned));
    let part = tree(&[("tenants/t00001/a", "a"), ("tenants/new/b", "b")]);
    write::commit(&lab.open(), &CommitRequest { only: Some(&only), ..request(&part) }).unwrap();
    lab.fsck();
    for folder in ["tenants/t00001/", "tenants/t00002/"] {
        let gone: Vec<String> = rendered.under(folder).map(|(path, _)| path.to_owned()).collect();
        gone.iter().for_each(|path| drop(rendered.remove(path)));
    }
    rendered.extend(part);
    assert_eq!(read::tree(&lab.open(), "deploy").unwrap(), rendered);

    let outside = tree(&[("tenants/t00003/a", "a")]);
    let error = write::commit(&lab.open(), &CommitRequest { only: Some(&only), ..request(&outside) }).unwrap_err();
    assert!(matches!(error, GitError::BadPath { .. }), "{error}");
}

#[test]
fn paths_that_git_or_a_checkout_would_refuse_are_refused() {
    let lab = Lab::new();
    for path in
        ["a", "tenants", "other/a", "tenants/../a", "tenants//a", "tenants/x/.GIT/config", "tenants/a\nb", "/tenants/a"]
    {
        let error = write::commit(&lab.open(), &request(&tree(&[(path, "x")]))).unwrap_err();
        assert!(matches!(error, GitError::BadPath { .. }), "{path}: {error}");
    }
    let both = tree(&[("tenants/a", "file"), ("tenants/a-b", "x"), ("tenants/a/b", "folder")]);
    assert!(matches!(write::commit(&lab.open(), &request(&both)), Err(GitError::BadPath { .. })));
    assert_eq!(write::branch_tip(&lab.open(), "deploy").unwrap(), None);
}

#[test]
fn a_branch_that_is_checked_out_is_refused() {
    let lab = Lab::new();
    let place = lab.root.path().join("second");
    lab.git(&["worktree", "add", "-q", "-b", "deploy", place.to_str().unwrap()]);
    for (branch, at) in [("main", lab.path()), ("deploy", place)] {
        let rendered = tenants(1, "x");
        let error = write::commit(&lab.open(), &CommitRequest { branch, ..request(&rendered) }).unwrap_err();
        let GitError::CheckedOut { worktree, .. } = &error else { panic!("{error}") };
        assert_eq!(worktree.canonicalize().unwrap(), at.canonicalize().unwrap());
    }
}

#[test]
fn a_branch_elsewhere_than_expected_is_left_alone() {
    let lab = Lab::new();
    let (first, _) = committed(lab.commit(&tenants(1, "x")));
    let rendered = tenants(1, "y");
    let main = lab.git(&["rev-parse", "main"]);
    let before = objects(&lab);
    for expected in [Expected::Absent, Expected::At(main.clone())] {
        let error = write::commit(&lab.open(), &CommitRequest { expected, ..request(&rendered) }).unwrap_err();
        assert!(matches!(&error, GitError::RefMoved { actual, .. } if *actual == first), "{error}");
    }
    for expected in [None, Some(main.as_str())] {
        let error = write::move_branch(&lab.open(), "deploy", "main", expected).unwrap_err();
        assert!(matches!(&error, GitError::RefMoved { actual, .. } if *actual == first), "{error}");
    }
    assert_eq!((lab.git(&["rev-parse", "deploy"]), objects(&lab)), (first.clone(), before));
    let expected = Expected::At(first.clone());
    write::commit(&lab.open(), &CommitRequest { expected, ..request(&rendered) }).unwrap();
    let second = lab.git(&["rev-parse", "deploy"]);
    write::move_branch(&lab.open(), "deploy", &first, Some(&second)).unwrap();
    write::move_branch(&lab.open(), "made", &first, None).unwrap();
    assert_eq!(lab.git(&["rev-parse", "made", "deploy"]), format!("{first}\n{first}"));
}

/// Somebody moves the branch with git while a commit is being made: git's own lock, held until the objects are
/// written, makes the commit wait just before its compare and swap.
#[test]
fn a_branch_that_moves_during_the_commit_is_not_overwritten() {
    let lab = Lab::new();
    lab.commit(&tenants(1, "x"));
    let theirs = lab.git(&["rev-parse", "main"]);
    let reference = lab.path().join(".git/refs/heads/deploy");
    let lock = reference.with_extension("lock");
    let before = objects(&lab).len();
    fs::write(&lock, "").unwrap();
    let result = std::thread::scope(|scope| {
        let run = scope.spawn(|| write::commit(&lab.open(), &request(&tenants(1, "y"))));
        while objects(&lab).len() == before {
            fs::write(&lock, "").unwrap(); // a young lock: the holder is alive
        }
        fs::write(&lock, "").unwrap();
        fs::write(&reference, format!("{theirs}\n")).unwrap();
        fs::remove_file(&lock).unwrap();
        run.join().unwrap()
    });
    assert_eq!(lab.git(&["rev-parse", "deploy"]), theirs, "a branch that had moved was overwritten");
    assert!(matches!(&result, Err(GitError::RefMoved { actual, .. }) if *actual == theirs), "{result:?}");
}

#[test]
fn locks_and_packs_that_a_killed_run_left_need_nobody() {
    let lab = Lab::new();
    lab.commit(&tenants(60, "x"));
    let at = |path: &str| lab.path().join(".git").join(path);
    fs::write(at("refs/heads/deploy.lock"), "").unwrap();
    fs::write(at("tenantry.lock"), "99999999").unwrap();
    fs::create_dir(at("tenantry-pack")).unwrap();
    fs::write(at("tenantry-pack/pack-0.idx.lock"), "half").unwrap();
    let start = Instant::now();
    lab.commit(&tenants(60, "y"));
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(!at("refs/heads/deploy.lock").exists() && !at("tenantry-pack").exists());
    lab.fsck();
}

#[test]
fn no_hook_and_no_filter_ever_runs() {
    let lab = Lab::new();
    lab.put("tenantry.yaml", "a");
    lab.put(".gitattributes", "* filter=evil text eol=crlf\n");
    lab.git(&["add", "."]);
    lab.git(&["commit", "-q", "-m", "estate"]);
    let ran = lab.root.path().join("ran");
    let script = format!("#!/bin/sh\necho \"$0\" >> {}\ncat\n", ran.display());
    let hooks = lab.root.path().join("hooks");
    let plant = |folder: &Path, name: &str| {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), &script).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let names = ["pre-commit", "commit-msg", "post-commit", "reference-transaction", "pre-push", "post-checkout"];
    for name in names.into_iter().chain(["post-index-change", "post-rewrite", "fsmonitor-watchman"]) {
        plant(&hooks, name);
        plant(&lab.path().join(".git/hooks"), name);
    }
    let remote = lab.root.path().join("remote.git");
    lab.git(&["clone", "-q", "--bare", ".", remote.to_str().unwrap()]);
    lab.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    lab.git(&["config", "core.hooksPath", hooks.to_str().unwrap()]);
    lab.git(&["config", "core.fsmonitor", hooks.join("fsmonitor-watchman").to_str().unwrap()]);
    for kind in ["clean", "smudge", "process"] {
        lab.git(&["config", &format!("filter.evil.{kind}"), hooks.join("pre-commit").to_str().unwrap()]);
    }
    let _ = fs::remove_file(&ran);
    let repository = lab.open();
    assert_eq!(read::sources(&repository, "main", "").unwrap().iter().count(), 1);
    lab.commit(&tenants(60, "x"));
    read::tree(&repository, "deploy").unwrap();
    let access = Access::default();
    let remote = Remote::new(&repository, "origin", &access);
    remote.push("deploy", "refs/heads/deploy", None).unwrap();
    remote.fetch("deploy").unwrap();
    assert!(!ran.exists(), "{}", fs::read_to_string(&ran).unwrap());
    lab.git(&["commit", "-q", "--allow-empty", "-m", "by git itself"]);
    assert!(ran.exists(), "the hooks that were planted can run");
}

#[test]
fn an_author_may_be_given() {
    let lab = Lab::new();
    let rendered = tenants(1, "x");
    let author = Some(("Bob".to_owned(), "bob@example.org".to_owned()));
    write::commit(&lab.open(), &CommitRequest { author, ..request(&rendered) }).unwrap();
    assert_eq!(lab.git(&["log", "-1", "--format=%an %ae", "deploy"]), "Bob bob@example.org");
}

/// Runs [`child`] in a process of its own, as a user without settings.
pub(crate) fn child_command(lab: &Lab, count: usize, word: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "commit::child", "--ignored", "--test-threads=1", "--nocapture"]);
    command.env("LAB", lab.path()).env("COUNT", count.to_string()).env("WORD", word);
    command.env("HOME", lab.root.path()).env_remove("XDG_CONFIG_HOME").env("RAYON_NUM_THREADS", "1");
    for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"] {
        command.env_remove(name);
    }
    hermetic(&mut command);
    command
}

#[test]
#[ignore = "a child process of other tests"]
fn child() {
    let repository = tenantry::git::Repository::discover(Path::new(&std::env::var("LAB").unwrap())).unwrap();
    let rendered = tenants(std::env::var("COUNT").unwrap().parse().unwrap(), &std::env::var("WORD").unwrap());
    if let Err(error) = write::commit(&repository, &request(&rendered)) {
        panic!("{error}: {}", error.hint());
    }
}

#[test]
fn without_an_author_the_message_says_so() {
    let lab = Lab::new();
    lab.git(&["config", "--unset", "user.name"]);
    let output = child_command(&lab, 1, "x").output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && words.contains("git has no user.name and user.email"), "{words}");
    assert_eq!(write::branch_tip(&lab.open(), "deploy").unwrap(), None);
}

#[test]
fn two_processes_at_once_make_one_line_of_commits() {
    let lab = Lab::new();
    let words: Vec<String> = (0..6).map(|number| format!("word{number}")).collect();
    let children: Vec<_> =
        words.iter().map(|word| child_command(&lab, 30, word).stdout(Stdio::null()).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(lab.git(&["rev-list", "--count", "deploy"]), "6");
    assert_eq!(lab.git(&["rev-list", "--count", "--merges", "deploy"]), "0");
    lab.fsck();
}
