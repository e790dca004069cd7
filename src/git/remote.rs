//! Fetch and push through the `git` program, with the user's own credentials, keys and proxies.

use std::{
    env,
    io::{self, Read},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{GitError, Repository, write::reference_name};

/// The longest that one call of git may take: a push of 10,000 new tenants over a slow line, and an end for a server
/// that never answers.
const DEADLINE: Duration = Duration::from_secs(300);

/// Variables that would point git at another repository, or print what it sends.
const UNSET: [&str; 13] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_CURL_VERBOSE",
    "GIT_PUSH_OPTION_COUNT",
];

/// Variables that a run with administrators' passwords leaves to git: what finds programs, files and proxies, and proves
/// who asks. Whatever else there is could be such a password, and git hands it on to whatever it starts.
const LEFT: [&str; 17] = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "TZ",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// How the others of them start.
const LEFT_PREFIXES: [&str; 7] = ["GIT_", "SSH_", "XDG_", "LC_", "CURL_", "SSL_", "KRB5"];

/// What of the environment git gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surroundings {
    /// Everything, for helpers of a pipeline that read its variables.
    All,
    /// What [`LEFT`] and [`LEFT_PREFIXES`] name.
    WithoutSecrets,
}

/// Pushes a branch to a remote's branch of the same name; never over commits that the local branch does not contain.
///
/// `expected` is the commit that the remote's branch must be at, by its full id; without it, any ancestor will do. The
/// push counts only when the remote confirms the branch, or, where its answer was lost, has it when asked again.
///
/// # Errors
///
/// The remote refuses ([`GitError::Refused`]), has moved ([`GitError::LostRace`]) or does not answer
/// ([`GitError::Unreachable`]), `expected` would be lost ([`GitError::NotFastForward`]), or there is no git program.
pub fn push(repository: &Repository, remote: &str, branch: &str, expected: Option<&str>) -> Result<(), GitError> {
    let reference = reference_name(branch)?;
    let ours = repository.commit(&reference)?.id();
    let mut options = vec!["push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"];
    let lease = expected.map(|id| format!("--force-with-lease={reference}:{id}"));
    if let Some(id) = expected {
        let known = repository.commit(id)?.id();
        let is_ancestor = known == ours
            || repository.inner.graph_descendant_of(ours, known).map_err(GitError::git("compare commits"))?;
        if !is_ancestor {
            let (branch, remote, expected) = (branch.to_owned(), mask(remote), id.to_owned());
            return Err(GitError::NotFastForward { branch, remote, expected });
        }
    }
    options.extend(lease.as_deref());
    let refspec = format!("{reference}:{reference}");
    options.extend(["--", remote, &refspec]);
    let output = run(repository, "push to", remote, &options, Surroundings::All)?;
    match porcelain(&output.stdout, &refspec) {
        Some(Answer::Confirmed) => Ok(()),
        Some(Answer::Rejected(reason)) => {
            let (branch, remote) = (branch.to_owned(), mask(remote));
            Err(if is_lost_race(&reason) {
                GitError::LostRace { branch, remote, reason }
            } else {
                let reason = with_words_of_server(reason, &output.stderr);
                GitError::Refused { branch, remote, reason }
            })
        }
        // The server may have taken it and only the answer was lost.
        None if tip(repository, remote, branch).ok().flatten() == Some(ours.to_string()) => Ok(()),
        None => Err(GitError::Unreachable { action: "push to", remote: mask(remote), reason: output.reason() }),
    }
}

/// Fetches a branch of a remote and returns the commit it is at; nothing when the remote does not have it.
///
/// The commit is kept under `refs/tenantry/<branch>`, so that neither a local nor a tracking branch moves. Whoever fetches
/// has administrators' passwords in the environment: git does not get them.
///
/// # Errors
///
/// The remote does not answer, or there is no git program.
pub fn fetch(repository: &Repository, remote: &str, branch: &str) -> Result<Option<String>, GitError> {
    let reference = reference_name(branch)?;
    let surroundings = Surroundings::WithoutSecrets;
    if tip_with(repository, remote, branch, surroundings)?.is_none() {
        return Ok(None);
    }
    let kept = format!("refs/tenantry/{branch}");
    let refspec = format!("+{reference}:{kept}");
    let options = ["fetch", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--", remote, &refspec];
    let output = run(repository, "fetch from", remote, &options, surroundings)?;
    if !output.success {
        return Err(GitError::Unreachable { action: "fetch from", remote: mask(remote), reason: output.reason() });
    }
    Ok(Some(repository.commit_id(&kept)?.to_string()))
}

/// Asks a remote which commit its branch is at.
///
/// # Errors
///
/// As for [`fetch`].
pub fn tip(repository: &Repository, remote: &str, branch: &str) -> Result<Option<String>, GitError> {
    tip_with(repository, remote, branch, Surroundings::All)
}

fn tip_with(
    repository: &Repository,
    remote: &str,
    branch: &str,
    surroundings: Surroundings,
) -> Result<Option<String>, GitError> {
    let reference = reference_name(branch)?;
    let options = ["ls-remote", "--", remote, &reference];
    let output = run(repository, "list the branches of", remote, &options, surroundings)?;
    if !output.success {
        let (action, reason) = ("list the branches of", output.reason());
        return Err(GitError::Unreachable { action, remote: mask(remote), reason });
    }
    // A pattern matches at the end of names, so `refs/heads/x/refs/heads/deploy` could come too.
    let lines = output.stdout.lines().filter_map(|line| line.split_once('\t'));
    Ok(lines.filter(|(_, name)| *name == reference).map(|(id, _)| id.to_owned()).next())
}

/// What one call of git said.
struct Output {
    success: bool,
    stdout: String,
    stderr: String,
}

impl Output {
    /// Returns git's own words, fit for a message.
    fn reason(&self) -> String {
        let words = presentable(&self.stderr);
        if words.is_empty() { "git said nothing".to_owned() } else { words }
    }
}

fn run(
    repository: &Repository,
    action: &'static str,
    remote: &str,
    options: &[&str],
    surroundings: Surroundings,
) -> Result<Output, GitError> {
    let mut command = Command::new("git");
    if surroundings == Surroundings::WithoutSecrets {
        command.env_clear().envs(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_left)));
    }
    // Hooks of the repository are programs that nobody reviewed.
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "--git-dir"]);
    command.arg(repository.inner.path()).args(options);
    UNSET.iter().for_each(|name| {
        command.env_remove(name);
    });
    // Nobody answers in a pipeline, and the words of git are read here.
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| GitError::NoProgram { source })?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let Some(success) = wait(&mut child, DEADLINE).map_err(GitError::io("wait for git in", repository.inner.path()))?
    else {
        let reason = format!("no answer within {} s", DEADLINE.as_secs());
        return Err(GitError::Unreachable { action, remote: mask(remote), reason });
    };
    let text =
        |reader: thread::JoinHandle<Vec<u8>>| String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned();
    Ok(Output { success, stdout: text(stdout), stderr: text(stderr) })
}

/// Returns whether a variable is left to git by a run with administrators' passwords.
fn is_left(name: &str) -> bool {
    LEFT.contains(&name) || LEFT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Reads a pipe beside the waiting, so that git never blocks on a full one.
fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    const KEPT: u64 = 1 << 20; // a server's hook can print without end
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before a failure is all there is to show.
            let _ = pipe.by_ref().take(KEPT).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        bytes
    })
}

/// Returns whether the child succeeded, or nothing when it was ended at the deadline.
fn wait(child: &mut Child, deadline: Duration) -> io::Result<Option<bool>> {
    const PAUSE: Duration = Duration::from_millis(5);
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if start.elapsed() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Confirmed,
    Rejected(String),
}

/// Finds the line `<flag>\t<from>:<to>\t<summary>` of our branch.
fn porcelain(stdout: &str, refspec: &str) -> Option<Answer> {
    stdout.lines().find_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (flag, pair, summary) = (parts.next()?, parts.next()?, parts.next()?);
        match (pair == refspec, flag) {
            (true, " " | "*" | "=" | "+") => Some(Answer::Confirmed),
            (true, "!") => Some(Answer::Rejected(presentable(summary))),
            _ => None,
        }
    })
}

/// Says whether a rejection means that somebody else was first: by git's own check, or by the server's lock.
fn is_lost_race(reason: &str) -> bool {
    ["(fetch first)", "(stale info)", "(non-fast-forward)", "cannot lock ref", "incorrect old value", "already exists"]
        .iter()
        .any(|words| reason.contains(words))
}

/// Adds what the server's hook printed, which says why.
fn with_words_of_server(reason: String, stderr: &str) -> String {
    let words: Vec<&str> = stderr.lines().filter_map(|line| line.strip_prefix("remote:")).map(str::trim).collect();
    let words = presentable(&words.join("\n"));
    if words.is_empty() { reason } else { format!("{reason}: {words}") }
}

/// Makes the words of another program fit for one line of a message: no credentials, no control characters, not long.
fn presentable(text: &str) -> String {
    const SHOWN: usize = 600; // some lines of a terminal
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let line: String = mask(&lines.join("; ")).chars().map(escape).collect();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Hides user and password of each URL in a text; the user of an `ssh://` URL without password is no secret.
fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + "://".len());
        masked.push_str(before);
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"' | '?' | '#');
        let authority = &after[..after.find(is_end).unwrap_or(after.len())];
        rest = after;
        if let Some(at) = authority.rfind('@') {
            let is_public = before.ends_with("ssh://") && !authority[..at].contains(':');
            masked.push_str(if is_public { &authority[..at] } else { "***" });
            rest = &after[at..];
        }
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn credentials_are_masked_in_every_url() {
        for (text, expected) in [
            ("https://me:secret@host/x", "https://***@host/x"),
            ("https://token@host/x", "https://***@host/x"),
            ("'https://me:a@b@host/x' and http://u:p@h", "'https://***@host/x' and http://***@h"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("ssh://git:secret@host/x", "ssh://***@host/x"),
            ("https://host/a@b", "https://host/a@b"),
            ("git@host:x.git", "git@host:x.git"),
        ] {
            assert_eq!(mask(text), expected);
        }
    }

    #[test]
    fn git_gets_what_proves_who_asks_and_nothing_else() {
        for name in
            ["PATH", "HOME", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "SSH_AUTH_SOCK", "https_proxy", "SSL_CERT_FILE"]
        {
            assert!(is_left(name), "{name}");
        }
        for name in ["MARIADB_PASSWORD", "TENANTRY_LOG", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "VAULT_TOKEN"] {
            assert!(!is_left(name), "{name}");
        }
    }

    #[test]
    fn only_the_line_of_our_branch_confirms() {
        let pair = "refs/heads/deploy:refs/heads/deploy";
        let line = |flag: &str, summary: &str| porcelain(&format!("To x\n{flag}\t{pair}\t{summary}\nDone\n"), pair);
        for flag in [" ", "*", "=", "+"] {
            assert_eq!(line(flag, "0..1"), Some(Answer::Confirmed));
        }
        let reason = "[remote rejected] (pre-receive hook declined)";
        assert_eq!(line("!", reason), Some(Answer::Rejected(reason.to_owned())));
        assert_eq!(porcelain("To x\n*\trefs/heads/a:refs/heads/a\t[new branch]\nDone\n", pair), None);
        assert_eq!(porcelain("Everything up-to-date\n", pair), None);
    }

    #[test]
    fn words_of_others_cannot_steer_a_terminal() {
        assert_eq!(presentable("a\x1b[31m\r\n\n b\u{9b}"), "a\\u{1b}[31m; b\\u{9b}");
        assert!(presentable(&"x".repeat(10_000)).chars().count() < 1000);
    }

    #[test]
    fn a_call_without_end_is_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(wait(&mut child, Duration::from_millis(20)).unwrap(), None);
    }
}
