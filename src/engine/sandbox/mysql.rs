//! The stand-in of a MariaDB or MySQL server: databases, accounts with their privileges, and the ledger.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Observer, Performer, Prober, digest};
use crate::{
    engine::{Access, Look, Observe, Perform, Probe, Trouble, TroubleKind, service::Answers},
    name::mysql::covers,
    provision::{Wanted, mysql::MysqlDatabaseSpec},
    steps::{
        Action,
        claim::{Claim, Owner},
        mysql::{
            self as steps, Account, Flavour, Ledger, Login, MysqlAction, MysqlDatabase, Note, Noted, Seen, Tls,
            account, max_user_connections, tls,
        },
    },
};

/// What the server keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Its dialect.
    pub flavour: Flavour,
    /// Databases by name.
    pub databases: BTreeMap<String, Database>,
    /// Accounts by `user@host`.
    pub users: BTreeMap<String, User>,
    /// Whether the ledger's database is there.
    pub has_ledger: bool,
    /// Whether the ledger's table is there.
    pub has_claims: bool,
    /// The ledger's rows by kind and name.
    pub claims: BTreeMap<String, Row>,
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The text of its claim.
    pub claim: String,
    /// The host part of an account.
    pub host: String,
    /// Whether the object was seen after it had been made.
    pub is_made: bool,
}

impl Row {
    fn new(claim: &Claim, host: &str, is_made: bool) -> Self {
        Self { claim: claim.to_string(), host: host.to_owned(), is_made }
    }

    fn note(&self) -> Option<Note> {
        Some(Note { claim: Claim::read(&self.claim)?, host: self.host.clone(), is_made: self.is_made })
    }
}

/// A database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// Its default character set.
    pub character_set: String,
    /// Its default collation.
    pub collation: String,
    /// Its comment; MySQL has none.
    pub comment: Option<String>,
    /// The tables that it holds.
    pub tables: BTreeSet<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Its name and host.
    pub account: Account,
    /// The digest of its password.
    pub password: Option<String>,
    /// Whether it is locked.
    pub is_locked: bool,
    /// What TLS it must come with.
    pub tls: Tls,
    /// The most connections at one time.
    pub max_user_connections: u64,
    /// Privileges by pattern of databases.
    pub grants: BTreeMap<String, BTreeSet<String>>,
    /// Privileges on every database.
    pub global: BTreeSet<String>,
    /// Its claim as an attribute; MariaDB has none.
    pub attribute: Option<String>,
}

impl Server {
    fn facts(&self) -> steps::Server {
        let administrator = "root".to_owned();
        steps::Server { flavour: self.flavour, is_literal: false, folds_case: false, administrator }
    }

    fn seen(&self, look: Look<'_, MysqlDatabaseSpec>) -> Seen {
        let (wanted, claim) = (look.wanted(), look.asked.claim);
        let account = account(wanted);
        let row = self.claims.get(&match self.flavour.noted() {
            Noted::User => row(Noted::User, &account.user),
            Noted::Database => row(Noted::Database, &wanted.name),
        });
        let note = row.and_then(Row::note);
        let database = self.databases.get(&wanted.name).map(|found| steps::Database {
            owner: match self.flavour {
                Flavour::MariaDb => Owner::of(found.comment.as_deref(), claim),
                Flavour::MySql => Note::owner(note.as_ref(), claim, found.tables.is_empty()),
            },
            character_set: found.character_set.clone(),
            collation: found.collation.clone(),
        });
        let mut seen = Seen {
            server: self.facts(),
            ledger: match (self.has_claims, self.has_ledger) {
                (true, _) => Ledger::Ready,
                (false, true) => Ledger::Empty,
                (false, false) => Ledger::Absent,
            },
            note: note.clone(),
            database,
            user: None,
            former: BTreeSet::new(),
            shadows: BTreeSet::new(),
            open_to_all: BTreeSet::new(),
            sessions: BTreeSet::new(),
        };
        for found in self.users.values().filter(|found| found.account.user == account.user) {
            let user = found.seen(self.flavour, note.as_ref(), look);
            if found.account == account {
                seen.user = Some(user);
            } else if user.owner == Owner::Ours {
                seen.former.insert(found.account.clone());
            } else {
                seen.shadows.insert(found.account.clone());
            }
        }
        seen
    }

    fn user(&mut self, account: &Account) -> Result<&mut User, Trouble> {
        self.users.get_mut(&key(account)).ok_or_else(|| missing(&format!("user {account}")))
    }

    fn claims(&mut self) -> Result<&mut BTreeMap<String, Row>, Trouble> {
        if self.has_claims { Ok(&mut self.claims) } else { Err(missing("the ledger")) }
    }

    /// Changes our row of the ledger, which must be there.
    fn our_note(&mut self, of: Noted, name: &str, claim: &Claim) -> Result<&mut Row, Trouble> {
        let note = self.claims()?.get_mut(&row(of, name)).filter(|note| note.claim == claim.to_string());
        note.ok_or_else(|| missing("our row of the ledger"))
    }

    fn perform(&mut self, look: Look<'_, MysqlDatabaseSpec>, action: &MysqlAction) -> Result<(), Trouble> {
        use MysqlAction as A;
        let claim = look.asked.claim.clone();
        let (flavour, facts) = (self.flavour, self.facts());
        match action {
            A::CreateLedger => self.has_ledger = true,
            A::CreateClaims if self.has_ledger => self.has_claims = true,
            A::CreateClaims => return Err(missing("the ledger's database")),
            A::NoteIntent { of, name, host } => {
                let claims = self.claims()?;
                if claims.contains_key(&row(*of, name)) {
                    return Err(exists("a row of the ledger"));
                }
                claims.insert(row(*of, name), Row::new(&claim, host, false));
            }
            A::NoteAdopted { of, name, host } => {
                self.claims()?.insert(row(*of, name), Row::new(&claim, host, true));
            }
            A::NoteAgain { of, name, host } => {
                if *of == Noted::Database && self.databases.contains_key(name) {
                    return Err(missing("our row of the ledger"));
                }
                let note = self.our_note(*of, name, &claim)?;
                (note.is_made, note.host) = (false, host.clone());
            }
            A::NoteMade { of, name, host: _ } => self.our_note(*of, name, &claim)?.is_made = true,
            A::ForgetNote { of, name } => {
                if self.our_note(*of, name, &claim).is_ok() {
                    self.claims()?.remove(&row(*of, name));
                }
            }
            A::CreateDatabase { database, character_set, collation } => {
                if self.databases.contains_key(database) {
                    return Err(exists(&format!("database `{database}`")));
                }
                let comment = (flavour == Flavour::MariaDb).then(|| claim.to_string());
                let (character_set, collation) = (character_set.clone(), collation.clone());
                let made = Database { character_set, collation, comment, tables: BTreeSet::new() };
                self.databases.insert(database.clone(), made);
            }
            A::AdoptDatabase { database } => self.database(database)?.comment = Some(claim.to_string()),
            A::AlterDatabase { database, character_set, collation, difference: _ } => {
                let found = self.database(database)?;
                (found.character_set, found.collation) = (character_set.clone(), collation.clone());
            }
            A::DropDatabase { database } => {
                self.database(database)?;
                self.databases.remove(database);
            }
            A::DropEmptyDatabase { database } => {
                if !self.database(database)?.tables.is_empty() {
                    return Err(not_empty(database));
                }
                self.databases.remove(database);
            }
            A::CreateUser { account } => {
                if self.users.contains_key(&key(account)) {
                    return Err(exists(&format!("user {account}")));
                }
                let attribute = (flavour == Flavour::MySql).then(|| claim.to_string());
                self.users.insert(key(account), User::new(account, password(look)?, look, attribute));
            }
            A::AdoptUser { account } => self.user(account)?.attribute = Some(claim.to_string()),
            A::AlterUser { account, password: sets, differences: _ } => {
                let stored = if *sets { Some(password(look)?) } else { None };
                let spec = &look.wanted().spec;
                let user = self.user(account)?;
                (user.is_locked, user.tls, user.max_user_connections) = (false, tls(spec), max_user_connections(spec));
                user.password = stored.or(user.password.take());
            }
            A::Revoke { account, pattern, privileges } => {
                let user = self.user(account)?;
                let has = user.grants.get_mut(pattern).ok_or_else(|| missing("a grant"))?;
                has.retain(|privilege| !privileges.contains(privilege));
                user.grants.retain(|_, privileges| !privileges.is_empty());
            }
            A::RevokeAll { account, because: _ } => {
                let user = self.user(account)?;
                user.grants.clear();
                user.global.clear();
            }
            A::Grant { account, database, privileges } => {
                let pattern = facts.pattern(database);
                self.user(account)?.grants.entry(pattern).or_default().extend(privileges.iter().cloned());
            }
            A::LockUser { account } => self.user(account)?.is_locked = true,
            A::DropUser { account } => {
                self.user(account)?;
                self.users.remove(&key(account));
            }
            // The stand-in has no roles, no proxies and no sessions.
            A::RevokeRole { .. } | A::RevokeProxy { .. } | A::EndSessions { .. } | A::EndSession { .. } => {}
        }
        Ok(())
    }

    fn database(&mut self, name: &str) -> Result<&mut Database, Trouble> {
        self.databases.get_mut(name).ok_or_else(|| missing(&format!("database `{name}`")))
    }
}

impl User {
    fn new(account: &Account, password: String, look: Look<'_, MysqlDatabaseSpec>, attribute: Option<String>) -> Self {
        let spec = &look.wanted().spec;
        Self {
            account: account.clone(),
            password: Some(password),
            is_locked: false,
            tls: tls(spec),
            max_user_connections: max_user_connections(spec),
            grants: BTreeMap::new(),
            global: BTreeSet::new(),
            attribute,
        }
    }

    fn seen(&self, flavour: Flavour, note: Option<&Note>, look: Look<'_, MysqlDatabaseSpec>) -> steps::User {
        let Self { account, password, is_locked, tls, max_user_connections, grants, global, attribute } = self.clone();
        let is_stored = password_of(look).map(|stored| Some(stored) == password);
        let owner = match flavour {
            Flavour::MySql => Owner::of(attribute.as_deref(), look.asked.claim),
            Flavour::MariaDb => {
                let note = note.filter(|note| note.host == account.host);
                Note::owner(note, look.asked.claim, is_stored == Some(true))
            }
        };
        let login = (is_stored == Some(true) && !is_locked).then_some(Login::In);
        steps::User {
            owner,
            is_locked,
            tls,
            max_user_connections,
            password: is_stored,
            login,
            grants,
            routines: BTreeMap::new(),
            beyond: global.into_iter().map(|privilege| format!("{privilege} on every database")).collect(),
            roles: BTreeSet::new(),
            proxies: BTreeSet::new(),
        }
    }

    fn reaches(&self, database: &str) -> bool {
        !self.global.is_empty() || self.grants.keys().any(|pattern| covers(pattern, database))
    }
}

/// Returns how the stand-in keys an account.
pub fn key(account: &Account) -> String {
    format!("{}@{}", account.user, account.host)
}

/// Returns how the stand-in keys a row of the ledger.
pub fn row(of: Noted, name: &str) -> String {
    format!("{} {name}", of.name())
}

fn password_of(look: Look<'_, MysqlDatabaseSpec>) -> Option<String> {
    look.entry.and_then(|entry| entry.get("password")).map(digest)
}

fn password(look: Look<'_, MysqlDatabaseSpec>) -> Result<String, Trouble> {
    password_of(look).ok_or_else(|| Trouble::new(TroubleKind::Setup, "the user has no stored credential"))
}

fn missing(what: &str) -> Trouble {
    Trouble::new(TroubleKind::Missing, format!("sandbox: {what} is not there"))
}

fn not_empty(database: &str) -> Trouble {
    Trouble::new(TroubleKind::Refused, format!("sandbox: database `{database}` is not empty, and stays"))
}

fn exists(what: &str) -> Trouble {
    Trouble::new(TroubleKind::Exists, format!("sandbox: {what} is there already"))
}

impl Observe<MysqlDatabase> for Observer {
    async fn observe(&self, looks: &[Look<'_, MysqlDatabaseSpec>]) -> Vec<Result<Seen, Trouble>> {
        let read = self.0.read("read databases and users", |state| {
            Ok(looks.iter().map(|look| state.mysql.seen(*look)).collect::<Vec<_>>())
        });
        match read.await {
            Ok(seen) => seen.into_iter().map(Ok).collect(),
            Err(trouble) => looks.iter().map(|_| Err(trouble.again())).collect(),
        }
    }
}

impl Perform<MysqlDatabase> for Performer {
    async fn perform(&self, look: Look<'_, MysqlDatabaseSpec>, action: &MysqlAction) -> Result<Answers, Trouble> {
        self.0.write(action.name(), |state| state.mysql.perform(look, action).map(|()| Answers::new())).await
    }
}

impl Probe<MysqlDatabase> for Prober {
    async fn probe(
        &self,
        own: Look<'_, MysqlDatabaseSpec>,
        targets: &[&Wanted<MysqlDatabaseSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let probe = self.0.read("try databases", |state| {
            let user = state.mysql.users.get(&key(&account(own.wanted()))).filter(|user| !user.is_locked);
            let Some(user) = user.filter(|user| user.password.is_some() && user.password == password_of(own)) else {
                return Err(Trouble::new(TroubleKind::Credential, "the user does not get in"));
            };
            let tries = targets.iter().map(|target| match user.reaches(&target.name) {
                true => Ok(Access::Allowed(format!("entered database `{}`", target.name))),
                false => Ok(Access::Denied),
            });
            Ok(tries.collect())
        });
        probe.await
    }
}
