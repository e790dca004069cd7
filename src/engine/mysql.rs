//! `mysqlDatabase` on a MariaDB (10.5 and later) or MySQL (8.0.21 and later) server.
//!
//! Statements that make or change an account hold the hash that the server keeps, never the password. What was done is
//! read back from the server's own tables, and the password is proven by a login from here, over TLS where the account
//! demands it. An account whose host part leaves out where the engine runs is compared by its hash alone.
//!
//! Between the look whether a database is empty and its removal, which only an undoing does, somebody with rights of his
//! own could make a table: no statement does both.

#![expect(clippy::disallowed_methods, reason = "reads the file with the authorities that a connection names")]

mod accounts;
mod errors;
mod hash;
mod observe;
mod perform;
mod probe;
mod read;
mod sql;

use std::{cell::RefCell, fs, net::Ipv4Addr};

use jiff::Timestamp;
pub use observe::Observer;
pub use perform::Performer;
pub use probe::Prober;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode},
};
use tokio::sync::Semaphore;

use super::{
    Secret, Trouble, TroubleKind, clocks, connections::Login as Administrator, gate::PER_CONNECTION, within::within,
};
use crate::{
    name::mysql::covers,
    provision::connection::{Tls, TlsMode},
    steps::{
        Verb,
        mysql::{Account, Login},
    },
};

/// What the mode of each connection must be: texts are quoted for it, no grant makes an account by the way, and nothing
/// waits on the server for longer than we do.
const SET_UP: &str = "SET NAMES utf8mb4, \
     sql_mode = IF(VERSION() LIKE '%MariaDB%', 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_AUTO_CREATE_USER', \
                                               'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'), \
     lock_wait_timeout = 5, innodb_lock_wait_timeout = 5";

/// A server, with the administrator's connections that are open and idle.
pub struct Server {
    name: String,
    options: MySqlConnectOptions,
    mode: TlsMode,
    administrator: Administrator,
    idle: RefCell<Vec<MySqlConnection>>,
    bound: Semaphore,
    /// What a server is does not change while we talk to it.
    facts: RefCell<Option<read::Facts>>,
}

/// How a statement's failure is told.
#[derive(Clone, Copy)]
struct About {
    /// What is done: "failed to …".
    what: &'static str,
    /// What the statement does to its object: "operation failed" means another thing of a creation.
    verb: Option<Verb>,
    /// Whether the statement holds a hash: then the server's words, which may quote it, are not repeated.
    is_secret: bool,
}

impl About {
    /// A statement that asks.
    fn reading(what: &'static str) -> Self {
        Self { what, verb: None, is_secret: false }
    }
}

impl Server {
    /// Prepares a client; nothing is connected yet.
    ///
    /// # Errors
    /// The file with the authorities cannot be read.
    pub fn new(name: &str, host: &str, port: u16, tls: &Tls, login: &Administrator) -> Result<Self, Trouble> {
        let mut options = MySqlConnectOptions::new()
            .host(host)
            .port(port)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .set_names(false)
            .statement_cache_capacity(0)
            // Statements hold hashes, and the client would log those that are slow.
            .disable_statement_logging();
        if let Some(file) = &tls.ca_file {
            let authorities = fs::read(file).map_err(|error| {
                Trouble::new(TroubleKind::Setup, format!("connection `{name}`: failed to read `caFile`"))
                    .because(error.to_string())
            })?;
            options = options.ssl_ca_from_pem(authorities);
        }
        Ok(Self {
            name: name.to_owned(),
            options,
            mode: tls.mode,
            administrator: login.clone(),
            idle: RefCell::default(),
            bound: Semaphore::new(PER_CONNECTION),
            facts: RefCell::default(),
        })
    }

    async fn connect(&self, user: &str, password: &Secret, needs_tls: bool) -> Result<MySqlConnection, sqlx::Error> {
        let mode = match (self.mode, needs_tls) {
            (TlsMode::Required, _) => MySqlSslMode::VerifyIdentity,
            // The administrator's own password goes to this server in the open: there is nothing to verify it by.
            (TlsMode::Off, true) => MySqlSslMode::Required,
            (TlsMode::Off, false) => MySqlSslMode::Disabled,
        };
        self.options.clone().username(user).password(password.expose()).ssl_mode(mode).connect().await
    }

    /// Does something on a connection of the administrator's. One that is in doubt afterwards is not used again; one that
    /// the deadline cuts off is closed.
    async fn on_connection<T>(
        &self,
        about: About,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Trouble> {
        within(&self.name, about.what, async {
            let Ok(_permit) = self.bound.acquire().await else {
                return Err(Trouble::new(TroubleKind::Unexpected, "the bound of a connection is closed"));
            };
            let idle = self.idle.borrow_mut().pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.open().await.map_err(|error| self.trouble(About::reading("connect"), &error))?,
            };
            let result = work(&mut connection).await;
            if !result.as_ref().is_err_and(errors::breaks) {
                self.idle.borrow_mut().push(connection);
            }
            result.map_err(|error| self.trouble(about, &error))
        })
        .await
    }

    async fn open(&self) -> Result<MySqlConnection, sqlx::Error> {
        let Administrator { username, password } = &self.administrator;
        let mut connection = self.connect(username, password, false).await?;
        sqlx::raw_sql(SET_UP).execute(&mut connection).await?;
        Ok(connection)
    }

    /// Runs one statement that writes, and returns how many rows it found.
    async fn write(&self, about: About, statement: String) -> Result<u64, Trouble> {
        self.on_connection(about, async |connection| {
            Ok(sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await?.rows_affected())
        })
        .await
    }

    /// Returns the server's time.
    ///
    /// # Errors
    /// The server does not say.
    pub async fn clock(&self) -> Result<Timestamp, Trouble> {
        let seconds = self.on_connection(About::reading(clocks::QUESTION), async |connection| {
            let row = sqlx::raw_sql("SELECT CAST(UNIX_TIMESTAMP() AS CHAR)").fetch_one(connection).await?;
            row.try_get_unchecked::<String, _>(0)
        });
        clocks::time(&self.name, seconds.await?.parse().ok())
    }

    /// Logs in as a tenant's user, asks whom the server takes it for, and leaves.
    async fn log_in(&self, account: &Account, password: &Secret, needs_tls: bool) -> Result<Login, Trouble> {
        let about = About::reading("log in as a tenant's user");
        within(&self.name, about.what, async {
            let mut connection = match self.connect(&account.user, password, needs_tls).await {
                Ok(connection) => connection,
                Err(error) => return errors::login(&error).ok_or_else(|| self.trouble(about, &error)),
            };
            let row = sqlx::raw_sql("SELECT CURRENT_USER()").fetch_one(&mut connection).await;
            let row = row.map_err(|error| self.trouble(about, &error))?;
            let taken: String = row.try_get_unchecked(0).map_err(|error| self.trouble(about, &error))?;
            // What the server thinks of our leaving changes nothing.
            let _ = connection.close().await;
            let (user, host) = taken.rsplit_once('@').unwrap_or((&taken, ""));
            let taken = Account::new(user, host);
            Ok(if taken == *account { Login::In } else { Login::As(taken) })
        })
        .await
    }

    fn trouble(&self, about: About, error: &sqlx::Error) -> Trouble {
        errors::trouble(&self.name, about, error)
    }
}

/// Returns whether an account's host part takes in a client, whose host is as the server sees it.
fn takes_in(host: &str, client: &str) -> bool {
    let masked = || -> Option<bool> {
        let (base, mask) = host.split_once('/')?;
        let (base, mask, client): (Ipv4Addr, Ipv4Addr, Ipv4Addr) =
            (base.parse().ok()?, mask.parse().ok()?, client.parse().ok()?);
        Some(client.to_bits() & mask.to_bits() == base.to_bits())
    };
    masked().unwrap_or_else(|| covers(&host.to_ascii_lowercase(), &client.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::takes_in;

    #[test]
    fn a_host_part_takes_in_what_the_server_would() {
        for (host, client, is) in [
            ("%", "10.1.2.3", true),
            ("10.%", "10.1.2.3", true),
            ("10.%", "110.1.2.3", false),
            ("10.0.0.0/255.0.0.0", "10.1.2.3", true),
            ("10.0.0.0/255.0.0.0", "11.1.2.3", false),
            ("LocalHost", "localhost", true),
            ("localhost", "127.0.0.1", false),
        ] {
            assert_eq!(takes_in(host, client), is, "{host} {client}");
        }
    }
}
