//! What can go wrong when files are written: each message names the path, each hint says what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the output directory is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The directory holds something, and not from tenantry.
    #[error("failed to write to {}: it is not empty and was not written by tenantry", dir.display())]
    NotOurs {
        /// The directory.
        dir: PathBuf,
    },
    /// Another run is writing there.
    #[error("failed to write to {}: another run of tenantry is writing there", dir.display())]
    Busy {
        /// The directory.
        dir: PathBuf,
    },
    /// The list of what was written cannot be trusted.
    #[error("failed to read the index {} at line {line}", path.display())]
    BadIndex {
        /// The index file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A path of the tree could reach outside the directory, or fits no directory.
    #[error("failed to write `{path}`: it is not a relative path of plain names")]
    BadPath {
        /// The path in the tree.
        path: String,
    },
    /// Writing would follow a link.
    #[error("failed to write through {}: it is a symbolic link", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A file that tenantry did not write has the place of one that it should.
    #[error("failed to write {}: something that tenantry did not write is in its place", path.display())]
    Foreign {
        /// The file or folder in the way.
        path: PathBuf,
    },
    /// A call of the system.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl OutputError {
    /// Returns what to do about it; empty when the message says all there is.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOurs { dir: _ } => "give an empty or new directory, or one that an earlier run wrote",
            Self::Busy { dir: _ } => "wait for the other run to end, or give another directory",
            Self::BadIndex { path: _, line: _ } => {
                "it was edited or written by a newer tenantry: remove the directory and run again"
            }
            Self::BadPath { path: _ } => "change the output path in the bundle",
            Self::Link { path: _ } => "remove the link: tenantry writes only inside its directory",
            Self::Foreign { path: _ } => "move it away, or give another directory",
            Self::Io { action: _, path: _, source } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "make room on the disk and run again: no file is half-written"
                }
                io::ErrorKind::PermissionDenied => "make it writable for this user, or give another directory",
                io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only: give another directory",
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
                    "something else has this name: move it away, or give another directory"
                }
                _ => "",
            },
        }
    }

    /// Returns an adapter for `map_err` that says what was attempted on what.
    pub(super) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.as_ref().to_owned(), source }
    }
}
