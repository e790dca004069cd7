//! New objects onto the disk: one by one when they are few, as one pack when they are many.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use git2::{Odb, Oid};

use super::{GitError, Repository, objects::Object, store::Store};

/// Up to so many objects are written one by one. Each is a file with two syncs, and `git gc` folds them into packs by
/// itself; a pack is one file for all, but many small packs slow every lookup. A tenant has some 45 objects.
const LOOSE: usize = 100;

/// The most objects of one pack. They are held in memory a second time while it is made: without a bound, 10,000 new tenants
/// took 4 GB. 50,000 of them make some 40 packs, which git gathers by itself from 50 on.
const PACKED: usize = 100_000;

/// Where a pack is made, in the git directory, so that a killed run leaves nothing among the finished ones.
const WORKSHOP: &str = "tenantry-pack";

/// Writes the objects and syncs them. Call it only under our lock, which makes the workshop ours.
pub(super) fn write(repository: &Repository, objects: &BTreeMap<Oid, Object<'_>>) -> Result<(), GitError> {
    let workshop = repository.git_directory().join(WORKSHOP);
    clear(&workshop)?;
    if objects.len() <= LOOSE {
        let store = Store::open(repository)?;
        for object in objects.values() {
            store.odb.write(object.kind, object.bytes).map_err(GitError::git("write an object"))?;
        }
        return Ok(());
    }
    fs::create_dir(&workshop).map_err(GitError::io("create the folder", &workshop))?;
    // Like names side by side: each pack has the objects that compress against each other.
    let mut by_name: Vec<(Oid, Object<'_>)> = objects.iter().map(|(id, object)| (*id, *object)).collect();
    by_name.sort_by_key(|(_, object)| object.name);
    let packs = repository.git_directory().join("objects/pack");
    let made = by_name.chunks(PACKED).try_for_each(|part| publish(&make(&workshop, part)?, &packs));
    // A leftover costs room, no more, and the next run removes it; the pack's own error is the one to report.
    let _ = clear(&workshop);
    made
}

fn clear(workshop: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(workshop) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(GitError::io("remove the folder", workshop)(error))
        }
        _ => Ok(()),
    }
}

/// Makes a pack of exactly these objects and returns its path without the ending.
///
/// They go through an object database in memory: into the repository's own, each would be looked up on the disk first,
/// and a pack "of a commit" would hold all that the commit reaches, not only what is new.
fn make(workshop: &Path, objects: &[(Oid, Object<'_>)]) -> Result<PathBuf, GitError> {
    const ONLY: i32 = 1; // any priority: there is no other backend
    let action = || GitError::git("make a pack of the new objects");
    let odb = Odb::new().map_err(action())?;
    odb.add_new_mempack_backend(ONLY).map_err(action())?;
    for (_, object) in objects {
        odb.write(object.kind, object.bytes).map_err(action())?;
    }
    let store = git2::Repository::from_odb(odb).map_err(action())?;
    let mut builder = store.packbuilder().map_err(action())?;
    builder.set_threads(0); // as many as there are processors
    for (id, object) in objects {
        builder.insert_object(*id, Some(object.name)).map_err(action())?;
    }
    builder.write(workshop, 0o444).map_err(action())?;
    let name = builder.name().map_err(action())?.unwrap_or_default();
    Ok(workshop.join(format!("pack-{name}")))
}

/// Moves a finished pack among the others: its index last, since git looks for a pack by that.
fn publish(pack: &Path, packs: &Path) -> Result<(), GitError> {
    fs::create_dir_all(packs).map_err(GitError::io("create the folder", packs))?;
    for ending in ["pack", "idx"] {
        let made = pack.with_extension(ending);
        sync(&made)?;
        let target = packs.join(made.file_name().unwrap_or_default());
        fs::rename(&made, &target).map_err(GitError::io("move the pack to", target))?;
    }
    sync_folder(packs)
}

fn sync(path: &Path) -> Result<(), GitError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(GitError::io("sync", path))
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<(), GitError> {
    sync(path)
}

/// Folders cannot be opened here, and the file system keeps its own journal of names.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), GitError> {
    Ok(())
}
