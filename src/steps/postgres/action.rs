//! What may be done to a PostgreSQL server: each action is one statement, or several in one transaction.

use std::fmt;

use serde::Serialize;

use super::{
    super::{Action, Verb},
    Grants, grantee_name,
    parameters::Scope,
    role::RoleChange,
};

/// One write to a PostgreSQL server, of either kind of resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PostgresAction {
    /// Make a login role with its claim and the stored password, and let the administrator act for it.
    CreateRole {
        /// The role.
        role: String,
        /// The most connections at one time.
        connection_limit: Option<u32>,
        /// The shared database that it gets rights on: an undoing must take them away first.
        #[serde(skip_serializing_if = "Option::is_none")]
        shared: Option<String>,
    },
    /// Write the claim on a role.
    MarkRole {
        /// The role.
        role: String,
    },
    /// Change attributes of a role.
    AlterRole {
        /// The role.
        role: String,
        /// What is changed.
        changes: Vec<RoleChange>,
    },
    /// Let the administrator act for a role: one that is no superuser owns nothing of it otherwise.
    JoinRole {
        /// The role.
        role: String,
    },
    /// Take a membership away.
    RevokeMembership {
        /// The role whose rights the member has.
        role: String,
        /// The member.
        member: String,
        /// Who gave it, where the server asks for that (16 and later).
        grantor: Option<String>,
    },
    /// Make a database: one of a role is closed to all until its rights are set, a shared one holds nothing yet.
    CreateDatabase {
        /// The database.
        database: String,
        /// Its owner; the administrator where absent.
        owner: Option<String>,
    },
    /// Give a database to a role.
    TakeDatabase {
        /// The database.
        database: String,
        /// The new owner.
        role: String,
        /// The owner until now.
        from: String,
    },
    /// Write the claim on a database.
    MarkDatabase {
        /// The database.
        database: String,
    },
    /// Take privileges on a database away.
    RevokeOnDatabase {
        /// The database.
        database: String,
        /// From whom, and what.
        from: Grants,
    },
    /// Give privileges on a database.
    GrantOnDatabase {
        /// The database.
        database: String,
        /// To whom, and what.
        to: Grants,
    },
    /// Let those with the right connect to a database, as many as its roles may.
    OpenDatabase {
        /// The database.
        database: String,
    },
    /// Set or reset a parameter.
    SetParameter {
        /// For whom and where it holds.
        scope: Scope,
        /// The parameter.
        parameter: String,
        /// Its value until now.
        from: Option<String>,
        /// Its new value; reset where absent.
        to: Option<String>,
    },
    /// Install an extension.
    CreateExtension {
        /// The database.
        database: String,
        /// The extension.
        extension: String,
    },
    /// Make a schema with its claim.
    CreateSchema {
        /// The shared database.
        database: String,
        /// The schema.
        schema: String,
        /// Its owner.
        role: String,
    },
    /// Give a schema to a role.
    TakeSchema {
        /// The shared database.
        database: String,
        /// The schema.
        schema: String,
        /// The new owner.
        role: String,
        /// The owner until now.
        from: String,
    },
    /// Write the claim on a schema.
    MarkSchema {
        /// The shared database.
        database: String,
        /// The schema.
        schema: String,
    },
    /// Take privileges on a schema away.
    RevokeOnSchema {
        /// The database.
        database: String,
        /// The schema.
        schema: String,
        /// From whom, and what.
        from: Grants,
    },
    /// Give privileges on a schema.
    GrantOnSchema {
        /// The database.
        database: String,
        /// The schema.
        schema: String,
        /// To whom, and what.
        to: Grants,
    },
    /// Run a file of SQL as the tenant's role, in one transaction with the note that it was run.
    Migrate {
        /// The shared database.
        database: String,
        /// The schema.
        schema: String,
        /// The folder of migrations.
        folder: String,
        /// The file in it.
        file: String,
        /// The SHA-256 of its text that was decided about, in hexadecimal digits.
        sha256: String,
    },
    /// Let a role in no more.
    LockRole {
        /// The role.
        role: String,
    },
    /// Let nobody connect to a database any more.
    CloseDatabase {
        /// The database.
        database: String,
    },
    /// End all sessions of a role.
    EndSessions {
        /// The role.
        role: String,
    },
    /// Drop a database with all it holds.
    DropDatabase {
        /// The database.
        database: String,
    },
    /// Drop a schema with all it holds.
    DropSchema {
        /// The shared database.
        database: String,
        /// The schema.
        schema: String,
    },
    /// Drop what else a role owns or may do in a database.
    DropOwned {
        /// The database.
        database: String,
        /// The role.
        role: String,
    },
    /// Drop a role; the server refuses while it owns anything.
    DropRole {
        /// The role.
        role: String,
        /// The shared database whose rights it loses with it.
        #[serde(skip_serializing_if = "Option::is_none")]
        shared: Option<String>,
    },
    /// Drop a database of this run unless it holds anything.
    DropEmptyDatabase {
        /// The database.
        database: String,
        /// Its role, which is let in no more first.
        role: String,
    },
    /// Drop a schema of this run; the server refuses if it holds anything.
    DropEmptySchema {
        /// The shared database.
        database: String,
        /// The schema.
        schema: String,
    },
}

impl Action for PostgresAction {
    fn verb(&self) -> Verb {
        use PostgresAction::{
            AlterRole, CloseDatabase, CreateDatabase, CreateExtension, CreateRole, CreateSchema, DropDatabase,
            DropEmptyDatabase, DropEmptySchema, DropOwned, DropRole, DropSchema, EndSessions, GrantOnDatabase,
            GrantOnSchema, JoinRole, LockRole, MarkDatabase, MarkRole, MarkSchema, Migrate, OpenDatabase,
            RevokeMembership, RevokeOnDatabase, RevokeOnSchema, SetParameter, TakeDatabase, TakeSchema,
        };
        match self {
            CreateRole { .. } | CreateDatabase { .. } | CreateExtension { .. } | CreateSchema { .. } => Verb::Create,
            MarkRole { .. }
            | AlterRole { .. }
            | JoinRole { .. }
            | RevokeMembership { .. }
            | TakeDatabase { .. }
            | MarkDatabase { .. }
            | RevokeOnDatabase { .. }
            | GrantOnDatabase { .. }
            | OpenDatabase { .. }
            | SetParameter { .. }
            | TakeSchema { .. }
            | MarkSchema { .. }
            | RevokeOnSchema { .. }
            | GrantOnSchema { .. }
            | Migrate { .. } => Verb::Change,
            LockRole { .. }
            | CloseDatabase { .. }
            | EndSessions { .. }
            | DropDatabase { .. }
            | DropSchema { .. }
            | DropOwned { .. }
            | DropRole { .. }
            | DropEmptyDatabase { .. }
            | DropEmptySchema { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            PostgresAction::CreateRole { .. } => "postgres-create-role",
            PostgresAction::MarkRole { .. } => "postgres-mark-role",
            PostgresAction::AlterRole { .. } => "postgres-alter-role",
            PostgresAction::JoinRole { .. } => "postgres-join-role",
            PostgresAction::RevokeMembership { .. } => "postgres-revoke-membership",
            PostgresAction::CreateDatabase { .. } => "postgres-create-database",
            PostgresAction::TakeDatabase { .. } => "postgres-take-database",
            PostgresAction::MarkDatabase { .. } => "postgres-mark-database",
            PostgresAction::RevokeOnDatabase { .. } => "postgres-revoke-on-database",
            PostgresAction::GrantOnDatabase { .. } => "postgres-grant-on-database",
            PostgresAction::OpenDatabase { .. } => "postgres-open-database",
            PostgresAction::SetParameter { .. } => "postgres-set-parameter",
            PostgresAction::CreateExtension { .. } => "postgres-create-extension",
            PostgresAction::CreateSchema { .. } => "postgres-create-schema",
            PostgresAction::TakeSchema { .. } => "postgres-take-schema",
            PostgresAction::MarkSchema { .. } => "postgres-mark-schema",
            PostgresAction::RevokeOnSchema { .. } => "postgres-revoke-on-schema",
            PostgresAction::GrantOnSchema { .. } => "postgres-grant-on-schema",
            PostgresAction::Migrate { .. } => "postgres-migrate-schema",
            PostgresAction::LockRole { .. } => "postgres-lock-role",
            PostgresAction::CloseDatabase { .. } => "postgres-close-database",
            PostgresAction::EndSessions { .. } => "postgres-end-sessions",
            PostgresAction::DropDatabase { .. } => "postgres-drop-database",
            PostgresAction::DropSchema { .. } => "postgres-drop-schema",
            PostgresAction::DropOwned { .. } => "postgres-drop-owned",
            PostgresAction::DropRole { .. } => "postgres-drop-role",
            PostgresAction::DropEmptyDatabase { .. } => "postgres-drop-empty-database",
            PostgresAction::DropEmptySchema { .. } => "postgres-drop-empty-schema",
        }
    }
}

impl fmt::Display for PostgresAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateRole { role, connection_limit: None, shared: _ } => write!(f, "create role `{role}`"),
            Self::CreateRole { role, connection_limit: Some(limit), shared: _ } => {
                write!(f, "create role `{role}` with at most {limit} connections")
            }
            Self::MarkRole { role } => write!(f, "claim role `{role}`"),
            Self::AlterRole { role, changes } => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                write!(f, "alter role `{role}`: {}", changes.join(", "))
            }
            Self::JoinRole { role } => write!(f, "let the administrator act for role `{role}`"),
            Self::RevokeMembership { role, member, grantor: _ } => {
                write!(f, "revoke membership of `{member}` in role `{role}`")
            }
            Self::CreateDatabase { database, owner: Some(owner) } => {
                write!(f, "create database `{database}` of `{owner}`, closed to all")
            }
            Self::CreateDatabase { database, owner: None } => {
                write!(f, "create shared database `{database}`")
            }
            Self::TakeDatabase { database, role, from } => {
                write!(f, "change the owner of database `{database}`: `{from}` → `{role}`")
            }
            Self::MarkDatabase { database } => write!(f, "claim database `{database}`"),
            Self::RevokeOnDatabase { database, from } => write!(f, "revoke on database `{database}`: {}", list(from)),
            Self::GrantOnDatabase { database, to } => write!(f, "grant on database `{database}`: {}", list(to)),
            Self::OpenDatabase { database } => write!(f, "open database `{database}` to those with the right"),
            Self::SetParameter { scope, parameter, from, to } => {
                let word = |value: &Option<String>| match value {
                    Some(value) => format!("`{value}`"),
                    None => "none".to_owned(),
                };
                write!(f, "set `{parameter}` of {scope}: {} → {}", word(from), word(to))
            }
            Self::CreateExtension { database, extension } => {
                write!(f, "install extension `{extension}` in database `{database}`")
            }
            Self::CreateSchema { database, schema, role } => {
                write!(f, "create schema `{schema}` of `{role}` in database `{database}`")
            }
            Self::TakeSchema { database: _, schema, role, from } => {
                write!(f, "change the owner of schema `{schema}`: `{from}` → `{role}`")
            }
            Self::MarkSchema { database: _, schema } => write!(f, "claim schema `{schema}`"),
            Self::RevokeOnSchema { database, schema, from } => {
                write!(f, "revoke on schema `{schema}` of database `{database}`: {}", list(from))
            }
            Self::GrantOnSchema { database, schema, to } => {
                write!(f, "grant on schema `{schema}` of database `{database}`: {}", list(to))
            }
            Self::Migrate { database: _, schema, folder, file, sha256 } => {
                let start = sha256.get(..8).unwrap_or(sha256);
                write!(f, "run migration `{folder}/{file}` (sha256 {start}…) in schema `{schema}`")
            }
            Self::LockRole { role } => write!(f, "let role `{role}` in no more"),
            Self::CloseDatabase { database } => write!(f, "let nobody connect to database `{database}`"),
            Self::EndSessions { role } => write!(f, "end all sessions of role `{role}`"),
            Self::DropDatabase { database } => write!(f, "drop database `{database}` with all it holds"),
            Self::DropSchema { database, schema } => {
                write!(f, "drop schema `{schema}` of database `{database}` with all it holds")
            }
            Self::DropOwned { database, role } => {
                write!(f, "drop what else role `{role}` owns or may do in database `{database}`")
            }
            Self::DropRole { role, shared: _ } => write!(f, "drop role `{role}`"),
            Self::DropEmptyDatabase { database, role: _ } => write!(f, "drop database `{database}`, which is empty"),
            Self::DropEmptySchema { database: _, schema } => write!(f, "drop schema `{schema}`, which is empty"),
        }
    }
}

/// Lists grants as people read them: `CONNECT, TEMPORARY from PUBLIC`, in words that fit both directions.
fn list(grants: &Grants) -> String {
    let parts = grants.iter().map(|(grantee, privileges)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        format!("{} ({})", grantee_name(grantee), privileges.join(", "))
    });
    parts.collect::<Vec<_>>().join(", ")
}
