//! Runs side by side, runs that end half-way and are rolled back, and what surrounds a database.

use super::*;

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_shadowed_account_is_told() {
    let _clean = clean(&[("abc_shadow_db", "abc_shadow")]);
    let store = tempfile::tempdir().unwrap();
    // The server knows us as `localhost`, which it matches before `%`.
    ask("CREATE USER 'abc_shadow'@'localhost' IDENTIFIED BY 'somebody-elses'");
    let document = document(UID, Some(&direct()), store.path(), vec![resource("abc_shadow_db", "abc_shadow", spec())]);
    let reports = apply(&document);
    let trouble = reports[0].trouble.as_ref().unwrap();
    assert!(trouble.message.contains("the server takes it for `abc_shadow`@`localhost`"), "{reports:#?}");
    assert!(trouble.help.contains("drop `abc_shadow`@`localhost`"), "{reports:#?}");
    ask("DROP USER 'abc_shadow'@'localhost'");
    assert_untouched(&apply(&document));
    assert_done(&destroy(&document));
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_runs_at_once_agree() {
    for count in [2, 8] {
        let names: Vec<(String, String)> =
            (0..3).map(|at| (format!("abc_race{count}_{at}"), format!("abc_race{count}_{at}"))).collect();
        let names: Vec<(&str, &str)> = names.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
        let _clean = clean(&names);
        let store = tempfile::tempdir().unwrap();
        let resources = names.iter().map(|(database, user)| resource(database, user, spec())).collect();
        let document = document(UID, Some(&direct()), store.path(), resources);
        thread::scope(|scope| {
            let runs: Vec<_> = (0..count).map(|_| scope.spawn(|| apply(&document))).collect();
            for run in runs {
                // A run that lost a race has steps that failed, and ends as wanted all the same.
                let reports = run.join().unwrap();
                assert!(reports.iter().all(|report| report.trouble.is_none()), "{reports:#?}");
            }
        });
        assert_untouched(&apply(&document));
        assert_done(&destroy(&document));
    }
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_crash_between_intent_and_note_is_decided_by_the_password() {
    let _clean = clean(&[("abc_intent_db", "abc_intent")]);
    let store = tempfile::tempdir().unwrap();
    let document = document(UID, Some(&direct()), store.path(), vec![resource("abc_intent_db", "abc_intent", spec())]);
    assert_done(&apply(&document));
    // As a run leaves it that died between the account and the word about it.
    ask("UPDATE tenantry.claims SET state = 'intended' WHERE name = 'abc_intent'");
    assert_done(&apply(&document));
    assert_eq!(ask("SELECT state FROM tenantry.claims WHERE name = 'abc_intent'"), "made\n");
    // And as it would be if somebody else had made the account in between.
    ask("UPDATE tenantry.claims SET state = 'intended' WHERE name = 'abc_intent'");
    ask("ALTER USER 'abc_intent'@'%' IDENTIFIED BY 'somebody-elses'");
    assert_eq!(apply(&document)[0].standing, Standing::NotOurs);
    client("abc_intent", "somebody-elses", &["--execute", "SELECT 1"]).unwrap();
    ask("UPDATE tenantry.claims SET state = 'made' WHERE name = 'abc_intent'");
    assert_done(&apply(&document));
    assert_done(&destroy(&document));
}

/// Puts a table into the database of a resource once its user may enter it.
struct Tenant(&'static str);

impl Watch for Tenant {
    fn event(&self, event: Event<'_>) {
        if let Event::Step { id, step, .. } = event
            && id.strip_prefix("databases/") == Some(self.0)
            && step.action == "mysql-grant-privileges"
        {
            ask(&format!("CREATE TABLE IF NOT EXISTS `{}`.customers (id INT)", self.0));
        }
    }
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_rollback_takes_back_what_holds_nothing() {
    let names = [("abc_rb_empty", "abc_rb_empty"), ("abc_rb_full", "abc_rb_full"), ("abc_rb_bad", "abc_rb_bad")];
    let _clean = clean(&names);
    let store = tempfile::tempdir().unwrap();
    let bad = json!({"privileges": ["SELECT"], "requireTls": false, "collation": "utf8mb4_nosuch_ci"});
    let resources = vec![
        resource("abc_rb_empty", "abc_rb_empty", spec()),
        resource("abc_rb_full", "abc_rb_full", spec()),
        resource("abc_rb_bad", "abc_rb_bad", bad),
    ];
    let document = document(UID, Some(&direct()), store.path(), resources);
    let settings = Settings { roll_back: true, ..battery::settings(Purpose::Apply, Stop::default(), Allow::default()) };
    let reports = battery::run(&document, &settings, &Tenant("abc_rb_full"));
    assert!(
        reports.iter().any(|report| report.trouble.as_ref().is_some_and(|trouble| trouble.message.contains("1273"))),
        "{reports:#?}"
    );
    assert_eq!(
        ask("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'abc\\_rb\\_%'"),
        "abc_rb_full\n",
        "what holds data stays"
    );
    assert_eq!(ask("SHOW TABLES FROM abc_rb_full"), "customers\n");
    assert_eq!(ask("SELECT User FROM mysql.user WHERE User LIKE 'abc\\_rb\\_%'"), "");
    let notes = ask("SELECT DISTINCT state FROM tenantry.claims WHERE name LIKE 'abc\\_rb\\_%'");
    assert_eq!(notes, "intended\n", "what is noted is what another run may be about to do");
    assert_done(&destroy(&document));
    assert_eq!(ask("SELECT name FROM tenantry.claims WHERE name LIKE 'abc\\_rb\\_%'"), "");
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_destroy_ends_sessions() {
    let _clean = clean(&[("abc_session_db", "abc_session")]);
    let store = tempfile::tempdir().unwrap();
    let document =
        document(UID, Some(&direct()), store.path(), vec![resource("abc_session_db", "abc_session", spec())]);
    assert_done(&apply(&document));
    let password = stored(store.path(), "tenants/abc/abc_session_db");
    let session =
        thread::spawn(move || client("abc_session", &password, &["--skip-ssl", "--execute", "SELECT SLEEP(60)"]));
    let count = || ask("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'abc_session'");
    while count() != "1\n" {
        thread::sleep(Duration::from_millis(20));
    }
    assert_done(&destroy(&document));
    assert_eq!(count(), "0\n");
    let ended = session.join().unwrap().unwrap_err();
    assert!(ended.contains("Lost connection") || ended.contains("killed"), "{ended}");
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_that_everybody_may_enter_is_refused() {
    let _clean = clean(&[("opened_to_all", "opened_to_all")]);
    let store = tempfile::tempdir().unwrap();
    let document =
        document(UID, Some(&direct()), store.path(), vec![resource("opened_to_all", "opened_to_all", spec())]);
    // As old installations do for `test`.
    ask("INSERT INTO mysql.db (Host, Db, User, Select_priv) VALUES ('%', 'opened\\_%', '', 'Y'); FLUSH PRIVILEGES");
    let reports = apply(&document);
    ask("DELETE FROM mysql.db WHERE User = '' AND Db = 'opened\\_%'; FLUSH PRIVILEGES");
    assert_eq!(reports[0].standing, Standing::NotOurs);
    assert!(reports[0].trouble.as_ref().unwrap().message.contains("every account"), "{reports:#?}");
    assert_done(&apply(&document));
    assert_done(&destroy(&document));
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_is_looked_at_in_bulk() {
    let names: Vec<String> = (0..40).map(|at| format!("abc_bulk_{at}")).collect();
    let names: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let _clean = clean(&names);
    let store = tempfile::tempdir().unwrap();
    let proxy = Proxy::mysql(direct().parse().unwrap());
    let with = |names: &[(&str, &str)]| {
        let resources = names.iter().map(|(database, user)| resource(database, user, spec())).collect();
        document(UID, Some(&proxy.address().to_string()), store.path(), resources)
    };
    assert_done(&apply(&with(&names)));
    // As `plan --all` looks: no credential is read, so that nobody logs in as forty tenants.
    let requests = |names: &[(&str, &str)]| {
        let before = proxy.requests().len();
        let (document, connections) = (with(names), Connections::new(None));
        let settings =
            Settings { depth: Depth::Bulk, ..battery::settings(Purpose::Apply, Stop::default(), Allow::default()) };
        let reports = battery::block_on(async {
            let mut groups = kinds::open(std::slice::from_ref(&document), &connections, Purpose::Apply).await.unwrap();
            engine::run::plan(&mut groups, &settings).await
        });
        assert_untouched(&reports);
        proxy.requests().len() - before
    };
    assert_eq!(requests(&names), requests(&names[..1]), "as many requests for forty as for one");
    assert_done(&destroy(&with(&names)));
}
