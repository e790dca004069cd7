//! What a protocol must tell the proxy: where a request ends and what it is, and where its answer ends.
//!
//! Both questions are asked of all bytes that have come since the last boundary, again after each arrival. Nothing is
//! kept about a half-read message, so how the bytes were cut into packets cannot matter.

use std::fmt;

/// The four protocols that the engine speaks to servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// MySQL and MariaDB.
    Mysql,
    /// PostgreSQL, version 3 of its protocol.
    Postgres,
    /// HTTP/1.1.
    Http,
    /// RESP, versions 2 and 3.
    Redis,
}

/// What a request does to the server.
///
/// The order matters: several statements in one request have the greatest class among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Touches this connection alone: handshakes, logins, settings, transactions, advisory locks, preparing.
    Session,
    /// Asks and changes nothing.
    Read,
    /// Changes something, or may: what is unknown counts as a write.
    Write,
}

/// One request at the start of the bytes that came from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How many bytes it has; never 0.
    pub len: usize,
    /// What it does.
    pub class: Class,
    /// One line, at most [`SUMMARY`] characters, passwords masked.
    pub summary: String,
    /// Whether the server answers it at all.
    pub is_answered: bool,
    /// Whether the server takes a second copy as a request like the first: false for handshakes.
    pub is_repeatable: bool,
}

/// The characters of a summary: enough to tell statements apart, little enough for a failure's output.
pub const SUMMARY: usize = 200;

impl Frame {
    /// A request that is answered and could come twice.
    pub fn new(len: usize, class: Class, text: &str) -> Self {
        Self { len, class, summary: one_line(text), is_answered: true, is_repeatable: true }
    }

    /// A part of a login: it makes no sense a second time.
    pub fn handshake(len: usize, text: &str) -> Self {
        Self { is_repeatable: false, ..Self::new(len, Class::Session, text) }
    }

    /// A request that servers take without a word.
    pub fn unanswered(len: usize, text: &str) -> Self {
        Self { is_answered: false, ..Self::new(len, Class::Session, text) }
    }
}

/// The text with its white space made single blanks, cut at [`SUMMARY`] characters.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SUMMARY).collect()
}

/// Bytes that the protocol does not allow, or that the proxy does not read (TLS, HTTP/2, compression).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonsense(pub String);

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(why) = self;
        write!(f, "not understood: {why}")
    }
}

/// One connection's protocol, request by request: [`Framing::request`] until a frame comes, then [`Framing::answer`]
/// until its length is known, and so on. Only whole requests and whole answers change what is remembered.
pub trait Framing: Send {
    /// The first request in `bytes`, once all of it is there.
    fn request(&mut self, bytes: &[u8]) -> Result<Option<Frame>, Nonsense>;

    /// The length of the answer to the last request, once all of it is there. With `at_end` the server has closed the
    /// connection, which ends an answer in some protocols.
    fn answer(&mut self, bytes: &[u8], at_end: bool) -> Result<Option<usize>, Nonsense>;

    /// What a client that has sent this much waits for before it sends the rest of its request.
    fn go_on(&self, _bytes: &[u8]) -> Option<&'static [u8]> {
        None
    }
}

/// Takes fields off the front of a message; `None` where it is too short.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    /// The next byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    /// A number of `count` bytes, the least significant first (MySQL).
    pub fn little(&mut self, count: usize) -> Option<u64> {
        Some(self.bytes(count)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A number of `count` bytes, the most significant first (PostgreSQL).
    pub fn big(&mut self, count: usize) -> Option<u64> {
        Some(self.bytes(count)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Text up to a zero byte, which is taken too.
    pub fn c_string(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8_lossy(self.bytes(end)?).into_owned();
        self.byte()?;
        Some(text)
    }
}
