//! The tenants of a schedule: documents with a resource of each kind in play, and what others do to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    sync::OnceLock,
};

use serde_json::{Value, json};
use tenantry::{
    engine::sandbox::State,
    provision::{Document, Metadata, Resource, connection::Connection},
};

use super::{
    chance::Chance,
    kinds::{http, mysql, objects, postgres, rabbitmq, redis, secret},
};

/// The names: neighbours by prefix and by what a pattern could take for a wildcard.
pub const NAMES: [&str; 4] = ["abc", "abc-d", "abcxd", "ab"];

/// What the schedule does with a kind.
pub struct Meddler {
    /// How reports and `TENANTRY_KINDS` call it: the kind, and which of its forms where it has several.
    pub name: &'static str,
    /// Others that its resource refers to.
    pub needs: &'static [&'static str],
    /// The resource of a tenant.
    pub resource: fn(tenant: &str, variant: usize) -> Value,
    /// Makes an object of the tenant's name as somebody else would; returns where in the state it is, as a JSON
    /// pointer. Not where one is there already.
    pub foreign: fn(state: &mut State, tenant: &str, chance: &mut Chance) -> Option<String>,
    /// Takes that object away again.
    pub remove_foreign: fn(state: &mut State, tenant: &str),
    /// Changes something of the tenant's by hand, if it is there.
    pub drift: fn(state: &mut State, tenant: &str, chance: &mut Chance),
    /// Puts data of the tenant's into what holds it, with the rights that the tenant has; returns whether it could. What
    /// an earlier tenant of that name has left is not its own.
    pub fill: fn(state: &mut State, tenant: &str, claim: &str) -> bool,
    /// Returns whether that data is there.
    pub holds: fn(state: &State, tenant: &str) -> bool,
    /// Returns whether what is stored opens what is there, beyond what a login proves.
    pub agrees: fn(state: &State, tenant: &str) -> bool,
}

impl Meddler {
    /// A kind that nothing happens to.
    pub const QUIET: Meddler = Meddler {
        name: "",
        needs: &[],
        resource: |_, _| Value::Null,
        foreign: |_, _, _| None,
        remove_foreign: |_, _| {},
        drift: |_, _, _| {},
        fill: |_, _, _| false,
        holds: |_, _| true,
        agrees: |_, _| true,
    };
}

pub const KINDS: &[Meddler] = &[
    http::SITE,
    http::ACCOUNT,
    mysql::MEDDLER,
    objects::BUCKET,
    objects::MINIO,
    objects::IAM,
    postgres::DATABASE,
    postgres::SCHEMA,
    rabbitmq::MEDDLER,
    redis::MEDDLER,
    secret::MEDDLER,
];

/// Kinds by their place in [`KINDS`].
pub type Chosen = BTreeSet<usize>;

/// Returns the kinds of those names with what they need.
pub fn chosen<'n>(names: impl IntoIterator<Item = &'n str>) -> Chosen {
    let mut chosen = Chosen::new();
    for name in names {
        let at = KINDS.iter().position(|kind| kind.name == name);
        let at = at.unwrap_or_else(|| panic!("no kind is called `{name}`"));
        chosen.insert(at);
        chosen.extend(self::chosen(KINDS[at].needs.iter().copied()));
    }
    chosen
}

/// Returns the kinds of a schedule: few, so that their interleavings are many, and now and then all; or those of
/// `TENANTRY_KINDS`.
pub fn choose(chance: &mut Chance) -> Chosen {
    static WISHED: OnceLock<Option<Chosen>> = OnceLock::new();
    let wished = WISHED.get_or_init(|| Some(chosen(env::var("TENANTRY_KINDS").ok()?.split(','))));
    if let Some(wished) = wished {
        return wished.clone();
    }
    if chance.percent(2) {
        return (0..KINDS.len()).collect();
    }
    let count = 1 + chance.below(3);
    let names: Vec<&str> = (0..count).map(|_| KINDS[chance.below(KINDS.len())].name).collect();
    chosen(names)
}

/// Puts there what the platform has before any tenant comes.
pub fn prepare(state: &mut State, chance: &mut Chance) {
    postgres::prepare(state);
    mysql::prepare(state, chance);
}

/// Returns the document of a tenant; `variant` changes settings, never names.
pub fn document(kinds: &Chosen, tenant: &str, uid: u64, variant: usize) -> Document {
    let resources = kinds.iter().map(|kind| resource(*kind, tenant, variant).clone());
    Document {
        api_version: "tenantry.dev/v1".to_owned(),
        kind: "Provision".to_owned(),
        metadata: Metadata {
            tenant: tenant.to_owned(),
            uid: uid_text(uid),
            state: "active".to_owned(),
            delete_after: None,
        },
        connections: ["server", "vault"]
            .map(|name| (name.to_owned(), Connection::Sandbox { path: "/nonexistent".to_owned() }))
            .into(),
        resources: resources.collect(),
    }
}

/// Returns a resource, read once: reading documents is not what schedules are about.
fn resource(kind: usize, tenant: &str, variant: usize) -> &'static Resource {
    static READ: OnceLock<BTreeMap<(usize, &'static str, usize), Resource>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let mut all = BTreeMap::new();
        for (at, kind) in KINDS.iter().enumerate() {
            for name in NAMES {
                for variant in 0..2 {
                    let value = (kind.resource)(name, variant);
                    let resource = serde_json::from_value(value).unwrap_or_else(|e| panic!("{}: {e}", kind.name));
                    all.insert((at, name, variant), resource);
                }
            }
        }
        all
    });
    let name = NAMES.into_iter().find(|name| *name == tenant).unwrap();
    &read[&(kind, name, variant % 2)]
}

pub fn uid_text(uid: u64) -> String {
    format!("0192f0c1-0000-7000-8000-{uid:012}")
}

/// The claim of a tenant.
pub fn claim(tenant: &str, uid: u64) -> String {
    format!("tenantry:{tenant}:{}", uid_text(uid))
}

/// Returns whether the credential of an item is there, and its tenant's.
pub fn has_credential(state: &State, tenant: &str, item: &str, claim: &str) -> bool {
    let entry = state.secrets.entries.get(&key(tenant, item));
    entry.and_then(|entry| entry.fields.get("tenantry-claim")).is_some_and(|found| found == claim)
}

/// The key of a tenant's credential.
pub fn key(tenant: &str, item: &str) -> String {
    format!("tenants/{tenant}/{item}")
}

pub fn secret(tenant: &str, item: &str, fields: &Value) -> Value {
    json!({"store": "vault", "key": key(tenant, item), "fields": fields})
}

pub fn login(tenant: &str, item: &str, user: &str) -> Value {
    secret(tenant, item, &json!({"username": {"value": user}, "password": {"generated": 32}}))
}

/// Returns a JSON pointer.
pub fn pointer<const N: usize>(parts: [&str; N]) -> String {
    parts.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}
