//! The statements, as text: everything that comes from a document goes through [`identifier`] or [`text`].
//!
//! Both rely on the mode that each connection of ours sets: a backslash in a text is a backslash, and `"` quotes texts.

use std::collections::BTreeSet;

use crate::steps::{
    claim::Claim,
    mysql::{Account, Flavour, LEDGER, Noted, Tls},
};

/// The key of an account's attribute that holds its claim, on MySQL.
pub const ATTRIBUTE: &str = "tenantry";

/// The comment by which the ledger's table is known.
pub const CLAIMS_COMMENT: &str = "tenantry: claims, version 1";

/// Quotes a name.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quotes a text.
pub fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Quotes an account.
pub fn account(account: &Account) -> String {
    let Account { user, host } = account;
    format!("{}@{}", text(user), text(host))
}

/// What an account is made with, or changed to.
pub struct Terms {
    /// What the server keeps of the password; left as it is where absent.
    pub hash: Option<String>,
    /// What TLS it must come with.
    pub tls: Tls,
    /// The most connections at one time; 0 is no limit.
    pub max_user_connections: u64,
}

impl Terms {
    fn clauses(&self, flavour: Flavour) -> String {
        let Self { hash, tls, max_user_connections } = self;
        let identified = match (hash, flavour) {
            (None, _) => String::new(),
            (Some(hash), Flavour::MariaDb) => format!(" IDENTIFIED VIA mysql_native_password USING {}", text(hash)),
            // As a number, since a salt is bytes.
            (Some(hash), Flavour::MySql) => format!(" IDENTIFIED WITH caching_sha2_password AS 0x{}", hex(hash)),
        };
        let tls = match tls {
            Tls::Off => "NONE",
            Tls::Required => "SSL",
            Tls::Certificate => "X509",
        };
        format!("{identified} REQUIRE {tls} WITH MAX_USER_CONNECTIONS {max_user_connections} ACCOUNT UNLOCK")
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

/// Makes the ledger's database.
pub fn create_ledger() -> String {
    format!("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", identifier(LEDGER))
}

/// Makes the ledger's table.
pub fn create_claims() -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {}.`claims` (\
         `kind` VARCHAR(8) NOT NULL, `name` VARCHAR(128) NOT NULL, `host` VARCHAR(255) NOT NULL, \
         `tenant` VARCHAR(255) NOT NULL, `uid` VARCHAR(255) NOT NULL, `state` VARCHAR(8) NOT NULL, \
         PRIMARY KEY (`kind`, `name`)) \
         ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT={}",
        identifier(LEDGER),
        text(CLAIMS_COMMENT)
    )
}

/// The word of the ledger's `state` for an object that is about to be made.
pub const INTENDED: &str = "intended";
/// The word of the ledger's `state` for an object that is there.
pub const MADE: &str = "made";

/// Writes a row ahead; fails where there is one of the name.
pub fn note_intent(of: Noted, name: &str, host: &str, claim: &Claim) -> String {
    let Claim { tenant, uid } = claim;
    format!(
        "INSERT INTO {}.`claims` (`kind`, `name`, `host`, `tenant`, `uid`, `state`) VALUES ({}, {}, {}, {}, {}, {})",
        identifier(LEDGER),
        text(of.name()),
        text(name),
        text(host),
        text(tenant),
        text(uid),
        text(INTENDED)
    )
}

/// Takes a row over, or writes one.
pub fn note_adopted(of: Noted, name: &str, host: &str, claim: &Claim) -> String {
    let Claim { tenant, uid } = claim;
    format!(
        "INSERT INTO {}.`claims` (`kind`, `name`, `host`, `tenant`, `uid`, `state`) VALUES ({}, {}, {host}, {tenant}, {uid}, {made}) \
         ON DUPLICATE KEY UPDATE `host` = {host}, `tenant` = {tenant}, `uid` = {uid}, `state` = {made}",
        identifier(LEDGER),
        text(of.name()),
        text(name),
        host = text(host),
        tenant = text(tenant),
        uid = text(uid),
        made = text(MADE)
    )
}

/// Changes our row; touches none that is another's, and none of a database that is there: another run has made it.
pub fn note_again(of: Noted, name: &str, host: &str, claim: &Claim) -> String {
    let (ledger, state, host) = (identifier(LEDGER), text(INTENDED), text(host));
    let absent = match of {
        Noted::User => String::new(),
        Noted::Database => {
            format!(" AND NOT EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {})", text(name))
        }
    };
    format!("UPDATE {ledger}.`claims` SET `state` = {state}, `host` = {host} {}{absent}", our_row(of, name, claim))
}

/// Changes our row; touches none that is another's.
pub fn note_made(of: Noted, name: &str, claim: &Claim) -> String {
    format!("UPDATE {}.`claims` SET `state` = {} {}", identifier(LEDGER), text(MADE), our_row(of, name, claim))
}

/// Removes our row; touches none that is another's.
pub fn forget_note(of: Noted, name: &str, claim: &Claim) -> String {
    format!("DELETE FROM {}.`claims` {}", identifier(LEDGER), our_row(of, name, claim))
}

fn our_row(of: Noted, name: &str, claim: &Claim) -> String {
    let Claim { tenant, uid } = claim;
    format!(
        "WHERE `kind` = {} AND `name` = {} AND `tenant` = {} AND `uid` = {}",
        text(of.name()),
        text(name),
        text(tenant),
        text(uid)
    )
}

/// Makes a database, with its claim where it can carry one.
pub fn create_database(database: &str, character_set: &str, collation: &str, claim: Option<&Claim>) -> String {
    let comment = claim.map(|claim| format!(" COMMENT {}", text(&claim.to_string()))).unwrap_or_default();
    format!("CREATE DATABASE {}{}{comment}", identifier(database), defaults(character_set, collation))
}

/// Writes a claim on a database (MariaDB).
pub fn adopt_database(database: &str, claim: &Claim) -> String {
    format!("ALTER DATABASE {} COMMENT {}", identifier(database), text(&claim.to_string()))
}

/// Changes the defaults of a database; MariaDB keeps its comment.
pub fn alter_database(database: &str, character_set: &str, collation: &str) -> String {
    format!("ALTER DATABASE {}{}", identifier(database), defaults(character_set, collation))
}

fn defaults(character_set: &str, collation: &str) -> String {
    format!(" CHARACTER SET {} COLLATE {}", identifier(character_set), identifier(collation))
}

/// Removes a database.
pub fn drop_database(database: &str) -> String {
    format!("DROP DATABASE {}", identifier(database))
}

/// Makes an account, with its claim where it can carry one.
pub fn create_user(flavour: Flavour, of: &Account, terms: &Terms, claim: &Claim) -> String {
    let attribute = match flavour {
        Flavour::MariaDb => String::new(),
        Flavour::MySql => format!(" ATTRIBUTE {}", attribute(claim)),
    };
    format!("CREATE USER {}{}{attribute}", account(of), terms.clauses(flavour))
}

/// Writes a claim on an account (MySQL); other attributes stay.
pub fn adopt_user(of: &Account, claim: &Claim) -> String {
    format!("ALTER USER {} ATTRIBUTE {}", account(of), attribute(claim))
}

fn attribute(claim: &Claim) -> String {
    text(&serde_json::json!({ ATTRIBUTE: claim.to_string() }).to_string())
}

/// Changes an account.
pub fn alter_user(flavour: Flavour, of: &Account, terms: &Terms) -> String {
    format!("ALTER USER {}{}", account(of), terms.clauses(flavour))
}

/// Lets an account in no more.
pub fn lock_user(of: &Account) -> String {
    format!("ALTER USER {} ACCOUNT LOCK", account(of))
}

/// Removes an account.
pub fn drop_user(of: &Account) -> String {
    format!("DROP USER {}", account(of))
}

/// Ends all sessions of a user (MariaDB).
pub fn end_sessions(user: &str) -> String {
    format!("KILL USER {}@'%'", text(user))
}

/// Ends one session.
pub fn end_session(session: u64) -> String {
    format!("KILL {session}")
}

/// Gives privileges on the databases of a pattern.
pub fn grant(privileges: &BTreeSet<String>, pattern: &str, to: &Account) -> String {
    format!("GRANT {} ON {}.* TO {}", words(privileges), identifier(pattern), account(to))
}

/// Takes privileges on the databases of a pattern.
pub fn revoke(privileges: &BTreeSet<String>, pattern: &str, from: &Account) -> String {
    format!("REVOKE {} ON {}.* FROM {}", words(privileges), identifier(pattern), account(from))
}

/// Takes all privileges on everything.
pub fn revoke_all(from: &Account) -> String {
    format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {}", account(from))
}

/// Takes a role.
pub fn revoke_role(role: &Account, from: &Account) -> String {
    let role = if role.host.is_empty() { text(&role.user) } else { account(role) };
    format!("REVOKE {role} FROM {}", account(from))
}

/// Takes the right to become another account.
pub fn revoke_proxy(other: &Account, from: &Account) -> String {
    format!("REVOKE PROXY ON {} FROM {}", account(other), account(from))
}

/// Names of privileges cannot be quoted, so that they hold letters, `_` and spaces only.
fn words(privileges: &BTreeSet<String>) -> String {
    let word = |name: &String| name.chars().filter(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '_')).collect();
    privileges.iter().map(word).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        Claim { tenant: "abc".to_owned(), uid: "1".to_owned() }
    }

    #[test]
    fn nothing_gets_out_of_its_quotes() {
        assert_eq!(identifier("a`; DROP DATABASE `b"), "`a``; DROP DATABASE ``b`");
        assert_eq!(text(r"a'; --\"), r"'a''; --\'");
        assert_eq!(account(&Account::new("a'b", "%'")), "'a''b'@'%'''");
        let odd = BTreeSet::from(["SELECT".to_owned(), "X ON `y`.* TO z; --".to_owned()]);
        assert_eq!(grant(&odd, r"a\_b", &Account::new("u", "%")), r"GRANT SELECT, X ON y TO z  ON `a\_b`.* TO 'u'@'%'");
    }

    #[test]
    fn accounts_are_made_in_each_dialect() {
        let account = Account::new("abc", "10.%");
        let terms = Terms { hash: Some("*AB".to_owned()), tls: Tls::Required, max_user_connections: 7 };
        assert_eq!(
            create_user(Flavour::MariaDb, &account, &terms, &claim()),
            "CREATE USER 'abc'@'10.%' IDENTIFIED VIA mysql_native_password USING '*AB' \
             REQUIRE SSL WITH MAX_USER_CONNECTIONS 7 ACCOUNT UNLOCK"
        );
        assert_eq!(
            create_user(Flavour::MySql, &account, &terms, &claim()),
            "CREATE USER 'abc'@'10.%' IDENTIFIED WITH caching_sha2_password AS 0x2A4142 \
             REQUIRE SSL WITH MAX_USER_CONNECTIONS 7 ACCOUNT UNLOCK ATTRIBUTE '{\"tenantry\":\"tenantry:abc:1\"}'"
        );
        let terms = Terms { hash: None, tls: Tls::Off, max_user_connections: 0 };
        assert_eq!(
            alter_user(Flavour::MySql, &account, &terms),
            "ALTER USER 'abc'@'10.%' REQUIRE NONE WITH MAX_USER_CONNECTIONS 0 ACCOUNT UNLOCK"
        );
    }

    #[test]
    fn only_a_database_that_can_carries_its_claim() {
        let start = "CREATE DATABASE `a-b_c` CHARACTER SET `utf8mb4` COLLATE `utf8mb4_bin`";
        assert_eq!(create_database("a-b_c", "utf8mb4", "utf8mb4_bin", None), start);
        assert_eq!(
            create_database("a-b_c", "utf8mb4", "utf8mb4_bin", Some(&claim())),
            format!("{start} COMMENT 'tenantry:abc:1'")
        );
    }

    #[test]
    fn a_row_of_another_is_never_touched() {
        for statement in [
            note_again(Noted::User, "abc", "%", &claim()),
            note_made(Noted::User, "abc", &claim()),
            forget_note(Noted::User, "abc", &claim()),
        ] {
            let end = "WHERE `kind` = 'user' AND `name` = 'abc' AND `tenant` = 'abc' AND `uid` = '1'";
            assert!(statement.ends_with(end), "{statement}");
        }
    }
}
