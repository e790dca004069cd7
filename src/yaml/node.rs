//! A YAML value that remembers where it was written.

use serde_json::{Map, Number, Value};

use crate::diag::Span;

/// A YAML value with the place of every key and value.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where the value is: a scalar with its quotes (a block scalar without its header), a collection from its first
    /// to its last character. A value that was left out has an empty span.
    pub span: Span,
    /// What it is.
    pub value: NodeValue,
}

/// What a node is, after the rules of the YAML 1.2 core schema.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeValue {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number; integers are within i64 and u64.
    Number(Number),
    /// Text.
    String {
        /// The text after folding and escapes.
        text: String,
        /// How it was written.
        style: Style,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the text; keys are distinct.
    Map(Vec<Entry>),
}

/// How a piece of text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In single or double quotes.
    Quoted,
    /// As a block scalar, `|` or `>`.
    Block,
}

/// A key of a mapping and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// How the key was written.
    pub key_style: Style,
    /// Where the key is, with its quotes.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Returns the same value without places.
    pub fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(value) => Value::Bool(*value),
            NodeValue::Number(value) => Value::Number(value.clone()),
            NodeValue::String { text, .. } => Value::String(text.clone()),
            NodeValue::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            NodeValue::Map(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect::<Map<_, _>>())
            }
        }
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns the value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            NodeValue::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Returns a number.
    pub fn as_number(&self) -> Option<&Number> {
        match &self.value {
            NodeValue::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Returns whether the value is null or was left out.
    pub fn is_null(&self) -> bool {
        self.value == NodeValue::Null
    }

    /// Returns the items of a list; of anything else, none.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            NodeValue::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the entries of a map in the order of the text; of anything else, none.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            NodeValue::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the value under `key` if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the entry of `key` if this is a map that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the node at a JSON pointer (RFC 6901); the empty pointer is the node itself.
    pub fn at(&self, pointer: &str) -> Option<&Node> {
        let walk = self.walk(pointer);
        walk.complete.then_some(walk.node)
    }

    /// Returns the place of the key that a JSON pointer ends in; `None` for the root, for items of lists and for what
    /// does not exist.
    pub fn key_span_at(&self, pointer: &str) -> Option<Span> {
        let walk = self.walk(pointer);
        if walk.complete { walk.key_span } else { None }
    }

    /// Returns a place for a JSON pointer even where nothing stands: the value's own span if it exists, else the key of
    /// the nearest ancestor that does (its value's span where it has no key: the root and items of lists).
    pub fn span_near(&self, pointer: &str) -> Span {
        let walk = self.walk(pointer);
        if walk.complete { walk.node.span } else { walk.key_span.unwrap_or(walk.node.span) }
    }

    /// Follows a pointer as far as it goes.
    fn walk(&self, pointer: &str) -> Walk<'_> {
        let mut walk = Walk { node: self, key_span: None, complete: pointer.is_empty() };
        let Some(path) = pointer.strip_prefix('/') else {
            return walk;
        };
        for segment in path.split('/') {
            let segment = unescape(segment);
            let (node, key_span) = match &walk.node.value {
                NodeValue::List(items) => match index(&segment).and_then(|index| items.get(index)) {
                    Some(item) => (item, None),
                    None => return walk,
                },
                _ => match walk.node.entry(&segment) {
                    Some(entry) => (&entry.value, Some(entry.key_span)),
                    None => return walk,
                },
            };
            walk = Walk { node, key_span, complete: false };
        }
        walk.complete = true;
        walk
    }
}

/// How far a pointer led.
struct Walk<'a> {
    node: &'a Node,
    key_span: Option<Span>,
    complete: bool,
}

/// Turns `~1` into `/` and `~0` into `~`.
fn unescape(segment: &str) -> std::borrow::Cow<'_, str> {
    if segment.contains('~') { segment.replace("~1", "/").replace("~0", "~").into() } else { segment.into() }
}

/// Reads an index as RFC 6901 writes it: digits, no leading zero.
fn index(segment: &str) -> Option<usize> {
    let canonical = segment == "0" || !segment.starts_with(['0', '+']);
    canonical.then(|| segment.parse().ok()).flatten()
}
