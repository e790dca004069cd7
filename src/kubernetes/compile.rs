//! From schemas as they are written to schemas as they are walked.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    arena::{ANY, Arena, Bounds, Field, Fields, Form, Node, NodeId, Others, Pattern, Range, Shape, Unique},
    dialect::{Additional, RawSchema},
};

/// The definition that every object's and every template's metadata refers to.
const OBJECT_META: &str = "apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// What published definitions write for a quantity, by its beginning: controller-gen's pattern.
const QUANTITY_PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]";

/// What a schema is refused with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A `$ref` to nowhere.
    #[error("failed to compile a schema: `{0}` is not defined")]
    Undefined(String),
    /// Definitions that nest deeper than any published one.
    #[error("failed to compile a schema: it nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Published definitions nest some 20 levels; the bound keeps a hostile one from exhausting the stack.
const MAX_DEPTH: usize = 60;

/// Compiles schemas into one arena.
pub(super) struct Compiler<'a> {
    arena: Arena,
    definitions: &'a BTreeMap<Cow<'a, str>, RawSchema<'a>>,
    /// Definitions that have a node; it is filled in when their own fields are compiled, so they may refer to themselves.
    compiled: BTreeMap<&'a str, NodeId>,
}

impl<'a> Compiler<'a> {
    /// Returns a compiler that adds to an arena; names in `definitions` mean nothing beyond this compiler.
    pub(super) fn new(arena: Arena, definitions: &'a BTreeMap<Cow<'a, str>, RawSchema<'a>>) -> Self {
        Self { arena, definitions, compiled: BTreeMap::new() }
    }

    pub(super) fn finish(self) -> Arena {
        self.arena
    }

    /// Compiles the definition of the metadata of objects, where there is one.
    pub(super) fn object_meta(&mut self) -> Result<NodeId, SchemaError> {
        self.definition(OBJECT_META, 0)
    }

    /// Compiles the schema of a whole object: whatever it says about them, apiVersion, kind and metadata are those of every object.
    pub(super) fn root(&mut self, schema: &'a RawSchema<'a>) -> Result<NodeId, SchemaError> {
        let schema = match &schema.reference {
            Some(reference) => self.resolve(reference)?.1,
            None => schema,
        };
        let mut fields = self.fields(schema, 0)?;
        fields.retain(|field| !matches!(&*field.name, "apiVersion" | "kind" | "metadata"));
        let text = self.push(Node { shape: Shape::Text, nullable: false, bounds: 0 });
        let metadata = self.push(Node { shape: Shape::Metadata, nullable: false, bounds: 0 });
        for (name, node) in [("apiVersion", text), ("kind", text), ("metadata", metadata)] {
            fields.push(Field { name: name.into(), node, bit: 0, required: true });
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let others = self.others(schema, 0)?;
        let object = self.push_fields(Fields::new(fields, others));
        let bounds = self.bounds(schema, 0)?;
        Ok(self.push(Node { shape: Shape::Object(object), nullable: false, bounds }))
    }

    fn resolve(&self, reference: &str) -> Result<(&'a str, &'a RawSchema<'a>), SchemaError> {
        let name = reference.strip_prefix("#/$defs/").unwrap_or(reference);
        let found = self.definitions.get_key_value(name);
        found.map(|(name, schema)| (&**name, schema)).ok_or_else(|| SchemaError::Undefined(reference.to_owned()))
    }

    fn definition(&mut self, name: &str, depth: usize) -> Result<NodeId, SchemaError> {
        let (name, schema) = self.resolve(name)?;
        if let Some(node) = self.compiled.get(name) {
            return Ok(*node);
        }
        let node = self.push(Node { shape: Shape::Any, nullable: true, bounds: 0 });
        self.compiled.insert(name, node);
        let mut compiled = self.node(schema, depth + 1)?;
        if name == OBJECT_META {
            compiled.bounds = self.push_bounds(Bounds { metadata: true, ..Bounds::default() });
        }
        self.arena.nodes[node as usize] = compiled;
        Ok(node)
    }

    fn schema(&mut self, schema: &'a RawSchema<'a>, depth: usize) -> Result<NodeId, SchemaError> {
        match &schema.reference {
            Some(reference) => self.definition(reference, depth),
            None => {
                let node = self.node(schema, depth)?;
                let plain = matches!(node.shape, Shape::Any) && node.bounds == 0;
                Ok(if plain { ANY } else { self.push(node) })
            }
        }
    }

    fn node(&mut self, schema: &'a RawSchema<'a>, depth: usize) -> Result<Node, SchemaError> {
        if depth > MAX_DEPTH {
            return Err(SchemaError::TooDeep);
        }
        let bounds = self.bounds(schema, depth)?;
        let quantity = schema.format.as_deref() == Some("quantity")
            || schema.pattern.as_deref().is_some_and(|pattern| pattern.starts_with(QUANTITY_PATTERN));
        let shape = match schema.kind.as_deref() {
            _ if quantity => Shape::Quantity,
            _ if schema.int_or_string => Shape::IntOrText,
            Some("boolean") => Shape::Boolean,
            Some("integer") if schema.format.as_deref() == Some("int32") => Shape::Integer32,
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("string") => Shape::Text,
            Some("array") => Shape::List(match &schema.items {
                Some(items) => self.schema(items, depth + 1)?,
                None => ANY,
            }),
            Some("object") => self.object(schema, depth)?,
            _ if !schema.properties.is_empty() || !schema.required.is_empty() => self.object(schema, depth)?,
            _ => Shape::Any,
        };
        let nullable = schema.nullable || matches!(shape, Shape::Any);
        Ok(Node { shape, nullable, bounds })
    }

    fn object(&mut self, schema: &'a RawSchema<'a>, depth: usize) -> Result<Shape, SchemaError> {
        let mut fields = self.fields(schema, depth)?;
        if schema.embedded_resource {
            for name in ["apiVersion", "kind", "metadata"] {
                if fields.iter().all(|field| &*field.name != name) {
                    fields.push(Field { name: name.into(), node: ANY, bit: 0, required: false });
                }
            }
        }
        let others = self.others(schema, depth)?;
        Ok(Shape::Object(self.push_fields(Fields::new(fields, others))))
    }

    fn fields(&mut self, schema: &'a RawSchema<'a>, depth: usize) -> Result<Vec<Field>, SchemaError> {
        let mut fields = Vec::with_capacity(schema.properties.len());
        for (name, property) in &schema.properties {
            let required = schema.required.contains(name) && !property.default;
            fields.push(Field { name: (**name).into(), node: self.schema(property, depth + 1)?, bit: 0, required });
        }
        for name in schema.required.iter().filter(|name| !schema.properties.contains_key(&***name)) {
            fields.push(Field { name: (**name).into(), node: ANY, bit: 0, required: true });
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        Ok(fields)
    }

    fn others(&mut self, schema: &'a RawSchema<'a>, depth: usize) -> Result<Others, SchemaError> {
        Ok(match &schema.additional_properties {
            Some(Additional::Schema(schema)) => Others::Like(self.schema(schema, depth + 1)?),
            Some(Additional::Allowed(true)) => Others::Ignored,
            _ if schema.preserve_unknown_fields => Others::Ignored,
            // A schema without a type belongs to a combination; the schema around it knows the other fields.
            _ if schema.kind.is_none() => Others::Ignored,
            _ => Others::Refused,
        })
    }

    /// Returns the position of the bounds plus one, 0 where there are none.
    fn bounds(&mut self, schema: &'a RawSchema<'a>, depth: usize) -> Result<u32, SchemaError> {
        // `anyOf: [{type: integer}, {type: string}]` beside int-or-string says the same again.
        let combinations = !schema.int_or_string;
        let bounds = Bounds {
            words: schema.words.as_deref().map(Into::into),
            minimum: schema.minimum.map(|bound| (bound, schema.exclusive_minimum)),
            maximum: schema.maximum.map(|bound| (bound, schema.exclusive_maximum)),
            length: Range { min: schema.min_length, max: schema.max_length },
            items: Range { min: schema.min_items, max: schema.max_items },
            fields: Range { min: schema.min_properties, max: schema.max_properties },
            pattern: schema.pattern.as_deref().filter(|p| !p.starts_with(QUANTITY_PATTERN)).map(Pattern::new),
            form: match schema.format.as_deref() {
                Some("byte") => Some(Form::Base64),
                Some("dns-label") => Some(Form::DnsLabel),
                Some("port-name") => Some(Form::PortName),
                _ => None,
            },
            unique: Unique {
                whole: schema.list_type.as_deref() == Some("set"),
                keys: schema.list_map_keys.iter().map(|key| (**key).into()).collect(),
                also: schema.also_unique.iter().map(|key| (**key).into()).collect(),
            },
            all_of: self.schemas(&schema.all_of, combinations, depth)?,
            any_of: self.schemas(&schema.any_of, combinations, depth)?,
            one_of: self.schemas(&schema.one_of, combinations, depth)?,
            not: schema.not.as_deref().map(|schema| self.schema(schema, depth + 1)).transpose()?,
            metadata: false,
        };
        Ok(if bounds.is_empty() { 0 } else { self.push_bounds(bounds) })
    }

    fn schemas(
        &mut self,
        schemas: &'a [RawSchema<'a>],
        wanted: bool,
        depth: usize,
    ) -> Result<Box<[NodeId]>, SchemaError> {
        if depth > MAX_DEPTH {
            return Err(SchemaError::TooDeep);
        }
        schemas.iter().filter(|_| wanted).map(|schema| self.schema(schema, depth + 1)).collect()
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.arena.nodes.push(node);
        NodeId::try_from(self.arena.nodes.len() - 1).expect("schemas of an estate hold fewer than 2^32 nodes")
    }

    fn push_fields(&mut self, fields: Fields) -> u32 {
        self.arena.objects.push(fields);
        u32::try_from(self.arena.objects.len() - 1).expect("schemas of an estate hold fewer than 2^32 objects")
    }

    fn push_bounds(&mut self, bounds: Bounds) -> u32 {
        self.arena.bounds.push(bounds);
        u32::try_from(self.arena.bounds.len()).expect("schemas of an estate hold fewer than 2^32 bounds")
    }
}

impl Unique {
    fn is_empty(&self) -> bool {
        let Unique { whole, keys, also } = self;
        !whole && keys.is_empty() && also.is_empty()
    }
}

impl Bounds {
    fn is_empty(&self) -> bool {
        let Bounds {
            words,
            minimum,
            maximum,
            length,
            items,
            fields,
            pattern,
            form,
            unique,
            all_of,
            any_of,
            one_of,
            not,
            metadata,
        } = self;
        words.is_none()
            && minimum.is_none()
            && maximum.is_none()
            && [length, items, fields].iter().all(|range| **range == Range::default())
            && pattern.is_none()
            && form.is_none()
            && unique.is_empty()
            && [all_of, any_of, one_of].iter().all(|schemas| schemas.is_empty())
            && not.is_none()
            && !metadata
    }
}
