//! Secret stores: entries of text fields under a key, written only if free or only over the version that was read.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;

use super::{Entry, Secret, Trouble};

/// What a store says of a key.
#[derive(Debug, Clone)]
pub enum Held {
    /// The key is free.
    Free,
    /// An entry.
    Entry(Entry),
    /// An entry that was deleted softly.
    Deleted,
}

/// What came of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is stored.
    Done,
    /// Somebody else was there first: read again. Nothing was written.
    Lost,
}

/// A future of a store.
pub type Answer<'a, T> = LocalBoxFuture<'a, Result<T, Trouble>>;

/// A secret store. Values go in and out as [`Secret`]s only.
pub trait Store {
    /// Reads an entry.
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Held>;

    /// Writes an entry only if the key is free.
    fn create<'a>(&'a self, key: &'a str, fields: &'a BTreeMap<String, Secret>) -> Answer<'a, Written>;

    /// Replaces an entry only over `version`.
    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a str,
        fields: &'a BTreeMap<String, Secret>,
    ) -> Answer<'a, Written>;

    /// Takes an entry and all its versions away; a free key is no error.
    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()>;

    /// Returns which of `keys` have an entry, in as few requests as the store allows, without reading values.
    fn present<'a>(&'a self, keys: &'a BTreeSet<String>) -> Answer<'a, BTreeSet<String>>;
}
