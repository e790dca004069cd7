//! `mysqlDatabase`: a database with its own user, who reaches nothing else.
//!
//! A claim must come into being with its object. A database on MariaDB carries it as comment, an account on MySQL as
//! attribute. What is left, an account on MariaDB and a database on MySQL, is noted in a *ledger*: the table
//! `tenantry`.`claims` of the same server. Its rows are written ahead: `intended` only once the object was seen absent,
//! then the object is made (which fails where somebody else was first), then the row says `made`. A run that finds
//! `intended` beside an existing object asks the object itself: an account is ours if its only way in is the stored
//! password, a database if it is empty. Everything else is somebody else's.
//!
//! What a ledger cannot tell: an account that somebody drops and makes again by hand, by the same name, is still ours.

mod action;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use action::MysqlAction;
pub use seen::{Account, Database, Flavour, Ledger, Login, Note, Noted, Seen, Server, Tls, User, modern};

use super::{
    Allow, Asked, Kind, Refusal,
    claim::{Claim, Owner},
};
use crate::provision::{
    self, Wanted,
    mysql::{MysqlDatabaseSpec, Privilege},
};

/// The database of the ledger.
pub const LEDGER: &str = "tenantry";

/// Databases that are never a tenant's: the servers' own, and ours.
const RESERVED: [&str; 5] = ["information_schema", "mysql", "performance_schema", "sys", LEDGER];

/// The kind `mysqlDatabase`.
#[derive(Debug)]
pub struct MysqlDatabase;

/// Returns the account that a document wants: the user has the database's name where it has none of its own.
pub fn account(wanted: &Wanted<MysqlDatabaseSpec>) -> Account {
    Account::new(wanted.user.as_deref().unwrap_or(&wanted.name), &wanted.spec.host)
}

/// Returns the privileges that a document wants, by their words in a `GRANT`.
pub fn privileges(spec: &MysqlDatabaseSpec) -> BTreeSet<String> {
    spec.privileges.iter().map(|privilege| privilege.name().to_owned()).collect()
}

/// Returns what TLS a document wants the account to come with.
pub fn tls(spec: &MysqlDatabaseSpec) -> Tls {
    if spec.require_tls { Tls::Required } else { Tls::Off }
}

/// Returns the most connections that a document wants; 0 is no limit.
pub fn max_user_connections(spec: &MysqlDatabaseSpec) -> u64 {
    spec.max_user_connections.map_or(0, u64::from)
}

impl Kind for MysqlDatabase {
    const KIND: provision::Kind = provision::Kind::MysqlDatabase;
    type Spec = MysqlDatabaseSpec;
    type Seen = Seen;
    type Action = MysqlAction;

    fn decide(asked: Asked<'_, MysqlDatabaseSpec>, seen: &Seen, allow: &Allow) -> Result<Vec<MysqlAction>, Refusal> {
        let Asked { wanted, claim, stored: _ } = asked;
        let adopts = allow.adopts(Self::KIND, &wanted.name);
        refuse_impossible(wanted, seen)?;
        refuse_foreign(asked, seen, adopts)?;
        let early = early_privileges(wanted, seen);
        let mut actions = database(wanted, claim, seen);
        for former in &seen.former {
            actions.extend(removal(former, false, seen));
        }
        match &seen.user {
            None => actions.extend(new_user(wanted, claim, seen)),
            Some(user) => match early {
                None => actions.extend(existing_user(wanted, seen, user)),
                Some(privileges) => {
                    let (account, pattern) = (account(wanted), seen.server.pattern(&wanted.name));
                    let mut shut_out = user.clone();
                    shut_out.grants.remove(&pattern);
                    actions.insert(0, MysqlAction::Revoke { account, pattern, privileges: privileges.clone() });
                    actions.extend(existing_user(wanted, seen, &shut_out));
                }
            },
        }
        if actions.iter().any(is_note) {
            let missing = match seen.ledger {
                Ledger::Ready | Ledger::Foreign => Vec::new(),
                Ledger::Empty => vec![MysqlAction::CreateClaims],
                Ledger::Absent => vec![MysqlAction::CreateLedger, MysqlAction::CreateClaims],
            };
            actions.splice(0..0, missing);
        }
        // Once nothing else is left to set, a login that fails has a reason outside of the account.
        match &seen.user {
            Some(user) if actions.is_empty() => refuse_shadows(wanted, seen, user).map(|()| actions),
            _ => Ok(actions),
        }
    }

    fn destroy(asked: Asked<'_, MysqlDatabaseSpec>, seen: &Seen) -> Result<Vec<MysqlAction>, Refusal> {
        let Asked { wanted, claim, stored: _ } = asked;
        refuse_impossible(wanted, seen)?;
        let owners = [seen.database.as_ref().map(|one| &one.owner), seen.user.as_ref().map(|one| &one.owner)];
        for (owner, of) in owners.into_iter().zip([Noted::Database, Noted::User]) {
            if let Some(refusal) = owner.and_then(|owner| not_ours(owner, of, wanted, false)) {
                return Err(refusal);
            }
        }
        let mut actions = Vec::new();
        let account = account(wanted);
        match &seen.user {
            Some(user) => actions.extend(removal(&account, user.is_locked, seen)),
            None if is_ours(seen.note.as_ref(), claim) => actions.extend(one_by_one(&account.user, seen)),
            None => {}
        }
        for former in &seen.former {
            actions.extend(removal(former, false, seen));
        }
        // A note goes as soon as its object has: until then, somebody else's under the same name would pass for ours.
        let forget = |object: Noted| {
            let (of, name) = noted(wanted, seen);
            (of == object && is_ours(seen.note.as_ref(), claim)).then_some(MysqlAction::ForgetNote { of, name })
        };
        actions.extend(forget(Noted::User));
        if seen.database.is_some() {
            actions.push(MysqlAction::DropDatabase { database: wanted.name.clone() });
        }
        actions.extend(forget(Noted::Database));
        Ok(actions)
    }

    /// A note stays, as one that only intends: another run may be about to make what it speaks of. Of an account it says
    /// so before the account goes, of a database once that is gone: one that holds something goes not, and would be
    /// nobody's.
    fn undo(action: &MysqlAction) -> Vec<MysqlAction> {
        let undo = match action {
            MysqlAction::CreateDatabase { database, character_set: _, collation: _ } => {
                Some(MysqlAction::DropEmptyDatabase { database: database.clone() })
            }
            MysqlAction::CreateUser { account } => Some(MysqlAction::DropUser { account: account.clone() }),
            MysqlAction::NoteMade { of: of @ Noted::User, name, host }
            | MysqlAction::NoteIntent { of: of @ Noted::Database, name, host }
            | MysqlAction::NoteAgain { of: of @ Noted::Database, name, host } => {
                Some(MysqlAction::NoteAgain { of: *of, name: name.clone(), host: host.clone() })
            }
            _ => None,
        };
        undo.into_iter().collect()
    }

    fn exists(_: Asked<'_, MysqlDatabaseSpec>, seen: &Seen) -> bool {
        seen.database.is_some() || seen.user.is_some()
    }
}

/// Refuses what must not be asked of this server at all.
fn refuse_impossible(wanted: &Wanted<MysqlDatabaseSpec>, seen: &Seen) -> Result<(), Refusal> {
    let impossible = |what: String, help: &str| Err(Refusal::Impossible { what, help: help.to_owned() });
    let (name, account) = (&wanted.name, account(wanted));
    if RESERVED.contains(&name.to_lowercase().as_str()) {
        return impossible(
            format!("database `{name}` is the server's own, or the ledger"),
            "give the database another name under `naming` of `tenantry.yaml`",
        );
    }
    if account.user.is_empty() || account.user == seen.server.administrator {
        return impossible(
            format!("user `{}` is the account that this engine works with, or none", account.user),
            "give the user another name under `naming` of `tenantry.yaml`, or the connection an account of its own",
        );
    }
    if seen.ledger == Ledger::Foreign {
        return impossible(
            format!("database `{LEDGER}` is there and is not the ledger"),
            "the engine keeps its claims in a database of that name: rename the one that is there",
        );
    }
    if let Some(grant) = seen.open_to_all.first() {
        return impossible(
            format!("every account of the server may enter database `{name}`: {grant}"),
            "revoke that grant: no tenant's data is safe beside it",
        );
    }
    Ok(())
}

/// Refuses to touch the tenant's objects if one of them, or its note, is not ours.
fn refuse_foreign(asked: Asked<'_, MysqlDatabaseSpec>, seen: &Seen, adopts: bool) -> Result<(), Refusal> {
    let Asked { wanted, claim, stored: _ } = asked;
    let database = seen.database.as_ref().map(|database| (&database.owner, Noted::Database));
    let user = seen.user.as_ref().map(|user| (&user.owner, Noted::User));
    for (owner, of) in database.into_iter().chain(user) {
        if let Some(refusal) = not_ours(owner, of, wanted, adopts) {
            return Err(refusal);
        }
    }
    // What another tenant notes may be about to be made, or half removed.
    match &seen.note {
        Some(note) if note.claim != *claim => {
            not_ours(&Owner::Another(note.claim.clone()), noted(wanted, seen).0, wanted, adopts).map_or(Ok(()), Err)
        }
        _ => Ok(()),
    }
}

fn not_ours(owner: &Owner, of: Noted, wanted: &Wanted<MysqlDatabaseSpec>, adopts: bool) -> Option<Refusal> {
    let refusal = Refusal::of(owner, MysqlDatabase::KIND, wanted, adopts)?;
    match (of, owner) {
        (Noted::User, Owner::Unmarked) => Some(Refusal::Impossible {
            what: format!(
                "user {} of database `{}` exists and carries no claim of tenantry",
                account(wanted),
                wanted.name
            ),
            help: refusal.help(),
        }),
        _ => Some(refusal),
    }
}

/// Refuses an account that the server does not take our logins for.
fn refuse_shadows(wanted: &Wanted<MysqlDatabaseSpec>, seen: &Seen, user: &User) -> Result<(), Refusal> {
    let account = account(wanted);
    let taken = match &user.login {
        None | Some(Login::In) => return Ok(()),
        Some(Login::As(other)) => other.to_string(),
        Some(Login::Out) => seen.shadows.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
    };
    Err(Refusal::Impossible {
        what: format!("user {account} does not get in with its own password: the server takes it for {taken}"),
        help: format!(
            "drop {taken}: a server matches accounts by host first, and an account without a name is anybody's"
        ),
    })
}

fn is_ours(note: Option<&Note>, claim: &Claim) -> bool {
    note.is_some_and(|note| note.claim == *claim)
}

fn is_note(action: &MysqlAction) -> bool {
    matches!(
        action,
        MysqlAction::NoteIntent { .. }
            | MysqlAction::NoteAgain { .. }
            | MysqlAction::NoteMade { .. }
            | MysqlAction::NoteAdopted { .. }
    )
}

/// Returns what this server's ledger notes of the resource.
fn noted(wanted: &Wanted<MysqlDatabaseSpec>, seen: &Seen) -> (Noted, String) {
    let of = seen.server.flavour.noted();
    let name = match of {
        Noted::User => account(wanted).user,
        Noted::Database => seen.server.fold(&wanted.name),
    };
    (of, name)
}

fn note_host(of: Noted, wanted: &Wanted<MysqlDatabaseSpec>) -> String {
    match of {
        Noted::User => account(wanted).host,
        Noted::Database => String::new(),
    }
}

/// Returns what is noted around the making of an absent object.
fn notes(wanted: &Wanted<MysqlDatabaseSpec>, claim: &Claim, seen: &Seen) -> (Option<MysqlAction>, MysqlAction) {
    let (of, name) = noted(wanted, seen);
    let host = note_host(of, wanted);
    let made = MysqlAction::NoteMade { of, name: name.clone(), host: host.clone() };
    let before = match &seen.note {
        None => Some(MysqlAction::NoteIntent { of, name, host }),
        Some(note) if note.claim != *claim => Some(MysqlAction::NoteAdopted { of, name, host }),
        Some(note) if note.is_made || note.host != host || of == Noted::Database => {
            Some(MysqlAction::NoteAgain { of, name, host })
        }
        Some(_) => None,
    };
    (before, made)
}

/// Returns what is noted of an object that is there.
fn note_existing(wanted: &Wanted<MysqlDatabaseSpec>, seen: &Seen, owner: &Owner) -> Option<MysqlAction> {
    let (of, name) = noted(wanted, seen);
    let host = note_host(of, wanted);
    match (owner, &seen.note) {
        (Owner::Ours, Some(note)) if note.is_made => None,
        (Owner::Ours, _) => Some(MysqlAction::NoteMade { of, name, host }),
        (Owner::Another(_) | Owner::Unmarked, _) => Some(MysqlAction::NoteAdopted { of, name, host }),
    }
}

fn database(wanted: &Wanted<MysqlDatabaseSpec>, claim: &Claim, seen: &Seen) -> Vec<MysqlAction> {
    let Wanted { name, spec, .. } = wanted;
    let (character_set, collation) = (modern(&spec.character_set), modern(&spec.collation));
    let is_noted = seen.server.flavour.noted() == Noted::Database;
    let Some(found) = &seen.database else {
        let create = MysqlAction::CreateDatabase { database: name.clone(), character_set, collation };
        if !is_noted {
            return vec![create];
        }
        let (before, made) = notes(wanted, claim, seen);
        return before.into_iter().chain([create, made]).collect();
    };
    let mut actions = Vec::new();
    if is_noted {
        actions.extend(note_existing(wanted, seen, &found.owner));
    } else if found.owner != Owner::Ours {
        actions.push(MysqlAction::AdoptDatabase { database: name.clone() });
    }
    if (&found.character_set, &found.collation) != (&character_set, &collation) {
        let difference = format!("{} {} → {character_set} {collation}", found.character_set, found.collation);
        actions.push(MysqlAction::AlterDatabase { database: name.clone(), character_set, collation, difference });
    }
    actions
}

fn new_user(wanted: &Wanted<MysqlDatabaseSpec>, claim: &Claim, seen: &Seen) -> Vec<MysqlAction> {
    let account = account(wanted);
    let mut actions = vec![MysqlAction::CreateUser { account: account.clone() }];
    if seen.server.flavour.noted() == Noted::User {
        let (before, made) = notes(wanted, claim, seen);
        actions.splice(0..0, before);
        actions.push(made);
    }
    actions.push(MysqlAction::Grant { account, database: wanted.name.clone(), privileges: privileges(&wanted.spec) });
    actions
}

/// Returns the privileges that an account has on a database which is about to be made. They go until a note says whose that
/// is: with a tenant's data in it, nobody could tell any more that this engine made it.
fn early_privileges<'s>(wanted: &Wanted<MysqlDatabaseSpec>, seen: &'s Seen) -> Option<&'s BTreeSet<String>> {
    let is_noted = seen.server.flavour.noted() == Noted::Database;
    let user = seen.user.as_ref().filter(|_| is_noted && seen.database.is_none())?;
    user.grants.get(&seen.server.pattern(&wanted.name))
}

/// What it must not do is taken before what it lacks is given.
fn existing_user(wanted: &Wanted<MysqlDatabaseSpec>, seen: &Seen, user: &User) -> Vec<MysqlAction> {
    let account = account(wanted);
    let mut actions = Vec::new();
    if seen.server.flavour.noted() == Noted::User {
        actions.extend(note_existing(wanted, seen, &user.owner));
    } else if user.owner != Owner::Ours {
        actions.push(MysqlAction::AdoptUser { account: account.clone() });
    }
    let (wanted_privileges, own) = (privileges(&wanted.spec), seen.server.pattern(&wanted.name));
    let because = beyond(wanted, seen, user);
    let takes_all = !because.is_empty();
    let mut has = user.grants.get(&own).cloned().unwrap_or_default();
    if !takes_all {
        for (pattern, privileges) in &user.grants {
            let extra: BTreeSet<String> = match *pattern == own {
                true => privileges.difference(&wanted_privileges).cloned().collect(),
                false => privileges.clone(),
            };
            if !extra.is_empty() {
                let (account, pattern) = (account.clone(), pattern.clone());
                actions.push(MysqlAction::Revoke { account, pattern, privileges: extra });
            }
        }
    } else {
        actions.push(MysqlAction::RevokeAll { account: account.clone(), because });
        has.clear();
    }
    let before = actions.len();
    // Taking everything takes roles, too, on MariaDB alone.
    if !takes_all || seen.server.flavour == Flavour::MySql {
        let roles = user.roles.iter();
        actions.extend(roles.map(|role| MysqlAction::RevokeRole { account: account.clone(), role: role.clone() }));
    }
    let proxies = user.proxies.iter();
    actions.extend(proxies.map(|other| MysqlAction::RevokeProxy { account: account.clone(), other: other.clone() }));
    // A session keeps global privileges and roles that are revoked until it ends.
    if takes_all || actions.len() > before {
        actions.extend(sessions(&account.user, seen));
    }
    actions.extend(alteration(wanted, seen, user, &account));
    let missing: BTreeSet<String> = wanted_privileges.difference(&has).cloned().collect();
    if !missing.is_empty() {
        actions.push(MysqlAction::Grant { account, database: wanted.name.clone(), privileges: missing });
    }
    actions
}

/// Returns what an account may do that no revocation on a database ends.
fn beyond(wanted: &Wanted<MysqlDatabaseSpec>, seen: &Seen, user: &User) -> BTreeSet<String> {
    let own = seen.server.fold(&wanted.name);
    // Who may make routines is given the others on each one by the server itself.
    let makes_routines = wanted.spec.privileges.contains(&Privilege::CreateRoutine);
    let routines = user.routines.iter().filter(|(database, grants)| **database != own || **grants || !makes_routines);
    let routines = routines.map(|(database, _)| format!("privileges on routines of `{database}`"));
    user.beyond.iter().cloned().chain(routines).collect()
}

fn alteration(wanted: &Wanted<MysqlDatabaseSpec>, seen: &Seen, user: &User, account: &Account) -> Option<MysqlAction> {
    let (wants_tls, wants_most) = (tls(&wanted.spec), max_user_connections(&wanted.spec));
    let mut differences = Vec::new();
    let most = |number: u64| if number == 0 { "no limit".to_owned() } else { number.to_string() };
    if user.tls != wants_tls {
        differences.push(format!("TLS {} → {}", user.tls.name(), wants_tls.name()));
    }
    if user.max_user_connections != wants_most {
        differences.push(format!("connections {} → {}", most(user.max_user_connections), most(wants_most)));
    }
    if user.is_locked {
        differences.push("locked → unlocked".to_owned());
    }
    // With the right hash, and nobody who is taken for it, a password that opens nothing is expired.
    let expired = user.login == Some(Login::Out) && differences.is_empty() && seen.shadows.is_empty();
    let password = user.password == Some(false) || expired;
    if password {
        differences.push("password".to_owned());
    }
    let account = account.clone();
    (!differences.is_empty()).then_some(MysqlAction::AlterUser { account, differences, password })
}

/// Returns what ends an account: locked first, so that nobody comes back in between.
fn removal(account: &Account, is_locked: bool, seen: &Seen) -> Vec<MysqlAction> {
    let lock = (!is_locked).then(|| MysqlAction::LockUser { account: account.clone() });
    let drop = MysqlAction::DropUser { account: account.clone() };
    lock.into_iter().chain(sessions(&account.user, seen)).chain([drop]).collect()
}

/// Returns what ends the sessions of a user. Servers know them by the user's name alone: where somebody else has an account
/// of the same name, nobody's are ended.
fn sessions(user: &str, seen: &Seen) -> Vec<MysqlAction> {
    if seen.shadows.iter().any(|shadow| shadow.user == user) {
        return Vec::new();
    }
    match seen.server.flavour {
        Flavour::MariaDb => vec![MysqlAction::EndSessions { user: user.to_owned() }],
        Flavour::MySql => one_by_one(user, seen),
    }
}

fn one_by_one(user: &str, seen: &Seen) -> Vec<MysqlAction> {
    if seen.shadows.iter().any(|shadow| shadow.user == user) {
        return Vec::new();
    }
    seen.sessions.iter().map(|session| MysqlAction::EndSession { session: *session }).collect()
}
