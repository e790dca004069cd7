//! `mysqlDatabase` in schedules, on MariaDB or MySQL: claims are kept in other places there.

use std::collections::BTreeSet;

use serde_json::json;
use tenantry::{
    engine::sandbox::{
        State,
        mysql::{Database, User, key},
    },
    name::mysql::covers,
    steps::mysql::{Account, Flavour, Tls},
};

use crate::{
    chance::Chance,
    estate::{Meddler, has_credential, login, pointer},
};

/// What is in a database, or stands for a password, that is not the tenant's.
const SOMEBODYS: &str = "somebody's";

/// What a tenant puts into its database.
const ORDERS: &str = "orders";

pub const MEDDLER: Meddler = Meddler {
    name: "mysqlDatabase",
    resource: |tenant, variant| {
        let name = name(tenant);
        let privileges = [json!(["SELECT", "INSERT"]), json!(["SELECT", "INSERT", "CREATE", "DROP"])];
        let collation = ["utf8mb4_unicode_ci", "utf8mb4_bin"][variant % 2];
        json!({"kind": "mysqlDatabase", "id": "shop", "connection": "server", "name": name, "user": name,
            "secret": login(tenant, "shop", &name),
            "spec": {"privileges": privileges[variant % 2], "collation": collation, "requireTls": variant % 2 == 0,
                "maxUserConnections": 10 + variant % 2}})
    },
    foreign,
    remove_foreign: |state, tenant| {
        state.mysql.databases.retain(|found, kept| *found != name(tenant) || !kept.tables.contains(SOMEBODYS));
        state
            .mysql
            .users
            .retain(|found, kept| *found != user_key(tenant) || kept.password.as_deref() != Some(SOMEBODYS));
    },
    drift,
    fill: |state, tenant, claim| {
        let user = state.mysql.users.get(&user_key(tenant)).filter(|_| has_credential(state, tenant, "shop", claim));
        let may = user.is_some_and(|user| !user.is_locked && user.grants.keys().any(|on| covers(on, &name(tenant))));
        let database = state.mysql.databases.get_mut(&name(tenant)).filter(|_| may);
        database.map(|database| database.tables.insert(ORDERS.to_owned())).is_some()
    },
    holds: |state, tenant| {
        state.mysql.databases.get(&name(tenant)).is_some_and(|database| database.tables.contains(ORDERS))
    },
    ..Meddler::QUIET
};

/// Names with `_`, which is a wildcard in grants: `abc_d` would be `abcxd`, too.
fn name(tenant: &str) -> String {
    tenant.replace('-', "_")
}

fn account(tenant: &str) -> Account {
    Account::new(&name(tenant), "%")
}

fn user_key(tenant: &str) -> String {
    key(&account(tenant))
}

/// Half of all schedules have a MariaDB, the others a MySQL.
pub fn prepare(state: &mut State, chance: &mut Chance) {
    state.mysql.flavour = [Flavour::MariaDb, Flavour::MySql][chance.below(2)];
}

fn foreign(state: &mut State, tenant: &str, chance: &mut Chance) -> Option<String> {
    let (name, user) = (name(tenant), user_key(tenant));
    let server = &mut state.mysql;
    if server.databases.contains_key(&name) || server.users.contains_key(&user) {
        return None;
    }
    if chance.percent(50) {
        let tables = BTreeSet::from([SOMEBODYS.to_owned()]);
        server.databases.insert(name.clone(), Database { tables, ..Database::default() });
        return Some(pointer(["mysql", "databases", &name]));
    }
    let made = User {
        account: account(tenant),
        password: Some(SOMEBODYS.to_owned()),
        is_locked: false,
        tls: Tls::Off,
        max_user_connections: 0,
        grants: [("somebody".to_owned(), BTreeSet::from(["SELECT".to_owned()]))].into(),
        global: BTreeSet::new(),
        attribute: None,
    };
    server.users.insert(user.clone(), made);
    Some(pointer(["mysql", "users", &user]))
}

fn drift(state: &mut State, tenant: &str, chance: &mut Chance) {
    let (name, flavour) = (name(tenant), state.mysql.flavour);
    // What was begun and not finished is nobody's yet: by hand it could be made anybody's.
    let is_made = |of: &str| state.mysql.claims.get(&format!("{of} {name}")).is_some_and(|note| note.is_made);
    let is_user_made = flavour == Flavour::MySql || is_made("user");
    let is_database_made = flavour == Flavour::MariaDb || is_made("database");
    let all = || BTreeSet::from(["SELECT".to_owned(), "DROP".to_owned()]);
    if chance.percent(30) {
        let database = state.mysql.databases.get_mut(&name).filter(|_| is_database_made);
        if let Some(database) = database.filter(|database| !database.tables.contains(SOMEBODYS)) {
            database.collation = "latin1_swedish_ci".to_owned();
        }
        return;
    }
    let user = state.mysql.users.get_mut(&user_key(tenant)).filter(|_| is_user_made);
    let Some(user) = user.filter(|user| user.password.as_deref() != Some(SOMEBODYS)) else { return };
    match chance.below(8) {
        0 => user.is_locked = true,
        1 => user.password = None,
        2 => user.tls = Tls::Certificate,
        3 => user.max_user_connections = 0,
        4 => drop(user.grants.insert("%".to_owned(), all())),
        // What an unescaped name would have granted.
        5 => drop(user.grants.insert(name, all())),
        6 => user.global.extend(all()),
        _ => user.grants.clear(),
    }
}
