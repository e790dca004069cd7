//! `init`: an estate that passes, and nothing of the user's overwritten.

use std::fs;

use crate::estate::{Scratch, stderr, stdout, tenantry};

#[test]
fn init_writes_an_estate_that_passes_and_renders() {
    let scratch = Scratch::starter();
    let checked = scratch.run(&["check", "--rendered", "--deny", "warnings"]).success();
    assert_eq!(stdout(&checked), "no findings in 1 tenant\n");
    let rendered = scratch.run(&["render"]).success();
    assert!(stdout(&rendered).contains("kind: Deployment"));
    assert!(scratch.path().join("schemas/tenant.schema.json").is_file(), "editors need the schemas");
}

#[test]
fn init_refuses_a_folder_that_holds_something() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    let refused = tenantry(folder.path()).args(["init", "."]).assert().code(4);
    assert!(stderr(&refused).contains("is not empty"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
