//! `mysqlDatabase` on a real MariaDB; the oracle is the program mariadb.

mod runs;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tenantry::{
    engine::{
        self, Purpose, Settings,
        connections::Connections,
        gate::Stop,
        kinds,
        report::{Event, ResourceReport, Unwatched, Watch},
        run::Depth,
    },
    provision::Document,
    steps::{Allow, Standing},
};

use super::{
    battery::{self, Battery, Case, UID, assert_done, assert_untouched},
    wire::Proxy,
};

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

/// Runs the client; what it prints, or what it complains of.
fn client(user: &str, password: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(variable("TENANTRY_TEST_MARIADB_CLIENT"))
        .args(["--no-defaults", "--protocol=tcp", "--batch", "--skip-column-names", "--default-character-set=utf8mb4"])
        .args(["--host", &variable("TENANTRY_TEST_MARIADB_HOST"), "--port", &variable("TENANTRY_TEST_MARIADB_PORT")])
        .args(["--user", user])
        .args(arguments)
        .env("MYSQL_PWD", password)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

/// What the server answers to its administrator.
#[track_caller]
fn ask(sql: &str) -> String {
    let (user, password) = (variable("TENANTRY_TEST_MARIADB_USERNAME"), variable("TENANTRY_TEST_MARIADB_PASSWORD"));
    client(&user, &password, &["--skip-ssl", "--execute", sql]).unwrap()
}

/// Returns the stored password of a key.
fn stored(store: &Path, key: &str) -> String {
    let text = std::fs::read_to_string(store.join(format!("{key}.json"))).unwrap();
    let entry: Value = serde_json::from_str(&text).unwrap();
    let password = entry.pointer("/fields/password").or_else(|| entry.get("password")).unwrap();
    password.as_str().unwrap().to_owned()
}

/// A document with databases of one tenant, reached through `address` or, where that is absent, over TLS.
fn document(uid: &str, address: Option<&str>, store: &Path, resources: Vec<Value>) -> Document {
    let (host, port, tls) = match address.map(|address| address.rsplit_once(':').unwrap()) {
        Some((host, port)) => (host.to_owned(), port.to_owned(), json!({"mode": "off"})),
        None => (
            "localhost".to_owned(),
            variable("TENANTRY_TEST_MARIADB_PORT"),
            json!({"mode": "required", "caFile": variable("TENANTRY_TEST_CA")}),
        ),
    };
    serde_json::from_value(json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Provision",
        "metadata": {"tenant": "abc", "uid": uid, "state": "active"},
        "connections": {
            "mysql": {"kind": "mysql", "host": host, "port": port.parse::<u16>().unwrap(), "tls": tls, "credentials":
                {"usernameEnv": "TENANTRY_TEST_MARIADB_USERNAME", "passwordEnv": "TENANTRY_TEST_MARIADB_PASSWORD"}},
            "store": {"kind": "directory", "path": store},
        },
        "resources": resources,
    }))
    .unwrap()
}

fn resource(database: &str, user: &str, spec: Value) -> Value {
    json!({
        "kind": "mysqlDatabase", "id": format!("databases/{database}"), "connection": "mysql", "name": database, "user": user,
        "secret": {"store": "store", "key": format!("tenants/abc/{database}"),
            "fields": {"username": {"value": user}, "password": {"generated": 32}}},
        "spec": spec,
    })
}

fn spec() -> Value {
    json!({"privileges": ["SELECT", "INSERT", "CREATE", "DROP", "CREATE ROUTINE"], "requireTls": false})
}

/// The address of the server itself.
fn direct() -> String {
    format!("{}:{}", variable("TENANTRY_TEST_MARIADB_HOST"), variable("TENANTRY_TEST_MARIADB_PORT"))
}

#[track_caller]
fn apply(document: &Document) -> Vec<ResourceReport> {
    apply_with(document, Allow::default(), &Unwatched)
}

fn apply_with(document: &Document, allow: Allow, watch: &dyn Watch) -> Vec<ResourceReport> {
    battery::run(document, &battery::settings(Purpose::Apply, Stop::default(), allow), watch)
}

fn destroy(document: &Document) -> Vec<ResourceReport> {
    battery::run(document, &battery::settings(Purpose::Destroy, Stop::default(), Allow::default()), &Unwatched)
}

/// Removes what a test left, whoever made it.
struct Clean(Vec<(String, String)>);

impl Drop for Clean {
    fn drop(&mut self) {
        for (database, user) in &self.0 {
            let users = ["%", "localhost", "10.%", "127.0.0.%"].map(|host| format!("'{user}'@'{host}'")).join(", ");
            ask(&format!("DROP DATABASE IF EXISTS `{database}`; DROP USER IF EXISTS {users}"));
            if !ask("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'tenantry'").is_empty() {
                ask(&format!("DELETE FROM tenantry.claims WHERE name = '{user}'"));
            }
        }
    }
}

fn clean(names: &[(&str, &str)]) -> Clean {
    Clean(names.iter().map(|(database, user)| ((*database).to_owned(), (*user).to_owned())).collect())
}

struct Mysql {
    database: String,
    user: String,
    proxy: Proxy,
    _clean: Clean,
}

impl Mysql {
    fn new(test: &str) -> Self {
        let (database, user) = (format!("abc-7f_{test}_db"), format!("abc_{test}"));
        Self {
            proxy: Proxy::mysql(direct().parse().unwrap()),
            _clean: clean(&[(&database, &user), (&format!("{database}x"), &format!("{user}x"))]),
            database,
            user,
        }
    }
}

impl Mysql {
    /// Another tenant's database and user: their names begin with this one's.
    fn next(&self) -> (String, String) {
        (format!("{}x", self.database), format!("{}x", self.user))
    }
}

impl Case for Mysql {
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
        let spec = match updated {
            false => spec(),
            true => json!({
                "privileges": ["SELECT", "UPDATE"], "requireTls": false, "maxUserConnections": 7,
                "characterSet": "utf8", "collation": "utf8_general_ci",
            }),
        };
        let address = self.proxy.address().to_string();
        let mut wanted = resource(&self.database, &self.user, spec);
        wanted["id"] = json!("databases/main");
        document(uid, Some(&address), store, vec![wanted])
    }

    fn dump(&self) -> String {
        let (database, user) = (&self.database, &self.user);
        let queries = [
            format!("SELECT * FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{database}'"),
            format!(
                "SELECT User, Host, JSON_VALUE(Priv, '$.plugin'), JSON_VALUE(Priv, '$.access'), \
                 COALESCE(JSON_VALUE(Priv, '$.ssl_type'), 0), COALESCE(JSON_VALUE(Priv, '$.max_user_connections'), 0), \
                 COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) FROM mysql.global_priv WHERE User = '{user}'"
            ),
            format!("SELECT * FROM mysql.db WHERE User = '{user}' ORDER BY Db"),
            format!("SELECT Db, Table_name, Table_priv FROM mysql.tables_priv WHERE User = '{user}'"),
            format!("SELECT User, Host, Role FROM mysql.roles_mapping WHERE User = '{user}'"),
        ];
        let mut dump = ask(&queries.join("; "));
        if !ask("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'tenantry'").is_empty() {
            dump += &ask(&format!("SELECT * FROM tenantry.claims WHERE name = '{user}'"));
        }
        dump
    }

    fn drift(&self) {
        let (database, user) = (&self.database, &self.user);
        ask(&format!("ALTER DATABASE `{database}` CHARACTER SET latin1"));
        ask(&format!("GRANT TRIGGER ON `{}`.* TO '{user}'@'%' WITH GRANT OPTION", database.replace('_', r"\_")));
        ask(&format!("GRANT SELECT ON `{database}`.* TO '{user}'@'%'"));
        ask(&format!("GRANT PROCESS ON *.* TO '{user}'@'%'"));
        ask(&format!("GRANT SELECT ON mysql.db TO '{user}'@'%'"));
        ask(&format!("CREATE ROLE IF NOT EXISTS `role-{user}`; GRANT `role-{user}` TO '{user}'@'%'"));
        ask(&format!(
            "ALTER USER '{user}'@'%' IDENTIFIED BY 'changed by hand' REQUIRE X509 WITH MAX_USER_CONNECTIONS 3 ACCOUNT LOCK"
        ));
    }

    fn foreign(&self) {
        ask(&format!("CREATE DATABASE `{}` COMMENT 'the shop'", self.database));
        ask(&format!("CREATE TABLE `{}`.orders (id INT)", self.database));
    }

    fn has_user(&self) -> bool {
        !ask(&format!("SELECT 1 FROM mysql.global_priv WHERE User = '{}'", self.user)).is_empty()
    }

    fn logs_in(&self, entry: &BTreeMap<String, String>) -> Option<bool> {
        let arguments = ["--skip-ssl", "--execute", "SELECT 1"];
        Some(client(&entry["username"], &entry["password"], &arguments).is_ok())
    }

    fn settle_neighbour(&self) {
        let (database, user) = self.next();
        ask(&format!("CREATE DATABASE `{database}`; CREATE TABLE `{database}`.t (id INT)"));
        ask(&format!("INSERT INTO `{database}`.t VALUES (4711); CREATE USER '{user}'@'%' IDENTIFIED BY 'neighbour'"));
        ask(&format!("GRANT ALL ON `{}`.* TO '{user}'@'%'", database.replace('_', r"\_")));
    }

    fn neighbour(&self) -> String {
        let (database, user) = self.next();
        let sql = format!("SHOW GRANTS; SELECT * FROM `{database}`.t");
        client(&user, "neighbour", &["--skip-ssl", "--execute", &sql]).unwrap()
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }
}

impl Drop for Mysql {
    fn drop(&mut self) {
        ask(&format!("DROP ROLE IF EXISTS `role-{}`", self.user));
    }
}

macro_rules! battery {
    ($($name:ident $test:ident)+) => {$(
        #[test]
        #[ignore = "needs mariadb: run by tests/run"]
        fn $name() {
            let mysql = Mysql::new(stringify!($test));
            Battery::new(&mysql).$test();
        }
    )+};
}

battery! {
    mysql_database_create create
    mysql_database_repeat repeat
    mysql_database_noop noop
    mysql_database_update update
    mysql_database_crash_after_n crash_after_n
    mysql_database_foreign foreign
    mysql_database_another_uid another_uid
    mysql_database_drift drift
    mysql_database_completed completed
    mysql_database_made_in_between made_in_between
    mysql_database_wire_faults wire_faults
}

#[cfg(feature = "faults")]
battery! {
    mysql_database_kill_at_every_point kill_at_every_point
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_foreign_user() {
    let _clean = clean(&[("abc_fu_db", "abc_fu")]);
    let store = tempfile::tempdir().unwrap();
    ask("CREATE USER 'abc_fu'@'%' IDENTIFIED BY 'somebody-elses'; GRANT SELECT ON `shop`.* TO 'abc_fu'@'%'");
    let before =
        ask("SELECT * FROM mysql.global_priv WHERE User = 'abc_fu'; SELECT * FROM mysql.db WHERE User = 'abc_fu'");
    let document = document(UID, Some(&direct()), store.path(), vec![resource("abc_fu_db", "abc_fu", spec())]);
    let reports = apply(&document);
    assert_eq!(reports[0].standing, Standing::NotOurs, "{reports:#?}");
    assert!(reports[0].trouble.as_ref().unwrap().message.contains("user `abc_fu`@`%`"), "{reports:#?}");
    assert_eq!(ask("SHOW DATABASES LIKE 'abc\\_fu\\_db'"), "", "nothing is made beside it");
    assert_eq!(
        ask("SELECT * FROM mysql.global_priv WHERE User = 'abc_fu'; SELECT * FROM mysql.db WHERE User = 'abc_fu'"),
        before
    );
    // Who is told to take it over does: the earlier password and privileges end.
    let allow =
        Allow { adopt: [(tenantry::provision::Kind::MysqlDatabase, "abc_fu_db".to_owned())].into(), replace: false };
    assert_done(&apply_with(&document, allow, &Unwatched));
    assert!(client("abc_fu", "somebody-elses", &["--execute", "SELECT 1"]).is_err());
    assert_eq!(ask("SELECT Db FROM mysql.db WHERE User = 'abc_fu'"), "abc\\\\_fu\\\\_db\n");
    assert_untouched(&apply(&document));
    assert_done(&destroy(&document));
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_neighbours() {
    let names =
        [("nb_a_b", "nb_a_b"), ("nbxaxb", "nbxaxb"), ("nb_a_bc", "nb_a_bc"), ("NB_A_B", "NB_A_B"), ("nb%", "nb-pct")];
    let _clean = clean(&names);
    let store = tempfile::tempdir().unwrap();
    let resources = names.map(|(database, user)| resource(database, user, spec())).to_vec();
    let document = document(UID, Some(&direct()), store.path(), resources);
    assert_done(&apply(&document));
    for (database, user) in names {
        let password = stored(store.path(), &format!("tenants/abc/{database}"));
        let shown = client(user, &password, &["--execute", "SHOW DATABASES"]).unwrap();
        assert_eq!(
            shown,
            format!("{}\n", ["information_schema", database].join("\n")).replacen(
                "information_schema\nNB_A_B",
                "NB_A_B\ninformation_schema",
                1
            ),
            "{user}"
        );
        client(user, &password, &["--execute", &format!("CREATE TABLE `{database}`.t (id INT)")]).unwrap();
        for (other, _) in names.iter().filter(|(other, _)| *other != database) {
            let refused = client(user, &password, &["--execute", &format!("USE `{other}`")]).unwrap_err();
            assert!(refused.contains("ERROR 1044"), "{user} in {other}: {refused}");
        }
    }
    assert_untouched(&apply(&document));
    assert_done(&destroy(&document));
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_over_tls_without_a_password_in_any_statement() {
    let _clean = clean(&[("abc_tls_db", "abc_tls")]);
    let store = tempfile::tempdir().unwrap();
    let spec = json!({"privileges": ["SELECT"], "maxUserConnections": 3});
    let document = document(UID, None, store.path(), vec![resource("abc_tls_db", "abc_tls", spec)]);
    assert_done(&apply(&document));
    assert_untouched(&apply(&document));
    let password = stored(store.path(), "tenants/abc/abc_tls_db");
    let ca = variable("TENANTRY_TEST_CA");
    client("abc_tls", &password, &["--ssl-ca", &ca, "--ssl-verify-server-cert", "--execute", "SELECT 1"]).unwrap();
    let refused = client("abc_tls", &password, &["--skip-ssl", "--execute", "SELECT 1"]).unwrap_err();
    assert!(refused.contains("ERROR 1045"), "{refused}");
    let logs = variable("TENANTRY_TEST_MARIADB_LOG");
    let mut has_seen_user = false;
    for log in logs.split(':') {
        let text = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
        has_seen_user |= text.contains("CREATE USER 'abc_tls'@'%'");
        assert!(!text.contains(&password), "{log} holds a password");
    }
    assert!(has_seen_user, "one of the logs holds statements");
    assert_done(&destroy(&document));
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_wrong_tls_and_credentials_are_told_apart() {
    let store = tempfile::tempdir().unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let document = document(UID, None, store.path(), vec![resource("abc_no_db", "abc_no", spec())]);
        let mut document = serde_json::to_value(document).unwrap();
        change(&mut document["connections"]["mysql"]);
        let reports = apply(&serde_json::from_value(document).unwrap());
        assert_eq!(reports[0].standing, Standing::Unreachable, "{reports:#?}");
        let trouble = reports[0].trouble.clone().unwrap();
        (trouble.message, trouble.help)
    };
    let (message, help) = with(&|mysql| drop(mysql["tls"].as_object_mut().unwrap().remove("caFile")));
    assert!(help.contains("`caFile`") && message.contains("certificate"), "{message}: {help}");
    let (message, help) = with(&|mysql| mysql["credentials"]["passwordEnv"] = json!("TENANTRY_TEST_CA"));
    assert!(help.contains("credential") && message.contains("1045"), "{message}: {help}");
    let (message, help) = with(&|mysql| mysql["port"] = json!(1));
    assert!(help.contains("can be reached"), "{message}: {help}");
}

#[test]
#[ignore = "needs mariadb: run by tests/run"]
fn mysql_database_host_part_moves() {
    let _clean = clean(&[("abc_host_db", "abc_host")]);
    let store = tempfile::tempdir().unwrap();
    let with = |host: &str| {
        let spec = json!({"privileges": ["SELECT"], "requireTls": false, "host": host});
        document(UID, Some(&direct()), store.path(), vec![resource("abc_host_db", "abc_host", spec)])
    };
    let accounts = || {
        ask(
            "SELECT u.Host, d.Host, c.host, c.state FROM mysql.user u JOIN mysql.db d USING (User) JOIN tenantry.claims c ON c.name = u.User WHERE User = 'abc_host'",
        )
    };
    for host in ["%", "10.%", "127.0.0.%", "%"] {
        assert_done(&apply(&with(host)));
        assert_eq!(accounts(), format!("{host}\t{host}\t{host}\tmade\n"));
        assert_untouched(&apply(&with(host)));
    }
    // Stopped anywhere in between, the next run ends there all the same.
    for steps in 1..8 {
        let stop = Stop::default();
        let settings = battery::settings(Purpose::Apply, stop.clone(), Allow::default());
        battery::run(&with("10.%"), &settings, &StopAfter(RefCell::new(steps), stop));
        assert_done(&apply(&with("10.%")));
        assert_eq!(accounts(), "10.%\t10.%\t10.%\tmade\n", "after {steps}");
        assert_done(&apply(&with("%")));
    }
    assert_done(&destroy(&with("%")));
}

struct StopAfter(RefCell<usize>, Stop);

impl Watch for StopAfter {
    fn event(&self, event: Event<'_>) {
        if let Event::Step { .. } = event {
            let mut left = self.0.borrow_mut();
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.1.ask();
            }
        }
    }
}
