//! Where the estate comes from: a directory, or a revision of the repository around it.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{Global, error::CommandError};
use crate::{
    git::{self, GitError, Repository},
    load,
    sources::{ESTATE_FILE, Sources},
};

/// Returns the estate's directory.
///
/// # Errors
/// Usage, where there is no estate in the working directory and above it, or none in `--estate`.
pub(super) fn directory(global: &Global) -> Result<PathBuf, CommandError> {
    match &global.estate {
        Some(directory) if directory.join(ESTATE_FILE).is_file() => Ok(directory.clone()),
        Some(directory) => {
            Err(CommandError::usage(anyhow!("`{}` is no estate: it holds no {ESTATE_FILE}", directory.display()))
                .hint("give the folder that holds tenantry.yaml, or make one with `tenantry init DIR`"))
        }
        None => {
            let here = working_directory()?;
            load::find_estate(&here).ok_or_else(|| {
                CommandError::usage(anyhow!("there is no {ESTATE_FILE} in `{}` or above it", here.display()))
                    .hint("go to an estate, give one with `--estate DIR`, or make one with `tenantry init DIR`")
            })
        }
    }
}

/// Reads the estate: from its directory, or with `revision` from the blobs of that commit.
pub(super) fn sources(global: &Global, revision: Option<&str>) -> Result<Sources, CommandError> {
    match revision {
        None => from_directory(&directory(global)?),
        Some(revision) => {
            let (repository, prefix) = repository(global)?;
            git::read::sources(&repository, revision, &prefix).map_err(git_error)
        }
    }
}

/// Reads an estate's directory.
pub(super) fn from_directory(directory: &Path) -> Result<Sources, CommandError> {
    load::directory(directory).map_err(CommandError::external)
}

/// Returns the repository around the estate, and where in it the estate lies.
pub(super) fn repository(global: &Global) -> Result<(Repository, String), CommandError> {
    // A revision may hold an estate that the work tree does not, so the folder need not hold tenantry.yaml now.
    let directory = match &global.estate {
        Some(directory) => directory.clone(),
        None => {
            let here = working_directory()?;
            load::find_estate(&here).unwrap_or(here)
        }
    };
    let repository = Repository::discover(&directory).map_err(git_error)?;
    let prefix = repository.prefix(&directory).map_err(git_error)?;
    Ok((repository, prefix))
}

/// Turns what git says into how the command ends.
pub(super) fn git_error(error: GitError) -> CommandError {
    let hint = error.hint();
    let error = match &error {
        GitError::RefMoved { .. } | GitError::Busy { .. } => CommandError::later(error),
        _ => CommandError::external(error),
    };
    if hint.is_empty() { error } else { error.hint(hint) }
}

#[expect(clippy::disallowed_methods, reason = "the working directory is where a person stands")]
fn working_directory() -> Result<PathBuf, CommandError> {
    std::env::current_dir().map_err(CommandError::external)
}
