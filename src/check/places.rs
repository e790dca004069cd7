//! Where the parts of a checked value were written, and the findings about them.

use crate::{
    diag::{Code, Diagnostic, Place, Span},
    yaml::{Node, NodeValue},
};

/// Where the parts of a value were written, by JSON pointer (RFC 6901) into the value.
pub(super) trait Places {
    /// Returns the place of the value at `pointer`; the nearest key above it where nothing stands there.
    fn value(&self, pointer: &str) -> Place;

    /// Returns the place of the key that leads to `pointer`, which is what to show of a map or a list.
    fn key(&self, pointer: &str) -> Place;
}

/// A file of the estate, read as YAML.
#[derive(Debug)]
pub(super) struct Document<'s> {
    /// Its path.
    pub path: &'s str,
    /// What it holds.
    pub node: Node,
}

impl Document<'_> {
    /// Takes the parts at these pointers out.
    pub(super) fn prune(&mut self, pointers: &[String]) {
        for pointer in pointers {
            let mut node = &mut self.node;
            let mut keys = pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).peekable();
            while let (Some(key), NodeValue::Map(entries)) = (keys.next(), &mut node.value) {
                if keys.peek().is_none() {
                    entries.retain(|entry| entry.key != key);
                    break;
                }
                match entries.iter_mut().find(|entry| entry.key == key) {
                    Some(entry) => node = &mut entry.value,
                    None => break,
                }
            }
        }
    }
}

impl Places for Document<'_> {
    fn value(&self, pointer: &str) -> Place {
        Place::new(self.path, self.node.span_near(pointer))
    }

    fn key(&self, pointer: &str) -> Place {
        Place::new(self.path, key_span(&self.node, pointer))
    }
}

/// Returns the key of `pointer`; of a map without a key of its own (the root, an item of a list) its first key.
fn key_span(node: &Node, pointer: &str) -> Span {
    if let Some(span) = node.key_span_at(pointer) {
        return span;
    }
    match node.at(pointer) {
        Some(node) => match &node.value {
            NodeValue::Map(entries) => entries.first().map_or(node.span, |entry| entry.key_span),
            _ => node.span,
        },
        None => node.span_near(pointer),
    }
}

/// Collects the findings about one value.
pub(super) struct Finder<'p> {
    places: &'p dyn Places,
    /// Parts that the shape stage has already refused: what follows from their absence is noise.
    refused: Vec<String>,
    findings: Vec<Diagnostic>,
}

impl<'p> Finder<'p> {
    /// Returns a collector for a value written at `places`.
    pub(super) fn new(places: &'p dyn Places) -> Self {
        Self { places, refused: Vec::new(), findings: Vec::new() }
    }

    /// Leaves out all later findings at or below these pointers.
    pub(super) fn ignore(&mut self, pointers: Vec<String>) {
        self.refused.extend(pointers);
    }

    /// Adds a finding about the value at `pointer`.
    pub(super) fn value(
        &mut self,
        code: Code,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<&mut Diagnostic> {
        self.add(code, pointer, self.places.value(pointer), message.into(), help.into())
    }

    /// Adds a finding about the key that leads to `pointer`.
    pub(super) fn key(
        &mut self,
        code: Code,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<&mut Diagnostic> {
        self.add(code, pointer, self.places.key(pointer), message.into(), help.into())
    }

    fn add(
        &mut self,
        code: Code,
        pointer: &str,
        place: Place,
        message: String,
        help: String,
    ) -> Option<&mut Diagnostic> {
        if self.is_refused(pointer) {
            return None;
        }
        self.findings.push(Diagnostic::new(code, place, message, help));
        self.findings.last_mut()
    }

    /// Returns whether the part at `pointer` has been refused already.
    pub(super) fn is_refused(&self, pointer: &str) -> bool {
        self.refused.iter().any(|refused| is_at_or_below(pointer, refused))
    }

    /// Returns the place of a value, for a finding elsewhere that refers to it.
    pub(super) fn place(&self, pointer: &str) -> Place {
        self.places.value(pointer)
    }

    /// Returns the pointers that are ignored.
    pub(super) fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Returns what was found.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        self.findings
    }
}

/// Returns whether `pointer` is `ancestor` or lies below it.
pub(super) fn is_at_or_below(pointer: &str, ancestor: &str) -> bool {
    pointer.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the pointer to `key` of the map at `pointer`.
pub(super) fn below(pointer: &str, key: &str) -> String {
    let mut child = String::with_capacity(pointer.len() + key.len() + 1);
    child.push_str(pointer);
    child.push('/');
    if key.contains(['~', '/']) {
        child.push_str(&key.replace('~', "~0").replace('/', "~1"))
    } else {
        child.push_str(key)
    }
    child
}

/// Returns a pointer as people write it: `spec.lifecycle.state`.
pub(super) fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~")
}
