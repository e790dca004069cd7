//! Sources: the files of an estate as bytes, whether from a directory or from a git revision.

use std::{collections::BTreeMap, sync::Arc};

/// Why a file of the estate gave no bytes. An edge says so here and goes on; `check` makes the finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A symbolic link, gitlink, executable, socket …; the words say which.
    NotRegular(String),
    /// The system's own words for why it could not be read.
    Unreadable(String),
    /// Larger than [`limit`] allows; the size in bytes. Its content was not read.
    TooLarge(u64),
}

/// The bytes of one file, or why there are none.
pub type Source = Result<Arc<[u8]>, Refusal>;

/// All files of an estate: path relative to the estate, with `/`, → bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    files: BTreeMap<String, Source>,
}

impl Sources {
    /// Returns no files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: impl Into<String>, source: Source) {
        self.files.insert(path.into(), source);
    }

    /// Takes a file out.
    pub fn remove(&mut self, path: &str) -> Option<Source> {
        self.files.remove(path)
    }

    /// Returns the file at `path`.
    pub fn get(&self, path: &str) -> Option<&Source> {
        self.files.get(path)
    }

    /// Returns all files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.files.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// Returns the files whose path starts with `prefix`, in order.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Source)> {
        self.files
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(prefix))
            .map(|(path, source)| (path.as_str(), source))
    }

    /// Returns whether there are no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The folders that belong to an estate beside `tenantry.yaml`; anything else in the directory is not read.
pub const FOLDERS: [&str; 6] = ["tiers/", "tenants/", "templates/", "schemas/", "charts/", "components/"];

/// The file that makes a directory an estate.
pub const ESTATE_FILE: &str = "tenantry.yaml";

/// Returns whether the file at `path` (relative to the estate, with `/`) belongs to the estate.
///
/// Hidden files and folders and editors' leftovers (`.x`, `x~`, `#x#`) do not, so that a directory that somebody is
/// editing and a revision of it mean the same; `.helmignore` does, since a chart is packaged with it.
pub fn belongs(path: &str) -> bool {
    path == ESTATE_FILE || FOLDERS.iter().any(|folder| path.starts_with(folder)) && !path.split('/').any(is_leftover)
}

fn is_leftover(name: &str) -> bool {
    name.ends_with('~')
        || name.len() > 1 && name.starts_with('#') && name.ends_with('#')
        || name.starts_with('.') && name != ".helmignore"
}

/// The most files that an estate may have: twenty times the 10,000 tenants that tenantry is measured with. More
/// means that the wrong directory is read, and would take the memory of a pipeline's machine.
pub const MAX_FILES: usize = 200_000;

/// The most bytes that the file at `path` may have: 64 KiB, and 4 MiB for schemas and charts, which hold
/// published custom resource definitions.
pub fn limit(path: &str) -> u64 {
    if path.starts_with("schemas/") || path.starts_with("charts/") { 4 << 20 } else { 64 << 10 }
}
