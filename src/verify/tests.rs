//! Tests of the rules: one small tenant that is right, and changes of it that are not.

#![allow(clippy::unwrap_used)]

mod applications;
mod estate;
mod identity;
mod keys;
mod monitoring;
mod network;
mod overlaps;
mod pods;
mod quota;
mod reach;
mod releases;
mod routes;
mod secrets;
mod seeds;
mod services;
mod sync;
mod workloads;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    plan::{Hosts, PlatformPlan, RegionPlan, TenantPlan, TierPlan},
    provision::{Document, Metadata},
    raw::{tenant::State, tier::Format},
    rendered::RenderedObject,
    tree::Tree,
};

/// Returns the plan of the tenant `abc` of the tier `standard`.
pub(super) fn plan() -> Plan {
    let text = str::to_owned;
    Plan {
        platform: Arc::new(PlatformPlan {
            name: text("shops"),
            display_name: text("Shops"),
            domain: text("example.com"),
            routing: serde_json::from_value(json!({ "kind": "gateway", "name": "public", "namespace": "gateway" })).unwrap(),
            network: serde_json::from_value(json!({ "monitoring": "monitoring" })).unwrap(),
            argocd: serde_json::from_value(json!({ "project": "tenants", "repoUrl": "https://git.example.com/x.git" })).unwrap(),
            provisioning: serde_json::from_value(json!({
                "namespace": "platform", "image": "tenantry:v1", "serviceAccount": "tenantry", "credentialsSecret": "credentials",
            }))
            .unwrap(),
            settings: Map::new(),
        }),
        region: Arc::new(RegionPlan { name: text("us-east"), server: text("https://kubernetes.default.svc"), settings: Map::new() }),
        tenant: TenantPlan {
            name: "abc".parse().unwrap(),
            uid: text("0192f0c1-0000-7000-8000-000000000001"),
            display_name: text("ABC"),
            subdomain: text("abc"),
            contacts: serde_json::from_value(json!({ "admin": "admin@abc.example" })).unwrap(),
            subscription: String::new(),
            state: State::Active,
            running: true,
            trial_ends: None,
            delete_after: None,
            values: Map::new(),
        },
        tier: TierPlan {
            name: "standard".parse().unwrap(),
            format: Format::Kustomize,
            bundles: vec![text("shop")],
            quota: BTreeMap::new(),
            limits: serde_json::from_value(json!({})).unwrap(),
            settings: Map::new(),
            kustomize: serde_json::from_value(json!({})).unwrap(),
            chart: None,
        },
        namespace: text("shop-abc"),
        application: text("shop-abc"),
        release: text("shop-abc"),
        hosts: Hosts { primary: text("abc.example.com"), custom: vec![], all: vec![text("abc.example.com")] },
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        services: BTreeMap::new(),
        provisions: BTreeMap::new(),
        document: Document {
            api_version: text("tenantry.dev/v1"),
            kind: text("Provision"),
            metadata: Metadata { tenant: text("abc"), uid: String::new(), state: text("active"), delete_after: None },
            connections: BTreeMap::new(),
            resources: vec![],
        },
    }
}

/// Returns an object in the tenant's namespace.
pub(super) fn object(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object =
        json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": "shop-abc" } });
    merge(&mut object, rest);
    object
}

/// Lays fields over others: maps key by key, null takes a key away, anything else replaces.
pub(super) fn merge(beneath: &mut Value, above: Value) {
    match (beneath, above) {
        (Value::Object(fields), Value::Object(above)) => {
            for (key, value) in above {
                if value.is_null() {
                    fields.remove(&key);
                } else {
                    merge(fields.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (beneath, above) => *beneath = above,
    }
}

/// Returns a container that keeps to every rule.
pub(super) fn container(name: &str) -> Value {
    json!({
        "name": name,
        "image": "shops/auth:v1.2.3",
        "ports": [{ "name": "http", "containerPort": 8080 }],
        "envFrom": [{ "configMapRef": { "name": "settings" } }, { "secretRef": { "name": "auth-credentials" } }],
        "resources": { "requests": { "cpu": "100m", "memory": "128Mi" }, "limits": { "cpu": "200m", "memory": "256Mi" } },
        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
    })
}

/// Returns the template of a Pod that keeps to every rule.
pub(super) fn template(name: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": name } },
        "spec": {
            "serviceAccountName": "auth",
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [container(name)],
        },
    })
}

pub(super) fn job(name: &str) -> Value {
    let mut template = template(name);
    template["spec"]["restartPolicy"] = json!("Never");
    object(
        "batch/v1",
        "Job",
        name,
        json!({
            "metadata": { "annotations": { "argocd.argoproj.io/hook": "Sync" } },
            "spec": { "activeDeadlineSeconds": 300, "template": template },
        }),
    )
}

/// Returns the objects of a tenant that keeps to every rule, by names for the tests.
pub(super) fn right() -> BTreeMap<&'static str, Value> {
    let dns = json!({
        "to": [{
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
            "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
        }],
        "ports": [{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }],
    });
    let named = |name: &str| json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } });
    let ingress = json!([{ "from": [{ "podSelector": {} }, named("gateway"), named("monitoring")] }]);
    BTreeMap::from([
        (
            "namespace",
            json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": { "name": "shop-abc", "labels": { "pod-security.kubernetes.io/enforce": "restricted" } },
            }),
        ),
        (
            "quota",
            object(
                "v1",
                "ResourceQuota",
                "quota",
                json!({
                    "spec": { "hard": { "requests.cpu": "1", "requests.memory": "1Gi", "limits.cpu": "2", "limits.memory": "2Gi", "count/deployments.apps": "5" } },
                }),
            ),
        ),
        (
            "limits",
            object(
                "v1",
                "LimitRange",
                "limits",
                json!({
                    "spec": { "limits": [{ "type": "Container", "max": { "cpu": "1", "memory": "1Gi" }, "min": { "cpu": "10m", "memory": "16Mi" } }] },
                }),
            ),
        ),
        ("account", object("v1", "ServiceAccount", "auth", json!({}))),
        ("settings", object("v1", "ConfigMap", "settings", json!({ "data": { "LOG_LEVEL": "info" } }))),
        (
            "store",
            object(
                "external-secrets.io/v1",
                "SecretStore",
                "tenant",
                json!({
                    "spec": { "provider": { "vault": {
                        "server": "https://vault.example.com", "path": "secret", "version": "v2",
                        "auth": { "kubernetes": { "mountPath": "kubernetes", "role": "tenant" } },
                    } } },
                }),
            ),
        ),
        (
            "credentials",
            object(
                "external-secrets.io/v1",
                "ExternalSecret",
                "auth-credentials",
                json!({
                    "spec": {
                        "secretStoreRef": { "kind": "SecretStore", "name": "tenant" },
                        "target": { "name": "auth-credentials" },
                        "data": [{ "secretKey": "DB_PASSWORD", "remoteRef": { "key": "tenants/shop-abc/auth", "property": "password" } }],
                    },
                }),
            ),
        ),
        (
            "deployment",
            object(
                "apps/v1",
                "Deployment",
                "auth",
                json!({
                    "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "auth" } }, "template": template("auth") },
                }),
            ),
        ),
        (
            "service",
            object(
                "v1",
                "Service",
                "auth",
                json!({
                    "metadata": { "labels": { "app": "auth" } },
                    "spec": { "selector": { "app": "auth" }, "ports": [{ "name": "http", "port": 80, "targetPort": "http" }] },
                }),
            ),
        ),
        (
            "budget",
            object(
                "policy/v1",
                "PodDisruptionBudget",
                "auth",
                json!({
                    "spec": { "maxUnavailable": 1, "selector": { "matchLabels": { "app": "auth" } } },
                }),
            ),
        ),
        (
            "monitor",
            object(
                "monitoring.coreos.com/v1",
                "ServiceMonitor",
                "auth",
                json!({
                    "spec": { "selector": { "matchLabels": { "app": "auth" } }, "endpoints": [{ "port": "http" }] },
                }),
            ),
        ),
        (
            "network",
            object(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "default",
                json!({
                    "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": ingress, "egress": [dns] },
                }),
            ),
        ),
        (
            "route",
            object(
                "gateway.networking.k8s.io/v1",
                "HTTPRoute",
                "auth",
                json!({
                    "spec": {
                        "hostnames": ["abc.example.com"],
                        "parentRefs": [{ "name": "public", "namespace": "gateway" }],
                        "rules": [{ "backendRefs": [{ "name": "auth", "port": 80 }] }],
                    },
                }),
            ),
        ),
        (
            "alerts",
            object(
                "monitoring.coreos.com/v1",
                "PrometheusRule",
                "tenant",
                json!({
                    "spec": { "groups": [{ "name": "tenant", "rules": [{
                        "alert": "Memory",
                        "expr": "sum(container_memory_working_set_bytes{container!=\"\"}) / sum(kube_resourcequota{type=\"hard\"}) > 0.9",
                    }] }] },
                }),
            ),
        ),
        (
            "dashboard",
            object(
                "v1",
                "ConfigMap",
                "dashboard",
                json!({
                    "metadata": { "labels": { "grafana_dashboard": "1" } },
                    "data": { "abc.json": "{\"title\":\"ABC\",\"panels\":[]}" },
                }),
            ),
        ),
        ("migration", job("migration")),
    ])
}

pub(super) fn verifier() -> Verifier {
    Verifier::new(&estate::estate()).unwrap()
}

/// Returns the objects as templates would have made them, each in a file of its own.
pub(super) fn rendered(objects: impl IntoIterator<Item = Value>) -> Rendered {
    let template = |(entry, value)| RenderedObject {
        path: format!("tenants/abc/manifests/{entry:04}.yaml"),
        origin: Origin::Template { file: "templates/shop/all.yaml.j2".to_owned(), entry, item: 0, document: 0 },
        value,
    };
    Rendered {
        tenant: "abc".parse().unwrap(),
        objects: objects.into_iter().enumerate().map(template).collect(),
        files: Tree::new(),
    }
}

/// Verifies objects; the place of a finding is its JSON pointer.
pub(super) fn findings(plan: &Plan, objects: impl IntoIterator<Item = Value>) -> Vec<Diagnostic> {
    let places = |_: &Plan, _: &Origin, pointer: &str| Place::file(pointer);
    verifier().verify(plan, &rendered(objects), &places)
}

/// Changes one object of the right tenant and returns the findings.
pub(super) fn changed(name: &str, change: Value) -> Vec<Diagnostic> {
    changed_by(|objects| merge(objects.get_mut(name).unwrap(), change))
}

/// Changes the right tenant and returns the findings.
pub(super) fn changed_by(change: impl FnOnce(&mut BTreeMap<&'static str, Value>)) -> Vec<Diagnostic> {
    let mut objects = right();
    change(&mut objects);
    findings(&plan(), objects.into_values())
}

/// Adds an object to the right tenant and returns the findings.
pub(super) fn with(object: Value) -> Vec<Diagnostic> {
    changed_by(|objects| drop(objects.insert("another", object)))
}

/// Asserts that there is one finding of this rule at this pointer, whose message holds a text, and nothing else.
#[track_caller]
pub(super) fn assert_only(findings: &[Diagnostic], code: Code, pointer: &str, message: &str) {
    let [finding] = findings else { panic!("one finding was expected: {findings:#?}") };
    assert_eq!((finding.code, finding.place.file.as_str()), (code, pointer), "{finding:#?}");
    assert!(finding.message.contains(message), "{}", finding.message);
    assert_eq!(finding.tenant.as_deref(), Some("abc"));
    assert_eq!(finding.severity, code.severity());
}

#[track_caller]
pub(super) fn assert_none(findings: &[Diagnostic]) {
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_tenant_that_keeps_to_every_rule_has_no_finding() {
    assert_none(&findings(&plan(), right().into_values()));
}

#[test]
fn a_suspended_tenant_keeps_its_references() {
    let suspended = changed("deployment", json!({ "spec": { "replicas": 0 } }));
    assert_none(&suspended);
}

#[test]
fn findings_of_what_we_make_ourselves_stand_at_the_estate_file() {
    let mut rendered = rendered(right().into_values());
    for (origin, file) in [(Origin::Generated, "tenantry.yaml"), (Origin::Inflated, "tiers/standard.yaml")] {
        let mut broken = object("v1", "ConfigMap", "digest", json!({}));
        merge(&mut broken, json!({ "data": { "a": 1 } }));
        rendered.objects.truncate(right().len());
        rendered.objects.push(RenderedObject { path: "x.yaml".to_owned(), origin, value: broken });
        let found = verifier().verify(&plan(), &rendered, &|_: &Plan, _: &Origin, _: &str| Place::file("template"));
        assert_only(&found, Code::ObjectWrongType, file, "digest");
    }
}

#[test]
fn beyond_a_hundred_findings_lines_are_no_longer_looked_up() {
    let looked_up = std::cell::Cell::new(0);
    let places = |_: &Plan, _: &Origin, pointer: &str| {
        looked_up.set(looked_up.get() + 1);
        Place::file(pointer)
    };
    let secrets = (0..150).map(|n| object("v1", "Secret", &format!("s{n}"), json!({ "stringData": { "a": "b" } })));
    let found = verifier().verify(&plan(), &rendered(secrets), &places);
    assert_eq!((found.len(), looked_up.get()), (150, 100));
    assert_eq!(found[149].place, Place::file("templates/shop/all.yaml.j2"));
}

#[test]
fn values_of_any_form_never_panic() {
    let odd =
        [json!(null), json!([]), json!(""), json!(-1), json!({}), json!([null, {}, []]), json!({ "a": { "b": [1] } })];
    for (name, right) in right() {
        let mut pointers = Vec::new();
        collect(&right, String::new(), &mut pointers);
        for pointer in pointers {
            for value in &odd {
                let mut objects = self::right();
                *objects.get_mut(name).unwrap().pointer_mut(&pointer).unwrap() = value.clone();
                findings_with(&VERIFIER, objects);
            }
        }
    }
}

static VERIFIER: std::sync::LazyLock<Verifier> = std::sync::LazyLock::new(verifier);

fn findings_with(verifier: &Verifier, objects: BTreeMap<&'static str, Value>) -> Vec<Diagnostic> {
    verifier
        .verify(&plan(), &rendered(objects.into_values()), &|_: &Plan, _: &Origin, pointer: &str| Place::file(pointer))
}

/// Lists the pointers of all values of an object.
fn collect(value: &Value, pointer: String, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(item, format!("{pointer}/{index}"), out))
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| collect(value, super::object::below(&pointer, key), out))
        }
        _ => {}
    }
    out.push(pointer);
}
