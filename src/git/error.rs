//! What can go wrong at the git edge: each message says what was attempted, each hint what to do.

use std::{io, path::PathBuf, time::Duration};

use super::store::{MOST_FILES, MOST_PATH_BYTES};

/// Why a revision could not be read, committed or pushed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No repository at the path or above it.
    #[error("failed to find a git repository at {} or above it", path.display())]
    NoRepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// The repository belongs to another user.
    #[error("failed to open the git repository at {}: it belongs to another user", path.display())]
    NotOwned {
        /// Where the search began.
        path: PathBuf,
    },
    /// The estate's directory is outside the repository's work tree.
    #[error("failed to place {} in the repository: it lies outside its work tree", path.display())]
    Outside {
        /// The directory.
        path: PathBuf,
    },
    /// The revision names no commit.
    #[error("failed to find the revision `{rev}`: the repository has {known}")]
    UnknownRevision {
        /// What was asked for.
        rev: String,
        /// The branches and tags that exist, as words.
        known: String,
    },
    /// The repository has no commit yet.
    #[error("failed to read the current revision: the repository has no commit yet")]
    NoCommits,
    /// A path of a revision is no folder.
    #[error("failed to find the folder `{path}` in the revision {rev}")]
    NoFolder {
        /// The revision.
        rev: String,
        /// The folder inside of it.
        path: String,
    },
    /// A revision holds more files than an estate may have.
    #[error("failed to read the estate of the revision {rev}: it holds more than {} files", crate::sources::MAX_FILES)]
    TooManyFiles {
        /// The revision.
        rev: String,
    },
    /// A path of a revision is longer than any file system takes.
    #[error("failed to read the revision {rev}: it has a path of more than {MOST_PATH_BYTES} bytes")]
    LongPath {
        /// The revision.
        rev: String,
    },
    /// A folder of the output branch holds more files than tenantry writes.
    #[error("failed to read `{path}` of the output branch: the folder names more than {MOST_FILES} files")]
    Crowded {
        /// The folder.
        path: String,
    },
    /// Something in a rendered revision is not a plain text file.
    #[error("failed to read `{path}` of the revision {rev}: it is {what}, no plain text file")]
    NotText {
        /// The revision.
        rev: String,
        /// The path inside of it.
        path: String,
        /// What it is instead.
        what: &'static str,
    },
    /// The tree to commit holds a path that must not be in a commit.
    #[error("failed to build the commit: `{path}` {reason}")]
    BadPath {
        /// The path in the tree.
        path: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// The name cannot be a branch.
    #[error("failed to use `{branch}` as the output branch: it is no branch name")]
    BadBranch {
        /// The name that was given.
        branch: String,
    },
    /// Somebody works on the branch.
    #[error("failed to commit to `{branch}`: it is checked out in {}", worktree.display())]
    CheckedOut {
        /// The output branch.
        branch: String,
        /// Where it is checked out.
        worktree: PathBuf,
    },
    /// The branch is not where it was expected; nothing was changed.
    #[error("failed to move `{branch}`: it is at {actual}, not at {expected}")]
    RefMoved {
        /// The output branch.
        branch: String,
        /// Where it was expected, as a commit id or words.
        expected: String,
        /// Where it is.
        actual: String,
    },
    /// Neither given nor configured.
    #[error("failed to name the author of the commit: git has no user.name and user.email")]
    NoAuthor,
    /// Another run holds the lock.
    #[error("failed to lock {} within {} s: {holder} holds it", path.display(), waited.as_secs_f32())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, as words.
        holder: String,
        /// How long was waited.
        waited: Duration,
    },
    /// A call of libgit2.
    #[error("failed to {action}")]
    Git {
        /// What was attempted.
        action: String,
        /// Its reason.
        source: git2::Error,
    },
    /// A call of the system.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is no `git` to fetch and push with.
    #[error("failed to start the git program")]
    NoProgram {
        /// The system's reason.
        source: io::Error,
    },
    /// The remote refused the branch for a reason that stays.
    #[error("failed to push `{branch}` to {remote}: it was refused: {reason}")]
    Refused {
        /// The output branch.
        branch: String,
        /// The remote, without credentials.
        remote: String,
        /// What the remote said.
        reason: String,
    },
    /// Somebody else pushed first.
    #[error("failed to push `{branch}` to {remote}: the branch there has moved: {reason}")]
    LostRace {
        /// The output branch.
        branch: String,
        /// The remote, without credentials.
        remote: String,
        /// What git said.
        reason: String,
    },
    /// The local branch does not contain what the remote has, or was expected to have.
    #[error("failed to push `{branch}` to {remote}: {expected} is not among its ancestors")]
    NotFastForward {
        /// The output branch.
        branch: String,
        /// The remote, without credentials.
        remote: String,
        /// The commit that would be lost.
        expected: String,
    },
    /// The local branch has commits beside the remote's that somebody made by hand.
    #[error("failed to put `{branch}` at the remote's commit: {commit}, made by hand, would be lost")]
    OwnCommits {
        /// The output branch.
        branch: String,
        /// One of those commits.
        commit: String,
    },
    /// The token would cross the network in the open.
    #[error("failed to use the token for {remote}: it goes over https alone")]
    OpenToken {
        /// The remote, without credentials.
        remote: String,
    },
    /// The user's signing program did not sign.
    #[error("failed to sign the commit: {reason}")]
    Unsigned {
        /// What git or the program said.
        reason: String,
    },
    /// The remote did not answer, or not as a git server.
    #[error("failed to {action} {remote}: {reason}")]
    Unreachable {
        /// What was attempted.
        action: &'static str,
        /// The remote, without credentials.
        remote: String,
        /// What git said, without credentials.
        reason: String,
    },
}

impl GitError {
    /// Returns what to do about it; empty when the message says all there is.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoRepository { path: _ } => "run inside a git repository, or make one with `git init`",
            Self::NotOwned { path: _ } => {
                "if you trust it: git config --global --add safe.directory <the repository's path>"
            }
            Self::Outside { path: _ } => {
                "the estate must lie in the work tree of the repository that holds its revisions"
            }
            Self::UnknownRevision { rev: _, known: _ } => {
                "give a branch, tag or commit that exists here; in a pipeline, fetch it first (a shallow clone holds one commit)"
            }
            Self::NoCommits => "commit the estate first",
            Self::NoFolder { rev: _, path: _ } => "check the path, or give a revision that holds it",
            Self::TooManyFiles { rev: _ } => "is this the estate's folder and not one above it?",
            Self::LongPath { rev: _ } => "no file system can check it out: look at the commit that made it",
            Self::NotText { rev: _, path: _, what: _ } | Self::Crowded { path: _ } => {
                "only tenantry writes below argocd/ and tenants/ of the output branch: revert the commit that put it there"
            }
            Self::BadPath { path: _, reason: _ } => "change the output path in the bundle",
            Self::BadBranch { branch: _ } => {
                "set `output.branch` to a name that `git check-ref-format --branch` accepts"
            }
            Self::CheckedOut { branch: _, worktree: _ } => {
                "switch that work tree to another branch: the output branch is written without a work tree"
            }
            Self::RefMoved { branch: _, expected: _, actual: _ } => "nothing was changed: run again on the new state",
            Self::NoAuthor => "set user.name and user.email with `git config`, or give an author",
            Self::Busy { path: _, holder: _, waited: _ } => "wait for the other run to end, then run again",
            Self::Git { action: _, source } => git_hint(source),
            Self::Io { action: _, path: _, source } => io_hint(source),
            Self::NoProgram { source: _ } => "install git and put it on PATH: fetch and push go through it",
            Self::Refused { branch: _, remote: _, reason } => refused_hint(reason),
            Self::OwnCommits { branch: _, commit: _ } => {
                "keep that commit on another branch, or push it; then run again: only tenantry writes the output branch"
            }
            Self::OpenToken { remote: _ } => {
                "give the remote an https URL, or unset TENANTRY_GIT_TOKEN and let git's own helpers prove who asks"
            }
            Self::Unsigned { reason: _ } => {
                "see gpg.format, user.signingKey and gpg.program in `git help config`; the program must need nobody's answer"
            }
            Self::LostRace { branch: _, remote: _, reason: _ } => "fetch, render again on the new base, and push again",
            Self::NotFastForward { branch: _, remote: _, expected: _ } => {
                "fetch and commit on top of the remote's branch: tenantry never pushes over commits of others"
            }
            Self::Unreachable { action: _, remote: _, reason } => unreachable_hint(reason),
        }
    }

    /// Returns whether the same call may succeed later without anybody's help: a lost race, a busy repository, a network
    /// that is down.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::RefMoved { .. } | Self::Busy { .. } | Self::LostRace { .. } => true,
            Self::Unreachable { reason, .. } => Trouble::of(reason) == Trouble::Network,
            _ => false,
        }
    }

    /// Returns an adapter for `map_err` that says what was attempted.
    pub(super) fn git(action: impl Into<String>) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Git { action: action.into(), source }
    }

    /// Returns an adapter for `map_err` that says what was attempted on which file.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.into(), source }
    }
}

fn git_hint(source: &git2::Error) -> &'static str {
    match (source.class(), source.code()) {
        (_, git2::ErrorCode::Locked) => "another git process holds a lock: wait for it to end, then run again",
        (git2::ErrorClass::Os, _) => "check the free space and the permissions of the repository's git directory",
        (git2::ErrorClass::Odb, git2::ErrorCode::NotFound) => {
            "the repository lacks objects: fetch them with `git fetch --refetch`, or check it with `git fsck`"
        }
        _ => "",
    }
}

fn io_hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk, then run again",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "the repository's git directory must be writable for this user"
        }
        _ => "",
    }
}

fn refused_hint(reason: &str) -> &'static str {
    let is_full =
        ["unpack", "No space left", "Read-only", "Permission denied"].iter().any(|part| reason.contains(part));
    if is_full {
        "the server cannot store it: its disk may be full, or not writable for the user that git runs as there"
    } else {
        "a rule or hook of the server refuses it: allow this user to push the output branch there"
    }
}

/// What kept a remote from answering, as far as git's words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    HostKey,
    Credentials,
    NoRepository,
    /// Whatever may be over the next time.
    Network,
}

impl Trouble {
    fn of(reason: &str) -> Self {
        const CREDENTIALS: [&str; 7] = [
            "authentication",
            "could not read username",
            "could not read password",
            "permission denied",
            "access denied",
            "error: 401",
            "error: 403",
        ];
        const NO_REPOSITORY: [&str; 5] = [
            "does not appear to be a git repository",
            "not found",
            "no such remote",
            "repository not exported",
            "unable to find remote helper",
        ];
        let reason = reason.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        // First the key: SSH names the lack of one beside what follows from it.
        if says(&["host key"]) {
            Self::HostKey
        } else if says(&CREDENTIALS) {
            Self::Credentials
        } else if says(&NO_REPOSITORY) {
            Self::NoRepository
        } else {
            Self::Network
        }
    }
}

fn unreachable_hint(reason: &str) -> &'static str {
    match Trouble::of(reason) {
        Trouble::HostKey => "check the server's key with its operator, then add it to known_hosts",
        Trouble::Credentials => {
            "check the credentials with `git ls-remote`: tenantry uses the same helpers, keys and settings, or \
             TENANTRY_GIT_TOKEN, and never asks"
        }
        Trouble::NoRepository => "check the remote's name and URL with `git remote -v`",
        Trouble::Network => "check the network and the remote with `git ls-remote`, then run again: nothing is lost",
    }
}
