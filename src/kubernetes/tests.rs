//! Real objects, right and wrong, against the embedded schemas.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "auth",
            "namespace": "e-commerce-abc",
            "labels": { "app.kubernetes.io/name": "auth", "tier": "premium" },
            "annotations": { "argocd.argoproj.io/sync-wave": "2" }
        },
        "spec": {
            "replicas": 3,
            "revisionHistoryLimit": 3,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": "0%" } },
            "selector": { "matchLabels": { "app.kubernetes.io/name": "auth" } },
            "template": {
                "metadata": { "labels": { "app.kubernetes.io/name": "auth" } },
                "spec": {
                    "serviceAccountName": "auth",
                    "automountServiceAccountToken": false,
                    "securityContext": { "runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": { "type": "RuntimeDefault" } },
                    "topologySpreadConstraints": [{
                        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": { "matchLabels": { "app.kubernetes.io/name": "auth" } }
                    }],
                    "containers": [{
                        "name": "auth",
                        "image": "ecommerce/auth-service:v1.2.3",
                        "imagePullPolicy": "IfNotPresent",
                        "ports": [{ "name": "http", "containerPort": 8100 }, { "name": "metrics", "containerPort": 9100, "protocol": "TCP" }],
                        "env": [
                            { "name": "TENANT", "value": "abc" },
                            { "name": "DB_PASSWORD", "valueFrom": { "secretKeyRef": { "name": "auth-db", "key": "password" } } }
                        ],
                        "resources": { "requests": { "cpu": "100m", "memory": "256Mi" }, "limits": { "cpu": 1, "memory": "512Mi" } },
                        "readinessProbe": { "httpGet": { "path": "/health", "port": "http" }, "periodSeconds": 10 },
                        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "readOnlyRootFilesystem": true },
                        "volumeMounts": [{ "name": "tmp", "mountPath": "/tmp" }]
                    }],
                    "volumes": [{ "name": "tmp", "emptyDir": {} }]
                }
            }
        }
    })
}

/// Returns the faults of an object as (path, kind).
fn faults(object: &Value) -> Vec<(String, FaultKind)> {
    Schemas::builtin().validate(object).into_iter().map(|fault| (fault.path, fault.kind)).collect()
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        parent => parent[field] = value,
    }
    object
}

const CONTAINER: &str = "/spec/template/spec/containers/0";

#[test]
fn a_real_deployment_is_fine() {
    assert_eq!(Schemas::builtin().validate(&deployment()), []);
}

#[test]
fn each_fault_is_found_where_it_is() {
    let container = |field: &str| format!("{CONTAINER}/{field}");
    for (pointer, value, at, kind) in [
        ("/spec/replica".to_owned(), json!(3), "/spec/replica".to_owned(), FaultKind::UnknownField),
        ("/spec/replicas".into(), json!("3"), "/spec/replicas".into(), FaultKind::WrongType),
        ("/spec/replicas".into(), json!(-1), "/spec/replicas".into(), FaultKind::OutOfRange),
        ("/spec/replicas".into(), json!(1.5), "/spec/replicas".into(), FaultKind::WrongType),
        ("/spec/replicas".into(), json!(4_000_000_000_u64), "/spec/replicas".into(), FaultKind::OutOfRange),
        ("/spec/replicas".into(), json!(u64::MAX), "/spec/replicas".into(), FaultKind::WrongType),
        ("/spec/selector".into(), Value::Null, "/spec/selector".into(), FaultKind::WrongType),
        ("/spec/strategy/type".into(), json!("Rolling"), "/spec/strategy/type".into(), FaultKind::NotOneOf),
        (
            "/spec/strategy/rollingUpdate/maxSurge".into(),
            json!(true),
            "/spec/strategy/rollingUpdate/maxSurge".into(),
            FaultKind::WrongType,
        ),
        (container("imagePullPolicy"), json!("always"), container("imagePullPolicy"), FaultKind::NotOneOf),
        (container("name"), json!("Auth_1"), container("name"), FaultKind::InvalidName),
        (container("ports/0/containerPort"), json!(0), container("ports/0/containerPort"), FaultKind::OutOfRange),
        (container("ports/1/containerPort"), json!(8100), container("ports/1"), FaultKind::Duplicate),
        (container("ports/1/name"), json!("http"), container("ports/1"), FaultKind::Duplicate),
        (container("ports/1/protocol"), json!("tcp"), container("ports/1/protocol"), FaultKind::NotOneOf),
        (container("env/1/name"), json!("TENANT"), container("env/1"), FaultKind::Duplicate),
        (container("env/0/value"), json!(1), container("env/0/value"), FaultKind::WrongType),
        (
            container("resources/limits/memory"),
            json!("512 Mi"),
            container("resources/limits/memory"),
            FaultKind::WrongForm,
        ),
        (
            container("resources/limits/memory"),
            json!("512MB"),
            container("resources/limits/memory"),
            FaultKind::WrongForm,
        ),
        (container("livenessprobe"), json!({}), container("livenessprobe"), FaultKind::UnknownField),
        (
            "/spec/template/spec/containers".into(),
            json!([]),
            "/spec/template/spec/containers".into(),
            FaultKind::WrongLength,
        ),
        ("/metadata/labels/tier".into(), json!("a b"), "/metadata/labels/tier".into(), FaultKind::InvalidLabel),
        ("/metadata/labels/tier".into(), json!(true), "/metadata/labels/tier".into(), FaultKind::WrongType),
        ("/metadata/name".into(), json!("Auth"), "/metadata/name".into(), FaultKind::InvalidName),
        ("/metadata/lables".into(), json!({}), "/metadata/lables".into(), FaultKind::UnknownField),
        (
            "/spec/template/metadata/labels/x".into(),
            json!("a@b"),
            "/spec/template/metadata/labels/x".into(),
            FaultKind::InvalidLabel,
        ),
    ] {
        let object = with(deployment(), &pointer, value.clone());
        assert_eq!(faults(&object), [(at, kind)], "{pointer} = {value}");
    }
}

#[test]
fn missing_fields_are_named() {
    for (pointer, field) in
        [("/spec", "selector"), (CONTAINER, "image"), ("/metadata", "name"), ("", "spec"), ("", "metadata")]
    {
        let mut object = deployment();
        object.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field);
        let found = Schemas::builtin().validate(&object);
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!((found[0].path.as_str(), found[0].kind), (pointer, FaultKind::MissingField));
        assert_eq!(found[0].message, format!("required field `{field}` is missing"));
    }
}

#[test]
fn a_slip_of_the_fingers_is_recognised() {
    let mut object = deployment();
    let container = object.pointer_mut(CONTAINER).unwrap().as_object_mut().unwrap();
    let policy = container.remove("imagePullPolicy").unwrap();
    container.insert("imagePullPolcy".to_owned(), policy);
    let expected = Fault {
        path: format!("{CONTAINER}/imagePullPolcy"),
        kind: FaultKind::UnknownField,
        message: "unknown field `imagePullPolcy`".to_owned(),
        help: "did you mean `imagePullPolicy`?".to_owned(),
    };
    assert_eq!(Schemas::builtin().validate(&object), [expected]);
}
