//! Chains of steps on the stand-in, in both dialects: from any prefix, the next look leads to the same end.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::rc::Rc;

use futures::executor::block_on;

use super::*;
use crate::{
    engine::{Entry, Secret, sandbox::Sandbox},
    steps::{Allow, Asked, Kind, Refusal},
};

/// A tenant's view of one stand-in.
struct Tenant {
    sandbox: Rc<Sandbox>,
    wanted: Wanted<MysqlDatabaseSpec>,
    claim: Claim,
    entry: Entry,
}

impl Tenant {
    fn new(flavour: Flavour) -> Self {
        let sandbox = Rc::new(Sandbox::in_memory(None));
        sandbox.meddle(|state| state.mysql.flavour = flavour);
        let spec = serde_json::json!({"privileges": ["SELECT", "CREATE"]});
        let wanted = Wanted {
            id: "databases/auth".to_owned(),
            connection: "mysql".to_owned(),
            name: "abc_auth".to_owned(),
            user: Some("abc".to_owned()),
            secret: None,
            spec: serde_json::from_value(spec).unwrap(),
        };
        let entry = Entry::new(BTreeMap::from([("password".to_owned(), Secret::new("stored"))]), "1");
        Self { sandbox, wanted, claim: Claim { tenant: "abc".to_owned(), uid: "1".to_owned() }, entry }
    }

    fn look(&self) -> Look<'_, MysqlDatabaseSpec> {
        Look { asked: Asked { wanted: &self.wanted, claim: &self.claim, stored: true }, entry: Some(&self.entry) }
    }

    fn seen(&self) -> Seen {
        block_on(Observe::<MysqlDatabase>::observe(&Observer::new(&self.sandbox), &[self.look()])).remove(0).unwrap()
    }

    fn decide(&self) -> Result<Vec<MysqlAction>, Refusal> {
        MysqlDatabase::decide(self.look().asked, &self.seen(), &Allow::default())
    }

    fn perform(&self, action: &MysqlAction) -> Result<(), Trouble> {
        block_on(Perform::<MysqlDatabase>::perform(&Performer::new(&self.sandbox), self.look(), action)).map(drop)
    }

    /// Performs at most so many steps of one decision; returns whether it was all of them.
    fn run(&self, at_most: usize) -> bool {
        let actions = self.decide().unwrap();
        for action in actions.iter().take(at_most) {
            self.perform(action).unwrap();
        }
        actions.len() <= at_most
    }

    fn server(&self) -> Server {
        self.sandbox.state().mysql
    }
}

const BOTH: [Flavour; 2] = [Flavour::MariaDb, Flavour::MySql];

#[test]
fn from_every_prefix_the_next_run_ends_the_same() {
    for flavour in BOTH {
        let whole = Tenant::new(flavour);
        assert!(whole.run(usize::MAX));
        assert_eq!(whole.decide(), Ok(vec![]), "{flavour:?}");
        for steps in 0.. {
            let cut = Tenant::new(flavour);
            let was_all = cut.run(steps);
            assert!(cut.run(usize::MAX));
            assert_eq!(cut.decide(), Ok(vec![]), "{flavour:?} after {steps}");
            assert_eq!(cut.server(), whole.server(), "{flavour:?} after {steps}");
            if was_all {
                assert!(steps > 4);
                break;
            }
        }
    }
}

#[test]
fn a_removal_that_is_cut_anywhere_ends_with_nothing() {
    for flavour in BOTH {
        for steps in 0..6 {
            let tenant = Tenant::new(flavour);
            tenant.run(usize::MAX);
            let destroy = || MysqlDatabase::destroy(tenant.look().asked, &tenant.seen()).unwrap();
            for action in destroy().iter().take(steps) {
                tenant.perform(action).unwrap();
            }
            for action in destroy() {
                tenant.perform(&action).unwrap();
            }
            assert_eq!(destroy(), [], "{flavour:?} after {steps}");
            let left = tenant.server();
            assert!(left.databases.is_empty() && left.users.is_empty() && left.claims.is_empty());
        }
    }
}

#[test]
fn what_somebody_else_made_between_intent_and_creation_is_not_ours() {
    let tenant = Tenant::new(Flavour::MariaDb);
    let intent = |action: &MysqlAction| matches!(action, MysqlAction::NoteIntent { .. });
    let until = tenant.decide().unwrap().iter().position(intent).unwrap() + 1;
    tenant.run(until);
    tenant.sandbox.meddle(|state| {
        let account = Account::new("abc", "%");
        let mut other = User::new(&account, digest(&Secret::new("another")), tenant.look(), None);
        other.tls = Tls::Off;
        state.mysql.users.insert(key(&account), other);
    });
    assert!(tenant.decide().is_err(), "its password is not ours");

    let tenant = Tenant::new(Flavour::MySql);
    let until = tenant.decide().unwrap().iter().position(intent).unwrap() + 1;
    tenant.run(until);
    tenant.sandbox.meddle(|state| {
        let found = Database { tables: BTreeSet::from(["orders".to_owned()]), ..Database::default() };
        state.mysql.databases.insert("abc_auth".to_owned(), found);
    });
    assert!(tenant.decide().is_err(), "it holds something");
}

#[test]
fn a_lost_race_is_no_success() {
    for flavour in BOTH {
        let tenant = Tenant::new(flavour);
        let actions = tenant.decide().unwrap();
        tenant.run(usize::MAX);
        for action in &actions {
            let outcome = tenant.perform(action).map_err(|trouble| trouble.kind());
            match action {
                MysqlAction::NoteIntent { .. }
                | MysqlAction::CreateDatabase { .. }
                | MysqlAction::CreateUser { .. } => assert_eq!(outcome, Err(TroubleKind::Exists), "{action}"),
                _ => assert_eq!(outcome, Ok(()), "{action}"),
            }
        }
        assert_eq!(tenant.decide(), Ok(vec![]));
    }
}

#[test]
fn drift_is_mended() {
    for flavour in BOTH {
        let tenant = Tenant::new(flavour);
        tenant.run(usize::MAX);
        let before = tenant.server();
        tenant.sandbox.meddle(|state| {
            let user = state.mysql.users.get_mut("abc@%").unwrap();
            user.global.insert("PROCESS".to_owned());
            user.grants.insert("abc_auth".to_owned(), BTreeSet::from(["DROP".to_owned()]));
            (user.is_locked, user.tls, user.password) = (true, Tls::Off, None);
            state.mysql.databases.get_mut("abc_auth").unwrap().character_set = "latin1".to_owned();
        });
        assert!(tenant.run(usize::MAX));
        assert_eq!(tenant.decide(), Ok(vec![]));
        assert_eq!(tenant.server(), before);
    }
}

#[test]
fn an_undoing_leaves_a_database_that_holds_something() {
    let tenant = Tenant::new(Flavour::MariaDb);
    let actions = tenant.decide().unwrap();
    tenant.run(usize::MAX);
    tenant.sandbox.meddle(|state| {
        state.mysql.databases.get_mut("abc_auth").unwrap().tables.insert("customers".to_owned());
    });
    let undone: Vec<bool> =
        actions.iter().rev().flat_map(MysqlDatabase::undo).map(|undo| tenant.perform(&undo).is_ok()).collect();
    assert_eq!(undone, [true, true, false]);
    assert!(tenant.server().databases.contains_key("abc_auth"));
}

#[test]
fn an_undoing_on_mysql_leaves_a_database_that_holds_something_ours() {
    let tenant = Tenant::new(Flavour::MySql);
    let actions = tenant.decide().unwrap();
    tenant.run(usize::MAX);
    tenant.sandbox.meddle(|state| {
        state.mysql.databases.get_mut("abc_auth").unwrap().tables.insert("customers".to_owned());
    });
    // The loop ends an undoing at the first thing that cannot be taken back.
    let undone = actions.iter().rev().flat_map(MysqlDatabase::undo).map(|undo| tenant.perform(&undo).is_ok());
    assert!(!undone.take_while(|is_undone| *is_undone).collect::<Vec<_>>().is_empty());
    assert!(tenant.run(usize::MAX));
    assert_eq!(tenant.decide(), Ok(vec![]));
}

#[test]
fn a_credential_reaches_what_its_grants_cover() {
    let tenant = Tenant::new(Flavour::MariaDb);
    tenant.run(usize::MAX);
    let mut other = tenant.wanted.clone();
    other.name = "abcxauth".to_owned();
    let probe = || {
        let targets = [&tenant.wanted, &other];
        block_on(Probe::<MysqlDatabase>::probe(&Prober::new(&tenant.sandbox), tenant.look(), &targets)).unwrap()
    };
    let found = probe();
    assert!(matches!((&found[0], &found[1]), (Ok(Access::Allowed(_)), Ok(Access::Denied))), "{found:?}");
    tenant.sandbox.meddle(|state| {
        let user = state.mysql.users.get_mut("abc@%").unwrap();
        user.grants.insert("abc_auth".to_owned(), BTreeSet::from(["SELECT".to_owned()]));
    });
    assert!(matches!(&probe()[1], Ok(Access::Allowed(_))), "unescaped, it covers the neighbour");
}
