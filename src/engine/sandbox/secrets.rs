//! The stand-in of a secret store with versions and soft deletion, as KV version 2 has them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Sandbox;
use crate::{
    engine::{
        Access, Entry, Look, Observe, Perform, Probe, Secret, Trouble,
        service::Answers,
        store::{Answer, Held, Store, Written},
    },
    provision::{Wanted, secret::SecretSpec},
    steps::secret::{Nothing, PlainSecret},
};

/// What the store keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Entries by key.
    pub entries: BTreeMap<String, Kept>,
}

/// An entry.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// How often it was written.
    pub version: u64,
    /// Whether it was deleted softly.
    pub deleted: bool,
    /// The fields: the one place where the sandbox holds passwords, as a secret store does.
    pub fields: BTreeMap<String, String>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { version, deleted, fields } = self;
        let fields: Vec<&String> = fields.keys().collect();
        f.debug_struct("Kept").field("version", version).field("deleted", deleted).field("fields", &fields).finish()
    }
}

fn plain(fields: &BTreeMap<String, Secret>) -> BTreeMap<String, String> {
    fields.iter().map(|(name, secret)| (name.clone(), secret.expose().to_owned())).collect()
}

impl Store for Sandbox {
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Held> {
        Box::pin(Sandbox::read(self, "read an entry", move |state| {
            Ok(match state.secrets.entries.get(key) {
                None => Held::Free,
                Some(kept) if kept.deleted => Held::Deleted,
                Some(kept) => {
                    let fields = kept.fields.iter().map(|(name, text)| (name.clone(), Secret::new(text.as_str())));
                    Held::Entry(Entry::new(fields.collect(), kept.version.to_string()))
                }
            })
        }))
    }

    fn create<'a>(&'a self, key: &'a str, fields: &'a BTreeMap<String, Secret>) -> Answer<'a, Written> {
        Box::pin(self.write("create an entry", move |state| {
            let entries = &mut state.secrets.entries;
            if entries.contains_key(key) {
                return Ok(Written::Lost);
            }
            entries.insert(key.to_owned(), Kept { version: 1, deleted: false, fields: plain(fields) });
            Ok(Written::Done)
        }))
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a str,
        fields: &'a BTreeMap<String, Secret>,
    ) -> Answer<'a, Written> {
        Box::pin(self.write("replace an entry", move |state| match state.secrets.entries.get_mut(key) {
            Some(kept) if kept.version.to_string() == version && !kept.deleted => {
                (kept.version, kept.fields) = (kept.version + 1, plain(fields));
                Ok(Written::Done)
            }
            _ => Ok(Written::Lost),
        }))
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(self.write("remove an entry", move |state| {
            state.secrets.entries.remove(key);
            Ok(())
        }))
    }

    fn present<'a>(&'a self, keys: &'a BTreeSet<String>) -> Answer<'a, BTreeSet<String>> {
        Box::pin(Sandbox::read(self, "list entries", move |state| {
            Ok(keys.iter().filter(|key| state.secrets.entries.contains_key(*key)).cloned().collect())
        }))
    }
}

impl Observe<PlainSecret> for super::Observer {
    async fn observe(&self, looks: &[Look<'_, SecretSpec>]) -> Vec<Result<(), Trouble>> {
        looks.iter().map(|_| Ok(())).collect()
    }
}

impl Perform<PlainSecret> for super::Performer {
    async fn perform(&self, _: Look<'_, SecretSpec>, action: &Nothing) -> Result<Answers, Trouble> {
        match *action {}
    }
}

/// Nothing is tried: an entry opens nothing that tenantry knows of.
impl Probe<PlainSecret> for super::Prober {
    async fn probe(
        &self,
        _: Look<'_, SecretSpec>,
        _: &[&Wanted<SecretSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        Ok(Vec::new())
    }
}
