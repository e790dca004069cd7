//! YAML: strict reading with the place of every value, and one normalised way of writing.
//!
//! The only module that knows the YAML library. Three doors:
//!
//! * [`read()`] for what people write or must be able to trust: one document, every fault a finding with its place;
//! * [`read_documents`] for what programs write: our own rendered tree, published CRDs, output of kustomize and helm;
//! * [`write()`] for what we write: text that YAML 1.1 and YAML 1.2 readers read as the same value.

mod ambiguous;
mod characters;
mod documents;
mod events;
mod faults;
mod node;
mod read;
mod write;

pub use characters::is_escaped as is_hidden;
pub use documents::{ReadError, read_documents};
pub use node::{Entry, Node, NodeValue, Style};
pub use read::read;
pub use write::{write, write_to};

/// What a text given to [`read()`] may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A file of an estate: at most 64 KiB, depth 16, 5,000 nodes.
    Estate,
    /// A provision document: at most 100 KiB, depth 24, 20,000 nodes.
    Document,
    /// A rendered skeleton: at most 4 MiB, depth 64, 200,000 nodes. A plain scalar that holds a private-use character
    /// (the placeholder of a value) is always a string.
    Template,
}

/// The size of a text in three dimensions; a text beyond any of them is refused.
#[derive(Debug, Clone, Copy)]
struct Limits {
    bytes: usize,
    depth: usize,
    nodes: usize,
}

impl Profile {
    fn limits(self) -> Limits {
        match self {
            // A full tenant file has some 100 nodes in 5 levels; the largest tier of the five platforms some 1,000 in 7.
            Profile::Estate => Limits { bytes: 64 << 10, depth: 16, nodes: 5_000 },
            // What `render` lets pass, and nearly as many nodes as fit into that; bodies of requests nest below eight levels.
            Profile::Document => Limits { bytes: 100 << 10, depth: 24, nodes: 20_000 },
            // Kubernetes refuses objects beyond 1.5 MiB, and an OpenAPI schema inside a CRD nests some 40 levels.
            Profile::Template => Limits { bytes: 4 << 20, depth: 64, nodes: 200_000 },
        }
    }
}

#[cfg(test)]
mod tests;
