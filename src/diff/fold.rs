//! Folding: what is the same change for many tenants is said once.
//!
//! A tenant's own name, namespace and uid are replaced by placeholders; entries that are equal then become one. Putting a
//! tenant's own names back gives exactly the entry that it had.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::change_set::{Change, ChangeSet, Danger, Entry, FieldChange, Line, Subject};

/// What the entries of each tenant are freed of, by the tenant's name.
pub(super) type OwnNames = BTreeMap<String, Own>;

/// Names of a tenant that can differ from its own name in more than their pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// Its namespace, where known.
    pub(super) namespace: Option<String>,
    /// Its uid, where known.
    pub(super) uid: Option<String>,
}

const TENANT: &str = "{tenant}";
const TENANT_UNDERSCORED: &str = "{tenant_}";
const NAMESPACE: &str = "{namespace}";
const UID: &str = "{uid}";

impl ChangeSet {
    /// Returns the same changes with equal ones of several tenants folded into one entry that lists the tenants.
    ///
    /// Counts stay as they are: they count what changes, not how often it is said.
    #[must_use]
    pub fn folded(&self) -> ChangeSet {
        let ChangeSet { version, counts, kinds, entries, own_names } = self;
        let general: Vec<Option<(String, Entry)>> =
            entries.par_iter().map(|entry| generalised(entry, own_names)).collect();
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, form) in general.iter().enumerate() {
            if let Some((key, _)) = form {
                groups.entry(key).or_default().push(index);
            }
        }
        let mut out = Vec::new();
        for (index, (entry, form)) in entries.iter().zip(&general).enumerate() {
            let group = form.as_ref().and_then(|(key, general)| Some((groups.get(key.as_str())?, general)));
            match group {
                Some((members, general)) if members.len() > 1 => {
                    if members.first() == Some(&index) {
                        let mut tenants: Vec<String> =
                            members.iter().flat_map(|&at| entries[at].tenants.clone()).collect();
                        tenants.sort();
                        out.push(Entry { tenants, ..general.clone() });
                    }
                }
                _ => out.push(entry.clone()),
            }
        }
        super::order::sort(&mut out);
        ChangeSet {
            version: *version,
            counts: *counts,
            kinds: kinds.clone(),
            entries: out,
            own_names: own_names.clone(),
        }
    }
}

/// Returns the entry of one tenant with placeholders and without the tenant, and a text that is equal for equal ones.
/// `None` for what belongs to no single tenant, and for an entry that holds the text of a placeholder itself.
fn generalised(entry: &Entry, own_names: &OwnNames) -> Option<(String, Entry)> {
    let [tenant] = entry.tenants.as_slice() else { return None };
    let names = Names::new(tenant, own_names.get(tenant));
    let general = Entry { tenants: Vec::new(), ..entry.map_texts(&|text| names.replace(text)) };
    let key = serde_json::to_string(&general).ok()?;
    let had = [TENANT, TENANT_UNDERSCORED, NAMESPACE, UID].iter().any(|placeholder| key.contains(placeholder))
        && serde_json::to_string(entry).is_ok_and(|text| {
            [TENANT, TENANT_UNDERSCORED, NAMESPACE, UID].iter().any(|placeholder| text.contains(placeholder))
        });
    (!had).then_some((key, general))
}

/// The texts to look for, the longest first, each with its placeholder.
struct Names(Vec<(String, &'static str)>);

impl Names {
    fn new(tenant: &str, own: Option<&Own>) -> Self {
        let mut names = vec![(tenant.to_owned(), TENANT)];
        let underscored = tenant.replace('-', "_");
        if underscored != tenant {
            names.push((underscored, TENANT_UNDERSCORED));
        }
        if let Some(Own { namespace, uid }) = own {
            // A namespace that holds the tenant's name is replaced by that, and needs no placeholder of its own.
            let namespace = namespace.iter().filter(|namespace| !namespace.contains(tenant));
            names.extend(namespace.map(|namespace| (namespace.clone(), NAMESPACE)));
            names.extend(uid.iter().map(|uid| (uid.clone(), UID)));
        }
        names.retain(|(name, _)| !name.is_empty());
        names.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Self(names)
    }

    /// Replaces names that stand alone: between letters and digits they are part of another word.
    fn replace(&self, text: &str) -> String {
        if !self.0.iter().any(|(name, _)| text.contains(name.as_str())) {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len() + 16);
        let mut at = 0;
        while let Some(next) = text[at..].chars().next() {
            let before = text[..at].chars().next_back();
            let found = self.0.iter().find(|(name, _)| {
                text[at..].strip_prefix(name.as_str()).is_some_and(|rest| {
                    !before.is_some_and(char::is_alphanumeric)
                        && !rest.chars().next().is_some_and(char::is_alphanumeric)
                })
            });
            match found {
                Some((name, placeholder)) => {
                    at += name.len();
                    // `{tenant}_auth` of `a-b` is `a_b_auth`, so the same of `abc` must be written alike.
                    let underscored = before == Some('_') || text[at..].starts_with('_');
                    out.push_str(if *placeholder == TENANT && underscored && !name.contains('-') {
                        TENANT_UNDERSCORED
                    } else {
                        placeholder
                    });
                }
                None => {
                    out.push(next);
                    at += next.len_utf8();
                }
            }
        }
        out
    }
}

type Map1<'a> = &'a dyn Fn(&str) -> String;

impl Entry {
    fn map_texts(&self, map: Map1<'_>) -> Entry {
        let Entry { tenants, op, subject, file, fields, notes, dangers } = self;
        Entry {
            tenants: tenants.clone(),
            op: *op,
            subject: subject.map_texts(map),
            file: map(file),
            fields: fields.iter().map(|field| field.map_texts(map)).collect(),
            notes: notes.clone(),
            dangers: dangers
                .iter()
                .map(|Danger { level, reason }| Danger { level: *level, reason: map(reason) })
                .collect(),
        }
    }
}

impl Subject {
    fn map_texts(&self, map: Map1<'_>) -> Subject {
        match self {
            Subject::Tenant { name } => Subject::Tenant { name: map(name) },
            Subject::File { path } => Subject::File { path: map(path) },
            Subject::Object { api_version, kind, namespace, name } => Subject::Object {
                api_version: api_version.clone(),
                kind: kind.clone(),
                namespace: namespace.as_deref().map(map),
                name: map(name),
            },
            Subject::Outside { kind, id, name, connection, holds_data } => Subject::Outside {
                kind: kind.clone(),
                id: map(id),
                name: map(name),
                connection: map(connection),
                holds_data: *holds_data,
            },
        }
    }
}

impl FieldChange {
    fn map_texts(&self, map: Map1<'_>) -> FieldChange {
        let FieldChange { path, change } = self;
        let all = |texts: &[String]| texts.iter().map(|text| map(text)).collect();
        let change = match change {
            Change::Added { to } => Change::Added { to: mapped(to, map) },
            Change::Removed { from } => Change::Removed { from: mapped(from, map) },
            Change::Changed { from, to } => Change::Changed { from: mapped(from, map), to: mapped(to, map) },
            Change::Lines { lines } => Change::Lines {
                lines: lines.iter().map(|Line { sign, text }| Line { sign: *sign, text: map(text) }).collect(),
            },
            Change::Reordered { from, to } => Change::Reordered { from: all(from), to: all(to) },
        };
        FieldChange { path: map(path), change }
    }
}

fn mapped(value: &Value, map: Map1<'_>) -> Value {
    match value {
        Value::String(text) => Value::String(map(text)),
        Value::Array(items) => items.iter().map(|item| mapped(item, map)).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (map(key), mapped(value, map))).collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(tenant: &str) -> Names {
        let own = Own { namespace: Some("shop-1a2b".to_owned()), uid: Some("0192-aa".to_owned()) };
        Names::new(tenant, Some(&own))
    }

    #[test]
    fn names_are_replaced_where_they_stand_alone() {
        assert_eq!(
            names("abc").replace("e-commerce-abc/abcd abc_auth shop-1a2b 0192-aa"),
            "e-commerce-{tenant}/abcd {tenant_}_auth {namespace} {uid}"
        );
        assert_eq!(names("a-b").replace("x-a-b a_b_auth a-bc"), "x-{tenant} {tenant_}_auth a-bc");
    }

    proptest! {
        #[test]
        fn putting_the_names_back_gives_the_text(text in "[ab_ /é-]{0,24}", tenant in "[ab](-?[ab]){0,3}") {
            let names = names(&tenant);
            let back = names.replace(&text).replace(TENANT_UNDERSCORED, &tenant.replace('-', "_")).replace(TENANT, &tenant);
            prop_assert_eq!(back, text);
        }
    }
}
