//! Migrations on real servers: once each, in order, whole or not at all, and never what was changed afterwards.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use tenantry::{
    engine::{
        Purpose,
        gate::Stop,
        report::{ResourceReport, TroubleReport, Unwatched},
    },
    provision::Document,
    steps::{Allow, Standing},
};

use super::{
    super::battery::{UID, assert_done, assert_untouched, run, settings},
    Cluster, VERSIONS, stored_password,
};

/// A schema with a folder of migrations of its own.
struct Folder {
    cluster: Cluster,
    name: &'static str,
    path: PathBuf,
    store: tempfile::TempDir,
    strict: bool,
}

impl Folder {
    fn new(version: &'static str, name: &'static str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{version}-{name}"));
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        let folder =
            Self { cluster: Cluster::new(version), name, path, store: tempfile::tempdir().unwrap(), strict: false };
        folder.clear();
        folder
    }

    fn clear(&self) {
        self.cluster.clear(&[&format!("pool-{}", self.name)], &[self.name]);
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path.join(file), text).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.path.join(file)).unwrap();
    }

    fn document(&self) -> Document {
        let root = env::current_dir().unwrap();
        let folder = self.path.strip_prefix(root).expect("the target folder lies in the working directory");
        serde_json::from_value(json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Provision",
            "metadata": {"tenant": "abc", "uid": UID, "state": "active"},
            "connections": {"pg": self.cluster.connection(), "store": {"kind": "directory", "path": self.store.path()}},
            "resources": [{
                "kind": "postgresSchema", "id": "app", "connection": "pg", "name": self.name, "user": self.name,
                "secret": {"store": "store", "key": "tenants/abc/app",
                    "fields": {"username": {"value": self.name}, "password": {"generated": 32}}},
                "spec": {"database": format!("pool-{}", self.name), "migrations": folder,
                    "requireRowLevelSecurity": self.strict},
            }],
        }))
        .unwrap()
    }

    fn apply(&self) -> Vec<ResourceReport> {
        run(&self.document(), &settings(Purpose::Apply, Stop::default(), Allow::default()), &Unwatched)
    }

    #[track_caller]
    fn trouble(&self) -> TroubleReport {
        self.apply().remove(0).trouble.expect("there is trouble")
    }

    /// What psql says in the schema, as its role.
    fn query(&self, sql: &str) -> String {
        let password = stored_password(self.store.path(), "tenants/abc/app");
        let output = self.cluster.psql_as(Some((self.name, &password)), &format!("pool-{}", self.name), sql);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn applied(&self) -> String {
        self.query("SELECT string_agg(name, ' ' ORDER BY name) FROM tenantry_migrations")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.clear();
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Runs a test on both versions.
macro_rules! on_both {
    ($($name:ident $name18:ident $test:ident)+) => {$(
        #[test]
        #[ignore = "needs postgres: run by tests/run"]
        fn $name() {
            $test(VERSIONS[0]);
        }

        #[test]
        #[ignore = "needs postgres18: run by tests/run"]
        fn $name18() {
            $test(VERSIONS[1]);
        }
    )+};
}

on_both! {
    postgres_migrations_run_once_in_order postgres18_migrations_run_once_in_order run_once_in_order
    postgres_migrations_fail_whole postgres18_migrations_fail_whole fail_whole
    postgres_migrations_are_noted_with_what_they_do postgres18_migrations_are_noted_with_what_they_do noted_with_what_they_do
    postgres_migrations_stay_as_they_were postgres18_migrations_stay_as_they_were stay_as_they_were
    postgres_migrations_of_two_runs postgres18_migrations_of_two_runs of_two_runs
    postgres_migrations_run_as_the_tenant postgres18_migrations_run_as_the_tenant run_as_the_tenant
    postgres_row_level_security_is_demanded postgres18_row_level_security_is_demanded row_level_security_is_demanded
}

fn run_once_in_order(version: &'static str) {
    let folder = Folder::new(version, "once-in-order");
    folder.write("10.sql", "INSERT INTO t VALUES (10)");
    folder.write("02.sql", "CREATE TABLE t (x int); INSERT INTO t VALUES (2)");
    folder.write("notes.txt", "no SQL");
    assert_done(&folder.apply());
    assert_untouched(&folder.apply());
    folder.write("11.sql", "INSERT INTO t VALUES (11)");
    assert_done(&folder.apply());
    assert_eq!(folder.query("SELECT string_agg(x::text, ' ') FROM t"), "2 10 11");
    assert_eq!(folder.applied(), "02.sql 10.sql 11.sql");
}

fn fail_whole(version: &'static str) {
    let folder = Folder::new(version, "fail-whole");
    folder.write("1.sql", "CREATE TABLE t (x int)");
    folder.write("2.sql", "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\nINSERT INTO missing VALUES (3);\n");
    folder.write("3.sql", "INSERT INTO t VALUES (4)");
    assert!(folder.apply()[0].trouble.is_some());
    assert_eq!((folder.applied().as_str(), folder.query("SELECT count(*) FROM t").as_str()), ("1.sql", "0"));
    // A mistake that another try would not mend says what and where.
    folder.write("2.sql", "INSERT INTO t VALUES (1);\n\nINSERT INTO t VALUES ('x');\n");
    let trouble = folder.trouble();
    assert!(trouble.message.contains("2.sql`, line 3: ") && trouble.message.contains("22P02"), "{trouble:?}");
    folder.write("2.sql", "INSERT INTO t VALUES (1)");
    assert_done(&folder.apply());
    assert_eq!(
        (folder.applied().as_str(), folder.query("SELECT count(*) FROM t").as_str()),
        ("1.sql 2.sql 3.sql", "2")
    );
}

/// A file and the note that it was run are one transaction: where the note cannot be written, the file did nothing.
fn noted_with_what_they_do(version: &'static str) {
    let folder = Folder::new(version, "noted");
    folder.write("1.sql", "CREATE TABLE t (x int)");
    assert_done(&folder.apply());
    folder.write("2.sql", "INSERT INTO t VALUES (2); ALTER TABLE tenantry_migrations ADD CHECK (name <> '2.sql')");
    let trouble = folder.trouble();
    assert!(trouble.message.contains("23514"), "{trouble:?}");
    assert_eq!(folder.query("SELECT count(*) FROM t"), "0", "what a file did stays though nothing notes it");
    assert_eq!(folder.applied(), "1.sql");
}

fn stay_as_they_were(version: &'static str) {
    let folder = Folder::new(version, "as-they-were");
    folder.write("1.sql", "CREATE TABLE t (x int)");
    folder.write("3.sql", "INSERT INTO t VALUES (3)");
    assert_done(&folder.apply());
    drop(folder.cluster.writes());
    let refused = |told: &str| {
        let report = folder.apply().remove(0);
        assert_eq!(report.standing, Standing::NotOurs, "{report:#?}");
        assert!(report.trouble.as_ref().unwrap().message.contains(told), "{report:#?}");
        assert_eq!(folder.cluster.writes(), Vec::<String>::new());
    };
    folder.write("3.sql", "INSERT INTO t VALUES (4)");
    refused("3.sql` was changed after it was run");
    folder.remove("3.sql");
    refused("3.sql` was run in schema `as-they-were` and is not in the folder any more");
    folder.write("3.sql", "INSERT INTO t VALUES (3)");
    folder.write("2.sql", "INSERT INTO t VALUES (2)");
    refused("and the later `3.sql` was already");
    folder.remove("2.sql");
    folder.write("4.sql", "INSERT INTO t VALUES (4);\nCOMMIT;");
    refused("4.sql`, line 2: `COMMIT` cannot stand in a migration");
    folder.remove("4.sql");
    assert_untouched(&folder.apply());
    assert_eq!(folder.query("SELECT string_agg(x::text, ' ') FROM t"), "3");
    // A folder that is gone is no empty one.
    fs::rename(&folder.path, folder.path.with_extension("away")).unwrap();
    let trouble = folder.trouble();
    fs::rename(folder.path.with_extension("away"), &folder.path).unwrap();
    assert!(trouble.message.contains("failed to read the folder of migrations"), "{trouble:?}");
}

fn of_two_runs(version: &'static str) {
    let folder = Folder::new(version, "two-runs");
    assert_done(&folder.apply());
    folder.write("1.sql", "CREATE TABLE t (x int)");
    folder.write("2.sql", "SELECT pg_sleep(0.3); INSERT INTO t VALUES (2)");
    let document = folder.document();
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let document = document.clone();
            std::thread::spawn(move || {
                let settings = settings(Purpose::Apply, Stop::default(), Allow::default());
                run(&document, &settings, &Unwatched)
            })
        })
        .collect();
    for run in runs {
        let report = run.join().unwrap().remove(0);
        assert_eq!(report.trouble, None, "{report:#?}");
    }
    assert_eq!((folder.applied().as_str(), folder.query("SELECT count(*) FROM t").as_str()), ("1.sql 2.sql", "1"));
}

/// A file has no more rights than the tenant: not even by going back to who runs it.
fn run_as_the_tenant(version: &'static str) {
    let folder = Folder::new(version, "as-the-tenant");
    folder.write("1.sql", "CREATE TABLE who AS SELECT current_user::text AS name, session_user::text AS session");
    assert_done(&folder.apply());
    assert_eq!(folder.query("SELECT name || ' ' || session FROM who"), "as-the-tenant as-the-tenant");
    folder.write("2.sql", "RESET ROLE; RESET SESSION AUTHORIZATION; ALTER ROLE \"as-the-tenant\" CREATEDB");
    let trouble = folder.trouble();
    assert!(trouble.message.contains("42501") && !trouble.passes, "{trouble:?}");
    folder.write("2.sql", "CREATE TABLE public.t (x int)");
    assert!(folder.trouble().message.contains("permission denied for schema public"));
}

fn row_level_security_is_demanded(version: &'static str) {
    let mut folder = Folder::new(version, "row-security");
    folder.strict = true;
    folder.write(
        "1.sql",
        "CREATE TABLE open (x int); CREATE TABLE half (x int); ALTER TABLE half ENABLE ROW LEVEL SECURITY",
    );
    let report = folder.apply().remove(0);
    let trouble = report.trouble.unwrap();
    assert!(trouble.message.contains("do not force row-level security: `half`, `open`"), "{trouble:?}");
    // The remedy is a further migration, and that one runs.
    folder.write("2.sql", "ALTER TABLE open ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE half FORCE ROW LEVEL SECURITY");
    assert_done(&folder.apply());
    assert_untouched(&folder.apply());
}
