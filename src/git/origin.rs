//! What a commit of the output branch says of itself: the trailers of its message, and whether they fit its tree.

use std::collections::BTreeMap;

use super::{GitError, ObjectId, Repository};

/// The trailer that names the commit's own tree. [`super::write::commit`] adds it.
pub const TREE: &str = "Tree-Digest";

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    trailers: BTreeMap<String, String>,
}

impl Origin {
    /// Returns a trailer, if it stands there once.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.get(name).map(String::as_str)
    }
}

/// Reads what the commit says of itself; nothing where its trailer does not name its tree: then somebody amended, rebased,
/// merged or picked it, or never had to do with us.
///
/// # Errors
///
/// The revision does not exist, or the object database is damaged.
pub fn origin(repository: &Repository, rev: &str) -> Result<Option<Origin>, GitError> {
    let commit = repository.commit(rev)?;
    let Ok(message) = commit.message() else { return Ok(None) };
    let found = git2::message_trailers_strs(message).map_err(GitError::git("read the trailers of a commit"))?;
    let mut trailers = BTreeMap::new();
    let mut doubles = Vec::new();
    for (name, value) in found.iter() {
        if trailers.insert(name.to_owned(), value.to_owned()).is_some() {
            doubles.push(name.to_owned());
        }
    }
    for name in doubles {
        trailers.remove(&name);
    }
    let origin = Origin { trailers };
    let own = value(ObjectId(commit.tree_id()));
    Ok((origin.trailer(TREE) == Some(own.as_str())).then_some(origin))
}

/// Returns the value of the trailer for a tree.
fn value(tree: ObjectId) -> String {
    format!("git:{tree}")
}

/// Adds the trailer to a message, whose last paragraph are its other trailers if it has more than one.
pub(super) fn with_tree(message: &str, tree: ObjectId) -> String {
    let message = message.trim_end();
    let gap = if message.contains("\n\n") { "\n" } else { "\n\n" };
    format!("{message}{gap}{TREE}: {}\n", value(tree))
}
