//! Files out: a tree as a directory that tenantry owns; the only writer of rendered files.
//!
//! An index in the directory lists what was written. Before anything changes, an index that names old and new files
//! alike is put there, marked unfinished; the final one comes last. So a killed run leaves nothing that the next one
//! does not know as its own. Files are not synced to the disk: after a power cut, run again.

#![expect(clippy::disallowed_methods, reason = "the only writer of files")]

mod error;
mod index;
mod survey;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

pub use error::OutputError;
use index::{Index, State};
use survey::Folders;

use crate::tree::Tree;

/// What a run did to the directory, in files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Made or replaced.
    pub written: usize,
    /// Left as they were, with their time of change, since the bytes are equal.
    pub unchanged: usize,
    /// Removed, since an earlier run wrote them and the tree no longer holds them.
    pub removed: usize,
}

/// Makes `dir` hold exactly `tree`, next to files of others, which are not touched.
///
/// Each file appears whole or not at all. Running again after any failure gives the same bytes.
///
/// # Errors
///
/// `dir` is neither empty nor written by tenantry, another run is at work in it, something that tenantry did not
/// write or a symbolic link is in the way of a file, or the system refuses a call.
pub fn write(tree: &Tree, dir: &Path) -> Result<Written, OutputError> {
    tree.iter().try_for_each(|(path, _)| index::check_path(path))?;
    fs::create_dir_all(dir).map_err(OutputError::io("create the directory", dir))?;
    let _lock = lock(dir)?;
    let old = Index::read(dir)?;
    let mut by_folder: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, text) in tree.iter() {
        by_folder.entry(parent(path)).or_default().push((path, text));
    }
    index::remove_leftover(dir);
    let mut folders = Folders::new(dir, old.as_ref());
    let pending = match &old {
        Some(old) => survey::survey(dir, &by_folder, old, &mut folders)?,
        None => survey::all_new(&by_folder),
    };
    let stale: Vec<&str> = old.iter().flat_map(Index::paths).filter(|path| tree.get(path).is_none()).collect();
    let to_write: usize = pending.iter().map(|(_, files)| files.len()).sum();
    let done = Written { written: to_write, unchanged: tree.len() - to_write, removed: stale.len() };
    if old.as_ref().is_some_and(|old| !old.is_unfinished()) && to_write == 0 && stale.is_empty() {
        return Ok(done);
    }

    let union = stale.iter().copied().chain(tree.iter().map(|(path, _)| path)).collect();
    index::write(dir, &union, State::Unfinished)?;
    if let Some(old) = old.as_ref().filter(|old| old.is_unfinished()) {
        remove_temporaries(dir, old);
    }
    remove_stale(dir, &stale, &by_folder, &mut folders)?;
    for folder in by_folder.keys() {
        folders.create(folder)?;
    }
    pending.into_par_iter().try_for_each(|(folder, files)| {
        let folder = dir.join(folder);
        files.into_iter().try_for_each(|(path, text)| replace(&folder, name(path), text))
    })?;
    index::write(dir, &tree.iter().map(|(path, _)| path).collect(), State::Finished)?;
    Ok(done)
}

/// Puts one file in place, whole or not at all, and makes the folders that lead to it.
///
/// # Errors
///
/// The path names no file, or the system refuses a call.
pub fn file(path: &Path, text: &str) -> Result<(), OutputError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
        return Err(OutputError::io("write the file", path)(error));
    };
    fs::create_dir_all(folder).map_err(OutputError::io("create the directory", folder))?;
    replace(folder, name, text)
}

/// Takes the lock of the directory itself, which the system frees when this process ends, however it ends.
#[cfg(unix)]
fn lock(dir: &Path) -> Result<File, OutputError> {
    let handle = File::open(dir).map_err(OutputError::io("open the directory", dir))?;
    match handle.try_lock() {
        Ok(()) => Ok(handle),
        Err(fs::TryLockError::WouldBlock) => Err(OutputError::Busy { dir: dir.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(OutputError::io("lock the directory", dir)(source)),
    }
}

/// Directories cannot be opened as files here, so two runs at once are not kept apart.
#[cfg(not(unix))]
fn lock(_: &Path) -> Result<(), OutputError> {
    Ok(())
}

/// Writes a file under a temporary name, then gives it its own: readers see the old bytes or the new ones.
fn replace(folder: &Path, name: &str, text: &str) -> Result<(), OutputError> {
    let target = folder.join(name);
    let temporary = folder.join(temporary_name(name));
    let written = create_new(&temporary).and_then(|mut file| file.write_all(text.as_bytes()));
    written.and_then(|()| fs::rename(&temporary, &target)).map_err(|source| {
        // The first failure is the one to report; the next run removes what stays.
        let _ = fs::remove_file(&temporary);
        OutputError::io("write the file", target)(source)
    })
}

/// Opens a file that did not exist: a link that somebody put in its place is removed, not followed.
fn create_new(path: &Path) -> io::Result<File> {
    File::create_new(path).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => fs::remove_file(path).and_then(|()| File::create_new(path)),
        _ => Err(error),
    })
}

/// The temporary name of a file: always the same, so that a later run finds it, and short whatever the file's name is.
fn temporary_name(name: &str) -> String {
    format!(".tenantry-{}", hex::encode(&Sha256::digest(name)[..8]))
}

/// Removes what a killed run was writing when it died; most files have no such leftover.
fn remove_temporaries(dir: &Path, old: &Index) {
    for path in old.paths() {
        // A leftover that cannot be removed harms nobody, and writing the same file again replaces it.
        let _ = fs::remove_file(dir.join(parent(path)).join(temporary_name(name(path))));
    }
}

fn remove_stale(
    dir: &Path,
    stale: &[&str],
    wanted: &BTreeMap<&str, Vec<(&str, &str)>>,
    folders: &mut Folders<'_>,
) -> Result<(), OutputError> {
    let mut emptied = BTreeSet::new();
    for path in stale {
        if !folders.exists(parent(path))? {
            continue;
        }
        let file = dir.join(path);
        match fs::remove_file(&file) {
            Ok(()) => {}
            // Gone already, or somebody made it a folder: it is not ours any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound || file.is_dir() => {}
            Err(error) => return Err(OutputError::io("remove the stale file", file)(error)),
        }
        emptied.extend(ancestors(parent(path)));
    }
    let needed: BTreeSet<&str> = wanted.keys().flat_map(|folder| ancestors(folder)).collect();
    for folder in emptied.into_iter().rev().filter(|folder| !needed.contains(folder)) {
        let path = dir.join(folder);
        match fs::remove_dir(&path) {
            Ok(()) => folders.forget(folder),
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => {}
            Err(error) => return Err(OutputError::io("remove the empty folder", path)(error)),
        }
    }
    Ok(())
}

/// Returns the folder of a path; empty for the top.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Returns the folder and those above it, without the top.
fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| Some(parent(folder))).take_while(|folder| !folder.is_empty())
}

#[cfg(test)]
mod tests;
