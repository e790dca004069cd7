//! The writes to a MySQL or MariaDB server: one variant for one statement.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use super::seen::{Account, Noted};
use crate::steps::{Action, Verb};

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum MysqlAction {
    /// Make the ledger's database, unless another run has.
    CreateLedger,
    /// Make the ledger's table, unless another run has.
    CreateClaims,
    /// Note that an object is about to be made, only if nobody has noted anything of it.
    NoteIntent {
        /// What it is.
        of: Noted,
        /// Its name.
        name: String,
        /// The host part of an account; empty for a database.
        host: String,
    },
    /// Note that an object of ours is to be made anew. The server refuses it of a database that is there.
    NoteAgain {
        /// What it is.
        of: Noted,
        /// Its name.
        name: String,
        /// The host part of an account; empty for a database.
        host: String,
    },
    /// Note that an object is made.
    NoteMade {
        /// What it is.
        of: Noted,
        /// Its name.
        name: String,
        /// The host part of an account; empty for a database.
        host: String,
    },
    /// Note an object as ours, whatever was noted before.
    NoteAdopted {
        /// What it is.
        of: Noted,
        /// Its name.
        name: String,
        /// The host part of an account; empty for a database.
        host: String,
    },
    /// Forget our note of an object that is gone.
    ForgetNote {
        /// What it is.
        of: Noted,
        /// Its name.
        name: String,
    },
    /// Make the database, with its claim where the server keeps one.
    CreateDatabase {
        /// The database.
        database: String,
        /// Its default character set.
        character_set: String,
        /// Its default collation.
        collation: String,
    },
    /// Write our claim on the database.
    AdoptDatabase {
        /// The database.
        database: String,
    },
    /// Change the defaults of the database; tables that are there keep theirs.
    AlterDatabase {
        /// The database.
        database: String,
        /// Its default character set.
        character_set: String,
        /// Its default collation.
        collation: String,
        /// What differs.
        difference: String,
    },
    /// Make the account, with the hash of the stored password and no privileges.
    CreateUser {
        /// The account.
        account: Account,
    },
    /// Write our claim on the account.
    AdoptUser {
        /// The account.
        account: Account,
    },
    /// Set what the document says of the account, and the stored password where it differs.
    AlterUser {
        /// The account.
        account: Account,
        /// What differs.
        differences: Vec<String>,
        /// Whether the password is set.
        password: bool,
    },
    /// Take privileges on a database, or on a pattern of databases.
    Revoke {
        /// The account.
        account: Account,
        /// The database, as the server keeps it.
        pattern: String,
        /// The privileges.
        privileges: BTreeSet<String>,
    },
    /// Take everything that the account may do; on MySQL, roles left out.
    RevokeAll {
        /// The account.
        account: Account,
        /// What it may do that it must not.
        because: BTreeSet<String>,
    },
    /// Take a role.
    RevokeRole {
        /// The account.
        account: Account,
        /// The role.
        role: Account,
    },
    /// Take the right to become another account.
    RevokeProxy {
        /// The account.
        account: Account,
        /// The other one.
        other: Account,
    },
    /// Give privileges on exactly one database.
    Grant {
        /// The account.
        account: Account,
        /// The database.
        database: String,
        /// The privileges.
        privileges: BTreeSet<String>,
    },
    /// Let the account in no more.
    LockUser {
        /// The account.
        account: Account,
    },
    /// End all sessions of a user.
    EndSessions {
        /// The user, wherever it comes from.
        user: String,
    },
    /// End one session.
    EndSession {
        /// Its number on the server.
        session: u64,
    },
    /// Remove the account, and its grants with it.
    DropUser {
        /// The account.
        account: Account,
    },
    /// Remove the database with all that it holds.
    DropDatabase {
        /// The database.
        database: String,
    },
    /// Remove the database, only if it holds nothing.
    DropEmptyDatabase {
        /// The database.
        database: String,
    },
}

impl Action for MysqlAction {
    fn verb(&self) -> Verb {
        use MysqlAction as A;
        match self {
            A::CreateLedger
            | A::CreateClaims
            | A::NoteIntent { .. }
            | A::CreateDatabase { .. }
            | A::CreateUser { .. } => Verb::Create,
            A::NoteAgain { .. }
            | A::NoteMade { .. }
            | A::NoteAdopted { .. }
            | A::AdoptDatabase { .. }
            | A::AlterDatabase { .. }
            | A::AdoptUser { .. }
            | A::AlterUser { .. }
            | A::Revoke { .. }
            | A::RevokeAll { .. }
            | A::RevokeRole { .. }
            | A::RevokeProxy { .. }
            | A::Grant { .. }
            | A::EndSessions { .. }
            | A::EndSession { .. } => Verb::Change,
            A::ForgetNote { .. }
            | A::LockUser { .. }
            | A::DropUser { .. }
            | A::DropDatabase { .. }
            | A::DropEmptyDatabase { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        use MysqlAction as A;
        match self {
            A::CreateLedger => "mysql-create-ledger",
            A::CreateClaims => "mysql-create-claims",
            A::NoteIntent { .. } => "mysql-note-intent",
            A::NoteAgain { .. } => "mysql-note-again",
            A::NoteMade { .. } => "mysql-note-made",
            A::NoteAdopted { .. } => "mysql-note-adopted",
            A::ForgetNote { .. } => "mysql-forget-note",
            A::CreateDatabase { .. } => "mysql-create-database",
            A::AdoptDatabase { .. } => "mysql-adopt-database",
            A::AlterDatabase { .. } => "mysql-alter-database",
            A::CreateUser { .. } => "mysql-create-user",
            A::AdoptUser { .. } => "mysql-adopt-user",
            A::AlterUser { .. } => "mysql-alter-user",
            A::Revoke { .. } => "mysql-revoke-privileges",
            A::RevokeAll { .. } => "mysql-revoke-all",
            A::RevokeRole { .. } => "mysql-revoke-role",
            A::RevokeProxy { .. } => "mysql-revoke-proxy",
            A::Grant { .. } => "mysql-grant-privileges",
            A::LockUser { .. } => "mysql-lock-user",
            A::EndSessions { .. } => "mysql-end-sessions",
            A::EndSession { .. } => "mysql-end-session",
            A::DropUser { .. } => "mysql-drop-user",
            A::DropDatabase { .. } => "mysql-drop-database",
            A::DropEmptyDatabase { .. } => "mysql-drop-empty-database",
        }
    }
}

impl fmt::Display for MysqlAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use MysqlAction as A;
        match self {
            A::CreateLedger => f.write_str("create the ledger's database `tenantry`"),
            A::CreateClaims => f.write_str("create the ledger's table `tenantry`.`claims`"),
            A::NoteIntent { of, name, host: _ } => write!(f, "note {} `{name}` as about to be made", of.name()),
            A::NoteAgain { of, name, host: _ } => write!(f, "note {} `{name}` as about to be made again", of.name()),
            A::NoteMade { of, name, host: _ } => write!(f, "note {} `{name}` as made", of.name()),
            A::NoteAdopted { of, name, host: _ } => write!(f, "take over {} `{name}`", of.name()),
            A::ForgetNote { of, name } => write!(f, "forget the note of {} `{name}`", of.name()),
            A::CreateDatabase { database, character_set, collation } => {
                write!(f, "create database `{database}` with {character_set} and {collation}")
            }
            A::AdoptDatabase { database } => write!(f, "take over database `{database}`"),
            A::AlterDatabase { database, difference, character_set: _, collation: _ } => {
                write!(f, "alter database `{database}`: {difference}")
            }
            A::CreateUser { account } => write!(f, "create user {account}"),
            A::AdoptUser { account } => write!(f, "take over user {account}"),
            A::AlterUser { account, differences, password: _ } => {
                write!(f, "alter user {account}: {}", differences.join(", "))
            }
            A::Revoke { account, pattern, privileges } => {
                write!(f, "revoke {} on `{pattern}` from {account}", list(privileges))
            }
            A::RevokeAll { account, because } => write!(f, "revoke everything from {account}: {}", list(because)),
            A::RevokeRole { account, role } => write!(f, "revoke role {role} from {account}"),
            A::RevokeProxy { account, other } => write!(f, "revoke becoming {other} from {account}"),
            A::Grant { account, database, privileges } => {
                write!(f, "grant {} on `{database}` to {account}", list(privileges))
            }
            A::LockUser { account } => write!(f, "lock user {account}"),
            A::EndSessions { user } => write!(f, "end all sessions of user `{user}`"),
            A::EndSession { session } => write!(f, "end session {session} of the user"),
            A::DropUser { account } => write!(f, "drop user {account}"),
            A::DropDatabase { database } => write!(f, "drop database `{database}` with all that it holds"),
            A::DropEmptyDatabase { database } => write!(f, "drop database `{database}` if it holds nothing"),
        }
    }
}

fn list(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
