//! The schema of a type that has no schema, only `Deserialize`: a deserializer that asks the type what it is made of.
//!
//! The kcr crates are generated from published CustomResourceDefinitions; their fields are `Option` exactly where the definition does not
//! require them, and their enums are plain words. So one walk through the type, in which each field is asked for once, tells everything.

use std::{cell::RefCell, collections::BTreeMap, fmt, rc::Rc};

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor},
};
use serde_json::{Value, json};

/// A word that every parser of strings, times included, accepts.
const ANY_TEXT: &str = "1970-01-01T00:00:00Z";

/// The definitions that were met so far, shared by content: two structs of the same fields are one definition.
#[derive(Default)]
pub struct Definitions {
    by_name: BTreeMap<String, Value>,
    by_content: BTreeMap<String, String>,
}

impl Definitions {
    /// Returns the definitions by name.
    pub fn into_map(self) -> BTreeMap<String, Value> {
        self.by_name
    }

    fn intern(&mut self, name: &str, schema: Value) -> Value {
        let content = schema.to_string();
        let known = self.by_content.entry(content).or_insert_with(|| {
            let mut free = name.to_owned();
            while self.by_name.contains_key(&free) {
                free.push('_');
            }
            self.by_name.insert(free.clone(), schema);
            free
        });
        json!({ "$ref": format!("#/$defs/{known}") })
    }
}

/// Returns the schema of `T`, its structs put into `definitions`.
pub fn schema_of<T: for<'de> Deserialize<'de>>(definitions: &Rc<RefCell<Definitions>>) -> Value {
    let shape = Shape { definitions: definitions.clone(), seen: Rc::default() };
    if let Err(error) = T::deserialize(&shape) {
        panic!("{} cannot be traced: {error}", std::any::type_name::<T>());
    }
    let seen = shape.seen.take();
    seen.schema
}

/// What a type asked for.
#[derive(Default)]
struct Seen {
    schema: Value,
    optional: bool,
}

#[derive(Clone)]
struct Shape {
    definitions: Rc<RefCell<Definitions>>,
    seen: Rc<RefCell<Seen>>,
}

impl Shape {
    fn child(&self) -> Shape {
        Shape { definitions: self.definitions.clone(), seen: Rc::default() }
    }

    fn note(&self, schema: Value) {
        self.seen.borrow_mut().schema = schema;
    }
}

#[derive(Debug)]
struct TraceError(String);

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TraceError {}

impl de::Error for TraceError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        TraceError(message.to_string())
    }
}

struct Expecting<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> fmt::Display for Expecting<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

macro_rules! scalars {
    ($($method:ident $visit:ident $value:expr, $schema:tt;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
            self.note(json!($schema));
            visitor.$visit($value)
        })+
    };
}

impl<'de> Deserializer<'de> for &Shape {
    type Error = TraceError;

    scalars! {
        deserialize_bool visit_bool false, { "type": "boolean" };
        deserialize_i8 visit_i8 0, { "type": "integer", "format": "int32" };
        deserialize_i16 visit_i16 0, { "type": "integer", "format": "int32" };
        deserialize_i32 visit_i32 0, { "type": "integer", "format": "int32" };
        deserialize_i64 visit_i64 0, { "type": "integer", "format": "int64" };
        deserialize_u8 visit_u8 0, { "type": "integer", "format": "int32", "minimum": 0 };
        deserialize_u16 visit_u16 0, { "type": "integer", "format": "int32", "minimum": 0 };
        deserialize_u32 visit_u32 0, { "type": "integer", "format": "int64", "minimum": 0 };
        deserialize_u64 visit_u64 0, { "type": "integer", "format": "int64", "minimum": 0 };
        deserialize_f32 visit_f32 0.0, { "type": "number" };
        deserialize_f64 visit_f64 0.0, { "type": "number" };
        deserialize_str visit_str ANY_TEXT, { "type": "string" };
        deserialize_string visit_str ANY_TEXT, { "type": "string" };
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        match Expecting(&visitor).to_string().as_str() {
            "IntOrString" => {
                self.note(json!({ "x-kubernetes-int-or-string": true }));
                visitor.visit_i64(0)
            }
            "any valid JSON value" => {
                self.note(json!({ "x-kubernetes-preserve-unknown-fields": true }));
                visitor.visit_unit()
            }
            other => Err(TraceError(format!("no schema is known for a type that expects {other}"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        self.seen.borrow_mut().optional = true;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        let item = self.child();
        let value = visitor.visit_seq(One(Some(&item)))?;
        self.note(json!({ "type": "array", "items": item.seen.take().schema }));
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        let item = self.child();
        let value = visitor.visit_map(One(Some(&item)))?;
        self.note(json!({ "type": "object", "additionalProperties": item.seen.take().schema }));
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        let mut walk =
            Fields { shape: self, left: fields, current: None, properties: BTreeMap::new(), required: Vec::new() };
        let value = visitor.visit_map(&mut walk)?;
        let Fields { properties, mut required, .. } = walk;
        required.sort_unstable();
        let mut schema = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        let reference = self.definitions.borrow_mut().intern(name, schema);
        self.note(reference);
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        self.note(json!({ "type": "string", "enum": variants }));
        visitor.visit_enum(Word(variants[0]))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// A list or a map of one entry.
struct One<'a>(Option<&'a Shape>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = TraceError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, TraceError> {
        self.0.take().map(|item| seed.deserialize(item)).transpose()
    }
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = TraceError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TraceError> {
        self.0.map(|_| seed.deserialize(Word(ANY_TEXT))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, TraceError> {
        let item = self.0.take().ok_or_else(|| TraceError("a map of one entry was asked for two".to_owned()))?;
        seed.deserialize(item)
    }
}

/// The fields of a struct, each asked for once.
struct Fields<'a> {
    shape: &'a Shape,
    left: &'static [&'static str],
    current: Option<&'static str>,
    properties: BTreeMap<&'static str, Value>,
    required: Vec<&'static str>,
}

impl<'de> MapAccess<'de> for &mut Fields<'_> {
    type Error = TraceError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TraceError> {
        let Some((first, rest)) = self.left.split_first() else { return Ok(None) };
        self.left = rest;
        self.current = Some(first);
        seed.deserialize(Word(first)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, TraceError> {
        let field = self.current.take().ok_or_else(|| TraceError("a value was asked for before its key".to_owned()))?;
        let child = self.shape.child();
        let value = seed.deserialize(&child)?;
        let Seen { schema, optional } = child.seen.take();
        self.properties.insert(field, schema);
        if !optional {
            self.required.push(field);
        }
        Ok(value)
    }
}

/// A plain word: the name of a field or of a variant.
struct Word(&'static str);

impl<'de> Deserializer<'de> for Word {
    type Error = TraceError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_borrowed_str(self.0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Word {
    type Error = TraceError;
    type Variant = Word;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Word), TraceError> {
        let word = self.0;
        Ok((seed.deserialize(Word(word))?, Word(word)))
    }
}

impl<'de> VariantAccess<'de> for Word {
    type Error = TraceError;

    fn unit_variant(self) -> Result<(), TraceError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, TraceError> {
        Err(TraceError(format!("variant {} holds data", self.0)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, TraceError> {
        Err(TraceError(format!("variant {} holds data", self.0)))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, TraceError> {
        Err(TraceError(format!("variant {} holds data", self.0)))
    }
}
