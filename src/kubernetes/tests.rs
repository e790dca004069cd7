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

fn definition(schema: Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.com" },
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": { "kind": "Widget", "plural": "widgets" },
            "versions": [
                { "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } },
                { "name": "v1alpha1", "served": false, "storage": false, "schema": { "openAPIV3Schema": { "type": "object" } } }
            ]
        }
    })
}

fn widget(spec: Value) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w", "namespace": "t" }, "spec": spec })
}

#[test]
fn an_estate_brings_its_own_kinds() {
    let schemas = Schemas::builtin()
        .with_definitions(&[definition(json!({
            "type": "object",
            "properties": { "spec": {
                "type": "object",
                "required": ["size", "mode"],
                "properties": {
                    "size": { "type": "integer", "format": "int64", "minimum": 1, "maximum": 10, "exclusiveMaximum": true },
                    "mode": { "type": "string", "enum": ["a", "b"], "default": "a" },
                    "name": { "type": "string", "pattern": "^[a-z]+$", "maxLength": 5 },
                    "memory": {
                        "anyOf": [{ "type": "integer" }, { "type": "string" }], "x-kubernetes-int-or-string": true,
                        "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
                    },
                    "tags": { "type": "array", "items": { "type": "string" }, "x-kubernetes-list-type": "set", "maxItems": 3 },
                    "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                    "from": {
                        "type": "object",
                        "properties": { "secret": { "type": "string" }, "file": { "type": "string", "nullable": true } },
                        "oneOf": [{ "required": ["secret"] }, { "required": ["file"] }]
                    }
                }
            } }
        }))])
        .unwrap();
    let info = schemas.kind("example.com/v1", "Widget").unwrap();
    assert_eq!((info.plural.as_str(), info.group.as_str(), info.namespaced), ("widgets", "example.com", true));
    assert!(schemas.kind("example.com/v1alpha1", "Widget").is_none(), "not served");
    assert!(schemas.kind("apps/v1", "Deployment").is_some());
    assert!(Schemas::builtin().kind("example.com/v1", "Widget").is_none());

    let good = json!({ "size": 9, "memory": "1Gi", "tags": ["x", "y"], "free": { "a": [{}] }, "from": { "file": null }, "name": "abc" });
    assert_eq!(schemas.validate(&widget(good.clone())), []);
    for (field, value, path, kind) in [
        ("size", json!(10), "/spec/size", FaultKind::OutOfRange),
        ("size", json!(0), "/spec/size", FaultKind::OutOfRange),
        ("mode", json!("c"), "/spec/mode", FaultKind::NotOneOf),
        ("name", json!("Abc"), "/spec/name", FaultKind::WrongForm),
        ("name", json!("abcdef"), "/spec/name", FaultKind::WrongLength),
        ("memory", json!("1 Gi"), "/spec/memory", FaultKind::WrongForm),
        ("tags", json!(["x", "x"]), "/spec/tags/1", FaultKind::Duplicate),
        ("tags", json!(["1", "2", "3", "4"]), "/spec/tags", FaultKind::WrongLength),
        ("from", json!({}), "/spec/from", FaultKind::Combination),
        ("from", json!({ "secret": "s", "file": "f" }), "/spec/from", FaultKind::Combination),
        ("other", json!(1), "/spec/other", FaultKind::UnknownField),
    ] {
        let mut spec = good.clone();
        spec[field] = value;
        let found: Vec<_> = schemas.validate(&widget(spec)).into_iter().map(|fault| (fault.path, fault.kind)).collect();
        assert_eq!(found, [(path.to_owned(), kind)], "{field}");
    }
}

#[test]
fn a_definition_of_the_estate_wins_over_a_built_in_one() {
    let mut replacement = definition(json!({ "type": "object", "properties": { "spec": { "type": "object" } } }));
    replacement["spec"]["group"] = json!("cert-manager.io");
    replacement["spec"]["names"] = json!({ "kind": "Certificate", "plural": "certificates" });
    let schemas = Schemas::builtin().with_definitions(&[replacement]).unwrap();
    let object =
        json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": "c" }, "spec": {} });
    assert_eq!(schemas.validate(&object), []);
    let missing: Vec<_> = faults(&object);
    assert_eq!(missing, vec![("/spec".to_owned(), FaultKind::MissingField); 2]);
}

#[test]
fn what_is_no_definition_is_refused() {
    let builtin = Schemas::builtin();
    let refused = |definition: Value| builtin.with_definitions(&[definition]).err().map(|error| error.to_string());
    assert!(refused(deployment()).unwrap().contains("not a CustomResourceDefinition"));
    assert!(
        refused(with(definition(json!({})), "/spec/scope", json!("Global"))).unwrap().contains("its scope is `Global`")
    );
    assert!(refused(with(definition(json!({})), "/spec/versions", json!(1))).unwrap().contains("lists no versions"));
    assert!(refused(definition(json!({ "type": 1 }))).unwrap().contains("is not readable"));
    assert!(refused(definition(json!({ "$ref": "#/x" }))).unwrap().contains("failed to use"));
    let deep = (0..500).fold(json!({ "type": "string" }), |inner, _| json!({ "type": "array", "items": inner }));
    assert!(refused(definition(deep)).unwrap().contains("nests deeper"));
}

#[test]
fn custom_resources_of_the_flagship_are_known() {
    for object in [
        json!({ "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": "db", "namespace": "t" }, "spec": {
            "refreshInterval": "1h", "secretStoreRef": { "name": "tenant", "kind": "SecretStore" }, "target": { "name": "db", "creationPolicy": "Owner" },
            "data": [{ "secretKey": "password", "remoteRef": { "key": "tenants/x/db", "property": "password" } }] } }),
        json!({ "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": { "name": "tenant", "namespace": "t" }, "spec": {
            "provider": { "vault": { "server": "https://vault", "path": "secret", "version": "v2",
                "auth": { "kubernetes": { "mountPath": "kubernetes", "role": "t", "serviceAccountRef": { "name": "eso" } } } } } } }),
        json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": { "name": "web", "namespace": "t" }, "spec": {
            "parentRefs": [{ "name": "public", "namespace": "gateway" }], "hostnames": ["a.example.com"],
            "rules": [{ "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }], "backendRefs": [{ "name": "web", "port": 80 }],
                "timeouts": { "request": "30s" } }] } }),
        json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": "tls", "namespace": "t" }, "spec": {
            "secretName": "tls", "issuerRef": { "name": "letsencrypt", "kind": "ClusterIssuer" }, "dnsNames": ["a.example.com"] } }),
        json!({ "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": { "name": "web", "namespace": "t" }, "spec": {
            "selector": { "matchLabels": { "app": "web" } }, "endpoints": [{ "port": "metrics", "interval": "30s" }] } }),
        json!({ "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": { "name": "web", "namespace": "t" }, "spec": {
            "groups": [{ "name": "tenant", "rules": [{ "alert": "Down", "expr": "up == 0", "for": "5m", "labels": { "severity": "page" } }] }] } }),
        json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": { "name": "tenants", "namespace": "argocd" }, "spec": {
            "goTemplate": true, "goTemplateOptions": ["missingkey=error"],
            "generators": [{ "git": { "repoURL": "https://git", "revision": "rendered", "files": [{ "path": "tenants/*/application.json" }] } }],
            "template": { "metadata": { "name": "{{ .name }}" }, "spec": { "project": "tenants",
                "source": { "repoURL": "https://git", "targetRevision": "rendered", "path": "{{ .path.path }}/manifests" },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": "{{ .namespace }}" },
                "syncPolicy": { "automated": { "prune": true, "selfHeal": true }, "syncOptions": ["CreateNamespace=false"] } } } } }),
        json!({ "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": { "name": "db", "namespace": "t" }, "spec": {
            "storage": { "size": "10Gi" }, "resources": { "requests": { "cpu": "1" } }, "bootstrap": { "initdb": { "database": "app", "owner": "app" } } } }),
    ] {
        assert_eq!(Schemas::builtin().validate(&object), [], "{}", object["kind"]);
        let unknown = with(object, "/spec/surely_not", json!(1));
        assert_eq!(faults(&unknown), [("/spec/surely_not".to_owned(), FaultKind::UnknownField)], "{}", unknown["kind"]);
    }
}

#[test]
fn published_strictness_is_back() {
    for (object, path, kind) in [
        (
            json!({ "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": { "name": "s" }, "spec": { "provider": {} } }),
            "/spec/provider",
            FaultKind::WrongLength,
        ),
        (
            json!({ "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": { "name": "s" },
            "spec": { "selector": {}, "endpoints": [{ "interval": "30 s" }] } }),
            "/spec/endpoints/0/interval",
            FaultKind::WrongForm,
        ),
        (
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "data": { "password": "päss" } }),
            "/data/password",
            FaultKind::WrongForm,
        ),
        (
            json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "s" }, "spec": { "limits": [{ "type": "container" }] } }),
            "/spec/limits/0/type",
            FaultKind::NotOneOf,
        ),
        (
            json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "s" },
            "spec": { "podSelector": {}, "policyTypes": ["ingress"] } }),
            "/spec/policyTypes/0",
            FaultKind::NotOneOf,
        ),
        (
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "s", "namespace": "s" } }),
            "/metadata/namespace",
            FaultKind::UnknownField,
        ),
        (
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "7-eleven" }, "spec": { "clusterIP": "None" } }),
            "/metadata/name",
            FaultKind::InvalidName,
        ),
        (
            json!({ "apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": { "name": "s" } }),
            "/apiVersion",
            FaultKind::RetiredVersion,
        ),
        (
            json!({ "apiVersion": "apps/v1", "kind": "Deploymint", "metadata": { "name": "s" } }),
            "/apiVersion",
            FaultKind::UnknownKind,
        ),
        (json!({ "kind": "Pod" }), "", FaultKind::UnknownKind),
        (json!([]), "", FaultKind::UnknownKind),
    ] {
        assert_eq!(faults(&object), [(path.to_owned(), kind)], "{object}");
    }
}

#[test]
fn a_deep_or_long_object_is_answered_in_bounded_time() {
    let nested = (0..1_000).fold(json!(1), |inner, _| json!([inner]));
    let object = with(deployment(), "/spec/template/spec/nodeSelector", nested);
    assert_eq!(faults(&object), [("/spec/template/spec/nodeSelector".to_owned(), FaultKind::WrongType)]);
    let env: Vec<Value> = (0..20_000).map(|n| json!({ "name": format!("E{}", n % 19_999) })).collect();
    let object = with(deployment(), &format!("{CONTAINER}/env"), json!(env));
    assert_eq!(faults(&object), [(format!("{CONTAINER}/env/19999"), FaultKind::Duplicate)]);
}

proptest::proptest! {
    #[test]
    fn no_value_in_no_place_makes_it_panic(place in 0_usize..60, text in "\\PC{0,40}", number: i64, choice in 0..6) {
        let value = match choice {
            0 => json!(text),
            1 => json!(number),
            2 => Value::Null,
            3 => json!([{ "name": text }, { "name": text }]),
            4 => json!({ text: number }),
            _ => json!(number as f64 / 3.0),
        };
        let mut object = deployment();
        let mut left = place;
        replace_nth(&mut object, &mut left, &value);
        for fault in Schemas::builtin().validate(&object) {
            proptest::prop_assert!(!fault.message.ends_with('.') && !fault.help.is_empty());
        }
    }
}

/// Puts `value` in the place of the n-th value of a tree, counted from the root down.
fn replace_nth(tree: &mut Value, left: &mut usize, value: &Value) {
    match left.checked_sub(1) {
        None => {
            *tree = value.clone();
            *left = usize::MAX;
            return;
        }
        Some(less) => *left = less,
    }
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| {
            if *left < 1_000 {
                replace_nth(item, left, value)
            }
        }),
        Value::Object(fields) => fields.values_mut().for_each(|field| {
            if *left < 1_000 {
                replace_nth(field, left, value)
            }
        }),
        _ => {}
    }
}
