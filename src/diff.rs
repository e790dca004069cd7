//! The diff step: rendered tree × rendered tree → [`ChangeSet`]. Pure, and the same for the same trees.
//!
//! Files with equal texts are not read. The others are read, objects are matched by what Kubernetes knows them by, secret
//! values are hidden, what `render` generates from other files is folded into notes, and what is left is compared field by
//! field. Nothing behind [`mask`] ever sees a secret value.

mod change_set;
mod danger;
mod documents;
mod fields;
mod fold;
mod generated;
mod hooks;
mod hosts;
mod lists;
mod mask;
mod order;
mod outside;
mod owner;
mod words;

use std::collections::BTreeMap;

use rayon::prelude::*;

pub use change_set::{
    Change, ChangeSet, Counts, Danger, Entry, FieldChange, Kinds, Level, Line, Note, Op, Sign, Subject, Tally, VERSION,
};
pub use documents::Side;

use crate::{tree::Tree, yaml::ReadError};
use documents::Changed;

/// A tree could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// A file is no YAML that we read.
    #[error("failed to read `{path}` of the {side} tree")]
    Yaml {
        /// The tree.
        side: Side,
        /// The file.
        path: String,
        /// Why.
        source: ReadError,
    },
    /// A file is no JSON.
    #[error("failed to read `{path}` of the {side} tree")]
    Json {
        /// The tree.
        side: Side,
        /// The file.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// Compares two rendered trees.
///
/// Both may be whole, or both may hold only the files that differ between them.
///
/// # Errors
///
/// Returns the first file, by its path, that differs and cannot be read.
pub fn diff(base: &Tree, target: &Tree) -> Result<ChangeSet, DiffError> {
    let mut owners: BTreeMap<Option<&str>, Vec<Changed<'_>>> = BTreeMap::new();
    for file in changed_files(base, target) {
        owners.entry(tenant_of(file.path)).or_default().push(file);
    }
    let owners: Vec<_> = owners.into_iter().collect();
    let compared: Vec<Result<owner::Compared, DiffError>> = owners
        .par_iter()
        .map(|(tenant, files)| match tenant {
            Some(tenant) => owner::tenant(tenant, files, base, target),
            None => owner::platform(files),
        })
        .collect();
    // In order, so that of several faults the same one is returned each time.
    let mut compared = compared.into_iter().collect::<Result<Vec<_>, _>>()?;
    let moving = owners.iter().zip(&mut compared).filter_map(|((tenant, _), compared)| {
        let hosts = std::mem::take(&mut compared.hosts);
        Some(hosts::Owned { tenant: (*tenant)?, hosts, entries: &mut compared.entries })
    });
    hosts::add_dangers(&mut moving.collect::<Vec<_>>());
    let mut entries = Vec::new();
    let mut own_names = BTreeMap::new();
    for ((tenant, _), compared) in owners.iter().zip(compared) {
        entries.extend(compared.entries);
        own_names.extend(tenant.map(|tenant| (tenant.to_owned(), compared.own)));
    }
    Ok(ChangeSet::new(entries, own_names))
}

/// Returns the tenant that a path of a rendered tree belongs to.
fn tenant_of(path: &str) -> Option<&str> {
    path.strip_prefix("tenants/")?.split_once('/').map(|(tenant, _)| tenant)
}

/// Returns the files whose texts differ, in the order of their paths.
fn changed_files<'a>(base: &'a Tree, target: &'a Tree) -> Vec<Changed<'a>> {
    let (mut old, mut new) = (base.iter().peekable(), target.iter().peekable());
    let mut changed = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changed,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        let (base, target) = (before.map(|(_, text)| &**text), after.map(|(_, text)| &**text));
        if let Some((path, _)) = before.or(after)
            && base != target
        {
            changed.push(Changed { path, base, target });
        }
    }
}
