//! Findings among tenants; and classes against all pairs, over random estates.

#![allow(clippy::unwrap_used)]

mod random;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{
    rendered::{Origin, Rendered, RenderedObject},
    tree::Tree,
    verify::{
        Verifier,
        tests::{plan, verifier},
    },
};

/// A tenant with a plan and objects; its namespace is `shop-<name>`.
pub(super) struct Shop {
    pub plan: Plan,
    pub rendered: Rendered,
}

impl Shop {
    pub fn new(name: &str, objects: Vec<Value>) -> Self {
        let mut plan = plan();
        plan.tenant.name = name.parse().unwrap();
        plan.tenant.uid = format!("uid-of-{name}");
        plan.tenant.subdomain = name.to_owned();
        plan.namespace = format!("shop-{name}");
        plan.application = format!("shop-{name}");
        plan.release = format!("shop-{name}");
        let template = |(entry, mut value): (usize, Value)| {
            if value["kind"] == "Namespace" {
                value["metadata"]["name"] = json!(plan.namespace);
            } else if value["metadata"].get("namespace") == Some(&json!("own")) {
                value["metadata"]["namespace"] = json!(plan.namespace);
            }
            RenderedObject {
                path: format!("{entry}.yaml"),
                origin: Origin::Template { file: format!("{name}.j2"), entry, item: 0, document: 0 },
                value,
            }
        };
        let rendered = Rendered {
            tenant: name.parse().unwrap(),
            objects: objects.into_iter().enumerate().map(template).collect(),
            files: Tree::new(),
        };
        Self { plan, rendered }
    }
}

fn places(_: &Plan, origin: &Origin, pointer: &str) -> Place {
    let Origin::Template { file, .. } = origin else { return Place::file("tenantry.yaml") };
    Place::file(format!("{file}{pointer}"))
}

/// Returns what is wrong with tenants together, told in one order or the other.
fn together(shops: &[Shop], reversed: bool) -> Vec<Diagnostic> {
    let verifier: Verifier = verifier();
    let across = Across::new();
    let mut order: Vec<&Shop> = shops.iter().collect();
    if reversed {
        order.reverse();
    }
    for shop in order {
        across.add(&verifier.tenant(&shop.plan, &shop.rendered, |_, _| {}), &verifier.schemas);
    }
    let by_name: BTreeMap<&str, &Shop> = shops.iter().map(|shop| (shop.plan.tenant.name.as_str(), shop)).collect();
    let again = |name: &str| by_name.get(name).map(|shop| (shop.plan.clone(), shop.rendered.clone()));
    verifier.conclude(across, again, &places)
}

fn found(shops: &[Shop]) -> Vec<Diagnostic> {
    let found = together(shops, false);
    assert_eq!(found, together(shops, true), "the order of tenants does not matter");
    found
}

fn namespace(labels: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "", "labels": labels } })
}

fn own(api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": "own" }, "spec": spec })
}

fn web() -> Value {
    own(
        "apps/v1",
        "Deployment",
        "web",
        json!({ "template": {
            "metadata": { "labels": { "app": "web" } },
            "spec": { "containers": [{ "name": "web", "ports": [{ "name": "http", "containerPort": 8080 }] }] },
        } }),
    )
}

fn policy(spec: Value) -> Value {
    own("networking.k8s.io/v1", "NetworkPolicy", "rules", spec)
}

/// A shop whose Pods let in and out by these rules.
fn shop(name: &str, ingress: Value, egress: Value) -> Shop {
    let spec = json!({ "policyTypes": ["Ingress", "Egress"], "ingress": ingress, "egress": egress });
    Shop::new(name, vec![namespace(json!({ "team": "shops" })), web(), policy(spec)])
}

fn everything() -> Value {
    json!([{}])
}

fn team() -> Value {
    json!({ "namespaceSelector": { "matchLabels": { "team": "shops" } } })
}

#[test]
fn both_sides_must_open_the_way() {
    let closed = || json!([{ "from": [{ "podSelector": {} }] }]);
    assert_eq!(found(&[shop("a", closed(), everything()), shop("b", closed(), everything())]), []);
    let open = || json!([{ "from": [team()], "ports": [{ "port": "http" }] }]);
    assert_eq!(found(&[shop("a", open(), json!([])), shop("b", open(), json!([]))]), []);

    let both = found(&[shop("a", open(), json!([])), shop("b", closed(), json!([{ "to": [team()] }]))]);
    let [finding] = both.as_slice() else { panic!("{both:#?}") };
    assert_eq!(finding.code, Code::NetworkAcrossTenants);
    assert_eq!((finding.tenant.as_deref(), finding.place.file.as_str()), (Some("a"), "a.j2/spec/ingress/0"));
    assert_eq!(finding.related[0].0.file, "b.j2/spec/egress/0");
    assert_eq!(
        finding.message,
        "Pods of Deployment `web` of tenant `b` can connect to Deployment `web` of tenant `a` at TCP 8080: NetworkPolicy `rules` lets them out, and NetworkPolicy `rules` lets them in"
    );
}

#[test]
fn tenants_of_one_template_are_one_finding() {
    let shops: Vec<Shop> =
        ["a", "b", "c", "d"].map(|name| shop(name, json!([{ "from": [team()] }]), everything())).into();
    let found = found(&shops);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].message.contains("of tenant `a` can connect to Deployment `web` of tenant `b`"),
        "{}",
        found[0].message
    );
}

/// Returns an egress rule to the namespace of one tenant.
fn to_namespace(name: &str) -> Value {
    json!([{ "to": [{ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } }] }])
}

#[test]
fn a_tenant_that_a_policy_names_is_found_among_its_like() {
    // All of them let the team in; nobody lets Pods out but one, and only to `y`, for which no other can stand.
    let mut shops: Vec<Shop> =
        ["a", "b", "c", "x", "y"].map(|name| shop(name, json!([{ "from": [team()] }]), json!([]))).into();
    assert_eq!(found(&shops), []);
    shops.push(shop("z", json!([]), to_namespace("shop-y")));
    let found = found(&shops);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0]
            .message
            .starts_with("Pods of Deployment `web` of tenant `z` can connect to Deployment `web` of tenant `y`"),
        "{}",
        found[0].message
    );
}

#[test]
fn tenants_of_two_clusters_do_not_meet() {
    let open = |name| shop(name, everything(), everything());
    let mut far = open("b");
    let mut region = (*far.plan.region).clone();
    region.server = "https://elsewhere.example".to_owned();
    far.plan.region = region.into();
    assert_eq!(found(&[open("a"), far]), []);
    assert_eq!(found(&[open("a"), open("b")]).len(), 1);
}

fn route(host: &str) -> Value {
    own("gateway.networking.k8s.io/v1", "HTTPRoute", "route", json!({ "hostnames": [host] }))
}

fn certificate(host: &str) -> Value {
    own("cert-manager.io/v1", "Certificate", "tls", json!({ "dnsNames": ["a.shop-a.svc", host] }))
}

fn role(name: &str) -> Value {
    json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": name } })
}

#[test]
fn a_host_an_object_and_a_resource_belong_to_one_tenant() {
    let shops = [
        Shop::new("a", vec![route("WWW.example.com"), role("reader"), role("a")]),
        Shop::new("b", vec![certificate("www.example.com"), role("reader"), role("b")]),
        Shop::new("c", vec![route("c.example.com"), role("reader")]),
    ];
    let found = found(&shops);
    let shown: Vec<(Code, &str, &str)> =
        found.iter().map(|one| (one.code, one.place.file.as_str(), one.message.as_str())).collect();
    let host = "the host `www.example.com`, which Certificate `tls` is for, of tenant `b` is one of tenant `a` too";
    let object = "ClusterRole `reader` of tenant `b` is one of tenant `a` too, and of 1 more";
    assert!(shown.contains(&(Code::RouteHostTaken, "b.j2/spec/dnsNames/1", host)), "{shown:#?}");
    assert!(shown.contains(&(Code::ObjectShared, "b.j2/metadata/name", object)), "{shown:#?}");
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
fn an_outside_resource_belongs_to_one_tenant() {
    let with = |name: &str, database: &str| {
        let mut shop = Shop::new(name, vec![]);
        let connection = json!({ "kind": "mysql", "host": "db.example", "credentials": {} });
        shop.plan.document.connections.insert("mysql".to_owned(), serde_json::from_value(connection).unwrap());
        let resource = json!({
            "kind": "mysqlDatabase", "id": "data", "connection": "mysql", "name": database, "user": format!("{name}_user"),
            "spec": { "characterSet": "utf8mb4", "collation": "utf8mb4_general_ci", "privileges": ["SELECT"], "requireTls": true },
        });
        shop.plan.document.resources.push(serde_json::from_value(resource).unwrap());
        shop
    };
    assert_eq!(found(&[with("a", "a_data"), with("b", "b_data")]), []);
    let found = found(&[with("a", "data"), with("b", "data")]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].code, found[0].place.file.as_str()), (Code::ClaimedTwice, "tiers/standard.yaml"));
    assert!(found[0].message.contains("`data` of tenant `b` is one of tenant `a` too"), "{}", found[0].message);
}

#[test]
fn too_many_tenants_with_policies_of_their_own_are_not_compared() {
    let verifier = verifier();
    let names = ["a", "b", "c"];
    let shops = names.map(|name| {
        let labels = json!({ "account": format!("account-of-{name}") });
        Shop::new(name, vec![namespace(labels), web(), policy(json!({}))])
    });
    let decided = |most: usize| {
        let across = Across::new();
        for shop in &shops {
            across.add(&verifier.tenant(&shop.plan, &shop.rendered, |_, _| {}), &verifier.schemas);
        }
        let look = Look { again: &|_, _| {}, schemas: &verifier.schemas, places: &places };
        classes::groups(&across.into_known(), &look, most).map(|groups| groups.len())
    };
    assert_eq!(decided(3), Ok(3));
    assert_eq!(decided(2), Err(3));
}
