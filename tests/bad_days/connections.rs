//! Servers that cannot be reached, do not answer, or do not let us in.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    day::{ALL, Day, resource, timed},
    listeners,
    shared::{
        servers::{TOKEN, variable},
        stores::Store,
    },
};

/// How long the look at servers that do not answer may take: one call's deadline, and a start on a loaded machine. No
/// second call is made to a server that did not answer the first.
const LOOK: Duration = Duration::from_secs(13);

/// Points every connection of a document at a port of loopback, the directory of secrets left as it is.
fn redirect(document: &mut Value, port: u16) {
    for connection in document["connections"].as_object_mut().unwrap().values_mut() {
        for (key, url) in [("managementUrl", "http"), ("endpoint", "http"), ("url", "http")] {
            if connection.get(key).is_some() {
                connection[key] = json!(format!("{url}://127.0.0.1:{port}"));
            }
        }
        if connection.get("port").is_some() {
            connection["port"] = json!(port);
        }
    }
}

/// Checks that every resource of a report has a trouble that names its connection and has these words.
#[track_caller]
fn assert_each(report: &Value, words: &[&str]) {
    for found in report["resources"].as_array().unwrap() {
        if found["kind"] == "secret" {
            continue;
        }
        let (message, help) = (found["trouble"]["message"].as_str(), found["trouble"]["help"].as_str());
        let said = format!("{} {}", message.unwrap_or_default(), help.unwrap_or_default());
        assert_eq!(found["standing"], "unreachable", "{found:#}");
        for word in words {
            assert!(said.contains(word), "no `{word}`: {found:#}");
        }
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_closed_port_is_for_later_and_named() {
    let day = Day::new();
    let good = day.document(&ALL);
    let kept = day.made(&good);
    let mut bad = good.clone();
    redirect(&mut bad, listeners::closed_port());
    let ended = day.plan(&bad);
    day.assert_told(&ended, 75, &[]);
    assert_each(&ended.report(75), &["connection `", "failed to", "see whether the server runs"]);
    for name in ["mysql", "postgres", "redis", "rabbitmq", "minio", "grafana"] {
        assert!(ended.stdout.contains(&format!("connection `{name}`")), "{name}: {}", ended.stdout);
    }
    day.assert_told(&day.apply(&bad), 75, &["connection `mysql`"]);
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn what_stands_on_other_servers_is_made_while_one_is_away() {
    let day = Day::new();
    let good = day.document(&["mysql", "redis"]);
    let mut bad = good.clone();
    bad["connections"]["mysql"]["port"] = json!(listeners::closed_port());
    let ended = day.apply(&bad);
    day.assert_told(&ended, 75, &["connection `mysql`", "failed to connect", "see whether the server runs"]);
    let report = ended.report(75);
    assert_eq!(resource(&report, "redis").get("trouble"), None, "{report:#}");
    assert_ne!(crate::eyes::look(&day.servers, resource(&good, "redis")), "\n");
    assert_eq!(day.run("plan", &bad, &["--exit-code"]).status.code(), Some(75));
    let kept = day.kept(&good);
    day.end_well(&kept, &good);
}

/// Every kind of server, each at a port that does not answer, looked at in one run.
#[track_caller]
fn assert_ends_by_the_deadline(port: u16) {
    let day = Day::new();
    let good = day.document(&ALL);
    let mut bad = good.clone();
    redirect(&mut bad, port);
    let (ended, took) = timed(|| day.plan(&bad));
    day.assert_told(&ended, 75, &[]);
    assert_each(&ended.report(75), &["failed to", "run the same command again"]);
    assert!(took < LOOK, "{took:?}");
    // A removal asks the same servers first.
    let (ended, took) = timed(|| day.destroy(&crate::shared::documents::leaving(bad), &[]));
    day.assert_told(&ended, 75, &[]);
    assert!(took < LOOK + Duration::from_secs(8), "{took:?}");
    let kept = day.made(&good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_server_that_accepts_and_never_answers_is_given_up_by_the_deadline() {
    assert_ends_by_the_deadline(listeners::silent());
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_server_that_never_accepts_is_given_up_by_the_deadline() {
    let full = listeners::full();
    assert_ends_by_the_deadline(full.port);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_secret_store_that_is_away_is_for_later_and_no_password_is_made() {
    let day = Day::with_openbao();
    let good = day.document(&["redis", "session"]);
    let kept = day.made(&good);
    for (port, longest) in [(listeners::closed_port(), Duration::from_secs(5)), (listeners::silent(), LOOK)] {
        let mut bad = good.clone();
        bad["connections"]["store"]["url"] = json!(format!("http://127.0.0.1:{port}"));
        let (ended, took) = timed(|| day.plan(&bad));
        day.assert_told(&ended, 75, &["connection `store`", "failed to", "run the same command again"]);
        assert!(took < longest, "{took:?}");
    }
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

/// The administrators' passwords, and the resource that each is for.
const PASSWORDS: [(&str, &str, &str); 6] = [
    ("mysql", "mysql", "TENANTRY_TEST_MARIADB_PASSWORD"),
    ("postgres", "postgres", "TENANTRY_TEST_POSTGRES_PASSWORD"),
    ("redis", "redis", "TENANTRY_TEST_REDIS_PASSWORD"),
    ("vhost", "rabbitmq", "TENANTRY_TEST_RABBITMQ_PASSWORD"),
    ("files", "minio", "TENANTRY_TEST_MINIO_PASSWORD"),
    ("grafana", "grafana", "PROOF_GRAFANA_PASSWORD"),
];

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_wrong_credential_is_a_persons_work_and_the_connection_is_named() {
    let day = Day::new();
    let good = day.document(&ALL);
    let kept = day.made(&good);
    let file = day.file(&good);
    for (id, connection, password) in PASSWORDS {
        let program = day.program.with(password, "canary-of-a-wrong-password");
        for verb in ["plan", "apply"] {
            let ended = crate::day::run(&program, verb, &file, &[]);
            let name = format!("connection `{connection}`");
            day.assert_told(&ended, 5, &[&name, "see the credential of the connection"]);
            assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("canary-of"), "{connection}");
            assert_eq!(resource(&ended.report(5), id)["trouble"]["passes"], false, "{connection}");
        }
    }
    // A user of MinIO is looked at by another API than a bucket.
    let program = day.program.with("TENANTRY_TEST_MINIO_PASSWORD", "canary-of-a-wrong-password");
    let ended = crate::day::run(&program, "plan", &day.file(&good), &[]).report(5);
    let help = resource(&ended, "keys")["trouble"]["help"].as_str().unwrap();
    assert!(help.contains("see the credential of the connection"), "{ended:#}");
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_wrong_token_of_the_secret_store_makes_no_password() {
    let day = Day::with_openbao();
    let good = day.document(&["redis"]);
    let kept = day.made(&good);
    let program = day.program.with(TOKEN, "canary-of-a-wrong-token");
    for verb in ["plan", "apply"] {
        let ended = crate::day::run(&program, verb, &day.file(&good), &[]);
        day.assert_told(&ended, 5, &["connection `store`", "help"]);
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("canary-of"));
    }
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_credential_that_is_nowhere_is_told_with_its_place() {
    let day = Day::new();
    let good = day.document(&["mysql", "redis", "grafana"]);
    let kept = day.made(&good);
    let (here, empty, nowhere) = (day.path("username"), day.path("empty"), day.path("nowhere"));
    std::fs::write(&here, variable("TENANTRY_TEST_MARIADB_USERNAME")).unwrap();
    std::fs::write(&empty, "\n").unwrap();
    let files = |password: &std::path::Path| json!({"usernameFile": here, "passwordFile": password});
    let cases = [
        (json!({"usernameEnv": "TENANTRY_TEST_MARIADB_USERNAME", "passwordEnv": "NOT_SET"}), "NOT_SET is not set"),
        (files(&nowhere), "failed to read"),
        (files(&empty), "is empty"),
        (json!({"secret": "platform/mariadb"}), "the entry `platform/mariadb`"),
    ];
    for (credentials, word) in cases {
        let mut bad = good.clone();
        bad["connections"]["mysql"]["credentials"] = credentials;
        for verb in ["plan", "apply"] {
            let ended = day.run(verb, &bad, &[]);
            day.assert_told(&ended, 5, &["connection `mysql`", word, "give the engine what is missing"]);
        }
    }
    let blank = day.program.with("TENANTRY_TEST_MARIADB_PASSWORD", "");
    let ended = crate::day::run(&blank, "apply", &day.file(&good), &[]);
    day.assert_told(&ended, 5, &["connection `mysql`", "TENANTRY_TEST_MARIADB_PASSWORD is empty"]);
    for authentication in [json!({"bearer": {"tokenFile": nowhere}}), json!({"bearer": {"tokenFile": empty}})] {
        let mut bad = good.clone();
        bad["connections"]["grafana"]["authentication"] = authentication;
        day.assert_told(&day.apply(&bad), 5, &["connection `grafana`", "give the engine what is missing"]);
    }
    day.assert_untouched(&kept, &good);
    // The same credential from files does.
    let password = day.path("password");
    std::fs::write(&password, variable("TENANTRY_TEST_MARIADB_PASSWORD") + "\n").unwrap();
    let mut filed = good.clone();
    filed["connections"]["mysql"]["credentials"] = files(&password);
    day.assert_good(kept.entries(), &filed);
    assert!(matches!(day.store, Store::Directory(_)));
    day.end_well(&kept, &good);
}
