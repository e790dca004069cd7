//! A tree of text as git objects: ids first, then only what the branch does not hold already.

use std::collections::{BTreeMap, BTreeSet};

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::{
    GitError, OUTPUT_FOLDERS,
    read::{Entry, folder, hash, mode},
    store::{Count, Store},
};
use crate::tree::Tree;

/// A folder of the new revision, with the id that it will have. No object is written to know it.
pub(super) struct Folder<'t> {
    pub id: Oid,
    bytes: Vec<u8>,
    children: Vec<Child<'t>>,
}

struct Child<'t> {
    name: Vec<u8>,
    entry: Entry,
    content: Content<'t>,
}

enum Content<'t> {
    Text(&'t str),
    Folder(Folder<'t>),
    /// An entry of the branch that stays as it is.
    Kept,
}

/// Returns the root of the new revision: the tree's files, and the entries of `parent`, the branch's root, that are
/// not ours. With `only`, folders such as `tenants/abc` or `argocd`, everything outside of them is kept too.
pub(super) fn root<'t>(
    store: &Store<'_>,
    tree: &'t Tree,
    parent: Option<Oid>,
    only: Option<&BTreeSet<String>>,
) -> Result<Folder<'t>, GitError> {
    let files: Vec<(&str, &str)> = tree.iter().map(|(path, text)| (path, &**text)).collect();
    files.par_iter().try_for_each(|(path, _)| check(path, only))?;
    let mut children = build_children(&files, 0)?;
    if let Some(parent) = parent {
        keep(store, &mut children, parent, |name| match only {
            Some(only) => !only.contains(name),
            None => !OUTPUT_FOLDERS.contains(&name),
        })?;
    }
    if let (Some(only), Some(parent)) = (only, parent) {
        keep_tenants(store, &mut children, parent, only)?;
    }
    assemble(children)
}

/// Keeps the folders of all tenants that `only` does not name.
fn keep_tenants(
    store: &Store<'_>,
    children: &mut Vec<Child<'_>>,
    parent: Oid,
    only: &BTreeSet<String>,
) -> Result<(), GitError> {
    let Some(Entry { mode: mode::FOLDER, id }) = folder(store, parent)?.get(b"tenants".as_slice()).copied() else {
        return Ok(());
    };
    let place = children.iter().position(|child| child.name == b"tenants");
    let mut tenants = match place.map(|place| children.swap_remove(place).content) {
        Some(Content::Folder(folder)) => folder.children,
        _ => Vec::new(),
    };
    keep(store, &mut tenants, id, |name| !only.contains(&format!("tenants/{name}")))?;
    if !tenants.is_empty() {
        let folder = assemble(tenants)?;
        let entry = Entry { mode: mode::FOLDER, id: folder.id };
        children.push(Child { name: b"tenants".to_vec(), entry, content: Content::Folder(folder) });
    }
    Ok(())
}

/// Adds the entries of the folder `parent` whose name `wanted` accepts, unless the new revision has that name.
fn keep(
    store: &Store<'_>,
    children: &mut Vec<Child<'_>>,
    parent: Oid,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), GitError> {
    let present: BTreeSet<Vec<u8>> = children.iter().map(|child| child.name.clone()).collect();
    for (name, entry) in folder(store, parent)? {
        if !present.contains(&name) && wanted(&String::from_utf8_lossy(&name)) {
            children.push(Child { name, entry, content: Content::Kept });
        }
    }
    Ok(())
}

/// Refuses paths that git or a checkout would not take, and any outside our folders.
fn check(path: &str, only: Option<&BTreeSet<String>>) -> Result<(), GitError> {
    let bad = |reason| Err(GitError::BadPath { path: path.to_owned(), reason });
    let mut names = path.split('/');
    if !names.next().is_some_and(|first| OUTPUT_FOLDERS.contains(&first)) || !path.contains('/') {
        return bad("is not below argocd/ or tenants/");
    }
    if path.split('/').any(|name| matches!(name, "" | "." | "..") || name.eq_ignore_ascii_case(".git")) {
        return bad("has a segment that git refuses");
    }
    if path.contains(|c: char| c.is_control() || c == '\\') {
        return bad("holds a control character or a backslash");
    }
    let is_inside = |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
    if only.is_some_and(|only| !only.iter().any(is_inside)) {
        return bad("is outside the folders that this commit replaces");
    }
    Ok(())
}

/// Files of a tree: path and text.
type Files<'f, 't> = &'f [(&'t str, &'t str)];

/// Builds what lies in one folder. `files` are sorted, and share the first `skip` bytes of their paths.
fn build_children<'t>(files: Files<'_, 't>, skip: usize) -> Result<Vec<Child<'t>>, GitError> {
    let mut groups: BTreeMap<&'t str, (Files<'_, 't>, bool)> = BTreeMap::new();
    let mut rest = files;
    while let Some((path, _)) = rest.first() {
        let below = &path[skip..];
        let (name, is_folder) = below.split_once('/').map_or((below, false), |(name, _)| (name, true));
        let prefix = if is_folder { &path[..skip + name.len() + 1] } else { path };
        let count = if is_folder { rest.partition_point(|(path, _)| path.starts_with(prefix)) } else { 1 };
        let (group, after) = rest.split_at(count);
        if groups.insert(name, (group, is_folder)).is_some() {
            return Err(GitError::BadPath { path: path.to_string(), reason: "is a file and a folder at once" });
        }
        rest = after;
    }
    let build = |(name, (group, is_folder)): (&'t str, (Files<'_, 't>, bool))| {
        let (entry, content) = if is_folder {
            let folder = assemble(build_children(group, skip + name.len() + 1)?)?;
            (Entry { mode: mode::FOLDER, id: folder.id }, Content::Folder(folder))
        } else {
            let text = group[0].1;
            (Entry { mode: mode::FILE, id: hash(ObjectType::Blob, text.as_bytes())? }, Content::Text(text))
        };
        Ok(Child { name: name.as_bytes().to_vec(), entry, content })
    };
    groups.into_par_iter().map(build).collect()
}

/// Writes the tree object of a folder in memory: entries in git's order, where a folder sorts as if it ended in `/`.
fn assemble(mut children: Vec<Child<'_>>) -> Result<Folder<'_>, GitError> {
    children.sort_by(|a, b| sort_key(a).cmp(sort_key(b)));
    let mut bytes = Vec::new();
    for child in &children {
        bytes.extend_from_slice(format!("{:o} ", child.entry.mode).as_bytes());
        bytes.extend_from_slice(&child.name);
        bytes.push(0);
        bytes.extend_from_slice(child.entry.id.as_bytes());
    }
    Ok(Folder { id: hash(ObjectType::Tree, &bytes)?, bytes, children })
}

fn sort_key<'c>(child: &'c Child<'_>) -> impl Iterator<Item = &'c u8> {
    let end: &[u8] = if child.entry.mode == mode::FOLDER { b"/" } else { b"" };
    child.name.iter().chain(end)
}

/// An object that the branch does not hold yet.
#[derive(Clone, Copy)]
pub(super) struct Object<'f> {
    pub kind: ObjectType,
    pub bytes: &'f [u8],
    /// Objects of like names are packed side by side, where they compress against each other.
    pub name: &'f str,
}

/// What the new revision changes.
#[derive(Default)]
pub(super) struct Changes<'f> {
    /// By id, so that a text that many tenants share is written once.
    pub objects: BTreeMap<Oid, Object<'f>>,
    /// Files that were added, changed or removed.
    pub files: usize,
    /// Tenants with such a file.
    pub tenants: BTreeSet<String>,
}

impl<'f> Changes<'f> {
    /// Compares the new root with that of the branch; equal folders are not even read.
    pub(super) fn between(store: &Store<'_>, parent: Option<Oid>, root: &'f Folder<'_>) -> Result<Self, GitError> {
        let mut changes = Self::default();
        let parent = parent.map(|id| Entry { mode: mode::FOLDER, id });
        if parent.is_none_or(|parent| parent.id != root.id) {
            changes.compare_folder(store, "", parent, root, "")?;
        }
        Ok(changes)
    }

    fn compare_folder(
        &mut self,
        store: &Store<'_>,
        path: &str,
        before: Option<Entry>,
        after: &'f Folder<'_>,
        name: &'f str,
    ) -> Result<(), GitError> {
        let mut old = match before {
            Some(Entry { mode: mode::FOLDER, id }) => folder(store, id)?,
            Some(_) => {
                self.count(path);
                BTreeMap::new()
            }
            None => BTreeMap::new(),
        };
        self.objects.insert(after.id, Object { kind: ObjectType::Tree, bytes: &after.bytes, name });
        for child in &after.children {
            let before = old.remove(&child.name);
            if before == Some(child.entry) {
                continue;
            }
            let name = std::str::from_utf8(&child.name).unwrap_or_default();
            let path = join(path, name);
            match &child.content {
                Content::Kept => {}
                Content::Folder(folder) => self.compare_folder(store, &path, before, folder, name)?,
                Content::Text(text) => {
                    if let Some(before) = before.filter(|before| before.mode == mode::FOLDER) {
                        self.count_removed(store, &path, before)?;
                    }
                    let object = Object { kind: ObjectType::Blob, bytes: text.as_bytes(), name };
                    self.objects.insert(child.entry.id, object);
                    self.count(&path);
                }
            }
        }
        old.into_iter().try_for_each(|(name, entry)| {
            self.count_removed(store, &join(path, &String::from_utf8_lossy(&name)), entry)
        })
    }

    fn count_removed(&mut self, store: &Store<'_>, path: &str, entry: Entry) -> Result<(), GitError> {
        let mut count = Count::default();
        let mut ahead = vec![(path.to_owned(), entry)];
        while let Some((path, entry)) = ahead.pop() {
            if entry.mode != mode::FOLDER {
                self.count(&path);
                continue;
            }
            count.enter(&path);
            for (name, entry) in folder(store, entry.id)? {
                let path = join(&path, &String::from_utf8_lossy(&name));
                count.meet(&path)?;
                ahead.push((path, entry));
            }
        }
        Ok(())
    }

    fn count(&mut self, path: &str) {
        self.files += 1;
        if let Some(("tenants", rest)) = path.split_once('/') {
            let name = rest.split_once('/').map_or(rest, |(name, _)| name);
            if !self.tenants.contains(name) {
                self.tenants.insert(name.to_owned());
            }
        }
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
