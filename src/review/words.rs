//! The words that all formats share.

use std::collections::BTreeMap;

use super::escape::escaped;
use crate::{
    diff::{ChangeSet, Counts, Kinds, Level, Op, Subject, Tally},
    provision::Kind,
};

/// What a piece of text says by its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Heading,
    Faint,
    Good,
    Change,
    Bad,
}

impl Tone {
    pub(super) fn of_op(op: Op) -> Tone {
        match op {
            Op::Create => Tone::Good,
            Op::Change => Tone::Change,
            Op::Replace | Op::Delete => Tone::Bad,
        }
    }

    pub(super) fn of_level(level: Level) -> Tone {
        match level {
            Level::Loss | Level::Exposure => Tone::Bad,
            Level::Disruption => Tone::Change,
        }
    }
}

/// Names of tenants that a heading shows before it says how many more there are.
const NAMED: usize = 10;

/// Kinds that a line names before it says how many more there are.
const KINDS: usize = 24;

/// Returns how much there is of everything: tenants, objects and files on one line, what is outside the cluster on another.
pub(super) fn totals(changes: &ChangeSet) -> Vec<String> {
    let Counts { tenants, objects, outside: resources, files, dangers: _ } = &changes.counts;
    let parts = [
        ("tenant", "tenants", tenants),
        ("object", "objects", objects),
        ("outside resource", "outside resources", resources),
        ("other file", "other files", files),
    ];
    let shown: Vec<String> = parts
        .into_iter()
        .filter(|(.., tally)| !tally.is_empty())
        .map(|(one, many, sum)| tally(one, many, *sum))
        .collect();
    let mut lines = vec![shown.join(" · ")];
    lines.extend(outside(&changes.kinds).map(|text| format!("outside the cluster: {text}")));
    lines
}

/// Returns `2 tenants added, 1 removed`: the noun stands behind the first number only.
pub(super) fn tally(one: &str, many: &str, sum: Tally) -> String {
    let Tally { added, changed, removed } = sum;
    let parts =
        [(added, "added"), (changed, "changed"), (removed, "removed")].into_iter().filter(|(count, _)| *count > 0);
    let parts = parts.enumerate().map(|(index, (count, verb))| match (index, count) {
        (0, 1) => format!("1 {one} {verb}"),
        (0, _) => format!("{count} {many} {verb}"),
        _ => format!("{count} {verb}"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Returns `creates 11 databases, 3 buckets; changes 1 user`, or nothing.
pub(super) fn outside(kinds: &Kinds) -> Option<String> {
    let mut sums: BTreeMap<&str, (usize, Tally)> = BTreeMap::new();
    for (kind, tally) in &kinds.outside {
        let known = Kind::ALL.iter().position(|known| known.name() == kind);
        // Two kinds may have one noun: databases of both servers are databases.
        let (rank, sum) = sums.entry(noun(kind)).or_insert((known.unwrap_or(usize::MAX), Tally::default()));
        *rank = (*rank).min(known.unwrap_or(usize::MAX));
        sum.added += tally.added;
        sum.changed += tally.changed;
        sum.removed += tally.removed;
    }
    let mut sums: Vec<(&str, (usize, Tally))> = sums.into_iter().collect();
    sums.sort_by_key(|(noun, (rank, _))| (*rank, *noun));
    let (mut creates, mut changes, mut removes) = (Vec::new(), Vec::new(), Vec::new());
    for (noun, (_, Tally { added, changed, removed })) in sums {
        for (number, of_kind) in [(added, &mut creates), (changed, &mut changes), (removed, &mut removes)] {
            of_kind.extend((number > 0).then(|| count(number, noun)));
        }
    }
    let parts = [("creates", creates), ("changes", changes), ("removes", removes)];
    let parts = parts.into_iter().filter(|(_, of_kind)| !of_kind.is_empty());
    let parts: Vec<String> = parts.map(|(verb, of_kind)| format!("{verb} {}", some(&of_kind))).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Returns each kind of object with what happens to it.
pub(super) fn objects(kinds: &Kinds) -> Vec<String> {
    let mut shown: Vec<String> = kinds
        .objects
        .iter()
        .take(KINDS)
        .map(|(kind, Tally { added, changed, removed })| {
            let parts = [(added, "+"), (changed, "~"), (removed, "-")].into_iter().filter(|(count, _)| **count > 0);
            let parts: Vec<String> = parts.map(|(count, sign)| format!("{sign}{count}")).collect();
            format!("{} {}", escaped(kind), parts.join(" "))
        })
        .collect();
    let more = kinds.objects.len().saturating_sub(KINDS);
    shown.extend((more > 0).then(|| format!("and {more} more kinds")));
    shown
}

fn some(all: &[String]) -> String {
    let shown = all.iter().take(KINDS).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(KINDS) {
        0 => shown,
        more => format!("{shown} and {more} more kinds"),
    }
}

/// Returns `1 database`, `2 databases`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let noun = escaped(noun);
    match (number, noun.as_str()) {
        (1, noun) => format!("1 {noun}"),
        (_, "JSON object") => format!("{number} objects of JSON APIs"),
        (_, noun) => format!("{number} {noun}s"),
    }
}

/// Returns what people call a kind of outside resource.
fn noun(kind: &str) -> &str {
    match Kind::ALL.iter().find(|known| known.name() == kind) {
        Some(Kind::MysqlDatabase | Kind::PostgresDatabase) => "database",
        Some(Kind::PostgresSchema) => "schema",
        Some(Kind::Bucket) => "bucket",
        Some(Kind::ObjectStoreUser) => "object store user",
        Some(Kind::RabbitmqVhost) => "virtual host",
        Some(Kind::RedisUser) => "Redis user",
        Some(Kind::HttpResource) => "JSON object",
        Some(Kind::Secret) => "secret",
        None => kind,
    }
}

/// Returns whom a group of changes concerns.
pub(super) fn heading(tenants: &[String]) -> String {
    match tenants {
        [] => "platform".to_owned(),
        [tenant] => format!("tenant {}", escaped(tenant)),
        many => format!("{} tenants: {}", many.len(), names(many)),
    }
}

/// Returns the names of tenants, at most [`NAMED`] of them, and how many more there are.
pub(super) fn names(tenants: &[String]) -> String {
    let shown = tenants.iter().take(NAMED).map(|tenant| escaped(tenant)).collect::<Vec<_>>().join(", ");
    match tenants.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns what a change is about.
pub(super) fn title(subject: &Subject) -> String {
    match subject {
        Subject::Tenant { name } => format!("tenant {}", escaped(name)),
        Subject::File { path } => format!("file {}", escaped(path)),
        Subject::Object { api_version: _, kind, namespace: Some(namespace), name } => {
            format!("{} {}/{}", escaped(kind), escaped(namespace), escaped(name))
        }
        Subject::Object { api_version: _, kind, namespace: None, name } => {
            format!("{} {}", escaped(kind), escaped(name))
        }
        Subject::Outside { kind, id, name, connection, holds_data: _ } => {
            format!("{} {}: {} on {}", escaped(kind), escaped(id), escaped(name), escaped(connection))
        }
    }
}

/// Returns what a change of several things is about: their names where they are of one kind and place, and else how many
/// there are of each kind.
pub(super) fn titles(subjects: &[&Subject]) -> String {
    let [first, rest @ ..] = subjects else { return String::new() };
    if rest.is_empty() {
        return title(first);
    }
    let number = subjects.len();
    let place = |subject: &Subject| match subject {
        Subject::Object { kind, namespace, .. } => Some((kind.clone(), namespace.clone())),
        Subject::Outside { kind, connection, .. } => Some((kind.clone(), Some(connection.clone()))),
        Subject::Tenant { .. } | Subject::File { .. } => None,
    };
    let Some(of_first) =
        place(first).filter(|of_first| rest.iter().all(|other| place(other).as_ref() == Some(of_first)))
    else {
        return format!("{}: {}", count(number, "object"), kinds(subjects));
    };
    let name = |subject: &&Subject| match subject {
        Subject::Object { name, .. } | Subject::Tenant { name } => escaped(name),
        Subject::Outside { id, .. } => escaped(id),
        Subject::File { path } => escaped(path),
    };
    let names = subjects.iter().map(name).collect::<Vec<_>>().join(", ");
    let (kind, place) = of_first;
    let place = match (place, first) {
        (None, _) => String::new(),
        (Some(place), Subject::Outside { .. }) => format!(" on {}", escaped(&place)),
        (Some(place), _) => format!(" in {}", escaped(&place)),
    };
    format!("{number} × {}{place}: {names}", escaped(&kind))
}

/// Returns how many there are of each kind, in the order of the first of each.
fn kinds(subjects: &[&Subject]) -> String {
    let mut numbers: Vec<(String, usize)> = Vec::new();
    for subject in subjects {
        let kind = kind(subject);
        match numbers.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, number)) => *number += 1,
            None => numbers.push((kind, 1)),
        }
    }
    let shown = numbers.into_iter().map(|(kind, number)| format!("{number} × {kind}"));
    some(&shown.collect::<Vec<_>>())
}

/// Returns the kind of what a change is about, in the words of [`title`].
pub(super) fn kind(subject: &Subject) -> String {
    match subject {
        Subject::Tenant { .. } => "tenant".to_owned(),
        Subject::File { .. } => "file".to_owned(),
        Subject::Object { kind, .. } | Subject::Outside { kind, .. } => escaped(kind),
    }
}

/// Returns the sign of an operation.
pub(super) fn sign(op: Op) -> &'static str {
    match op {
        Op::Create => "+",
        Op::Change => "~",
        Op::Replace => "±",
        Op::Delete => "-",
    }
}

/// Returns the verb of an operation.
pub(super) fn verb(op: Op) -> &'static str {
    match op {
        Op::Create => "create",
        Op::Change => "change",
        Op::Replace => "replace",
        Op::Delete => "delete",
    }
}
