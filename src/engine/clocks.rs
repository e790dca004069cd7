//! The servers' own clocks: what must not happen before its time is not left to this machine's clock alone.

use futures::future::try_join_all;
use jiff::Timestamp;

use super::{
    Trouble, TroubleKind,
    connections::{Connections, Service},
    web,
};
use crate::provision::{Document, connection::Connection};

/// What a server's clock showed, and ours at the same moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The connection that reaches the server.
    pub connection: String,
    /// The server's time.
    pub theirs: Timestamp,
    /// This machine's time when the answer was here.
    pub ours: Timestamp,
}

/// What a server is asked for, which completes "failed to …".
pub(super) const QUESTION: &str = "ask for the time";

/// Reads a server's answer: seconds since 1970, if it is a number at all.
pub(super) fn time(connection: &str, seconds: Option<i64>) -> Result<Timestamp, Trouble> {
    seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or_else(|| {
        let what = format!("connection `{connection}`: failed to {QUESTION}");
        Trouble::new(TroubleKind::Unexpected, what).because("the answer is no time")
    })
}

/// Asks every server of a document for its time, side by side: databases by a statement, all others by the `Date` of an
/// answer, for which nobody logs in.
///
/// Directories and stand-ins have no other clock than this machine's, and are left out; so are the Secrets of Kubernetes
/// and of AWS, which are never the only thing that a tenant has. `ours` reads this machine's clock.
///
/// # Errors
/// A server does not say.
pub async fn read(
    document: &Document,
    connections: &Connections,
    ours: fn() -> Timestamp,
) -> Result<Vec<Reading>, Trouble> {
    let home = document.secret_store();
    let asked = document.connections.iter().map(async |(name, connection)| {
        let service = connections.service(name, connection, home).await?;
        let theirs = match (&service, connection) {
            (Service::Sandbox(_), _) => return Ok(None),
            (Service::Mysql(server), _) => server.clock().await?,
            (Service::Postgres(server), _) => server.clock().await?,
            (Service::Redis(server), _) => server.clock().await?,
            (_, Connection::Rabbitmq { management_url: url, ca_file, .. })
            | (_, Connection::ObjectStore { endpoint: url, ca_file, .. })
            | (_, Connection::Http { url, ca_file, .. })
            | (_, Connection::Vault { url, ca_file, .. }) => match web::clock(name, url, ca_file.as_deref()).await? {
                Some(theirs) => theirs,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(Some(Reading { connection: name.clone(), theirs, ours: ours() }))
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}
