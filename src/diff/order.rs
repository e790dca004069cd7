//! The order of a report: what is worst first, then the platform, then tenant by tenant.

use std::cmp::Ordering;

use super::change_set::{Entry, Level, Op, Subject};
use crate::provision;

/// Kinds in the order in which a reader thinks of a tenant, from the walls to the windows; others follow by alphabet.
const KINDS: [&str; 32] = [
    "Namespace",
    "AppProject",
    "ApplicationSet",
    "Application",
    "CustomResourceDefinition",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "SecretStore",
    "ExternalSecret",
    "Secret",
    "ConfigMap",
    "PersistentVolumeClaim",
    "StatefulSet",
    "Deployment",
    "DaemonSet",
    "Job",
    "CronJob",
    "Service",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "Gateway",
    "HTTPRoute",
    "Ingress",
    "Certificate",
    "ServiceMonitor",
    "PrometheusRule",
];

/// Sorts entries as [`super::ChangeSet`] promises.
pub(super) fn sort(entries: &mut [Entry]) {
    entries.sort_by(|a, b| worst(a).cmp(&worst(b)).then_with(|| group(a).cmp(&group(b))).then_with(|| subjects(a, b)));
}

/// Sorts no danger behind every danger; deletions, and tenants that lose all, come before the other dangers of a level.
fn worst(entry: &Entry) -> (bool, Option<Level>, bool) {
    let level = entry.dangers.iter().map(|danger| danger.level).min();
    let deletes = entry.op == Op::Delete || matches!(entry.subject, Subject::Tenant { .. });
    (level.is_none(), level, level.is_some() && !deletes)
}

/// The platform first, then what many tenants share, then single tenants by name.
fn group(entry: &Entry) -> (bool, std::cmp::Reverse<usize>, &[String]) {
    (!entry.tenants.is_empty(), std::cmp::Reverse(entry.tenants.len()), &entry.tenants)
}

fn subjects(a: &Entry, b: &Entry) -> Ordering {
    key(&a.subject).cmp(&key(&b.subject)).then_with(|| a.op.cmp(&b.op)).then_with(|| a.file.cmp(&b.file))
}

type Key<'a> = (u8, usize, &'a str, &'a str, &'a str);

fn key(subject: &Subject) -> Key<'_> {
    match subject {
        Subject::Tenant { name } => (0, 0, "", "", name),
        Subject::File { path } => (1, 0, "", "", path),
        Subject::Object { api_version: _, kind, namespace, name } => {
            let rank = KINDS.iter().position(|known| known == kind).unwrap_or(KINDS.len());
            (2, rank, kind, name, namespace.as_deref().unwrap_or_default())
        }
        Subject::Outside { kind, id, name, connection: _, holds_data: _ } => {
            let all = provision::Kind::ALL;
            let rank = all.iter().position(|known| known.name() == kind).unwrap_or(all.len());
            (3, rank, kind, id, name)
        }
    }
}

/// Returns the entries grouped by whom they concern, and in a group by subject: the platform first, then what many tenants
/// share, then single tenants by name.
pub(super) fn by_tenants(entries: &[Entry]) -> Vec<(&[String], Vec<&Entry>)> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| group(a).cmp(&group(b)).then_with(|| subjects(a, b)));
    sorted
        .chunk_by(|a, b| a.tenants == b.tenants)
        .map(|entries| (entries[0].tenants.as_slice(), entries.to_vec()))
        .collect()
}
