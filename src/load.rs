//! The load step: a directory becomes [`Sources`]; the only reader of input files.

#![expect(clippy::disallowed_methods, reason = "the only reader of an estate's files")]

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use walkdir::WalkDir;

use crate::sources::{self, ESTATE_FILE, FOLDERS, MAX_FILES, Refusal, Source, Sources};

/// Why a directory gave no sources at all. What is wrong with single files is a [`Refusal`] instead.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The directory itself cannot be opened.
    #[error("failed to read the estate directory {}", path.display())]
    Directory {
        /// The directory that was given.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// More files than [`MAX_FILES`].
    #[error("failed to read the estate {}: it holds more than {MAX_FILES} files", path.display())]
    TooMany {
        /// The directory that was given.
        path: PathBuf,
    },
}

/// Returns `start` or its nearest parent that holds `tenantry.yaml`; an absolute path when one is found.
pub fn find_estate(start: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(start).ok()?;
    start.ancestors().find(|folder| folder.join(ESTATE_FILE).symlink_metadata().is_ok()).map(Path::to_path_buf)
}

/// Reads the files of the estate in `root`: those that [`sources::belongs`] names, and nothing else there.
///
/// Links are never followed. A file that cannot be read is in the result with the reason, so that it never looks
/// absent; so is a folder of the estate that is a link or cannot be listed, under its own path.
///
/// # Errors
///
/// `root` is no readable directory, or holds more than [`MAX_FILES`] files.
pub fn directory(root: &Path) -> Result<Sources, LoadError> {
    fs::read_dir(root).map_err(|source| LoadError::Directory { path: root.to_owned(), source })?;
    let mut sources = Sources::new();
    let mut found = Vec::new();
    for name in std::iter::once(ESTATE_FILE).chain(FOLDERS.iter().map(|folder| folder.trim_end_matches('/'))) {
        list(root, name, &mut found, &mut sources);
        if found.len() > MAX_FILES {
            return Err(LoadError::TooMany { path: root.to_owned() });
        }
    }
    let read: Vec<(String, Source)> = found
        .into_par_iter()
        .map(|file| {
            let source = read(&file, sources::limit(&file.name));
            (file.name, source)
        })
        .collect();
    read.into_iter().for_each(|(name, source)| sources.insert(name, source));
    Ok(sources)
}

/// A file to read: its path in the estate, and where it lies.
struct Found {
    name: String,
    path: PathBuf,
}

/// Adds the files at or below `name` to `found`, and what cannot be listed to `sources`.
fn list(root: &Path, name: &str, found: &mut Vec<Found>, sources: &mut Sources) {
    let top = root.join(name);
    let is_folder = name != ESTATE_FILE;
    match top.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return sources.insert(name, Err(Refusal::Unreadable(error.to_string()))),
        Ok(metadata) if is_folder && !metadata.is_dir() => {
            let what = not_regular(&metadata).unwrap_or("file in the place of a folder");
            return sources.insert(name, Err(Refusal::NotRegular(what.to_owned())));
        }
        Ok(_) => {}
    }
    // A loop needs no guard: links are not followed, and MAX_FILES ends a flood.
    let skip_leftovers = move |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || sources::belongs(&format!("{name}/{}", entry.file_name().to_string_lossy()))
    };
    for entry in
        WalkDir::new(&top).follow_links(false).follow_root_links(false).into_iter().filter_entry(skip_leftovers)
    {
        match entry {
            Ok(entry) if is_folder && entry.file_type().is_dir() => {}
            Ok(entry) => match relative(root, entry.path()) {
                Ok(name) => found.push(Found { name, path: entry.into_path() }),
                Err(name) => sources.insert(name, Err(not_utf8())),
            },
            Err(error) => {
                let name = error
                    .path()
                    .map_or_else(|| name.to_owned(), |path| relative(root, path).unwrap_or_else(|name| name));
                let reason = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
                sources.insert(name, Err(Refusal::Unreadable(reason)));
            }
        }
        if found.len() > MAX_FILES {
            return;
        }
    }
}

fn not_utf8() -> Refusal {
    Refusal::Unreadable("its name is not UTF-8".to_owned())
}

/// Returns `path` below `root` with `/`; as an error, a name to show, where it is not UTF-8.
fn relative(root: &Path, path: &Path) -> Result<String, String> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
    let shown = names.join("/");
    if below.to_str().is_some() { Ok(shown) } else { Err(shown) }
}

fn read(file: &Found, limit: u64) -> Source {
    let unreadable = |error: io::Error| Refusal::Unreadable(error.to_string());
    let listed = file.path.symlink_metadata().map_err(unreadable)?;
    if let Some(what) = not_regular(&listed) {
        return Err(Refusal::NotRegular(what.to_owned()));
    }
    if listed.len() > limit {
        return Err(Refusal::TooLarge(listed.len()));
    }
    let mut opened = File::open(&file.path).map_err(unreadable)?;
    if !is_same(&listed, &opened.metadata().map_err(unreadable)?) {
        return Err(Refusal::Unreadable("it was replaced while it was read".to_owned()));
    }
    let mut bytes = Vec::with_capacity(listed.len() as usize + 1);
    let length = opened.by_ref().take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)? as u64;
    if length > limit { Err(Refusal::TooLarge(length)) } else { Ok(bytes.into()) }
}

/// Says what the thing is, unless it is a plain file.
fn not_regular(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_symlink() {
        Some("symbolic link")
    } else if kind.is_dir() {
        Some("folder in the place of a file")
    } else if !kind.is_file() {
        Some("socket, pipe or device")
    } else if is_executable(metadata) {
        Some("executable")
    } else {
        None
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}

/// Returns whether both are one file: a link put in its place between listing and opening is not read.
#[cfg(unix)]
fn is_same(listed: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (listed.dev(), listed.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same(listed: &Metadata, opened: &Metadata) -> bool {
    listed.is_file() && opened.is_file()
}

#[cfg(test)]
mod tests;
