//! JSON Schemas, made from the shapes: what editors use, what `schemas/` holds, and what `check` checks by.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::{bundle::BundleFile, estate::EstateFile, tenant::TenantFile, tier::TierFile, tier::TierSpec};
use crate::provision::{
    Document, Kind, http::HttpResourceSpec, mysql::MysqlDatabaseSpec, object_store::BucketSpec,
    object_store::ObjectStoreUserSpec, postgres::PostgresDatabaseSpec, postgres::PostgresSchemaSpec,
    rabbitmq::RabbitmqVhostSpec, redis::RedisUserSpec, secret::SecretSpec,
};

fn of<T: JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    gather_choices(&mut schema);
    schema
}

/// Turns `oneOf` over constants, which is what a documented enum becomes, into one `enum`: a fault then lists the
/// choices instead of saying that no branch fits.
fn gather_choices(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let constants: Option<Vec<Value>> = object
                .get("oneOf")
                .and_then(Value::as_array)
                .and_then(|branches| branches.iter().map(|branch| branch.get("const").cloned()).collect());
            if let Some(constants) = constants {
                object.remove("oneOf");
                object.insert("type".to_owned(), Value::String("string".to_owned()));
                object.insert("enum".to_owned(), Value::Array(constants));
            }
            object.values_mut().for_each(gather_choices);
        }
        Value::Array(items) => items.iter_mut().for_each(gather_choices),
        _ => {}
    }
}

/// The schema of `tenantry.yaml`.
pub fn estate() -> Value {
    of::<EstateFile>()
}

/// The schema of `tenants/*.yaml`.
pub fn tenant() -> Value {
    of::<TenantFile>()
}

/// The schema of `templates/*/bundle.yaml`.
pub fn bundle() -> Value {
    of::<BundleFile>()
}

/// The schema of `provision.yaml` in the rendered tree.
pub fn provision() -> Value {
    of::<Document>()
}

/// The schema of one `tiers/*.yaml`: a layer, so nothing inside `spec` is required and any key may be `null`.
pub fn tier() -> Value {
    let mut schema = of::<TierFile>();
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for (name, definition) in definitions {
            if !matches!(name.as_str(), "Named" | "ApiVersion" | "TierKind") {
                make_partial(definition);
            }
        }
    }
    schema
}

/// The schema of a tier's `spec` once all its layers are merged.
pub fn merged_tier() -> Value {
    of::<TierSpec>()
}

/// The schema of the settings of a provision of `kind`, once `spec` and item are merged.
pub fn provision_spec(kind: Kind) -> Value {
    match kind {
        Kind::MysqlDatabase => of::<MysqlDatabaseSpec>(),
        Kind::PostgresDatabase => of::<PostgresDatabaseSpec>(),
        Kind::PostgresSchema => of::<PostgresSchemaSpec>(),
        Kind::Bucket => of::<BucketSpec>(),
        Kind::ObjectStoreUser => of::<ObjectStoreUserSpec>(),
        Kind::RabbitmqVhost => of::<RabbitmqVhostSpec>(),
        Kind::RedisUser => of::<RedisUserSpec>(),
        Kind::HttpResource => of::<HttpResourceSpec>(),
        Kind::Secret => of::<SecretSpec>(),
    }
}

/// Takes `required` away and lets the value and every property be `null`, which takes an inherited key away.
fn make_partial(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    object.remove("required");
    if let Some(Value::String(kind)) = object.get("type") {
        let kinds = vec![Value::String(kind.clone()), Value::String("null".to_owned())];
        object.insert("type".to_owned(), Value::Array(kinds));
    }
    if let Some(Value::Array(choices)) = object.get_mut("enum") {
        choices.push(Value::Null);
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(make_partial);
    }
    if let Some(values @ Value::Object(_)) = object.get_mut("additionalProperties") {
        make_partial(values);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tier_layer_demands_nothing_inside_its_spec() {
        let schema = tier();
        assert_eq!(schema["required"], json!(["apiVersion", "kind", "metadata", "spec"]));
        assert!(schema["$defs"]["TierSpec"].get("required").is_none());
        assert_eq!(schema["$defs"]["TierSpec"]["additionalProperties"], json!(false));
        assert_eq!(schema["$defs"]["Service"]["type"], json!(["object", "null"]));
        assert_eq!(schema["$defs"]["Format"]["enum"], json!(["kustomize", "helm", "plain", null]));
    }

    #[test]
    fn a_layer_with_null_passes_and_the_merged_tier_does_not() {
        let layer = json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Tier", "metadata": {"name": "a"},
            "spec": {"services": {"auth": null, "api": {"autoscaling": null, "tag": "v1"}}, "quota": {"pods": null}},
        });
        assert!(jsonschema::validator_for(&tier()).unwrap().is_valid(&layer));
        assert!(!jsonschema::validator_for(&merged_tier()).unwrap().is_valid(&layer["spec"]));
    }

    #[test]
    fn every_provision_kind_has_a_strict_schema() {
        for kind in Kind::ALL {
            assert_eq!(provision_spec(*kind)["additionalProperties"], json!(false), "{kind:?}");
        }
    }
}
