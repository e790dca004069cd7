//! Fetch and push through the `git` program, with the user's own credentials, keys and proxies.

use std::{thread, time::Duration};

use super::{
    GitError, Repository,
    answer::{Answer, is_lost_race, porcelain, with_words_of_server},
    credentials::{self, Token},
    lock::{Lock, clear_stale},
    program::{Call, DEADLINE, Output, Surroundings},
    words::mask,
    write::{WAIT, branch_tip, reference_name},
};
use crate::points::planted;

/// How remotes are reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// The longest that one call of git may take.
    pub deadline: Duration,
    /// What proves who asks, over HTTPS; git's own helpers where absent.
    pub token: Option<Token>,
    /// Whether git gets only what it needs of the environment: for runs that have administrators' passwords in it. Others
    /// leave it all, since a pipeline's credential helper may read its variables.
    pub is_guarded: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self { deadline: DEADLINE, token: None, is_guarded: false }
    }
}

/// A remote of a repository, by its name or its URL.
#[derive(Debug)]
pub struct Remote<'r> {
    pub(super) repository: &'r Repository,
    name: &'r str,
    access: &'r Access,
}

impl<'r> Remote<'r> {
    /// Names a remote; nothing is asked of it yet.
    pub fn new(repository: &'r Repository, name: &'r str, access: &'r Access) -> Self {
        Self { repository, name, access }
    }

    /// Pushes a commit to a branch; never over commits that it does not contain.
    ///
    /// `expected` is the commit that the remote's branch must be at, by its full id; without it, any ancestor will do.
    /// The push counts only when the remote confirms the branch, or, where its answer was lost, has the commit when asked
    /// again.
    ///
    /// # Errors
    ///
    /// The remote refuses ([`GitError::Refused`]), has moved ([`GitError::LostRace`]) or does not answer
    /// ([`GitError::Unreachable`]), `expected` would be lost ([`GitError::NotFastForward`]), or there is no git program.
    pub fn push(&self, branch: &str, commit: &str, expected: Option<&str>) -> Result<(), GitError> {
        let reference = reference_name(branch)?;
        let ours = self.repository.commit(commit)?.id().to_string();
        let mut options = vec!["push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"];
        let lease = expected.map(|id| format!("--force-with-lease={reference}:{id}"));
        if planted("git-force-push") {
            options.push("--force");
        } else if let Some(id) = expected {
            if !self.repository.contains(&ours, id)? {
                let (branch, remote, expected) = (branch.to_owned(), mask(self.name), id.to_owned());
                return Err(GitError::NotFastForward { branch, remote, expected });
            }
            options.extend(lease.as_deref());
        }
        let refspec = format!("{ours}:{reference}");
        options.extend(["--", self.name, &refspec]);
        let output = self.run("push to", &options)?;
        match porcelain(&output.stdout, &refspec) {
            Answer::Confirmed => Ok(()),
            Answer::Rejected(_) if planted("git-refusal-dropped") => Ok(()),
            Answer::Rejected(reason) => {
                let (branch, remote) = (branch.to_owned(), mask(self.name));
                let reason = with_words_of_server(reason, &output.stderr);
                Err(match is_lost_race(&reason) {
                    true => GitError::LostRace { branch, remote, reason },
                    false => GitError::Refused { branch, remote, reason },
                })
            }
            Answer::Lost if planted("git-lost-reply-trusted") => Ok(()),
            Answer::Lost if self.has(branch, &ours) => Ok(()),
            Answer::Lost => Err(self.unreachable("push to", output.reason())),
        }
    }

    /// Returns whether the remote's branch holds a commit, be it with others on top, as far as the remote can be asked.
    fn has(&self, branch: &str, commit: &str) -> bool {
        const TRIES: u32 = 3; // what cut the connection may cut the next one, too
        const PAUSE: Duration = Duration::from_millis(300);
        if planted("git-lost-reply-not-looked-up") {
            return false;
        }
        for left in (0..TRIES).rev() {
            if let Ok(tip) = self.fetch(branch) {
                return tip.is_some_and(|tip| self.repository.contains(&tip, commit).unwrap_or(false));
            }
            thread::sleep(if left == 0 { Duration::ZERO } else { PAUSE });
        }
        false
    }

    /// Fetches a branch of a remote and returns the commit it is at; nothing when the remote does not have it.
    ///
    /// No reference moves: the objects are there, and whoever wants to keep them names them.
    ///
    /// # Errors
    ///
    /// The remote does not answer, or there is no git program.
    pub fn fetch(&self, branch: &str) -> Result<Option<String>, GitError> {
        let reference = reference_name(branch)?;
        self.clear_locks(branch)?;
        let Some(tip) = self.tip(branch)? else { return Ok(None) };
        // What a branch of ours holds is whole. The commit alone may be left from a fetch that was killed half-way.
        let ours = branch_tip(self.repository, branch)?;
        if ours.is_some_and(|ours| self.repository.contains(&ours, &tip).unwrap_or(false)) {
            return Ok(Some(tip));
        }
        let output = self.fetch_what(&reference)?;
        if !output.success() {
            return Err(self.unreachable("fetch from", output.reason()));
        }
        // The branch may have moved on since it was listed; the objects of either place are here.
        Ok(Some(self.repository.commit(&tip)?.id().to_string()))
    }

    /// Fetches a commit by its id, where the remote gives it; tells whether it is here now.
    pub(super) fn fetch_commit(&self, id: &str) -> Result<bool, GitError> {
        let output = self.fetch_what(id)?;
        let is_refused = ["not our ref", "unadvertised object"].iter().any(|words| output.stderr.contains(words));
        if !output.success() && !is_refused {
            return Err(self.unreachable("fetch from", output.reason()));
        }
        Ok(self.repository.commit(id).is_ok())
    }

    fn fetch_what(&self, what: &str) -> Result<Output, GitError> {
        let options = ["fetch", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap="];
        self.run("fetch from", &[&options[..], &["--", self.name, what]].concat())
    }

    /// Asks a remote which commit its branch is at.
    ///
    /// # Errors
    ///
    /// As for [`Remote::fetch`].
    pub fn tip(&self, branch: &str) -> Result<Option<String>, GitError> {
        let reference = reference_name(branch)?;
        let action = "list the branches of";
        // With this option "there is none" is said by a number. An answer of nothing else is an answer that got lost: git does
        // not notice that it could not write what it has to say.
        const NONE: i32 = 2;
        let output = self.run(action, &["ls-remote", "--exit-code", "--", self.name, &reference])?;
        match output.status {
            Some(0) if output.stdout.is_empty() => {
                return Err(self.unreachable(action, "git's answer got lost".to_owned()));
            }
            Some(0) => {}
            Some(NONE) => return Ok(None),
            _ => return Err(self.unreachable(action, output.reason())),
        }
        // A pattern matches at the end of names, so `refs/heads/x/refs/heads/deploy` could come too.
        let lines = output.stdout.lines().filter_map(|line| line.split_once('\t'));
        Ok(lines.filter(|(_, name)| *name == reference).map(|(id, _)| id.to_owned()).next())
    }

    fn run(&self, action: &'static str, options: &[&str]) -> Result<Output, GitError> {
        let Access { deadline, token, is_guarded } = self.access;
        let settings = match token {
            Some(token) => {
                credentials::options(&credentials::url(self.repository, self.name, options[0] == "push"), token)?
            }
            None => None,
        };
        let call = Call {
            repository: self.repository,
            token: token.as_ref().filter(|_| settings.is_some()),
            settings: [settings.unwrap_or_default(), self.ends_of_stalls()].concat(),
            arguments: options.iter().map(|&option| option.to_owned()).collect(),
            surroundings: if *is_guarded { Surroundings::WithoutSecrets } else { Surroundings::All },
            variables: Vec::new(),
            input: Vec::new(),
            deadline: *deadline,
        };
        let late = || self.unreachable(action, format!("no answer within {} s", deadline.as_secs_f32()));
        call.run()?.ok_or_else(late)
    }

    /// Lets git's part for HTTP, which outlives a killed git while it waits for a server, end by itself.
    fn ends_of_stalls(&self) -> Vec<String> {
        let seconds = self.access.deadline.as_secs().max(1);
        ["-c", "http.lowSpeedLimit=1", "-c", &format!("http.lowSpeedTime={seconds}")].map(str::to_owned).to_vec()
    }

    /// Removes what a killed git left locked: the branch that shows where the remote's is, and the edge of a shallow clone.
    fn clear_locks(&self, branch: &str) -> Result<(), GitError> {
        let directory = self.repository.git_directory();
        let tracking = directory.join("refs/remotes").join(self.name).join(format!("{branch}.lock"));
        let left = [tracking, directory.join("shallow.lock")].into_iter().filter(|path| path.exists());
        for path in left.collect::<Vec<_>>() {
            let _lock = Lock::acquire(directory, WAIT)?;
            clear_stale(&path)?;
        }
        Ok(())
    }

    fn unreachable(&self, action: &'static str, reason: String) -> GitError {
        GitError::Unreachable { action, remote: mask(self.name), reason }
    }
}
