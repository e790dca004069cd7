//! Local files: one JSON file of mode 0600 for each entry, in one directory of mode 0700. For tests and a quick start.

#![expect(clippy::disallowed_methods, reason = "an edge: this store is files")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::engine::{
    Entry, Secret, Trouble, TroubleKind,
    store::{Answer, Held, Store, Written},
};

/// A directory with one file for each entry.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Returns the store in `root`, which is made with the first entry.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where an entry lies: keys are paths of names that hold no `.` at their start, see [`crate::name::Target`].
    fn path(&self, key: &str) -> Result<PathBuf, Trouble> {
        if key.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return Err(Trouble::new(TroubleKind::Setup, format!("`{key}` is no key of a directory store")));
        }
        Ok(self.root.join(format!("{key}.json")))
    }

    fn load(&self, key: &str) -> Result<Held, Trouble> {
        let text = match fs::read_to_string(self.path(key)?) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::Free),
            Err(error) => return Err(trouble("read", key, &error)),
        };
        // The error of serde_json could quote the text.
        let fields: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|_| {
            Trouble::new(TroubleKind::Unexpected, format!("the stored entry `{key}` is no map of texts"))
        })?;
        let version = version(&text);
        Ok(Held::Entry(Entry::new(fields.into_iter().map(|(name, text)| (name, Secret::new(text))).collect(), version)))
    }

    /// Writes a file beside its place; it is moved there whole.
    fn prepare(
        &self,
        key: &str,
        fields: &BTreeMap<String, Secret>,
    ) -> Result<(tempfile::NamedTempFile, PathBuf), Trouble> {
        let path = self.path(key)?;
        let folder = path.parent().unwrap_or(&self.root);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| trouble("make the folder of", key, &error))?;
        let plain: BTreeMap<&String, &str> = fields.iter().map(|(name, secret)| (name, secret.expose())).collect();
        let text = serde_json::to_string(&plain)
            .map_err(|_| Trouble::new(TroubleKind::Setup, format!("the entry `{key}` is no JSON")))?;
        let write = || -> io::Result<tempfile::NamedTempFile> {
            let mut file = tempfile::Builder::new()
                .prefix(".tenantry-")
                .permissions(fs::Permissions::from_mode(0o600))
                .tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        Ok((write().map_err(|error| trouble("write", key, &error))?, path))
    }
}

fn version(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..8])
}

fn trouble(what: &str, key: &str, error: &io::Error) -> Trouble {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem => {
            TroubleKind::ReadOnly
        }
        io::ErrorKind::PermissionDenied => TroubleKind::Forbidden,
        _ => TroubleKind::Setup,
    };
    Trouble::new(kind, format!("failed to {what} the stored entry `{key}`")).because(error.to_string())
}

fn sync(path: &Path, key: &str) -> Result<(), Trouble> {
    let folder = path.parent().map(fs::File::open).transpose();
    let synced = folder.and_then(|folder| folder.map_or(Ok(()), |folder| folder.sync_all()));
    synced.map_err(|error| trouble("write", key, &error))
}

impl Store for Directory {
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Held> {
        Box::pin(async move { self.load(key) })
    }

    fn create<'a>(&'a self, key: &'a str, fields: &'a BTreeMap<String, Secret>) -> Answer<'a, Written> {
        Box::pin(async move {
            let (file, path) = self.prepare(key, fields)?;
            match file.persist_noclobber(&path) {
                Ok(_) => sync(&path, key).map(|()| Written::Done),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Written::Lost),
                Err(error) => Err(trouble("write", key, &error.error)),
            }
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a str,
        fields: &'a BTreeMap<String, Secret>,
    ) -> Answer<'a, Written> {
        Box::pin(async move {
            let (file, path) = self.prepare(key, fields)?;
            // One lock for all entries: files have no compare-and-swap.
            let mut lock = fs::OpenOptions::new();
            let lock = lock.create(true).truncate(false).write(true).mode(0o600).open(self.root.join(".lock"));
            let lock = lock.map_err(|error| trouble("lock", key, &error))?;
            lock.lock().map_err(|error| trouble("lock", key, &error))?;
            match self.load(key)? {
                Held::Entry(entry) if entry.version == version => {}
                _ => return Ok(Written::Lost),
            }
            file.persist(&path).map_err(|error| trouble("write", key, &error.error))?;
            sync(&path, key).map(|()| Written::Done)
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            match fs::remove_file(self.path(key)?) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(trouble("remove", key, &error)),
                _ => Ok(()),
            }
        })
    }

    fn present<'a>(&'a self, keys: &'a BTreeSet<String>) -> Answer<'a, BTreeSet<String>> {
        Box::pin(async move {
            let mut present = BTreeSet::new();
            for key in keys {
                if self.path(key)?.is_file() {
                    present.insert(key.clone());
                }
            }
            Ok(present)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use futures::executor::block_on;

    use super::*;

    fn fields(text: &str) -> BTreeMap<String, Secret> {
        BTreeMap::from([("password".to_owned(), Secret::new(text))])
    }

    fn password(held: &Held) -> &str {
        match held {
            Held::Entry(entry) => entry.get("password").unwrap().expose(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_writer_wins_and_the_second_reads() {
        let folder = tempfile::tempdir().unwrap();
        let store = Directory::new(folder.path().join("store"));
        assert!(matches!(block_on(store.read("a/b")).unwrap(), Held::Free));
        assert_eq!(block_on(store.create("a/b", &fields("one"))).unwrap(), Written::Done);
        assert_eq!(block_on(store.create("a/b", &fields("two"))).unwrap(), Written::Lost);
        assert_eq!(password(&block_on(store.read("a/b")).unwrap()), "one");
        let mode = fs::metadata(folder.path().join("store/a/b.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn only_the_version_that_was_read_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let store = Directory::new(folder.path().to_owned());
        block_on(store.create("k", &fields("one"))).unwrap();
        let Held::Entry(entry) = block_on(store.read("k")).unwrap() else { panic!("it is there") };
        assert_eq!(block_on(store.replace("k", &entry.version, &fields("two"))).unwrap(), Written::Done);
        assert_eq!(block_on(store.replace("k", &entry.version, &fields("three"))).unwrap(), Written::Lost);
        assert_eq!(password(&block_on(store.read("k")).unwrap()), "two");
    }

    #[test]
    fn a_key_cannot_leave_the_directory() {
        let store = Directory::new(PathBuf::from("/nonexistent"));
        for key in ["../x", "a/../../x", "/etc/passwd", "a//b", ".hidden"] {
            assert!(block_on(store.read(key)).is_err(), "{key}");
        }
    }
}
