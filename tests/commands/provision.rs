//! `provision` over stand-ins: what a person sees, from the commit to the removal.

use serde_json::Value;

use crate::estate::{Scratch, stderr, stdout};

const TENANT: &str = "abc-corporation-7f3a9c";

/// The flagship, committed and rendered to its output branch.
fn committed() -> Scratch {
    let scratch = Scratch::flagship();
    let _ = scratch.run(&["commit", "--author", "Platform Bot <bot@example.com>"]).success();
    scratch
}

fn report(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn what_was_committed_is_planned_made_and_then_left_alone() {
    let scratch = committed();
    let sandbox = ["--sandbox", "sandbox"];
    let run = |arguments: &[&str]| scratch.run(&[&["provision"], arguments, &sandbox].concat());
    let planned = report(&stdout(&run(&["plan", TENANT, "--format", "json"]).success()));
    assert_eq!(planned["counts"]["create"], 19);
    let _ = run(&["plan", TENANT, "--exit-code"]).code(3);
    let made = report(&stdout(&run(&["apply", TENANT, "--format", "json"]).success()));
    assert!(made["resources"].as_array().unwrap().iter().all(|resource| resource.get("trouble").is_none()), "{made:#}");
    assert_eq!(stdout(&run(&["apply", TENANT]).success()), "19 resources: 19 ok\n");
    let _ = run(&["plan", TENANT, "--exit-code"]).success();
    // All tenants of the branch: the one that is being deleted is left as it is.
    let all = report(&stdout(&run(&["apply", "--all", "--format", "json"]).success()));
    assert_eq!(all["left"].as_array().unwrap().len(), 1);
    let _ = run(&["plan", "--all", "--exit-code"]).success();
}

#[test]
fn nobody_is_destroyed_by_mistake() {
    let scratch = committed();
    let destroy =
        |arguments: &[&str]| scratch.run(&[&["provision", "destroy"], arguments, &["--sandbox", "sandbox"]].concat());
    let refused = destroy(&[TENANT, "--without-backup", "--yes-destroy", TENANT]).code(4);
    assert!(stderr(&refused).contains("not being deleted"), "{}", stderr(&refused));
    let _ = destroy(&[TENANT, "summit-outdoor", "--without-backup"]).code(2);
}

#[test]
fn a_name_that_is_no_tenant_is_told() {
    let scratch = committed();
    let told = scratch.run(&["provision", "plan", "abc-corporation-7f3a9", "--sandbox", "sandbox"]).code(2);
    assert!(stderr(&told).contains("did you mean `abc-corporation-7f3a9c`?"), "{}", stderr(&told));
}
