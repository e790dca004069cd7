//! Decisions about single differences; what a chain of them leads to is tried on the stand-in.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::*;
use crate::steps::Action;

fn wanted() -> Wanted<MysqlDatabaseSpec> {
    let spec = serde_json::json!({"privileges": ["SELECT", "CREATE"], "maxUserConnections": 5});
    Wanted {
        id: "databases/auth".to_owned(),
        connection: "mysql".to_owned(),
        name: "abc_auth".to_owned(),
        user: Some("abc".to_owned()),
        secret: None,
        spec: serde_json::from_value(spec).unwrap(),
    }
}

fn claim(uid: &str) -> Claim {
    Claim { tenant: "abc".to_owned(), uid: uid.to_owned() }
}

fn words(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn nothing(flavour: Flavour) -> Seen {
    Seen {
        server: Server { flavour, is_literal: false, folds_case: false, administrator: "root".to_owned() },
        ledger: Ledger::Ready,
        note: None,
        database: None,
        user: None,
        former: BTreeSet::new(),
        shadows: BTreeSet::new(),
        open_to_all: BTreeSet::new(),
        sessions: BTreeSet::new(),
    }
}

fn as_wanted(flavour: Flavour) -> Seen {
    let host = if flavour == Flavour::MariaDb { "%" } else { "" };
    Seen {
        note: Some(Note { claim: claim("1"), host: host.to_owned(), is_made: true }),
        database: Some(Database {
            owner: Owner::Ours,
            character_set: "utf8mb4".to_owned(),
            collation: "utf8mb4_unicode_ci".to_owned(),
        }),
        user: Some(User {
            owner: Owner::Ours,
            is_locked: false,
            tls: Tls::Required,
            max_user_connections: 5,
            password: Some(true),
            login: Some(Login::In),
            grants: BTreeMap::from([(r"abc\_auth".to_owned(), words(&["SELECT", "CREATE"]))]),
            routines: BTreeMap::new(),
            beyond: BTreeSet::new(),
            roles: BTreeSet::new(),
            proxies: BTreeSet::new(),
        }),
        ..nothing(flavour)
    }
}

fn with_user(flavour: Flavour, change: impl FnOnce(&mut User)) -> Seen {
    let mut seen = as_wanted(flavour);
    change(seen.user.as_mut().unwrap());
    seen
}

fn decide(seen: &Seen) -> Result<Vec<MysqlAction>, Refusal> {
    let (wanted, claim) = (wanted(), claim("1"));
    MysqlDatabase::decide(Asked { wanted: &wanted, claim: &claim, stored: true }, seen, &Allow::default())
}

fn adopt(seen: &Seen) -> Vec<&'static str> {
    let (wanted, claim) = (wanted(), claim("1"));
    let allow = Allow { adopt: [(MysqlDatabase::KIND, wanted.name.clone())].into(), replace: false };
    let actions = MysqlDatabase::decide(Asked { wanted: &wanted, claim: &claim, stored: true }, seen, &allow);
    actions.unwrap().iter().map(Action::name).collect()
}

fn names(seen: &Seen) -> Vec<&'static str> {
    decide(seen).unwrap().iter().map(Action::name).collect()
}

fn texts(seen: &Seen) -> Vec<String> {
    decide(seen).unwrap().iter().map(ToString::to_string).collect()
}

const BOTH: [Flavour; 2] = [Flavour::MariaDb, Flavour::MySql];

#[test]
fn what_is_as_wanted_needs_nothing() {
    for flavour in BOTH {
        assert_eq!(decide(&as_wanted(flavour)), Ok(vec![]));
        let unproven = with_user(flavour, |user| (user.password, user.login) = (None, None));
        assert_eq!(decide(&unproven), Ok(vec![]), "no password is stored: none differs");
    }
}

#[test]
fn each_object_is_noted_before_and_after_where_it_cannot_carry_its_claim() {
    assert_eq!(
        names(&nothing(Flavour::MariaDb)),
        [
            "mysql-create-database",
            "mysql-note-intent",
            "mysql-create-user",
            "mysql-note-made",
            "mysql-grant-privileges"
        ]
    );
    assert_eq!(
        names(&nothing(Flavour::MySql)),
        [
            "mysql-note-intent",
            "mysql-create-database",
            "mysql-note-made",
            "mysql-create-user",
            "mysql-grant-privileges"
        ]
    );
}

#[test]
fn the_ledger_is_made_when_first_needed() {
    let start = |ledger| names(&Seen { ledger, ..nothing(Flavour::MariaDb) })[..2].to_vec();
    assert_eq!(start(Ledger::Absent), ["mysql-create-ledger", "mysql-create-claims"]);
    assert_eq!(start(Ledger::Empty), ["mysql-create-claims", "mysql-create-database"]);
    assert!(decide(&Seen { ledger: Ledger::Foreign, ..nothing(Flavour::MariaDb) }).is_err());
}

#[test]
fn a_note_that_intends_goes_on_and_one_that_said_made_is_taken_back_first() {
    let note = |is_made| Some(Note { claim: claim("1"), host: "%".to_owned(), is_made });
    let second = |note| names(&Seen { note, user: None, ..as_wanted(Flavour::MariaDb) })[0];
    assert_eq!(second(note(false)), "mysql-create-user");
    assert_eq!(second(note(true)), "mysql-note-again");
    let moved = Some(Note { claim: claim("1"), host: "10.%".to_owned(), is_made: false });
    assert_eq!(second(moved), "mysql-note-again");
}

#[test]
fn each_difference_has_its_step() {
    for (flavour, change, wanted) in [
        (Flavour::MariaDb, (|user| user.is_locked = true) as fn(&mut User), "alter user `abc`@`%`: locked → unlocked"),
        (Flavour::MariaDb, |user| user.tls = Tls::Off, "alter user `abc`@`%`: TLS none → required"),
        (Flavour::MySql, |user| user.max_user_connections = 0, "alter user `abc`@`%`: connections no limit → 5"),
        (Flavour::MySql, |user| user.password = Some(false), "alter user `abc`@`%`: password"),
        (Flavour::MySql, |user| user.login = Some(Login::Out), "alter user `abc`@`%`: password"),
        (
            Flavour::MariaDb,
            |user| user.grants = BTreeMap::from([(r"abc\_auth".to_owned(), words(&["SELECT"]))]),
            "grant CREATE on `abc_auth` to `abc`@`%`",
        ),
        (
            Flavour::MariaDb,
            |user| user.grants.get_mut(r"abc\_auth").unwrap().extend(["GRANT OPTION".to_owned()]),
            r"revoke GRANT OPTION on `abc\_auth` from `abc`@`%`",
        ),
        (
            Flavour::MariaDb,
            |user| drop(user.grants.insert("abc_auth".to_owned(), words(&["SELECT"]))),
            "revoke SELECT on `abc_auth` from `abc`@`%`",
        ),
        (Flavour::MySql, |user| user.roles.extend([Account::new("dba", "%")]), "revoke role `dba`@`%` from `abc`@`%`"),
        (
            Flavour::MySql,
            |user| user.proxies.extend([Account::new("root", "%")]),
            "revoke becoming `root`@`%` from `abc`@`%`",
        ),
    ] {
        assert_eq!(texts(&with_user(flavour, change))[..1], [wanted]);
    }
    let mut latin = as_wanted(Flavour::MariaDb);
    latin.database.as_mut().unwrap().collation = "utf8mb4_bin".to_owned();
    assert_eq!(texts(&latin), ["alter database `abc_auth`: utf8mb4 utf8mb4_bin → utf8mb4 utf8mb4_unicode_ci"]);
}

#[test]
fn what_is_too_much_is_taken_before_what_lacks_is_given_and_sessions_end() {
    let seen = with_user(Flavour::MariaDb, |user| {
        user.beyond.insert("privileges on every database".to_owned());
        user.roles.insert(Account::new("dba", ""));
    });
    assert_eq!(names(&seen), ["mysql-revoke-all", "mysql-end-sessions", "mysql-grant-privileges"]);
    let shared = Seen { shadows: [Account::new("abc", "localhost")].into(), ..seen };
    assert_eq!(names(&shared), ["mysql-revoke-all", "mysql-grant-privileges"], "others' sessions go on");
    let seen = with_user(Flavour::MySql, |user| user.roles.extend([Account::new("dba", "%")]));
    let seen = Seen { sessions: [7, 9].into(), ..seen };
    assert_eq!(names(&seen), ["mysql-revoke-role", "mysql-end-session", "mysql-end-session"]);
}

#[test]
fn routines_of_ones_own_are_the_servers_gift_to_who_may_make_them() {
    let seen = |database: &str, grants| {
        with_user(Flavour::MariaDb, |user| user.routines.extend([(database.to_owned(), grants)]))
    };
    let decide = |seen: &Seen, privileges: &str| {
        let mut wanted = wanted();
        wanted.spec.privileges = serde_json::from_str(privileges).unwrap();
        let claim = claim("1");
        let asked = Asked { wanted: &wanted, claim: &claim, stored: true };
        MysqlDatabase::decide(asked, seen, &Allow::default())
            .unwrap()
            .iter()
            .any(|action| matches!(action, MysqlAction::RevokeAll { .. }))
    };
    assert!(!decide(&seen("abc_auth", false), r#"["SELECT", "CREATE", "CREATE ROUTINE"]"#));
    assert!(decide(&seen("abc_auth", true), r#"["SELECT", "CREATE", "CREATE ROUTINE"]"#));
    assert!(decide(&seen("abc_auth", false), r#"["SELECT", "CREATE"]"#));
    assert!(decide(&seen("xyz_auth", false), r#"["SELECT", "CREATE", "CREATE ROUTINE"]"#));
}

#[test]
fn names_in_a_grant_are_as_the_server_takes_them() {
    let mut seen = as_wanted(Flavour::MySql);
    seen.server.is_literal = true;
    assert_eq!(names(&seen), ["mysql-revoke-privileges", "mysql-grant-privileges"], "another pattern means another");
    let literal = BTreeMap::from([("abc_auth".to_owned(), words(&["SELECT", "CREATE"]))]);
    seen.user.as_mut().unwrap().grants = literal;
    assert_eq!(decide(&seen), Ok(vec![]));
}

#[test]
fn an_earlier_host_part_goes_first() {
    let seen = Seen {
        former: [Account::new("abc", "10.%")].into(),
        user: None,
        note: Some(Note { claim: claim("1"), host: "10.%".to_owned(), is_made: true }),
        ..as_wanted(Flavour::MariaDb)
    };
    assert_eq!(
        names(&seen),
        [
            "mysql-lock-user",
            "mysql-end-sessions",
            "mysql-drop-user",
            "mysql-note-again",
            "mysql-create-user",
            "mysql-note-made",
            "mysql-grant-privileges"
        ]
    );
}

#[test]
fn what_is_not_ours_is_left_alone_until_it_is_adopted() {
    for flavour in BOTH {
        for owner in [Owner::Unmarked, Owner::Another(claim("2"))] {
            let user = with_user(flavour, |user| user.owner = owner.clone());
            let mut database = as_wanted(flavour);
            database.database.as_mut().unwrap().owner = owner.clone();
            for seen in [&user, &database] {
                assert!(decide(seen).is_err(), "{flavour:?} {owner:?}");
                let (wanted, claim) = (wanted(), claim("1"));
                let asked = Asked { wanted: &wanted, claim: &claim, stored: true };
                assert!(MysqlDatabase::destroy(asked, seen).is_err(), "{flavour:?} {owner:?}");
            }
            let adopts_user = if flavour == Flavour::MariaDb { "mysql-note-adopted" } else { "mysql-adopt-user" };
            let adopts_database =
                if flavour == Flavour::MariaDb { "mysql-adopt-database" } else { "mysql-note-adopted" };
            assert_eq!((adopt(&user), adopt(&database)), (vec![adopts_user], vec![adopts_database]));
        }
    }
    let half_gone = Seen {
        note: Some(Note { claim: claim("2"), host: "%".to_owned(), is_made: true }),
        ..nothing(Flavour::MariaDb)
    };
    assert!(matches!(decide(&half_gone), Err(Refusal::Another { .. })), "what another's note speaks of may come");
    assert_eq!(adopt(&half_gone)[1], "mysql-note-adopted");
}

#[test]
fn servers_and_ourselves_are_never_a_tenants() {
    for (database, user) in [("mysql", "abc"), ("Sys", "abc"), ("tenantry", "abc"), ("abc_auth", "root"), ("x", "")] {
        let mut wanted = wanted();
        (wanted.name, wanted.user) = (database.to_owned(), Some(user.to_owned()));
        let claim = claim("1");
        let asked = Asked { wanted: &wanted, claim: &claim, stored: true };
        let allow = Allow { adopt: [(MysqlDatabase::KIND, database.to_owned())].into(), replace: true };
        assert!(MysqlDatabase::decide(asked, &as_wanted(Flavour::MariaDb), &allow).is_err(), "{database} {user}");
        assert!(MysqlDatabase::destroy(asked, &as_wanted(Flavour::MariaDb)).is_err(), "{database} {user}");
    }
}

#[test]
fn a_login_that_others_catch_is_told_once_all_else_is_as_wanted() {
    let anonymous = Account::new("", "localhost");
    let out = Seen {
        shadows: [anonymous.clone()].into(),
        ..with_user(Flavour::MariaDb, |user| user.login = Some(Login::Out))
    };
    let refusal = decide(&out).unwrap_err();
    assert!(refusal.to_string().contains("takes it for ``@`localhost`"), "{refusal}");
    let taken = with_user(Flavour::MariaDb, |user| user.login = Some(Login::As(anonymous)));
    assert!(decide(&taken).is_err());
    let open = Seen { open_to_all: words(&["``@`%` has privileges on `abc%`"]), ..nothing(Flavour::MariaDb) };
    assert!(decide(&open).unwrap_err().to_string().contains("every account"));
}

#[test]
fn a_removal_stops_the_use_first_and_forgets_last() {
    let (wanted, claim_) = (wanted(), claim("1"));
    let asked = Asked { wanted: &wanted, claim: &claim_, stored: true };
    let destroy = |seen: &Seen| -> Vec<&'static str> {
        MysqlDatabase::destroy(asked, seen).unwrap().iter().map(Action::name).collect()
    };
    assert_eq!(
        destroy(&as_wanted(Flavour::MariaDb)),
        ["mysql-lock-user", "mysql-end-sessions", "mysql-drop-user", "mysql-forget-note", "mysql-drop-database"]
    );
    let sessions = Seen { sessions: [7].into(), ..as_wanted(Flavour::MySql) };
    assert_eq!(
        destroy(&sessions),
        ["mysql-lock-user", "mysql-end-session", "mysql-drop-user", "mysql-drop-database", "mysql-forget-note"]
    );
    let left = Seen { database: None, user: None, ..sessions };
    assert_eq!(destroy(&left), ["mysql-end-session", "mysql-forget-note"]);
    assert_eq!(destroy(&nothing(Flavour::MariaDb)), Vec::<&str>::new());
    let another =
        Seen { note: Some(Note { claim: claim("2"), host: String::new(), is_made: true }), ..nothing(Flavour::MySql) };
    assert_eq!(destroy(&another), Vec::<&str>::new(), "another's note stays");
}

#[test]
fn an_undoing_of_what_holds_data_asks_for_emptiness() {
    let made = decide(&nothing(Flavour::MariaDb)).unwrap();
    let undone: Vec<_> = made.iter().flat_map(MysqlDatabase::undo).map(|action| action.name()).collect();
    assert_eq!(undone, ["mysql-drop-empty-database", "mysql-drop-user", "mysql-note-again"]);
    assert_eq!(MysqlDatabase::undo(&MysqlAction::AdoptDatabase { database: "x".to_owned() }), []);
}

#[test]
fn old_names_of_character_sets_are_the_present_ones() {
    assert_eq!((modern("utf8"), modern("UTF8_bin")), ("utf8mb3".to_owned(), "utf8mb3_bin".to_owned()));
    assert_eq!((modern("utf8mb4"), modern("latin1")), ("utf8mb4".to_owned(), "latin1".to_owned()));
}
