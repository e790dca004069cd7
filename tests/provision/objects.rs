//! `bucket` and `objectStoreUser` on a real MinIO, and on an emulator of AWS. The oracle is boto3 and MinIO's own admin
//! client.

mod oracle;

use std::{cell::Cell, collections::BTreeMap, env, path::Path, time::Duration};

use serde_json::{Value, json};
use tenantry::{
    engine::{
        Purpose,
        connections::Connections,
        gate::{PER_CONNECTION, Stop},
        isolation, kinds,
        report::{Event, ResourceReport, Unwatched, Watch},
    },
    provision::Document,
    steps::{Allow, Standing},
};

use self::oracle::{ask, oracle};
use super::{
    battery::{self, Battery, Case, UID, assert_done, assert_untouched, block_on, settings},
    wire::{Proxy, http::usual_reads},
};

/// A bucket on one server, with a user for it or alone.
struct Objects {
    flavour: &'static str,
    name: String,
    has_user: bool,
    proxy: Proxy,
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

impl Objects {
    fn new(flavour: &'static str, test: &str, has_user: bool) -> Self {
        let server = flavour.to_uppercase();
        let address = format!(
            "{}:{}",
            variable(&format!("TENANTRY_TEST_{server}_HOST")),
            variable(&format!("TENANTRY_TEST_{server}_PORT"))
        );
        let name = format!("abc-{}", test.replace('_', "-"));
        let proxy = Proxy::http(address.parse().unwrap(), usual_reads);
        Self { flavour, name, has_user, proxy }
    }

    fn oracle(&self, arguments: &[&str]) -> String {
        oracle(self.flavour, arguments, None)
    }

    fn bucket(&self, updated: bool) -> Value {
        let spec = match updated {
            false => {
                json!({"versioning": true, "noncurrentDays": 30, "publicPrefix": "public/", "quota": "1Gi", "encryption": "AES256"})
            }
            true => {
                json!({"versioning": true, "noncurrentDays": 7, "publicPrefix": "pictures/small/", "encryption": "aws:kms"})
            }
        };
        json!({"kind": "bucket", "id": "files", "connection": "objects", "name": self.name, "spec": spec})
    }

    fn user(&self, updated: bool) -> Value {
        let actions =
            if updated { json!(["s3:GetObject"]) } else { json!(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]) };
        let fields = match self.flavour {
            "aws" => json!({"accessKey": {"answer": "/accessKey"}, "secretKey": {"answer": "/secretKey"}}),
            _ => json!({"accessKey": {"value": self.name}, "secretKey": {"generated": 40}}),
        };
        json!({
            "kind": "objectStoreUser", "id": "user", "connection": "objects", "name": self.name, "user": self.name,
            "secret": {"store": "store", "key": "tenants/abc/user", "fields": fields},
            "spec": {"buckets": [self.name], "actions": actions},
        })
    }

    fn with(&self, uid: &str, resources: &[Value], store: &Path) -> Document {
        let server = self.flavour.to_uppercase();
        let credentials = json!({
            "usernameEnv": format!("TENANTRY_TEST_{server}_USERNAME"), "passwordEnv": format!("TENANTRY_TEST_{server}_PASSWORD"),
        });
        serde_json::from_value(json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Provision",
            "metadata": {"tenant": "abc", "uid": uid, "state": "active"},
            "connections": {
                "objects": {"kind": "objectStore", "endpoint": format!("http://{}", self.proxy.address()), "flavour": self.flavour,
                    "region": variable(&format!("TENANTRY_TEST_{server}_REGION")), "credentials": credentials},
                "store": {"kind": "directory", "path": store},
            },
            "resources": resources,
        }))
        .unwrap()
    }
}

impl Case for Objects {
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
        let mut resources = vec![self.bucket(updated && !self.has_user)];
        resources.extend(self.has_user.then(|| self.user(updated)));
        self.with(uid, &resources, store)
    }

    fn dump(&self) -> String {
        self.oracle(&["dump", &self.name])
    }

    fn drift(&self) {
        self.oracle(&[if self.has_user { "drift-user" } else { "drift-bucket" }, &self.name]);
    }

    fn foreign(&self) {
        self.oracle(&[if self.has_user { "make-user" } else { "make-bucket" }, &self.name]);
    }

    fn has_user(&self) -> bool {
        self.has_user && self.dump().lines().any(|line| line.starts_with("user "))
    }

    fn logs_in(&self, entry: &BTreeMap<String, String>) -> Option<bool> {
        let keys = (entry.get("accessKey")?.as_str(), entry.get("secretKey")?.as_str());
        // The emulator of AWS lets any key in.
        let is_judge = self.flavour == "minio" && entry["accessKey"] == self.name;
        is_judge.then(|| oracle(self.flavour, &["login"], Some(keys)) == "yes")
    }

    fn settle_neighbour(&self) {
        let next = format!("{}x", self.name);
        // A test that was cut short left its neighbour.
        self.oracle(&["sweep", &next]);
        self.oracle(&["make-bucket", &next]);
        self.oracle(&["fill", &next, "1"]);
    }

    fn neighbour(&self) -> String {
        self.oracle(&["dump", &format!("{}x", self.name)])
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The administrators' API derives a key for every body, which takes a debug build a third of a second.
    fn patience(&self) -> Duration {
        Duration::from_secs(3)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // A failure here would hide the one that is reported.
        let _ = ask(self.flavour, &["sweep", &self.name, &format!("{}x", self.name)], None);
    }
}

macro_rules! battery {
    ($flavour:literal $needs:literal $has_user:literal: $($name:ident $test:ident)+) => {$(
        #[test]
        #[ignore = $needs]
        fn $name() {
            let objects = Objects::new($flavour, stringify!($name), $has_user);
            Battery::new(&objects).$test();
        }
    )+};
}

battery! { "minio" "needs minio, s3-oracle: run by tests/run" false:
    bucket_create create
    bucket_repeat repeat
    bucket_noop noop
    bucket_update update
    bucket_crash_after_n crash_after_n
    bucket_foreign foreign
    bucket_another_uid another_uid
    bucket_drift drift
    bucket_wire_faults wire_faults
}

#[cfg(feature = "faults")]
battery! { "minio" "needs minio, s3-oracle: run by tests/run" false:
    bucket_kill_at_every_point kill_at_every_point
}

battery! { "minio" "needs minio, s3-oracle: run by tests/run" true:
    object_store_user_create create
    object_store_user_repeat repeat
    object_store_user_noop noop
    object_store_user_update update
    object_store_user_crash_after_n crash_after_n
    object_store_user_foreign foreign
    object_store_user_another_uid another_uid
    object_store_user_drift drift
    object_store_user_completed completed
    object_store_user_made_in_between made_in_between
    object_store_user_wire_faults wire_faults
}

#[cfg(feature = "faults")]
battery! { "minio" "needs minio, s3-oracle: run by tests/run" true:
    object_store_user_kill_at_every_point kill_at_every_point
}

battery! { "aws" "needs aws, s3-oracle: run by tests/run" false:
    aws_bucket_create create
    aws_bucket_repeat repeat
    aws_bucket_update update
    aws_bucket_crash_after_n crash_after_n
    aws_bucket_foreign foreign
    aws_bucket_another_uid another_uid
    aws_bucket_drift drift
}

battery! { "aws" "needs aws, s3-oracle: run by tests/run" true:
    aws_user_create create
    aws_user_repeat repeat
    aws_user_update update
    aws_user_crash_after_n crash_after_n
    aws_user_foreign foreign
    aws_user_another_uid another_uid
    aws_user_drift drift
}

fn apply(document: &Document) -> Vec<ResourceReport> {
    battery::run(document, &settings(Purpose::Apply, Stop::default(), Allow::default()), &Unwatched)
}

fn destroy(document: &Document) -> Vec<ResourceReport> {
    battery::run(document, &settings(Purpose::Destroy, Stop::default(), Allow::default()), &Unwatched)
}

/// More than a page of objects, with versions, delete markers and an unfinished upload, all go; nothing else could.
fn empties(objects: &Objects) {
    let store = tempfile::tempdir().unwrap();
    let document = objects.document(UID, false, store.path());
    assert_done(&apply(&document));
    objects.oracle(&["fill", &objects.name, "1001"]);
    assert_done(&destroy(&document));
    assert_eq!(objects.dump(), "");
}

#[test]
#[ignore = "needs minio, s3-oracle: run by tests/run"]
fn bucket_goes_with_all_versions() {
    empties(&Objects::new("minio", "goes-with-all-versions", false));
}

#[test]
#[ignore = "needs aws, s3-oracle: run by tests/run"]
fn aws_bucket_goes_with_all_versions() {
    empties(&Objects::new("aws", "goes-with-all-versions", false));
}

#[test]
#[ignore = "needs minio, s3-oracle: run by tests/run"]
fn bucket_shows_its_public_prefix_to_anybody_and_nothing_else() {
    let objects = Objects::new("minio", "public-prefix", false);
    let store = tempfile::tempdir().unwrap();
    let document = objects.document(UID, false, store.path());
    assert_done(&apply(&document));
    objects.oracle(&["fill", &objects.name, "1"]);
    assert_eq!(objects.oracle(&["anybody", &objects.name, "public/0"]), "200");
    assert_eq!(objects.oracle(&["anybody", &objects.name, "private/1"]), "403");
    assert_eq!(objects.oracle(&["anybody", &objects.name, ""]), "403");
    assert_untouched(&apply(&document));
}

#[test]
#[ignore = "needs minio, s3-oracle: run by tests/run"]
fn bucket_keeps_tags_of_others() {
    let objects = Objects::new("minio", "tags-of-others", false);
    let store = tempfile::tempdir().unwrap();
    let document = objects.document(UID, false, store.path());
    assert_done(&apply(&document));
    objects.oracle(&["tag", &objects.name, "team", "web"]);
    assert_untouched(&apply(&document));
    let adopt = [(tenantry::provision::Kind::Bucket, objects.name.clone())].into();
    let other = objects.document("0192f0c1-0000-7000-8000-00000000000f", false, store.path());
    let allow = Allow { adopt, replace: false };
    assert_done(&battery::run(&other, &settings(Purpose::Apply, Stop::default(), allow), &Unwatched));
    let dump = objects.dump();
    assert!(
        dump.contains("'Key': 'team', 'Value': 'web'") && dump.contains("00000000000f"),
        "the tags of others must stay: {dump}"
    );
}

/// A bucket that somebody made and used meanwhile is not ours, though we were about to make one.
#[test]
#[ignore = "needs minio, s3-oracle: run by tests/run"]
fn bucket_with_our_intent_is_ours_only_while_it_is_empty() {
    let first = Objects::new("minio", "intent-first", false);
    let store = tempfile::tempdir().unwrap();
    assert_done(&apply(&first.document(UID, false, store.path())));
    let objects = Objects::new("minio", "intent", false);
    let document = objects.document(UID, false, store.path());
    objects.oracle(&["intent", &objects.name, &format!("tenantry:abc:{UID}")]);
    objects.oracle(&["make-bucket", &objects.name]);
    objects.oracle(&["fill", &objects.name, "1"]);
    let reports = apply(&document);
    assert_eq!(reports[0].standing, Standing::NotOurs, "{reports:#?}");
    objects.oracle(&["purge", &objects.name]);
    objects.oracle(&["make-bucket", &objects.name]);
    assert_done(&apply(&document));
    assert_untouched(&apply(&document));
}

/// Writes another tenant's intent to make a bucket, as soon as a step is done and all looks have been had.
struct Rival<'o>(&'o Objects, Cell<bool>);

impl Watch for Rival<'_> {
    fn event(&self, event: Event<'_>) {
        if let (Event::Step { .. }, false) = (event, self.1.replace(true)) {
            self.0.oracle(&["intent", &self.0.name, "tenantry:rival:0192f0c1-0000-7000-8000-00000000000e"]);
        }
    }
}

/// Of two tenants that want a bucket of one name, who is first to say so makes it.
#[test]
#[ignore = "needs minio, s3-oracle: run by tests/run"]
fn bucket_intent_of_another_is_not_written_over() {
    // One more than are worked on at a time: the last begins when another has had a step.
    let names: Vec<String> = (0..PER_CONNECTION).map(|at| format!("abc-rival-{at}")).collect();
    let last = Objects::new("minio", "rival-last", false);
    let bucket =
        |name: &String| json!({"kind": "bucket", "id": name, "connection": "objects", "name": name, "spec": {}});
    let buckets: Vec<Value> = names.iter().chain([&last.name]).map(bucket).collect();
    let store = tempfile::tempdir().unwrap();
    let document = last.with(UID, &buckets, store.path());
    let watch = Rival(&last, Cell::new(false));
    let reports = battery::run(&document, &settings(Purpose::Apply, Stop::default(), Allow::default()), &watch);
    let sweep: Vec<&str> = ["sweep"].into_iter().chain(names.iter().map(String::as_str)).collect();
    last.oracle(&sweep);
    let report = reports.iter().find(|report| report.name == last.name).unwrap();
    let said = report.trouble.as_ref().map(|trouble| trouble.message.as_str()).unwrap_or_default();
    assert!(said.contains("belongs to tenant `rival`"), "another's intent was written over: {report:#?}");
    let dump = last.dump();
    assert!(dump.ends_with(" {\"intent\": true}"), "nothing is made where another said first that it makes it: {dump}");
}

/// Neighbours by prefix: each reaches its own bucket and no other, by the oracle and by our own tries.
#[test]
#[ignore = "needs minio, s3-oracle: run by tests/run"]
fn object_store_user_reaches_no_neighbour() {
    let names = ["near", "near-a", "nea"];
    let all: Vec<Objects> = names.iter().map(|name| Objects::new("minio", name, true)).collect();
    let stores: Vec<tempfile::TempDir> = names.iter().map(|_| tempfile::tempdir().unwrap()).collect();
    let documents: Vec<Document> = all
        .iter()
        .zip(&stores)
        .enumerate()
        .map(|(at, (objects, store))| {
            let mut document = objects.document(UID, false, store.path());
            document.metadata.tenant = format!("tenant-{at}");
            document
        })
        .collect();
    documents.iter().for_each(|document| assert_done(&apply(document)));
    for (own, store) in all.iter().zip(&stores) {
        own.oracle(&["fill", &own.name, "1"]);
        let entry = std::fs::read_to_string(store.path().join("tenants/abc/user.json")).unwrap();
        let entry: Value = serde_json::from_str(&entry).unwrap();
        let field = |name: &str| {
            entry.pointer(&format!("/fields/{name}")).or(entry.get(name)).unwrap().as_str().unwrap().to_owned()
        };
        let keys = (field("accessKey"), field("secretKey"));
        for other in &all {
            let reached = oracle("minio", &["reach", &other.name], Some((&keys.0, &keys.1)));
            let expected = if other.name == own.name { "list put get delete" } else { "" };
            assert_eq!(reached, expected, "{} → {}", own.name, other.name);
        }
    }
    let matrix = block_on(async {
        // One connection, so that all are one group: the first proxy.
        let shared = documents[0].connections["objects"].clone();
        let mut documents = documents.clone();
        for document in &mut documents {
            document.connections.insert("objects".to_owned(), shared.clone());
        }
        let connections = Connections::new(None);
        let mut groups = kinds::open(&documents, &connections, Purpose::Apply).await.unwrap();
        isolation::probe(&mut groups, &std::collections::BTreeSet::new()).await
    });
    assert_eq!((matrix.own, matrix.denied), (3, 6), "{matrix:#?}");
    assert!(matrix.holes.is_empty() && matrix.locked_out.is_empty() && matrix.unknown.is_empty(), "{matrix:#?}");
}

/// From a number of users on, all are read at once, by answers that are sealed: the same is seen.
#[test]
#[ignore = "needs minio, s3-oracle: run by tests/run"]
fn object_store_user_is_seen_alike_among_many() {
    let objects = Objects::new("minio", "among-many", true);
    let store = tempfile::tempdir().unwrap();
    let document = objects.document(UID, false, store.path());
    assert_done(&apply(&document));
    let mut many = document.clone();
    for at in 0..40 {
        let mut user = objects.user(false);
        user["id"] = json!(format!("user-{at}"));
        user["name"] = json!(format!("{}-{at}", objects.name));
        user["secret"]["key"] = json!(format!("tenants/abc/user-{at}"));
        many.resources.push(serde_json::from_value(user).unwrap());
    }
    let reports = battery::plan(&many);
    let of = |standing| reports.iter().filter(|report| report.standing == standing).count();
    assert_eq!((of(Standing::Ok), of(Standing::Create)), (2, 40), "{reports:#?}");
}

/// What an administrator whose credential is wrong, or whose server is gone, is told.
#[test]
#[ignore = "needs minio, s3-oracle: run by tests/run"]
fn objects_bad_days() {
    let objects = Objects::new("minio", "bad-days", true);
    let store = tempfile::tempdir().unwrap();
    let told = |change: &dyn Fn(&mut Value)| {
        let mut document = serde_json::to_value(objects.document(UID, false, store.path())).unwrap();
        change(&mut document["connections"]["objects"]);
        let reports = battery::plan(&serde_json::from_value(document).unwrap());
        let messages: Vec<String> =
            reports.iter().map(|report| report.trouble.as_ref().unwrap().message.clone()).collect();
        assert!(reports.iter().all(|report| report.standing == Standing::Unreachable), "{reports:#?}");
        messages
    };
    for (setting, value, expected) in [
        (
            "credentials",
            json!({"usernameEnv": "TENANTRY_TEST_MINIO_USERNAME", "passwordEnv": "HOME"}),
            "SignatureDoesNotMatch",
        ),
        ("credentials", json!({"usernameEnv": "HOME", "passwordEnv": "HOME"}), "InvalidAccessKeyId"),
        ("endpoint", json!("http://127.0.0.1:1"), "failed to"),
        ("endpoint", json!(format!("https://{}", objects.proxy.address())), "failed to"),
    ] {
        let messages = told(&|connection| connection[setting] = value.clone());
        assert!(messages.iter().all(|message| message.contains(expected)), "{setting} {value}: {messages:#?}");
    }
}
