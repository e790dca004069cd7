//! One run of a program: alone, within its time, within its output.

#![expect(clippy::disallowed_types, reason = "a deadline needs a clock")]

use std::{
    env,
    ffi::OsString,
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// The longest run: a tenant takes some 30 ms, a slow machine under load a few seconds.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// The most output, in bytes: 5,000 objects of 10 KiB.
pub(super) const MAX_OUTPUT: u64 = 50 << 20;

/// The most words of complaint that are kept, in bytes.
const MAX_WORDS: u64 = 64 << 10;

/// Between two looks at a running program.
const PAUSE: Duration = Duration::from_millis(2);

/// How long the last output may take to arrive when the program has ended: a child of it may still hold the pipe.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// Where nobody listens (the discard port of this machine): requests to the network fail at once.
const NO_NETWORK: &str = "http://127.0.0.1:9";

/// What to run, and where.
pub(super) struct Run<'r> {
    pub program: &'r Path,
    pub arguments: &'r [&'r str],
    /// The working directory, and the home directory too: nothing of the caller's is found there.
    pub directory: &'r Path,
    pub variables: &'r [(&'r str, OsString)],
}

/// How it ended.
pub(super) enum Ended {
    /// By itself.
    Done { success: bool, stdout: Vec<u8>, stderr: Vec<u8> },
    /// It was ended at the deadline.
    Deadline,
    /// It was ended because it printed too much.
    TooMuch,
}

impl Run<'_> {
    /// Runs the program until it ends, or is ended.
    pub(super) fn until_end(&self) -> io::Result<Ended> {
        self.until(DEADLINE, MAX_OUTPUT)
    }

    pub(super) fn until(&self, deadline: Duration, most: u64) -> io::Result<Ended> {
        let mut command = Command::new(self.program);
        command.args(self.arguments).current_dir(self.directory).env_clear();
        command.env("HOME", self.directory).env("PATH", env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            command.env(variable, NO_NETWORK);
        }
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = collect(child.stdout.take(), most + 1, |_| {});
        let stderr = collect(child.stderr.take(), MAX_WORDS, |pipe| {
            // Who complains at length must not die of it.
            let _ = io::copy(pipe, &mut io::sink());
        });
        let Some(success) = wait(&mut child, deadline)? else { return Ok(Ended::Deadline) };
        // The reader drops the pipe beyond the bound, and the program ends at its next word.
        let stdout = stdout.recv_timeout(LAST_OUTPUT).unwrap_or_default();
        if stdout.len() as u64 > most {
            return Ok(Ended::TooMuch);
        }
        Ok(Ended::Done { success, stdout, stderr: stderr.recv_timeout(LAST_OUTPUT).unwrap_or_default() })
    }
}

/// Reads so many bytes of a pipe beside the waiting, so that the program never blocks on a full one, and does something with the rest.
fn collect<P: Read + Send + 'static>(pipe: Option<P>, most: u64, rest: fn(&mut P)) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before a failure is all there is.
            let _ = pipe.by_ref().take(most).read_to_end(&mut bytes);
            rest(&mut pipe);
        }
        // Nobody listens any more when the program was ended at the deadline.
        let _ = sender.send(bytes);
    });
    receiver
}

/// Returns whether the child succeeded, or nothing when it was ended at the deadline.
fn wait(child: &mut Child, deadline: Duration) -> io::Result<Option<bool>> {
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
