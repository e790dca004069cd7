//! Starting: a fresh repository with an estate in it, for `quickstart`. Nothing else touches a work tree's index.

use std::path::Path;

use git2::{IndexAddOption, RepositoryInitOptions, Signature};

use super::{GitError, Repository};

/// Makes a repository in `directory`, on the branch `main`, without hooks or templates.
///
/// # Errors
///
/// There is a repository already, or the system refuses a call.
pub fn create(directory: &Path) -> Result<Repository, GitError> {
    let mut options = RepositoryInitOptions::new();
    options.no_reinit(true).initial_head("main").external_template(false);
    git2::Repository::init_opts(directory, &options)
        .map_err(GitError::git(format!("make a git repository in {}", directory.display())))?;
    Repository::discover(directory)
}

/// Commits every file of the work tree to the checked-out branch, as `author`, and returns the commit's id.
///
/// # Errors
///
/// The repository is bare, or git refuses a call.
pub fn record(repository: &Repository, message: &str, author: (&str, &str)) -> Result<String, GitError> {
    let action = || GitError::git("commit the work tree");
    let inner = &repository.inner;
    let mut index = inner.index().map_err(action())?;
    index.add_all(["*"], IndexAddOption::DEFAULT, None).map_err(action())?;
    index.write().map_err(action())?;
    let tree = index.write_tree().and_then(|id| inner.find_tree(id)).map_err(action())?;
    let parent = inner.head().ok().map(|head| head.peel_to_commit()).transpose().map_err(action())?;
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    let author = Signature::now(author.0, author.1).map_err(action())?;
    let id = inner.commit(Some("HEAD"), &author, &author, message, &tree, &parents).map_err(action())?;
    Ok(id.to_string())
}
