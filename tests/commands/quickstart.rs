//! `quickstart`: the whole main job, with nothing to install and no git configuration.

use std::fs;

use crate::estate::{git, stderr, stdout, tenantry};

#[test]
fn quickstart_does_the_main_job() {
    let folder = tempfile::tempdir().unwrap();
    let run = tenantry(folder.path()).args(["quickstart", "demo"]).assert().success();
    let text = stdout(&run);
    let demo = folder.path().join("demo");
    assert_eq!(stderr(&run), "", "nothing but results in a pipe");
    assert!(text.contains("northwind"), "{text}");
    assert!(text.contains("tenantry explain"), "{text}");
    // Two commits of the rendered tree: before and after the new tenant.
    assert_eq!(git(&demo, &["rev-list", "--count", "rendered"]), "2");
    assert_eq!(git(&demo, &["status", "--porcelain"]), "");
    git(&demo, &["fsck", "--full", "--strict"]);
    let files = git(&demo, &["ls-tree", "-r", "--name-only", "rendered"]);
    assert!(files.lines().count() > 200, "{} files", files.lines().count());
    // The next commands that it names work there.
    let _ = tenantry(&demo).args(["check", "--rendered", "--deny", "warnings"]).assert().success();
    let refused = tenantry(folder.path()).args(["quickstart", "demo"]).assert().code(4);
    assert!(stderr(&refused).contains("not empty"));
    assert!(fs::read_dir(&demo).unwrap().count() > 3);
}
