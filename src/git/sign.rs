//! Signed commits, by git itself: so every setting of git for formats, keys and signing programs holds.

use std::time::Duration;

use git2::{Oid, Signature};

use super::{
    GitError, Repository,
    program::{Call, Surroundings},
};

/// How long a signing program may take: time for a person to touch a key, not for one who is not there.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A commit before it is signed.
pub(super) struct Unsigned<'c> {
    pub tree: Oid,
    pub parent: Option<Oid>,
    pub author: Signature<'static>,
    pub committer: Signature<'static>,
    pub message: &'c str,
}

/// Returns whether the user has asked git to sign all commits (`commit.gpgSign`).
pub fn is_configured(repository: &Repository) -> bool {
    let config = repository.inner.config().and_then(|mut config| config.snapshot());
    config.is_ok_and(|config| config.get_bool("commit.gpgSign").unwrap_or(false))
}

/// Makes a commit, signed with the key that git is configured with; no reference moves.
///
/// The program that signs gets none of a pipeline's secrets, only what leads it to its key.
pub(super) fn commit(repository: &Repository, commit: &Unsigned<'_>, deadline: Duration) -> Result<Oid, GitError> {
    let Unsigned { tree, parent, author, committer, message } = commit;
    let mut arguments = vec!["commit-tree".to_owned(), "-S".to_owned(), tree.to_string()];
    arguments.extend(parent.iter().flat_map(|parent| ["-p".to_owned(), parent.to_string()]));
    arguments.extend(["-F".to_owned(), "-".to_owned()]);
    let [author_name, author_mail, author_time] = parts(author);
    let [name, mail, time] = parts(committer);
    let call = Call {
        repository,
        settings: Vec::new(),
        arguments,
        surroundings: Surroundings::WithoutSecrets,
        token: None,
        variables: vec![
            ("GIT_AUTHOR_NAME", author_name),
            ("GIT_AUTHOR_EMAIL", author_mail),
            ("GIT_AUTHOR_DATE", author_time),
            ("GIT_COMMITTER_NAME", name),
            ("GIT_COMMITTER_EMAIL", mail),
            ("GIT_COMMITTER_DATE", time),
        ],
        input: message.as_bytes().to_vec(),
        deadline,
    };
    let refused = |reason: String| GitError::Unsigned { reason };
    let late = || refused(format!("the signing program did not end within {} s", deadline.as_secs_f32()));
    let output = call.run()?.ok_or_else(late)?;
    let id = Oid::from_str(output.stdout.trim()).ok().filter(|_| output.success());
    let id = id.ok_or_else(|| refused(output.reason()))?;
    let made = repository.inner.find_commit(id).map_err(GitError::git("read the signed commit"))?;
    let is_ours = made.tree_id() == *tree && made.parent_ids().eq(*parent) && made.header_field_bytes("gpgsig").is_ok();
    if is_ours { Ok(id) } else { Err(refused("git made another commit than it was asked for".to_owned())) }
}

fn parts(who: &Signature<'_>) -> [String; 3] {
    let (name, mail) = (who.name().unwrap_or_default(), who.email().unwrap_or_default());
    let when = who.when();
    let minutes = when.offset_minutes();
    let zone = format!("{}{:02}{:02}", when.sign(), minutes.abs() / 60, minutes.abs() % 60);
    [name.to_owned(), mail.to_owned(), format!("{} {zone}", when.seconds())]
}
