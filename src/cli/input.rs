//! Where the estate comes from: a directory, or a revision of the repository around it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::anyhow;

use super::{Global, error::CommandError};
use crate::{
    git::{self, GitError, Repository, Token, remote::Access},
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

/// Returns how remotes are reached: `TENANTRY_GIT_TOKEN` proves who asks, `TENANTRY_GIT_TIMEOUT` bounds each call in seconds.
///
/// # Errors
/// Usage, where one of them cannot be right.
pub(super) fn access() -> Result<Access, CommandError> {
    const LONGEST: u64 = 24 * 3600; // nobody waits for longer than a day
    let mut access = Access::default();
    if let Some(text) = std::env::var_os("TENANTRY_GIT_TOKEN").filter(|text| !text.is_empty()) {
        let token = text.to_str().and_then(Token::new);
        let token = token.ok_or_else(|| CommandError::usage(anyhow!("TENANTRY_GIT_TOKEN is no token")))?;
        access.token = Some(token);
    }
    if let Some(text) = std::env::var_os("TENANTRY_GIT_TIMEOUT").filter(|text| !text.is_empty()) {
        let seconds =
            text.to_str().and_then(|text| text.parse().ok()).filter(|seconds| (1..=LONGEST).contains(seconds));
        let seconds = seconds.ok_or_else(|| {
            CommandError::usage(anyhow!("TENANTRY_GIT_TIMEOUT is no number of seconds, from 1 to {LONGEST}"))
        })?;
        access.deadline = Duration::from_secs(seconds);
    }
    Ok(access)
}

/// Turns what git says into how the command ends.
pub(super) fn git_error(error: GitError) -> CommandError {
    let hint = error.hint();
    let error = match &error {
        _ if error.is_passing() => CommandError::later(error),
        GitError::OwnCommits { .. } | GitError::OpenToken { .. } => CommandError::refused(error),
        _ => CommandError::external(error),
    };
    if hint.is_empty() { error } else { error.hint(hint) }
}

#[expect(clippy::disallowed_methods, reason = "the working directory is where a person stands")]
fn working_directory() -> Result<PathBuf, CommandError> {
    std::env::current_dir().map_err(CommandError::external)
}
