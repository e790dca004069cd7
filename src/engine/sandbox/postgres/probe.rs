//! What a tenant's role reaches on the stand-in.

use super::{
    super::{Prober, digest},
    Server, missing,
};
use crate::{
    engine::{Access, Look, Probe, Trouble, TroubleKind},
    provision::{
        Wanted,
        postgres::{PostgresDatabaseSpec, PostgresSchemaSpec},
    },
    steps::postgres::{Grants, PUBLIC, database::PostgresDatabase, schema::PostgresSchema},
};

impl Server {
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

fn has(grants: &Grants, role: &str, privilege: &str) -> bool {
    [PUBLIC, role].iter().any(|grantee| grants.get(*grantee).is_some_and(|held| held.contains(privilege)))
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
