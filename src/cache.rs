//! The cache edge: bytes that a run keeps for the next one, in the user's own cache folder.
//!
//! Nothing here is needed. An entry is named by a digest of everything that it depends on, and carries a checksum: what is
//! missing, old, cut short, altered or not ours alone is no entry. Deleting the folder at any time is safe, and so are two
//! runs at once: an entry is put in place whole, and the last one stays. The folder is the user's and not the repository's,
//! so whoever hands somebody a repository hands over no entry with it.

#![expect(clippy::disallowed_methods, reason = "the only reader and writer of the cache")]

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};

/// The first bytes of an entry: what it is, and the version of its form.
const MAGIC: &[u8; 16] = b"tenantry cache 1";

/// The bytes in front of an entry's content: magic, name, checksum.
const HEAD: usize = MAGIC.len() + 32 + 32;

/// The largest entry that is read or written, in bytes: 200,000 tenants of 1 KiB, and room.
const LARGEST: u64 = 256 << 20;

/// So many entries are kept, the last written ones: a handful of branches. One of 10,000 tenants has some 6 MB.
const KEPT: usize = 8;

/// The age from which a file that a killed run left half-written is removed.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// The ending of entries.
const ENDING: &str = "entry";

/// Names an entry by everything that its content depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// Returns the key of these parts. Each goes in with its length, so that no two lists give one key.
    pub fn of<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            let part = part.as_ref();
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// A folder of entries.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Takes a folder that need not exist yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Returns the content of an entry; nothing where there is none that is whole and ours alone.
    pub fn read(&self, key: &Key) -> Option<Vec<u8>> {
        if !is_private(&self.folder.symlink_metadata().ok()?, true) {
            return None;
        }
        let path = self.path(key);
        let listed = path.symlink_metadata().ok()?;
        if !is_private(&listed, false) || listed.len() > LARGEST {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(listed.len()).ok()?);
        File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let head = bytes.get(..HEAD)?;
        let (magic, rest) = head.split_at(MAGIC.len());
        let (name, sum) = rest.split_at(32);
        if magic != MAGIC || name != key.0 || sum != checksum(key, &bytes[HEAD..]) {
            return None;
        }
        bytes.drain(..HEAD);
        Some(bytes)
    }

    /// Puts an entry in place, and removes the oldest ones beyond a handful.
    ///
    /// # Errors
    /// The folder cannot be written, or belongs to more than the user. Nothing is lost by that but time.
    pub fn write(&self, key: &Key, content: &[u8]) -> io::Result<()> {
        if content.len() as u64 > LARGEST - HEAD as u64 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        make_private(&self.folder)?;
        if !is_private(&self.folder.symlink_metadata()?, true) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        // A temporary file is the user's alone from its first moment on.
        let mut file = tempfile::Builder::new().prefix("half-").tempfile_in(&self.folder)?;
        for part in [MAGIC.as_slice(), &key.0, &checksum(key, content), content] {
            file.write_all(part)?;
        }
        file.persist(self.path(key)).map_err(|error| error.error)?;
        self.prune();
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.{ENDING}", hex::encode(key.0)))
    }

    /// Removes the oldest entries, and what killed runs left. Another run may do the same.
    fn prune(&self) {
        let Ok(listed) = fs::read_dir(&self.folder) else { return };
        let mut entries = Vec::new();
        for file in listed.flatten() {
            let Ok(modified) = file.metadata().and_then(|metadata| metadata.modified()) else { continue };
            let path = file.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                entries.push((modified, path));
            } else if modified.elapsed().is_ok_and(|age| age > ABANDONED)
                && file.file_name().to_string_lossy().starts_with("half-")
            {
                let _ = fs::remove_file(path);
            }
        }
        entries.sort();
        let surplus = entries.len().saturating_sub(KEPT);
        for (_, path) in entries.into_iter().take(surplus) {
            let _ = fs::remove_file(path);
        }
    }
}

fn checksum(key: &Key, content: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(key.0);
    hash.update(content);
    hash.finalize().into()
}

/// Returns whether something is a plain folder or file that nobody else may read or write.
#[cfg(unix)]
fn is_private(metadata: &fs::Metadata, folder: bool) -> bool {
    use std::os::unix::fs::MetadataExt;
    let is_kind = if folder { metadata.is_dir() } else { metadata.is_file() };
    is_kind && metadata.mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(metadata: &fs::Metadata, folder: bool) -> bool {
    if folder { metadata.is_dir() } else { metadata.is_file() }
}

/// Makes the folder for the user alone; the folders around it are the system's matter.
fn make_private(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
