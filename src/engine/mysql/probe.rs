//! Tries databases with a tenant's own credential.

use std::rc::Rc;

use sqlx::{
    AssertSqlSafe, Connection,
    mysql::{MySqlConnection, MySqlDatabaseError},
};

use super::{About, Server, perform::stored, sql};
use crate::{
    engine::{Access, Look, Probe, Trouble, within::within},
    provision::{Wanted, mysql::MysqlDatabaseSpec},
    steps::mysql::{MysqlDatabase, account},
};

/// Tries what a user reaches.
pub struct Prober(Rc<Server>);

impl Prober {
    /// Returns what tries users of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }

    /// Entering a database leaves no trace, and needs any one privilege there: the server denies it with the same words
    /// whether the database exists or not.
    async fn enter(&self, connection: &mut MySqlConnection, database: &str, is_own: bool) -> Result<Access, Trouble> {
        let about = About::reading("enter a database as a tenant's user");
        within(&self.0.name, about.what, async {
            let entered =
                sqlx::raw_sql(AssertSqlSafe(format!("USE {}", sql::identifier(database)))).execute(connection);
            let error = match entered.await {
                Ok(_) => return Ok(Access::Allowed(format!("entered database `{database}`"))),
                Err(error) => error,
            };
            let said = error.as_database_error().and_then(|said| said.try_downcast_ref::<MySqlDatabaseError>());
            match said.map(MySqlDatabaseError::number) {
                Some(1044) => Ok(Access::Denied),
                // Said only to those who would be let in.
                Some(1049) if !is_own => {
                    Ok(Access::Allowed(format!("may enter database `{database}` once it is there")))
                }
                _ => Err(self.0.trouble(about, &error)),
            }
        })
        .await
    }
}

impl Probe<MysqlDatabase> for Prober {
    async fn probe(
        &self,
        own: Look<'_, MysqlDatabaseSpec>,
        targets: &[&Wanted<MysqlDatabaseSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let (password, account) = (stored(own)?, account(own.wanted()));
        let about = About::reading("log in as a tenant's user");
        let mut connection = within(&self.0.name, about.what, async {
            let made = self.0.connect(&account.user, password, own.wanted().spec.require_tls).await;
            made.map_err(|error| self.0.trouble(about, &error))
        })
        .await?;
        let mut found = Vec::with_capacity(targets.len());
        for target in targets {
            let is_own = target.name == own.wanted().name;
            found.push(self.enter(&mut connection, &target.name, is_own).await);
        }
        // What the server thinks of our leaving changes nothing.
        let _ = connection.close().await;
        Ok(found)
    }
}
