//! The stores that need no server: a directory, and the stand-in.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use tempfile::TempDir;
use tenantry::engine::{TroubleKind, sandbox::Sandbox, store::Store, stores::directory::Directory};

use super::battery::{Case, fields, run};

struct Files(TempDir);

impl Case for Files {
    fn open(&self) -> Rc<dyn Store> {
        Rc::new(Directory::new(self.0.path().join("store")))
    }

    fn folder(&self) -> &str {
        "tests"
    }
}

struct StandIn(TempDir);

impl Case for StandIn {
    fn open(&self) -> Rc<dyn Store> {
        Rc::new(Sandbox::open(self.0.path(), "store").unwrap())
    }

    fn folder(&self) -> &str {
        "tests"
    }

    /// One process at a time, by its own word.
    fn is_shared(&self) -> bool {
        false
    }
}

mod directory {
    crate::battery!(|_| super::Files(tempfile::tempdir().unwrap()););
}

mod sandbox {
    crate::battery!(|_| super::StandIn(tempfile::tempdir().unwrap()););
}

/// All below a folder with their access rights.
fn rights(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.push((path.clone(), fs::metadata(&path).unwrap().permissions().mode() & 0o777));
        if path.is_dir() {
            all.extend(rights(&path));
        }
    }
    all
}

#[test]
fn nobody_else_can_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Directory::new(folder.path().join("store"));
    run(async {
        store.create("a/b", &fields("x")).await.unwrap();
        let Ok(tenantry::engine::store::Held::Entry(entry)) = store.read("a/b").await else { panic!("it is there") };
        store.replace("a/b", &entry.version, &fields("y")).await.unwrap();
    });
    let rights = rights(folder.path());
    assert!(rights.len() >= 3);
    for (path, mode) in rights {
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
    }
}

#[test]
fn a_directory_without_rights_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("b.json"), "{}").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let result = run(Directory::new(folder.path().to_owned()).read("a/b"));
    // The superuser of a test machine may read everything.
    match (result, fs::read_dir(&path).is_ok()) {
        (Ok(_), true) => {}
        (Err(trouble), false) => assert_eq!(trouble.kind(), TroubleKind::Forbidden),
        (result, _) => panic!("{result:?}"),
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
}
