//! Compiled schemas: all nodes in one list, references resolved to positions in it, fields in hash tables.
//!
//! Built for one thing: to walk an object of some eighty fields in about a microsecond, without allocating.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::Value;

/// The position of a node.
pub(super) type NodeId = u32;

/// No node: any value.
pub(super) const ANY: NodeId = 0;

/// Compiled schemas.
pub(super) struct Arena {
    pub nodes: Vec<Node>,
    pub objects: Vec<Fields>,
    pub bounds: Vec<Bounds>,
}

impl Arena {
    /// Returns an arena that holds [`ANY`] alone.
    pub(super) fn new() -> Self {
        let any = Node { shape: Shape::Any, nullable: true, bounds: 0 };
        Self { nodes: vec![any], objects: Vec::new(), bounds: Vec::new() }
    }
}

/// One schema.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub shape: Shape,
    pub nullable: bool,
    /// The position of further bounds plus one; 0 is none.
    pub bounds: u32,
}

/// What a value must look like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Any,
    Boolean,
    Integer,
    Integer32,
    Number,
    Text,
    IntOrText,
    Quantity,
    List(NodeId),
    /// The position of its fields.
    Object(u32),
    /// The metadata of an object, whose schema is built in.
    Metadata,
}

/// What restrains a value beyond its shape.
#[derive(Default)]
pub(super) struct Bounds {
    pub words: Option<Box<[Value]>>,
    /// The least number, and whether it is excluded itself.
    pub minimum: Option<(f64, bool)>,
    pub maximum: Option<(f64, bool)>,
    pub length: Range,
    pub items: Range,
    pub fields: Range,
    pub pattern: Option<Pattern>,
    pub form: Option<Form>,
    pub unique: Unique,
    pub all_of: Box<[NodeId]>,
    pub any_of: Box<[NodeId]>,
    pub one_of: Box<[NodeId]>,
    pub not: Option<NodeId>,
    /// Holds `labels` and `annotations` of an object or a template.
    pub metadata: bool,
}

/// Bounds of a count.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub min: Option<u64>,
    pub max: Option<u64>,
}

/// A form of text that is checked without a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Base64,
    DnsLabel,
    PortName,
}

/// In what items of a list must differ.
#[derive(Default)]
pub(super) struct Unique {
    /// In themselves.
    pub whole: bool,
    /// In these fields taken together.
    pub keys: Box<[Box<str>]>,
    /// In each of these fields, where they have it.
    pub also: Box<[Box<str>]>,
}

/// A pattern, compiled when it is first met: most runs meet few of them.
pub(super) struct Pattern {
    pub text: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.into(), compiled: OnceLock::new() }
    }

    /// Returns whether the pattern is found; one that this library cannot compile is left to the cluster.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.compiled.get_or_init(|| Regex::new(&self.text).ok()).as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

/// What happens to a field that is not in the table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    Refused,
    Ignored,
    Like(NodeId),
}

/// One field of an object.
pub(super) struct Field {
    pub name: Box<str>,
    pub node: NodeId,
    /// One bit for each of the first 64 required fields, so that one comparison says that all are there.
    pub bit: u64,
    pub required: bool,
}

/// The fields of an object: a table of open addressing.
pub(super) struct Fields {
    fields: Box<[Field]>,
    /// Positions in `fields` plus one; 0 is free. At least twice as many as fields, a power of two.
    slots: Box<[u16]>,
    /// The bits of all required fields.
    pub required: u64,
    /// Whether more than 64 fields are required.
    pub many_required: bool,
    pub others: Others,
}

impl Fields {
    /// Builds the table. The names differ; a table holds fewer than 65,535.
    pub(super) fn new(mut fields: Vec<Field>, others: Others) -> Self {
        fields.truncate(usize::from(u16::MAX - 1));
        let mut bits = 0_u32;
        for field in fields.iter_mut().filter(|field| field.required) {
            field.bit = 1_u64.checked_shl(bits).unwrap_or(0);
            bits += 1;
        }
        let size = (fields.len() * 2).next_power_of_two().max(2);
        let mut slots = vec![0_u16; size].into_boxed_slice();
        for (position, field) in (1_u16..).zip(&fields) {
            let mut slot = hash(&field.name) & (size - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            slots[slot] = position;
        }
        let required = fields.iter().fold(0, |all, field| all | field.bit);
        Self { fields: fields.into(), slots, required, many_required: bits > 64, others }
    }

    /// Returns the field of this name.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&Field> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(name) & mask;
        loop {
            match self.slots[slot] {
                0 => return None,
                position => {
                    let field = &self.fields[usize::from(position) - 1];
                    if *field.name == *name {
                        return Some(field);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Returns all fields in the order of their names.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.fields.iter()
    }
}

/// Mixes the first and the last eight bytes and the length: field names differ in them, and what does not costs one comparison.
#[inline]
fn hash(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (head, tail) = match bytes.len() {
        0..4 => (bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)), 0),
        4..8 => (u64::from(word4(bytes, 0)), u64::from(word4(bytes, bytes.len() - 4))),
        len => (word8(bytes, 0), word8(bytes, len - 8)),
    };
    let mixed = (head ^ tail.rotate_left(29) ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The high half of a product depends on every bit of its factors.
    (mixed >> 32) as usize
}

#[inline]
fn word4(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

#[inline]
fn word8(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_and_no_other() {
        let names = [
            "",
            "a",
            "b",
            "ab",
            "abc",
            "abcd",
            "kind",
            "name",
            "spec",
            "apiVersion",
            "apiVersioN",
            "initContainers",
            "initcontainers",
        ];
        let fields =
            names.iter().map(|name| Field { name: (*name).into(), node: ANY, bit: 0, required: false }).collect();
        let table = Fields::new(fields, Others::Refused);
        for name in names {
            assert_eq!(*table.get(name).unwrap().name, *name);
        }
        for name in ["c", "ba", "abce", "Kind", "apiVersions", "initContainer"] {
            assert!(table.get(name).is_none(), "{name}");
        }
        assert!(Fields::new(Vec::new(), Others::Refused).get("x").is_none());
    }

    #[test]
    fn more_than_64_required_fields_are_noticed() {
        let field = |n: usize| Field { name: format!("f{n}").into(), node: ANY, bit: 0, required: true };
        assert!(!Fields::new((0..64).map(field).collect(), Others::Refused).many_required);
        assert!(Fields::new((0..65).map(field).collect(), Others::Refused).many_required);
    }
}
