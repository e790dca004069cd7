//! A machine whose clock is 40 days wrong, in either direction.

use serde_json::{Value, json};

use crate::{
    arguments,
    day::{ALL, Day},
    shared::{
        administrator::{done, psql},
        documents,
        program::Program,
        servers::variable,
    },
};

/// The program on a machine with another clock: its own time alone is wrong, the servers' is right.
fn skewed(day: &Day, by: &str) -> Program {
    let program = day.program.with("LD_PRELOAD", &variable("TENANTRY_TEST_FAKETIME")).with("FAKETIME", by);
    // Deadlines are counted by a clock that nobody sets.
    program.with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

/// What is not signed with the time.
const UNSIGNED: [&str; 8] = ["mysql", "postgres", "slot", "vhost", "redis", "grafana", "viewer", "session"];

/// A tenant's document that may go at a time, as the database's clock counts from now.
fn leaving(document: &Value, from_now: &str) -> Value {
    let sql =
        format!("SELECT to_char((now() + interval '{from_now}') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    let mut leaving = documents::leaving(document.clone());
    leaving["metadata"]["deleteAfter"] = json!(done(&psql(None, "postgres", &sql)).trim());
    leaving
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao, libfaketime: run by tests/run"]
fn what_is_not_signed_is_made_as_ever() {
    for by in ["+40d", "-40d"] {
        let day = Day::with_openbao();
        let document = day.document(&UNSIGNED);
        let program = skewed(&day, by);
        let run = |verb: &str, more: &[&str]| crate::day::run(&program, verb, &day.file(&document), more);
        run("apply", &[]).report(0);
        let kept = day.kept(&document);
        assert_eq!(run("plan", &["--exit-code"]).status.code(), Some(0), "{by}");
        day.assert_untouched(&kept, &document);
        day.end_well(&kept, &document);
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao, libfaketime: run by tests/run"]
fn signatures_of_another_time_are_refused_with_the_remedy() {
    for by in ["+40d", "-40d"] {
        let day = Day::new();
        for ids in [&["files"][..], &["files", "keys"]] {
            let document = day.document(ids);
            let nothing = day.kept(&document);
            for verb in ["plan", "apply"] {
                let ended = crate::day::run(&skewed(&day, by), verb, &day.file(&document), &[]);
                day.assert_told(&ended, 5, &["connection `minio`", "RequestTimeTooSkewed", "set this machine's clock"]);
            }
            day.assert_untouched(&nothing, &document);
        }
        let document = day.document(&["files", "keys"]);
        let kept = day.made(&document);
        day.end_well(&kept, &document);
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao, libfaketime: run by tests/run"]
fn a_clock_that_runs_ahead_destroys_nothing_early() {
    // Each server's clock is enough; a file and what only files hold have no other clock than the machine's.
    for id in ["mysql", "postgres", "redis", "vhost", "grafana"] {
        let day = Day::new();
        let good = day.document(&[id]);
        let kept = day.made(&good);
        let file = day.file(&leaving(&good, "30 days"));
        let all = ["--without-backup", "--yes-destroy", &day.tenant.name];
        let destroy = |program: &Program| crate::day::run(program, "destroy", &file, &all);
        // By the right clock it is too early, by one that runs ahead it seems due.
        day.assert_told(&destroy(&day.program), 4, &["may go after", "wait: until then it can be restored"]);
        let ended = destroy(&skewed(&day, "+40d"));
        let words =
            ["may go after", "this machine's clock says", "says", "set the clock that is wrong", "nothing was done"];
        day.assert_told(&ended, 4, &words);
        let year = &done(&psql(None, "postgres", "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')"));
        assert!(ended.stderr.contains(year.trim()), "{id}: the server's time is told: {}", ended.stderr);
        day.assert_untouched(&kept, &good);
        day.end_well(&kept, &good);
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao, libfaketime: run by tests/run"]
fn the_clock_of_a_secret_store_counts_too() {
    let day = Day::with_openbao();
    let good = day.document(&["session"]);
    let kept = day.made(&good);
    let file = day.file(&leaving(&good, "30 days"));
    let arguments = ["--without-backup", "--yes-destroy", &day.tenant.name];
    let ended = crate::day::run(&skewed(&day, "+40d"), "destroy", &file, &arguments);
    day.assert_told(&ended, 4, &["that of `store` says", "set the clock that is wrong"]);
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao, libfaketime: run by tests/run"]
fn a_clock_that_is_behind_destroys_late_and_never_wrongly() {
    let day = Day::new();
    let good = day.document(&ALL);
    let kept = day.made(&good);
    let due = leaving(&good, "-1 day");
    let file = day.file(&due);
    let arguments = ["--without-backup", "--yes-destroy", &day.tenant.name];
    let ended = crate::day::run(&skewed(&day, "-40d"), "destroy", &file, &arguments);
    day.assert_told(&ended, 4, &["may go after", "wait"]);
    // Long due by both clocks, yet one of them is wrong.
    let file = day.file(&leaving(&day.document(&UNSIGNED), "-100 days"));
    let ended = crate::day::run(&skewed(&day, "-40d"), "destroy", &file, &arguments);
    day.assert_told(&ended, 4, &["set the clock that is wrong"]);
    day.assert_untouched(&kept, &good);
    day.run("destroy", &due, &arguments).report(0);
    // Nothing is left, whatever the clock: there is nothing to be lost.
    let ended = day.program.run(arguments!["provision", "plan", "--document", &day.file(&good), "--exit-code"]);
    assert_eq!(ended.status.code(), Some(3), "{}", ended.stderr);
}
