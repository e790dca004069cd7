//! Whose requests change: hosts that move from one tenant to another, or that nobody answers for any more.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    DiffError,
    change_set::{Danger, Entry, Level, Op, Subject},
    documents::{self, Changed, Side},
};
use crate::{kubernetes::ObjectId, tree::Tree};

/// Kinds that send the requests of hosts somewhere, each with the fields that name these.
const ROUTES: [(&str, &[&str]); 6] = [
    ("HTTPRoute", &["spec", "hostnames"]),
    ("GRPCRoute", &["spec", "hostnames"]),
    ("TLSRoute", &["spec", "hostnames"]),
    ("Ingress", &["spec", "rules", "host"]),
    ("IngressRoute", &["spec", "hosts"]),
    ("VirtualService", &["spec", "hosts"]),
];

/// The hosts that come to a tenant and go from it, each with the object that names it.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    come: BTreeMap<String, Subject>,
    gone: BTreeMap<String, Subject>,
}

impl Hosts {
    /// Compares the routes of one tenant; of a tenant whose routes are all the same, nothing is read.
    pub(super) fn between(folder: &str, files: &[Changed<'_>], base: &Tree, target: &Tree) -> Result<Self, DiffError> {
        let is_touched = files.iter().any(|file| [file.base, file.target].into_iter().flatten().any(may_route));
        if !is_touched {
            return Ok(Self::default());
        }
        let (before, after) = (of_tree(folder, Side::Base, base)?, of_tree(folder, Side::Target, target)?);
        let only = |these: &BTreeMap<String, Subject>, others: &BTreeMap<String, Subject>| {
            let only = these.iter().filter(|(host, _)| !others.contains_key(*host));
            only.map(|(host, subject)| (host.clone(), subject.clone())).collect()
        };
        Ok(Self { come: only(&after, &before), gone: only(&before, &after) })
    }
}

/// One tenant's changes, as far as hosts are concerned.
pub(super) struct Owned<'a> {
    pub(super) tenant: &'a str,
    pub(super) hosts: Hosts,
    pub(super) entries: &'a mut Vec<Entry>,
}

/// Adds the dangers of hosts that move or go to the entries of the objects that name them.
pub(super) fn add_dangers(owners: &mut [Owned<'_>]) {
    let of = |which: fn(&Hosts) -> &BTreeMap<String, Subject>| -> BTreeMap<String, String> {
        let all = owners.iter().flat_map(|owner| which(&owner.hosts).keys().map(|host| (host, owner.tenant)));
        all.map(|(host, tenant)| (host.clone(), tenant.to_owned())).collect()
    };
    let (takers, losers) = (of(|hosts| &hosts.come), of(|hosts| &hosts.gone));
    for Owned { tenant: _, hosts, entries } in owners {
        let is_deleted = entries.iter().any(|entry| entry.op == Op::Delete && is_tenant(&entry.subject));
        for (host, subject) in &hosts.come {
            if let Some(loser) = losers.get(host) {
                let reason = format!("requests to `{host}` come here; until now they went to the tenant `{loser}`");
                add(entries, subject, Danger::new(Level::Exposure, reason));
            }
        }
        for (host, subject) in &hosts.gone {
            match takers.get(host) {
                Some(taker) => {
                    let reason = format!("requests to `{host}` no longer come here; they go to the tenant `{taker}`");
                    add(entries, subject, Danger::new(Level::Disruption, reason));
                }
                // That a tenant goes with everything it has is said already.
                None if is_deleted => {}
                None => {
                    let reason = format!("nobody answers requests to `{host}` any more");
                    add(entries, subject, Danger::new(Level::Disruption, reason));
                }
            }
        }
    }
}

fn add(entries: &mut [Entry], subject: &Subject, danger: Danger) {
    if let Some(entry) = entries.iter_mut().find(|entry| is_same(&entry.subject, subject)) {
        entry.dangers.push(danger);
        entry.dangers.sort();
    }
}

/// An object that moves to another version of its kind stays what it is.
fn is_same(one: &Subject, other: &Subject) -> bool {
    match (one, other) {
        (
            Subject::Object { api_version: _, kind, namespace, name },
            Subject::Object { api_version: _, kind: other_kind, namespace: other_namespace, name: other_name },
        ) => (kind, namespace, name) == (other_kind, other_namespace, other_name),
        _ => one == other,
    }
}

fn is_tenant(subject: &Subject) -> bool {
    matches!(subject, Subject::Tenant { .. })
}

fn may_route(text: &str) -> bool {
    ROUTES.iter().any(|(kind, _)| text.contains(kind))
}

/// Returns the hosts that a tenant's routes name, with the first object that does.
fn of_tree(folder: &str, side: Side, tree: &Tree) -> Result<BTreeMap<String, Subject>, DiffError> {
    let mut hosts = BTreeMap::new();
    let files = tree.under(folder).filter(|(path, text)| documents::has_documents(path) && may_route(text));
    for (path, text) in files {
        for object in documents::read(path, side, text)? {
            let Ok(ObjectId { api_version, kind, namespace, name }) = ObjectId::of(&object) else { continue };
            let Some((_, way)) = ROUTES.iter().find(|(route, _)| *route == kind) else { continue };
            let subject = Subject::Object { api_version, kind, namespace, name };
            let mut named = Vec::new();
            collect(&object, way, &mut named);
            for host in named {
                hosts.entry(host.to_ascii_lowercase()).or_insert_with(|| subject.clone());
            }
        }
    }
    Ok(hosts)
}

/// Collects the texts at the end of a way of fields; lists on it are walked through.
fn collect<'v>(value: &'v Value, way: &[&str], found: &mut Vec<&'v str>) {
    match (value, way) {
        (Value::Array(items), _) => items.iter().for_each(|item| collect(item, way, found)),
        (Value::String(text), []) => found.push(text),
        (Value::Object(map), [field, rest @ ..]) => {
            map.get(*field).into_iter().for_each(|value| collect(value, rest, found));
        }
        _ => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::new();
        for (path, text) in files {
            tree.insert(*path, *text);
        }
        tree
    }

    fn route(host: &str) -> String {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: web, namespace: shop }}\n\
             spec: {{ hostnames: [{host}] }}\n"
        )
    }

    #[test]
    fn hosts_of_routes_and_ingresses_are_found() {
        let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: old }\n\
                       spec: { rules: [{ host: B.example }, { http: {} }, { host: c.example }] }\n";
        let tree =
            tree(&[("t/a/route.yaml", &route("a.example")), ("t/a/old.yaml", ingress), ("t/b/no.yaml", "a: b\n")]);
        let hosts = of_tree("t/", Side::Base, &tree).unwrap();
        assert_eq!(hosts.keys().collect::<Vec<_>>(), ["a.example", "b.example", "c.example"]);
    }

    /// A template of a chart that Argo CD renders looks like YAML and is none.
    #[test]
    fn templates_of_charts_are_passed_over() {
        let template = "kind: Ingress\nspec:\n  rules:\n    - host: {{ .Values.host }}\n      {{- end }}\n";
        let tree = tree(&[("t/a/manifests/charts/shop/templates/ingress.yaml", template)]);
        assert!(of_tree("t/", Side::Target, &tree).unwrap().is_empty());
    }

    #[test]
    fn a_host_that_another_object_takes_over_stays() {
        let (one, two) = (route("a.example"), route("a.example").replace("name: web", "name: other"));
        let (base, target) = (tree(&[("t/one.yaml", &one)]), tree(&[("t/two.yaml", &two)]));
        let files = [
            Changed { path: "t/one.yaml", base: Some(&one), target: None },
            Changed { path: "t/two.yaml", base: None, target: Some(&two) },
        ];
        let Hosts { come, gone } = Hosts::between("t/", &files, &base, &target).unwrap();
        assert!(come.is_empty() && gone.is_empty());
    }
}
