//! The stand-in of a PostgreSQL server, with a superuser as its administrator.
//!
//! It runs no SQL: of migrations it keeps which were run, and their files are those that are put into its state.

mod perform;
mod probe;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Observer, digest};
use crate::{
    engine::{Look, Observe, Trouble, TroubleKind},
    provision::postgres::{PostgresDatabaseSpec, PostgresSchemaSpec},
    steps::{
        claim::{Claim, Owner},
        postgres::{
            Grants, PUBLIC,
            database::{Database as SeenDatabase, Inside, PostgresDatabase, Seen as DatabaseSeen},
            migrations::{File, Migrations},
            owner_of,
            parameters::Parameters,
            role::{Attributes, Role as SeenRole},
            schema::{PostgresSchema, Schema as SeenSchema, Seen as SchemaSeen, Shared},
        },
    },
};

/// Who owns what no role of ours does.
const ADMINISTRATOR: &str = "postgres";

/// What the server keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Databases by name.
    pub databases: BTreeMap<String, Database>,
    /// Files of migrations with their SHA-256, by folder.
    pub folders: BTreeMap<String, BTreeMap<String, String>>,
}

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// The digest of its password.
    pub password: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether it may log in.
    pub login: bool,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// The most connections at one time.
    pub connection_limit: Option<u32>,
    /// Parameters of its own.
    pub parameters: Parameters,
    /// Parameters by database.
    pub parameters_in: BTreeMap<String, Parameters>,
}

/// A database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// Its owner.
    pub owner: String,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether it takes connections.
    pub is_open: bool,
    /// Privileges on it.
    pub grants: Grants,
    /// Privileges on its schema `public`.
    pub public: Grants,
    /// Its parameters.
    pub parameters: Parameters,
    /// Its extensions.
    pub extensions: BTreeSet<String>,
    /// What a tenant put into it.
    pub objects: BTreeSet<String>,
    /// Its other schemas.
    pub schemas: BTreeMap<String, Schema>,
}

/// A schema.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Its owner.
    pub owner: String,
    /// Its comment.
    pub comment: Option<String>,
    /// Privileges on it.
    pub grants: Grants,
    /// What was run in it, with its SHA-256.
    pub migrations: BTreeMap<String, String>,
    /// Tables in it, each with whether it forces row-level security.
    pub tables: BTreeMap<String, bool>,
}

impl Observe<PostgresDatabase> for Observer {
    async fn observe(&self, looks: &[Look<'_, PostgresDatabaseSpec>]) -> Vec<Result<DatabaseSeen, Trouble>> {
        let mut seen = Vec::with_capacity(looks.len());
        for look in looks {
            let found = self.0.read("read a database", |state| Ok(state.postgres.database(*look)));
            seen.push(found.await);
        }
        seen
    }
}

impl Observe<PostgresSchema> for Observer {
    async fn observe(&self, looks: &[Look<'_, PostgresSchemaSpec>]) -> Vec<Result<SchemaSeen, Trouble>> {
        let mut seen = Vec::with_capacity(looks.len());
        for look in looks {
            let found = self.0.read("read a schema", |state| Ok(state.postgres.schema(*look)));
            seen.push(found.await);
        }
        seen
    }
}

impl Server {
    fn role<S>(&self, look: Look<'_, S>, database: &str) -> Option<SeenRole> {
        let role = self.roles.get(look.wanted().user.as_deref()?)?;
        let Role { password, comment, login, superuser, connection_limit, parameters, parameters_in } = role;
        let stored = look.entry.and_then(|entry| entry.get("password")).map(digest);
        Some(SeenRole {
            owner: Owner::of(comment.as_deref(), look.asked.claim),
            attributes: Attributes { login: *login, superuser: *superuser, ..Attributes::WANTED },
            connection_limit: *connection_limit,
            memberships: BTreeSet::new(),
            joined: true,
            parameters: parameters.clone(),
            parameters_in_database: parameters_in.get(database).cloned().unwrap_or_default(),
            password: stored.map(|stored| *password == Some(stored)),
        })
    }

    fn database(&self, look: Look<'_, PostgresDatabaseSpec>) -> DatabaseSeen {
        let (wanted, claim) = (look.wanted(), look.asked.claim);
        let role = self.role(look, &wanted.name);
        let database = self.databases.get(&wanted.name).map(|database| {
            let is_own = is_own(role.as_ref(), wanted.user.as_deref(), &database.owner);
            SeenDatabase {
                owner: owner_of(is_own, database.comment.as_deref(), claim),
                is_marked: database.comment == Some(claim.to_string()),
                owned_by: database.owner.clone(),
                is_open: database.is_open,
                is_half_dropped: false,
                grants: database.grants.clone(),
                parameters: database.parameters.clone(),
                inside: (look.entry.is_some() && database.is_open)
                    .then(|| Inside { public: Some(database.public.clone()), extensions: database.extensions.clone() }),
            }
        });
        DatabaseSeen { role, database, forbidden_extensions: BTreeSet::new() }
    }

    fn schema(&self, look: Look<'_, PostgresSchemaSpec>) -> SchemaSeen {
        let (wanted, claim) = (look.wanted(), look.asked.claim);
        let role = self.role(look, &wanted.spec.database);
        let user = wanted.user.as_deref().unwrap_or_default();
        let database = self.databases.get(&wanted.spec.database);
        let own = |grants: &Grants| -> Grants {
            let own = grants.iter().filter(|(grantee, _)| *grantee == PUBLIC || *grantee == user);
            own.map(|(grantee, privileges)| (grantee.clone(), privileges.clone())).collect()
        };
        let kept = database.and_then(|database| database.schemas.get(&wanted.name));
        let files = wanted.spec.migrations.as_ref().map(|folder| self.folders.get(folder).cloned().unwrap_or_default());
        let gets_in = role.as_ref().is_some_and(|role| role.password == Some(true) && role.attributes.login);
        SchemaSeen {
            shared: database.map(|database| Shared {
                claim: database.comment.as_deref().and_then(Claim::read),
                grants: own(&database.grants),
                public: own(&database.public),
            }),
            schema: kept.map(|schema| SeenSchema {
                owner: owner_of(is_own(role.as_ref(), Some(user), &schema.owner), schema.comment.as_deref(), claim),
                is_marked: schema.comment == Some(claim.to_string()),
                owned_by: schema.owner.clone(),
                grants: schema.grants.clone(),
                unforced: schema.tables.iter().filter(|(_, forces)| !**forces).map(|(name, _)| name.clone()).collect(),
            }),
            migrations: files.filter(|_| kept.is_none() || gets_in).map(|files| Migrations {
                files: files.into_iter().map(|(name, sha256)| (name, File { sha256, transaction: None })).collect(),
                applied: kept.map(|schema| schema.migrations.clone()).unwrap_or_default(),
            }),
            role,
        }
    }
}

fn is_own(role: Option<&SeenRole>, user: Option<&str>, owner: &str) -> bool {
    role.is_some_and(|role| role.owner == Owner::Ours) && user == Some(owner)
}

fn missing(what: &str, name: &str) -> Trouble {
    Trouble::new(TroubleKind::Missing, format!("{what} `{name}` does not exist"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests;
