//! Writing: a tree as one commit on the output branch, through the object database alone.
//!
//! Objects first, then the commit, then the branch, each on the disk before the next. So a killed run leaves the old
//! commit or the new one, and the next run needs nobody's help.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use git2::{Oid, Signature, Time};

use super::{
    GitError, ObjectId, Repository,
    lock::{Lock, clear_stale},
    objects::{self, Changes},
    origin, pack, sign,
    store::Store,
};
use crate::{points::planted, tree::Tree};

/// How long to wait for another run on the same repository: a commit of 10,000 tenants takes some ten seconds.
pub const WAIT: Duration = Duration::from_secs(60);

/// Where the output branch must be for a commit to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Wherever it is when the commit starts, or nowhere.
    Anywhere,
    /// It does not exist.
    Absent,
    /// At this commit, by its full id.
    At(String),
}

/// What to commit, and where.
#[derive(Debug)]
pub struct CommitRequest<'a> {
    /// The output branch, such as `deploy`; made without a parent where it is absent.
    pub branch: &'a str,
    /// What `argocd/` and `tenants/` shall hold. Anything else at the top of the branch stays as it is.
    pub tree: &'a Tree,
    /// When given, only these folders, `argocd` or `tenants/<name>`, are replaced by what the tree holds of them (or
    /// removed, when it holds nothing) and all others stay as they are.
    pub only: Option<&'a BTreeSet<String>>,
    /// The message, with its trailers; [`origin::TREE`] is added to them.
    pub message: &'a str,
    /// Name and mail address; when not given, what git is configured with.
    pub author: Option<(String, String)>,
    /// Where the branch must be.
    pub expected: Expected,
    /// The time of the commit in seconds since 1970, in UTC; now when not given.
    pub time: Option<i64>,
    /// How long to wait for another run; [`WAIT`] unless there is a reason.
    pub wait: Duration,
    /// Sign it with the user's key, by the user's signing program, which may take so long.
    pub sign: Option<Duration>,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// The branch holds this tree already; nothing was written.
    Unchanged {
        /// Where the branch is, if it exists.
        commit: Option<String>,
    },
    /// The branch is at a new commit.
    Committed {
        /// Its id.
        commit: String,
        /// Where the branch was before, if it existed.
        parent: Option<String>,
        /// How many files were added, changed or removed.
        changed_files: usize,
        /// The tenants that these files belong to.
        changed_tenants: BTreeSet<String>,
    },
}

/// Commits a tree to the output branch of the repository.
///
/// # Errors
///
/// The branch is checked out somewhere or not where it was expected, another run holds the lock, the tree holds a path
/// that must not be in a commit, or there is no author. The branch is then where it was.
pub fn commit(repository: &Repository, request: &CommitRequest<'_>) -> Result<CommitOutcome, GitError> {
    let reference = reference_name(request.branch)?;
    let repository = &repository.durable()?;
    let _lock = Lock::acquire(repository.git_directory(), request.wait)?;
    refuse_checked_out(repository, request.branch)?;
    let tip = tip(repository, &reference)?;
    check_expected(request, tip)?;

    let parent = tip.map(|id| repository.inner.find_commit(id)).transpose();
    let parent = parent.map_err(GitError::git(format!("read the commit that `{}` is at", request.branch)))?;
    let parent_root = parent.as_ref().map(git2::Commit::tree_id);
    let store = Store::open(repository)?;
    let root = objects::root(&store, request.tree, parent_root, request.only)?;
    let changes = Changes::between(&store, parent_root, &root)?;
    if changes.files == 0 {
        return Ok(CommitOutcome::Unchanged { commit: tip.map(|id| id.to_string()) });
    }

    let (author, committer) = signatures(repository, request)?;
    pack::write(repository, &changes.objects)?;
    let message = origin::with_tree(request.message, ObjectId(root.id));
    let made = match request.sign.filter(|_| !planted("git-signature-skipped")) {
        Some(deadline) => {
            let commit = sign::Unsigned { tree: root.id, parent: tip, author, committer, message: &message };
            sign::commit(repository, &commit, deadline)?
        }
        None => {
            let action = || GitError::git("write the commit");
            let tree = repository.inner.find_tree(root.id).map_err(action())?;
            let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
            let made = repository.inner.commit(None, &author, &committer, &message, &tree, &parents);
            made.map_err(action())?
        }
    };
    let subject = request.message.lines().next().unwrap_or_default();
    move_reference(repository, request.branch, made, tip, &format!("tenantry: {subject}"))?;
    Ok(CommitOutcome::Committed {
        commit: made.to_string(),
        parent: tip.map(|id| id.to_string()),
        changed_files: changes.files,
        changed_tenants: changes.tenants,
    })
}

/// Puts the output branch at a commit that the repository holds, such as what a fetch brought after a lost race.
///
/// `expected` is where it must be now, by its full id; nothing when it must not exist.
///
/// # Errors
///
/// As for [`commit`].
pub fn move_branch(repository: &Repository, branch: &str, to: &str, expected: Option<&str>) -> Result<(), GitError> {
    reference_name(branch)?;
    let repository = &repository.durable()?;
    let _lock = Lock::acquire(repository.git_directory(), WAIT)?;
    refuse_checked_out(repository, branch)?;
    let to = repository.commit(to)?.id();
    let expected = expected.map(|id| repository.commit(id).map(|commit| commit.id())).transpose()?;
    move_reference(repository, branch, to, expected, "tenantry: moved to the remote's")
}

/// Returns the commit that a branch is at, if it exists.
///
/// # Errors
///
/// The name cannot be a branch, or its reference cannot be read.
pub fn branch_tip(repository: &Repository, branch: &str) -> Result<Option<String>, GitError> {
    Ok(tip(repository, &reference_name(branch)?)?.map(|id| id.to_string()))
}

pub(super) fn reference_name(branch: &str) -> Result<String, GitError> {
    let name = format!("refs/heads/{branch}");
    let is_sound = git2::Reference::is_valid_name(&name) && !branch.starts_with('-') && branch != "HEAD";
    if is_sound { Ok(name) } else { Err(GitError::BadBranch { branch: branch.to_owned() }) }
}

fn tip(repository: &Repository, reference: &str) -> Result<Option<Oid>, GitError> {
    match repository.inner.refname_to_id(reference) {
        Ok(id) => Ok(Some(id)),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(GitError::git(format!("read the reference {reference}"))(error)),
    }
}

fn check_expected(request: &CommitRequest<'_>, tip: Option<Oid>) -> Result<(), GitError> {
    let at = |id: Option<String>| id.unwrap_or_else(|| "no commit".to_owned());
    let actual = tip.map(|id| id.to_string());
    let expected = match &request.expected {
        Expected::Anywhere => return Ok(()),
        Expected::Absent => None,
        Expected::At(id) => Some(id.clone()),
    };
    if expected == actual {
        return Ok(());
    }
    Err(GitError::RefMoved { branch: request.branch.to_owned(), expected: at(expected), actual: at(actual) })
}

/// Moves a branch from where it was to `to`, or not at all: compare and swap, under git's own lock of the reference.
fn move_reference(
    repository: &Repository,
    branch: &str,
    to: Oid,
    from: Option<Oid>,
    log: &str,
) -> Result<(), GitError> {
    let name = reference_name(branch)?;
    clear_stale(&repository.git_directory().join(format!("{name}.lock")))?;
    let nowhere = Oid::ZERO_SHA1; // matches a reference that does not exist
    let moved = match planted("git-no-compare-and-swap") {
        true => repository.inner.reference(&name, to, true, log),
        false => repository.inner.reference_matching(&name, to, true, from.unwrap_or(nowhere), log),
    };
    match moved {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.code(), git2::ErrorCode::Modified | git2::ErrorCode::NotFound) => {
            let words = |id: Option<Oid>| id.map_or_else(|| "no commit".to_owned(), |id| id.to_string());
            let actual = words(tip(repository, &name)?);
            Err(GitError::RefMoved { branch: branch.to_owned(), expected: words(from), actual })
        }
        Err(error) => Err(GitError::git(format!("move the branch `{branch}`"))(error)),
    }
}

/// Refuses a branch that a work tree has checked out: its files would seem changed all at once.
fn refuse_checked_out(repository: &Repository, branch: &str) -> Result<(), GitError> {
    let git = repository.git_directory();
    let mut heads = Vec::new();
    let is_bare = repository.inner.is_bare() && !repository.inner.is_worktree();
    if !is_bare {
        heads.push((git.join("HEAD"), git.parent().unwrap_or(git).to_owned()));
    }
    if let Ok(worktrees) = fs::read_dir(git.join("worktrees")) {
        for worktree in worktrees.flatten() {
            // It names the `.git` file of the work tree.
            let link = fs::read_to_string(worktree.path().join("gitdir")).unwrap_or_default();
            let place = PathBuf::from(link.trim());
            heads.push((worktree.path().join("HEAD"), place.parent().unwrap_or(&place).to_owned()));
        }
    }
    let target = format!("ref: refs/heads/{branch}");
    match heads.into_iter().find(|(head, _)| fs::read_to_string(head).is_ok_and(|text| text.trim() == target)) {
        Some((_, worktree)) => Err(GitError::CheckedOut { branch: branch.to_owned(), worktree }),
        None => Ok(()),
    }
}

/// Returns author and committer.
fn signatures(
    repository: &Repository,
    request: &CommitRequest<'_>,
) -> Result<(Signature<'static>, Signature<'static>), GitError> {
    let action = || GitError::git("name the author of the commit");
    let (author, committer) = match &request.author {
        Some((name, mail)) => {
            let author = Signature::now(name, mail).map_err(action())?;
            let committer = repository.inner.committer_from_env().unwrap_or_else(|_| author.clone());
            (author, committer)
        }
        None => {
            let missing = |error: git2::Error| match error.code() {
                git2::ErrorCode::NotFound => GitError::NoAuthor,
                _ => action()(error),
            };
            let author = repository.inner.author_from_env().map_err(missing)?;
            (author, repository.inner.committer_from_env().map_err(missing)?)
        }
    };
    let Some(seconds) = request.time else { return Ok((author, committer)) };
    let at_time = |signature: &Signature<'_>| {
        let (name, mail) = (signature.name().unwrap_or_default(), signature.email().unwrap_or_default());
        Signature::new(name, mail, &Time::new(seconds, 0)).map_err(action())
    };
    Ok((at_time(&author)?, at_time(&committer)?))
}
