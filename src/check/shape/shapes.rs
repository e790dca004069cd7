//! The schemas of all files of an estate, compiled.

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::{Value, json};

use super::Shape;
use crate::{provision::Kind, raw::schema};

/// The compiled schemas.
#[derive(Debug)]
pub(in crate::check) struct Shapes {
    pub estate: Shape,
    pub tenant: Shape,
    pub bundle: Shape,
    /// One layer of a tier.
    pub tier: Shape,
    /// The `spec` of a tier whose layers are merged.
    pub merged_tier: Shape,
    /// The merged settings of a provision.
    provisions: BTreeMap<Kind, Shape>,
}

impl Shapes {
    /// Returns the schemas, compiled when they are first asked for: they never change while the program runs.
    pub(in crate::check) fn get() -> &'static Shapes {
        static SHAPES: OnceLock<Shapes> = OnceLock::new();
        SHAPES.get_or_init(|| Shapes {
            estate: own(schema::estate()),
            tenant: own(schema::tenant()),
            bundle: own(schema::bundle()),
            tier: own(with_typed_defaults(schema::tier())),
            merged_tier: own(schema::merged_tier()),
            provisions: Kind::ALL.iter().map(|kind| (*kind, own(schema::provision_spec(*kind)))).collect(),
        })
    }

    /// Returns the schema of the merged settings of a provision.
    pub(in crate::check) fn provision(&self, kind: Kind) -> &Shape {
        self.provisions.get(&kind).expect("`get` compiles a schema for every kind")
    }
}

fn own(schema: Value) -> Shape {
    Shape::new(schema).expect("the schemas made from our own types compile, as a test holds")
}

/// Lets `serviceDefaults` be checked like a service: it lies beneath every one of them, and a slip in it would
/// otherwise be told once for each.
fn with_typed_defaults(mut schema: Value) -> Value {
    if let Some(Value::Object(defaults)) = schema.pointer_mut("/$defs/TierSpec/properties/serviceDefaults") {
        defaults.retain(|key, _| key == "description");
        defaults.insert("$ref".to_owned(), json!("#/$defs/Service"));
    }
    schema
}
