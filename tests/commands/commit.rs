//! `commit`: one commit or none, on the output branch alone, and a push that counts only when it is confirmed.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::estate::{FIRST, Scratch, git, stderr, stdout};

const AUTHOR: &str = "Platform Bot <bot@example.com>";

#[test]
fn the_tree_is_one_commit_with_trailers_and_the_second_run_makes_none() {
    let scratch = Scratch::repository();
    let made = stdout(&scratch.run(&["commit", "--author", AUTHOR, "--format", "json"]).success());
    let document: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(document["branch"], "rendered");
    assert_eq!(document["changed"]["tenants"], serde_json::json!([FIRST]));
    let commit = scratch.git(&["rev-parse", "rendered"]);
    assert_eq!(document["commit"], Value::String(commit.clone()));
    assert_eq!(scratch.git(&["rev-list", "--count", "rendered"]), "1");
    let message = scratch.git(&["log", "-1", "--format=%an <%ae>%n%B", "rendered"]);
    assert!(message.starts_with(AUTHOR), "{message}");
    let head = scratch.git(&["rev-parse", "HEAD"]);
    let tree = scratch.git(&["rev-parse", "rendered^{tree}"]);
    let digest = format!("Tree-Digest: git:{tree}");
    for trailer in [format!("Source-Revision: {head}"), "Tenantry-Version: ".into(), "Tenantry-Build: ".into(), digest]
    {
        assert!(message.contains(&trailer), "{message}");
    }
    // Nothing of the work tree moved, and the repository is whole.
    assert_eq!(scratch.git(&["status", "--porcelain"]), "");
    scratch.git(&["fsck", "--full", "--strict"]);

    let again = stdout(&scratch.run(&["commit", "--author", AUTHOR, "--format", "json"]).success());
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap()["commit"], Value::Null);
    assert_eq!(scratch.git(&["rev-parse", "rendered"]), commit);
}

#[test]
fn what_is_committed_is_what_render_writes() {
    let scratch = Scratch::repository();
    let _ = scratch.run(&["commit", "--author", AUTHOR]).success();
    let out = scratch.beside("out");
    let _ = scratch.run(&["render", "--out", out.to_str().unwrap()]).success();
    for path in scratch.git(&["ls-tree", "-r", "--name-only", "rendered"]).lines() {
        let committed = scratch.git(&["show", &format!("rendered:{path}")]);
        assert_eq!(fs::read_to_string(out.join(path)).unwrap().trim_end(), committed, "{path}");
    }
}

#[test]
fn a_dirty_or_invalid_estate_is_refused() {
    let scratch = Scratch::repository();
    scratch.edit(&format!("tenants/{FIRST}.yaml"), "First Customer", "Another Name");
    let refused = scratch.run(&["commit", "--author", AUTHOR]).code(4);
    assert!(stderr(&refused).contains(&format!("tenants/{FIRST}.yaml")));
    scratch.edit(&format!("tenants/{FIRST}.yaml"), "tier: standard", "tier: gold");
    scratch.record("a mistake");
    let _ = scratch.run(&["commit", "--author", AUTHOR]).code(1);
    assert_eq!(scratch.git(&["branch", "--list", "rendered"]), "");
}

#[test]
fn a_commit_that_takes_many_tenants_away_needs_the_dangerous_flag() {
    let scratch = Scratch::repository();
    for number in 1..=3 {
        scratch.add_tenant(&format!("customer-00000{number}"), &format!("00000000000{number}"));
    }
    scratch.record("three more");
    let _ = scratch.run(&["commit", "--author", AUTHOR]).success();
    for number in 1..=2 {
        fs::remove_file(scratch.path().join(format!("tenants/customer-00000{number}.yaml"))).unwrap();
    }
    scratch.record("two gone");
    let refused = scratch.run(&["commit", "--author", AUTHOR]).code(4);
    assert!(stderr(&refused).contains("customer-000001") && stderr(&refused).contains("--dangerous-allow-removals 2"));
    let _ = scratch.run(&["commit", "--author", AUTHOR, "--dangerous-allow-removals", "3"]).code(4);
    let _ = scratch.run(&["commit", "--author", AUTHOR, "--dangerous-allow-removals", "2"]).success();
}

#[test]
fn a_push_counts_only_when_the_remote_confirms_it() {
    let scratch = Scratch::repository();
    let remote = scratch.beside("remote.git");
    scratch.git(&["init", "-q", "--bare", remote.to_str().unwrap()]);
    scratch.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    let pushed = stdout(&scratch.run(&["commit", "--push", "--author", AUTHOR]).success());
    assert!(pushed.contains("pushed"), "{pushed}");
    assert_eq!(git(&remote, &["rev-parse", "rendered"]), scratch.git(&["rev-parse", "rendered"]));

    let hook = remote.join("hooks/pre-receive");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho no >&2\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    scratch.edit(&format!("tenants/{FIRST}.yaml"), "First Customer", "Another Name");
    scratch.record("a new name");
    let before = git(&remote, &["rev-parse", "rendered"]);
    let refused = scratch.run(&["commit", "--push", "--author", AUTHOR]).code(5);
    assert!(stderr(&refused).contains("refused"), "{}", stderr(&refused));
    assert_eq!(git(&remote, &["rev-parse", "rendered"]), before);
}
