//! What a reviewer must not overlook in a change of a Kubernetes object.

mod immutable;
mod isolation;
mod quota;

use serde_json::Value;

use super::{
    change_set::{Danger, Level},
    documents::Pair,
};
use crate::kubernetes::Quantity;

/// Why a changed uid is dangerous, wherever it stands.
pub(super) const ANOTHER_UID: &str = "the uid changes: what carries the old one is not this tenant's any more";

/// Kinds whose deletion loses data, with the reason. A StatefulSet's volumes outlive it or not, by its own policy.
const LOST: [(&str, &str); 9] = [
    ("Namespace", "everything in the namespace goes with it"),
    ("PersistentVolumeClaim", "the volume goes with its data"),
    ("PersistentVolume", "the volume goes with its data"),
    ("StatefulSet", "its Pods go, and with them what they keep"),
    ("CustomResourceDefinition", "every object of its kind goes with it"),
    ("Application", "Argo CD deletes what it manages"),
    ("ApplicationSet", "Argo CD deletes every Application it made"),
    ("Cluster", "the databases of the cluster go with it"),
    ("Tenant", "the storage of the tenant goes with it"),
];

/// Kinds whose deletion opens something, with the reason.
const OPENED: [(&str, &str); 4] = [
    ("NetworkPolicy", "what it closed is open"),
    ("ResourceQuota", "nothing bounds what the namespace takes"),
    ("LimitRange", "nothing bounds what a container takes"),
    ("AppProject", "nothing bounds what its Applications may touch"),
];

pub(super) use quota::beneath_use;

/// Returns the dangers of a change of one object, secret values already hidden; `tenant` is whether a tenant owns it.
pub(super) fn of_object(kind: &str, pair: &Pair<&Value>, tenant: bool) -> Vec<Danger> {
    let mut dangers = match (pair.base, pair.target) {
        (Some(_), None) => deleted(kind),
        (None, Some(target)) => created(kind, target, tenant),
        (Some(base), Some(target)) => changed(kind, base, target),
        (None, None) => Vec::new(),
    };
    dangers.sort();
    dangers.dedup();
    dangers
}

/// What cannot be read as an amount is compared as it is written: better a false alarm.
pub(super) fn less(amount: &Value, than: &Value) -> bool {
    match (Quantity::of(amount), Quantity::of(than)) {
        (Ok(amount), Ok(than)) => amount < than,
        _ => amount != than,
    }
}

/// Returns the dangers of a changed file that holds no object: `application.json` and the like.
pub(super) fn of_file(base: &Value, target: &Value) -> Vec<Danger> {
    let mut dangers = Vec::new();
    if differs(base, target, "uid") {
        dangers.push(Danger::new(Level::Loss, ANOTHER_UID));
    }
    if differs(base, target, "namespace") {
        dangers
            .push(Danger::new(Level::Loss, "the tenant moves to another namespace; what is in the old one is deleted"));
    }
    dangers
}

/// Returns whether both values have the key, on the top or in the first level of maps, and not the same under it.
fn differs(base: &Value, target: &Value, key: &str) -> bool {
    match (base.get(key), target.get(key)) {
        (Some(before), Some(after)) => before != after,
        _ => base.as_object().into_iter().flatten().any(|(name, value)| {
            target.get(name).is_some_and(
                |other| matches!((value.get(key), other.get(key)), (Some(before), Some(after)) if before != after),
            )
        }),
    }
}

fn deleted(kind: &str) -> Vec<Danger> {
    let reason = |table: &[(&str, &'static str)]| table.iter().find(|(name, _)| *name == kind).map(|(_, why)| *why);
    let lost = reason(&LOST).map(|why| Danger::new(Level::Loss, why));
    lost.or_else(|| reason(&OPENED).map(|why| Danger::new(Level::Exposure, why))).into_iter().collect()
}

fn created(kind: &str, target: &Value, tenant: bool) -> Vec<Danger> {
    let mut dangers = isolation::of_created(kind, target);
    let cluster_wide = target.pointer("/metadata/namespace").is_none() && kind != "Namespace";
    if tenant && cluster_wide {
        dangers.push(Danger::new(Level::Exposure, "it belongs to the whole cluster, not to the tenant's namespace"));
    }
    dangers
}

fn changed(kind: &str, base: &Value, target: &Value) -> Vec<Danger> {
    let mut dangers = immutable::of_changed(kind, base, target);
    dangers.extend(isolation::of_changed(kind, base, target));
    let uid = "/metadata/annotations/tenantry.dev~1uid";
    if let (Some(before), after) = (base.pointer(uid), target.pointer(uid))
        && Some(before) != after
    {
        dangers.push(Danger::new(Level::Loss, ANOTHER_UID));
    }
    if kind == "ApplicationSet"
        && base.pointer("/spec/template/metadata/name") != target.pointer("/spec/template/metadata/name")
    {
        dangers.push(Danger::new(
            Level::Loss,
            "Applications get other names: Argo CD deletes the old ones and what they manage",
        ));
    }
    dangers
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn levels(kind: &str, base: Option<Value>, target: Option<Value>) -> Vec<Level> {
        let pair = Pair { base: base.as_ref(), target: target.as_ref() };
        of_object(kind, &pair, true).into_iter().map(|danger| danger.level).collect()
    }

    #[test]
    fn deletions_of_data_are_loss() {
        for (kind, _) in LOST {
            assert_eq!(levels(kind, Some(json!({})), None), [Level::Loss], "{kind}");
        }
        assert_eq!(levels("NetworkPolicy", Some(json!({})), None), [Level::Exposure]);
        assert!(levels("ConfigMap", Some(json!({})), None).is_empty());
    }

    #[test]
    fn new_objects_of_the_whole_cluster_are_exposure() {
        assert_eq!(levels("ClusterRole", None, Some(json!({"metadata": {"name": "a"}}))), [Level::Exposure]);
        assert!(levels("Namespace", None, Some(json!({"metadata": {"name": "a"}}))).is_empty());
        assert!(levels("ConfigMap", None, Some(json!({"metadata": {"name": "a", "namespace": "n"}}))).is_empty());
    }

    #[test]
    fn another_uid_or_namespace_is_loss() {
        let object = |uid: &str| json!({"metadata": {"namespace": "n", "annotations": {"tenantry.dev/uid": uid}}});
        assert_eq!(levels("Namespace", Some(object("1")), Some(object("2"))), [Level::Loss]);
        let file = |namespace: &str| json!({"tenant": {"namespace": namespace, "uid": "1"}});
        assert_eq!(of_file(&file("a"), &file("b")).len(), 1);
        assert!(of_file(&file("a"), &file("a")).is_empty());
    }
}
