//! PostgreSQL 15 and later, by SQL over its own protocol.
//!
//! The administrator needs `CREATEROLE` and `CREATEDB`, or to be a superuser, and the database `postgres` to work from.
//! It must reach the server itself: a pooler between them would lose advisory locks and startup options.
//!
//! Passwords never go into a statement. What the server is given is the SCRAM verifier that it would keep anyway; and
//! since each one is salted anew, the one it has is compared by recomputing it, and proven by a login.
//!
//! A tenant owns its database or schema, and may put functions, operators and parameters in it that wait for somebody
//! with more rights. So the administrator's sessions start with `search_path=pg_catalog`, which no setting of a database
//! overrides, and read catalogues only; what lies in tables of a tenant is read and written as the tenant.

mod catalog;
mod client;
mod database;
mod migrations;
mod probe;
mod schema;
mod sql;
mod statements;
mod verifier;

use std::rc::Rc;

pub use client::Server;
use futures::{StreamExt, stream};

use super::{Entry, Look, Secret, Trouble, TroubleKind, points::planted, service::Answers};
use crate::steps::{
    claim::Claim,
    postgres::{PostgresAction, role::Role},
};

/// How many databases are looked into, and roles logged in as, at one time.
const AT_ONCE: usize = 8;

/// Reads databases, schemas and roles.
pub struct Observer(Rc<Server>);

impl Observer {
    /// Returns the reader of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }
}

/// Writes databases, schemas and roles.
pub struct Performer(Rc<Server>);

impl Performer {
    /// Returns the writer of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }

    /// Performs an action of either kind.
    async fn run(
        &self,
        claim: &Claim,
        entry: Option<&Entry>,
        role: Option<&str>,
        action: &PostgresAction,
    ) -> Result<Answers, Trouble> {
        let done = match action {
            PostgresAction::Migrate { database, schema, folder, file, sha256 } => {
                let login = (role.ok_or_else(no_entry)?, entry.ok_or_else(no_entry)?.need("password")?);
                migrations::run(&self.0, login, database, schema, folder, file, sha256).await
            }
            PostgresAction::CreateDatabase { database, owner: None } => {
                statements::create_shared_database(&self.0, claim, action, database).await
            }
            PostgresAction::DropEmptyDatabase { database, role } => {
                statements::drop_empty_database(&self.0, database, role).await
            }
            _ => statements::run(&self.0, claim, entry, action).await,
        };
        match done {
            Err(trouble) if trouble.kind() == TroubleKind::Exists && planted("postgres-exists-is-success") => {}
            other => other?,
        }
        Ok(Answers::new())
    }
}

/// Tries what a tenant's role reaches.
pub struct Prober(Rc<Server>);

impl Prober {
    /// Returns what tries roles of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }
}

fn no_entry() -> Trouble {
    Trouble::new(TroubleKind::Setup, "the role has no stored credential")
}

/// Does something for each of `items`, some at a time, and answers in their order.
async fn for_each<I, T, F: Future<Output = T>>(items: impl IntoIterator<Item = I>, each: impl Fn(I) -> F) -> Vec<T> {
    let running = items.into_iter().map(each);
    stream::iter(running).buffered(AT_ONCE).collect().await
}

/// Returns the same answer for all looks: a trouble cannot be cloned, for what caused it cannot.
fn same_trouble<T>(count: usize, trouble: &Trouble) -> Vec<Result<T, Trouble>> {
    (0..count).map(|_| Err(Trouble::new(trouble.kind(), trouble.line()))).collect()
}

/// Returns the stored password of a look whose role can be tried.
fn password_of<'a, S>(look: Look<'a, S>, role: Option<&Role>) -> Option<(&'a str, &'a Secret)> {
    let can_log_in = role.is_some_and(|role| role.attributes.login);
    let password = look.entry.and_then(|entry| entry.get("password")).filter(|_| can_log_in)?;
    Some((look.wanted().user.as_deref()?, password))
}
