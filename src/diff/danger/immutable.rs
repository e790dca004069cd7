//! Fields that Kubernetes refuses to change, and amounts that shrink.

use serde_json::{Map, Value};

use super::{
    super::change_set::{Danger, Level},
    less,
};

/// Fields that cannot change once the object exists. Source: the update validation of the API server
/// (kubernetes/kubernetes, pkg/apis/*/validation).
const IMMUTABLE: [(&str, &[&str]); 9] = [
    ("Deployment", &["/spec/selector"]),
    ("DaemonSet", &["/spec/selector"]),
    ("Service", &["/spec/clusterIP", "/spec/clusterIPs"]),
    ("Job", &["/spec/selector", "/spec/completions", "/spec/completionMode", "/spec/template"]),
    ("RoleBinding", &["/roleRef"]),
    ("ClusterRoleBinding", &["/roleRef"]),
    ("StorageClass", &["/provisioner", "/parameters", "/reclaimPolicy", "/volumeBindingMode"]),
    ("Secret", &["/type"]),
    ("PersistentVolume", &["/spec/csi", "/spec/nfs", "/spec/volumeMode"]),
];

/// What may change in the `spec` of these kinds; all else may not.
const MUTABLE: [(&str, &[&str]); 2] = [
    (
        "StatefulSet",
        &[
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ],
    ),
    ("PersistentVolumeClaim", &["resources", "volumeAttributesClassName"]),
];

/// Returns why a change of an existing object is refused, or takes something away.
pub(super) fn of_changed(kind: &str, base: &Value, target: &Value) -> Vec<Danger> {
    // Argo CD deletes a hook before it makes it anew.
    if kind == "Job" && target.pointer("/metadata/annotations/argocd.argoproj.io~1hook").is_some() {
        return Vec::new();
    }
    let mut dangers: Vec<Danger> = refused(kind, base, target)
        .into_iter()
        .map(|field| Danger::new(Level::Disruption, format!("`{field}` cannot change: Kubernetes refuses the object")))
        .collect();
    dangers.extend(shrinks(kind, base, target));
    dangers
}

fn refused(kind: &str, base: &Value, target: &Value) -> Vec<String> {
    let mut fields = Vec::new();
    for pointer in IMMUTABLE.iter().filter(|(of, _)| *of == kind).flat_map(|(_, pointers)| *pointers) {
        let (before, after) = (base.pointer(pointer), target.pointer(pointer));
        // The server gives a Service its address and a Job its selector: leaving them out changes nothing.
        let given = before.is_some() && after.is_some()
            || kind != "Service" && !(kind == "Job" && *pointer == "/spec/selector");
        if given && before != after {
            fields.push(pointer.trim_start_matches('/').replace('/', "."));
        }
    }
    let empty = Map::new();
    let spec =
        |value: &'_ Value| value.get("spec").and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
    for (_, mutable) in MUTABLE.iter().filter(|(of, _)| *of == kind) {
        let (before, after) = (spec(base), spec(target));
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        fields.extend(
            keys.into_iter()
                .filter(|key| !mutable.contains(&key.as_str()) && before.get(*key) != after.get(*key))
                .map(|key| format!("spec.{key}")),
        );
    }
    let frozen = base.get("immutable") == Some(&Value::Bool(true));
    if frozen && ["data", "binaryData", "stringData"].iter().any(|key| base.get(*key) != target.get(*key)) {
        fields.push("data".to_owned());
    }
    fields
}

fn shrinks(kind: &str, base: &Value, target: &Value) -> Vec<Danger> {
    let (pointer, then) = match kind {
        "ResourceQuota" => ("/spec/hard", "Pods and objects beyond it are refused"),
        "PersistentVolumeClaim" => {
            ("/spec/resources/requests", "a volume cannot shrink: Kubernetes refuses the object")
        }
        _ => return Vec::new(),
    };
    let (Some(before), Some(after)) = (amounts(base, pointer), amounts(target, pointer)) else { return Vec::new() };
    let lowered = lowered(base, target, pointer);
    let lowered = lowered.iter().map(String::as_str);
    // A bound that comes where there was none is lower than none.
    let new = after.keys().filter(|key| kind == "ResourceQuota" && !before.contains_key(*key)).map(String::as_str);
    let names: Vec<&str> = lowered.chain(new).collect();
    if names.is_empty() {
        return Vec::new();
    }
    vec![Danger::new(Level::Disruption, format!("less of {}: {then}", names.join(", ")))]
}

/// Returns the keys of a map of amounts that both have, and the target less of.
pub(super) fn lowered(base: &Value, target: &Value, pointer: &str) -> Vec<String> {
    let (Some(before), Some(after)) = (amounts(base, pointer), amounts(target, pointer)) else { return Vec::new() };
    let less = |(key, amount): &(&String, &Value)| before.get(*key).is_some_and(|before| less(amount, before));
    after.iter().filter(less).map(|(key, _)| key.clone()).collect()
}

fn amounts<'a>(value: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    value.pointer(pointer).and_then(Value::as_object)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reasons(kind: &str, base: Value, target: Value) -> Vec<String> {
        of_changed(kind, &base, &target).into_iter().map(|danger| danger.reason).collect()
    }

    #[test]
    fn immutable_fields_are_named() {
        let deployment = |app: &str, replicas: u32| json!({"spec": {"selector": {"app": app}, "replicas": replicas}});
        assert_eq!(
            reasons("Deployment", deployment("a", 1), deployment("b", 1)),
            ["`spec.selector` cannot change: Kubernetes refuses the object"]
        );
        assert!(reasons("Deployment", deployment("a", 1), deployment("a", 2)).is_empty());
        let set = |service: &str| json!({"spec": {"serviceName": service, "replicas": 1}});
        assert_eq!(reasons("StatefulSet", set("a"), set("b")).len(), 1);
        let service = |address: Value| json!({"spec": {"clusterIP": address}});
        assert_eq!(reasons("Service", service(json!("10.0.0.1")), service(json!("None"))).len(), 1);
        assert!(reasons("Service", service(json!("10.0.0.1")), json!({"spec": {}})).is_empty());
        let frozen = |value: &str| json!({"immutable": true, "data": {"a": value}});
        assert_eq!(reasons("ConfigMap", frozen("1"), frozen("2")).len(), 1);
    }

    #[test]
    fn a_hook_is_made_anew() {
        let job = |image: &str, hook: bool| {
            let annotations = if hook { json!({"argocd.argoproj.io/hook": "PreSync"}) } else { json!({}) };
            json!({"metadata": {"annotations": annotations}, "spec": {"template": {"image": image}}})
        };
        assert_eq!(reasons("Job", job("a", false), job("b", false)).len(), 1);
        assert!(reasons("Job", job("a", true), job("b", true)).is_empty());
    }

    #[test]
    fn amounts_are_compared_as_amounts() {
        let quota = |cpu: &str| json!({"spec": {"hard": {"requests.cpu": cpu}}});
        assert!(reasons("ResourceQuota", quota("1500m"), quota("2")).is_empty());
        assert_eq!(
            reasons("ResourceQuota", quota("2"), quota("1500m")),
            ["less of requests.cpu: Pods and objects beyond it are refused"]
        );
        let claim = |storage: &str| json!({"spec": {"resources": {"requests": {"storage": storage}}}});
        assert_eq!(reasons("PersistentVolumeClaim", claim("1Ti"), claim("500Gi")).len(), 1);
        assert!(reasons("PersistentVolumeClaim", claim("500Gi"), claim("1Ti")).is_empty());
    }
}
