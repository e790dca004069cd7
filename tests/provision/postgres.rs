//! `postgresDatabase` and `postgresSchema` on real servers of two versions; the oracle is psql.

mod database;
mod migrations;
mod schema;
mod surroundings;

use std::{
    collections::BTreeMap,
    env,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::wire::Proxy;

/// A real server, and the proxy in front of it.
pub struct Cluster {
    prefix: &'static str,
    proxy: Proxy,
}

/// The variables of 15 and of 18.
pub const VERSIONS: [&str; 2] = ["TENANTRY_TEST_POSTGRES", "TENANTRY_TEST_POSTGRES18"];

impl Cluster {
    pub fn new(prefix: &'static str) -> Self {
        let address = format!("{}:{}", variable(&format!("{prefix}_HOST")), variable(&format!("{prefix}_PORT")));
        Self { prefix, proxy: Proxy::postgres(address.parse().unwrap()) }
    }

    pub fn variable(&self, name: &str) -> String {
        variable(&format!("{}_{name}", self.prefix))
    }

    /// What psql says, as a role of its own or as the superuser.
    pub fn psql_as(&self, login: Option<(&str, &str)>, database: &str, sql: &str) -> Output {
        let (user, password) = match login {
            Some((user, password)) => (user.to_owned(), password.to_owned()),
            None => (self.variable("USERNAME"), self.variable("PASSWORD")),
        };
        Command::new(variable("TENANTRY_TEST_PSQL"))
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, "-h", &self.variable("HOST"), "-p"])
            .args([&self.variable("PORT"), "-U", &user, "-d", database])
            .env("PGPASSWORD", password)
            .env("PGSSLMODE", "disable")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What the superuser's psql says.
    #[track_caller]
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let output = self.psql_as(None, database, sql);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn exists(&self, database: &str) -> bool {
        !self.psql("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{database}'")).is_empty()
    }

    /// The connection of a document, through the proxy.
    pub fn connection(&self) -> Value {
        let address = self.proxy.address();
        json!({"kind": "postgres", "host": address.ip().to_string(), "port": address.port(), "tls": {"mode": "off"},
            "extensions": ["pg_trgm", "citext", "uuid-ossp"],
            "credentials": {"usernameEnv": format!("{}_USERNAME", self.prefix), "passwordEnv": format!("{}_PASSWORD", self.prefix)}})
    }

    /// Returns the writes since the last call.
    pub fn writes(&self) -> Vec<String> {
        self.proxy.new_writes()
    }

    /// Returns how many requests went through the proxy.
    pub fn requests(&self) -> usize {
        self.proxy.requests().len()
    }

    /// All that the server says of a role, but its password.
    pub fn dump_role(&self, role: &str) -> String {
        let attributes = "SELECT r.rolname, r.rolcanlogin, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolinherit, \
             r.rolreplication, r.rolbypassrls, r.rolconnlimit, nullif(r.rolvaliduntil, 'infinity'), shobj_description(r.oid, 'pg_authid'), \
             (SELECT left(rolpassword, 19) FROM pg_authid a WHERE a.oid = r.oid) FROM pg_roles r WHERE rolname = ";
        let members = "SELECT 'member', r.rolname, m.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid \
             JOIN pg_roles m ON m.oid = a.member WHERE r.rolname = $ OR m.rolname = $ ORDER BY 2, 3";
        let settings = "SELECT 'setting', d.datname, s.setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole \
             LEFT JOIN pg_database d ON d.oid = s.setdatabase WHERE r.rolname = $ ORDER BY 2";
        let role = format!("'{role}'");
        let texts = [format!("{attributes}{role}"), members.replace('$', &role), settings.replace('$', &role)];
        texts.iter().map(|sql| self.psql("postgres", sql)).collect()
    }

    /// Makes a database of another tenant, with a row in it.
    pub fn settle(&self, name: &str) {
        self.clear(&[name], &[name]);
        self.psql("postgres", &format!("CREATE ROLE \"{name}\" LOGIN PASSWORD 'neighbour'"));
        self.psql("postgres", &format!("CREATE DATABASE \"{name}\" OWNER \"{name}\""));
        let table = "CREATE TABLE t (id int); INSERT INTO t VALUES (4711)";
        let made =
            self.psql_as(Some((name, "neighbour")), name, &format!("CREATE SCHEMA s; SET search_path = s; {table}"));
        assert!(made.status.success(), "{made:?}");
    }

    /// What another tenant has.
    pub fn of_neighbour(&self, name: &str) -> String {
        let rows = self.psql_as(Some((name, "neighbour")), name, "SELECT * FROM s.t");
        assert!(rows.status.success(), "{rows:?}");
        self.dump_role(name) + &String::from_utf8(rows.stdout).unwrap()
    }

    /// Returns whether a stored entry opens a database.
    pub fn opens(&self, entry: &BTreeMap<String, String>, database: &str) -> bool {
        let login = (entry["username"].as_str(), entry["password"].as_str());
        !self.exists(database) || self.psql_as(Some(login), database, "SELECT 1").status.success()
    }

    /// Drops a database and a role, whatever they hold.
    pub fn clear(&self, databases: &[&str], roles: &[&str]) {
        for database in databases {
            self.psql("postgres", &format!("DROP DATABASE IF EXISTS \"{database}\" WITH (FORCE)"));
        }
        for role in roles {
            self.psql("postgres", &format!("DROP ROLE IF EXISTS \"{role}\""));
        }
    }
}

pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

/// What psql says where the server refuses.
#[track_caller]
pub fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Reads the password of an entry in a store that is a directory.
pub fn stored_password(store: &std::path::Path, key: &str) -> String {
    let files = walkdir::WalkDir::new(store).into_iter().map(Result::unwrap);
    let file = files.into_iter().find(|file| file.path().to_string_lossy().contains(key) && file.file_type().is_file());
    let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
    fn find(value: &Value) -> Option<String> {
        match value {
            Value::Object(map) => match map.get("password") {
                Some(Value::String(text)) => Some(text.clone()),
                _ => map.values().find_map(find),
            },
            _ => None,
        }
    }
    find(&serde_json::from_str(&text).unwrap()).unwrap()
}

/// The battery on both versions.
macro_rules! battery {
    ($case:ty; $($name:ident $name18:ident $test:ident)+) => {$(
        #[test]
        #[ignore = "needs postgres: run by tests/run"]
        fn $name() {
            let case = <$case>::new(VERSIONS[0], stringify!($test));
            Battery::new(&case).$test();
        }

        #[test]
        #[ignore = "needs postgres18: run by tests/run"]
        fn $name18() {
            let case = <$case>::new(VERSIONS[1], stringify!($test));
            Battery::new(&case).$test();
        }
    )+};
}
use battery;
