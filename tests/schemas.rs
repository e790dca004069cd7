//! The committed JSON Schemas are what the code makes; refresh with `cargo run -- schema --out schemas`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test runs the binary and reads files")]

use std::{fs, path::Path};

#[test]
fn the_committed_schemas_are_in_step() {
    let made = tempfile::tempdir().unwrap();
    assert_cmd::cargo::cargo_bin_cmd!("tenantry").args(["schema", "--out"]).arg(made.path()).assert().success();
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut compared = 0;
    for entry in fs::read_dir(made.path()).unwrap() {
        let entry = entry.unwrap();
        let committed = committed.join(entry.file_name());
        let (made, known) = (fs::read_to_string(entry.path()).unwrap(), fs::read_to_string(&committed));
        assert!(
            known.as_ref().is_ok_and(|known| *known == made),
            "{} is out of step: cargo run -- schema --out schemas",
            committed.display()
        );
        compared += 1;
    }
    assert_eq!(compared, 11);
}
