//! Opening a repository with safe settings, and finding commits in it.

use std::{fmt, io::Write, path::Path};

use git2::Oid;

use super::{GitError, store::Store};
use crate::points::planted;

/// The name of an object: equal ids, equal content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub(super) git2::Oid);

impl ObjectId {
    /// Returns the id as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A repository on this machine, opened for its object database and references only.
///
/// A repository of another user is refused, as git does (`safe.directory`).
pub struct Repository {
    pub(super) inner: git2::Repository,
    /// The settings of [`Repository::durable`], which libgit2 may read again as long as the repository is open.
    _settings: Option<tempfile::NamedTempFile>,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Repository").field(&self.inner.path()).finish()
    }
}

impl Repository {
    /// Opens the repository that `path` lies in.
    ///
    /// # Errors
    ///
    /// There is none, it belongs to another user, or it has a format that libgit2 does not know.
    pub fn discover(path: &Path) -> Result<Self, GitError> {
        let inner = git2::Repository::discover(path).map_err(|source| match source.code() {
            git2::ErrorCode::NotFound => GitError::NoRepository { path: path.to_owned() },
            git2::ErrorCode::Owner => GitError::NotOwned { path: path.to_owned() },
            _ => GitError::git(format!("open the git repository at {}", path.display()))(source),
        })?;
        Ok(Self { inner, _settings: None })
    }

    /// Opens the repository once more, so that whatever is written reaches the disk before a reference names it.
    ///
    /// libgit2 syncs nothing by default: a power cut could leave a branch that names objects which never reached the
    /// disk. Its switch is a setting, read when the object database is first opened; a file of our own above the user's
    /// settings changes none of theirs.
    pub(super) fn durable(&self) -> Result<Self, GitError> {
        let inner =
            git2::Repository::open(self.inner.path()).map_err(GitError::git("open the git repository again"))?;
        let settings = settings_file()?;
        let mut config = inner.config().map_err(GitError::git("read the repository's settings"))?;
        config
            .add_file(settings.path(), git2::ConfigLevel::App, true)
            .map_err(GitError::git("add tenantry's settings to the repository's"))?;
        Ok(Self { inner, _settings: Some(settings) })
    }

    /// Returns the git directory that all work trees share.
    pub fn git_directory(&self) -> &Path {
        self.inner.commondir()
    }

    /// Returns `directory` relative to the work tree, with `/`, without one at the end; empty for the work tree itself.
    ///
    /// # Errors
    ///
    /// The repository is bare or the directory outside it.
    pub fn prefix(&self, directory: &Path) -> Result<String, GitError> {
        let outside = || GitError::Outside { path: directory.to_owned() };
        let work_tree = self.inner.workdir().ok_or_else(outside)?;
        let canonical = |path: &Path| path.canonicalize().map_err(GitError::io("find", path));
        let below = canonical(directory)?;
        let below = below.strip_prefix(canonical(work_tree)?).map_err(|_| outside())?;
        let names: Option<Vec<&str>> = below.iter().map(|name| name.to_str()).collect();
        Ok(names.ok_or_else(outside)?.join("/"))
    }

    /// Returns the folder that is checked out; none in a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// Returns the id of the commit that `rev` names: a branch, a tag, an id, or anything that `git rev-parse` takes.
    ///
    /// # Errors
    ///
    /// It names no commit of this repository.
    pub fn commit_id(&self, rev: &str) -> Result<ObjectId, GitError> {
        Ok(ObjectId(self.commit(rev)?.id()))
    }

    pub(super) fn commit(&self, rev: &str) -> Result<git2::Commit<'_>, GitError> {
        let named = Oid::from_str(rev).ok().filter(|id| id.to_string() == rev);
        let named = named.or_else(|| self.inner.resolve_reference_from_short_name(rev).ok()?.resolve().ok()?.target());
        if let Some(id) = named {
            Store::open(self)?.refuse_cut_off(id, &format!("the revision `{rev}`"))?;
        }
        let object = self.inner.revparse_single(rev).and_then(|object| object.peel_to_commit());
        object.map_err(|source| match source.code() {
            git2::ErrorCode::NotFound | git2::ErrorCode::InvalidSpec | git2::ErrorCode::Peel => {
                GitError::UnknownRevision { rev: rev.to_owned(), known: self.known_revisions() }
            }
            _ => GitError::git(format!("find the revision `{rev}`"))(source),
        })
    }

    /// Returns words for what could have been meant: the first few branches and tags.
    fn known_revisions(&self) -> String {
        const SHOWN: usize = 8; // one line of a terminal
        let mut names: Vec<String> = Vec::new();
        if let Ok(references) = self.inner.references() {
            for reference in references.flatten() {
                if let Ok(name) = reference.shorthand() {
                    names.push(format!("`{name}`"));
                }
            }
        }
        names.sort();
        match names.len() {
            0 => "no branch and no tag".to_owned(),
            count if count > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
            _ => names.join(", "),
        }
    }
}

fn settings_file() -> Result<tempfile::NamedTempFile, GitError> {
    let folder = std::env::temp_dir();
    let mut file = tempfile::Builder::new()
        .prefix("tenantry-")
        .suffix(".gitconfig")
        .tempfile()
        .map_err(GitError::io("create a temporary file in", &folder))?;
    let is_synced = !planted("git-fsync-off");
    write!(file, "[core]\n\tfsyncObjectFiles = {is_synced}\n")
        .map_err(GitError::io("write a temporary file in", &folder))?;
    Ok(file)
}
