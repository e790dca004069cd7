//! Running the `git` program: what of the environment it gets, how long it may take, and what it says.

use std::{
    env,
    io::{self, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    GitError, Repository,
    credentials::{TOKEN_VARIABLE, Token, ssh_command},
    words::presentable,
};

/// The longest that one call of git may take: a push of 10,000 new tenants over a slow line, and an end for a server
/// that never answers.
pub const DEADLINE: Duration = Duration::from_secs(300);

/// Variables that would point git at another repository.
const UNSET: [&str; 11] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CURL_VERBOSE",
    "GIT_PUSH_OPTION_COUNT",
    TOKEN_VARIABLE,
];

/// How variables start that make git print what it sends, or write it to a file.
const TRACE: &str = "GIT_TRACE";

/// Variables that a run with administrators' passwords leaves to git: what finds programs, files and proxies, and proves
/// who asks. Whatever else there is could be such a password, and git hands it on to whatever it starts.
const LEFT: [&str; 21] = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "TZ",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "GNUPGHOME",
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
const LEFT_PREFIXES: [&str; 10] =
    ["GIT_", "SSH_", "XDG_", "LC_", "CURL_", "SSL_", "KRB5", "GPG_", "DBUS_", "PINENTRY_"];

/// What of the environment git gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// Everything but our own token, for helpers of a pipeline that read its variables.
    All,
    /// What [`LEFT`] and [`LEFT_PREFIXES`] name.
    WithoutSecrets,
}

/// What one call of git said.
#[derive(Debug)]
pub(super) struct Output {
    /// The number that it ended with; none where a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Returns whether git did what it was asked for.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }

    /// Returns git's own words, fit for a message.
    pub fn reason(&self) -> String {
        let words = presentable(&self.stderr);
        if words.is_empty() { "git said nothing".to_owned() } else { words }
    }
}

/// One call of git in a repository.
#[derive(Debug)]
pub(super) struct Call<'c> {
    pub repository: &'c Repository,
    /// Options in front of the verb.
    pub settings: Vec<String>,
    /// The verb and what follows it.
    pub arguments: Vec<String>,
    pub surroundings: Surroundings,
    /// Only for git's own process tree, and only where the settings ask for it.
    pub token: Option<&'c Token>,
    /// Variables that only this call has.
    pub variables: Vec<(&'static str, String)>,
    pub input: Vec<u8>,
    pub deadline: Duration,
}

impl Call<'_> {
    /// Runs git to its end; nothing when the deadline ended it.
    pub fn run(self) -> Result<Option<Output>, GitError> {
        let place = self.repository.inner.path();
        let mut child = self.command().spawn().map_err(|source| GitError::NoProgram { source })?;
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        let (stdin, input) = (child.stdin.take(), self.input);
        // Beside the waiting: who reads nothing of a long message must not outlast the deadline. A reader that is gone has
        // said why in its own words.
        let feeder = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
        let Some(status) = wait(&mut child, self.deadline).map_err(GitError::io("wait for git in", place))? else {
            return Ok(None);
        };
        let _ = feeder.join();
        let text = |reader: thread::JoinHandle<Vec<u8>>| {
            let text = String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned();
            match self.token {
                Some(token) => text.replace(token.reveal(), "***"),
                None => text,
            }
        };
        Ok(Some(Output { status: status.code(), stdout: text(stdout), stderr: text(stderr) }))
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        if self.surroundings == Surroundings::WithoutSecrets {
            command.env_clear().envs(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_left)));
        }
        // Hooks of the repository are programs that nobody reviewed. What git writes is on the disk before we name it.
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false"]);
        command.args(["-c", "core.fsync=all"]).args(&self.settings);
        command.arg("--git-dir").arg(self.repository.inner.path()).args(&self.arguments);
        for name in UNSET {
            command.env_remove(name);
        }
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(TRACE)) {
            command.env_remove(name);
        }
        // Nobody answers in a pipeline, and the words of git are read here.
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        if let Some(ssh) = ssh_command(self.repository, |name| env::var_os(name).is_some()) {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        if let Some(token) = self.token {
            command.env(TOKEN_VARIABLE, token.reveal());
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
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

/// Returns how the child ended, or nothing when it was ended at the deadline.
fn wait(child: &mut Child, deadline: Duration) -> io::Result<Option<ExitStatus>> {
    const PAUSE: Duration = Duration::from_millis(5);
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn git_gets_what_proves_who_asks_and_nothing_else() {
        for name in
            ["PATH", "HOME", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "SSH_AUTH_SOCK", "https_proxy", "SSL_CERT_FILE"]
        {
            assert!(is_left(name), "{name}");
        }
        for name in ["MARIADB_PASSWORD", TOKEN_VARIABLE, "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "VAULT_TOKEN"] {
            assert!(!is_left(name), "{name}");
        }
    }

    #[test]
    fn a_call_without_end_is_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(wait(&mut child, Duration::from_millis(20)).unwrap(), None);
    }
}
