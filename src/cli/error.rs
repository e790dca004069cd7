//! What a command can end with: exit codes are an interface, and advice stands apart from the message.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// The estate has findings.
    Findings,
    /// Wrong usage, or a provision document that cannot be used.
    Usage,
    /// Changes are pending; only with `--exit-code`.
    Pending,
    /// Refused: not ours, or a safety brake.
    Refused,
    /// An outside system failed for good.
    External,
    /// Try again later.
    Later,
    /// Our own fault.
    Internal,
}

impl Exit {
    /// Returns the number that the process ends with.
    pub(super) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Pending => 3,
            Exit::Refused => 4,
            Exit::External => 5,
            Exit::Internal => 70,
            Exit::Later => 75,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Why a command could not do what it was asked for.
#[derive(Debug)]
pub(super) struct CommandError {
    exit: Exit,
    error: anyhow::Error,
    hints: Vec<String>,
}

impl CommandError {
    /// The arguments cannot be right.
    pub(super) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::of(Exit::Usage, error)
    }

    /// A safety brake, or something that is not ours.
    pub(super) fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self::of(Exit::Refused, error)
    }

    /// Something outside failed: a disk, git, a program.
    pub(super) fn external(error: impl Into<anyhow::Error>) -> Self {
        Self::of(Exit::External, error)
    }

    /// A lost race: the same command may succeed the next time.
    pub(super) fn later(error: impl Into<anyhow::Error>) -> Self {
        Self::of(Exit::Later, error)
    }

    /// A fault of our own.
    pub(super) fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::of(Exit::Internal, error).hint("this is a fault of tenantry; please report it")
    }

    fn of(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hints: Vec::new() }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns how the process ends.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the messages from this layer down to the first cause.
    pub(super) fn chain(&self) -> impl Iterator<Item = String> {
        self.error.chain().map(ToString::to_string)
    }

    /// Returns what to do about it.
    pub(super) fn hints(&self) -> &[String] {
        &self.hints
    }
}
