//! `redisUser` in schedules.

use serde_json::{Value, json};
use tenantry::engine::sandbox::State;

use crate::{
    chance::Chance,
    estate::{Meddler, login, pointer},
};

pub const MEDDLER: Meddler = Meddler { name: "redisUser", resource, foreign, remove_foreign, drift, ..Meddler::QUIET };

fn name(tenant: &str) -> String {
    format!("{tenant}--cache")
}

fn resource(tenant: &str, variant: usize) -> Value {
    let name = name(tenant);
    let commands = [json!(["+@all", "-@admin"]), json!(["+@all", "-@admin", "-@dangerous"])][variant % 2].clone();
    json!({"kind": "redisUser", "id": "cache", "connection": "server", "name": name, "user": name,
        "secret": login(tenant, "cache", &name), "spec": {"commands": commands}})
}

fn foreign(state: &mut State, tenant: &str, _: &mut Chance) -> Option<String> {
    let users = &mut state.redis.users;
    if users.contains_key(&name(tenant)) {
        return None;
    }
    users.insert(name(tenant), tenantry::engine::sandbox::redis::User { on: true, ..Default::default() });
    // Only this user: what others have not saved yet stays unsaved.
    let made = state.redis.users[&name(tenant)].clone();
    state.redis.file.insert(name(tenant), made);
    Some(pointer(["redis", "users", &name(tenant)]))
}

fn remove_foreign(state: &mut State, tenant: &str) {
    state.redis.users.remove(&name(tenant));
    state.redis.file.remove(&name(tenant));
}

fn drift(state: &mut State, tenant: &str, chance: &mut Chance) {
    if chance.percent(20) {
        state.redis.restart();
        return;
    }
    let Some(user) = state.redis.users.get_mut(&name(tenant)).filter(|user| user.claim.is_some()) else { return };
    match chance.below(4) {
        0 => user.on = false,
        1 => user.keys = ["*".to_owned()].into(),
        2 => user.password = None,
        _ => user.commands.push("+@dangerous".to_owned()),
    }
}
