//! What the server says of a database, its account and the ledger, in the words of both dialects.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use crate::{
    name::mysql::grant_pattern,
    steps::claim::{Claim, Owner},
};

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What kind of server it is.
    pub server: Server,
    /// How far the ledger is there.
    pub ledger: Ledger,
    /// What the ledger notes of the object that cannot carry its claim itself: see [`Noted`].
    pub note: Option<Note>,
    /// The database, if there is one.
    pub database: Option<Database>,
    /// The account with the wanted name and host, if there is one.
    pub user: Option<User>,
    /// Accounts of the same name and another host that are ours: the host part was changed.
    pub former: BTreeSet<Account>,
    /// Accounts of the same name or of none that are not ours: a server may take them for the one that is meant.
    pub shadows: BTreeSet<Account>,
    /// What lets every account of the server into the database, by the server's own tables.
    pub open_to_all: BTreeSet<String>,
    /// Sessions of the user's name, where they can only be ended one by one.
    pub sessions: BTreeSet<u64>,
}

/// What kind of server it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its dialect.
    pub flavour: Flavour,
    /// Whether `_` and `%` in the database name of a grant mean themselves (`partial_revokes`).
    pub is_literal: bool,
    /// Whether names of databases are the same in upper and lower case.
    pub folds_case: bool,
    /// The name of the account that the engine works with: never a tenant's.
    pub administrator: String,
}

/// A dialect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flavour {
    /// MariaDB 10.5 and later: databases have comments, accounts have nothing of the kind.
    #[default]
    MariaDb,
    /// MySQL 8.0.21 and later: accounts have attributes, databases have nothing of the kind.
    MySql,
}

impl Flavour {
    /// Returns which object's claim is in the ledger; the other one carries its own.
    pub fn noted(self) -> Noted {
        match self {
            Flavour::MariaDb => Noted::User,
            Flavour::MySql => Noted::Database,
        }
    }
}

impl Server {
    /// Returns a name of a database as the server keeps it.
    pub fn fold(&self, database: &str) -> String {
        if self.folds_case { database.to_lowercase() } else { database.to_owned() }
    }

    /// Returns the database of a grant on exactly one database, as the server keeps it.
    pub fn pattern(&self, database: &str) -> String {
        let database = self.fold(database);
        if self.is_literal { database } else { grant_pattern(&database) }
    }
}

/// How far the ledger is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ledger {
    /// There is no database of that name.
    Absent,
    /// The database is there and empty: a run stopped in between.
    Empty,
    /// It can be read and written.
    Ready,
    /// The database is there and is something else.
    Foreign,
}

/// What the ledger notes claims of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Noted {
    /// An account.
    User,
    /// A database.
    Database,
}

impl Noted {
    /// Returns the word that the ledger uses.
    pub fn name(self) -> &'static str {
        match self {
            Noted::User => "user",
            Noted::Database => "database",
        }
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Whose the object is, or will be.
    pub claim: Claim,
    /// The host part of an account; empty for a database.
    pub host: String,
    /// Whether the object was seen after it had been made.
    pub is_made: bool,
}

impl Note {
    /// Returns whose an existing object is, by its row.
    ///
    /// A row that only intends says nothing of an object that somebody else could have made at the same moment: that one
    /// is ours only with a proof from itself, which is the stored password of an account, or a database's emptiness.
    pub fn owner(note: Option<&Self>, claim: &Claim, proof: bool) -> Owner {
        match note {
            None => Owner::Unmarked,
            Some(note) if note.claim != *claim => Owner::Another(note.claim.clone()),
            Some(note) if note.is_made || proof => Owner::Ours,
            Some(_) => Owner::Unmarked,
        }
    }
}

/// An account: a user and the host part that it may connect from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// The user.
    pub user: String,
    /// The host part, in lower case as the server keeps it; empty for a role of MariaDB.
    pub host: String,
}

impl Account {
    /// Returns an account as the server keeps it.
    pub fn new(user: &str, host: &str) -> Self {
        Self { user: user.to_owned(), host: host.to_ascii_lowercase() }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host } = self;
        if host.is_empty() { write!(f, "`{user}`") } else { write!(f, "`{user}`@`{host}`") }
    }
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Whose it is.
    pub owner: Owner,
    /// Its default character set, by [`modern`] name.
    pub character_set: String,
    /// Its default collation, by [`modern`] name.
    pub collation: String,
}

/// Returns the present name of a character set or collation: servers answer `utf8mb3` for what used to be `utf8`.
pub fn modern(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("utf8") {
        Some(rest) if rest.is_empty() || rest.starts_with('_') => format!("utf8mb3{rest}"),
        _ => name,
    }
}

/// An account as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whose it is.
    pub owner: Owner,
    /// Whether it is locked.
    pub is_locked: bool,
    /// What TLS it must come with.
    pub tls: Tls,
    /// The most connections at one time; 0 is no limit.
    pub max_user_connections: u64,
    /// Whether the stored password is its only way in, by its hash; none where no password is stored yet.
    pub password: Option<bool>,
    /// What came of a login with the stored password; none where none was tried.
    pub login: Option<Login>,
    /// Privileges by database, both as the server keeps them.
    pub grants: BTreeMap<String, BTreeSet<String>>,
    /// Databases whose routines it has privileges on, and whether it may give them on.
    pub routines: BTreeMap<String, bool>,
    /// What else it may do that no grant on a database says, in words: only taking everything away ends it.
    pub beyond: BTreeSet<String>,
    /// Roles that it has; on MariaDB they have no host.
    pub roles: BTreeSet<Account>,
    /// Accounts that it may become.
    pub proxies: BTreeSet<Account>,
}

/// What TLS an account must come with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tls {
    /// None.
    Off,
    /// Any.
    Required,
    /// With a certificate of its own, which our tenants have not.
    Certificate,
}

impl Tls {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Tls::Off => "none",
            Tls::Required => "required",
            Tls::Certificate => "a certificate",
        }
    }
}

/// What came of a login as the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// It got in, as itself.
    In,
    /// It got in, and the server takes it for another account.
    As(Account),
    /// It did not get in.
    Out,
}
