//! The index of an output directory: which files there are tenantry's.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::Path,
};

use super::{OutputError, create_new};

/// Its name in the directory.
pub(super) const NAME: &str = ".tenantry-index";
/// What it is called until it is whole.
const TEMPORARY: &str = ".tenantry-index.new";
/// The first line names the format, so that a later tenantry can tell.
const FINISHED: &str = "tenantry-index 1";
const UNFINISHED: &str = "tenantry-index 1 unfinished";

/// Whether the run that wrote an index came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Finished,
    Unfinished,
}

/// The files that earlier runs wrote.
pub(super) struct Index {
    paths: BTreeSet<String>,
    state: State,
}

impl Index {
    /// Reads the index of `dir`; nothing when the directory is empty.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, OutputError> {
        let path = dir.join(NAME);
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if is_link {
            return Err(OutputError::Link { path });
        }
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| OutputError::BadIndex { path: path.clone(), line: 1 })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if is_empty(dir)? { Ok(None) } else { Err(OutputError::NotOurs { dir: dir.to_owned() }) };
            }
            Err(error) => return Err(OutputError::io("read the index", path)(error)),
        };
        let bad = |line| OutputError::BadIndex { path: path.clone(), line };
        let mut lines = text.lines();
        let state = match lines.next() {
            Some(FINISHED) => State::Finished,
            Some(UNFINISHED) => State::Unfinished,
            _ => return Err(bad(1)),
        };
        let mut paths = BTreeSet::new();
        for (number, line) in lines.enumerate() {
            // Files are removed by this list, so that a line which reaches outside ends the run.
            check_path(line).map_err(|_| bad(number + 2))?;
            paths.insert(line.to_owned());
        }
        Ok(Some(Self { paths, state }))
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    pub(super) fn holds(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Returns whether the run that wrote it did not come to its end.
    pub(super) fn is_unfinished(&self) -> bool {
        self.state == State::Unfinished
    }
}

/// Puts the list in place of the one before, in one step.
pub(super) fn write(dir: &Path, paths: &BTreeSet<&str>, state: State) -> Result<(), OutputError> {
    let mut text = String::from(if state == State::Finished { FINISHED } else { UNFINISHED });
    text.push('\n');
    for path in paths {
        text.push_str(path);
        text.push('\n');
    }
    let temporary = dir.join(TEMPORARY);
    let written = create_new(&temporary).and_then(|mut file| file.write_all(text.as_bytes()));
    written.and_then(|()| fs::rename(&temporary, dir.join(NAME))).map_err(|source| {
        // The first failure is the one to report; an otherwise empty directory with this file counts as empty.
        let _ = fs::remove_file(&temporary);
        OutputError::io("write the index", dir.join(NAME))(source)
    })
}

/// Removes what a run left that was killed while it wrote the list.
pub(super) fn remove_leftover(dir: &Path) {
    // Mostly there is none; one that stays is replaced by the next list.
    let _ = fs::remove_file(dir.join(TEMPORARY));
}

/// Refuses whatever is not a relative path of plain names, and names that tenantry itself needs there.
pub(super) fn check_path(path: &str) -> Result<(), OutputError> {
    let is_plain = |name: &str| !matches!(name, "" | "." | "..") && !name.starts_with(".tenantry-");
    let is_sound = path.split('/').all(is_plain) && !path.contains(|c: char| c.is_control() || c == '\\');
    if is_sound { Ok(()) } else { Err(OutputError::BadPath { path: path.to_owned() }) }
}

/// Returns whether the directory holds nothing, but for an index that a killed run had just begun.
fn is_empty(dir: &Path) -> Result<bool, OutputError> {
    let unreadable = || OutputError::io("read the directory", dir);
    for entry in fs::read_dir(dir).map_err(unreadable())? {
        if entry.map_err(unreadable())?.file_name() != TEMPORARY {
            return Ok(false);
        }
    }
    Ok(true)
}
