//! Tests of the schema stage: which fault, at which pointer, in which words.

use serde_json::json;

use super::*;
use crate::provision::Kind;

fn found(shape: &Shape, value: &Value) -> Vec<(Code, String)> {
    shape.faults(value).into_iter().map(|fault| (fault.code, fault.pointer)).collect()
}

fn estate_with_connection(connection: Value) -> Value {
    json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Estate", "metadata": {"name": "a"},
        "spec": {
            "displayName": "A", "domain": "a.example", "regions": {"eu": {}},
            "argocd": {"project": "a", "repoUrl": "https://git.example/a"},
            "provisioning": {"namespace": "p", "image": "i:1", "serviceAccount": "s", "credentialsSecret": "c"},
            "routing": {"kind": "gateway", "name": "g", "namespace": "g"},
            "connections": {"c": connection},
        },
    })
}

#[test]
fn all_own_schemas_compile() {
    let shapes = Shapes::get();
    for kind in Kind::ALL {
        assert!(!shapes.provision(*kind).faults(&json!(5)).is_empty(), "{kind:?}");
    }
}

#[test]
fn the_branch_that_was_meant_is_reported() {
    let at = "/spec/connections/c";
    for (connection, code, pointer, message) in [
        (json!({"kind": "mysql"}), Code::MissingKey, String::new(), "`host` is missing"),
        (json!({"kind": "mysq", "host": "h"}), Code::NotAChoice, "/kind".to_owned(), "cannot be `mysq`"),
        (json!({"host": "h"}), Code::MissingKey, String::new(), "`kind` is missing"),
        (
            json!({"kind": "redis", "host": 5, "credentials": {"usernameEnv": "A", "passwordEnv": "B"}}),
            Code::WrongType,
            "/host".to_owned(),
            "must be text, not the number `5`",
        ),
        (
            json!({"kind": "http", "url": "https://a", "authentication": {"bearr": {"tokenEnv": "A"}}}),
            Code::UnknownKey,
            "/authentication/bearr".to_owned(),
            "no key `bearr`",
        ),
        (
            json!({"kind": "http", "url": "https://a", "authentication": {"bearer": {"tokenEnvv": "A"}}}),
            Code::UnknownKey,
            "/authentication/bearer/tokenEnvv".to_owned(),
            "no key `tokenEnvv`",
        ),
    ] {
        let faults = Shapes::get().estate.faults(&estate_with_connection(connection.clone()));
        let fault =
            faults.iter().find(|fault| fault.code == code).unwrap_or_else(|| panic!("{connection}: {faults:?}"));
        assert_eq!(fault.pointer, format!("{at}{pointer}"), "{connection}");
        assert!(fault.message.contains(message), "{connection}: {}", fault.message);
    }
}

#[test]
fn an_optional_part_is_reported_as_itself() {
    let shape = &Shapes::get().merged_tier;
    let spec = |autoscaling: Value| {
        json!({"format": "plain", "bundles": [], "services": {"a": {
            "image": "a", "tag": "1", "replicas": 1, "port": 80, "resources": {}, "autoscaling": autoscaling}}})
    };
    assert_eq!(
        found(shape, &spec(json!({"minReplicas": 0, "maxReplicas": 2, "targetCpuPercent": 80}))),
        [(Code::OutOfRange, "/services/a/autoscaling/minReplicas".to_owned())]
    );
    assert_eq!(found(shape, &spec(json!("yes"))), [(Code::WrongType, "/services/a/autoscaling".to_owned())]);
}

#[test]
fn a_fraction_is_no_whole_number_even_if_it_is_zero() {
    let shape = &Shapes::get().merged_tier;
    let spec = json!({"format": "plain", "bundles": [], "services": {"a": {
        "image": "a", "tag": "1", "replicas": 3.0, "port": 80, "resources": {}}}});
    assert_eq!(found(shape, &spec), [(Code::WrongType, "/services/a/replicas".to_owned())]);
}

#[test]
fn a_schema_cannot_reach_outside() {
    for reference in ["https://example.com/a.json", "file:///etc/passwd", "other.json"] {
        assert!(Shape::new(json!({"$ref": reference})).is_err(), "{reference}");
    }
    assert!(Shape::new(json!({"pattern": "(?=a)b"})).is_err());
}

#[test]
fn help_describes_a_missing_key() {
    let faults = Shapes::get().tenant.faults(&json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Tenant", "metadata": {"name": "a", "uid": "u"},
        "spec": {"displayName": "A", "tier": "t", "contacts": {"admin": "a"}, "lifecycle": {"state": "active"}},
    }));
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].help, "add it (the region: one of `spec.regions` in `tenantry.yaml`)");
}

#[test]
fn the_rest_of_a_value_can_be_read_though_parts_of_it_are_refused() {
    let mut value = json!({
        "apiVersion": "tenantry.dev/v1", "kind": "Tenant", "metadata": {"name": 5, "uid": "u"},
        "spec": {"displayName": "A", "tier": "t", "contacts": {"admin": "a"}, "lifecycle": {"state": "activ"}, "x": 1,
            "subscription": [], "overrides": {"services": {"a": {"replicas": -1}}}},
    });
    let original = value.clone();
    let node = crate::yaml::read("tenants/a.yaml", &original.to_string(), crate::yaml::Profile::Estate).unwrap();
    let document = crate::check::places::Document { path: "tenants/a.yaml", node };
    let mut finder = Finder::new(&document);
    assert!(!Shapes::get().tenant.check(&mut value, "", &mut finder));
    let file: crate::raw::tenant::TenantFile = serde_json::from_value(value).unwrap();
    assert_eq!((file.metadata.name.as_str(), file.spec.region.as_str(), file.spec.subscription), ("", "", None));
    for pointer in ["/metadata/name", "/spec/region", "/spec/lifecycle/state", "/spec/x"] {
        assert!(finder.is_refused(pointer), "{pointer}");
    }
    assert!(!finder.is_refused("/spec/tier"));
    assert_eq!(finder.finish().len(), 6);
}
