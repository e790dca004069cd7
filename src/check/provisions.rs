//! Rules on the outside resources of a tier: settings of the right shape, on a server of the right kind, with names of
//! their own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    http,
    layers::Layered,
    naming, needs, objects,
    places::{Finder, Places, below},
    shape::shown,
    suggest,
    tiers::Around,
    topology,
};
use crate::{
    diag::{Code, Diagnostic, Place},
    estate::group::{self, Spec},
    name::Target,
    provision::{Kind, connection::fits},
    raw::tier::{Each, ProvisionGroup, TierSpec},
};

/// Checks all groups of a tier. `unknown` are the pointers of what has been refused already.
pub(super) fn check(layered: &Layered, tier: &TierSpec, unknown: Vec<String>, around: &Around<'_>) -> Vec<Diagnostic> {
    let mut finder = Finder::new(layered);
    finder.ignore(unknown);
    let mut found = Vec::new();
    for (name, group) in &tier.provisions {
        let pointer = below("/provisions", name);
        naming::key(&mut finder, &pointer, name);
        if !finder.is_refused(&below(&pointer, "kind")) {
            connection(&mut finder, &pointer, group, around);
        }
        if let (Some(_), Some(_)) = (group.each, &group.items) {
            let help = "take one of them out: `each` makes a resource for every service, `items` lists them";
            finder.key(Code::EachAndItems, &below(&pointer, "each"), "`each` and `items` cannot stand together", help);
        }
        if finder.is_refused(&below(&pointer, "kind")) {
            continue;
        }
        for member in members(group) {
            if let Some(item) = &member.item {
                naming::key(&mut finder, &below(&below(&pointer, "items"), item), item);
            }
            found.extend(settings(layered, tier, name, group, member, around));
        }
    }
    names(&mut finder, tier);
    found.extend(finder.finish());
    found
}

/// One resource or several with the same settings.
struct Member {
    /// Its name among `items`, if it is there.
    item: Option<String>,
    settings: Map<String, Value>,
}

fn members(group: &ProvisionGroup) -> Vec<Member> {
    let Some(items) = &group.items else { return vec![Member { item: None, settings: group.spec.clone() }] };
    let merged = items.iter().map(|(item, own)| {
        let mut settings = Value::Object(group.spec.clone());
        group::merge(&mut settings, &Value::Object(own.clone()));
        let settings = if let Value::Object(settings) = settings { settings } else { Map::new() };
        Member { item: Some(item.clone()), settings }
    });
    merged.collect()
}

/// Where the merged settings of a resource were written: in its item, or in the `spec` of its group.
struct SettingPlaces<'l> {
    layered: &'l Layered,
    group: String,
    item: Option<String>,
}

impl SettingPlaces<'_> {
    /// Returns the pointer into the tier that gave the setting.
    fn origin(&self, pointer: &str) -> String {
        let spec = below(&self.group, "spec");
        let mut pointer = pointer;
        loop {
            for base in self.item.iter().chain([&spec]) {
                let candidate = format!("{base}{pointer}");
                if !self.layered.origins(&candidate).is_empty() {
                    return candidate;
                }
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return self.item.clone().unwrap_or_else(|| self.group.clone()),
            }
        }
    }
}

impl Places for SettingPlaces<'_> {
    fn value(&self, pointer: &str) -> Place {
        self.layered.value(&self.origin(pointer))
    }

    fn key(&self, pointer: &str) -> Place {
        self.layered.key(&self.origin(pointer))
    }
}

fn settings(
    layered: &Layered,
    tier: &TierSpec,
    name: &str,
    group: &ProvisionGroup,
    member: Member,
    around: &Around<'_>,
) -> Vec<Diagnostic> {
    let pointer = below("/provisions", name);
    let item = member.item.as_ref().map(|item| below(&below(&pointer, "items"), item));
    let places = SettingPlaces { layered, group: pointer, item };
    let mut finder = Finder::new(&places);
    let id = member.item.as_ref().map_or_else(|| name.to_owned(), |item| format!("{name}/{item}"));
    let mut value = Value::Object(member.settings);
    around.shapes.provision(group.kind).check(&mut value, "", &mut finder);
    let settings = if let Value::Object(settings) = value { settings } else { Map::new() };
    if let Ok(spec) = Spec::read(group.kind, settings) {
        rules(&mut finder, tier, group, &spec, around);
        if let Spec::HttpResource(spec) = &spec {
            needs::check(&mut finder, &id, spec, &order(tier));
        }
    }
    finder.finish()
}

/// Returns what each `httpResource` of a tier comes after. Those of `each` are one for each service.
fn order(tier: &TierSpec) -> needs::Order {
    let groups = tier.provisions.iter().filter(|(_, group)| group.kind == Kind::HttpResource);
    let all = groups.flat_map(|(name, group)| {
        let services = group.each.iter().flat_map(|_| tier.services.keys().map(|service| Some(service.clone())));
        let mut items: Vec<Option<String>> = services.collect();
        let members = members(group);
        items.extend(members.iter().filter(|_| group.each.is_none()).map(|member| member.item.clone()));
        let after: Vec<BTreeSet<String>> = members.iter().map(|member| after(&member.settings)).collect();
        items.into_iter().enumerate().map(move |(at, item)| {
            let id = item.map_or_else(|| name.clone(), |item| format!("{name}/{item}"));
            (id, after.get(at).or(after.last()).cloned().unwrap_or_default())
        })
    });
    all.collect()
}

fn after(settings: &Map<String, Value>) -> BTreeSet<String> {
    let needs = settings.get("needs").and_then(Value::as_object).into_iter().flat_map(Map::values);
    needs.filter_map(|need| need.get("after")?.as_str().map(str::to_owned)).collect()
}

fn rules(finder: &mut Finder<'_>, tier: &TierSpec, group: &ProvisionGroup, spec: &Spec, around: &Around<'_>) {
    let has_credential = match spec {
        Spec::Bucket(_) => false,
        // A claim that the object cannot carry is kept where credentials are.
        Spec::HttpResource(spec) => spec.claim_at.is_none() || !spec.secret.is_empty(),
        _ => true,
    };
    if has_credential && around.facts.has_store == Some(false) {
        let message = "these resources have credentials, and the estate has no place to keep them";
        finder.key(Code::SecretStoreMissing, "", message, "name a store under `spec.secrets` in `tenantry.yaml`");
    }
    match spec {
        Spec::MysqlDatabase(spec) => objects::mysql(finder, spec),
        Spec::PostgresDatabase(spec) => objects::postgres_database(finder, spec),
        Spec::PostgresSchema(spec) => objects::postgres_schema(finder, spec),
        Spec::Bucket(spec) => objects::bucket(finder, spec),
        Spec::ObjectStoreUser(spec) => objects::object_store_user(finder, tier, &group.connection, spec),
        Spec::RabbitmqVhost(spec) => topology::check(finder, spec),
        Spec::RedisUser(spec) => objects::redis(finder, spec),
        Spec::HttpResource(spec) => http::check(finder, spec, around.facts.settings.as_ref()),
        Spec::Secret(spec) => http::fields(finder, "/fields", &spec.fields, around.facts.settings.as_ref()),
    }
}

/// Finds a connection that does not exist, or that reaches another kind of server.
fn connection(finder: &mut Finder<'_>, pointer: &str, group: &ProvisionGroup, around: &Around<'_>) {
    let Some(connections) = &around.facts.connections else { return };
    let pointer = below(pointer, "connection");
    let (kind, wanted) = (group.kind, group.kind.server());
    let fitting = || connections.iter().filter(|(_, kind)| fits(wanted, kind)).map(|(name, _)| name.as_str());
    match connections.get(&group.connection) {
        None => {
            let none = format!("add a connection of kind `{wanted}` to `tenantry.yaml`");
            let help = suggest::help(&group.connection, "connections that fit", fitting().collect::<Vec<_>>(), &none);
            let message = format!("there is no connection {}", shown(&group.connection));
            finder.value(Code::UnknownConnection, &pointer, message, help);
        }
        // The kind of a connection may itself be a finding.
        Some(found) if !fits(wanted, found) && !found.is_empty() => {
            let message = format!(
                "a `{}` cannot be made on {}, which is of kind `{found}`",
                kind.name(),
                shown(&group.connection)
            );
            let help = match suggest::list(fitting()) {
                Some(list) => format!("connections that fit are {list}"),
                None => format!("add a connection of kind `{wanted}` to `tenantry.yaml`"),
            };
            finder.value(Code::ConnectionKind, &pointer, message, help);
        }
        Some(_) => {}
    }
}

/// The kinds of connections that resources are made on, secret stores aside.
pub(super) const SERVERS: [&str; 6] = ["mysql", "postgres", "objectStore", "rabbitmq", "redis", "http"];

/// Name spaces on the server that a resource takes a name in: its own first, its user's last.
pub(crate) fn targets(kind: Kind) -> &'static [Target] {
    match kind {
        Kind::MysqlDatabase => &[Target::MysqlDatabase, Target::MysqlUser],
        Kind::PostgresDatabase => &[Target::PostgresDatabase, Target::PostgresRole],
        Kind::PostgresSchema => &[Target::PostgresSchema, Target::PostgresRole],
        Kind::Bucket => &[Target::Bucket],
        Kind::ObjectStoreUser => &[Target::ObjectStoreUser],
        Kind::RabbitmqVhost => &[Target::RabbitmqVhost, Target::RabbitmqUser],
        Kind::RedisUser => &[Target::RedisUser],
        Kind::HttpResource | Kind::Secret => &[],
    }
}

/// Finds two resources of a tenant that would get one name: a name is made of the tenant and the item, not the group.
fn names(finder: &mut Finder<'_>, tier: &TierSpec) {
    let mut taken: BTreeMap<(&str, Target, &str), (&str, String)> = BTreeMap::new();
    for (name, group) in &tier.provisions {
        let pointer = below("/provisions", name);
        let items: Vec<(&str, String)> = match (group.each, &group.items) {
            (Some(each), _) => {
                let services = tier.services.iter().filter(|(_, service)| match each {
                    Each::Services => true,
                    Each::ServicesWithDatabase => service.database,
                });
                services.map(|(service, _)| (service.as_str(), below(&pointer, "each"))).collect()
            }
            (None, Some(items)) => {
                items.keys().map(|item| (item.as_str(), below(&below(&pointer, "items"), item))).collect()
            }
            (None, None) => vec![(name, pointer.clone())],
        };
        for (item, at) in items {
            let mut clash = None;
            for target in targets(group.kind) {
                let key = (group.connection.as_str(), *target, item);
                match taken.get(&key) {
                    Some((other, place)) => clash = clash.or(Some((*other, place.clone()))),
                    None => drop(taken.insert(key, (name, at.clone()))),
                }
            }
            if let Some((other, first)) = clash {
                let first = finder.place(&first);
                let message =
                    format!("`{item}` of `{name}` and of `{other}` would get one name on `{}`", group.connection);
                let help = "call one of them differently: names are made of the tenant and the item";
                if let Some(finding) = finder.key(Code::ProvisionClash, &at, message, help) {
                    finding.related.push((first, "the other one".to_owned()));
                }
            }
        }
    }
}
