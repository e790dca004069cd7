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

/// Returns what all of these, which come in order, begin with.
pub fn beginning<'k>(mut sorted: impl DoubleEndedIterator<Item = &'k str>) -> &'k str {
    let Some(first) = sorted.next() else { return "" };
    let Some(last) = sorted.next_back() else { return first };
    // What the first and the last of sorted texts share, all between them share.
    let differ = first.char_indices().zip(last.chars()).find(|((_, one), other)| one != other);
    &first[..differ.map_or(first.len().min(last.len()), |((at, _), _)| at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_what_all_share() {
        assert_eq!(beginning(["tenants/a/x", "tenants/a/y", "tenants/b/x"].into_iter()), "tenants/");
        assert_eq!(beginning(["é1", "è1"].into_iter()), "");
        assert_eq!(beginning(["ab", "abc"].into_iter()), "ab");
        assert_eq!(beginning(["ab"].into_iter()), "ab");
        assert_eq!(beginning([].into_iter()), "");
    }
}
