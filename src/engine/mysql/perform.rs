//! Writes: one statement for each action.

use std::rc::Rc;

use super::{
    About, Server, hash,
    sql::{self, Terms},
};
use crate::{
    engine::{Look, Perform, Secret, Trouble, TroubleKind, points, service::Answers},
    provision::mysql::MysqlDatabaseSpec,
    steps::{
        Action,
        mysql::{Flavour, MysqlAction, MysqlDatabase, max_user_connections, tls},
    },
};

/// Writes.
pub struct Performer(Rc<Server>);

impl Performer {
    /// Returns the writer of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }

    /// Returns what an account is made of, with what the server keeps of the password where that is set.
    fn terms(
        &self,
        look: Look<'_, MysqlDatabaseSpec>,
        flavour: Flavour,
        sets_password: bool,
    ) -> Result<Terms, Trouble> {
        let spec = &look.wanted().spec;
        let hash = match (sets_password, flavour) {
            (false, _) => None,
            (true, Flavour::MariaDb) => Some(hash::native(stored(look)?)),
            (true, Flavour::MySql) => Some(hash::caching_sha2(stored(look)?)?),
        };
        Ok(Terms { hash, tls: tls(spec), max_user_connections: max_user_connections(spec) })
    }

    /// Changes our row of the ledger, which must be there.
    async fn note(&self, about: About, statement: String) -> Result<(), Trouble> {
        match self.0.write(about, statement).await? {
            0 => Err(Trouble::new(
                TroubleKind::Missing,
                format!("connection `{}`: failed to {}: the ledger has no such row of ours", self.0.name, about.what),
            )),
            _ => Ok(()),
        }
    }

    /// The server is asked for emptiness just before.
    async fn drop_empty(&self, about: About, database: &str) -> Result<(), Trouble> {
        if !points::planted("mysql-undo-drops-data") && self.0.holds_anything(database).await? {
            let message = format!("connection `{}`: database `{database}` is not empty, and stays", self.0.name);
            return Err(Trouble::new(TroubleKind::Refused, message));
        }
        self.0.write(about, sql::drop_database(database)).await.map(drop)
    }
}

/// Returns the stored password.
pub(super) fn stored<'a>(look: Look<'a, MysqlDatabaseSpec>) -> Result<&'a Secret, Trouble> {
    let entry = look.entry.ok_or_else(|| Trouble::new(TroubleKind::Setup, "the user has no stored credential"))?;
    entry.need("password")
}

fn about(action: &MysqlAction) -> About {
    use MysqlAction as A;
    let (what, is_secret) = match action {
        A::CreateLedger => ("create the ledger's database", false),
        A::CreateClaims => ("create the ledger's table", false),
        A::NoteIntent { .. } | A::NoteAgain { .. } | A::NoteMade { .. } | A::NoteAdopted { .. } => {
            ("write into the ledger", false)
        }
        A::ForgetNote { .. } => ("remove a row of the ledger", false),
        A::CreateDatabase { .. } => ("create a database", false),
        A::AdoptDatabase { .. } => ("take over a database", false),
        A::AlterDatabase { .. } => ("alter a database", false),
        A::CreateUser { .. } => ("create a user", true),
        A::AdoptUser { .. } => ("take over a user", false),
        A::AlterUser { .. } => ("alter a user", true),
        A::Revoke { .. } | A::RevokeAll { .. } | A::RevokeProxy { .. } => ("revoke privileges", false),
        A::RevokeRole { .. } => ("revoke a role", false),
        A::Grant { .. } => ("grant privileges", false),
        A::LockUser { .. } => ("lock a user", false),
        A::EndSessions { .. } | A::EndSession { .. } => ("end sessions of a user", false),
        A::DropUser { .. } => ("drop a user", false),
        A::DropDatabase { .. } | A::DropEmptyDatabase { .. } => ("drop a database", false),
    };
    About { what, verb: Some(action.verb()), is_secret }
}

impl Perform<MysqlDatabase> for Performer {
    async fn perform(&self, look: Look<'_, MysqlDatabaseSpec>, action: &MysqlAction) -> Result<Answers, Trouble> {
        use MysqlAction as A;
        let (about, claim) = (about(action), look.asked.claim);
        let server = self.0.facts().await?.server;
        let flavour = server.flavour;
        let statement = match action {
            A::NoteAgain { of, name, host } => {
                self.note(about, sql::note_again(*of, name, host, claim)).await?;
                return Ok(Answers::new());
            }
            A::NoteMade { of, name, host: _ } => {
                self.note(about, sql::note_made(*of, name, claim)).await?;
                return Ok(Answers::new());
            }
            A::DropEmptyDatabase { database } => {
                self.drop_empty(about, database).await?;
                return Ok(Answers::new());
            }
            A::CreateLedger => sql::create_ledger(),
            A::CreateClaims => sql::create_claims(),
            A::NoteIntent { of, name, host } => sql::note_intent(*of, name, host, claim),
            A::NoteAdopted { of, name, host } => sql::note_adopted(*of, name, host, claim),
            A::ForgetNote { of, name } => sql::forget_note(*of, name, claim),
            A::CreateDatabase { database, character_set, collation } => {
                let carries = flavour == Flavour::MariaDb && !points::planted("mysql-skip-claim");
                sql::create_database(database, character_set, collation, carries.then_some(claim))
            }
            A::AdoptDatabase { database } => sql::adopt_database(database, claim),
            A::AlterDatabase { database, character_set, collation, difference: _ } => {
                sql::alter_database(database, character_set, collation)
            }
            A::CreateUser { account } => sql::create_user(flavour, account, &self.terms(look, flavour, true)?, claim),
            A::AdoptUser { account } => sql::adopt_user(account, claim),
            A::AlterUser { account, password, differences: _ } => {
                sql::alter_user(flavour, account, &self.terms(look, flavour, *password)?)
            }
            A::Revoke { account, pattern, privileges } => sql::revoke(privileges, pattern, account),
            A::RevokeAll { account, because: _ } => sql::revoke_all(account),
            A::RevokeRole { account, role } => sql::revoke_role(role, account),
            A::RevokeProxy { account, other } => sql::revoke_proxy(other, account),
            A::Grant { account, database, privileges } => {
                let pattern = match points::planted("mysql-grant-unescaped") {
                    true => database.clone(),
                    false => server.pattern(database),
                };
                sql::grant(privileges, &pattern, account)
            }
            A::LockUser { account } => sql::lock_user(account),
            A::EndSessions { user } => sql::end_sessions(user),
            A::EndSession { session } => sql::end_session(*session),
            A::DropUser { account } => sql::drop_user(account),
            A::DropDatabase { database } => sql::drop_database(database),
        };
        match self.0.write(about, statement).await {
            Err(trouble) if trouble.kind() == TroubleKind::Exists && points::planted("mysql-exists-is-success") => {}
            result => drop(result?),
        }
        Ok(Answers::new())
    }
}
