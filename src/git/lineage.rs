//! Which source revision a rendered commit comes from, and which of two commits is the newer.

use git2::{ErrorCode, Oid};

use super::{GitError, Repository, remote::Remote};
use crate::points::planted;

/// The trailer of a rendered commit that names the source revision it was rendered from.
pub const SOURCE_REVISION: &str = "Source-Revision";

/// How the revision that a branch was rendered from stands to the one that shall be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is no such revision, it is the same one, or one that ours builds on: ours may follow it.
    Behind,
    /// It builds on ours: what is rendered is newer than what we would render.
    Ahead {
        /// The revision of the branch.
        revision: String,
    },
    /// Neither builds on the other.
    Apart {
        /// The revision of the branch.
        revision: String,
    },
    /// Its history, or enough of ours, is not here and not to be had.
    Unknown {
        /// The revision of the branch.
        revision: String,
    },
}

/// Compares the revision that the commit `tip` of an output branch was rendered from with `revision`.
///
/// A revision that is not here is asked of `remote`.
///
/// # Errors
///
/// The object database is damaged, or the remote does not answer.
pub fn standing(
    repository: &Repository,
    tip: &str,
    revision: &str,
    remote: Option<&Remote<'_>>,
) -> Result<Standing, GitError> {
    let Some(rendered) = source_revision(repository, tip)? else { return Ok(Standing::Behind) };
    if rendered == revision || planted("git-older-revision-wins") {
        return Ok(Standing::Behind);
    }
    let unknown = || Standing::Unknown { revision: rendered.clone() };
    let standing = compare(repository, &rendered, revision);
    match (standing, remote) {
        (Ok(Some(standing)), _) => Ok(standing),
        // Not here, or in parts only, as a fetch leaves it that was killed.
        (_, Some(remote)) if remote.fetch_commit(&rendered)? => {
            Ok(compare(repository, &rendered, revision)?.unwrap_or_else(unknown))
        }
        (Ok(None), _) => Ok(unknown()),
        (Err(error), _) => Err(error),
    }
}

/// Compares two revisions; nothing where the first one, or history that tells, is not here.
fn compare(repository: &Repository, rendered: &str, revision: &str) -> Result<Option<Standing>, GitError> {
    if repository.commit(rendered).is_err() {
        return Ok(None);
    }
    Ok(if repository.contains(revision, rendered)? {
        Some(Standing::Behind)
    } else if repository.contains(rendered, revision)? {
        Some(Standing::Ahead { revision: rendered.to_owned() })
    } else if repository.inner.is_shallow() {
        None
    } else {
        Some(Standing::Apart { revision: rendered.to_owned() })
    })
}

/// Returns the source revision that the newest rendered commit of a branch's own line names; commits of others are passed.
fn source_revision(repository: &Repository, tip: &str) -> Result<Option<String>, GitError> {
    const FAR: usize = 1000; // commits by hand between two rendered ones are few
    let mut commit = Some(repository.commit(tip)?);
    for _ in 0..FAR {
        let Some(here) = commit else { break };
        if let Some(revision) = trailer(&here) {
            return Ok(Some(revision));
        }
        commit = here.parent(0).ok();
    }
    Ok(None)
}

/// Returns whether a commit was made by `commit`, and from which revision.
pub(super) fn trailer(commit: &git2::Commit<'_>) -> Option<String> {
    let trailers = git2::message_trailers_bytes(commit.message_raw_bytes()).ok()?;
    let values = trailers.iter().filter(|(name, _)| *name == SOURCE_REVISION.as_bytes());
    let value = values.filter_map(|(_, value)| std::str::from_utf8(value).ok()).next_back()?;
    // An id in full, which needs no look at references that have such a name.
    Oid::from_str(value).ok().filter(|id| id.to_string() == value).map(|id| id.to_string())
}

impl Repository {
    /// Returns whether `commit` is, or builds on, `other`; both by their full ids.
    ///
    /// # Errors
    ///
    /// `commit` is not here, or the object database is damaged.
    pub fn contains(&self, commit: &str, other: &str) -> Result<bool, GitError> {
        let [commit, other] = [commit, other].map(|id| Oid::from_str(id).map_err(GitError::git("read a commit's id")));
        let (commit, other) = (commit?, other?);
        if commit == other {
            return Ok(true);
        }
        match self.inner.graph_descendant_of(commit, other) {
            Err(error) if error.code() == ErrorCode::NotFound && self.inner.find_commit(other).is_err() => Ok(false),
            answer => answer.map_err(GitError::git("compare commits")),
        }
    }
}
