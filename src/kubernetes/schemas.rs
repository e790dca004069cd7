//! The registry of kinds: those that are built in, and those that an estate brings.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use serde::Deserialize;
use serde_json::Value;

use super::{
    arena::{ANY, Arena, NodeId},
    compile::{Compiler, SchemaError},
    dialect::{KindEntry, RawSchema, SchemaFile},
    fault::Fault,
    validate,
};

/// The files that `tools/kubernetes-schemas` writes. The first one holds the metadata of all objects.
const FILES: [&str; 7] = [
    include_str!("../../schemas/kubernetes/core.json"),
    include_str!("../../schemas/kubernetes/argoproj.io.json"),
    include_str!("../../schemas/kubernetes/cert-manager.io.json"),
    include_str!("../../schemas/kubernetes/external-secrets.io.json"),
    include_str!("../../schemas/kubernetes/gateway.networking.k8s.io.json"),
    include_str!("../../schemas/kubernetes/monitoring.coreos.com.json"),
    include_str!("../../schemas/kubernetes/postgresql.cnpg.io.json"),
];

/// What a CustomResourceDefinition is refused with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// Another kind of object, or an old version of it.
    #[error("failed to read a definition: it is not a CustomResourceDefinition of apiextensions.k8s.io/v1")]
    NotADefinition,
    /// A definition that misses what every published one has.
    #[error("failed to read the definition `{name}`: {reason}")]
    Malformed {
        /// `metadata.name`, where there is one.
        name: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// Its schema cannot be compiled.
    #[error("failed to use the definition `{name}`")]
    Schema {
        /// `metadata.name`.
        name: String,
        /// Why not.
        source: SchemaError,
    },
}

/// A kind that has a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindInfo {
    /// Group and version, or the version alone for the core group.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The plural, as paths and quota keys spell it.
    pub plural: String,
    /// The group; empty for the core group.
    pub group: String,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
}

/// Kinds of one origin with their schemas.
pub(super) struct Layer {
    pub arena: Arena,
    /// Sorted by kind and apiVersion: kinds differ in their first letters, apiVersions rarely do.
    kinds: Vec<(KindInfo, NodeId)>,
}

impl Layer {
    fn find(&self, api_version: &str, kind: &str) -> Option<&(KindInfo, NodeId)> {
        let found = self.kinds.binary_search_by(|(info, _)| {
            info.kind.as_str().cmp(kind).then_with(|| info.api_version.as_str().cmp(api_version))
        });
        found.ok().map(|position| &self.kinds[position])
    }

    fn new(arena: Arena, mut kinds: Vec<(KindInfo, NodeId)>) -> Self {
        kinds.sort_by(|(a, _), (b, _)| (&a.kind, &a.api_version).cmp(&(&b.kind, &b.api_version)));
        Self { arena, kinds }
    }
}

/// The schemas of all known kinds. Cloning is cheap.
#[derive(Clone)]
pub struct Schemas {
    /// Layers of definitions, the last one first to be asked; the first one is built in.
    layers: Vec<Arc<Layer>>,
    /// The metadata of objects, in the built-in layer.
    metadata: NodeId,
}

impl Schemas {
    /// Returns the built-in schemas, read once when they are first asked for.
    pub fn builtin() -> &'static Schemas {
        static BUILTIN: OnceLock<Schemas> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let files: Vec<SchemaFile<'_>> = FILES
                .iter()
                .map(|text| {
                    serde_json::from_str(text).expect("the generator writes files in the dialect that is read here")
                })
                .collect();
            compile(&files).expect("the generator writes every definition that it refers to")
        })
    }

    /// Returns these schemas and those of published CustomResourceDefinitions; where both know a kind, the definitions win.
    ///
    /// # Errors
    ///
    /// A value that is no CustomResourceDefinition of `apiextensions.k8s.io/v1`, or one whose schema cannot be read.
    pub fn with_definitions(&self, definitions: &[Value]) -> Result<Schemas, DefinitionError> {
        let none = BTreeMap::new();
        let published = definitions.iter().map(Published::read).collect::<Result<Vec<_>, _>>()?;
        let mut compiler = Compiler::new(Arena::new(), &none);
        let mut kinds = BTreeMap::new();
        for Published { name, info, versions } in &published {
            for (version, schema) in versions {
                let root = match schema {
                    Some(schema) => compiler.root(schema),
                    None => Ok(ANY),
                };
                let root = root.map_err(|source| DefinitionError::Schema { name: name.clone(), source })?;
                let info = KindInfo { api_version: format!("{}/{version}", info.group), ..info.clone() };
                kinds.insert((info.kind.clone(), info.api_version.clone()), (info, root));
            }
        }
        let mut layers = self.layers.clone();
        layers.push(Arc::new(Layer::new(compiler.finish(), kinds.into_values().collect())));
        Ok(Schemas { layers, metadata: self.metadata })
    }

    /// Returns what is known about a kind.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<&KindInfo> {
        self.find(api_version, kind).map(|(_, info, _)| info)
    }

    /// Returns all kinds, those of definitions first.
    pub fn kinds(&self) -> impl Iterator<Item = &KindInfo> {
        self.layers.iter().rev().flat_map(|layer| layer.kinds.iter().map(|(info, _)| info))
    }

    /// Returns every fault of an object: fields that its kind does not have, values that the API server refuses.
    ///
    /// Costs about a microsecond and allocates nothing where there is no fault. Never panics.
    pub fn validate(&self, object: &Value) -> Vec<Fault> {
        validate::object(self, object)
    }

    pub(super) fn find(&self, api_version: &str, kind: &str) -> Option<(&Layer, &KindInfo, NodeId)> {
        self.layers.iter().rev().find_map(|layer| {
            let (info, node) = layer.find(api_version, kind)?;
            Some((&**layer, info, *node))
        })
    }

    /// Returns the schema of metadata and the arena that it is in.
    pub(super) fn metadata(&self) -> (&Arena, NodeId) {
        (&self.layers[0].arena, self.metadata)
    }
}

fn compile(files: &[SchemaFile<'_>]) -> Result<Schemas, SchemaError> {
    let mut arena = Arena::new();
    let mut compiled = Vec::new();
    let mut metadata = ANY;
    for SchemaFile { kinds, definitions } in files {
        let mut compiler = Compiler::new(arena, definitions);
        if metadata == ANY {
            metadata = compiler.object_meta()?;
        }
        for KindEntry { api_version, kind, plural, namespaced, schema } in kinds {
            let info = KindInfo {
                api_version: api_version.to_string(),
                kind: kind.to_string(),
                plural: plural.to_string(),
                group: group(api_version).to_owned(),
                namespaced: *namespaced,
            };
            compiled.push((info, compiler.root(schema)?));
        }
        arena = compiler.finish();
    }
    Ok(Schemas { layers: vec![Arc::new(Layer::new(arena, compiled))], metadata })
}

/// Returns the group of an apiVersion, empty for the core group.
pub(super) fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Schemas are read recursively; published ones nest some 50 levels of JSON.
const MAX_DEPTH: usize = 100;

fn deeper_than(value: &Value, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| deeper_than(item, left)),
        Value::Object(fields) => fields.values().any(|field| deeper_than(field, left)),
        _ => false,
    }
}

/// A CustomResourceDefinition, as far as it matters here.
struct Published<'a> {
    name: String,
    /// The kind; its apiVersion is filled in for each version.
    info: KindInfo,
    versions: Vec<(&'a str, Option<RawSchema<'a>>)>,
}

impl<'a> Published<'a> {
    fn read(definition: &'a Value) -> Result<Self, DefinitionError> {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str);
        if text("/kind") != Some("CustomResourceDefinition") || text("/apiVersion") != Some("apiextensions.k8s.io/v1") {
            return Err(DefinitionError::NotADefinition);
        }
        let name = text("/metadata/name").unwrap_or_default().to_owned();
        let malformed = |reason: String| DefinitionError::Malformed { name: name.clone(), reason };
        let wanted = |pointer: &str| text(pointer).ok_or_else(|| malformed(format!("it has no text at {pointer}")));
        let info = KindInfo {
            api_version: String::new(),
            kind: wanted("/spec/names/kind")?.to_owned(),
            plural: wanted("/spec/names/plural")?.to_owned(),
            group: wanted("/spec/group")?.to_owned(),
            namespaced: match wanted("/spec/scope")? {
                "Namespaced" => true,
                "Cluster" => false,
                other => return Err(malformed(format!("its scope is `{other}`"))),
            },
        };
        let listed = definition.pointer("/spec/versions").and_then(Value::as_array);
        let mut versions = Vec::new();
        for version in listed.ok_or_else(|| malformed("it lists no versions".to_owned()))? {
            if version.get("served") != Some(&Value::Bool(true)) {
                continue;
            }
            let version_name = version.get("name").and_then(Value::as_str);
            let version_name = version_name.ok_or_else(|| malformed("one of its versions has no name".to_owned()))?;
            let schema = version.pointer("/schema/openAPIV3Schema");
            if schema.is_some_and(|schema| deeper_than(schema, MAX_DEPTH)) {
                return Err(malformed(format!("the schema of {version_name} nests deeper than {MAX_DEPTH} levels")));
            }
            let schema = schema.map(RawSchema::deserialize).transpose();
            let schema =
                schema.map_err(|error| malformed(format!("the schema of {version_name} is not readable: {error}")))?;
            versions.push((version_name, schema));
        }
        Ok(Self { name, info, versions })
    }
}
