//! Tests of the load step on real directories.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;

fn estate(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn names(sources: &Sources) -> Vec<&str> {
    sources.iter().map(|(name, _)| name).collect()
}

fn refusal(root: &Path, name: &str) -> Refusal {
    directory(root).unwrap().get(name).unwrap().clone().unwrap_err()
}

#[test]
fn only_what_belongs_is_read() {
    let root = estate(&[
        ("tenantry.yaml", "a"),
        ("tenants/a.yaml", "b"),
        ("templates/shop/deep/x.yaml.j2", "c"),
        ("charts/shop/.helmignore", "d"),
        ("target/huge", "no"),
        ("README.md", "no"),
        ("tenants.yaml", "no"),
    ]);
    let sources = directory(root.path()).unwrap();
    assert_eq!(
        names(&sources),
        ["charts/shop/.helmignore", "templates/shop/deep/x.yaml.j2", "tenantry.yaml", "tenants/a.yaml"]
    );
    assert_eq!(sources.get("tenants/a.yaml").unwrap().as_deref().unwrap(), b"b");
}

#[test]
fn leftovers_of_editors_are_no_tenants() {
    let root = estate(&[
        ("tenants/a.yaml", "a"),
        ("tenants/.a.yaml.swp", "no"),
        ("tenants/a.yaml~", "no"),
        ("tenants/#a.yaml#", "no"),
        ("tenants/.git/b.yaml", "no"),
    ]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("me@host.1:2", root.path().join("tenants/.#a.yaml")).unwrap();
    assert_eq!(names(&directory(root.path()).unwrap()), ["tenants/a.yaml"]);
}

#[test]
fn the_limit_itself_is_accepted_and_one_byte_more_is_not() {
    let full = "x".repeat(64 << 10);
    let root = estate(&[("tenants/full.yaml", &full), ("tenants/more.yaml", &format!("{full}x"))]);
    assert_eq!(directory(root.path()).unwrap().get("tenants/full.yaml").unwrap().as_ref().unwrap().len(), full.len());
    assert_eq!(refusal(root.path(), "tenants/more.yaml"), Refusal::TooLarge((64 << 10) + 1));
}

#[cfg(unix)]
#[test]
fn links_sockets_and_executables_are_refused() {
    use std::os::unix::{fs::PermissionsExt, fs::symlink, net::UnixListener};
    let root = estate(&[("tenants/a.yaml", "a"), ("tenants/x.yaml", "x"), ("outside/y.yaml", "no")]);
    let at = |path: &str| root.path().join(path);
    symlink("a.yaml", at("tenants/link.yaml")).unwrap();
    symlink(at("outside"), at("tenants/folder")).unwrap();
    symlink(at("outside"), at("tiers")).unwrap();
    fs::set_permissions(at("tenants/x.yaml"), fs::Permissions::from_mode(0o755)).unwrap();
    let _socket = UnixListener::bind(at("tenants/socket")).unwrap();
    let refused = |name: &str| refusal(root.path(), name);
    assert_eq!(refused("tenants/link.yaml"), Refusal::NotRegular("symbolic link".to_owned()));
    assert_eq!(refused("tenants/folder"), Refusal::NotRegular("symbolic link".to_owned()));
    assert_eq!(refused("tiers"), Refusal::NotRegular("symbolic link".to_owned()));
    assert_eq!(refused("tenants/x.yaml"), Refusal::NotRegular("executable".to_owned()));
    assert_eq!(refused("tenants/socket"), Refusal::NotRegular("socket, pipe or device".to_owned()));
}

#[test]
fn a_folder_as_estate_file_and_a_file_as_folder_are_refused() {
    let root = estate(&[("tenantry.yaml/a", "a"), ("tenants", "b")]);
    assert_eq!(refusal(root.path(), "tenantry.yaml"), Refusal::NotRegular("folder in the place of a file".to_owned()));
    assert_eq!(refusal(root.path(), "tenants"), Refusal::NotRegular("file in the place of a folder".to_owned()));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_shown_and_refused() {
    use std::os::unix::ffi::OsStrExt;
    let root = estate(&[("tenants/a.yaml", "a")]);
    fs::write(root.path().join("tenants").join(std::ffi::OsStr::from_bytes(b"b\xff.yaml")), "b").unwrap();
    assert_eq!(refusal(root.path(), "tenants/b\u{fffd}.yaml"), not_utf8());
}

#[test]
fn the_nearest_estate_is_found_from_below() {
    let root = estate(&[("tenantry.yaml", ""), ("inner/tenantry.yaml", ""), ("inner/tenants/a.yaml", "")]);
    assert_eq!(find_estate(&root.path().join("inner/tenants")).unwrap(), root.path().join("inner"));
    assert_eq!(find_estate(root.path()).unwrap(), root.path());
}

#[test]
fn a_missing_directory_is_an_error_not_an_empty_estate() {
    let root = estate(&[("file", "")]);
    assert!(matches!(directory(&root.path().join("gone")), Err(LoadError::Directory { .. })));
    assert!(matches!(directory(&root.path().join("file")), Err(LoadError::Directory { .. })));
}
