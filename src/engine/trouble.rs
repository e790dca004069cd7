//! What goes wrong with an outside system: one kind for each thing that a person would do about it.

use std::{error::Error, fmt};

/// Why a call did not do what it was asked for. Its text names the server and the request, never a credential.
#[derive(Debug)]
pub struct Trouble {
    kind: TroubleKind,
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TroubleKind {
    /// Nobody answers, or the connection broke; a write may or may not have happened.
    Unreachable,
    /// No answer within the deadline; a write may or may not have happened.
    Deadline,
    /// The server is there and cannot now: too many connections, 429, 423, starting, in recovery.
    Busy,
    /// The server takes no writes: read-only, a replica, a full disk.
    ReadOnly,
    /// TLS could not be agreed on, or the certificate is not to be trusted.
    Tls,
    /// This machine's clock is not the server's, which takes no signature of another time.
    Clock,
    /// The administrator's credential is refused.
    Credential,
    /// The administrator lacks a right.
    Forbidden,
    /// It is there already: look again, whose it is.
    Exists,
    /// It is not there, or not any more.
    Missing,
    /// The secret store is sealed.
    Sealed,
    /// The environment, a file or the document does not say what is needed.
    Setup,
    /// The server refuses the request for a reason of its own.
    Refused,
    /// The server's answer is not what its protocol says.
    Unexpected,
}

impl TroubleKind {
    /// Returns whether another look, now or later, may find it gone.
    pub fn passes(self) -> bool {
        match self {
            TroubleKind::Unreachable
            | TroubleKind::Deadline
            | TroubleKind::Busy
            | TroubleKind::ReadOnly
            | TroubleKind::Sealed
            | TroubleKind::Exists
            | TroubleKind::Missing
            | TroubleKind::Unexpected => true,
            TroubleKind::Tls
            | TroubleKind::Clock
            | TroubleKind::Credential
            | TroubleKind::Forbidden
            | TroubleKind::Setup
            | TroubleKind::Refused => false,
        }
    }

    /// Returns what to do about it.
    pub fn help(self) -> &'static str {
        match self {
            TroubleKind::Unreachable => {
                "see whether the server runs and can be reached from here, then run the same command again"
            }
            TroubleKind::Deadline => {
                "the server is slow or hangs; run the same command again, which first looks at what was done"
            }
            TroubleKind::Busy => "run the same command again later",
            TroubleKind::ReadOnly => {
                "the server takes no writes: see whether it is a replica, in recovery, or out of space"
            }
            TroubleKind::Tls => {
                "see `tls` and `caFile` of the connection, and whether the server's certificate is valid for its host"
            }
            TroubleKind::Clock => "set this machine's clock, then run the same command again",
            TroubleKind::Credential => "see the credential of the connection, where `tenantry.yaml` says it comes from",
            TroubleKind::Forbidden => "give the administrator's account the right that is named",
            TroubleKind::Exists | TroubleKind::Missing => {
                "something else changes the same objects; run the same command again"
            }
            TroubleKind::Sealed => "unseal the secret store, then run the same command again",
            TroubleKind::Setup => "give the engine what is missing, then run the same command again",
            TroubleKind::Refused => "see what the server says, and the settings of the resource",
            TroubleKind::Unexpected => {
                "something answers that is not the server, or a version that is not known; see the connection"
            }
        }
    }
}

impl Trouble {
    /// Returns a trouble with words of our own.
    pub fn new(kind: TroubleKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// Adds what a client said. The caller answers for it holding no credential.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> TroubleKind {
        self.kind
    }

    /// Returns the same trouble once more: what fails a request fails every resource that was asked for in it.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(self.kind, self.line())
    }

    /// Returns the whole chain in one line, for reports.
    pub fn line(&self) -> String {
        let mut line = self.what.clone();
        let mut next: Option<&(dyn Error + 'static)> = self.source.as_deref().map(|source| source as _);
        while let Some(cause) = next {
            line.push_str(": ");
            line.push_str(&cause.to_string());
            next = cause.source();
        }
        line
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Trouble {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
