//! The files of an estate with the ids that git has for them: what two of them share is told without reading it twice.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use git2::ObjectType;
use rayon::prelude::*;

use super::{
    GitError, ObjectId, Repository,
    read::{self, Entry, estate_entries, hash, mode},
    store::Store,
};
use crate::sources::{Refusal, Source, Sources};

/// The files of an estate, and the id of each that could be read.
#[derive(Debug, Clone, Default)]
pub struct Held {
    sources: Sources,
    ids: BTreeMap<String, ObjectId>,
}

impl Held {
    /// Takes the files of a directory, and says what git would call their content: line-ending settings and the index play
    /// no part.
    ///
    /// # Errors
    ///
    /// libgit2 cannot hash.
    pub fn of(sources: Sources) -> Result<Self, GitError> {
        let readable: Vec<(&str, &[u8])> =
            sources.iter().filter_map(|(path, source)| Some((path, source.as_ref().ok()?.as_ref()))).collect();
        let ids = readable
            .into_par_iter()
            .map(|(path, bytes)| Ok((path.to_owned(), ObjectId(hash(ObjectType::Blob, bytes)?))))
            .collect::<Result<Vec<_>, GitError>>()?;
        Ok(Self { ids: ids.into_iter().collect(), sources })
    }

    /// Reads the estate in the folder `prefix` of a revision, as [`read::sources`] does. What `self` holds at the same path
    /// with the same id is taken from there.
    ///
    /// # Errors
    ///
    /// As for [`read::sources`].
    pub fn at(&self, repository: &Repository, rev: &str, prefix: &str) -> Result<Self, GitError> {
        let commit = repository.commit(rev)?;
        let store = Store::open(repository)?;
        let mut found: Vec<(String, Entry)> = Vec::new();
        let mut held = Self::default();
        estate_entries(&store, &commit, rev, prefix, &mut |path, entry| match path {
            Ok(path) => found.push((path, entry)),
            Err(shown) => {
                held.sources.insert(shown, Err(Refusal::Unreadable("its name is not UTF-8".to_owned())));
            }
        })?;
        let known = |path: &str, entry: Entry| -> Option<Source> {
            let same = entry.mode == mode::FILE && self.ids.get(path) == Some(&ObjectId(entry.id));
            same.then(|| self.sources.get(path).cloned()).flatten()
        };
        let read: Vec<(String, Entry, Source)> = found
            .into_par_iter()
            .map(|(path, entry)| {
                let source = match known(&path, entry) {
                    Some(source) => source,
                    None => read::file(&store, &path, entry)?,
                };
                Ok((path, entry, source))
            })
            .collect::<Result<_, GitError>>()?;
        for (path, entry, source) in read {
            if source.is_ok() {
                held.ids.insert(path.clone(), ObjectId(entry.id));
            }
            held.sources.insert(path, source);
        }
        Ok(held)
    }

    /// Returns the files alone.
    pub fn into_sources(self) -> Sources {
        self.sources
    }

    /// Returns the files.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns the id of a file's content; none for one that could not be read.
    pub fn id(&self, path: &str) -> Option<ObjectId> {
        self.ids.get(path).copied()
    }

    /// Returns the paths of the files that only one of both has, or both with another content, in order. One that could not
    /// be read is among them: nobody knows.
    pub fn differing<'h>(&'h self, other: &'h Self) -> BTreeSet<&'h str> {
        let mut paths: BTreeSet<&str> = BTreeSet::new();
        let (mut ours, mut theirs) = (self.ids.iter().peekable(), other.ids.iter().peekable());
        // Both are sorted, so one walk over both tells more quickly than looking each up.
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (Some((one, _)), Some((two, _))) => one.cmp(two),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let (one, two) = (ours.next_if(|_| order.is_le()), theirs.next_if(|_| order.is_ge()));
            if one != two {
                paths.extend(one.or(two).map(|(path, _)| path.as_str()));
            }
        }
        for held in [self, other] {
            let unread = held.sources.iter().filter(|(_, source)| source.is_err());
            paths.extend(unread.map(|(path, _)| path));
        }
        paths
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn held(files: &[(&str, Source)]) -> Held {
        let mut sources = Sources::new();
        files.iter().for_each(|(path, source)| sources.insert(*path, source.clone()));
        Held::of(sources).unwrap()
    }

    #[test]
    fn what_differs_is_what_one_side_has_alone_or_with_another_content() {
        let text = |text: &str| -> Source { Ok(text.as_bytes().into()) };
        let unread = || -> Source { Err(Refusal::Unreadable("no".to_owned())) };
        let one = held(&[("a", text("1")), ("b", text("2")), ("d", text("4")), ("f", unread()), ("g", text("7"))]);
        let two = held(&[("a", text("1")), ("b", text("x")), ("c", text("3")), ("f", unread()), ("g", unread())]);
        assert_eq!(one.differing(&two), BTreeSet::from(["b", "c", "d", "f", "g"]));
        assert_eq!(two.differing(&one), one.differing(&two));
        assert_eq!(one.differing(&one), BTreeSet::from(["f"]));
        assert_eq!(held(&[]).differing(&held(&[])), BTreeSet::new());
    }
}
