//! The loop over stand-ins: what every kind relies on.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{cell::RefCell, collections::BTreeMap, path::Path, rc::Rc};

use futures::executor::block_on;
use serde_json::json;

use super::{
    Purpose, Secret, Settings,
    connections::Connections,
    gate::Stop,
    group::Group,
    kinds,
    report::{ResourceReport, StepOutcome, Unwatched},
    run::{self, Depth},
    sandbox::{Sandbox, State},
};
use crate::{
    provision::Document,
    steps::{Allow, Standing},
};

fn settings(purpose: Purpose) -> Settings {
    Settings {
        purpose,
        depth: Depth::Proven,
        allow: Allow::default(),
        roll_back: false,
        make: Secret::random,
        stop: Stop::default(),
        pause: |_| Box::pin(async {}),
    }
}

fn document(uid: &str) -> Document {
    let secret = |key: &str| {
        json!({
            "store": "vault", "key": format!("tenants/abc/{key}"),
            "fields": {"username": {"value": key}, "password": {"generated": 32}},
        })
    };
    serde_json::from_value(json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Provision",
        "metadata": {"tenant": "abc", "uid": uid, "state": "active"},
        "connections": {
            "redis": {"kind": "redis", "host": "redis", "credentials": {"usernameEnv": "A", "passwordEnv": "B"}},
            "vault": {"kind": "vault", "url": "https://vault"},
        },
        "resources": [
            {"kind": "redisUser", "id": "cache", "connection": "redis", "name": "abc--cache", "user": "abc--cache",
             "secret": secret("cache"), "spec": {"commands": ["+@all", "-@admin"]}},
            {"kind": "secret", "id": "app-key", "connection": "vault", "name": "tenants/abc/app-key",
             "secret": secret("app-key"), "spec": {"fields": {}}},
        ],
    }))
    .unwrap()
}

fn open(directory: &Path, document: &Document, purpose: Purpose) -> Vec<Box<dyn Group>> {
    let connections = Connections::new(Some(directory.to_owned()));
    block_on(kinds::open(std::slice::from_ref(document), &connections, purpose)).unwrap()
}

fn apply(directory: &Path, document: &Document) -> Vec<ResourceReport> {
    let mut groups = open(directory, document, Purpose::Apply);
    block_on(run::apply(&mut groups, &settings(Purpose::Apply), &Unwatched))
}

fn standings(reports: &[ResourceReport]) -> Vec<(&str, Standing)> {
    reports.iter().map(|report| (report.id.as_str(), report.standing)).collect()
}

fn state(directory: &Path, connection: &str) -> State {
    #[allow(clippy::disallowed_methods, reason = "a test looks at the file")]
    serde_json::from_str(&std::fs::read_to_string(directory.join(format!("{connection}.json"))).unwrap()).unwrap()
}

/// Returns stand-ins, and what runs the document on them.
fn in_sandbox() -> (Rc<Sandbox>, impl Fn(Purpose) -> Vec<ResourceReport>) {
    let sandbox = Rc::new(Sandbox::in_memory(None));
    let connections = Connections::stand_ins(Rc::clone(&sandbox));
    let run = move |purpose| {
        let mut groups = block_on(kinds::open(&[document("1")], &connections, purpose)).unwrap();
        block_on(run::apply(&mut groups, &settings(purpose), &Unwatched))
    };
    (sandbox, run)
}

#[test]
fn a_second_run_finds_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let first = apply(folder.path(), &document("1"));
    assert_eq!(standings(&first), [("app-key", Standing::Create), ("cache", Standing::Create)]);
    assert!(first.iter().all(|report| report.trouble.is_none()), "{first:?}");
    assert!(first.iter().flat_map(|report| &report.steps).all(|step| step.outcome == StepOutcome::Done), "{first:?}");
    let before = (state(folder.path(), "redis"), state(folder.path(), "vault"));
    let second = apply(folder.path(), &document("1"));
    assert_eq!(standings(&second), [("app-key", Standing::Ok), ("cache", Standing::Ok)]);
    assert!(second.iter().all(|report| report.steps.is_empty()));
    assert_eq!(before, (state(folder.path(), "redis"), state(folder.path(), "vault")));
}

#[test]
fn a_tenant_that_was_made_again_gets_nothing_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    apply(folder.path(), &document("1"));
    let before = (state(folder.path(), "redis"), state(folder.path(), "vault"));
    let reports = apply(folder.path(), &document("2"));
    assert_eq!(standings(&reports)[1], ("cache", Standing::NotOurs));
    assert!(reports[1].trouble.as_ref().unwrap().message.contains("belongs to tenant `abc` (uid 1)"));
    assert_eq!(before, (state(folder.path(), "redis"), state(folder.path(), "vault")));
}

#[test]
fn what_was_destroyed_is_gone_with_its_credential() {
    let folder = tempfile::tempdir().unwrap();
    apply(folder.path(), &document("1"));
    let mut groups = open(folder.path(), &document("1"), Purpose::Destroy);
    let reports = block_on(run::apply(&mut groups, &settings(Purpose::Destroy), &Unwatched));
    drop(groups);
    assert_eq!(standings(&reports), [("app-key", Standing::Remove), ("cache", Standing::Remove)]);
    assert!(reports.iter().all(|report| report.trouble.is_none()), "{reports:?}");
    assert!(state(folder.path(), "redis").redis.users.is_empty());
    assert_eq!(state(folder.path(), "vault").secrets.entries, BTreeMap::new());
}

#[test]
fn a_secret_of_another_tenant_is_not_destroyed() {
    let (sandbox, run) = in_sandbox();
    run(Purpose::Apply);
    sandbox.meddle(|state| {
        let entry = state.secrets.entries.get_mut("tenants/abc/app-key").unwrap();
        entry.fields.insert("tenantry-claim".to_owned(), "tenantry:xyz:9".to_owned());
    });
    let reports = run(Purpose::Destroy);
    assert_eq!(standings(&reports)[0], ("app-key", Standing::NotOurs));
    assert!(sandbox.state().secrets.entries.contains_key("tenants/abc/app-key"));
}

#[test]
fn a_bulk_look_asks_every_store_for_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let first = document("1");
    let mut text = serde_json::to_string(&first).unwrap().replace("abc", "abd");
    for place in ["\"vault\":{", "\"store\":\"vault\"", "\"connection\":\"vault\""] {
        text = text.replace(place, &place.replace("vault", "other"));
    }
    let documents = [first, serde_json::from_str(&text).unwrap()];
    let connections = Connections::new(Some(folder.path().to_owned()));
    let groups = || block_on(kinds::open(&documents, &connections, Purpose::Apply)).unwrap();
    block_on(run::apply(&mut groups(), &settings(Purpose::Apply), &Unwatched));
    let bulk = Settings { depth: Depth::Bulk, ..settings(Purpose::Apply) };
    let reports = block_on(run::plan(&mut groups(), &bulk));
    assert_eq!(reports.len(), 4);
    assert!(reports.iter().all(|report| report.standing == Standing::Ok), "{reports:#?}");
}

#[test]
fn what_is_left_of_an_old_tenant_goes_though_a_new_one_of_its_name_has_the_rest() {
    let (sandbox, run) = in_sandbox();
    run(Purpose::Apply);
    let second = "tenantry:abc:2".to_owned();
    sandbox.meddle(|state| {
        state.redis.users.values_mut().for_each(|user| user.claim = Some(second.clone()));
        let entry = state.secrets.entries.get_mut("tenants/abc/cache").unwrap();
        entry.fields.insert("tenantry-claim".to_owned(), second.clone());
    });
    let before = sandbox.state();
    let reports = run(Purpose::Destroy);
    assert_eq!(standings(&reports), [("app-key", Standing::Remove), ("cache", Standing::Gone)]);
    let after = sandbox.state();
    assert_eq!(after.secrets.entries.keys().collect::<Vec<_>>(), ["tenants/abc/cache"]);
    assert_eq!(after.redis, before.redis, "what the new one has is not touched");
}

thread_local! {
    /// What another run does while this one waits.
    static MEANWHILE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

#[test]
fn what_another_run_is_about_to_mark_is_no_strangers() {
    let sandbox = Rc::new(Sandbox::in_memory(None));
    let connections = Connections::stand_ins(Rc::clone(&sandbox));
    let documents = [document("1")];
    let meanwhile = |_| -> futures::future::LocalBoxFuture<'static, ()> {
        Box::pin(async { MEANWHILE.take().into_iter().for_each(|act| act()) })
    };
    let run = || {
        let mut groups = block_on(kinds::open(&documents, &connections, Purpose::Apply)).unwrap();
        let settings = Settings { pause: meanwhile, ..settings(Purpose::Apply) };
        block_on(run::apply(&mut groups, &settings, &Unwatched))
    };
    run();
    let marked = sandbox.state();
    let unmark = || {
        sandbox.meddle(|state| state.redis.users.values_mut().for_each(|user| user.claim = None));
    };
    unmark();
    let again = (Rc::clone(&sandbox), marked.clone());
    MEANWHILE.set(Some(Box::new(move || again.0.meddle(|state| *state = again.1))));
    assert_eq!(standings(&run()), [("app-key", Standing::Ok), ("cache", Standing::Ok)]);
    // What stays unmarked is somebody else's.
    unmark();
    assert_eq!(standings(&run())[1], ("cache", Standing::NotOurs));
}
