//! Runs that are stopped or killed half-way, at a moment of the test's choice. That two or more run at once is what
//! tests/proof/races.rs is about.

use std::{
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    arguments,
    day::{Day, resource},
    shared::{administrator::done, program::Ended, servers::variable, stores},
    wire::{At, Fault, Proxy},
};

/// Who asks for an end waits no longer than this.
const LONGEST: Duration = Duration::from_secs(10);

/// A run whose requests to MariaDB pass through a proxy.
struct Course {
    day: Day,
    proxy: Proxy,
    good: Value,
    proxied: Value,
}

impl Course {
    fn new() -> Self {
        let day = Day::new();
        let port = variable("TENANTRY_TEST_MARIADB_PORT");
        let proxy = Proxy::mysql(format!("127.0.0.1:{port}").parse().unwrap());
        let good = day.document(&["mysql", "redis", "files", "keys"]);
        let mut proxied = good.clone();
        proxied["connections"]["mysql"]["port"] = json!(proxy.address().port());
        Self { day, proxy, good, proxied }
    }

    /// Starts an apply, and returns when its n-th write to MariaDB hangs.
    fn hanging(&self, at: At) -> Child {
        self.proxy.reset();
        self.proxy.arm(at, Fault::Stall);
        let file = self.day.file(&self.proxied);
        let arguments = arguments!["provision", "apply", "--document", &file, "--format", "json"];
        let mut child = self.day.program.command(arguments).spawn().unwrap();
        let start = Instant::now();
        while !self.proxy.fired() {
            assert_eq!(child.try_wait().unwrap(), None, "it ended before its write");
            assert!(start.elapsed() < Duration::from_secs(20), "it never writes");
            thread::sleep(Duration::from_millis(10));
        }
        child
    }
}

fn signal(child: &Child, name: &str) {
    done(&Command::new("kill").args([name, &child.id().to_string()]).output().unwrap());
}

/// How many steps of a resource stand so.
fn steps(report: &Value, id: &str, outcome: &str) -> usize {
    resource(report, id)["steps"].as_array().unwrap().iter().filter(|step| step["outcome"] == outcome).count()
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn an_end_that_is_asked_for_comes_within_seconds_and_says_what_is_left() {
    for name in ["-TERM", "-INT"] {
        let course = Course::new();
        let child = course.hanging(At::write(3));
        let start = Instant::now();
        signal(&child, name);
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
        course.day.assert_told(&ended, 75, &[]);
        let report = ended.report(75);
        assert!(steps(&report, "mysql", "done") >= 1, "{report:#}");
        assert!(steps(&report, "mysql", "planned") >= 1, "what was not tried is told: {report:#}");
        let stored = course.day.entries();
        course.proxy.reset();
        let planned = course.day.run("plan", &course.good, &["--exit-code"]);
        assert!(steps(&planned.report(3), "mysql", "planned") >= 1);
        course.day.assert_good(&stored, &course.good);
        course.day.leave(&course.good);
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn an_end_that_is_asked_for_comes_though_the_server_hangs_for_good() {
    let course = Course::new();
    let child = course.hanging(At::write(2).and_after());
    // Whatever comes after it hangs, too, reads included.
    course.proxy.arm(At::nth(1).and_after(), Fault::Stall);
    let start = Instant::now();
    signal(&child, "-TERM");
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    course.day.assert_told(&ended, 75, &["run the same command again"]);
    let stored = course.day.entries();
    course.proxy.reset();
    course.day.assert_good(&stored, &course.good);
    course.day.leave(&course.good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_second_run_finishes_what_a_killed_one_began() {
    for write in [1, 3, 5] {
        let course = Course::new();
        let child = course.hanging(At::write(write));
        signal(&child, "-KILL");
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(ended.status.code(), None, "killed");
        course.day.assert_harmless(&ended);
        course.proxy.reset();
        let stored = course.day.entries();
        assert!(stored.keys().any(|key| key.ends_with("/mysql")), "stored before any write: {:?}", stored.keys());
        let planned = course.day.run("plan", &course.good, &["--exit-code"]);
        course.day.assert_told(&planned, 3, &[]);
        assert!(steps(&planned.report(3), "mysql", "planned") >= 1, "write {write}");
        assert_eq!(course.day.plan(&course.good).status.code(), Some(0), "without --exit-code a plan ends well");
        let now = course.day.entries();
        assert_eq!(stores::lost(&stored, &now), [""; 0]);
        assert_eq!(now, stored, "a plan stores nothing");
        course.day.assert_good(&stored, &course.good);
        course.day.leave(&course.good);
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_removal_that_is_stopped_is_gone_on_with() {
    let course = Course::new();
    course.day.made(&course.good);
    let leaving = |document: &Value| crate::shared::documents::leaving(document.clone());
    course.proxy.arm(At::write(2), Fault::Stall);
    let file = course.day.file(&leaving(&course.proxied));
    let tenant = &course.day.tenant.name;
    let arguments = arguments![
        "provision",
        "destroy",
        "--document",
        &file,
        "--without-backup",
        "--yes-destroy",
        tenant,
        "--format",
        "json"
    ];
    let child = course.day.program.command(arguments).spawn().unwrap();
    let start = Instant::now();
    while !course.proxy.fired() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never writes");
        thread::sleep(Duration::from_millis(10));
    }
    let start = Instant::now();
    signal(&child, "-TERM");
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    course.day.assert_told(&ended, 75, &[]);
    course.proxy.reset();
    assert!(course.day.entries().keys().any(|key| key.ends_with("/mysql")), "the credential goes last");
    course.day.leave(&course.good);
    let again = course.day.destroy(&leaving(&course.good), &[]);
    course.day.assert_told(&again, 0, &["gone"]);
}
