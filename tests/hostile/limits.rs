//! The real program in a process that may take so much and no more.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// Seconds of CPU that one input may take, over all threads of the process, start included.
pub const SECONDS: u32 = 1;

/// KiB of memory for data: what is read of the program itself does not depend on the input.
pub const MEMORY: u32 = 128 << 10;

/// What the program made of an input.
#[derive(Debug)]
pub struct Outcome {
    pub status: Option<i32>,
    /// Errors as `code file:line:column`, in their order; a command that failed otherwise as `error words`.
    pub errors: Vec<String>,
    pub stdout: String,
    pub stderr: String,
}

/// Returns the program under limits, with these arguments behind it.
///
/// The system ends it with a signal where it takes more seconds, and refuses it memory where it asks for more: the
/// program then ends with another signal, never with a status.
pub fn limited(arguments: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    // Waiting takes no seconds of CPU: a deadlock is ended by the clock.
    command.args(["--signal=KILL", "20", "prlimit"]);
    command.args([format!("--cpu={SECONDS}"), format!("--data={}", u64::from(MEMORY) << 10), "--core=0".to_owned()]);
    command.arg(env!("CARGO_BIN_EXE_tenantry")).args(arguments);
    command
        .env("RUST_BACKTRACE", "0")
        .env("RAYON_NUM_THREADS", "2")
        .env("NO_COLOR", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    command
}

/// Runs a command of the program and reads what it says.
pub fn run(arguments: &[&str], directory: &Path) -> Outcome {
    let Output { status, stdout, stderr } = limited(arguments).current_dir(directory).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8_lossy(&stderr).into_owned());
    let document: Value = serde_json::from_str(&stdout).unwrap_or_default();
    let place = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        // A name of a file may hold a line break.
        let file: String = text("file").chars().flat_map(char::escape_debug).collect();
        format!("{} {file}:{}:{}", text("code"), finding["line"], finding["column"])
    };
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let mut errors: Vec<String> = findings.iter().filter(|finding| finding["severity"] == "error").map(place).collect();
    // As text: `error: words`, or `error[code]: words` with the place below.
    let is_error = |line: &&str| line.starts_with("error: ") || line.starts_with("error[");
    errors.extend(stderr.lines().filter(is_error).map(|line| line.replacen(": ", " ", 1)));
    Outcome { status: status.code().filter(|code| *code < 100), errors, stdout, stderr }
}
