//! The kinds that every cluster has, from the schemas of k8s-openapi's types.

use std::any::TypeId;

use k8s_openapi::{
    NamespaceResourceScope, Resource,
    api::{
        admissionregistration::v1 as admission, apps::v1 as apps, autoscaling::v2 as autoscaling, batch::v1 as batch,
        coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery, networking::v1 as networking,
        policy::v1 as policy, rbac::v1 as rbac, scheduling::v1 as scheduling, storage::v1 as storage,
    },
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::document::{Document, Kind};

/// Shortens `io.k8s.api.core.v1.Pod`: every name starts with it.
const PREFIX: &str = "io.k8s.";

/// Returns the document of all built-in kinds.
pub fn document() -> Document {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut kinds = Vec::new();
    macro_rules! kinds {
        ($($kind:ty)+) => { $(kinds.push(kind::<$kind>(&mut generator));)+ };
    }
    kinds! {
        admission::ValidatingAdmissionPolicy admission::ValidatingAdmissionPolicyBinding
        apps::DaemonSet apps::Deployment apps::ReplicaSet apps::StatefulSet
        autoscaling::HorizontalPodAutoscaler
        batch::CronJob batch::Job
        coordination::Lease
        core::ConfigMap core::Endpoints core::LimitRange core::Namespace core::PersistentVolume core::PersistentVolumeClaim core::Pod
        core::ResourceQuota core::Secret core::Service core::ServiceAccount
        discovery::EndpointSlice
        networking::Ingress networking::IngressClass networking::NetworkPolicy
        policy::PodDisruptionBudget
        rbac::ClusterRole rbac::ClusterRoleBinding rbac::Role rbac::RoleBinding
        scheduling::PriorityClass
        storage::StorageClass
    }
    let definitions =
        generator.take_definitions(true).into_iter().map(|(name, schema)| (name, plain(schema))).collect();
    let mut document = Document { kinds, definitions: inline_scalars(definitions) };
    for kind in &mut document.kinds {
        kind.schema = shorten(kind.schema.clone());
    }
    document
}

fn kind<T: Resource<Scope: 'static> + JsonSchema>(generator: &mut SchemaGenerator) -> Kind {
    Kind {
        api_version: T::API_VERSION.to_owned(),
        kind: T::KIND.to_owned(),
        plural: T::URL_PATH_SEGMENT.to_owned(),
        namespaced: TypeId::of::<T::Scope>() == TypeId::of::<NamespaceResourceScope>(),
        schema: plain(generator.subschema_for::<T>().to_value()),
    }
}

/// Drops prose, and what a person never writes: `status` belongs to controllers, `managedFields` to the API server.
fn plain(schema: Value) -> Value {
    let Value::Object(object) = schema else { return schema };
    let reference = object.get("$ref").cloned();
    let free = object.get("type") == Some(&json!("object"))
        && !object.contains_key("properties")
        && !object.contains_key("additionalProperties");
    let mut out = Map::new();
    for (key, value) in object {
        match key.as_str() {
            "description" | "title" | "default" | "$schema" => {}
            "properties" => {
                let Value::Object(properties) = value else { continue };
                let is_object = properties.contains_key("apiVersion") && properties.contains_key("status");
                let kept = properties.into_iter().filter(|(name, _)| name != "managedFields");
                let plain = kept.map(|(name, schema)| match name.as_str() {
                    "status" if is_object => (name, json!({ "x-kubernetes-preserve-unknown-fields": true })),
                    _ => (name, plain(schema)),
                });
                out.insert(key, Value::Object(plain.collect()));
            }
            "items" | "additionalProperties" => {
                out.insert(key, plain(value));
            }
            _ => {
                out.insert(key, value);
            }
        }
    }
    if free {
        return json!({ "x-kubernetes-preserve-unknown-fields": true });
    }
    match reference {
        Some(reference) => json!({ "$ref": reference }),
        None => Value::Object(out),
    }
}

/// Writes quantities, times and the like where they are used: a reference is longer than they are.
fn inline_scalars(definitions: Map<String, Value>) -> Map<String, Value> {
    let (objects, scalars): (Map<_, _>, Map<_, _>) =
        definitions.into_iter().partition(|(_, schema)| schema.get("properties").is_some());
    let replace = |schema| replace_references(schema, &|name| scalars.get(name).map(|schema| scalar(name, schema)));
    objects.into_iter().map(|(name, schema)| (short(&name), shorten(replace(schema)))).collect()
}

fn scalar(name: &str, schema: &Value) -> Value {
    match name.rsplit('.').next() {
        Some("Quantity") => json!({ "format": "quantity", "x-kubernetes-int-or-string": true }),
        // Any JSON at all: the schema of JSONSchemaProps and of extension points.
        Some("JSON" | "RawExtension" | "FieldsV1") => json!({ "x-kubernetes-preserve-unknown-fields": true }),
        _ => schema.clone(),
    }
}

fn short(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).to_owned()
}

fn shorten(schema: Value) -> Value {
    replace_references(schema, &|name| {
        name.starts_with(PREFIX).then(|| json!({ "$ref": format!("#/$defs/{}", short(name)) }))
    })
}

fn replace_references(schema: Value, replacement: &dyn Fn(&str) -> Option<Value>) -> Value {
    match schema {
        Value::Object(object) => {
            let name = object.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"));
            if let Some(new) = name.and_then(replacement) {
                return new;
            }
            object.into_iter().map(|(key, value)| (key, replace_references(value, replacement))).collect()
        }
        Value::Array(items) => items.into_iter().map(|item| replace_references(item, replacement)).collect(),
        other => other,
    }
}
