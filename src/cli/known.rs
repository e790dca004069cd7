//! What is known of tenant files from this run and from earlier ones, kept in the cache by content.
//!
//! A fact is: the file with this content passed without a finding, and gave this tenant. It depends on the content, on the
//! files that all tenants share, and on the build of tenantry. The latter two name the cache's entry; the former names the
//! fact in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use rayon::prelude::*;

use crate::{
    cache::{Cache, Key},
    check::{self, Checked},
    estate::Tenant,
    git::{Held, ObjectId, Repository},
};

/// The length of a blob's id.
const ID: usize = 20;

/// An entry is written again when it lacks more than one in so many tenants: reading that few files anew costs less than
/// writing all.
const WORTH: usize = 100;

/// What is known beside one set of shared files.
pub(super) struct Known {
    cache: Option<Cache>,
    /// Nothing where a shared file cannot be read: then nothing is known or learnt.
    key: Option<Key>,
    facts: BTreeMap<[u8; ID], Vec<u8>>,
    learnt: usize,
}

impl Known {
    /// Looks up what is known beside the shared files of `held`.
    pub(super) fn beside(repository: &Repository, held: &Held) -> Self {
        let (cache, key) = (cache(repository), key(held));
        let kept = cache.as_ref().zip(key.as_ref()).and_then(|(cache, key)| cache.read(key));
        let facts = kept.and_then(|bytes| decode(&bytes)).unwrap_or_default();
        Self { cache, key, facts, learnt: 0 }
    }

    /// Checks an estate, and learns which of its tenants pass. One with other shared files is checked without what is known.
    pub(super) fn check(&mut self, held: &Held) -> Checked {
        if self.key.is_none() || key(held) != self.key {
            return check::check(held.sources());
        }
        let known = |path: &str| -> Option<Tenant> {
            let fact = self.facts.get(held.id(path)?.as_bytes())?;
            serde_json::from_slice(fact).ok()
        };
        let checked = check::check_beside(held.sources(), &known);
        let new: Vec<([u8; ID], &Tenant)> = checked
            .without_finding()
            .filter_map(|(path, tenant)| Some((held.id(&path)?.as_bytes().try_into().ok()?, tenant)))
            .filter(|(id, _)| !self.facts.contains_key(id))
            .collect();
        let new: Vec<([u8; ID], Vec<u8>)> =
            new.into_par_iter().filter_map(|(id, tenant)| Some((id, written(tenant)?))).collect();
        self.learnt += new.len();
        self.facts.extend(new);
        checked
    }

    /// Keeps what was learnt, if it is worth it. A cache that cannot be written is none.
    pub(super) fn keep(self, held: &Held) {
        let Self { cache: Some(cache), key: Some(key), mut facts, learnt } = self else { return };
        if learnt == 0 || learnt < facts.len() / WORTH {
            return;
        }
        // Facts of tenants that are gone or changed pile up otherwise.
        let tenants = held.sources().under("tenants/");
        let current: BTreeSet<ObjectId> = tenants.filter_map(|(path, _)| held.id(path)).collect();
        if facts.len() > 2 * current.len() {
            let current: BTreeSet<&[u8]> = current.iter().map(ObjectId::as_bytes).collect();
            facts.retain(|id, _| current.contains(id.as_slice()));
        }
        if let Err(error) = cache.write(&key, &encode(&facts)) {
            tracing::debug!(%error, "the cache is not written");
        }
    }
}

/// Returns a tenant as JSON, if that gives the same tenant again: a number may not.
fn written(tenant: &Tenant) -> Option<Vec<u8>> {
    let bytes = serde_json::to_vec(tenant).ok()?;
    let again: Tenant = serde_json::from_slice(&bytes).ok()?;
    (again == *tenant).then_some(bytes)
}

/// Names everything that a tenant's check depends on beside its file: the build, and the shared files.
fn key(held: &Held) -> Option<Key> {
    let mut parts: Vec<Vec<u8>> = vec![b"tenants".to_vec(), super::BUILD.into()];
    for (path, _) in held.sources().iter().filter(|(path, _)| !path.starts_with("tenants/")) {
        parts.push(path.into());
        parts.push(held.id(path)?.as_bytes().to_vec());
    }
    Some(Key::of(parts))
}

/// The folder of the user's caches, unless it lies in the work tree: a run must not make the repository dirty.
fn cache(repository: &Repository) -> Option<Cache> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    let inside = repository.work_tree().is_some_and(|tree| caches.starts_with(tree));
    (!inside).then(|| Cache::at(caches.join("tenantry")))
}

fn encode(facts: &BTreeMap<[u8; ID], Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(facts.values().map(|fact| ID + 4 + fact.len()).sum());
    for (id, fact) in facts {
        // A tenant file has at most 64 KiB, and so has a fact, by far.
        let Ok(length) = u32::try_from(fact.len()) else { continue };
        bytes.extend_from_slice(id);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(fact);
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Option<BTreeMap<[u8; ID], Vec<u8>>> {
    let mut facts = Vec::new();
    while !bytes.is_empty() {
        let (id, rest) = bytes.split_first_chunk::<ID>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (fact, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        facts.push((*id, fact.to_vec()));
        bytes = rest;
    }
    Some(facts.into_iter().collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_and_half_of_them_do_not() {
        let facts = BTreeMap::from([([1; ID], b"one".to_vec()), ([2; ID], Vec::new()), ([3; ID], b"three".to_vec())]);
        let bytes = encode(&facts);
        assert_eq!(decode(&bytes).unwrap(), facts);
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(&[]).unwrap(), BTreeMap::new());
    }
}
