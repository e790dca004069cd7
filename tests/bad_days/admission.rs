//! Documents that cannot be used: told with file, line and column before any server is asked, whatever else the run was
//! to do.

use std::fs;

use serde_json::{Value, json};

use crate::{
    arguments,
    day::{Day, resource},
    shared::documents,
};

/// Makes a document unusable.
type Damage = fn(&mut Value);

/// What is wrong with a document, and the code that says so.
const FAULTS: [(&str, Damage); 5] = [
    ("document-version", |document| document["apiVersion"] = json!("tenantry.dev/v2")),
    ("document-kind", |document| document["kind"] = json!("Job")),
    ("not-a-choice", |document| document["resources"][0]["kind"] = json!("oracleDatabase")),
    ("invalid-resource-name", |document| document["resources"][0]["name"] = json!("x".repeat(65))),
    ("unknown-connection", |document| document["resources"][0]["connection"] = json!("mysqk")),
];

/// Writes a document over many lines, so that a place says something.
fn lines(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap()
}

/// Whether a run names a place in `file`: file, line and column.
#[track_caller]
fn assert_placed(said: &str, file: &str, line: usize) {
    let at = said.find(&format!("{file}:{line}:")).unwrap_or_else(|| panic!("no {file}:{line}: in {said}"));
    let column = said[at + format!("{file}:{line}:").len()..].chars().next().unwrap();
    assert!(column.is_ascii_digit(), "{said}");
}

/// The commands, and what they demand beside a document.
const COMMANDS: [(&str, &[&str]); 3] = [("plan", &[]), ("apply", &[]), ("destroy", &["--without-backup"])];

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_document_that_cannot_be_used_ends_with_two_before_any_server_is_asked() {
    let day = Day::new();
    let good = day.document(&["mysql", "redis"]);
    let nothing = day.kept(&good);
    let (one, tree) = (day.path("one.yaml"), day.path("tree"));
    for (code, spoil) in FAULTS {
        let mut bad = good.clone();
        spoil(&mut bad);
        let text = lines(&bad);
        let was = lines(&good);
        let line = 1 + text.lines().zip(was.lines()).position(|(now, then)| now != then).unwrap();
        fs::write(&one, &text).unwrap();
        documents::write_tree(&tree, [&good]);
        fs::write(tree.join("tenants").join(&day.tenant.name).join("provision.yaml"), &text).unwrap();
        for (verb, more) in COMMANDS {
            let file = crate::day::run(&day.program, verb, &one, more);
            day.assert_told(&file, 2, &[code, "help: "]);
            assert_placed(&file.stderr, "one.yaml", line);
            let piped = day.run_on_stdin(verb, &text, more);
            day.assert_told(&piped, 2, &[code, "help: "]);
            assert_placed(&piped.stderr, "stdin", line);
            let mut arguments = arguments!["provision", verb, &day.tenant.name, "--from", &tree].to_vec();
            arguments.extend(more.iter().map(std::ffi::OsStr::new));
            let from = day.program.run(&arguments);
            day.assert_told(&from, 2, &[code, "help: "]);
            assert_placed(&from.stderr, &format!("tenants/{}/provision.yaml", day.tenant.name), line);
        }
        let isolation = day.program.run(arguments!["isolation", "--all", "--from", &tree]);
        day.assert_told(&isolation, 2, &[code]);
    }
    day.assert_untouched(&nothing, &good);
    let kept = day.made(&good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn one_bad_document_keeps_all_others_of_the_run_from_being_touched() {
    let (day, neighbour) = (Day::new(), Day::new());
    let (good, other) = (day.document(&["mysql", "redis"]), neighbour.document(&["mysql", "redis"]));
    let (kept, nothing) = (day.made(&good), neighbour.kept(&other));
    let tree = day.path("tree");
    for (code, spoil) in FAULTS {
        let mut bad = good.clone();
        spoil(&mut bad);
        documents::write_tree(&tree, [&bad, &other]);
        for verb in ["plan", "apply"] {
            let ended = day.program.run(arguments!["provision", verb, "--all", "--from", &tree]);
            day.assert_told(&ended, 2, &[code]);
        }
    }
    day.assert_untouched(&kept, &good);
    neighbour.assert_untouched(&nothing, &other);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn two_documents_that_claim_one_resource_are_both_named() {
    let (day, neighbour) = (Day::new(), Day::new());
    let (good, mut thief) = (day.document(&["mysql", "redis"]), neighbour.document(&["mysql", "redis"]));
    let kept = day.made(&good);
    let at = thief["resources"].as_array().unwrap().iter().position(|made| made["id"] == "mysql").unwrap();
    thief["resources"][at]["name"] = resource(&good, "mysql")["name"].clone();
    thief["connections"] = good["connections"].clone();
    let tree = day.path("tree");
    documents::write_tree(&tree, [&good, &thief]);
    for verb in ["plan", "apply"] {
        let ended = day.program.run(arguments!["provision", verb, "--all", "--from", &tree]);
        day.assert_told(&ended, 2, &["claimed-twice", &day.tenant.name, &neighbour.tenant.name]);
    }
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_document_that_is_not_there_is_wrong_usage() {
    let day = Day::new();
    for (verb, more) in COMMANDS {
        let ended = crate::day::run(&day.program, verb, &day.path("nowhere.yaml"), more);
        day.assert_told(&ended, 2, &["nowhere.yaml", "give the file of one provision document"]);
        day.assert_told(&day.run_on_stdin(verb, "", more), 2, &["stdin"]);
    }
}
