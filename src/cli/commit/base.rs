//! What a commit builds on: the local output branch, or with `--push` what the remote's holds, if our revision may follow it.

use anyhow::anyhow;

use super::race::Stop;
use crate::{
    cli::{error::CommandError, input::git_error},
    git::{
        GitError, Repository,
        follow::{Places, follow},
        lineage::{Standing, standing},
        remote::Remote,
        write::{Expected, branch_tip},
    },
};

/// Where the branches are, and whether there is something to do.
#[derive(Debug)]
pub(super) struct Base {
    places: Places,
    /// The revision that the branch is rendered from, where that is newer than ours.
    pub(super) newer: Option<String>,
}

impl Base {
    /// The local branch alone.
    pub(super) fn local(repository: &Repository, branch: &str) -> Result<Self, GitError> {
        let here = branch_tip(repository, branch)?;
        Ok(Self { places: Places { here, there: None }, newer: None })
    }

    /// The local branch, put where the remote's is.
    ///
    /// Runs of one pipeline render several revisions of the source branch at once. The newest wins, whatever the order in
    /// which they end: a revision that the rendered one builds on is done already. One that has nothing to do with the
    /// rendered one is refused, unless `replaced` names what it shall take the place of.
    pub(super) fn fetched(
        repository: &Repository,
        remote: &Remote<'_>,
        branch: &str,
        revision: &str,
        replaced: Option<&str>,
    ) -> Result<Self, Stop> {
        let places = follow(remote, branch)?;
        let Some(tip) = &places.here else { return Ok(Self { places, newer: None }) };
        let is_replaced = |rendered: &String| replaced.is_some_and(|named| rendered.starts_with(named));
        let newer = match standing(repository, tip, revision, Some(remote)).map_err(git_error)? {
            Standing::Behind => None,
            Standing::Ahead { revision } if !is_replaced(&revision) => Some(revision),
            Standing::Apart { revision } if !is_replaced(&revision) => {
                return Err(apart(branch, &revision, "neither builds on the other").into());
            }
            Standing::Unknown { revision } if !is_replaced(&revision) => {
                let why = "its history is not in this clone, so nobody can tell which of the two is newer";
                return Err(apart(branch, &revision, why)
                    .hint("a shallow clone lacks history: `git fetch --unshallow`")
                    .into());
            }
            Standing::Ahead { .. } | Standing::Apart { .. } | Standing::Unknown { .. } => None,
        };
        Ok(Self { places, newer })
    }

    /// The commit to build on.
    pub(super) fn tip(&self) -> Option<&str> {
        self.places.here.as_deref()
    }

    /// Where the local branch must still be when the commit is made.
    pub(super) fn expected(&self) -> Expected {
        self.tip().map_or(Expected::Absent, |tip| Expected::At(tip.to_owned()))
    }

    /// Brings the branch to the remote, unless it has it already; tells whether the remote has it now.
    pub(super) fn push(&self, remote: &Remote<'_>, branch: &str, commit: Option<&str>) -> Result<bool, GitError> {
        let Some(commit) = commit.or(self.tip()) else { return Ok(false) };
        let there = self.places.there.as_deref();
        if there != Some(commit) {
            remote.push(branch, commit, there)?;
        }
        Ok(true)
    }
}

fn apart(branch: &str, revision: &str, why: &str) -> CommandError {
    CommandError::refused(anyhow!("`{branch}` was rendered from {revision}, which HEAD does not build on: {why}"))
        .hint("fetch and merge, or rebase onto, the source branch; then run again")
        .hint(format!("if HEAD shall take its place all the same, say so with --dangerous-replace-revision {revision}"))
}
