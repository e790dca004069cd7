//! Reading revisions: blobs of one commit's tree, never the work tree.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::{
    GitError, OUTPUT_FOLDERS, ObjectId, Repository,
    held::Held,
    store::{Count, MOST_PATH_BYTES, Store},
};
use crate::{
    sources::{self, ESTATE_FILE, FOLDERS, MAX_FILES, Refusal, Source, Sources},
    tree::Tree,
};

/// The most bytes of a rendered file: ten times what a cluster takes as one object.
const LARGEST_TEXT: usize = 16 << 20;

/// The modes that an entry of a tree can have.
pub(super) mod mode {
    pub const FILE: i32 = 0o100644;
    pub const EXECUTABLE: i32 = 0o100755;
    pub const LINK: i32 = 0o120000;
    pub const GITLINK: i32 = 0o160000;
    pub const FOLDER: i32 = 0o040000;
}

/// One entry of a tree object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub mode: i32,
    pub id: Oid,
}

/// Returns the id of the commit that is checked out.
///
/// # Errors
///
/// There is no commit yet.
pub fn head_revision(repository: &Repository) -> Result<ObjectId, GitError> {
    let action = "read the current revision";
    let head = repository.inner.head().map_err(|source| match source.code() {
        git2::ErrorCode::UnbornBranch | git2::ErrorCode::NotFound => GitError::NoCommits,
        _ => GitError::git(action)(source),
    })?;
    if let Some(id) = head.target() {
        Store::open(repository)?.refuse_cut_off(id, "the current revision")?;
    }
    let commit = head.peel_to_commit().map_err(GitError::git(action))?;
    Ok(ObjectId(commit.id()))
}

/// Reads the files of the estate in the folder `prefix` of a revision (empty for the top), as
/// [`crate::load::directory`] reads them from a directory.
///
/// # Errors
///
/// The revision or the folder does not exist, or the object database is damaged or incomplete.
pub fn sources(repository: &Repository, rev: &str, prefix: &str) -> Result<Sources, GitError> {
    Ok(Held::default().at(repository, rev, prefix)?.into_sources())
}

/// Reads the file of an estate at a path; what is no file, or lies in the place of a folder, is refused.
pub(super) fn file(store: &Store<'_>, path: &str, entry: Entry) -> Result<Source, GitError> {
    let is_folder = FOLDERS.iter().any(|folder| folder.trim_end_matches('/') == path);
    match entry.mode {
        mode::FILE if is_folder => Ok(Err(Refusal::NotRegular("file in the place of a folder".to_owned()))),
        _ => source(store, entry, sources::limit(path)),
    }
}

/// Returns which files of the estate differ from the commit that is checked out, untracked and missing ones included.
///
/// `held` is the estate as it was loaded from the directory at `prefix`. Bytes are compared, by their ids, so that what was
/// checked is what the commit holds: line-ending settings, `.gitignore` and the index play no part.
///
/// # Errors
///
/// There is no commit yet, or the object database is damaged or incomplete.
pub fn dirty(repository: &Repository, prefix: &str, held: &Held) -> Result<Vec<String>, GitError> {
    let head = head_revision(repository)?.to_string();
    let commit = repository.commit(&head)?;
    let store = Store::open(repository)?;
    let mut committed: BTreeMap<String, Entry> = BTreeMap::new();
    let listed = estate_entries(&store, &commit, &head, prefix, &mut |path, entry| {
        committed.insert(path.unwrap_or_else(|shown| shown), entry);
    });
    match listed {
        Ok(()) | Err(GitError::NoFolder { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut dirty = Vec::new();
    for (path, source) in held.sources().iter() {
        let same = match (committed.remove(path), source) {
            (Some(Entry { mode: mode::FILE, id }), Ok(_)) => held.id(path) == Some(ObjectId(id)),
            (_, Ok(_)) => false,
            // What cannot be read cannot be compared, and the finding about it stops a commit anyway.
            (known, Err(_)) => known.is_some(),
        };
        if !same {
            dirty.push(path.to_owned());
        }
    }
    dirty.extend(committed.into_keys());
    dirty.sort();
    Ok(dirty)
}

/// Reads a rendered revision: the files below [`OUTPUT_FOLDERS`].
///
/// # Errors
///
/// The revision does not exist, or holds something other than plain UTF-8 text files in those folders.
pub fn tree(repository: &Repository, rev: &str) -> Result<Tree, GitError> {
    texts(repository, rev, output_entries(repository, rev, |_| true)?)
}

/// Reads the files of a rendered revision whose path is wanted. Folders are asked for, too, with a `/` behind them: what
/// is in one that is not wanted is not even listed.
///
/// # Errors
///
/// As for [`tree`].
pub fn tree_where(repository: &Repository, rev: &str, wanted: impl Fn(&str) -> bool) -> Result<Tree, GitError> {
    let mut entries = output_entries(repository, rev, &wanted)?;
    entries.retain(|(path, _)| wanted(path));
    texts(repository, rev, entries)
}

/// Returns the id of each file of a rendered revision that lies in wanted folders, without reading any. Folders are asked
/// for as [`tree_where`] does it.
///
/// # Errors
///
/// The revision does not exist, or the object database is damaged or incomplete.
pub fn blob_ids(
    repository: &Repository,
    rev: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, ObjectId>, GitError> {
    let entries = output_entries(repository, rev, wanted)?;
    Ok(entries.into_iter().map(|(path, entry)| (path, ObjectId(entry.id))).collect())
}

/// Reads the files that differ between two rendered revisions, as they are in each; equal folders are not even listed.
///
/// # Errors
///
/// As for [`tree`].
pub fn changed(repository: &Repository, before: &str, after: &str) -> Result<(Tree, Tree), GitError> {
    let store = Store::open(repository)?;
    let roots = [before, after].map(|rev| repository.commit(rev).map(|commit| commit.tree_id()));
    let [before_root, after_root] = roots;
    let before_root = Entry { mode: mode::FOLDER, id: before_root? };
    let after_root = Entry { mode: mode::FOLDER, id: after_root? };
    let mut walk = Differing { store: &store, count: Count::default(), before: Vec::new(), after: Vec::new() };
    walk.folder("", Some(before_root), Some(after_root))?;
    let Differing { before: only_before, after: only_after, .. } = walk;
    Ok((texts(repository, before, only_before)?, texts(repository, after, only_after)?))
}

type Entries = Vec<(String, Entry)>;

/// The files that only one of two revisions has, or that each has with another content.
struct Differing<'s, 'r> {
    store: &'s Store<'r>,
    count: Count,
    before: Entries,
    after: Entries,
}

impl Differing<'_, '_> {
    fn folder(&mut self, path: &str, before: Option<Entry>, after: Option<Entry>) -> Result<(), GitError> {
        if before == after {
            return Ok(());
        }
        self.count.enter(path);
        let list = |entry: Option<Entry>| match entry {
            Some(Entry { mode: mode::FOLDER, id }) => folder(self.store, id),
            _ => Ok(BTreeMap::new()),
        };
        let is_file = |entry: &Entry| entry.mode != mode::FOLDER;
        self.before.extend(before.filter(is_file).map(|entry| (path.to_owned(), entry)));
        self.after.extend(after.filter(is_file).map(|entry| (path.to_owned(), entry)));
        let mut entries: BTreeMap<Vec<u8>, [Option<Entry>; 2]> = BTreeMap::new();
        for (side, listed) in [list(before)?, list(after)?].into_iter().enumerate() {
            listed.into_iter().for_each(|(name, entry)| entries.entry(name).or_default()[side] = Some(entry));
        }
        for (name, [before, after]) in entries {
            if let Some(path) = output_path(path, &name)? {
                self.count.meet(&path)?;
                self.folder(&path, before, after)?;
            }
        }
        Ok(())
    }
}

/// Returns the path of an entry of a rendered revision, or nothing when it is not ours to read.
fn output_path(folder: &str, name: &[u8]) -> Result<Option<String>, GitError> {
    if folder.is_empty() {
        return Ok(OUTPUT_FOLDERS.iter().find(|ours| ours.as_bytes() == name).map(|&ours| ours.to_owned()));
    }
    let shown = String::from_utf8_lossy(name);
    let path = format!("{folder}/{shown}");
    match shown {
        std::borrow::Cow::Borrowed(_) => Ok(Some(path)),
        std::borrow::Cow::Owned(_) => Err(GitError::BadPath { path, reason: "has a name that is not UTF-8" }),
    }
}

/// Lists the files of a rendered revision, in folders that `enter` accepts by their path with `/` at the end.
fn output_entries(repository: &Repository, rev: &str, enter: impl Fn(&str) -> bool) -> Result<Entries, GitError> {
    let store = Store::open(repository)?;
    let mut found = Vec::new();
    let mut ahead = vec![(String::new(), repository.commit(rev)?.tree_id())];
    let mut count = Count::default();
    while let Some((path, id)) = ahead.pop() {
        count.enter(&path);
        for (name, entry) in folder(&store, id)? {
            let Some(path) = output_path(&path, &name)? else { continue };
            count.meet(&path)?;
            if entry.mode != mode::FOLDER {
                found.push((path, entry));
            } else if enter(&format!("{path}/")) {
                ahead.push((path, entry.id));
            }
        }
    }
    Ok(found)
}

fn texts(repository: &Repository, rev: &str, entries: Entries) -> Result<Tree, GitError> {
    let store = Store::open(repository)?;
    let refuse = |path: &str, what| GitError::NotText { rev: rev.to_owned(), path: path.to_owned(), what };
    entries
        .into_par_iter()
        .map(|(path, entry)| {
            if let Some(what) = not_regular(entry.mode) {
                return Err(refuse(&path, what));
            }
            let what = format!("`{path}` of the revision {rev}");
            let (size, _) = store.header(entry.id, &what)?;
            if size > LARGEST_TEXT {
                return Err(refuse(&path, "larger than 16 MiB"));
            }
            let blob = store.read(entry.id, &what)?;
            let text = std::str::from_utf8(blob.data()).map_err(|_| refuse(&path, "not UTF-8 text"))?;
            Ok((path, text.into()))
        })
        .collect::<Result<Vec<_>, GitError>>()
        .map(|files| files.into_iter().collect())
}

/// Calls `visit` for each entry that belongs to the estate below `prefix` and is no folder; a name that is not UTF-8
/// comes as an error that holds how to show it.
pub(super) fn estate_entries(
    store: &Store<'_>,
    commit: &git2::Commit<'_>,
    rev: &str,
    prefix: &str,
    visit: &mut dyn FnMut(Result<String, String>, Entry),
) -> Result<(), GitError> {
    let root = find_folder(store, commit.tree_id(), rev, prefix)?;
    let mut ahead = Vec::new();
    let mut count = 0;
    for (name, entry) in folder(store, root)? {
        let Ok(name) = String::from_utf8(name) else { continue };
        let is_folder = FOLDERS.iter().any(|folder| folder.trim_end_matches('/') == name);
        match entry.mode {
            mode::FOLDER if is_folder => ahead.push((name, entry.id)),
            _ if is_folder || name == ESTATE_FILE => visit(Ok(name), entry),
            _ => {}
        }
    }
    while let Some((path, id)) = ahead.pop() {
        for (name, entry) in folder(store, id)? {
            let shown = format!("{path}/{}", String::from_utf8_lossy(&name));
            if !sources::belongs(&shown) {
                continue;
            }
            if shown.len() > MOST_PATH_BYTES {
                return Err(GitError::LongPath { rev: rev.to_owned() });
            }
            // Folders count, too: a few objects that hold each other can name any number of them.
            count += 1;
            if count > MAX_FILES {
                return Err(GitError::TooManyFiles { rev: rev.to_owned() });
            }
            if entry.mode == mode::FOLDER {
                ahead.push((shown, entry.id));
                continue;
            }
            visit(if std::str::from_utf8(&name).is_ok() { Ok(shown) } else { Err(shown) }, entry);
        }
    }
    Ok(())
}

fn find_folder(store: &Store<'_>, root: Oid, rev: &str, prefix: &str) -> Result<Oid, GitError> {
    prefix.split('/').filter(|name| !name.is_empty()).try_fold(root, |id, name| {
        match folder(store, id)?.get(name.as_bytes()) {
            Some(Entry { mode: mode::FOLDER, id }) => Ok(*id),
            _ => Err(GitError::NoFolder { rev: rev.to_owned(), path: prefix.to_owned() }),
        }
    })
}

pub(super) fn source(store: &Store<'_>, entry: Entry, limit: u64) -> Result<Source, GitError> {
    if let Some(what) = not_regular(entry.mode) {
        return Ok(Err(Refusal::NotRegular(what.to_owned())));
    }
    let what = format!("the blob {}", entry.id);
    let (size, kind) = store.header(entry.id, &what)?;
    // A tree object may call anything a file.
    if kind != ObjectType::Blob {
        return Ok(Err(Refusal::NotRegular("tree or commit in the place of a file".to_owned())));
    }
    if size as u64 > limit {
        return Ok(Err(Refusal::TooLarge(size as u64)));
    }
    let blob = store.read(entry.id, &what)?;
    Ok(Ok(blob.data().into()))
}

/// Says what an entry is, unless it is a plain file.
fn not_regular(mode: i32) -> Option<&'static str> {
    match mode {
        mode::FILE => None,
        mode::EXECUTABLE => Some("executable"),
        mode::LINK => Some("symbolic link"),
        mode::GITLINK => Some("gitlink (submodule)"),
        _ => Some("entry of an unusual mode"),
    }
}

pub(super) fn hash(kind: ObjectType, bytes: &[u8]) -> Result<Oid, GitError> {
    Oid::hash_object(kind, bytes).map_err(GitError::git("hash an object"))
}

/// Reads one tree object: entry names as bytes → entries.
pub(super) fn folder(store: &Store<'_>, id: Oid) -> Result<BTreeMap<Vec<u8>, Entry>, GitError> {
    let object = store.read_folder(id)?;
    parse_folder(object.data())
        .ok_or_else(|| GitError::git(format!("read the tree {id}"))(git2::Error::from_str("the object is damaged")))
}

/// Parses `<octal mode> <name>\0<20 bytes>` again and again. libgit2's own iterator borrows a parsed tree of the
/// repository's, which cannot be shared between threads.
fn parse_folder(mut bytes: &[u8]) -> Option<BTreeMap<Vec<u8>, Entry>> {
    const ID: usize = 20; // SHA-1; libgit2 opens no repository of another format
    let mut entries = BTreeMap::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|&byte| byte == b' ')?;
        let nul = space + bytes[space..].iter().position(|&byte| byte == 0)?;
        let mode = i32::from_str_radix(std::str::from_utf8(&bytes[..space]).ok()?, 8).ok()?;
        let id = Oid::from_bytes(bytes.get(nul + 1..nul + 1 + ID)?).ok()?;
        let name = &bytes[space + 1..nul];
        // git makes no such names; each program that reads them takes them for another path.
        if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
            return None;
        }
        if entries.insert(name.to_vec(), Entry { mode, id }).is_some() {
            return None;
        }
        bytes = &bytes[nul + 1 + ID..];
    }
    Some(entries)
}
