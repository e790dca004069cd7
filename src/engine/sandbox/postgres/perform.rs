//! What actions do to the stand-in: all of one or nothing.

use super::{
    super::{Performer, digest},
    ADMINISTRATOR, Database, Role, Schema, Server, missing,
};
use crate::{
    engine::{Entry, Look, Perform, Trouble, TroubleKind, service::Answers},
    provision::postgres::{PostgresDatabaseSpec, PostgresSchemaSpec},
    steps::{
        claim::Claim,
        postgres::{
            Grants, PUBLIC, PostgresAction,
            database::PostgresDatabase,
            grants,
            parameters::{Scope, values},
            role::RoleChange,
            schema::PostgresSchema,
        },
    },
};

impl Server {
    fn existing_role(&mut self, name: &str) -> Result<&mut Role, Trouble> {
        self.roles.get_mut(name).ok_or_else(|| missing("role", name))
    }

    /// Nobody can be granted anything who is not there.
    fn grantees(&self, to: &Grants) -> Result<(), Trouble> {
        let stranger = to.keys().find(|grantee| *grantee != PUBLIC && !self.roles.contains_key(*grantee));
        stranger.map_or(Ok(()), |grantee| Err(missing("role", grantee)))
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
                    // A shared one is made by whichever tenant comes first.
                    return if owner.is_none() { Ok(()) } else { Err(exists("database", database)) };
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
                self.grantees(to)?;
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
                self.grantees(to)?;
                grant(&mut self.entered(database)?.public, to);
            }
            PostgresAction::RevokeOnSchema { database, schema, from } => {
                revoke(&mut self.existing_schema(database, schema)?.grants, from);
            }
            PostgresAction::GrantOnSchema { database, schema, to } => {
                self.grantees(to)?;
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
