//! What a person may say beside the documents: `--on-failure`, `--adopt`, `--dangerous-replace`, and all that a removal
//! asks for.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::{
    arguments,
    day::{Day, assert_shape, resource},
    eyes, listeners,
    shared::{
        administrator::{done, mariadb, rabbitmq, redis},
        documents,
        program::Ended,
    },
};

/// The document with one server away: the rest of the tenant can be made, all of it cannot.
fn crippled(good: &Value) -> Value {
    let mut bad = good.clone();
    bad["connections"]["postgres"]["port"] = json!(listeners::closed_port());
    bad
}

fn outcomes(report: &Value, id: &str) -> Vec<String> {
    let steps = resource(report, id)["steps"].as_array().unwrap().iter();
    steps.map(|step| step["outcome"].as_str().unwrap().to_owned()).collect()
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_failed_run_keeps_what_it_made_unless_it_is_told_otherwise() {
    let day = Day::new();
    let good = day.document(&["mysql", "postgres", "files", "redis", "vhost"]);
    for more in [&["--on-failure", "keep"][..], &[]] {
        day.assert_told(&day.run("apply", &crippled(&good), more), 75, &["connection `postgres`"]);
        for id in ["mysql", "files", "redis", "vhost"] {
            assert_ne!(eyes::look(&day.servers, resource(&good, id)).trim(), "", "{id} stays");
        }
    }
    let kept = day.kept(&good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_rollback_takes_back_what_the_run_made_and_nothing_that_it_found() {
    let day = Day::new();
    let found = day.document(&["mysql", "postgres"]);
    let good = day.document(&["mysql", "postgres", "files", "redis", "vhost"]);
    // Found: a database with data. Made by the run: all others.
    let before = day.made(&found);
    let database = resource(&good, "mysql")["name"].as_str().unwrap();
    done(&mariadb(None, database, "CREATE TABLE sentinel (x INT) AS SELECT 4711 AS x"));
    let before_found = day.kept(&found);
    let ended = day.run("apply", &crippled(&good), &["--on-failure", "rollback"]);
    day.assert_told(&ended, 75, &["connection `postgres`"]);
    let report = ended.report(75);
    for id in ["files", "redis", "vhost"] {
        assert!(outcomes(&report, id).contains(&"undone".to_owned()), "{id}: {report:#}");
        assert_eq!(eyes::look(&day.servers, resource(&good, id)).trim(), "", "{id} was made by this run alone");
    }
    assert_eq!(outcomes(&report, "mysql"), [""; 0], "what was found is left alone");
    assert_eq!(day.kept(&found).dump(), before_found.dump());
    assert_eq!(done(&mariadb(None, database, "SELECT x FROM sentinel")).trim(), "4711");
    assert_eq!(crate::shared::stores::lost(before.entries(), &day.entries()), [""; 0], "no password is taken back");

    // The same from nothing: a database that the run made is empty, and goes.
    let fresh = Day::new();
    let good_too = fresh.document(&["mysql", "postgres", "redis"]);
    fresh.assert_told(&fresh.run("apply", &crippled(&good_too), &["--on-failure", "rollback"]), 75, &[]);
    assert_eq!(eyes::look(&fresh.servers, resource(&good_too, "mysql")).trim(), "");
    let stored = fresh.entries();
    fresh.assert_good(&stored, &good_too);
    fresh.leave(&good_too);
    let kept = day.kept(&good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn what_carries_no_claim_is_taken_over_by_its_name_and_by_no_other() {
    let day = Day::new();
    let good = day.document(&["mysql", "redis"]);
    let user = resource(&good, "redis")["user"].as_str().unwrap();
    done(&redis(None, &["ACL", "SETUSER", user, "on", ">somebody-elses", "~shop:*", "+get"]));
    let foreign = day.kept(&good);
    for verb in ["plan", "apply"] {
        let ended = day.run(verb, &good, &[]);
        day.assert_told(&ended, 4, &["exists and carries no claim", &format!("`--adopt redisUser/{user}`")]);
        day.assert_untouched(&foreign, &good);
    }
    for (adopt, words) in [
        (format!("redisUser/{user}x"), ["is no resource of these documents", &format!("redisUser/{user}")]),
        (format!("bucket/{user}"), ["is no resource of these documents", &format!("redisUser/{user}")]),
        (format!("redis/{user}"), ["is no kind", "redisUser"]),
        (user.to_owned(), ["KIND/NAME", "bucket/abc--files"]),
    ] {
        day.assert_told(&day.run("apply", &good, &["--adopt", &adopt]), 2, &words);
        day.assert_untouched(&foreign, &good);
    }
    // Another resource of the tenant is no leave to take this one.
    let ended = day.run("apply", &good, &["--adopt", &format!("mysqlDatabase/{user}")]);
    day.assert_told(&ended, 4, &["exists and carries no claim"]);
    day.assert_untouched(&foreign, &good);
    let ended = day.run("apply", &good, &["--adopt", &format!("redisUser/{user}")]);
    day.assert_told(&ended, 0, &[&format!("taking over: redisUser `{user}`")]);
    let kept = day.kept(&good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn what_cannot_be_changed_in_place_is_replaced_only_when_it_is_asked_for() {
    let day = Day::new();
    let good = day.document(&["vhost", "redis"]);
    day.made(&good);
    let mut other = good.clone();
    let at = good["resources"].as_array().unwrap().iter().position(|made| made["id"] == "vhost").unwrap();
    other["resources"][at]["spec"]["queues"]["orders"] = json!({"type": "classic", "maxLength": 1000});
    let vhost = resource(&good, "vhost")["name"].as_str().unwrap();
    let kept = day.kept(&good);
    for verb in ["plan", "apply"] {
        let ended = day.run(verb, &other, &[]);
        day.assert_told(&ended, 4, &["queue `orders`", "cannot be changed in place", "--dangerous-replace"]);
        day.assert_untouched(&kept, &good);
    }
    day.assert_told(&day.run("apply", &other, &["--dangerous-replace"]), 0, &["orders"]);
    let (_, queue) = rabbitmq(None, "GET", &format!("queues/{vhost}/orders"), &Value::Null);
    let queue: Value = serde_json::from_str(&queue).unwrap();
    assert_eq!(queue["arguments"]["x-max-length"], 1000, "{queue:#}");
    let kept = day.kept(&other);
    day.end_well(&kept, &other);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_removal_is_refused_until_everything_is_said() {
    let (day, neighbour) = (Day::new(), Day::new());
    let good = day.document(&["mysql", "redis", "files"]);
    let kept = day.made(&good);
    let tenant = day.tenant.name.as_str();
    let leaving = documents::leaving(good.clone());
    let with = |key: &str, value: Value| {
        let mut changed = leaving.clone();
        changed["metadata"][key] = value;
        changed
    };
    let mut endless = leaving.clone();
    endless["metadata"].as_object_mut().unwrap().remove("deleteAfter");
    let all: &[&str] = &["--without-backup", "--yes-destroy", tenant];
    let cases: [(&Value, &[&str], i32, &[&str]); 8] = [
        (&good, all, 4, &["is active, not being deleted", "deletion is two commits"]),
        (&with("deleteAfter", json!("2999-01-01T00:00:00Z")), all, 4, &["may go after 2999", "it can be restored"]),
        (&with("deleteAfter", json!("tomorrow")), all, 2, &["invalid-time"]),
        (&endless, all, 2, &["lifecycle-mismatch"]),
        (&leaving, &["--yes-destroy", tenant], 4, &["no backup of", "--without-backup"]),
        (&leaving, &["--without-backup"], 4, &["nobody is there to ask", "--yes-destroy", "hold data"]),
        (&leaving, &["--without-backup", "--yes-destroy", &neighbour.tenant.name], 2, &["is not the tenant"]),
        (&leaving, &["--without-backup", "--yes-destroy", ""], 2, &["is not the tenant"]),
    ];
    for (document, arguments, code, words) in cases {
        day.assert_told(&day.run("destroy", document, arguments), code, words);
        day.assert_untouched(&kept, &good);
    }
    // A name on stdin is no answer of a person.
    let file = day.file(&leaving);
    let mut command = day.program.command(arguments!["provision", "destroy", "--document", &file, "--without-backup"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{tenant}\n").as_bytes()).unwrap();
    day.assert_told(&Ended::from(child.wait_with_output().unwrap()), 4, &["nobody is there to ask"]);
    let tree = day.path("tree");
    documents::write_tree(&tree, [&leaving]);
    for more in [&["--all"][..], &[tenant, "another"]] {
        let mut arguments = arguments!["provision", "destroy", "--from", &tree, "--without-backup"].to_vec();
        arguments.extend(more.iter().map(std::ffi::OsStr::new));
        day.assert_told(&day.program.run(&arguments), 2, &["one tenant at a time"]);
    }
    day.assert_untouched(&kept, &good);
    // A run leaves what is being deleted as it is, and says so.
    let ended = day.apply(&leaving);
    day.assert_told(&ended, 0, &[tenant]);
    assert_eq!(ended.report(0)["left"], json!([tenant]));
    day.assert_untouched(&kept, &good);
    day.assert_told(&day.destroy(&leaving, &[]), 0, &["done"]);
    assert_eq!(eyes::dump(&day.servers, &good), "");
    day.assert_told(&day.destroy(&leaving, &[]), 0, &["gone"]);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn the_text_for_people_names_the_same_as_the_report_for_programs() {
    let day = Day::new();
    let good = day.document(&["mysql", "postgres", "redis"]);
    let bad = crippled(&good);
    let text = |verb: &str, document: &Value| {
        day.program.run(arguments!["provision", verb, "--document", &day.file(document)])
    };
    let planned = text("plan", &good);
    day.assert_told(&planned, 0, &["create", "3 resources: 3 create"]);
    for verb in ["plan", "apply"] {
        let ended = text(verb, &bad);
        day.assert_told(
            &ended,
            75,
            &["unreachable postgresDatabase", "connection `postgres`", "help: see whether the server runs"],
        );
    }
    let kept = day.kept(&good);
    day.assert_good(kept.entries(), &good);
    let tree = day.path("tree");
    documents::write_tree(&tree, [&good]);
    let isolation = |arguments: &[&std::ffi::OsStr]| day.program.run(arguments);
    let matrix = isolation(arguments!["isolation", "--all", "--from", &tree, "--format", "json"]).report(0);
    assert_shape(&matrix);
    // A credential that does not work any more locks its tenant out; that is no hole.
    let user = resource(&good, "redis")["user"].as_str().unwrap();
    done(&redis(None, &["ACL", "SETUSER", user, "off"]));
    let ended = isolation(arguments!["isolation", "--all", "--from", &tree, "--format", "json"]);
    day.assert_told(&ended, 5, &["lockedOut", user]);
    assert_shape(&ended.report(5));
    day.assert_good(kept.entries(), &good);
    documents::write_tree(&tree, [&bad]);
    let ended = isolation(arguments!["isolation", "--all", "--from", &tree, "--format", "json"]);
    day.assert_told(&ended, 75, &["connection `postgres`"]);
    assert_shape(&ended.report(75));
    day.leave(&good);
}
