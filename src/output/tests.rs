//! Tests of the output directory on the real file system. They may run as root, whom no permission bit stops, so a
//! file in the place of a folder stands for whatever cannot be written.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run programs, read clocks and write files"
)]
#![allow(clippy::unwrap_used)]

use std::{path::PathBuf, time::SystemTime};

use super::*;

fn tree(files: &[(&str, &str)]) -> Tree {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).into())).collect()
}

/// All files below `dir` but the index, with their bytes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(dir)
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| !entry.file_type().is_dir() && entry.file_name() != index::NAME)
        .map(|entry| {
            let path = entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            (path, fs::read(entry.path()).unwrap_or_default())
        })
        .collect()
}

fn changed_at(path: PathBuf) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

fn counts(written: usize, unchanged: usize, removed: usize) -> Written {
    Written { written, unchanged, removed }
}

#[test]
fn a_second_run_changes_nothing_and_a_third_only_what_differs() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("new/out");
    let first = tree(&[("argocd/a.yaml", "a"), ("tenants/x/b.yaml", "b"), ("tenants/y/manifests/c.yaml", "c")]);
    assert_eq!(write(&first, &dir).unwrap(), counts(3, 0, 0));
    let times = [changed_at(dir.join("argocd/a.yaml")), changed_at(dir.join(index::NAME))];
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(write(&first, &dir).unwrap(), counts(0, 3, 0));
    assert_eq!(times, [changed_at(dir.join("argocd/a.yaml")), changed_at(dir.join(index::NAME))]);

    let second = tree(&[("argocd/a.yaml", "a"), ("tenants/x/b.yaml", "B")]);
    assert_eq!(write(&second, &dir).unwrap(), counts(1, 1, 1));
    assert_eq!(times[0], changed_at(dir.join("argocd/a.yaml")));
    assert_eq!(
        files(&dir).into_iter().collect::<Vec<_>>(),
        [("argocd/a.yaml".to_owned(), b"a".to_vec()), ("tenants/x/b.yaml".to_owned(), b"B".to_vec())]
    );
    assert!(!dir.join("tenants/y").exists(), "folders that became empty go too");
}

#[test]
fn a_directory_of_others_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let error = write(&tree(&[("a", "a")]), dir.path()).unwrap_err();
    assert!(matches!(error, OutputError::NotOurs { .. }), "{error}");
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn files_of_others_in_our_directory_stay() {
    let dir = tempfile::tempdir().unwrap();
    write(&tree(&[("tenants/x/a", "a"), ("tenants/y/b", "b")]), dir.path()).unwrap();
    fs::write(dir.path().join("tenants/y/notes.txt"), "mine").unwrap();
    assert_eq!(write(&tree(&[("tenants/x/a", "a")]), dir.path()).unwrap(), counts(0, 1, 1));
    assert_eq!(files(dir.path()).into_keys().collect::<Vec<_>>(), ["tenants/x/a", "tenants/y/notes.txt"]);

    let error = write(&tree(&[("tenants/x/a", "new"), ("tenants/y/notes.txt", "ours")]), dir.path()).unwrap_err();
    assert!(matches!(error, OutputError::Foreign { .. }), "{error}");
    assert_eq!(files(dir.path())["tenants/x/a"], b"a", "refused before anything is written");
}

#[cfg(unix)]
#[test]
fn links_are_never_followed() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("a"), "a").unwrap();
    let both = tree(&[("tenants/x/a", "new"), ("tenants/y/b", "b")]);
    let owned = || {
        let dir = tempfile::tempdir().unwrap();
        write(&tree(&[("tenants/x/a", "a"), ("tenants/y/b", "b"), ("tenants/z/c", "c")]), dir.path()).unwrap();
        dir
    };
    let is_refused = |tree: &Tree, dir: &Path| {
        let error = write(tree, dir).unwrap_err();
        assert!(matches!(error, OutputError::Link { .. }), "{error}");
        assert_eq!(files(outside.path()).into_keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(fs::read(outside.path().join("a")).unwrap(), b"a");
    };

    let dir = owned();
    fs::remove_dir_all(dir.path().join("tenants/x")).unwrap();
    symlink(outside.path(), dir.path().join("tenants/x")).unwrap();
    is_refused(&both, dir.path());
    is_refused(&tree(&[("tenants/y/b", "b")]), dir.path()); // removal of tenants/x/a

    let dir = owned();
    fs::remove_file(dir.path().join("tenants/x/a")).unwrap();
    symlink(outside.path().join("a"), dir.path().join("tenants/x/a")).unwrap();
    is_refused(&both, dir.path());

    let dir = owned();
    fs::remove_file(dir.path().join(index::NAME)).unwrap();
    symlink(outside.path().join("a"), dir.path().join(index::NAME)).unwrap();
    is_refused(&both, dir.path());

    let dir = owned();
    symlink(outside.path().join("a"), dir.path().join("tenants/x").join(temporary_name("a"))).unwrap();
    write(&both, dir.path()).unwrap();
    assert_eq!(fs::read(outside.path().join("a")).unwrap(), b"a");
    assert_eq!(fs::read(dir.path().join("tenants/x/a")).unwrap(), b"new");
}

#[test]
fn paths_that_reach_outside_are_refused() {
    for path in ["", "/a", "../a", "a/../b", "a//b", "a/", "./a", "a\nb", "a\\b", ".tenantry-index", "a/.tenantry-0"] {
        let dir = tempfile::tempdir().unwrap();
        let error = write(&tree(&[(path, "a")]), dir.path()).unwrap_err();
        assert!(matches!(error, OutputError::BadPath { .. }), "{path}: {error}");
        assert!(files(dir.path()).is_empty());
    }
}

#[test]
fn an_index_that_reaches_outside_removes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("out");
    write(&tree(&[("a", "a")]), &dir).unwrap();
    fs::write(root.path().join("victim"), "mine").unwrap();
    fs::write(dir.join(index::NAME), "tenantry-index 1\na\n../victim\n").unwrap();
    let error = write(&tree(&[("a", "a")]), &dir).unwrap_err();
    assert!(matches!(error, OutputError::BadIndex { line: 3, .. }), "{error}");
    assert!(root.path().join("victim").exists());
    fs::write(dir.join(index::NAME), "tenantry-index 2\n").unwrap();
    assert!(matches!(write(&Tree::new(), &dir).unwrap_err(), OutputError::BadIndex { line: 1, .. }));
}

/// A run of old → new, killed after each of its steps, as the directory would be then.
#[test]
fn a_killed_run_is_finished_by_the_next() {
    let old = tree(&[("tenants/x/a", "a"), ("tenants/y/b", "b")]);
    let new = tree(&[("tenants/x/a", "A"), ("tenants/z/c", "c")]);
    let fresh = tempfile::tempdir().unwrap();
    write(&new, fresh.path()).unwrap();
    let union = BTreeSet::from(["tenants/x/a", "tenants/y/b", "tenants/z/c"]);
    let half =
        |dir: &Path, path: &str| fs::write(dir.join(parent(path)).join(temporary_name(name(path))), "ha").unwrap();
    type Step<'a> = Box<dyn Fn(&Path) + 'a>;
    let steps: Vec<Step<'_>> = vec![
        Box::new(|dir| fs::write(dir.join(".tenantry-index.new"), "tenantry-index 1 unf").unwrap()),
        Box::new(|dir| index::write(dir, &union, State::Unfinished).unwrap()),
        Box::new(|dir| fs::remove_file(dir.join("tenants/y/b")).unwrap()),
        Box::new(|dir| fs::create_dir(dir.join("tenants/z")).unwrap()),
        Box::new(|dir| half(dir, "tenants/z/c")),
        Box::new(|dir| half(dir, "tenants/x/a")),
        Box::new(|dir| replace(&dir.join("tenants/x"), "a", "A").unwrap()),
    ];
    for killed_after in 0..=steps.len() {
        for (tree, expected) in [(&new, &new), (&old, &old)] {
            let dir = tempfile::tempdir().unwrap();
            write(&old, dir.path()).unwrap();
            steps[..killed_after].iter().for_each(|step| step(dir.path()));
            write(tree, dir.path()).unwrap();
            let found = files(dir.path());
            let wanted = expected.iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect();
            assert_eq!(found, wanted, "killed after step {killed_after}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    steps[0](dir.path());
    write(&new, dir.path()).unwrap();
    assert_eq!(files(dir.path()), files(fresh.path()));
}

#[test]
fn a_file_may_become_a_folder_and_back() {
    let dir = tempfile::tempdir().unwrap();
    for tree in [tree(&[("a", "1")]), tree(&[("a/b", "2")]), tree(&[("a", "3")])] {
        write(&tree, dir.path()).unwrap();
        assert_eq!(files(dir.path()).len(), 1);
    }
}

#[test]
fn what_cannot_be_written_names_the_path_and_leaves_nothing_half_written() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    let error = write(&tree(&[("a", "a")]), &root.path().join("file/out")).unwrap_err();
    assert!(error.to_string().contains("file/out") && !error.hint().is_empty(), "{error}: {}", error.hint());

    let dir = root.path().join("out");
    write(&tree(&[("a", "a")]), &dir).unwrap();
    fs::write(dir.join("tenants"), "in the way").unwrap();
    let error = write(&tree(&[("a", "A"), ("tenants/x", "x")]), &dir).unwrap_err();
    assert!(matches!(error, OutputError::Foreign { .. }), "{error}");
    assert_eq!(files(&dir).into_keys().collect::<Vec<_>>(), ["a", "tenants"]);
}

#[cfg(unix)]
#[test]
fn two_runs_at_once_are_kept_apart() {
    let dir = tempfile::tempdir().unwrap();
    let held = lock(dir.path()).unwrap();
    assert!(matches!(write(&tree(&[("a", "a")]), dir.path()), Err(OutputError::Busy { .. })));
    drop(held);
    write(&tree(&[("a", "a")]), dir.path()).unwrap();
}

#[test]
fn a_full_or_read_only_disk_has_a_remedy() {
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied] {
        assert!(!OutputError::io("write the file", "x")(kind.into()).hint().is_empty());
    }
}
