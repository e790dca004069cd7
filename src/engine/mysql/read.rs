//! The queries: a handful for any number of resources.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Column, MySql, QueryBuilder, Row, mysql::MySqlRow};

use super::{
    About, Server,
    accounts::{self, Record},
    sql::{self, ATTRIBUTE, CLAIMS_COMMENT},
};
use crate::{
    engine::{Trouble, TroubleKind},
    steps::{
        claim::Claim,
        mysql::{self as steps, Account, Flavour, LEDGER, Ledger, Note},
    },
};

/// How many names go into one query: a statement may have 65,535.
const NAMES: usize = 10_000;

/// What a server is.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What decisions are made by.
    pub server: steps::Server,
    /// The host that the server sees us at.
    pub client: String,
}

/// A database.
#[derive(Debug)]
pub struct Schema {
    /// Its default character set.
    pub character_set: String,
    /// Its default collation.
    pub collation: String,
    /// Its comment, where databases have one.
    pub comment: Option<String>,
}

/// What the server's tables say of all that was asked for.
#[derive(Debug)]
pub struct Tables {
    /// Databases by name, as [`steps::Server::fold`] gives it.
    pub databases: BTreeMap<String, Schema>,
    /// How far the ledger is there.
    pub ledger: Ledger,
    /// The ledger's rows by name.
    pub notes: BTreeMap<String, Note>,
    /// Accounts with the wanted names, and those without a name.
    pub accounts: BTreeMap<Account, Record>,
    /// Patterns of databases that every account may enter, with who stands for them.
    pub open: BTreeSet<(String, String)>,
    /// Sessions by user.
    pub sessions: BTreeMap<String, BTreeSet<u64>>,
}

fn column(row: &MySqlRow, at: usize) -> String {
    row.try_get_unchecked::<Option<String>, _>(at).ok().flatten().unwrap_or_default()
}

/// The pseudo-role of MariaDB that everybody has.
const PUBLIC: &str = "PUBLIC";

impl Server {
    async fn rows(&self, what: &'static str, mut query: QueryBuilder<MySql>) -> Result<Vec<MySqlRow>, Trouble> {
        self.on_connection(About::reading(what), async |connection| {
            query.build().persistent(false).fetch_all(connection).await
        })
        .await
    }

    /// Asks about names, so many at a time; `more` goes before the names.
    async fn rows_of(
        &self,
        what: &'static str,
        select: &str,
        names: &BTreeSet<String>,
        more: &[&str],
    ) -> Result<Vec<MySqlRow>, Trouble> {
        let names: Vec<&str> = more.iter().copied().chain(names.iter().map(String::as_str)).collect();
        let mut rows = Vec::new();
        for names in names.chunks(NAMES) {
            let mut query = QueryBuilder::new(select);
            query.push(" IN (");
            let mut list = query.separated(", ");
            for name in names {
                list.push_bind((*name).to_owned());
            }
            query.push(")");
            rows.extend(self.rows(what, query).await?);
        }
        Ok(rows)
    }

    /// Returns what the server is.
    pub(super) async fn facts(&self) -> Result<Facts, Trouble> {
        if let Some(known) = self.facts.borrow().clone() {
            return Ok(known);
        }
        let what = "ask for the server's version";
        let query = QueryBuilder::new("SELECT VERSION(), CAST(@@lower_case_table_names AS CHAR), USER()");
        let rows = self.rows(what, query).await?;
        let row = rows.first().ok_or_else(|| Trouble::new(TroubleKind::Unexpected, "the server has no version"))?;
        let (version, folding, user) = (column(row, 0), column(row, 1), column(row, 2));
        let Some(flavour) = flavour(&version) else {
            let message = format!(
                "connection `{}`: a server of version `{version}` is not known: MariaDB 10.5 and MySQL 8.0.21 are the first",
                self.name
            );
            return Err(Trouble::new(TroubleKind::Setup, message));
        };
        let is_literal = match flavour {
            Flavour::MariaDb => false,
            Flavour::MySql => {
                let query = QueryBuilder::new("SELECT CAST(@@partial_revokes AS CHAR)");
                self.rows(what, query).await?.first().is_some_and(|row| column(row, 0) == "1")
            }
        };
        let administrator = self.administrator.username.clone();
        let client = user.rsplit_once('@').map_or("", |(_, host)| host).to_owned();
        let server = steps::Server { flavour, is_literal, folds_case: folding != "0", administrator };
        Ok(self.facts.borrow_mut().insert(Facts { server, client }).clone())
    }

    /// Reads all that decisions about databases and users need.
    pub(super) async fn tables(
        &self,
        server: &steps::Server,
        databases: &BTreeSet<String>,
        users: &BTreeSet<String>,
    ) -> Result<Tables, Trouble> {
        let databases_found = self.databases(server, databases).await?;
        let ledger = self.ledger(databases_found.contains_key(&server.fold(LEDGER))).await?;
        let noted = match server.flavour.noted() {
            steps::Noted::User => users,
            steps::Noted::Database => databases,
        };
        let notes = match ledger {
            Ledger::Ready => self.notes(server.flavour.noted(), noted).await?,
            Ledger::Absent | Ledger::Empty | Ledger::Foreign => BTreeMap::new(),
        };
        let mut accounts = match server.flavour {
            Flavour::MariaDb => self.accounts_of_mariadb(users).await?,
            Flavour::MySql => self.accounts_of_mysql(users).await?,
        };
        let open = self.grants(users, &mut accounts).await?;
        self.other_privileges(server.flavour, users, &mut accounts).await?;
        let sessions = match server.flavour {
            Flavour::MariaDb => BTreeMap::new(),
            Flavour::MySql => self.sessions(users).await?,
        };
        Ok(Tables { databases: databases_found, ledger, notes, accounts, open, sessions })
    }

    async fn databases(
        &self,
        server: &steps::Server,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Schema>, Trouble> {
        let comment = match server.flavour {
            Flavour::MariaDb => "SCHEMA_COMMENT",
            Flavour::MySql => "NULL",
        };
        let select = format!(
            "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME, {comment} \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME"
        );
        let rows = self.rows_of("read databases", &select, names, &[LEDGER]).await?;
        let read = rows.iter().map(|row| {
            let schema = Schema {
                character_set: steps::modern(&column(row, 1)),
                collation: steps::modern(&column(row, 2)),
                comment: Some(column(row, 3)),
            };
            (server.fold(&column(row, 0)), schema)
        });
        Ok(read.collect())
    }

    async fn ledger(&self, is_there: bool) -> Result<Ledger, Trouble> {
        if !is_there {
            return Ok(Ledger::Absent);
        }
        let select = "SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA";
        let rows = self.rows_of("read the ledger's tables", select, &BTreeSet::new(), &[LEDGER]).await?;
        let tables: BTreeMap<String, String> = rows.iter().map(|row| (column(row, 0), column(row, 1))).collect();
        Ok(match tables.get("claims") {
            Some(comment) if comment == CLAIMS_COMMENT => Ledger::Ready,
            None if tables.is_empty() => Ledger::Empty,
            Some(_) | None => Ledger::Foreign,
        })
    }

    async fn notes(&self, of: steps::Noted, names: &BTreeSet<String>) -> Result<BTreeMap<String, Note>, Trouble> {
        let select = format!(
            "SELECT `name`, `host`, `tenant`, `uid`, `state` FROM {}.`claims` WHERE `kind` = {} AND `name`",
            sql::identifier(LEDGER),
            sql::text(of.name())
        );
        let rows = self.rows_of("read the ledger", &select, names, &[]).await?;
        let read = rows.iter().map(|row| {
            let claim = Claim { tenant: column(row, 2), uid: column(row, 3) };
            (column(row, 0), Note { claim, host: column(row, 1), is_made: column(row, 4) == sql::MADE })
        });
        Ok(read.collect())
    }

    async fn accounts_of_mariadb(&self, users: &BTreeSet<String>) -> Result<BTreeMap<Account, Record>, Trouble> {
        let select = "SELECT User, Host, Priv FROM mysql.global_priv WHERE User";
        let rows = self.rows_of("read accounts", select, users, &[""]).await?;
        let read = rows.iter().filter_map(|row| {
            Some((Account::new(&column(row, 0), &column(row, 1)), accounts::of_mariadb(&column(row, 2))?))
        });
        Ok(read.collect())
    }

    async fn accounts_of_mysql(&self, users: &BTreeSet<String>) -> Result<BTreeMap<Account, Record>, Trouble> {
        let select = "SELECT User, Host, plugin, HEX(authentication_string), CAST(ssl_type AS CHAR), \
                      CAST(max_user_connections AS CHAR), CAST(account_locked AS CHAR) FROM mysql.user WHERE User";
        let rows = self.rows_of("read accounts", select, users, &[""]).await?;
        let read = rows.iter().map(|row| {
            let cell = |at: usize| column(row, at);
            let record = accounts::of_mysql(&cell(2), &cell(3), &cell(4), &cell(5), &cell(6));
            (Account::new(&cell(0), &cell(1)), record)
        });
        let mut accounts: BTreeMap<Account, Record> = read.collect();
        let select = "SELECT USER, HOST, CAST(ATTRIBUTE AS CHAR) FROM information_schema.USER_ATTRIBUTES WHERE USER";
        for row in self.rows_of("read accounts' attributes", select, users, &[]).await? {
            let attribute: serde_json::Value = serde_json::from_str(&column(&row, 2)).unwrap_or_default();
            if let Some(record) = accounts.get_mut(&Account::new(&column(&row, 0), &column(&row, 1))) {
                record.claim = attribute[ATTRIBUTE].as_str().map(str::to_owned);
            }
        }
        // That view writes accounts as `'user'@'host'`, and quotes within them are left as they are.
        let by_grantee: BTreeMap<String, Account> =
            accounts.keys().map(|of| (format!("'{}'@'{}'", of.user, of.host), of.clone())).collect();
        let grantees = by_grantee.keys().cloned().collect();
        let select =
            "SELECT GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE";
        for row in self.rows_of("read global privileges", select, &grantees, &[]).await? {
            let (privilege, is_grantable) = (column(&row, 1), column(&row, 2) == "YES");
            let record = by_grantee.get(&column(&row, 0)).and_then(|of| accounts.get_mut(of));
            if let Some(record) = record.filter(|_| privilege != "USAGE" || is_grantable) {
                record.beyond.insert(format!("{privilege} on every database"));
            }
        }
        Ok(accounts)
    }

    /// Fills in privileges by database; returns those that everybody has.
    async fn grants(
        &self,
        users: &BTreeSet<String>,
        accounts: &mut BTreeMap<Account, Record>,
    ) -> Result<BTreeSet<(String, String)>, Trouble> {
        let mut open = BTreeSet::new();
        let rows = self.rows_of("read grants", "SELECT * FROM mysql.db WHERE User", users, &["", PUBLIC]).await?;
        for row in &rows {
            let (mut account, mut database) = (Account::new("", ""), String::new());
            let mut privileges = BTreeSet::new();
            for (at, found) in row.columns().iter().enumerate() {
                match found.name() {
                    "User" => account.user = column(row, at),
                    "Host" => account.host = column(row, at).to_ascii_lowercase(),
                    "Db" => database = column(row, at),
                    name => privileges.extend(accounts::privilege(name).filter(|_| column(row, at) == "Y")),
                }
            }
            if privileges.is_empty() {
                continue;
            }
            // A row without a user is anybody's.
            if account.user.is_empty() || (account.user == PUBLIC && account.host.is_empty()) {
                open.insert((account.to_string(), database));
            } else if let Some(record) = accounts.get_mut(&account) {
                record.grants.insert(database, privileges);
            }
        }
        Ok(open)
    }

    /// Fills in what no grant on a database says.
    async fn other_privileges(
        &self,
        flavour: Flavour,
        users: &BTreeSet<String>,
        accounts: &mut BTreeMap<Account, Record>,
    ) -> Result<(), Trouble> {
        let roles = match flavour {
            Flavour::MariaDb => "SELECT User, Host, Role, '' FROM mysql.roles_mapping WHERE User",
            Flavour::MySql => "SELECT TO_USER, TO_HOST, FROM_USER, FROM_HOST FROM mysql.role_edges WHERE TO_USER",
        };
        let selects = [
            ("read privileges on tables", "SELECT User, Host, Db, Table_name FROM mysql.tables_priv WHERE User"),
            (
                "read privileges on routines",
                "SELECT User, Host, Db, CAST(Proc_priv AS CHAR) FROM mysql.procs_priv WHERE User",
            ),
            ("read roles", roles),
            ("read proxies", "SELECT User, Host, Proxied_user, Proxied_host FROM mysql.proxies_priv WHERE User"),
        ];
        for (at, (what, select)) in selects.into_iter().enumerate() {
            for row in self.rows_of(what, select, users, &[]).await? {
                let Some(record) = accounts.get_mut(&Account::new(&column(&row, 0), &column(&row, 1))) else {
                    continue;
                };
                let (one, other) = (column(&row, 2), column(&row, 3));
                match at {
                    0 => drop(record.beyond.insert(format!("privileges on table `{one}`.`{other}`"))),
                    1 => *record.routines.entry(one).or_default() |= other.split(',').any(|word| word == "Grant"),
                    2 => drop(record.roles.insert(Account::new(&one, &other))),
                    _ => drop(record.proxies.insert(Account::new(&one, &other))),
                }
            }
        }
        Ok(())
    }

    async fn sessions(&self, users: &BTreeSet<String>) -> Result<BTreeMap<String, BTreeSet<u64>>, Trouble> {
        let select = "SELECT USER, CAST(ID AS CHAR) FROM information_schema.PROCESSLIST WHERE USER";
        let mut sessions: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for row in self.rows_of("read sessions", select, users, &[]).await? {
            sessions.entry(column(&row, 0)).or_default().extend(column(&row, 1).parse::<u64>());
        }
        Ok(sessions)
    }

    /// Returns whether a database holds a table, a view, a routine or an event, as far as the administrator may see.
    pub(super) async fn holds_anything(&self, database: &str) -> Result<bool, Trouble> {
        let mut query = QueryBuilder::new("SELECT CAST(");
        for (at, (table, key)) in
            [("TABLES", "TABLE_SCHEMA"), ("ROUTINES", "ROUTINE_SCHEMA"), ("EVENTS", "EVENT_SCHEMA")].iter().enumerate()
        {
            query.push(if at > 0 { " + " } else { "" });
            query.push(format!("(SELECT COUNT(*) FROM information_schema.{table} WHERE {key} = "));
            query.push_bind(database.to_owned()).push(")");
        }
        query.push(" AS CHAR)");
        let rows = self.rows("see whether a database is empty", query).await?;
        Ok(rows.first().is_none_or(|row| column(row, 0) != "0"))
    }
}

/// Returns the dialect of a server by its version; none where it is too old.
fn flavour(version: &str) -> Option<Flavour> {
    let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
    let number = version.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0));
    let number: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    match is_mariadb {
        true => (number >= [10, 5, 0]).then_some(Flavour::MariaDb),
        false => (number >= [8, 0, 21]).then_some(Flavour::MySql),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_are_told_by_version() {
        for (version, wanted) in [
            ("10.11.19-MariaDB-0+deb12u1-log", Some(Flavour::MariaDb)),
            ("10.4.34-MariaDB", None),
            ("11.8.2-MariaDB-ubu2404", Some(Flavour::MariaDb)),
            ("8.4.6", Some(Flavour::MySql)),
            ("8.0.20-0ubuntu1", None),
            ("9.0.1-commercial", Some(Flavour::MySql)),
            ("5.7.25-TiDB-v8", None),
            ("", None),
        ] {
            assert_eq!(flavour(version), wanted, "{version}");
        }
    }
}
