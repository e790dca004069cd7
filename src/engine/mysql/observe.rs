//! Reads databases and accounts: the server's tables for all at once, then a login for each whose password is known.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use futures::StreamExt;

use super::{
    Server,
    accounts::Record,
    read::{Facts, Tables},
    takes_in,
};
use crate::{
    engine::{Look, Observe, Trouble, gate::PER_CONNECTION},
    name::mysql::covers,
    provision::mysql::MysqlDatabaseSpec,
    steps::{
        claim::Owner,
        mysql::{Account, Database, Flavour, MysqlDatabase, Note, Noted, Seen, Tls, User, account},
    },
};

/// Reads.
pub struct Observer(Rc<Server>);

impl Observer {
    /// Returns the reader of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }

    async fn all(&self, looks: &[Look<'_, MysqlDatabaseSpec>]) -> Result<(Facts, Tables), Trouble> {
        let facts = self.0.facts().await?;
        let databases = looks.iter().map(|look| facts.server.fold(&look.wanted().name)).collect();
        let users = looks.iter().map(|look| account(look.wanted()).user).collect();
        let tables = self.0.tables(&facts.server, &databases, &users).await?;
        Ok((facts, tables))
    }

    async fn one(
        &self,
        facts: &Facts,
        tables: &Tables,
        by_user: &BTreeMap<&str, Vec<&Account>>,
        look: Look<'_, MysqlDatabaseSpec>,
    ) -> Result<Seen, Trouble> {
        let (wanted, claim, server) = (look.wanted(), look.asked.claim, &facts.server);
        let (name, account) = (server.fold(&wanted.name), account(wanted));
        let note = tables.notes.get(match server.flavour.noted() {
            Noted::User => &account.user,
            Noted::Database => &name,
        });
        let database = match tables.databases.get(&name) {
            None => None,
            Some(found) => {
                let owner = match server.flavour {
                    Flavour::MariaDb => Owner::of(found.comment.as_deref(), claim),
                    Flavour::MySql => {
                        let intends = note.is_some_and(|note| !note.is_made && note.claim == *claim);
                        Note::owner(note, claim, intends && !self.0.holds_anything(&name).await?)
                    }
                };
                let (character_set, collation) = (found.character_set.clone(), found.collation.clone());
                Some(Database { owner, character_set, collation })
            }
        };
        let mut seen = Seen {
            server: server.clone(),
            ledger: tables.ledger,
            note: note.cloned(),
            database,
            user: None,
            former: BTreeSet::new(),
            shadows: BTreeSet::new(),
            open_to_all: open_to_all(facts, tables, &name),
            sessions: tables.sessions.get(&account.user).cloned().unwrap_or_default(),
        };
        let named = by_user.get(account.user.as_str()).into_iter().flatten();
        for found in named.chain(by_user.get("").into_iter().flatten()) {
            let Some(record) = tables.accounts.get(found) else { continue };
            let owner = owner(server.flavour, found, record, note, look);
            if **found == account {
                seen.user = Some(self.user(facts, record, owner, look).await?);
            } else if owner == Owner::Ours && found.user == account.user {
                seen.former.insert((*found).clone());
            } else {
                seen.shadows.insert((*found).clone());
            }
        }
        Ok(seen)
    }

    async fn user(
        &self,
        facts: &Facts,
        record: &Record,
        owner: Owner,
        look: Look<'_, MysqlDatabaseSpec>,
    ) -> Result<User, Trouble> {
        let stored = look.entry.and_then(|entry| entry.get("password"));
        let password = stored.map(|stored| record.kept.is(stored));
        let tls = record.tls.unwrap_or(Tls::Certificate);
        let account = account(look.wanted());
        // Where something has to be set first, or we are not among those that the account is for, a login says nothing.
        let can_prove = owner == Owner::Ours
            && password == Some(true)
            && !record.is_locked
            && tls != Tls::Certificate
            && takes_in(&account.host, &facts.client);
        let login = match stored.filter(|_| can_prove) {
            Some(stored) => Some(self.0.log_in(&account, stored, tls == Tls::Required).await?),
            None => None,
        };
        let Record { is_locked, max_user_connections, grants, routines, beyond, roles, proxies, .. } = record.clone();
        Ok(User {
            owner,
            is_locked,
            tls,
            max_user_connections,
            password,
            login,
            grants,
            routines,
            beyond,
            roles,
            proxies,
        })
    }
}

/// Returns whose an account is.
fn owner(
    flavour: Flavour,
    of: &Account,
    record: &Record,
    note: Option<&Note>,
    look: Look<'_, MysqlDatabaseSpec>,
) -> Owner {
    match flavour {
        Flavour::MySql => Owner::of(record.claim.as_deref(), look.asked.claim),
        Flavour::MariaDb => {
            // A row speaks of one account of the name.
            let note = note.filter(|note| note.host == of.host);
            let stored = look.entry.and_then(|entry| entry.get("password"));
            Note::owner(note, look.asked.claim, stored.is_some_and(|stored| record.kept.is(stored)))
        }
    }
}

fn open_to_all(facts: &Facts, tables: &Tables, database: &str) -> BTreeSet<String> {
    let covered = tables.open.iter().filter(|(_, pattern)| match facts.server.is_literal {
        true => pattern == database,
        false => covers(&facts.server.fold(pattern), database),
    });
    covered.map(|(who, pattern)| format!("{who} has privileges on `{pattern}`")).collect()
}

impl Observe<MysqlDatabase> for Observer {
    async fn observe(&self, looks: &[Look<'_, MysqlDatabaseSpec>]) -> Vec<Result<Seen, Trouble>> {
        let (facts, tables) = match self.all(looks).await {
            Ok(read) => read,
            Err(trouble) => return looks.iter().map(|_| Err(trouble.again())).collect(),
        };
        let mut by_user: BTreeMap<&str, Vec<&Account>> = BTreeMap::new();
        for account in tables.accounts.keys() {
            by_user.entry(&account.user).or_default().push(account);
        }
        let seen = looks.iter().map(|look| self.one(&facts, &tables, &by_user, *look));
        futures::stream::iter(seen).buffered(PER_CONNECTION).collect().await
    }
}
