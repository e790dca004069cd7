//! The stand-in of a PostgreSQL server, with a superuser as its administrator.
//!
//! It runs no SQL: of migrations it keeps which were run, and their files are those that are put into its state.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Observer, Performer, Prober, digest};
use crate::{
    engine::{Access, Entry, Look, Observe, Perform, Probe, Trouble, TroubleKind, service::Answers},
    provision::{
        Wanted,
        postgres::{PostgresDatabaseSpec, PostgresSchemaSpec},
    },
    steps::{
        claim::{Claim, Owner},
        postgres::{
            Grants, PUBLIC, PostgresAction,
            database::{Database as SeenDatabase, Inside, PostgresDatabase, Seen as DatabaseSeen},
            grants,
            migrations::{File, Migrations},
            owner_of,
            parameters::{Parameters, Scope, values},
            role::{Attributes, Role as SeenRole, RoleChange},
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

    fn existing_role(&mut self, name: &str) -> Result<&mut Role, Trouble> {
        self.roles.get_mut(name).ok_or_else(|| missing("role", name))
    }

    fn existing_database(&mut self, name: &str) -> Result<&mut Database, Trouble> {
        self.databases.get_mut(name).ok_or_else(|| missing("database", name))
    }

    /// Inside a database, which must take connections for that.
    fn entered(&mut self, name: &str) -> Result<&mut Database, Trouble> {
        let database = self.existing_database(name)?;
        match database.is_open {
            true => Ok(database),
            false => Err(Trouble::new(TroubleKind::Busy, format!("database `{name}` takes no connections"))),
        }
    }

    fn existing_schema(&mut self, database: &str, name: &str) -> Result<&mut Schema, Trouble> {
        self.entered(database)?.schemas.get_mut(name).ok_or_else(|| missing("schema", name))
    }

    /// Whether a role owns anything or has rights anywhere.
    fn is_in_use(&self, role: &str) -> bool {
        self.databases.values().any(|database| {
            database.owner == role
                || database.grants.contains_key(role)
                || database.public.contains_key(role)
                || database.schemas.values().any(|schema| schema.owner == role || schema.grants.contains_key(role))
        })
    }

    fn drop_role(&mut self, role: &str, shared: Option<&str>) -> Result<(), Trouble> {
        self.existing_role(role)?;
        // The revocation is taken back with the rest where the drop is refused.
        let revoked = shared.and_then(|name| self.databases.get_mut(name)?.grants.remove(role));
        if self.is_in_use(role) {
            if let Some((database, revoked)) = shared.and_then(|name| self.databases.get_mut(name)).zip(revoked) {
                database.grants.insert(role.to_owned(), revoked);
            }
            return Err(Trouble::new(TroubleKind::Refused, format!("role `{role}` owns something")));
        }
        self.roles.remove(role);
        Ok(())
    }

    fn set_parameter(&mut self, scope: &Scope, parameter: &str, to: Option<&String>) -> Result<(), Trouble> {
        let parameters = match scope {
            Scope::Database { database } => &mut self.existing_database(database)?.parameters,
            Scope::Role { role } => &mut self.existing_role(role)?.parameters,
            Scope::RoleInDatabase { role, database } => {
                self.existing_database(database)?;
                self.existing_role(role)?.parameters_in.entry(database.clone()).or_default()
            }
        };
        match to {
            None => drop(parameters.remove(parameter)),
            Some(value) => {
                // Lists are kept as the server writes them: each name quoted by itself.
                let lists = values(parameter, value);
                let is_list = lists != [value.clone()];
                let quoted: Vec<String> = lists.iter().map(|one| format!("\"{}\"", one.replace('"', "\"\""))).collect();
                parameters.insert(parameter.to_owned(), if is_list { quoted.join(", ") } else { value.clone() });
            }
        }
        Ok(())
    }

    fn perform(
        &mut self,
        claim: &Claim,
        password: &dyn Fn() -> Result<String, Trouble>,
        action: &PostgresAction,
    ) -> Result<(), Trouble> {
        let claim = || Some(claim.to_string());
        match action {
            PostgresAction::CreateRole { role, connection_limit, shared: _ } => {
                if self.roles.contains_key(role) {
                    return Err(exists("role", role));
                }
                let made = Role {
                    password: Some(password()?),
                    comment: claim(),
                    login: true,
                    connection_limit: *connection_limit,
                    ..Role::default()
                };
                self.roles.insert(role.clone(), made);
            }
            PostgresAction::MarkRole { role } => self.existing_role(role)?.comment = claim(),
            PostgresAction::AlterRole { role, changes } => {
                let role = self.existing_role(role)?;
                for change in changes {
                    match change {
                        RoleChange::Login => role.login = true,
                        RoleChange::NoSuperuser => role.superuser = false,
                        RoleChange::ConnectionLimit { from: _, to } => role.connection_limit = *to,
                        RoleChange::Password => role.password = Some(password()?),
                        // The stand-in's roles never have these.
                        RoleChange::NoCreatedb
                        | RoleChange::NoCreaterole
                        | RoleChange::NoInherit
                        | RoleChange::NoReplication
                        | RoleChange::NoBypassrls
                        | RoleChange::NoExpiry => {}
                    }
                }
            }
            PostgresAction::LockRole { role } => self.existing_role(role)?.login = false,
            PostgresAction::JoinRole { role } | PostgresAction::EndSessions { role } => drop(self.existing_role(role)?),
            PostgresAction::RevokeMembership { role, .. } => drop(self.existing_role(role)?),
            PostgresAction::DropRole { role, shared } => self.drop_role(role, shared.as_deref())?,
            PostgresAction::DropOwned { database, role } => {
                let database = self.entered(database)?;
                database.schemas.retain(|_, schema| schema.owner != *role);
                drop((database.grants.remove(role), database.public.remove(role)));
            }
            PostgresAction::SetParameter { scope, parameter, from: _, to } => {
                self.set_parameter(scope, parameter, to.as_ref())?;
            }
            PostgresAction::CreateSchema { .. }
            | PostgresAction::TakeSchema { .. }
            | PostgresAction::MarkSchema { .. }
            | PostgresAction::RevokeOnSchema { .. }
            | PostgresAction::GrantOnSchema { .. }
            | PostgresAction::DropSchema { .. }
            | PostgresAction::DropEmptySchema { .. }
            | PostgresAction::Migrate { .. } => self.perform_on_schema(claim(), action)?,
            _ => self.perform_on_database(claim(), action)?,
        }
        Ok(())
    }

    fn perform_on_database(&mut self, claim: Option<String>, action: &PostgresAction) -> Result<(), Trouble> {
        match action {
            PostgresAction::CreateDatabase { database, owner } => {
                if self.databases.contains_key(database) {
                    return Err(exists("database", database));
                }
                if let Some(owner) = owner {
                    self.existing_role(owner)?;
                }
                let role = owner.as_deref().unwrap_or(ADMINISTRATOR);
                let mut rights = grants(role, ["CONNECT", "CREATE", "TEMPORARY"]);
                rights.extend(grants(PUBLIC, ["CONNECT", "TEMPORARY"]));
                let made = Database {
                    owner: role.to_owned(),
                    is_open: owner.is_none(),
                    grants: rights,
                    public: grants(PUBLIC, ["USAGE"]),
                    ..Database::default()
                };
                self.databases.insert(database.clone(), made);
            }
            PostgresAction::TakeDatabase { database, role, from } => {
                self.existing_role(role)?;
                let database = self.existing_database(database)?;
                database.owner.clone_from(role);
                if let Some(rights) = database.grants.remove(from) {
                    database.grants.insert(role.clone(), rights);
                }
            }
            PostgresAction::MarkDatabase { database } => self.existing_database(database)?.comment = claim,
            PostgresAction::RevokeOnDatabase { database, from } => {
                revoke(&mut self.existing_database(database)?.grants, from);
            }
            PostgresAction::GrantOnDatabase { database, to } => {
                grant(&mut self.existing_database(database)?.grants, to)
            }
            PostgresAction::OpenDatabase { database } => self.existing_database(database)?.is_open = true,
            PostgresAction::CloseDatabase { database } => self.existing_database(database)?.is_open = false,
            PostgresAction::CreateExtension { database, extension } => {
                let is_new = self.entered(database)?.extensions.insert(extension.clone());
                return if is_new { Ok(()) } else { Err(exists("extension", extension)) };
            }
            PostgresAction::DropDatabase { database } => {
                self.existing_database(database)?;
                self.databases.remove(database);
            }
            PostgresAction::DropEmptyDatabase { database, role } => {
                self.existing_role(role)?.login = false;
                if !self.existing_database(database)?.objects.is_empty() {
                    return Err(Trouble::new(TroubleKind::Refused, format!("database `{database}` holds something")));
                }
                self.databases.remove(database);
            }
            _ => {}
        }
        Ok(())
    }

    fn perform_on_schema(&mut self, claim: Option<String>, action: &PostgresAction) -> Result<(), Trouble> {
        match action {
            PostgresAction::CreateSchema { database, schema, role } => {
                self.existing_role(role)?;
                let schemas = &mut self.entered(database)?.schemas;
                if schemas.contains_key(schema) {
                    return Err(exists("schema", schema));
                }
                let made = Schema {
                    owner: role.clone(),
                    comment: claim,
                    grants: grants(role, ["CREATE", "USAGE"]),
                    ..Schema::default()
                };
                schemas.insert(schema.clone(), made);
            }
            PostgresAction::TakeSchema { database, schema, role, from } => {
                let schema = self.existing_schema(database, schema)?;
                schema.owner.clone_from(role);
                if let Some(rights) = schema.grants.remove(from) {
                    schema.grants.insert(role.clone(), rights);
                }
            }
            PostgresAction::MarkSchema { database, schema } => self.existing_schema(database, schema)?.comment = claim,
            PostgresAction::RevokeOnSchema { database, schema, from } if schema == "public" => {
                revoke(&mut self.entered(database)?.public, from);
            }
            PostgresAction::GrantOnSchema { database, schema, to } if schema == "public" => {
                grant(&mut self.entered(database)?.public, to);
            }
            PostgresAction::RevokeOnSchema { database, schema, from } => {
                revoke(&mut self.existing_schema(database, schema)?.grants, from);
            }
            PostgresAction::GrantOnSchema { database, schema, to } => {
                grant(&mut self.existing_schema(database, schema)?.grants, to);
            }
            PostgresAction::DropSchema { database, schema } => {
                self.existing_schema(database, schema)?;
                self.entered(database)?.schemas.remove(schema);
            }
            PostgresAction::DropEmptySchema { database, schema } => {
                let kept = self.existing_schema(database, schema)?;
                if !kept.tables.is_empty() || !kept.migrations.is_empty() {
                    return Err(Trouble::new(TroubleKind::Refused, format!("schema `{schema}` holds something")));
                }
                self.entered(database)?.schemas.remove(schema);
            }
            PostgresAction::Migrate { database, schema, folder: _, file, sha256 } => {
                let migrations = &mut self.existing_schema(database, schema)?.migrations;
                if migrations.contains_key(file) {
                    return Err(exists("migration", file));
                }
                migrations.insert(file.clone(), sha256.clone());
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the role of a look, if its credential lets it in.
    fn login<S>(&self, look: Look<'_, S>) -> Result<String, Trouble> {
        let name = look.wanted().user.clone().unwrap_or_default();
        let password = look.entry.and_then(|entry| entry.get("password")).map(digest);
        let role = self.roles.get(&name).filter(|role| role.login && role.password.is_some());
        match role.filter(|role| role.password == password) {
            Some(_) => Ok(name),
            None => Err(Trouble::new(TroubleKind::Refused, "the role does not get in")),
        }
    }

    fn may_connect(&self, role: &str, database: &str) -> Result<bool, Trouble> {
        let found = self.databases.get(database).ok_or_else(|| missing("database", database))?;
        Ok(found.is_open && has(&found.grants, role, "CONNECT"))
    }
}

fn is_own(role: Option<&SeenRole>, user: Option<&str>, owner: &str) -> bool {
    role.is_some_and(|role| role.owner == Owner::Ours) && user == Some(owner)
}

fn has(grants: &Grants, role: &str, privilege: &str) -> bool {
    [PUBLIC, role].iter().any(|grantee| grants.get(*grantee).is_some_and(|held| held.contains(privilege)))
}

fn missing(what: &str, name: &str) -> Trouble {
    Trouble::new(TroubleKind::Missing, format!("{what} `{name}` does not exist"))
}

fn exists(what: &str, name: &str) -> Trouble {
    Trouble::new(TroubleKind::Exists, format!("{what} `{name}` already exists"))
}

fn revoke(held: &mut Grants, from: &Grants) {
    for (grantee, privileges) in from {
        if let Some(held) = held.get_mut(grantee) {
            held.retain(|privilege| !privileges.contains(privilege));
        }
    }
    held.retain(|_, privileges| !privileges.is_empty());
}

fn grant(held: &mut Grants, to: &Grants) {
    for (grantee, privileges) in to {
        held.entry(grantee.clone()).or_default().extend(privileges.iter().cloned());
    }
}

impl Performer {
    async fn postgres(
        &self,
        claim: &Claim,
        entry: Option<&Entry>,
        action: &PostgresAction,
    ) -> Result<Answers, Trouble> {
        let password = || {
            let entry = entry.ok_or_else(|| Trouble::new(TroubleKind::Setup, "no stored credential"))?;
            entry.need("password").map(digest)
        };
        let write = self.0.write(crate::steps::Action::name(action), |state| {
            state.postgres.perform(claim, &password, action)?;
            Ok(Answers::new())
        });
        write.await
    }
}

impl Perform<PostgresDatabase> for Performer {
    async fn perform(&self, look: Look<'_, PostgresDatabaseSpec>, action: &PostgresAction) -> Result<Answers, Trouble> {
        self.postgres(look.asked.claim, look.entry, action).await
    }
}

impl Perform<PostgresSchema> for Performer {
    async fn perform(&self, look: Look<'_, PostgresSchemaSpec>, action: &PostgresAction) -> Result<Answers, Trouble> {
        self.postgres(look.asked.claim, look.entry, action).await
    }
}

impl Probe<PostgresDatabase> for Prober {
    async fn probe(
        &self,
        own: Look<'_, PostgresDatabaseSpec>,
        targets: &[&Wanted<PostgresDatabaseSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let probe = self.0.read("try databases", |state| {
            let role = state.postgres.login(own)?;
            let tries = targets.iter().map(|target| match state.postgres.may_connect(&role, &target.name)? {
                true => Ok(Access::Allowed(format!("connect to database `{}`", target.name))),
                false => Ok(Access::Denied),
            });
            Ok(tries.collect())
        });
        probe.await
    }
}

impl Probe<PostgresSchema> for Prober {
    async fn probe(
        &self,
        own: Look<'_, PostgresSchemaSpec>,
        targets: &[&Wanted<PostgresSchemaSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let probe = self.0.read("try schemas", |state| {
            let role = state.postgres.login(own)?;
            let tries = targets.iter().map(|target| {
                let database = &target.spec.database;
                if !state.postgres.may_connect(&role, database)? {
                    return Ok(Access::Denied);
                }
                let schemas = state.postgres.databases.get(database).map(|database| &database.schemas);
                let schema = schemas.and_then(|schemas| schemas.get(&target.name));
                let schema = schema.ok_or_else(|| missing("schema", &target.name))?;
                let what = ["CREATE", "USAGE"].into_iter().find(|privilege| has(&schema.grants, &role, privilege));
                Ok(match what {
                    Some(privilege) => Access::Allowed(format!("{privilege} on schema `{}`", target.name)),
                    None => Access::Denied,
                })
            });
            Ok(tries.collect())
        });
        probe.await
    }
}
