//! An account as the server's own tables have it, in either dialect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::hash;
use crate::{
    engine::Secret,
    steps::mysql::{Account, Tls},
};

/// What the tables say of one account.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// What the server keeps of the password.
    pub kept: Kept,
    /// Whether it is locked.
    pub is_locked: bool,
    /// What TLS it must come with.
    pub tls: Option<Tls>,
    /// The most connections at one time.
    pub max_user_connections: u64,
    /// Privileges by database.
    pub grants: BTreeMap<String, BTreeSet<String>>,
    /// Databases whose routines it has privileges on, and whether it may give them on.
    pub routines: BTreeMap<String, bool>,
    /// What else it may do, in words.
    pub beyond: BTreeSet<String>,
    /// Its roles.
    pub roles: BTreeSet<Account>,
    /// Whom it may become.
    pub proxies: BTreeSet<Account>,
    /// The text of its claim, where accounts have one.
    pub claim: Option<String>,
}

/// What a server keeps of a password.
#[derive(Debug, Clone, Default)]
pub enum Kept {
    /// `mysql_native_password`.
    Native(String),
    /// `caching_sha2_password`.
    CachingSha2(Vec<u8>),
    /// Another way in, none, or more than one.
    #[default]
    Other,
}

impl Kept {
    /// Returns whether a password is the only way in.
    pub fn is(&self, password: &Secret) -> bool {
        match self {
            Kept::Native(kept) => kept.eq_ignore_ascii_case(&hash::native(password)),
            Kept::CachingSha2(kept) => hash::is_caching_sha2(kept, password),
            Kept::Other => false,
        }
    }
}

/// Reads `mysql.global_priv`.`Priv` of MariaDB; nothing where it is a role. What cannot be read is an account that we know no
/// good of.
pub fn of_mariadb(privileges: &str) -> Option<Record> {
    let read: Value = serde_json::from_str(privileges).unwrap_or_default();
    if read["is_role"].as_bool() == Some(true) {
        return None;
    }
    let text = |key: &str| read[key].as_str().unwrap_or_default();
    let kept = match (text("plugin"), read.get("auth_or")) {
        ("" | "mysql_native_password", None) => Kept::Native(text("authentication_string").to_owned()),
        _ => Kept::Other,
    };
    let mut beyond = BTreeSet::new();
    if read["access"].as_u64() != Some(0) {
        beyond.insert("privileges on every database".to_owned());
    }
    let tls = match read["ssl_type"].as_u64() {
        None | Some(0) => Tls::Off,
        Some(1) => Tls::Required,
        Some(_) => Tls::Certificate,
    };
    Some(Record {
        kept,
        is_locked: read["account_locked"].as_bool() == Some(true),
        tls: Some(tls),
        max_user_connections: read["max_user_connections"].as_u64().unwrap_or(0),
        beyond,
        ..Record::default()
    })
}

/// Reads a row of MySQL's `mysql.user`: plugin, what it keeps in hexadecimal, the type of TLS, the most connections, and
/// whether it is locked.
pub fn of_mysql(plugin: &str, kept: &str, ssl_type: &str, most: &str, locked: &str) -> Record {
    let bytes = kept.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let kept = match (plugin, bytes.collect::<Option<Vec<u8>>>()) {
        ("caching_sha2_password", Some(bytes)) => Kept::CachingSha2(bytes),
        _ => Kept::Other,
    };
    let tls = match ssl_type {
        "" => Tls::Off,
        "ANY" => Tls::Required,
        _ => Tls::Certificate,
    };
    Record {
        kept,
        is_locked: locked == "Y",
        tls: Some(tls),
        max_user_connections: most.parse().unwrap_or(0),
        ..Record::default()
    }
}

/// Returns the privilege that a column of `mysql.db` stands for: new servers have new ones.
pub fn privilege(column: &str) -> Option<String> {
    let stem = column.strip_suffix("_priv")?.to_uppercase().replace('_', " ");
    Some(match stem.as_str() {
        "CREATE TMP TABLE" => "CREATE TEMPORARY TABLES".to_owned(),
        "GRANT" => "GRANT OPTION".to_owned(),
        _ => stem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_mariadb_are_read() {
        let text = r#"{"access":0,"version_id":101119,"plugin":"mysql_native_password","authentication_string":"*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19","ssl_type":1,"max_user_connections":5,"account_locked":true}"#;
        let record = of_mariadb(text).unwrap();
        assert!(record.kept.is(&Secret::new("password")) && !record.kept.is(&Secret::new("Password")));
        assert_eq!((record.is_locked, record.tls, record.max_user_connections), (true, Some(Tls::Required), 5));
        assert!(record.beyond.is_empty());
        let other = text.replace("\"access\":0", "\"access\":1").replace(",\"ssl_type\":1", ",\"auth_or\":[{}]");
        let record = of_mariadb(&other).unwrap();
        assert!(!record.kept.is(&Secret::new("password")), "a second way in");
        assert_eq!((record.tls, record.beyond.len()), (Some(Tls::Off), 1));
        assert!(of_mariadb(r#"{"access":0,"is_role":true}"#).is_none());
        assert!(!of_mariadb("nonsense").unwrap().beyond.is_empty(), "what cannot be read is not taken for harmless");
    }

    #[test]
    fn accounts_of_mysql_are_read() {
        let password = Secret::new("password");
        let kept: String = hash::caching_sha2(&password).unwrap().bytes().map(|byte| format!("{byte:02X}")).collect();
        let record = of_mysql("caching_sha2_password", &kept, "ANY", "7", "N");
        assert!(record.kept.is(&password));
        assert_eq!((record.is_locked, record.tls, record.max_user_connections), (false, Some(Tls::Required), 7));
        assert!(!of_mysql("sha256_password", &kept, "", "0", "Y").kept.is(&password));
    }

    #[test]
    fn columns_are_privileges() {
        for (column, wanted) in [
            ("Select_priv", Some("SELECT")),
            ("Create_tmp_table_priv", Some("CREATE TEMPORARY TABLES")),
            ("Lock_tables_priv", Some("LOCK TABLES")),
            ("Grant_priv", Some("GRANT OPTION")),
            ("Delete_history_priv", Some("DELETE HISTORY")),
            ("Db", None),
        ] {
            assert_eq!(privilege(column).as_deref(), wanted);
        }
    }
}
