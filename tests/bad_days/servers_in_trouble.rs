//! Servers that are there and cannot: full, read-only, a replica, in recovery, or with too many connections.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    day::{Day, resource},
    own::{self, FullDisk, Own},
    shared::administrator::{done, psql},
};

/// The day's document with one connection to a server of the test's own.
fn moved(day: &Day, name: &str, own: &Own) -> Value {
    let mut document = day.document(&[name, "redis"]);
    // The other server is a good one: what stands there is as wanted throughout.
    document["connections"][name] = own::connection(name, own.port, json!({"mode": "off"}));
    document
}

#[track_caller]
fn assert_says(day: &Day, document: &Value, verb: &str, id: &str, words: &[&str]) {
    let ended = day.run(verb, document, &[]);
    day.assert_told(&ended, 75, words);
    let report = ended.report(75);
    let found = resource(&report, id);
    let connection = format!("connection `{id}`");
    assert!(found["trouble"]["message"].as_str().unwrap_or_default().contains(&connection), "{found:#}");
    assert_eq!(resource(&report, "redis").get("trouble"), None, "the other server is good: {report:#}");
}

/// The first 64 characters of what MariaDB has of a name, as its root sees it.
fn in_mariadb(own: &Own, name: &str) -> String {
    done(&own.root(&format!(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}';
         SELECT User, Priv FROM mysql.global_priv WHERE User = '{name}'"
    )))
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn mariadb_that_takes_no_writes_or_no_more_connections_is_for_later() {
    let day = Day::new().knowing_own();
    let mariadb = own::mariadb(&["--max-connections=10", "--extra-max-connections=1"]);
    let document = moved(&day, "mysql", &mariadb);
    let name = resource(&document, "mysql")["name"].as_str().unwrap();
    let read_only = ["the server takes no writes"];

    done(&mariadb.root("SET GLOBAL read_only = 1"));
    assert_says(&day, &document, "apply", "mysql", &read_only);
    assert_eq!(in_mariadb(&mariadb, name), "", "nothing is half-made");
    let stored = day.entries();
    done(&mariadb.root("SET GLOBAL read_only = 0"));
    day.apply(&document).report(0);
    assert_eq!(crate::shared::stores::lost(&stored, &day.entries()), [""; 0]);
    let made = in_mariadb(&mariadb, name);

    // What is as wanted needs no write: a replica can be looked at.
    done(&mariadb.root("SET GLOBAL read_only = 1"));
    day.assert_told(&day.run("plan", &document, &["--exit-code"]), 0, &[]);
    day.assert_told(&day.apply(&document), 0, &[]);
    day.assert_told(&day.destroy(&crate::shared::documents::leaving(document.clone()), &[]), 75, &read_only);
    assert_eq!(in_mariadb(&mariadb, name), made, "a removal that cannot be done loses nothing");
    done(&mariadb.root("SET GLOBAL read_only = 0"));
    // What was on the other server did go, with its credential.
    day.apply(&document).report(0);
    let stored = day.entries();

    // Root has one connection more than all others.
    let mut sleepers: Vec<_> = (0..10)
        .map(|_| mariadb.root_command("SELECT SLEEP(120)").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    let start = Instant::now();
    let connected =
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SLEEP(120)%' AND COMMAND = 'Query'";
    // The one who asks is not among them: it may have to wait for its turn.
    while done(&mariadb.root(connected)).trim().parse::<usize>().unwrap() < 10 {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", mariadb.log());
        thread::sleep(Duration::from_millis(50));
    }
    for verb in ["plan", "apply"] {
        assert_says(&day, &document, verb, "mysql", &["1040", "run the same command again later"]);
    }
    for sleeper in &mut sleepers {
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }
    done(&mariadb.root("KILL QUERY USER root"));
    day.apply(&document).report(0);
    assert_eq!((in_mariadb(&mariadb, name), day.entries()), (made, stored), "the bad day changed nothing");
    day.destroy(&crate::shared::documents::leaving(document), &[]).report(0);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn postgres_that_takes_no_writes_or_no_more_connections_is_for_later() {
    let day = Day::new();
    let good = day.document(&["postgres", "slot", "redis"]);
    let administrator = day.tenant.stem.clone() + "_adm";
    let sql = |sql: &str| done(&psql(None, "postgres", &sql.replace("ADMIN", &format!("\"{administrator}\""))));
    let password = own::PASSWORD;
    sql(&format!("CREATE ROLE ADMIN LOGIN SUPERUSER PASSWORD '{password}'"));
    let program = day.program.with("OWN_USERNAME", &administrator).with("OWN_PASSWORD", password);
    let mut document = good.clone();
    document["connections"]["postgres"]["credentials"] = own::credentials();
    let file = day.file(&document);
    let run = |verb: &str, more: &[&str]| crate::day::run(&program, verb, &file, more);
    let nothing = crate::eyes::look(&day.servers, resource(&good, "postgres"));

    sql("ALTER ROLE ADMIN SET default_transaction_read_only = on");
    let ended = run("apply", &[]);
    day.assert_told(&ended, 75, &["connection `postgres`", "25006", "the server takes no writes"]);
    assert_eq!(crate::eyes::look(&day.servers, resource(&good, "postgres")), nothing);
    sql("ALTER ROLE ADMIN RESET default_transaction_read_only");
    run("apply", &[]).report(0);
    let kept = day.kept(&good);

    sql("ALTER ROLE ADMIN SET default_transaction_read_only = on");
    day.assert_told(&run("plan", &["--exit-code"]), 0, &[]);
    day.assert_told(&run("apply", &[]), 0, &[]);
    sql("ALTER ROLE ADMIN RESET default_transaction_read_only");
    // The limit of connections that a role may have is not for superusers.
    sql("ALTER ROLE ADMIN NOSUPERUSER CREATEROLE CREATEDB CONNECTION LIMIT 0");
    for verb in ["plan", "apply"] {
        day.assert_told(&run(verb, &[]), 75, &["connection `postgres`", "53300", "run the same command again later"]);
    }
    sql("DROP ROLE ADMIN");
    day.assert_told(&run("apply", &[]), 5, &["connection `postgres`", "see the credential of the connection"]);
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_standby_can_be_looked_at_and_is_never_written_to() {
    let day = Day::new().knowing_own();
    let standby = own::postgres(&["hot_standby = on"], &[("standby.signal", b"")]);
    let start = Instant::now();
    while !standby.psql("SELECT 1").status.success() {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", standby.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(done(&standby.psql("SELECT pg_is_in_recovery()")).trim(), "t");
    let document = moved(&day, "postgres", &standby);
    // The only role of an empty installation; it comes in without a password.
    let program = day.program.with("OWN_USERNAME", "postgres");
    let run = |verb: &str, more: &[&str]| crate::day::run(&program, verb, &day.file(&document), more);
    let planned = run("plan", &["--exit-code"]);
    day.assert_told(&planned, 3, &["create"]);
    day.assert_told(&run("apply", &[]), 75, &["connection `postgres`", "25006", "see whether it is a replica"]);
    let stored = day.entries();

    done(&standby.psql("SELECT pg_promote(true, 30)"));
    run("apply", &[]).report(0);
    assert_eq!(crate::shared::stores::lost(&stored, &day.entries()), [""; 0]);
    run("destroy", &[]).status.code().filter(|code| *code == 4).unwrap();
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_server_that_still_recovers_is_for_later() {
    let day = Day::new().knowing_own();
    let recovering = own::postgres(&["hot_standby = off"], &[("standby.signal", b"")]);
    let document = moved(&day, "postgres", &recovering);
    for verb in ["plan", "apply"] {
        assert_says(&day, &document, verb, "postgres", &["57P03", "run the same command again later"]);
    }
    assert!(day.entries().keys().all(|key| !key.ends_with("/postgres")), "no password is made before a look");
    day.leave(&day.document(&["redis"]));
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn redis_as_a_replica_full_or_with_too_many_clients() {
    let day = Day::new().knowing_own();
    let redis = own::redis(&["--maxclients", "10"]);
    let mut document = day.document(&["redis"]);
    document["connections"]["redis"] = own::connection("redis", redis.port, json!({"mode": "off"}));
    let user = resource(&document, "redis")["user"].as_str().unwrap();
    let acl = || done(&redis.redis(&["ACL", "LIST"]));

    // Accounts count against no limit of memory, and are made on a replica, too: they belong to each server.
    done(&redis.redis(&["CONFIG", "SET", "maxmemory", "1"]));
    done(&redis.redis(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]));
    day.apply(&document).report(0);
    assert!(acl().contains(&format!("user {user} ")), "{}", acl());
    done(&redis.redis(&["CONFIG", "SET", "maxmemory", "0"]));
    done(&redis.redis(&["REPLICAOF", "127.0.0.1", "1"]));
    day.assert_told(&day.run("plan", &document, &["--exit-code"]), 0, &[]);
    done(&redis.redis(&["REPLICAOF", "NO", "ONE"]));
    let (before, stored) = (acl(), day.entries());

    let hold = || std::net::TcpStream::connect(("127.0.0.1", redis.port)).unwrap();
    let held: Vec<_> = (0..10).map(|_| hold()).collect();
    for verb in ["plan", "apply"] {
        let ended = day.run(verb, &document, &[]);
        day.assert_told(&ended, 75, &["connection `redis`", "run the same command again"]);
    }
    drop(held);
    let start = Instant::now();
    while !redis.redis(&["PING"]).status.success() {
        assert!(start.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(50));
    }
    day.apply(&document).report(0);
    assert_eq!((acl(), day.entries()), (before, stored), "the bad day changed nothing");
}

/// A full disk in the middle of work: `made` tells what the server has of the name.
fn full_disk_is_for_later(day: &Day, own: &Own, id: &str, made: impl Fn(&str) -> String) {
    let document = moved(day, id, own);
    let name = resource(&document, id)["name"].as_str().unwrap();
    let full = FullDisk::of(own);
    assert_says(day, &document, "apply", id, &["the server takes no writes", "No space left on device"]);
    assert!(!made(name).contains(name), "the database cannot be there");
    let stored = day.entries();
    drop(full);
    day.apply(&document).report(0);
    assert_eq!(crate::shared::stores::lost(&stored, &day.entries()), [""; 0]);
    // What is as wanted needs no place.
    let full = FullDisk::of(own);
    day.assert_told(&day.apply(&document), 0, &[]);
    drop(full);
    assert!(made(name).contains(name));
    day.destroy(&crate::shared::documents::leaving(document), &[]).report(0);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao, strace: run by tests/run"]
fn mariadb_whose_disk_is_full_is_for_later() {
    let mariadb = own::mariadb(&[]);
    full_disk_is_for_later(&Day::new().knowing_own(), &mariadb, "mysql", |name| {
        done(
            &mariadb.root(&format!("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}'")),
        )
    });
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao, strace: run by tests/run"]
fn postgres_whose_disk_is_full_is_for_later() {
    let postgres = own::postgres(&[], &[]);
    full_disk_is_for_later(&Day::new().knowing_own(), &postgres, "postgres", |name| {
        done(&postgres.psql(&format!("SELECT datname FROM pg_database WHERE datname = '{name}'")))
    });
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn redis_whose_disk_takes_no_accounts_is_for_later() {
    let day = Day::new().knowing_own();
    let redis = own::redis(&[]);
    let mut document = day.document(&["redis"]);
    document["connections"]["redis"] = own::connection("redis", redis.port, json!({"mode": "off"}));
    // A folder in the way of the file that is written first and then renamed: as a full disk, it takes no file.
    let users = redis.folder.path().join("users.acl");
    let aside = redis.folder.path().join("aside.acl");
    std::fs::rename(&users, &aside).unwrap();
    std::fs::create_dir(&users).unwrap();
    std::fs::write(users.join("in-the-way"), "").unwrap();
    let ended = day.apply(&document);
    day.assert_told(&ended, 75, &["connection `redis`", "failed to save the users"]);
    let stored = day.entries();
    std::fs::remove_dir_all(&users).unwrap();
    std::fs::rename(&aside, &users).unwrap();
    day.apply(&document).report(0);
    assert_eq!(day.entries(), stored);
    let saved = std::fs::read_to_string(&users).unwrap();
    assert!(saved.contains(&format!("user {} ", resource(&document, "redis")["user"].as_str().unwrap())), "{saved}");
}
