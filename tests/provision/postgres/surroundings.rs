//! What is around a database or schema: neighbours, names at the limit, administrators with fewer rights, bad days.

use std::rc::Rc;

use serde_json::{Value, json};
use tenantry::{
    engine::{
        Entry, Look, Perform, Purpose, Secret, Trouble, TroubleKind,
        connections::{Connections, Login},
        gate::Stop,
        isolation, kinds, postgres,
        report::{ResourceReport, Unwatched},
        run::{self, Depth},
    },
    provision::{
        Document, Resource,
        connection::{Tls, TlsMode},
    },
    steps::{
        Allow, Asked, Standing,
        claim::Claim,
        postgres::{PostgresAction, database::PostgresDatabase},
    },
};

use super::{
    super::battery::{UID, assert_done, assert_untouched, block_on, run, settings},
    Cluster, VERSIONS, refused, stored_password,
};

/// Tenants with a database and a schema each, and a store of their own.
struct Estate {
    cluster: Cluster,
    connection: Value,
    store: tempfile::TempDir,
    pool: String,
    tenants: Vec<String>,
}

impl Estate {
    fn new(version: &'static str, pool: &str, tenants: &[&str]) -> Self {
        let cluster = Cluster::new(version);
        let estate = Self {
            connection: cluster.connection(),
            cluster,
            store: tempfile::tempdir().unwrap(),
            pool: pool.to_owned(),
            tenants: tenants.iter().map(|tenant| (*tenant).to_owned()).collect(),
        };
        estate.clear();
        estate
    }

    fn clear(&self) {
        let own: Vec<String> = self.tenants.iter().map(|tenant| format!("{tenant}_main")).collect();
        let mut databases: Vec<&str> = own.iter().map(String::as_str).collect();
        databases.push(&self.pool);
        let roles: Vec<String> =
            self.tenants.iter().flat_map(|tenant| [format!("{tenant}_main"), format!("{tenant}_app")]).collect();
        self.cluster.clear(&databases, &roles.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn document(&self, tenant: &str) -> Document {
        let secret = |item: &str| {
            json!({"store": "store", "key": format!("tenants/{tenant}/{item}"),
                "fields": {"username": {"value": format!("{tenant}_{item}")}, "password": {"generated": 32}}})
        };
        let (main, app) = (format!("{tenant}_main"), format!("{tenant}_app"));
        serde_json::from_value(json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Provision",
            "metadata": {"tenant": tenant, "uid": UID, "state": "active"},
            "connections": {"pg": self.connection, "store": {"kind": "directory", "path": self.store.path()}},
            "resources": [
                {"kind": "postgresSchema", "id": "app", "connection": "pg", "name": app, "user": app,
                 "secret": secret("app"), "spec": {"database": self.pool}},
                {"kind": "postgresDatabase", "id": "main", "connection": "pg", "name": main, "user": main,
                 "secret": secret("main"), "spec": {"extensions": ["citext"]}},
            ],
        }))
        .unwrap()
    }

    fn documents(&self) -> Vec<Document> {
        self.tenants.iter().map(|tenant| self.document(tenant)).collect()
    }

    fn work(&self, purpose: Purpose) -> Vec<ResourceReport> {
        block_on(async {
            let connections = Connections::new(None);
            let mut groups = kinds::open(&self.documents(), &connections, purpose).await.unwrap();
            run::apply(&mut groups, &settings(purpose, Stop::default(), Allow::default()), &Unwatched).await
        })
    }

    fn password(&self, tenant: &str, item: &str) -> String {
        stored_password(self.store.path(), &format!("tenants/{tenant}/{item}"))
    }
}

impl Drop for Estate {
    fn drop(&mut self) {
        self.clear();
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
    postgres_neighbours_are_denied postgres18_neighbours_are_denied neighbours_are_denied
    postgres_names_at_the_limit postgres18_names_at_the_limit names_at_the_limit
    postgres_administrator_without_superuser postgres18_administrator_without_superuser administrator_without_superuser
    postgres_tenant_cannot_trap_the_administrator postgres18_tenant_cannot_trap_the_administrator tenant_cannot_trap_the_administrator
    postgres_passwords_reach_no_log postgres18_passwords_reach_no_log passwords_reach_no_log
    postgres_bad_days postgres18_bad_days bad_days
    postgres_tls postgres18_tls tls
    postgres_rollback postgres18_rollback rollback
    postgres_bulk_plan postgres18_bulk_plan bulk_plan
    postgres_two_runs_at_once postgres18_two_runs_at_once two_runs_at_once
    postgres_extensions postgres18_extensions extensions
    postgres_adoption postgres18_adoption adoption
}

/// Neighbours by prefix, by what a pattern takes for a wildcard, and by case.
fn neighbours_are_denied(version: &'static str) {
    let tenants = ["near", "near-b", "nearxb", "Near", "nea"];
    let estate = Estate::new(version, "pool-neighbours", &tenants);
    assert_done(&estate.work(Purpose::Apply));
    assert_untouched(&estate.work(Purpose::Apply));
    let matrix = block_on(async {
        let connections = Connections::new(None);
        let mut groups = kinds::open(&estate.documents(), &connections, Purpose::Apply).await.unwrap();
        isolation::probe(&mut groups, &std::collections::BTreeSet::new()).await
    });
    assert_eq!((matrix.own, matrix.denied), (10, 40), "{matrix:?}");
    assert!(matrix.holes.is_empty() && matrix.locked_out.is_empty() && matrix.unknown.is_empty(), "{matrix:?}");
    let pool = estate.pool.as_str();
    for tenant in tenants {
        let (app, main) = (format!("{tenant}_app"), format!("{tenant}_main"));
        let password = estate.password(tenant, "app");
        let made = estate.cluster.psql_as(Some((&app, &password)), pool, "CREATE TABLE t (x int)");
        assert!(made.status.success(), "the search path leads to its own schema: {made:?}");
        for other in tenants.iter().filter(|other| **other != tenant) {
            let sql = format!("SELECT * FROM \"{other}_app\".t");
            let said = refused(&estate.cluster.psql_as(Some((&app, &password)), pool, &sql));
            assert!(said.contains("permission denied for schema"), "{said}");
            let said = refused(&estate.cluster.psql_as(Some((&app, &password)), &format!("{other}_main"), "SELECT 1"));
            assert!(said.contains("permission denied for database"), "{said}");
            let own = estate.password(tenant, "main");
            let said = refused(&estate.cluster.psql_as(Some((&main, &own)), pool, "SELECT 1"));
            assert!(said.contains("permission denied for database"), "{said}");
        }
        let sql = "CREATE TABLE public.t (x int)";
        assert!(refused(&estate.cluster.psql_as(Some((&app, &password)), pool, sql)).contains("permission denied"));
        let sql = "CREATE SCHEMA mine";
        assert!(refused(&estate.cluster.psql_as(Some((&app, &password)), pool, sql)).contains("permission denied"));
        let own = estate.password(tenant, "main");
        let made = estate.cluster.psql_as(Some((&main, &own)), &main, "CREATE TABLE public.t (x citext)");
        assert!(made.status.success(), "{made:?}");
    }
    // With a hole in it the matrix says so.
    estate.cluster.psql(pool, "GRANT USAGE ON SCHEMA near_app TO \"Near_app\"");
    let matrix = block_on(async {
        let connections = Connections::new(None);
        let mut groups = kinds::open(&estate.documents(), &connections, Purpose::Apply).await.unwrap();
        isolation::probe(&mut groups, &std::collections::BTreeSet::new()).await
    });
    assert_eq!(matrix.holes.len(), 1, "{matrix:?}");
    assert_done(&estate.work(Purpose::Destroy));
    let left = "SELECT count(*) FROM pg_roles WHERE rolname ILIKE 'nea%'";
    assert_eq!(estate.cluster.psql("postgres", left).trim(), "0");
}

fn with_names(estate: &Estate, name: &str, user: &str) -> Document {
    let mut value = serde_json::to_value(estate.document("limit")).unwrap();
    value["resources"][1]["name"] = json!(name);
    value["resources"][1]["user"] = json!(user);
    value["resources"].as_array_mut().unwrap().remove(0);
    serde_json::from_value(value).unwrap()
}

fn names_at_the_limit(version: &'static str) {
    let estate = Estate::new(version, "pool-limit", &["limit"]);
    let (long, longer) = (format!("limit-{}", "n".repeat(57)), format!("limit-{}", "n".repeat(58)));
    let apply =
        |document: &Document, purpose| run(document, &settings(purpose, Stop::default(), Allow::default()), &Unwatched);
    estate.cluster.clear(&[&long], &[&long]);
    let fits = with_names(&estate, &long, &long);
    assert_done(&apply(&fits, Purpose::Apply));
    assert_untouched(&apply(&fits, Purpose::Apply));
    drop(estate.cluster.writes());
    // Other tests make databases of their own at the same time.
    let ours = "SELECT datname FROM pg_database WHERE datname LIKE 'limit-%' ORDER BY 1";
    let before = estate.cluster.psql("postgres", ours);
    for (name, user) in [(&longer, &long), (&long, &longer)] {
        let reports = apply(&with_names(&estate, name, user), Purpose::Apply);
        assert_eq!(reports[0].standing, Standing::NotOurs, "{reports:#?}");
        assert!(reports[0].trouble.as_ref().unwrap().message.contains("64 bytes"));
    }
    assert_eq!(estate.cluster.writes(), Vec::<String>::new());
    assert_eq!(estate.cluster.psql("postgres", ours), before);
    assert_done(&apply(&fits, Purpose::Destroy));
}

/// The whole life of both kinds by an administrator with `CREATEROLE` and `CREATEDB` alone.
fn administrator_without_superuser(version: &'static str) {
    let mut estate = Estate::new(version, "pool-plain", &["plain", "plain2"]);
    let admin = "plain-administrator";
    estate.cluster.psql("postgres", &format!("DROP ROLE IF EXISTS \"{admin}\""));
    estate.cluster.psql(
        "postgres",
        &format!("CREATE ROLE \"{admin}\" LOGIN CREATEROLE CREATEDB PASSWORD 'plain-administrators'"),
    );
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        json!(path)
    };
    estate.connection["credentials"] =
        json!({"usernameFile": file("user", admin), "passwordFile": file("password", "plain-administrators\n")});
    assert_done(&estate.work(Purpose::Apply));
    assert_untouched(&estate.work(Purpose::Apply));
    let drift = "GRANT CONNECT ON DATABASE plain_main TO PUBLIC; ALTER ROLE plain_main CREATEDB PASSWORD 'x'; \
                 ALTER ROLE plain_app NOLOGIN; ALTER ROLE plain_app SET work_mem = '1MB'";
    estate.cluster.psql("postgres", drift);
    estate.cluster.psql(&estate.pool, "GRANT USAGE ON SCHEMA plain_app TO PUBLIC");
    assert_done(&estate.work(Purpose::Apply));
    assert_untouched(&estate.work(Purpose::Apply));
    // What it may not do it says.
    estate.cluster.psql("postgres", "ALTER ROLE plain_main SUPERUSER");
    let reports = estate.work(Purpose::Apply);
    assert!(reports.iter().any(|report| {
        report.trouble.as_ref().is_some_and(|trouble| trouble.message.contains("42501") && !trouble.passes)
    }));
    estate.cluster.psql("postgres", "ALTER ROLE plain_main NOSUPERUSER");
    assert_done(&estate.work(Purpose::Destroy));
    let left = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^plain2?_'";
    assert_eq!(estate.cluster.psql("postgres", left).trim(), "0");
    estate.clear();
    estate.cluster.psql("postgres", &format!("DROP ROLE \"{admin}\""));
}

/// The owner of a database lays an operator and a search path for a superuser to step on.
fn tenant_cannot_trap_the_administrator(version: &'static str) {
    let estate = Estate::new(version, "pool-trap", &["trap"]);
    assert_done(&estate.work(Purpose::Apply));
    let trap = "CREATE FUNCTION public.spring(name, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN \
         EXECUTE 'ALTER ROLE trap_main SUPERUSER'; RETURN true; END $$; \
         CREATE FUNCTION public.spring_array(text, text[]) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN \
         EXECUTE 'ALTER ROLE trap_main SUPERUSER'; RETURN true; END $$; \
         CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.spring); \
         CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN \
         EXECUTE 'ALTER ROLE trap_main SUPERUSER'; RETURN pg_catalog.now(); END $$; \
         ALTER DATABASE trap_main SET search_path = public, pg_catalog";
    let password = estate.password("trap", "main");
    let laid = estate.cluster.psql_as(Some(("trap_main", &password)), "trap_main", trap);
    assert!(laid.status.success(), "{laid:?}");
    // It is a trap: who comes without care steps on it.
    estate.cluster.psql("trap_main", "SELECT 1 FROM pg_namespace WHERE nspname = 'public'::text");
    let is_superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = 'trap_main'";
    assert_eq!(estate.cluster.psql("postgres", is_superuser).trim(), "t");
    estate.cluster.psql("postgres", "ALTER ROLE trap_main NOSUPERUSER");
    // A look with the trap in place, then the step that takes it away.
    super::super::battery::plan(&estate.document("trap"));
    assert_done(&estate.work(Purpose::Apply));
    assert_eq!(estate.cluster.psql("postgres", is_superuser).trim(), "f");
    assert_done(&estate.work(Purpose::Destroy));
}

/// The servers of tests/run log every statement.
fn passwords_reach_no_log(version: &'static str) {
    let estate = Estate::new(version, "pool-log", &["logged"]);
    assert_done(&estate.work(Purpose::Apply));
    estate.cluster.psql("postgres", "ALTER ROLE logged_app PASSWORD 'another'");
    assert_done(&estate.work(Purpose::Apply));
    let log = std::fs::read_to_string(estate.cluster.variable("LOG")).unwrap();
    assert!(log.contains("CREATE ROLE \"logged_app\"") && log.contains("SCRAM-SHA-256$"), "the log holds statements");
    for item in ["app", "main"] {
        assert!(!log.contains(&estate.password("logged", item)));
    }
    // A statement with a verifier that fails is not quoted.
    assert_done(&estate.work(Purpose::Destroy));
}

fn trouble_of(estate: &Estate) -> String {
    let reports = estate.work(Purpose::Apply);
    let trouble = reports.iter().find_map(|report| report.trouble.as_ref());
    trouble.map(|trouble| format!("{} / {}", trouble.message, trouble.help)).unwrap_or_default()
}

/// What the performer says who works as a certain administrator.
fn perform_as(estate: &Estate, administrator: &str) -> Trouble {
    let Resource::PostgresDatabase(wanted) = estate.document("bad").resources.remove(1) else { unreachable!() };
    let claim = Claim { tenant: "bad".to_owned(), uid: UID.to_owned() };
    let entry = Entry::new([("password".to_owned(), Secret::new("canary-tenant"))].into(), "1");
    let look = Look { asked: Asked { wanted: &wanted, claim: &claim, stored: true }, entry: Some(&entry) };
    let login = Login { username: administrator.to_owned(), password: Secret::new("p") };
    let tls = Tls { mode: TlsMode::Off, ca_file: None };
    let (host, port) = (estate.cluster.variable("HOST"), estate.cluster.variable("PORT").parse().unwrap());
    let server = Rc::new(postgres::Server::new("pg", &host, port, &tls, &[], &login).unwrap());
    let action = PostgresAction::CreateRole { role: "bad_main".to_owned(), connection_limit: None, shared: None };
    let performer = postgres::Performer::new(&server);
    block_on(Perform::<PostgresDatabase>::perform(&performer, look, &action)).unwrap_err()
}

fn bad_days(version: &'static str) {
    let mut estate = Estate::new(version, "pool-bad", &["bad"]);
    let good = estate.connection.clone();
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        json!(path)
    };
    let login = |user: &str, password: &str| json!({"usernameFile": file(&format!("{user}-user"), user), "passwordFile": file(&format!("{user}-password"), password)});
    // A wrong credential.
    let wrong = login("postgres", "canary-wrong");
    estate.connection["credentials"] = wrong;
    let told = trouble_of(&estate);
    assert!(told.contains("28P01") && told.contains("see the credential") && !told.contains("canary"), "{told}");
    // Administrators that may not, or cannot now: each by its own remedy.
    for (name, options, code, kind) in [
        ("bad-reader", "CREATEROLE", "25006", TroubleKind::ReadOnly),
        ("bad-crowd", "CREATEROLE CONNECTION LIMIT 0", "53300", TroubleKind::Busy),
        ("bad-helper", "", "42501", TroubleKind::Forbidden),
    ] {
        estate.cluster.psql("postgres", &format!("DROP ROLE IF EXISTS \"{name}\""));
        estate.cluster.psql("postgres", &format!("CREATE ROLE \"{name}\" LOGIN {options} PASSWORD 'p'"));
        estate.cluster.psql(
            "postgres",
            &format!("ALTER ROLE \"{name}\" SET default_transaction_read_only = {}", code == "25006"),
        );
        let trouble = perform_as(&estate, name);
        assert_eq!(trouble.kind(), kind, "{trouble:?}");
        assert!(trouble.line().contains(code) && !trouble.line().contains("canary"), "{trouble:?}");
        estate.cluster.psql("postgres", &format!("DROP ROLE \"{name}\""));
    }
    // Nobody there, and somebody else there.
    estate.connection = good.clone();
    estate.connection["port"] = json!(1);
    assert!(trouble_of(&estate).contains("whether the server runs"));
    // An unknown parameter, told by its name.
    estate.connection = good;
    let mut document = serde_json::to_value(estate.document("bad")).unwrap();
    document["resources"][1]["spec"]["settings"] = json!({"no_such_parameter": "1"});
    let document: Document = serde_json::from_value(document).unwrap();
    let settings = settings(Purpose::Apply, Stop::default(), Allow::default());
    let reports = run(&document, &settings, &Unwatched);
    let trouble = reports[1].trouble.clone().unwrap();
    assert!(trouble.message.contains("no_such_parameter") && !trouble.passes, "{trouble:?}");
    // What is right about it was done all the same: nobody else may connect.
    let acl = "SELECT datacl::text NOT LIKE '%{=%' AND datacl::text NOT LIKE '%,=%' FROM pg_database WHERE datname = 'bad_main'";
    assert_eq!(estate.cluster.psql("postgres", acl).trim(), "t");
    assert_done(&estate.work(Purpose::Apply));
    assert_done(&estate.work(Purpose::Destroy));
}

fn tls(version: &'static str) {
    let mut estate = Estate::new(version, "pool-tls", &["tls"]);
    let direct = json!({"host": estate.cluster.variable("HOST"), "port": estate.cluster.variable("PORT").parse::<u16>().unwrap()});
    for key in ["host", "port"] {
        estate.connection[key] = direct[key].clone();
    }
    estate.connection["tls"] = json!({"mode": "required"});
    let told = trouble_of(&estate);
    assert!(told.contains("see `tls` and `caFile`"), "{told}");
    estate.connection["tls"] = json!({"mode": "required", "caFile": "/nonexistent"});
    let connections = Connections::new(None);
    let opened = block_on(kinds::open(&estate.documents(), &connections, Purpose::Apply));
    assert!(opened.err().is_some_and(|trouble: Trouble| trouble.line().contains("failed to read `caFile`")));
    estate.connection["tls"] = json!({"mode": "required", "caFile": super::variable("TENANTRY_TEST_CA")});
    if version == VERSIONS[1] {
        // This build of 18 has no TLS, and is not spoken to without.
        assert!(trouble_of(&estate).contains("server does not support TLS"));
        return;
    }
    assert_done(&estate.work(Purpose::Apply));
    assert_untouched(&estate.work(Purpose::Apply));
    assert_done(&estate.work(Purpose::Destroy));
}

/// What a run made is taken back, but for what holds something by then.
fn rollback(version: &'static str) {
    let estate = Estate::new(version, "pool-back", &["back"]);
    let mut document = serde_json::to_value(estate.document("back")).unwrap();
    document["resources"][1]["spec"]["settings"] = json!({"no_such_parameter": "1"});
    let document: Document = serde_json::from_value(document).unwrap();
    let mut settings = settings(Purpose::Apply, Stop::default(), Allow::default());
    settings.roll_back = true;
    run(&document, &settings, &Unwatched);
    let left = "SELECT (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'back%') + \
                (SELECT count(*) FROM pg_database WHERE datname LIKE 'back%')";
    assert_eq!(estate.cluster.psql("postgres", left).trim(), "0");
    assert_eq!(
        estate.cluster.psql(&estate.pool, "SELECT count(*) FROM pg_namespace WHERE nspname = 'back_app'").trim(),
        "0"
    );
    // A tenant that was there before keeps everything.
    assert_done(&estate.work(Purpose::Apply));
    let reports = run(&document, &settings, &Unwatched);
    assert!(reports.iter().any(|report| report.trouble.is_some()));
    assert_done(&estate.work(Purpose::Apply));
    assert_eq!(estate.cluster.psql("postgres", left).trim(), "3");
    assert_done(&estate.work(Purpose::Destroy));
}

/// Looking at many tenants takes as many queries as looking at one, and no connection to any database of theirs.
fn bulk_plan(version: &'static str) {
    let tenants: Vec<String> = (0..20).map(|number| format!("bulk{number:02}")).collect();
    let estate = Estate::new(version, "pool-bulk", &tenants.iter().map(String::as_str).collect::<Vec<_>>());
    assert_done(&estate.work(Purpose::Apply));
    let requests = |documents: &[Document]| {
        block_on(async {
            let connections = Connections::new(None);
            let mut groups = kinds::open(documents, &connections, Purpose::Apply).await.unwrap();
            let mut settings = settings(Purpose::Apply, Stop::default(), Allow::default());
            settings.depth = Depth::Bulk;
            let before = estate.cluster.requests();
            assert_untouched(&run::plan(&mut groups, &settings).await);
            estate.cluster.requests() - before
        })
    };
    let documents = estate.documents();
    let (one, all) = (requests(&documents[..1]), requests(&documents));
    assert_eq!(one, all, "queries for one tenant and for twenty");
    estate.cluster.psql("postgres", "GRANT CONNECT ON DATABASE bulk07_main TO PUBLIC");
    let changed = block_on(async {
        let connections = Connections::new(None);
        let mut groups = kinds::open(&documents, &connections, Purpose::Apply).await.unwrap();
        let mut settings = settings(Purpose::Apply, Stop::default(), Allow::default());
        settings.depth = Depth::Bulk;
        let reports = run::plan(&mut groups, &settings).await;
        reports
            .into_iter()
            .filter(|report| report.standing == Standing::Change)
            .map(|report| report.name)
            .collect::<Vec<_>>()
    });
    assert_eq!(changed, ["bulk07_main"]);
    assert_done(&estate.work(Purpose::Destroy));
}

fn two_runs_at_once(version: &'static str) {
    let tenants = ["race-a", "race-b", "race-c", "race-d"];
    let estate = Estate::new(version, "pool-race", &tenants);
    for _ in 0..3 {
        let documents = estate.documents();
        let runs: Vec<_> = (0..3)
            .map(|_| {
                let documents = documents.clone();
                std::thread::spawn(move || {
                    block_on(async {
                        let connections = Connections::new(None);
                        let mut groups = kinds::open(&documents, &connections, Purpose::Apply).await.unwrap();
                        let settings = settings(Purpose::Apply, Stop::default(), Allow::default());
                        run::apply(&mut groups, &settings, &Unwatched).await
                    })
                })
            })
            .collect();
        for run in runs {
            for report in run.join().unwrap() {
                assert!(report.trouble.as_ref().is_none_or(|trouble| trouble.passes), "{report:#?}");
            }
        }
        assert_done(&estate.work(Purpose::Apply));
        assert_untouched(&estate.work(Purpose::Apply));
        for tenant in tenants {
            let login = (format!("{tenant}_app"), estate.password(tenant, "app"));
            let came = estate.cluster.psql_as(Some((&login.0, &login.1)), &estate.pool, "SELECT 1");
            assert!(came.status.success(), "{came:?}");
        }
        assert_done(&estate.work(Purpose::Destroy));
    }
}

fn extensions(version: &'static str) {
    let estate = Estate::new(version, "pool-ext", &["ext"]);
    let with = |extensions: Value| -> Document {
        let mut document = serde_json::to_value(estate.document("ext")).unwrap();
        document["resources"][1]["spec"]["extensions"] = extensions;
        serde_json::from_value(document).unwrap()
    };
    let settings = || settings(Purpose::Apply, Stop::default(), Allow::default());
    let reports = run(&with(json!(["citext", "dblink"])), &settings(), &Unwatched);
    let trouble = reports[1].trouble.clone().unwrap();
    assert!(trouble.message.contains("extension `dblink` is not allowed on connection `pg`"), "{trouble:?}");
    assert!(!estate.cluster.exists("ext_main"), "nothing of the tenant is touched");
    let mut document = with(json!(["uuid-ossp", "pg_trgm"]));
    if version == VERSIONS[1] {
        // This build of 18 has no `uuid-ossp`.
        let reports = run(&document, &settings(), &Unwatched);
        let trouble = reports[1].trouble.clone().unwrap();
        assert!(trouble.message.contains("uuid-ossp") && !trouble.passes, "{trouble:?}");
        document = with(json!(["pg_trgm"]));
    }
    assert_done(&run(&document, &settings(), &Unwatched));
    let found = estate
        .cluster
        .psql("ext_main", "SELECT extname, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace");
    assert!(found.contains("pg_trgm|public"), "{found}");
    assert_done(&estate.work(Purpose::Apply));
    assert_done(&estate.work(Purpose::Destroy));
}

fn adoption(version: &'static str) {
    let estate = Estate::new(version, "pool-adopt", &["adopt"]);
    estate.cluster.psql("postgres", "CREATE ROLE adopt_main SUPERUSER LOGIN PASSWORD 'old'");
    estate.cluster.psql("postgres", "CREATE DATABASE adopt_main");
    estate.cluster.psql("adopt_main", "CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)");
    let document = estate.document("adopt");
    let plain = run(&document, &settings(Purpose::Apply, Stop::default(), Allow::default()), &Unwatched);
    assert_eq!(plain[1].standing, Standing::NotOurs);
    let help = &plain[1].trouble.as_ref().unwrap().help;
    assert!(help.contains("--adopt postgresDatabase/adopt_main"), "{help}");
    let allow = Allow {
        adopt: [(tenantry::provision::Kind::PostgresDatabase, "adopt_main".to_owned())].into(),
        replace: false,
    };
    assert_done(&run(&document, &settings(Purpose::Apply, Stop::default(), allow), &Unwatched));
    assert_untouched(&estate.work(Purpose::Apply));
    assert_eq!(estate.cluster.psql("adopt_main", "SELECT id FROM orders").trim(), "7");
    assert_eq!(
        estate.cluster.psql("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = 'adopt_main'").trim(),
        "f"
    );
    assert_done(&estate.work(Purpose::Destroy));
}
