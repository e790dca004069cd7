//! `postgresDatabase` and `postgresSchema` in schedules.

use serde_json::json;
use tenantry::engine::sandbox::{State, postgres::Role};

use crate::{
    chance::Chance,
    estate::{Meddler, login},
};

pub const DATABASE: Meddler = Meddler {
    resource: |tenant, variant| {
        let name = name(tenant, "db");
        let limit = [10, 20][variant % 2];
        json!({"kind": "postgresDatabase", "id": "db", "connection": "server", "name": name, "user": name,
            "secret": login(tenant, "db", &name),
            "spec": {"connectionLimit": limit, "settings": {"work_mem": format!("{limit}MB")}}})
    },
    foreign: |state, tenant| foreign(state, &name(tenant, "db")),
    remove_foreign: |state, tenant| drop(state.postgres.roles.remove(&name(tenant, "db"))),
    drift: |state, tenant, chance| {
        let name = name(tenant, "db");
        if chance.percent(50) {
            return drift_role(state, &name, chance);
        }
        let Some(database) = state.postgres.databases.get_mut(&name).filter(|found| found.comment.is_some()) else {
            return;
        };
        match chance.below(3) {
            0 => drop(database.parameters.insert("work_mem".to_owned(), "1kB".to_owned())),
            1 => drop(database.parameters.insert("jit".to_owned(), "off".to_owned())),
            // A sentinel of the tenant's own: it must stay.
            _ => drop(database.objects.insert("orders".to_owned())),
        }
    },
};

pub const SCHEMA: Meddler = Meddler {
    resource: |tenant, variant| {
        let name = name(tenant, "slot");
        json!({"kind": "postgresSchema", "id": "slot", "connection": "server", "name": name, "user": name,
            "secret": login(tenant, "slot", &name),
            "spec": {"database": "pool", "connectionLimit": 5 + variant % 2}})
    },
    foreign: |state, tenant| foreign(state, &name(tenant, "slot")),
    remove_foreign: |state, tenant| drop(state.postgres.roles.remove(&name(tenant, "slot"))),
    drift: |state, tenant, chance| drift_role(state, &name(tenant, "slot"), chance),
};

fn name(tenant: &str, item: &str) -> String {
    format!("{tenant}_{item}")
}

fn foreign(state: &mut State, name: &str) -> bool {
    let roles = &mut state.postgres.roles;
    if roles.contains_key(name) {
        return false;
    }
    roles.insert(name.to_owned(), Role { login: true, ..Default::default() });
    true
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

/// The pool that all schemas are in: the platform's own.
pub fn prepare(state: &mut State) {
    state.postgres.databases.insert(
        "pool".to_owned(),
        tenantry::engine::sandbox::postgres::Database {
            owner: "postgres".to_owned(),
            is_open: true,
            ..Default::default()
        },
    );
}
