//! Error codes of MySQL and MariaDB → kinds of trouble. Sources: `sql/share/errmsg-utf8.txt` of MariaDB, and MySQL's
//! "Server Error Message Reference".

use std::error::Error;

use sqlx::mysql::MySqlDatabaseError;

use super::About;
use crate::{
    engine::{Trouble, TroubleKind},
    steps::{Verb, mysql::Login},
};

/// The longest text of a server that is repeated.
const LONGEST: usize = 300;

/// Says what went wrong.
pub fn trouble(connection: &str, about: About, error: &sqlx::Error) -> Trouble {
    let What { kind, said } = match error {
        sqlx::Error::Database(said) => of_server(said.try_downcast_ref(), about),
        sqlx::Error::Io(error) if is_tls(error) => What { kind: TroubleKind::Tls, said: error.to_string() },
        sqlx::Error::Io(error) => What { kind: TroubleKind::Unreachable, said: error.to_string() },
        sqlx::Error::Tls(error) => What { kind: TroubleKind::Tls, said: error.to_string() },
        // Without TLS the client cannot send a password that MySQL wants to see.
        sqlx::Error::Configuration(error) => What { kind: TroubleKind::Tls, said: error.to_string() },
        // What could not be decoded may be anything: only that it happened is told.
        _ => What { kind: TroubleKind::Unexpected, said: "the answer is not what the protocol says".to_owned() },
    };
    Trouble::new(kind, format!("connection `{connection}`: failed to {}", about.what)).because(said)
}

struct What {
    kind: TroubleKind,
    said: String,
}

fn of_server(error: Option<&MySqlDatabaseError>, about: About) -> What {
    let Some(error) = error else {
        return What { kind: TroubleKind::Unexpected, said: "an error of another server".to_owned() };
    };
    let number = error.number();
    // A syntax error quotes the statement from there on.
    let said = match about.is_secret || number == 1064 {
        true => format!("the server answers {number}"),
        false => format!("the server answers {number}, {}", shown(error.message())),
    };
    What { kind: kind(number, about.verb), said }
}

fn shown(message: &str) -> String {
    let clean = message.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(LONGEST).collect()
}

fn kind(number: u16, verb: Option<Verb>) -> TroubleKind {
    match number {
        // Too many connections, or of one user; out of threads or memory; a lock that is held; shutting down.
        1040 | 1203 | 1226 | 1041 | 1135 | 1205 | 1213 | 1053 => TroubleKind::Busy,
        // Access denied; the password is expired, or its account locked.
        1045 | 1698 | 1820 | 1862 | 3118 | 4151 => TroubleKind::Credential,
        // On a database, a table, a column, a routine; a right that is named; what may not be granted.
        1044 | 1142 | 1143 | 1370 | 1227 | 1410 => TroubleKind::Forbidden,
        // An option such as --read-only; read only mode or transaction; disk, table or file full; the folder or file of a
        // database cannot be made, which is a full disk too.
        1290 | 1836 | 1792 | 1874 | 1021 | 1114 | 1026 | 1030 | 3 | 1004 | 1006 => TroubleKind::ReadOnly,
        // A database, a row.
        1007 | 1062 => TroubleKind::Exists,
        // "Operation CREATE USER failed", of an account that is there; of any other statement, that it is not.
        1396 if verb == Some(Verb::Create) => TroubleKind::Exists,
        // A database, an account, a grant, a table, a session, a role.
        1396 | 1008 | 1049 | 1133 | 1141 | 1147 | 1269 | 1146 | 1094 | 1959 | 1962 => TroubleKind::Missing,
        // Killed, or interrupted; a connection that the server gave up.
        1317 | 1927 | 4031 | 1152 | 1158..=1161 => TroubleKind::Unreachable,
        _ => TroubleKind::Refused,
    }
}

/// Returns what a failed login says of the account; nothing where it says something of the server.
pub fn login(error: &sqlx::Error) -> Option<Login> {
    let sqlx::Error::Database(error) = error else { return None };
    match error.try_downcast_ref::<MySqlDatabaseError>()?.number() {
        // Denied, also without a password; no account for this host; expired; locked; TLS demanded.
        1045 | 1698 | 1130 | 1820 | 1862 | 3118 | 4151 | 3159 => Some(Login::Out),
        // The password was right, and the account has all its connections already.
        1226 | 1203 => Some(Login::In),
        _ => None,
    }
}

/// Returns whether the connection is in doubt after an error.
pub fn breaks(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<MySqlDatabaseError>()
            .is_none_or(|error| matches!(error.number(), 1053 | 1317 | 1927 | 4031 | 1152 | 1158..=1161)),
        _ => true,
    }
}

/// Returns whether a connection ended over certificates or the agreement on TLS.
fn is_tls(error: &std::io::Error) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = error.get_ref().map(|error| error as _);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_means_what_a_person_would_do() {
        for (number, verb, wanted) in [
            (1040, None, TroubleKind::Busy),
            (1045, None, TroubleKind::Credential),
            (1044, Some(Verb::Change), TroubleKind::Forbidden),
            (1290, Some(Verb::Create), TroubleKind::ReadOnly),
            (1006, Some(Verb::Create), TroubleKind::ReadOnly),
            (1007, Some(Verb::Create), TroubleKind::Exists),
            (1396, Some(Verb::Create), TroubleKind::Exists),
            (1396, Some(Verb::Remove), TroubleKind::Missing),
            (1273, Some(Verb::Create), TroubleKind::Refused),
        ] {
            assert_eq!(kind(number, verb), wanted, "{number}");
        }
    }

    #[test]
    fn a_broken_connection_is_no_tls_trouble_and_a_bad_certificate_is() {
        let about = About::reading("connect");
        let broken = sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert_eq!(trouble("db", about, &broken).kind(), TroubleKind::Unreachable);
        let bad = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let bad = sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, bad));
        assert_eq!(trouble("db", about, &bad).kind(), TroubleKind::Tls);
    }

    #[test]
    fn what_a_server_says_cannot_write_to_a_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\nc"), "a [31mb c");
    }
}
