//! Changes that Argo CD does not see: hooks are not part of what it compares.

use serde_json::Value;

use super::{
    change_set::{Danger, Entry, Level, Op, Subject},
    documents::{Document, Documents, Pair},
};

/// Annotations that make an object a hook. Argo CD takes helm's for its own.
/// Source: argo-cd, docs/user-guide/sync-waves.md and docs/user-guide/helm.md.
const ANNOTATIONS: [&str; 2] = ["argocd.argoproj.io/hook", "helm.sh/hook"];

/// Returns whether hooks are all that changes: then Argo CD finds nothing to sync, and runs none of them.
pub(super) fn are_all_that_changes(documents: &Documents) -> bool {
    let mut changed = documents.objects.values().filter(|pair| is_changed(pair)).peekable();
    changed.peek().is_some() && changed.all(is_hook)
}

/// Adds the danger to each hook that was meant to run.
pub(super) fn add_dangers(entries: &mut [Entry]) {
    let meant = |entry: &&mut Entry| {
        matches!(entry.subject, Subject::Object { .. }) && matches!(entry.op, Op::Change | Op::Create)
    };
    for entry in entries.iter_mut().filter(meant) {
        let reason = "nothing but hooks changes: Argo CD does not compare these, so it syncs nothing and runs none";
        entry.dangers.push(Danger::new(Level::Disruption, reason));
        entry.dangers.sort();
    }
}

fn is_changed(pair: &Pair<Document>) -> bool {
    let value = |side: &Option<Document>| side.as_ref().map(|document| document.value.clone());
    value(&pair.base) != value(&pair.target)
}

fn is_hook(pair: &Pair<Document>) -> bool {
    let annotated = |document: &Document| {
        let annotations = document.value.pointer("/metadata/annotations").and_then(Value::as_object);
        annotations.is_some_and(|all| ANNOTATIONS.iter().any(|name| all.contains_key(*name)))
    };
    // What was an object of its own, and becomes a hook, goes from what is compared.
    [&pair.base, &pair.target].into_iter().flatten().all(annotated)
}
