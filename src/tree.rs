//! A tree: repository path → text, the only form in which files travel inside the core.

use std::{collections::BTreeMap, sync::Arc};

/// A sorted map of path → text: the rendered output, or a revision of it.
///
/// Paths are relative, use `/`, and hold no `.` or `..` segment. Cloning a tree copies no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, Arc<str>>,
}

impl Tree {
    /// Returns an empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file in place and returns the text that was there before.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> Option<Arc<str>> {
        self.files.insert(path.into(), text.into())
    }

    /// Returns the text at `path`.
    pub fn get(&self, path: &str) -> Option<&Arc<str>> {
        self.files.get(path)
    }

    /// Takes a file out of the tree.
    pub fn remove(&mut self, path: &str) -> Option<Arc<str>> {
        self.files.remove(path)
    }

    /// Returns all files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<str>)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text))
    }

    /// Returns the files whose path starts with `prefix`, in order.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Arc<str>)> {
        self.files
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(prefix))
            .map(|(path, text)| (path.as_str(), text))
    }

    /// Returns the number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns whether the tree holds no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Moves all files of `other` into this tree; a path that both hold takes the text of `other`.
    pub fn extend(&mut self, other: Tree) {
        self.files.extend(other.files);
    }
}

impl FromIterator<(String, Arc<str>)> for Tree {
    fn from_iter<T: IntoIterator<Item = (String, Arc<str>)>>(files: T) -> Self {
        Self { files: files.into_iter().collect() }
    }
}

impl IntoIterator for Tree {
    type Item = (String, Arc<str>);
    type IntoIter = std::collections::btree_map::IntoIter<String, Arc<str>>;

    fn into_iter(self) -> Self::IntoIter {
        self.files.into_iter()
    }
}
