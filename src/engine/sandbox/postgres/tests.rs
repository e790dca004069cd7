//! The decisions over the stand-in: from any stop, by any drift, back to what is wanted.

use std::{collections::BTreeMap, rc::Rc};

use futures::executor::block_on;
use serde_json::json;

use super::super::{Observer, Performer, Prober, Sandbox, State};
use crate::{
    engine::{Access, Entry, Look, Observe, Perform, Probe, Secret},
    provision::{Resource, Wanted},
    steps::{
        Allow, Asked, Kind, Refusal,
        claim::Claim,
        postgres::{PostgresAction, database::PostgresDatabase, grants, schema::PostgresSchema},
    },
};

/// A resource with its owner, its credential and its server.
struct World<K: Kind> {
    wanted: Wanted<K::Spec>,
    claim: Claim,
    entry: Entry,
    sandbox: Rc<Sandbox>,
}

impl<K> World<K>
where
    K: Kind<Action = PostgresAction>,
    Observer: Observe<K>,
    Performer: Perform<K>,
    Prober: Probe<K>,
{
    fn asked(&self) -> Asked<'_, K::Spec> {
        Asked { wanted: &self.wanted, claim: &self.claim, stored: true }
    }

    fn look(&self) -> Look<'_, K::Spec> {
        Look { asked: self.asked(), entry: Some(&self.entry) }
    }

    fn seen(&self) -> K::Seen {
        block_on(Observer::new(&self.sandbox).observe(&[self.look()])).remove(0).unwrap()
    }

    fn decide(&self, allow: &Allow) -> Result<Vec<PostgresAction>, Refusal> {
        K::decide(self.asked(), &self.seen(), allow)
    }

    fn perform(&self, action: &PostgresAction) {
        let performed = block_on(Performer::new(&self.sandbox).perform(self.look(), action));
        performed.unwrap_or_else(|trouble| panic!("{action}: {trouble:?}"));
    }

    /// Does at most `most` actions, and returns how many there were.
    fn apply(&self, most: usize) -> usize {
        let actions = self.decide(&Allow::default()).unwrap();
        actions.iter().take(most).for_each(|action| self.perform(action));
        actions.len()
    }

    fn state(&self) -> State {
        self.sandbox.state()
    }

    /// Two rounds are enough from anywhere: what is inside a database is seen once it is open.
    fn assert_converges(&self, wanted: &State, from: &str) {
        self.apply(usize::MAX);
        self.apply(usize::MAX);
        assert_eq!(self.decide(&Allow::default()), Ok(vec![]), "{from}");
        assert_eq!(&self.state(), wanted, "{from}");
    }

    fn destroy(&self, most: usize) -> usize {
        let actions = K::destroy(self.asked(), &self.seen()).unwrap();
        actions.iter().take(most).for_each(|action| self.perform(action));
        actions.len()
    }
}

fn world<K: Kind>(resource: serde_json::Value, of: fn(Resource) -> Option<Wanted<K::Spec>>) -> World<K> {
    let fields = BTreeMap::from([("password".to_owned(), Secret::new("p"))]);
    World {
        wanted: of(serde_json::from_value(resource).unwrap()).unwrap(),
        claim: Claim { tenant: "abc".to_owned(), uid: "1".to_owned() },
        entry: Entry::new(fields, "1"),
        sandbox: Rc::new(Sandbox::in_memory(None)),
    }
}

fn database() -> World<PostgresDatabase> {
    let resource = json!({"kind": "postgresDatabase", "id": "main", "connection": "pg", "name": "abc_main", "user": "abc",
        "spec": {"extensions": ["citext"], "connectionLimit": 5, "settings": {"search_path": "app, public"},
            "roleSettings": {"lock_timeout": "1s"}}});
    world(resource, |resource| match resource {
        Resource::PostgresDatabase(wanted) => Some(wanted),
        _ => None,
    })
}

fn schema() -> World<PostgresSchema> {
    let resource = json!({"kind": "postgresSchema", "id": "app", "connection": "pg", "name": "abc_app", "user": "abc",
        "spec": {"database": "pool", "migrations": "app", "requireRowLevelSecurity": true}});
    let world = world(resource, |resource| match resource {
        Resource::PostgresSchema(wanted) => Some(wanted),
        _ => None,
    });
    world.sandbox.meddle(|state| {
        let files = [("1.sql", "a"), ("2.sql", "b")].map(|(name, sha256)| (name.to_owned(), sha256.to_owned()));
        state.postgres.folders.insert("app".to_owned(), files.into());
    });
    world
}

fn converges_from_any_stop<K>(make: fn() -> World<K>)
where
    K: Kind<Action = PostgresAction>,
    Observer: Observe<K>,
    Performer: Perform<K>,
    Prober: Probe<K>,
{
    let undisturbed = make();
    let nothing = undisturbed.state();
    let steps = undisturbed.apply(usize::MAX);
    let wanted = undisturbed.state();
    assert!(steps > 5);
    undisturbed.assert_converges(&wanted, "from what is wanted");
    for most in 0..steps {
        let world = make();
        world.apply(most);
        world.assert_converges(&wanted, &format!("after {most} steps"));
        // And away again, from any stop of that.
        let removal = world.destroy(0);
        for most in 0..=removal {
            world.destroy(most);
            assert!(most < removal || world.destroy(0) == 0, "nothing is left to remove");
            world.destroy(usize::MAX);
            assert_eq!(world.state().postgres.roles, nothing.postgres.roles);
            world.assert_converges(&wanted, "after a removal");
        }
    }
}

#[test]
fn a_database_is_finished_from_any_stop() {
    converges_from_any_stop(database);
}

#[test]
fn a_schema_is_finished_from_any_stop() {
    converges_from_any_stop(schema);
}

#[test]
fn nobody_else_may_connect_at_any_moment() {
    let world = database();
    for action in world.decide(&Allow::default()).unwrap() {
        world.perform(&action);
        let state = world.state();
        let Some(database) = state.postgres.databases.get("abc_main") else { continue };
        assert!(!database.is_open || !database.grants.contains_key(""), "after: {action}");
    }
}

#[test]
fn each_difference_has_its_step() {
    type Change = fn(&mut State);
    let cases: [(Change, &str); 9] = [
        (|state| state.postgres.roles.get_mut("abc").unwrap().superuser = true, "SUPERUSER → NOSUPERUSER"),
        (|state| state.postgres.roles.get_mut("abc").unwrap().login = false, "NOLOGIN → LOGIN"),
        (|state| state.postgres.roles.get_mut("abc").unwrap().password = None, "alter role `abc`: password"),
        (|state| state.postgres.roles.get_mut("abc").unwrap().connection_limit = None, "connection limit none → 5"),
        (
            |state| main_of(state).grants.extend(grants("", ["CONNECT"])),
            "revoke on database `abc_main`: PUBLIC (CONNECT)",
        ),
        (|state| main_of(state).owner = "postgres".to_owned(), "`postgres` → `abc`"),
        (|state| drop(main_of(state).parameters.insert("work_mem".to_owned(), "1GB".to_owned())), "`1GB` → none"),
        (|state| main_of(state).extensions.clear(), "install extension `citext`"),
        (|state| main_of(state).public.clear(), "grant on schema `public`"),
    ];
    for (drift, step) in cases {
        let world = database();
        world.apply(usize::MAX);
        let wanted = world.state();
        world.sandbox.meddle(drift);
        let texts: Vec<String> = world.decide(&Allow::default()).unwrap().iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|text| text.contains(step)), "{texts:?} has no {step}");
        world.assert_converges(&wanted, step);
    }
}

fn main_of(state: &mut State) -> &mut super::Database {
    state.postgres.databases.get_mut("abc_main").unwrap()
}

#[test]
fn what_is_not_ours_is_left_alone_unless_it_is_adopted() {
    for (drift, told) in [
        (None, "carries no claim"),
        (Some("tenantry:abc:2"), "belongs to tenant `abc` (uid 2)"),
        (Some("somebody's"), "carries no claim"),
    ] {
        let world = database();
        world.sandbox.meddle(|state| {
            let role = super::Role { comment: drift.map(str::to_owned), ..super::Role::default() };
            state.postgres.roles.insert("abc".to_owned(), role);
        });
        assert!(world.decide(&Allow::default()).unwrap_err().to_string().contains(told));
        assert!(PostgresDatabase::destroy(world.asked(), &world.seen()).is_err());
        let allow = Allow { adopt: [(PostgresDatabase::KIND, "abc_main".to_owned())].into(), replace: false };
        world.decide(&allow).unwrap().iter().for_each(|action| world.perform(action));
        assert_eq!(world.decide(&Allow::default()), Ok(vec![]));
    }
}

#[test]
fn the_role_is_the_anchor_and_its_owner_cannot_forge_a_claim() {
    let world = database();
    world.apply(usize::MAX);
    let wanted = world.state();
    world.sandbox.meddle(|state| main_of(state).comment = Some("tenantry:other:9".to_owned()));
    world.assert_converges(&wanted, "a forged comment");
}

#[test]
fn a_shared_database_is_never_a_tenants_own() {
    let world = schema();
    world.apply(usize::MAX);
    world.sandbox.meddle(|state| {
        state.postgres.databases.get_mut("pool").unwrap().comment = Some("tenantry:other:9".to_owned());
    });
    assert!(world.decide(&Allow::default()).unwrap_err().to_string().contains("belongs to tenant `other`"));
}

#[test]
fn tables_without_row_level_security_are_refused_once_nothing_else_is_left() {
    let world = schema();
    world.apply(usize::MAX);
    world.sandbox.meddle(|state| {
        let schema = state.postgres.databases.get_mut("pool").unwrap().schemas.get_mut("abc_app").unwrap();
        schema.tables = [("safe".to_owned(), true), ("open".to_owned(), false)].into();
        schema.migrations.remove("2.sql");
    });
    assert_eq!(world.decide(&Allow::default()).unwrap().len(), 1, "the migration may be what mends it");
    world.apply(usize::MAX);
    let refusal = world.decide(&Allow::default()).unwrap_err().to_string();
    assert!(refusal.contains("do not force row-level security: `open`"), "{refusal}");
}

#[test]
fn names_that_the_server_would_cut_are_refused() {
    for (name, user, told) in [
        ("a".repeat(64), "abc".to_owned(), "the database has 64 bytes"),
        ("ü".repeat(32), "abc".to_owned(), "the database has 64 bytes"),
        ("a".repeat(63), "b".repeat(64), "the role has 64 bytes"),
        ("a".to_owned(), "pg_abc".to_owned(), "starts with `pg_`"),
        ("a\0b".to_owned(), "abc".to_owned(), "control characters"),
        (String::new(), "abc".to_owned(), "is empty"),
    ] {
        let mut world = database();
        (world.wanted.name, world.wanted.user) = (name, Some(user));
        let refusal = world.decide(&Allow::default()).unwrap_err().to_string();
        assert!(refusal.contains(told), "{refusal}");
    }
    let mut world = database();
    (world.wanted.name, world.wanted.user) = ("a".repeat(63), Some("b".repeat(63)));
    assert!(world.decide(&Allow::default()).is_ok());
}

#[test]
fn undoing_drops_nothing_that_holds_something() {
    let world = database();
    let actions = world.decide(&Allow::default()).unwrap();
    actions.iter().for_each(|action| world.perform(action));
    world.sandbox.meddle(|state| main_of(state).objects.extend(["orders".to_owned()]));
    let undone: Vec<PostgresAction> = actions.iter().rev().flat_map(PostgresDatabase::undo).collect();
    assert_eq!(undone.len(), 2, "the database and the role");
    let performer = Performer::new(&world.sandbox);
    assert!(block_on(Perform::<PostgresDatabase>::perform(&performer, world.look(), &undone[0])).is_err());
    world.sandbox.meddle(|state| main_of(state).objects.clear());
    undone.iter().for_each(|action| world.perform(action));
    assert_eq!(world.state(), State::default());
}

#[test]
fn a_role_reaches_its_own_schema_alone() {
    let one = schema();
    one.apply(usize::MAX);
    let mut other = schema();
    other.sandbox = Rc::clone(&one.sandbox);
    (other.wanted.name, other.wanted.user) = ("abc_app2".to_owned(), Some("abcd".to_owned()));
    other.claim.tenant = "abcd".to_owned();
    other.apply(usize::MAX);
    assert_eq!(one.decide(&Allow::default()), Ok(vec![]), "a neighbour changes nothing");
    let prober = Prober::new(&one.sandbox);
    let targets = [&one.wanted, &other.wanted];
    let tried = block_on(Probe::<PostgresSchema>::probe(&prober, one.look(), &targets)).unwrap();
    assert!(matches!(tried[0], Ok(Access::Allowed(_))));
    assert!(matches!(tried[1], Ok(Access::Denied)));
}
