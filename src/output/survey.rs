//! What lies in the output directory before a run changes anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use rayon::prelude::*;

use super::{OutputError, ancestors, index::Index};

/// Files by folder: path and text.
pub(super) type ByFolder<'t> = Vec<(&'t str, Vec<(&'t str, &'t str)>)>;

/// The folders of the output directory that are known to be folders and no links, so that each is asked for once.
pub(super) struct Folders<'d> {
    dir: &'d Path,
    old: Option<&'d Index>,
    known: BTreeSet<String>,
}

impl<'d> Folders<'d> {
    pub(super) fn new(dir: &'d Path, old: Option<&'d Index>) -> Self {
        Self { dir, old, known: BTreeSet::new() }
    }

    /// Returns whether the folder exists, and is one, with no link on the way to it.
    pub(super) fn exists(&mut self, folder: &str) -> Result<bool, OutputError> {
        for folder in top_first(folder) {
            if self.known.contains(folder) {
                continue;
            }
            let path = self.dir.join(folder);
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => self.known.insert(folder.to_owned()),
                Ok(metadata) if metadata.is_symlink() => return Err(OutputError::Link { path }),
                // A file of ours in its place is stale, and gone by the time the folder is made.
                Ok(_) if self.old.is_some_and(|old| old.holds(folder)) => return Ok(false),
                Ok(_) => return Err(OutputError::Foreign { path }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(OutputError::io("look at", path)(error)),
            };
        }
        Ok(true)
    }

    /// Makes the folder and those above it, where they are missing.
    pub(super) fn create(&mut self, folder: &str) -> Result<(), OutputError> {
        for folder in top_first(folder) {
            if self.known.contains(folder) {
                continue;
            }
            let path = self.dir.join(folder);
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match path.symlink_metadata() {
                    Ok(metadata) if metadata.is_dir() => {}
                    Ok(metadata) if metadata.is_symlink() => return Err(OutputError::Link { path }),
                    _ => return Err(OutputError::Foreign { path }),
                },
                Err(error) => return Err(OutputError::io("create the folder", path)(error)),
            }
            self.known.insert(folder.to_owned());
        }
        Ok(())
    }

    /// Says that a folder was removed.
    pub(super) fn forget(&mut self, folder: &str) {
        self.known.remove(folder);
    }
}

fn top_first(folder: &str) -> impl Iterator<Item = &str> {
    let above: Vec<&str> = ancestors(folder).collect();
    above.into_iter().rev()
}

/// Returns all files: in an empty directory there is nothing to compare with.
pub(super) fn all_new<'t>(by_folder: &BTreeMap<&'t str, Vec<(&'t str, &'t str)>>) -> ByFolder<'t> {
    by_folder.iter().map(|(folder, files)| (*folder, files.clone())).collect()
}

/// Returns the files that are missing or differ, and refuses what is not ours before anything is written.
pub(super) fn survey<'t>(
    dir: &Path,
    by_folder: &BTreeMap<&'t str, Vec<(&'t str, &'t str)>>,
    old: &Index,
    folders: &mut Folders<'_>,
) -> Result<ByFolder<'t>, OutputError> {
    let mut known = Vec::new();
    for (folder, files) in by_folder {
        known.push((*folder, files, folders.exists(folder)?));
    }
    known
        .into_par_iter()
        .map(|(folder, files, exists)| {
            let mut differing = Vec::new();
            for (path, text) in files {
                if !exists || !is_there(dir, path, text, old)? {
                    differing.push((*path, *text));
                }
            }
            Ok((folder, differing))
        })
        .collect()
}

/// Returns whether the file holds these bytes already.
fn is_there(dir: &Path, path: &str, text: &str, old: &Index) -> Result<bool, OutputError> {
    let file = dir.join(path);
    let metadata = match file.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(OutputError::io("look at", file)(error)),
    };
    if metadata.is_symlink() {
        return Err(OutputError::Link { path: file });
    }
    // A folder may be one whose files are all stale; then it is gone by the time this file is written.
    if metadata.is_dir() {
        return Ok(false);
    }
    if !old.holds(path) || !metadata.is_file() {
        return Err(OutputError::Foreign { path: file });
    }
    if metadata.len() != text.len() as u64 {
        return Ok(false);
    }
    let bytes = fs::read(&file).map_err(OutputError::io("read the file", file))?;
    Ok(bytes == text.as_bytes())
}
