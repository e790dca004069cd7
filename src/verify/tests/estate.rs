//! What all tenants of an estate share: definitions, charts, allowed kinds.

use super::*;
use crate::estate::{Naming, Platform};

/// Returns an estate without tiers and tenants: the rules read them from the plan.
pub(super) fn estate() -> Estate {
    let plan = plan();
    let PlatformPlan { name, display_name, domain, routing, network, argocd, provisioning, settings } =
        (*plan.platform).clone();
    Estate {
        platform: Arc::new(Platform {
            name,
            display_name,
            domain,
            regions: BTreeMap::new(),
            naming: Naming::new(BTreeMap::new()),
            argocd,
            provisioning,
            connections: BTreeMap::new(),
            secret_store: None,
            routing,
            kubernetes_version: None,
            network,
            output: crate::raw::estate::Output::default(),
            allowed_kinds: vec![
                "example.com/v1/Shop".to_owned(),
                "rbac.authorization.k8s.io/v1/ClusterRole".to_owned(),
            ],
            settings,
        }),
        tiers: BTreeMap::new(),
        tenants: BTreeMap::new(),
        bundles: serde_json::from_value(json!({ "shop": { "files": [], "values": "values.yaml.j2" } })).unwrap(),
        templates: Tree::new(),
        charts: Tree::new(),
        components: Tree::new(),
        definitions: Vec::new(),
    }
}

fn shop_definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "shops.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": { "kind": "Shop", "plural": "shops" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": {
                "type": "object", "properties": { "spec": { "type": "object", "properties": { "size": { "type": "integer" } } } },
            } } }],
        },
    })
}

#[test]
fn an_allowed_kind_without_a_schema_is_a_warning_until_the_estate_brings_it() {
    let shop = object("example.com/v1", "Shop", "shop", json!({ "spec": { "size": "large" } }));
    assert_only(&with(shop.clone()), Code::ObjectUnknownKind, "/apiVersion", "example.com/v1");

    let mut estate = estate();
    estate.definitions.push(shop_definition());
    let verifier = Verifier::new(&estate).unwrap();
    let found =
        verifier.verify(&plan(), &rendered([shop]), &|_: &Plan, _: &Origin, pointer: &str| Place::file(pointer));
    assert_only(&found, Code::ObjectWrongType, "/spec/size", "large");
}

#[test]
fn a_definition_that_is_none_is_refused() {
    let mut estate = estate();
    estate.definitions = vec![shop_definition(), json!({ "kind": "ConfigMap" })];
    let found = Verifier::new(&estate).err().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].place.file.as_str()), (Code::InvalidDefinition, "schemas/crds"));
}

#[test]
fn a_kind_must_be_allowed_with_its_version() {
    let queue = object("rabbitmq.com/v1beta1", "Queue", "orders", json!({}));
    let codes: Vec<Code> = with(queue).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::ObjectUnknownKind, Code::ObjectKind]);
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "shop-abc" }, "rules": [] });
    assert_none(&with(role));
}

/// Returns what a chart with this schema says about these values.
fn chart_findings(schema: &str, values: &str) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut estate = estate();
    estate.charts.insert("shop/values.schema.json", schema);
    estate.charts.insert("shop/Chart.yaml", "apiVersion: v2\nname: web-shop\nversion: 1.0.0\n");
    estate.charts.insert("shop/values.yaml", "replicas: 1\nimage:\n  tag: v1\n");
    let mut plan = plan();
    plan.tier.format = Format::Helm;
    plan.tier.chart = Some("shop".to_owned());
    let mut rendered = rendered([]);
    rendered.files.insert("tenants/abc/manifests/values.yaml", values.to_owned());
    Ok(Verifier::new(&estate)?.verify(&plan, &rendered, &|_: &Plan, _: &Origin, pointer: &str| Place::file(pointer)))
}

const CHART_SCHEMA: &str = r#"{ "type": "object", "required": ["replicas", "image"], "properties": { "replicas": { "type": "integer" }, "image": { "required": ["tag"] } } }"#;

#[test]
fn chart_values_keep_to_the_charts_schema_with_its_defaults_beneath() {
    assert_none(&chart_findings(CHART_SCHEMA, "web-shop:\n  image:\n    repository: shop\n").unwrap());
    assert_none(&chart_findings(CHART_SCHEMA, "web-shop: {}\n").unwrap());
    let wrong = chart_findings(CHART_SCHEMA, "web-shop:\n  replicas: two\n").unwrap();
    assert_only(&wrong, Code::ChartValues, "templates/shop/values.yaml.j2", "/replicas");
    let taken_away = chart_findings(CHART_SCHEMA, "web-shop:\n  image: null\n").unwrap();
    assert_only(&taken_away, Code::ChartValues, "templates/shop/values.yaml.j2", "image");
}

#[test]
fn a_chart_schema_that_cannot_be_used_is_refused() {
    for schema in ["{", r#"{ "type": "nothing" }"#, r#"{ "$ref": "https://example.com/x.json" }"#] {
        let found = chart_findings(schema, "").unwrap_err();
        assert_eq!(
            (found[0].code, found[0].place.file.as_str()),
            (Code::ChartSchema, "charts/shop/values.schema.json"),
            "{schema}"
        );
    }
}

#[test]
fn an_object_of_a_chart_lies_where_its_release_does() {
    let mut plan = plan();
    plan.tier.format = Format::Helm;
    let mut objects = rendered(right().into_values());
    let mut of_chart = object(
        "v1",
        "ConfigMap",
        "of-chart",
        json!({ "metadata": { "namespace": null, "labels": { "app.kubernetes.io/instance": "x" } } }),
    );
    for (namespace, expected) in [(None, vec![]), (Some("shop-xyz"), vec![Code::ObjectNamespace])] {
        if let Some(namespace) = namespace {
            of_chart["metadata"]["namespace"] = json!(namespace);
        }
        objects.objects.truncate(right().len());
        objects.objects.push(RenderedObject {
            path: "x".to_owned(),
            origin: Origin::Inflated,
            value: of_chart.clone(),
        });
        let found = verifier().verify(&plan, &objects, &|_: &Plan, _: &Origin, pointer: &str| Place::file(pointer));
        assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), expected);
    }
}
