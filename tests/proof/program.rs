//! The real program, with an environment of its own.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use serde_json::Value;

use super::watcher::{Sights, Watcher};

/// How to start the program: nothing of the test's environment reaches it but what is named here.
#[derive(Debug, Clone)]
pub struct Program {
    environment: BTreeMap<String, String>,
    /// The folder for its temporary files.
    pub temporary: PathBuf,
}

/// What a run left.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new(environment: BTreeMap<String, String>, temporary: &Path) -> Self {
        let mut environment = environment;
        environment.insert("HOME".to_owned(), temporary.display().to_string());
        environment.insert("TMPDIR".to_owned(), temporary.display().to_string());
        environment.insert("PATH".to_owned(), env::var("PATH").unwrap());
        environment.insert("RUST_BACKTRACE".to_owned(), "full".to_owned());
        Self { environment, temporary: temporary.to_owned() }
    }

    /// The same with one variable of another value.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.environment.insert(name.to_owned(), value.to_owned());
        other
    }

    /// Returns the command, whose output is caught.
    pub fn command(&self, arguments: &[&OsStr]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        self.prepare(&mut command);
        command.args(arguments);
        command
    }

    /// The same, which begins only once a line comes on its stdin.
    pub fn held(&self, arguments: &[&OsStr]) -> Command {
        let mut command = Command::new("/bin/sh");
        self.prepare(&mut command);
        command.args(["-c", "read -r _ && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_tenantry")]);
        command.args(arguments).stdin(Stdio::piped());
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.env_clear().envs(&self.environment);
        // No estate is around.
        command.current_dir(&self.temporary);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&OsStr]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// Runs it to its end under a watcher's eyes.
    pub fn run_watched(&self, arguments: &[&OsStr]) -> (Ended, Sights) {
        let child = self.command(arguments).spawn().unwrap();
        let watcher = Watcher::start(child.id(), &self.temporary);
        let ended = Ended::from(child.wait_with_output().unwrap());
        (ended, watcher.stop())
    }
}

impl From<std::process::Output> for Ended {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { status: output.status, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

impl Ended {
    /// Returns the document on stdout of a run that ended so.
    #[track_caller]
    pub fn report(&self, code: i32) -> Value {
        assert_eq!(self.status.code(), Some(code), "{}", self.troubles());
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Returns what a person would look at first.
    pub fn troubles(&self) -> String {
        let report: Value = serde_json::from_str(&self.stdout).unwrap_or_default();
        let lists = ["resources", "holes", "lockedOut", "unknown"].into_iter().filter_map(|key| report[key].as_array());
        let bad = lists.flatten().filter(|item| item.get("standing").is_none() || item.get("trouble").is_some());
        let bad: Vec<String> = bad.take(5).map(|item| format!("{item:#}")).collect();
        format!("{}\n{}\n{}", self.status, bad.join("\n"), self.stderr)
    }
}

/// Turns texts and paths into arguments.
#[macro_export]
macro_rules! arguments {
    ($($argument:expr),+ $(,)?) => { &[$(std::ffi::OsStr::new($argument)),+] };
}
