//! The changed files of one owner (a tenant or the platform), read and matched: objects by identity, others by path.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::DiffError;
use crate::{kubernetes::ObjectId, yaml};

/// A file that differs: its path, and its text in either tree.
pub(super) struct Changed<'a> {
    pub(super) path: &'a str,
    pub(super) base: Option<&'a str>,
    pub(super) target: Option<&'a str>,
}

/// One side of the comparison, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is there now.
    Base,
    /// What shall be.
    Target,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Base => "base",
            Side::Target => "target",
        })
    }
}

/// What the same thing is in both trees.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair<T> {
    pub(super) base: Option<T>,
    pub(super) target: Option<T>,
}

impl<T> Default for Pair<T> {
    fn default() -> Self {
        Self { base: None, target: None }
    }
}

impl<T> Pair<T> {
    fn side(&mut self, side: Side) -> &mut Option<T> {
        match side {
            Side::Base => &mut self.base,
            Side::Target => &mut self.target,
        }
    }

    /// Returns the target, or the base where there is none.
    pub(super) fn either(&self) -> Option<&T> {
        self.target.as_ref().or(self.base.as_ref())
    }
}

/// A document and the file that holds it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    pub(super) path: String,
    pub(super) value: Value,
}

/// What Kubernetes knows an object by. The version is left out: an object that moves to another version stays what it is.
/// The number tells doubles apart, which Kubernetes would refuse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    number: usize,
}

/// The documents of one owner, matched.
#[derive(Default)]
pub(super) struct Documents {
    pub(super) objects: BTreeMap<Identity, Pair<Document>>,
    /// By path and the document's place in it.
    pub(super) others: BTreeMap<(String, usize), Pair<Value>>,
    pub(super) texts: Vec<(String, Pair<String>)>,
}

impl Documents {
    /// Reads and matches the changed files.
    pub(super) fn read(files: &[Changed<'_>]) -> Result<Self, DiffError> {
        let mut documents = Self::default();
        for file in files {
            let pair = Pair { base: file.base.map(str::to_owned), target: file.target.map(str::to_owned) };
            match format(file.path) {
                Format::Text => documents.texts.push((file.path.to_owned(), pair)),
                Format::Yaml | Format::Json => {
                    for (side, text) in [(Side::Base, pair.base), (Side::Target, pair.target)] {
                        if let Some(text) = text {
                            documents.add(file.path, side, read(file.path, side, &text)?);
                        }
                    }
                }
            }
        }
        Ok(documents)
    }

    fn add(&mut self, path: &str, side: Side, values: Vec<Value>) {
        for (index, value) in values.into_iter().enumerate() {
            match Identity::of(&value) {
                Some(mut identity) => {
                    while self.objects.get_mut(&identity).is_some_and(|pair| pair.side(side).is_some()) {
                        identity.number += 1;
                    }
                    let pair = self.objects.entry(identity).or_default();
                    *pair.side(side) = Some(Document { path: path.to_owned(), value });
                }
                None => *self.others.entry((path.to_owned(), index)).or_default().side(side) = Some(value),
            }
        }
    }
}

impl Identity {
    fn of(value: &Value) -> Option<Self> {
        let id = ObjectId::of(value).ok()?;
        let group = id.group().to_owned();
        let ObjectId { api_version: _, kind, namespace, name } = id;
        Some(Self { group, kind, namespace, name, number: 0 })
    }
}

enum Format {
    Yaml,
    Json,
    Text,
}

/// Templates of a copied chart look like YAML and are none.
fn format(path: &str) -> Format {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        _ if path.contains("/templates/") => Format::Text,
        Some("yaml" | "yml") => Format::Yaml,
        Some("json") => Format::Json,
        _ => Format::Text,
    }
}

/// Returns whether a file holds documents, and not a text such as a template of a copied chart.
pub(super) fn has_documents(path: &str) -> bool {
    !matches!(format(path), Format::Text)
}

/// Reads a file of a tree that [`has_documents`].
pub(super) fn read(path: &str, side: Side, text: &str) -> Result<Vec<Value>, DiffError> {
    match format(path) {
        Format::Json => serde_json::from_str(text).map(|value| vec![value]).map_err(|source| DiffError::Json {
            side,
            path: path.to_owned(),
            source,
        }),
        Format::Yaml | Format::Text => {
            yaml::read_documents(text).map_err(|source| DiffError::Yaml { side, path: path.to_owned(), source })
        }
    }
}
