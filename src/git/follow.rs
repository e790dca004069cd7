//! The local output branch beside the remote's: before anything is committed, ours is put where nothing of theirs is lost.

use super::{
    GitError,
    lineage::trailer,
    remote::Remote,
    write::{branch_tip, move_branch},
};

/// Where a branch is, here and there; absent where it does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Here: at the remote's tip, or on top of it.
    pub here: Option<String>,
    /// At the remote.
    pub there: Option<String>,
}

/// Fetches a branch, and moves the local one to the remote's tip, unless it is there already or on top of it.
///
/// What the local branch has beside the remote's was rendered before a race was lost. It is dropped, since it will be
/// rendered anew; git's log of the branch keeps it.
///
/// # Errors
///
/// The remote does not answer, the local branch has commits that `commit` did not make ([`GitError::OwnCommits`]), it is
/// checked out, or moves at the same time.
pub fn follow(remote: &Remote<'_>, branch: &str) -> Result<Places, GitError> {
    let repository = remote.repository;
    let there = remote.fetch(branch)?;
    let here = branch_tip(repository, branch)?;
    let Some(tip) = &there else { return Ok(Places { here, there }) };
    if let Some(ours) = &here {
        if repository.contains(ours, tip)? {
            return Ok(Places { here, there });
        }
        refuse_own_commits(remote, branch, ours, tip)?;
    }
    move_branch(repository, branch, tip, here.as_deref())?;
    Ok(Places { here: there.clone(), there })
}

/// Refuses to drop commits that somebody made by hand.
fn refuse_own_commits(remote: &Remote<'_>, branch: &str, ours: &str, theirs: &str) -> Result<(), GitError> {
    let action = || GitError::git("list the commits of the output branch");
    let repository = remote.repository;
    let mut walk = repository.inner.revwalk().map_err(action())?;
    walk.push(repository.commit(ours)?.id()).map_err(action())?;
    walk.hide(repository.commit(theirs)?.id()).map_err(action())?;
    for id in walk {
        let commit = id.and_then(|id| repository.inner.find_commit(id)).map_err(action())?;
        if trailer(&commit).is_none() {
            return Err(GitError::OwnCommits { branch: branch.to_owned(), commit: commit.id().to_string() });
        }
    }
    Ok(())
}
