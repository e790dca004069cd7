//! Isolation: what a tenant's role reaches, tried and rolled back.

use std::collections::BTreeMap;

use sqlx::{Connection, postgres::PgConnection};

use super::{
    super::{Access, Look, Probe, Secret, Trouble, TroubleKind, within::within},
    Prober,
    client::{Entered, Server, code, execute},
    no_entry, sql,
};
use crate::{
    provision::{
        Wanted,
        postgres::{PostgresDatabaseSpec, PostgresSchemaSpec},
    },
    steps::postgres::{database::PostgresDatabase, schema::PostgresSchema},
};

fn login<'a, S>(own: Look<'a, S>) -> Result<(&'a str, &'a Secret), Trouble> {
    let role = own.wanted().user.as_deref().ok_or_else(no_entry)?;
    Ok((role, own.entry.ok_or_else(no_entry)?.need("password")?))
}

impl Prober {
    /// Goes into a database; none where the server keeps the role out of it.
    async fn enter(&self, role: &str, password: &Secret, database: &str) -> Result<Option<PgConnection>, Trouble> {
        match self.0.enter(role, password, database).await? {
            Entered::In(session) => Ok(Some(session)),
            // The answer is the same whether the database is not there or is another's; ask who knows.
            Entered::Kept if self.0.has_database(database).await? => Ok(None),
            Entered::Kept => Err(Trouble::new(TroubleKind::Missing, format!("database `{database}` is not there"))),
            Entered::Refused => {
                Err(Trouble::new(TroubleKind::Refused, format!("role `{role}` does not get in with its password")))
            }
        }
    }
}

impl Probe<PostgresDatabase> for Prober {
    async fn probe(
        &self,
        own: Look<'_, PostgresDatabaseSpec>,
        targets: &[&Wanted<PostgresDatabaseSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let (role, password) = login(own)?;
        let mut found = Vec::with_capacity(targets.len());
        for target in targets {
            found.push(match self.enter(role, password, &target.name).await {
                Ok(Some(session)) => {
                    let _ = within(&self.0.name, "leave", async { Ok(session.close().await) }).await;
                    Ok(Access::Allowed(format!("connect to database `{}`", target.name)))
                }
                Ok(None) => Ok(Access::Denied),
                Err(trouble) => Err(trouble),
            });
        }
        Ok(found)
    }
}

impl Probe<PostgresSchema> for Prober {
    async fn probe(
        &self,
        own: Look<'_, PostgresSchemaSpec>,
        targets: &[&Wanted<PostgresSchemaSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let (role, password) = login(own)?;
        let mut sessions: BTreeMap<&str, Option<PgConnection>> = BTreeMap::new();
        let mut found = Vec::with_capacity(targets.len());
        for target in targets {
            let database = target.spec.database.as_str();
            if !sessions.contains_key(database) {
                match self.enter(role, password, database).await {
                    Ok(session) => drop(sessions.insert(database, session)),
                    Err(trouble) => {
                        found.push(Err(trouble));
                        continue;
                    }
                }
            }
            found.push(match sessions.get_mut(database) {
                Some(Some(session)) => {
                    within(&self.0.name, "try a schema", schema(&self.0, session, &target.name)).await
                }
                _ => Ok(Access::Denied),
            });
        }
        Ok(found)
    }
}

/// Tries to make a table in a schema, and to look into it. No rows would be no answer: only "permission denied" is.
async fn schema(server: &Server, session: &mut PgConnection, schema: &str) -> Result<Access, Trouble> {
    const TABLE: &str = "\"tenantry isolation\"";
    let what = "try a schema as a tenant's role";
    let schema_name = sql::name(schema);
    // One message is one transaction; what it raises at its end takes everything back.
    let write = format!("CREATE TABLE {schema_name}.{TABLE} (); DO $$ BEGIN RAISE SQLSTATE 'TN000'; END $$");
    match execute(session, write).await {
        Err(error) if code(&error).as_deref() == Some("TN000") => {
            return Ok(Access::Allowed(format!("make a table in schema `{schema}`")));
        }
        Err(error) if code(&error).as_deref() == Some("42501") => {}
        Err(error) => return Err(server.trouble(what, &error)),
        Ok(()) => return Ok(Access::Allowed(format!("make a table in schema `{schema}`"))),
    }
    match execute(session, format!("SELECT FROM {schema_name}.{TABLE}")).await {
        Err(error) if code(&error).as_deref() == Some("42501") => Ok(Access::Denied),
        // The server would not say that there is no such table if it did not let the role look.
        Err(error) if code(&error).as_deref() == Some("42P01") => {
            Ok(Access::Allowed(format!("look into schema `{schema}`")))
        }
        Err(error) => Err(server.trouble(what, &error)),
        Ok(()) => Ok(Access::Allowed(format!("read in schema `{schema}`"))),
    }
}
