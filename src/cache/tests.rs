//! An entry is whole and ours, or it is none.

use std::os::unix::fs::PermissionsExt;

use super::*;

struct Lab {
    folder: tempfile::TempDir,
    cache: Cache,
    key: Key,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache/tenantry"));
        let lab = Self { folder, cache, key: Key::of(["a", "key"]) };
        lab.cache.write(&lab.key, b"what was found").unwrap();
        assert_eq!(lab.cache.read(&lab.key).unwrap(), b"what was found");
        lab
    }

    fn file(&self) -> PathBuf {
        self.cache.path(&self.key)
    }

    fn mode(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn every_flipped_bit_and_every_cut_makes_it_no_entry() {
    let lab = Lab::new();
    let whole = fs::read(lab.file()).unwrap();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bad = whole.clone();
            bad[at] ^= 1 << bit;
            fs::write(lab.file(), bad).unwrap();
            assert_eq!(lab.cache.read(&lab.key), None, "bit {bit} of byte {at}");
        }
        fs::write(lab.file(), &whole[..at]).unwrap();
        assert_eq!(lab.cache.read(&lab.key), None, "{at} bytes");
    }
    fs::write(lab.file(), [whole.as_slice(), b"x"].concat()).unwrap();
    assert_eq!(lab.cache.read(&lab.key), None);
    fs::write(lab.file(), &whole).unwrap();
    assert!(lab.cache.read(&lab.key).is_some());
}

#[test]
fn an_entry_under_another_name_is_none() {
    let lab = Lab::new();
    let other = Key::of(["ak", "ey"]);
    fs::copy(lab.file(), lab.cache.path(&other)).unwrap();
    assert_eq!(lab.cache.read(&other), None);
    assert_ne!(lab.key, other);
}

#[test]
fn it_is_the_users_alone_and_otherwise_not_believed() {
    let lab = Lab::new();
    let mode = |path: &Path| path.symlink_metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&lab.cache.folder), mode(&lab.file())), (0o700, 0o600));
    lab.mode(&lab.file(), 0o620);
    assert_eq!(lab.cache.read(&lab.key), None, "others may have written it");
    lab.mode(&lab.file(), 0o600);
    lab.mode(&lab.cache.folder, 0o770);
    assert_eq!(lab.cache.read(&lab.key), None, "others may have put it there");
    lab.cache.write(&lab.key, b"more").unwrap_err();
    lab.mode(&lab.cache.folder, 0o700);
    let elsewhere = lab.folder.path().join("elsewhere");
    fs::rename(lab.file(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, lab.file()).unwrap();
    assert_eq!(lab.cache.read(&lab.key), None, "links are not followed");
}

#[test]
fn a_folder_that_cannot_be_made_costs_nothing_but_time() {
    let lab = Lab::new();
    let file = lab.folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let cache = Cache::at(file.join("tenantry"));
    cache.write(&lab.key, b"x").unwrap_err();
    assert_eq!(cache.read(&lab.key), None);
}

#[test]
fn a_handful_of_entries_is_kept_and_the_last_is_among_them() {
    let lab = Lab::new();
    let keys: Vec<Key> = (0..20).map(|number: u32| Key::of([number.to_le_bytes()])).collect();
    for key in &keys {
        lab.cache.write(key, b"x").unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(fs::read_dir(&lab.cache.folder).unwrap().count(), KEPT);
    assert!(lab.cache.read(&keys[19]).is_some());
    assert!(lab.cache.read(&lab.key).is_none());
}

#[test]
fn writers_and_readers_at_once_see_whole_entries() {
    let lab = Lab::new();
    let texts: Vec<Vec<u8>> = (0..4).map(|number| vec![b'a' + number; 50_000]).collect();
    std::thread::scope(|scope| {
        for text in &texts {
            scope.spawn(|| (0..50).for_each(|_| lab.cache.write(&lab.key, text).unwrap()));
        }
        for _ in 0..200 {
            let seen = lab.cache.read(&lab.key).expect("one entry replaces the other without a gap");
            assert!(seen == b"what was found" || texts.contains(&seen));
        }
    });
}
