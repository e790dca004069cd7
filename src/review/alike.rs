//! Says once what several things of one owner have in common, so that a reader finds what differs.
//!
//! Two things make a report long without telling more: a field that changes alike in every object, such as a label of the
//! tier, and many objects with which the same happens. The first is taken out of them and said once; the second stand
//! together.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diff::{Change, Danger, Entry, FieldChange, Note, Op, Subject};

/// In so many things a change of a field is said once for all of them.
const MANY: usize = 4;

/// What happens with one thing, or with several alike.
#[derive(Debug)]
pub(super) struct Alike<'e> {
    pub(super) op: Op,
    /// What it happens with; never empty.
    pub(super) subjects: Vec<&'e Subject>,
    /// The file of the first of them.
    pub(super) file: &'e str,
    /// How many of the group's changes this tells that nothing before it has told.
    pub(super) told: usize,
    pub(super) fields: Vec<FieldChange>,
    pub(super) notes: &'e [Note],
    pub(super) dangers: &'e [Danger],
}

impl Alike<'_> {
    /// Whether it is about what is outside the cluster.
    pub(super) fn is_outside(&self) -> bool {
        self.subjects.iter().all(|subject| is_outside(subject))
    }
}

/// Returns the changes of one group in their order, what they have in common first; what is outside the cluster last.
pub(super) fn alike<'e>(entries: &[&'e Entry]) -> Vec<Alike<'e>> {
    let (outside, inside): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().copied().partition(|entry| is_outside(&entry.subject));
    [inside, outside].iter().flat_map(|side| of_side(side)).collect()
}

fn is_outside(subject: &Subject) -> bool {
    matches!(subject, Subject::Outside { .. })
}

fn of_side<'e>(entries: &[&'e Entry]) -> Vec<Alike<'e>> {
    let mut rest: Vec<Vec<FieldChange>> = entries.iter().map(|entry| entry.fields.clone()).collect();
    let mut all = Vec::new();
    let mut is_told = vec![false; entries.len()];
    for (places, fields) in shared(entries) {
        for place in &places {
            rest[*place].retain(|field| !fields.contains(&field));
        }
        let bare = |place: &&usize| rest[**place].is_empty() && is_plain(entries[**place]);
        let told: Vec<usize> = places.iter().filter(bare).filter(|place| !is_told[**place]).copied().collect();
        told.iter().for_each(|place| is_told[*place] = true);
        all.push(Alike {
            op: Op::Change,
            subjects: places.iter().map(|place| &entries[*place].subject).collect(),
            file: &entries[places[0]].file,
            told: told.len(),
            fields: fields.into_iter().cloned().collect(),
            notes: &[],
            dangers: &[],
        });
    }
    let untold: Vec<usize> = (0..entries.len()).filter(|place| !is_told[*place]).collect();
    for places in grouped(entries, &rest, &untold) {
        let Entry { op, file, notes, dangers, .. } = entries[places[0]];
        let fields = match places.as_slice() {
            [place] => std::mem::take(&mut rest[*place]),
            [place, ..] => in_common_words(entries[*place], &rest[*place]),
            [] => Vec::new(),
        };
        let subjects = places.iter().map(|place| &entries[*place].subject).collect();
        all.push(Alike { op: *op, subjects, file, told: places.len(), fields, notes, dangers });
    }
    all
}

/// Whether an entry says nothing but by its fields.
fn is_plain(entry: &Entry) -> bool {
    entry.notes.is_empty() && entry.dangers.is_empty()
}

/// Returns fields that change alike in many things which otherwise differ, with the places of these; what concerns most
/// comes first.
fn shared<'e>(entries: &[&'e Entry]) -> Vec<(Vec<usize>, Vec<&'e FieldChange>)> {
    let mut said: BTreeMap<String, (Vec<usize>, &FieldChange)> = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.op == Op::Change) {
        for field in &entry.fields {
            said.entry(key(field)).or_insert_with(|| (Vec::new(), field)).0.push(place);
        }
    }
    let all: Vec<Vec<FieldChange>> = entries.iter().map(|entry| entry.fields.clone()).collect();
    let mut together: BTreeMap<Vec<usize>, Vec<&FieldChange>> = BTreeMap::new();
    for (places, field) in said.into_values().filter(|(places, _)| places.len() >= MANY) {
        together.entry(places).or_default().push(field);
    }
    // Things that are alike in everything stand together anyway, with this field.
    together.retain(|places, _| grouped(entries, &all, places).len() > 1);
    let mut together: Vec<_> = together.into_iter().collect();
    together.sort_by_key(|(places, _)| std::cmp::Reverse(places.len()));
    together
}

/// Returns places whose entries are alike in everything, in the order of the first of each group.
fn grouped(entries: &[&Entry], fields: &[Vec<FieldChange>], places: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for place in places {
        match sort_of(entries[*place], &fields[*place]) {
            None => groups.push(vec![*place]),
            Some(sort) => {
                let group = *known.entry(sort).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                groups[group].push(*place);
            }
        }
    }
    groups
}

/// Returns a text that two entries share if the same happens to both; nothing for what stands by itself.
fn sort_of(entry: &Entry, fields: &[FieldChange]) -> Option<String> {
    let Entry { tenants: _, op, subject, file: _, fields: _, notes, dangers } = entry;
    let place = match subject {
        Subject::Tenant { .. } | Subject::File { .. } => return None,
        Subject::Object { api_version, kind, namespace, name: _ } => (api_version, kind, namespace.as_deref(), false),
        Subject::Outside { kind, connection, holds_data, id: _, name: _ } => (connection, kind, None, *holds_data),
    };
    let fields: Vec<String> = in_common_words(entry, fields).iter().map(key).collect();
    Some(format!("{place:?} {op:?} {fields:?} {notes:?} {dangers:?}"))
}

/// Returns the fields with `{name}` where a path or a text holds the entry's own name.
fn in_common_words(entry: &Entry, fields: &[FieldChange]) -> Vec<FieldChange> {
    let Subject::Object { name, .. } = &entry.subject else { return fields.to_vec() };
    let own = format!("[name={name}]");
    let common = |FieldChange { path, change }: &FieldChange| FieldChange {
        path: path.replace(&own, "[name={name}]"),
        change: match change {
            Change::Added { to } => Change::Added { to: without_name(to, name) },
            Change::Removed { from } => Change::Removed { from: without_name(from, name) },
            Change::Changed { from, to } => {
                Change::Changed { from: without_name(from, name), to: without_name(to, name) }
            }
            Change::Lines { .. } | Change::Reordered { .. } => change.clone(),
        },
    };
    fields.iter().map(common).collect()
}

/// Returns a text with `{name}` for each whole word that is the name: `shop/{name}-service:v2`.
fn without_name(value: &Value, name: &str) -> Value {
    let Value::String(text) = value else { return value.clone() };
    let is_part = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (start, word) in text.match_indices(name) {
        let (before, after) = (&text[..start], &text[start + word.len()..]);
        if !is_part(before.chars().next_back()) && !is_part(after.chars().next()) {
            out.push_str(&text[end..start]);
            out.push_str("{name}");
            end = start + word.len();
        }
    }
    out.push_str(&text[end..]);
    Value::String(out)
}

/// Returns a text that two changes share if they are equal: values have no order.
fn key(field: &FieldChange) -> String {
    format!("{field:?}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::Level;

    fn field(path: &str, from: &str, to: &str) -> FieldChange {
        FieldChange { path: path.to_owned(), change: Change::Changed { from: json!(from), to: json!(to) } }
    }

    fn object(op: Op, kind: &str, name: &str, fields: Vec<FieldChange>) -> Entry {
        let [api_version, kind, name] = ["v1", kind, name].map(str::to_owned);
        let subject = Subject::Object { api_version, kind, namespace: Some("shop".to_owned()), name };
        let file = String::new();
        Entry { tenants: vec!["abc".to_owned()], op, subject, file, fields, notes: Vec::new(), dangers: Vec::new() }
    }

    fn told(entries: &[Entry]) -> Vec<(usize, Vec<String>, usize)> {
        let entries: Vec<&Entry> = entries.iter().collect();
        let all = alike(&entries);
        assert_eq!(all.iter().map(|item| item.told).sum::<usize>(), entries.len(), "{all:#?}");
        all.into_iter()
            .map(|item| (item.subjects.len(), item.fields.into_iter().map(|field| field.path).collect(), item.told))
            .collect()
    }

    #[test]
    fn what_is_made_alike_stands_together() {
        let names = ["a", "b", "c"];
        let mut entries: Vec<Entry> = names.map(|name| object(Op::Create, "Service", name, Vec::new())).into();
        entries.push(object(Op::Create, "Deployment", "a", Vec::new()));
        assert_eq!(told(&entries), [(3, vec![], 3), (1, vec![], 1)]);
    }

    #[test]
    fn a_field_that_changes_everywhere_is_said_once() {
        let label = || field("metadata.labels.tier", "small", "large");
        let mut entries: Vec<Entry> =
            ["a", "b", "c"].map(|name| object(Op::Change, "Service", name, vec![label()])).into();
        for (name, replicas) in [("a", "1"), ("b", "2")] {
            let image = field(&format!("containers[name={name}].image"), "v1", "v2");
            entries.push(object(Op::Change, "Deployment", name, vec![label(), image]));
            entries.push(object(Op::Change, "Scale", name, vec![label(), field("replicas", "0", replicas)]));
        }
        let label = "metadata.labels.tier".to_owned();
        let image = "containers[name={name}].image".to_owned();
        let replicas = || vec!["replicas".to_owned()];
        assert_eq!(told(&entries), [(7, vec![label], 3), (2, vec![image], 2), (1, replicas(), 1), (1, replicas(), 1)]);
    }

    #[test]
    fn what_is_alike_in_everything_stays_whole() {
        let fields = || vec![field("digest", "a", "b"), field("image", "v1", "v2")];
        let entries: Vec<Entry> =
            ["a", "b", "c", "d", "e"].map(|name| object(Op::Change, "Deployment", name, fields())).into();
        assert_eq!(told(&entries), [(5, vec!["digest".to_owned(), "image".to_owned()], 5)]);
    }

    #[test]
    fn whole_words_alone_are_names() {
        for (text, name, common) in [
            ("shop/auth-service:v2", "auth", "shop/{name}-service:v2"),
            ("authority/auth:author", "auth", "authority/{name}:author"),
            ("auth", "auth", "{name}"),
            ("", "auth", ""),
            ("ää/ä", "ä", "ää/{name}"),
        ] {
            assert_eq!(without_name(&json!(text), name), json!(common));
        }
    }

    #[test]
    fn another_danger_sets_apart() {
        let mut entries: Vec<Entry> = ["a", "b"].map(|name| object(Op::Delete, "Volume", name, Vec::new())).into();
        entries[1].dangers.push(Danger { level: Level::Loss, reason: "holds data".to_owned() });
        assert_eq!(told(&entries).len(), 2);
    }
}
