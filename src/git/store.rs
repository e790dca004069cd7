//! The object database as everything here reads it: no object makes a read endless, or larger than it may be.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, ErrorKind},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use flate2::read::ZlibDecoder;
use git2::{ObjectType, Odb, OdbObject, Oid};

use super::{GitError, Repository};

/// The most bytes of a folder's object: a thousand times that of 1,000 tenants.
const LARGEST_FOLDER: usize = 64 << 20;

/// The most bytes of a path: what Linux takes, and no system takes more.
pub(super) const MOST_PATH_BYTES: usize = 4096;

/// The most files and folders below one tenant's folder of the output branch: two hundred times what a tenant of the
/// flagship estate has. A few objects that hold each other can name any number.
pub(super) const MOST_FILES: usize = 20_000;

/// Counts what a walk over the output branch meets below one tenant's folder.
#[derive(Debug, Default)]
pub(super) struct Count(usize);

impl Count {
    /// Takes notice of a folder that the walk goes into; folder by folder, to the bottom, before the next one.
    pub fn enter(&mut self, path: &str) {
        if path.bytes().filter(|byte| *byte == b'/').count() <= 1 {
            self.0 = 0;
        }
    }

    /// Takes notice of an entry.
    pub fn meet(&mut self, path: &str) -> Result<(), GitError> {
        self.0 += 1;
        if path.len() > MOST_PATH_BYTES {
            let path = path.chars().take(100).chain(std::iter::once('…')).collect();
            return Err(GitError::BadPath { path, reason: "is longer than any file system takes" });
        }
        // The top has a folder for each tenant.
        if self.0 > MOST_FILES && path.bytes().filter(|byte| *byte == b'/').count() > 1 {
            let folder = path.match_indices('/').nth(1).map_or(path, |(end, _)| &path[..end]);
            return Err(GitError::Crowded { path: folder.to_owned() });
        }
        Ok(())
    }
}

/// The object database of a repository.
pub(super) struct Store<'r> {
    pub odb: Odb<'r>,
    /// Where objects lie as files of their own.
    loose: PathBuf,
    /// Objects whose files are known to be whole.
    whole: Mutex<BTreeSet<Oid>>,
}

impl<'r> Store<'r> {
    pub fn open(repository: &'r Repository) -> Result<Self, GitError> {
        let odb = repository.inner.odb().map_err(GitError::git("open the object database"))?;
        Ok(Self { odb, loose: repository.git_directory().join("objects"), whole: Mutex::default() })
    }

    /// Returns the size and the kind of an object; only its beginning is read.
    pub fn header(&self, id: Oid, what: &str) -> Result<(usize, ObjectType), GitError> {
        self.odb.read_header(id).map_err(GitError::git(format!("read {what}")))
    }

    pub fn read(&self, id: Oid, what: &str) -> Result<OdbObject<'_>, GitError> {
        self.refuse_cut_off(id, what)?;
        self.odb.read(id).map_err(GitError::git(format!("read {what}")))
    }

    /// Reads the object of a folder.
    pub fn read_folder(&self, id: Oid) -> Result<OdbObject<'_>, GitError> {
        let what = format!("the tree {id}");
        let (size, kind) = self.header(id, &what)?;
        if kind != ObjectType::Tree || size > LARGEST_FOLDER {
            return Err(GitError::git(format!("read {what}"))(git2::Error::from_str(&format!(
                "it is a {kind} of {size} bytes, no folder of at most {LARGEST_FOLDER}"
            ))));
        }
        self.read(id, &what)
    }

    /// Refuses an object whose file ends too early, as a power cut may leave it.
    ///
    /// libgit2 1.9 reads such a file for ever (libgit2/libgit2#7342; mended after 1.9.7). Objects in packs have their
    /// length in the pack.
    pub fn refuse_cut_off(&self, id: Oid, what: &str) -> Result<(), GitError> {
        let is_known = self.whole.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
        if is_known {
            return Ok(());
        }
        let name = id.to_string();
        let Ok(file) = File::open(self.loose.join(&name[..2]).join(&name[2..])) else { return Ok(()) };
        match io::copy(&mut ZlibDecoder::new(file), &mut io::sink()) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(GitError::git(format!("read {what}"))(
                git2::Error::from_str(&format!("the file of the object {name} is cut off")),
            )),
            // libgit2 says better what else is wrong with it.
            _ => {
                self.whole.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
                Ok(())
            }
        }
    }
}
