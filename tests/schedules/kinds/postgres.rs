//! `postgresDatabase` and `postgresSchema` in schedules.

use serde_json::json;
use tenantry::engine::sandbox::{State, postgres::Role};

use crate::{
    chance::Chance,
    estate::{Meddler, login, pointer},
};

pub const DATABASE: Meddler = Meddler {
    name: "postgresDatabase",
    resource: |tenant, variant| {
        let name = name(tenant, "db");
        let limit = [10, 20][variant % 2];
        json!({"kind": "postgresDatabase", "id": "db", "connection": "server", "name": name, "user": name,
            "secret": login(tenant, "db", &name),
            "spec": {"connectionLimit": limit, "settings": {"work_mem": format!("{limit}MB")}}})
    },
    foreign: |state, tenant, _| foreign(state, &name(tenant, "db")),
    remove_foreign: |state, tenant| drop(state.postgres.roles.remove(&name(tenant, "db"))),
    drift: |state, tenant, chance| {
        let name = name(tenant, "db");
        if chance.percent(50) {
            return drift_role(state, &name, chance);
        }
        let Some(database) = state.postgres.databases.get_mut(&name).filter(|found| found.comment.is_some()) else {
            return;
        };
        match chance.below(2) {
            0 => drop(database.parameters.insert("work_mem".to_owned(), "1kB".to_owned())),
            _ => drop(database.parameters.insert("jit".to_owned(), "off".to_owned())),
        }
    },
    fill: |state, tenant, claim| {
        let name = name(tenant, "db");
        let may = gets_in(state, &name, claim);
        let database = state.postgres.databases.get_mut(&name).filter(|found| found.is_open && may);
        database.map(|database| database.objects.insert(ORDERS.to_owned())).is_some()
    },
    holds: |state, tenant| {
        state.postgres.databases.get(&name(tenant, "db")).is_some_and(|found| found.objects.contains(ORDERS))
    },
    ..Meddler::QUIET
};

pub const SCHEMA: Meddler = Meddler {
    name: "postgresSchema",
    resource: |tenant, variant| {
        let name = name(tenant, "slot");
        json!({"kind": "postgresSchema", "id": "slot", "connection": "server", "name": name, "user": name,
            "secret": login(tenant, "slot", &name),
            "spec": {"database": POOL, "connectionLimit": 5 + variant % 2}})
    },
    foreign: |state, tenant, _| foreign(state, &name(tenant, "slot")),
    remove_foreign: |state, tenant| drop(state.postgres.roles.remove(&name(tenant, "slot"))),
    drift: |state, tenant, chance| drift_role(state, &name(tenant, "slot"), chance),
    fill: |state, tenant, claim| {
        let name = name(tenant, "slot");
        let may = gets_in(state, &name, claim);
        let pool = state.postgres.databases.get_mut(POOL).filter(|_| may);
        let schema = pool.and_then(|pool| pool.schemas.get_mut(&name));
        schema.map(|schema| schema.tables.insert(ORDERS.to_owned(), true)).is_some()
    },
    holds: |state, tenant| {
        let schema = state.postgres.databases.get(POOL).and_then(|pool| pool.schemas.get(&name(tenant, "slot")));
        schema.is_some_and(|schema| schema.tables.contains_key(ORDERS))
    },
    ..Meddler::QUIET
};

/// What a tenant puts into its database.
const ORDERS: &str = "orders";

/// The database that all schemas are in.
const POOL: &str = "pool";

fn gets_in(state: &State, role: &str, claim: &str) -> bool {
    state.postgres.roles.get(role).is_some_and(|role| role.login && role.comment.as_deref() == Some(claim))
}

fn name(tenant: &str, item: &str) -> String {
    format!("{tenant}_{item}")
}

fn foreign(state: &mut State, name: &str) -> Option<String> {
    let roles = &mut state.postgres.roles;
    if roles.contains_key(name) {
        return None;
    }
    roles.insert(name.to_owned(), Role { login: true, ..Default::default() });
    Some(pointer(["postgres", "roles", name]))
}

fn drift_role(state: &mut State, name: &str, chance: &mut Chance) {
    let Some(role) = state.postgres.roles.get_mut(name).filter(|found| found.comment.is_some()) else { return };
    match chance.below(4) {
        0 => role.login = false,
        1 => role.superuser = true,
        2 => role.password = None,
        _ => role.connection_limit = None,
    }
}

/// The pool is the platform's own.
pub fn prepare(state: &mut State) {
    state.postgres.databases.insert(
        POOL.to_owned(),
        tenantry::engine::sandbox::postgres::Database {
            owner: "postgres".to_owned(),
            is_open: true,
            ..Default::default()
        },
    );
}
