//! Connections to a server, and what its errors mean.

#![expect(clippy::disallowed_methods, reason = "reads the file with the authorities that a connection names")]

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env, fs, io,
    path::PathBuf,
    rc::Rc,
};

use jiff::Timestamp;
use sqlx::{
    ConnectOptions, Connection, Executor,
    postgres::{PgConnectOptions, PgConnection, PgSslMode},
};
use tokio::sync::Mutex;

use super::super::{Secret, Trouble, TroubleKind, clocks, connections::Login, within::within};
use crate::provision::connection::{Tls, TlsMode};

/// The database that the administrator works from: every cluster has it.
pub(super) const MAINTENANCE: &str = "postgres";

/// The environment variable with the folder that `migrations` of the documents are below; the working directory where it
/// is not set.
pub const MIGRATIONS: &str = "TENANTRY_MIGRATIONS";

/// How many idle connections to one database are kept. No more are used at one time.
const IDLE: usize = 8;

/// A PostgreSQL server, with the administrator's connections once there are some.
pub struct Server {
    pub(super) name: String,
    options: PgConnectOptions,
    login: Login,
    /// Extensions that databases may have.
    pub(super) extensions: BTreeSet<String>,
    /// The folder that migrations are below.
    pub(super) migrations: PathBuf,
    idle: RefCell<BTreeMap<String, Vec<PgConnection>>>,
    pub(super) admin: RefCell<Option<Rc<Admin>>>,
    /// Held by who makes a shared database: many tenants of one run want the same.
    pub(super) shared: Mutex<()>,
}

/// What the administrator is.
#[derive(Debug)]
pub(super) struct Admin {
    /// Its role.
    pub name: String,
    /// Whether it is a superuser.
    pub is_superuser: bool,
    /// Whether it may read verifiers.
    pub reads_verifiers: bool,
    /// The server's version, as 150004.
    pub version: i32,
}

/// From this version on, memberships are told apart by who gave them, and say whether they are inherited.
pub(super) const VERSION_16: i32 = 160_000;

/// What came of a login as a tenant's role.
pub(super) enum Entered {
    /// It is in.
    In(PgConnection),
    /// The password is right, and something else keeps it out.
    Kept,
    /// The password is wrong.
    Refused,
}

impl Server {
    /// Prepares a client; nothing is connected yet.
    ///
    /// # Errors
    /// The file with the authorities cannot be read.
    pub fn new(
        name: &str,
        host: &str,
        port: u16,
        tls: &Tls,
        extensions: &[String],
        login: &Login,
    ) -> Result<Self, Trouble> {
        let authorities = tls.ca_file.as_ref().map(fs::read).transpose().map_err(|error| {
            Trouble::new(TroubleKind::Setup, format!("connection `{name}`: failed to read `caFile`"))
                .because(error.to_string())
        })?;
        let mode = match tls.mode {
            TlsMode::Off => PgSslMode::Disable,
            TlsMode::Required => PgSslMode::VerifyFull,
        };
        // Everything is said here, so that no variable of the surroundings (PGHOST, PGSSLROOTCERT, …) says it instead.
        let options = PgConnectOptions::new_without_pgpass()
            .host(host)
            .port(port)
            .ssl_mode(mode)
            .ssl_root_cert_from_pem(authorities.unwrap_or_default())
            .application_name("tenantry")
            // Statements hold verifiers.
            .disable_statement_logging();
        Ok(Self {
            name: name.to_owned(),
            options,
            login: login.clone(),
            extensions: extensions.iter().cloned().collect(),
            migrations: env::var_os(MIGRATIONS).map_or_else(|| PathBuf::from("."), PathBuf::from),
            idle: RefCell::default(),
            admin: RefCell::default(),
            shared: Mutex::default(),
        })
    }

    async fn connect(&self, database: &str) -> Result<PgConnection, sqlx::Error> {
        let Login { username, password } = &self.login;
        let options = self.options.clone().username(username).password(password.expose()).database(database);
        // What a database sets for its sessions comes second to this: see the module.
        options.options([("search_path", "pg_catalog")]).connect().await
    }

    /// Works in a database as the administrator, and keeps the connection for the next. A broken one is made anew by the
    /// next call.
    pub(super) async fn with<T>(
        &self,
        database: &str,
        what: &str,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Trouble> {
        within(&self.name, what, async {
            let idle = self.idle.borrow_mut().get_mut(database).and_then(Vec::pop);
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.connect(database).await.map_err(|error| self.trouble("connect", &error))?,
            };
            let worked = work(&mut connection).await;
            match &worked {
                Ok(_) => self.keep(database, connection),
                // It may be left in a transaction; and where one is broken, the idle ones are too.
                Err(sqlx::Error::Database(_)) => drop(connection.close().await),
                Err(_) => drop(self.idle.borrow_mut().remove(database)),
            }
            worked.map_err(|error| self.trouble(what, &error))
        })
        .await
    }

    fn keep(&self, database: &str, connection: PgConnection) {
        let mut idle = self.idle.borrow_mut();
        let idle = idle.entry(database.to_owned()).or_default();
        if idle.len() < IDLE {
            idle.push(connection);
        }
    }

    /// Reads in a database as the administrator, all of it as it was at one moment: another run may be at work.
    pub(super) async fn read<T>(
        &self,
        database: &str,
        what: &str,
        read: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Trouble> {
        self.with(database, what, async |connection| {
            execute(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned()).await?;
            let found = read(connection).await?;
            execute(connection, "COMMIT".to_owned()).await?;
            Ok(found)
        })
        .await
    }

    /// Returns whether a database is there.
    pub(super) async fn has_database(&self, database: &str) -> Result<bool, Trouble> {
        let found = self.with(MAINTENANCE, "look for a database", async |connection| {
            sqlx::query_as("SELECT EXISTS (SELECT FROM pg_database WHERE datname::text = $1)")
                .bind(database)
                .persistent(false)
                .fetch_one(connection)
                .await
        });
        let (is_there,): (bool,) = found.await?;
        Ok(is_there)
    }

    /// Returns the server's time.
    ///
    /// # Errors
    /// The server does not say.
    pub async fn clock(&self) -> Result<Timestamp, Trouble> {
        let asked = self.with(MAINTENANCE, clocks::QUESTION, async |connection| {
            let asked = sqlx::query_as("SELECT extract(epoch FROM clock_timestamp())::bigint");
            asked.persistent(false).fetch_one(connection).await
        });
        let (seconds,): (i64,) = asked.await?;
        clocks::time(&self.name, Some(seconds))
    }

    /// Works in a tenant's database as the administrator, and leaves it again: an idle connection would keep it from
    /// being dropped.
    pub(super) async fn visit<T>(
        &self,
        database: &str,
        what: &str,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Trouble> {
        within(&self.name, what, async {
            let mut connection = self.connect(database).await.map_err(|error| self.trouble("connect", &error))?;
            let worked = work(&mut connection).await.map_err(|error| self.trouble(what, &error));
            let _ = connection.close().await;
            worked
        })
        .await
    }

    /// Logs in as a tenant's role.
    ///
    /// # Errors
    /// Whether the password is right cannot be told.
    pub(super) async fn enter(&self, role: &str, password: &Secret, database: &str) -> Result<Entered, Trouble> {
        within(&self.name, "log in as a tenant's role", async {
            let options = self.options.clone().username(role).password(password.expose()).database(database);
            match options.connect().await {
                Ok(connection) => Ok(Entered::In(connection)),
                Err(error) => match code(&error).as_deref() {
                    Some("28P01") => Ok(Entered::Refused),
                    // The server looks for the database and the right to connect only once the password is proven.
                    Some("3D000" | "42501" | "55000") => Ok(Entered::Kept),
                    _ => Err(self.trouble("log in as a tenant's role", &error)),
                },
            }
        })
        .await
    }

    /// Puts an error of the client into our words.
    pub(super) fn trouble(&self, what: &str, error: &sqlx::Error) -> Trouble {
        self.worded(what, error, true)
    }

    /// The same, without the server's message: it may quote the statement, and that holds a verifier.
    pub(super) fn bare_trouble(&self, what: &str, error: &sqlx::Error) -> Trouble {
        self.worded(what, error, false)
    }

    fn worded(&self, what: &str, error: &sqlx::Error, tells: bool) -> Trouble {
        let kind = kind_of(error);
        let said = match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                match tells {
                    true => format!("{} (SQLSTATE {code})", shown(error.message())),
                    false => format!("SQLSTATE {code}"),
                }
            }
            sqlx::Error::Io(error) => shown(&error.to_string()),
            sqlx::Error::Tls(error) => shown(&error.to_string()),
            _ => "the answer does not follow the protocol".to_owned(),
        };
        Trouble::new(kind, format!("connection `{}`: failed to {what}", self.name)).because(said)
    }
}

/// How much of a server's message is passed on.
const MESSAGE_CHARACTERS: usize = 300;

/// A server's words reach terminals and logs: no control characters, and not too many.
fn shown(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE_CHARACTERS).collect()
}

/// Returns the SQLSTATE that the server answered with.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::Database(error) => error.code().map(|code| code.into_owned()),
        _ => None,
    }
}

fn kind_of(error: &sqlx::Error) -> TroubleKind {
    match error {
        sqlx::Error::Database(error) => kind_of_code(&error.code().unwrap_or_default()),
        sqlx::Error::Tls(_) => TroubleKind::Tls,
        // Where the handshake fails, the TLS library speaks through an I/O error.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => TroubleKind::Tls,
        sqlx::Error::Io(_) => TroubleKind::Unreachable,
        sqlx::Error::Configuration(_) => TroubleKind::Setup,
        _ => TroubleKind::Unexpected,
    }
}

/// Sorts SQLSTATEs by what a person would do about them.
fn kind_of_code(code: &str) -> TroubleKind {
    match code {
        "42P04" | "42710" | "42P06" | "42P07" | "23505" => TroubleKind::Exists,
        "3D000" | "3F000" | "42704" | "42P01" => TroubleKind::Missing,
        "28P01" | "28000" => TroubleKind::Credential,
        "42501" => TroubleKind::Forbidden,
        "25006" | "53100" => TroubleKind::ReadOnly,
        // Too many connections, no memory, locked or in use, not accepting connections, deadlock, starting up.
        "53000" | "53200" | "53300" | "55000" | "55006" | "55P03" | "40001" | "40P01" | "57P03" => TroubleKind::Busy,
        "57014" => TroubleKind::Deadline,
        "57P01" | "57P02" | "57P05" => TroubleKind::Unreachable,
        // "Tuple concurrently updated" is one of these: two runs change the same role at once.
        "XX000" => TroubleKind::Unexpected,
        _ if code.starts_with("08") => TroubleKind::Unreachable,
        _ => TroubleKind::Refused,
    }
}

/// Runs statements that are one transaction, since they are sent as one message.
pub(super) async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sqlstate_has_the_remedy_that_fits() {
        for (code, kind) in [
            ("42P04", TroubleKind::Exists),
            ("23505", TroubleKind::Exists),
            ("53300", TroubleKind::Busy),
            ("57P03", TroubleKind::Busy),
            ("25006", TroubleKind::ReadOnly),
            ("53100", TroubleKind::ReadOnly),
            ("28P01", TroubleKind::Credential),
            ("42501", TroubleKind::Forbidden),
            ("08006", TroubleKind::Unreachable),
            ("22023", TroubleKind::Refused),
        ] {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }

    #[test]
    fn words_of_a_server_are_harmless() {
        assert_eq!(shown("a\u{1b}[31mb\nc"), "a [31mb c");
        assert_eq!(shown(&"x".repeat(1000)).len(), MESSAGE_CHARACTERS);
    }
}
