//! PostgreSQL's protocol, version 3: the startup, messages of the client, and where the answer to each request ends.
//!
//! Source: PostgreSQL's manual, "Frontend/Backend Protocol" (message flow, message formats). A request is a simple
//! query, or all messages up to and with a `Sync`, since the server answers them together. A `Flush` in between is no
//! end: neither sqlx nor libpq's ordinary calls send one and wait.

use std::collections::BTreeMap;

use super::{
    framing::{Class, Fields, Frame, Framing, Nonsense},
    sql::{self, Dialect},
};

/// The codes in the place of a protocol version.
const CANCEL: u64 = 80_877_102;
const TLS: u64 = 80_877_103;
const GSS: u64 = 80_877_104;

/// A startup message is small; a longer one is another protocol.
const LARGEST_STARTUP: u64 = 10_000;

/// What an `R` message may ask: these need no more words from the client.
const LOGIN_OK: u64 = 0;
const LOGIN_LAST_PROOF: u64 = 12;

/// What is awaited from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// One byte: whether it speaks TLS.
    Encryption,
    /// A question of the login, or its end.
    Login,
    /// Everything up to `ReadyForQuery`.
    Ready,
}

/// One connection.
#[derive(Debug)]
pub struct Postgres {
    has_started: bool,
    awaited: Awaited,
    /// The texts of prepared statements by name.
    statements: BTreeMap<String, String>,
    /// The texts of bound statements by the portal's name.
    portals: BTreeMap<String, String>,
}

impl Postgres {
    /// A connection on which nothing was said.
    pub fn new() -> Self {
        Self { has_started: false, awaited: Awaited::Encryption, statements: BTreeMap::new(), portals: BTreeMap::new() }
    }

    /// A message before the startup is done: it has no kind.
    fn startup(&mut self, bytes: &[u8]) -> Result<Option<Frame>, Nonsense> {
        let mut fields = Fields(bytes);
        let (Some(len), Some(code)) = (fields.big(4), fields.big(4)) else { return Ok(None) };
        if !(8..=LARGEST_STARTUP).contains(&len) {
            return Err(Nonsense(format!("a startup of {len} bytes")));
        }
        let len = len as usize;
        if bytes.len() < len {
            return Ok(None);
        }
        self.awaited = Awaited::Encryption;
        Ok(Some(match code {
            CANCEL => Frame { is_answered: false, ..Frame::new(len, Class::Write, "CANCEL") },
            TLS => Frame::handshake(len, "ASK FOR TLS"),
            GSS => Frame::handshake(len, "ASK FOR GSSAPI"),
            _ => {
                (self.has_started, self.awaited) = (true, Awaited::Login);
                Frame::handshake(len, "STARTUP")
            }
        }))
    }

    /// What one batch of messages does, and its text.
    fn batch(&mut self, len: usize, messages: &[(u8, &[u8])]) -> Result<Frame, Nonsense> {
        let mut parts = Vec::new();
        for (kind, body) in messages {
            self.message(*kind, Fields(body), &mut parts)?;
        }
        let class = parts.iter().map(|(class, _)| *class).max().unwrap_or(Class::Session);
        let text = parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; ");
        Ok(Frame::new(len, class, if text.is_empty() { "SYNC" } else { &text }))
    }

    /// Remembers names and adds what is worth telling.
    fn message(&mut self, kind: u8, mut body: Fields<'_>, parts: &mut Vec<(Class, String)>) -> Result<(), Nonsense> {
        let mut name = || body.c_string().ok_or_else(|| Nonsense("text without an end".into()));
        match kind {
            b'Q' => parts.push(statement("", &name()?)),
            b'P' => {
                let (statement, text) = (name()?, name()?);
                parts.push((Class::Session, format!("PREPARE {}", sql::masked(&text, Dialect::Postgres))));
                self.statements.insert(statement, text);
            }
            b'B' => {
                let (portal, statement) = (name()?, name()?);
                let text = self.statements.get(&statement).cloned().unwrap_or_else(|| UNKNOWN.to_owned());
                self.portals.insert(portal, text);
            }
            b'E' => parts.push(statement("EXECUTE ", self.portals.get(&name()?).map_or(UNKNOWN, String::as_str))),
            b'C' => {
                let what = name()?;
                let (kind, name) = what.split_at_checked(1).unwrap_or_default();
                let names = if kind == "S" { &mut self.statements } else { &mut self.portals };
                names.remove(name);
                // sqlx closes the portal behind each execution: not worth a word there.
                if parts.is_empty() {
                    parts.push((Class::Session, "CLOSE".into()));
                }
            }
            // Asking for descriptions, and the mark of the end.
            b'D' | b'H' | b'S' => {}
            b'F' => parts.push((Class::Write, "CALL OF A FUNCTION".into())),
            b'd' | b'c' | b'f' => parts.push((Class::Write, "COPY".into())),
            other => return Err(Nonsense(format!("PostgreSQL message {other:#04x} within a request"))),
        }
        Ok(())
    }
}

/// What stands for a statement that was not prepared on this connection; no keyword of a reading one.
const UNKNOWN: &str = "of a statement that was not prepared here";

fn statement(how: &str, text: &str) -> (Class, String) {
    (sql::class(text, Dialect::Postgres), format!("{how}{}", sql::masked(text, Dialect::Postgres)))
}

/// The kinds of all messages that a client may send; a length behind any other byte means nothing.
const KINDS: &[u8] = b"BCDEFHPQSXcdfp";

/// Messages that end a request: the server answers with `ReadyForQuery`, or to a copy's data at its end.
const ENDS: &[u8] = b"QSFcf";

impl Framing for Postgres {
    fn request(&mut self, bytes: &[u8]) -> Result<Option<Frame>, Nonsense> {
        if !self.has_started {
            return self.startup(bytes);
        }
        let mut messages = Messages { bytes, taken: 0 };
        let mut batch = Vec::new();
        loop {
            if let Some(kind) = bytes.get(messages.taken).filter(|kind| !KINDS.contains(kind)) {
                return Err(Nonsense(format!("PostgreSQL message {kind:#04x}")));
            }
            let Some((kind, body)) = messages.next()? else { return Ok(None) };
            match kind {
                b'p' if batch.is_empty() => {
                    self.awaited = Awaited::Login;
                    return Ok(Some(Frame::handshake(messages.taken, "PASSWORD")));
                }
                b'X' if batch.is_empty() => return Ok(Some(Frame::unanswered(messages.taken, "QUIT"))),
                _ => batch.push((kind, body)),
            }
            if ENDS.contains(&kind) {
                self.awaited = Awaited::Ready;
                return self.batch(messages.taken, &batch).map(Some);
            }
        }
    }

    fn answer(&mut self, bytes: &[u8], _at_end: bool) -> Result<Option<usize>, Nonsense> {
        if self.awaited == Awaited::Encryption {
            return match bytes.first() {
                Some(b'S' | b'G') => Err(Nonsense("PostgreSQL over TLS".into())),
                first => Ok(first.map(|_| 1)),
            };
        }
        let mut messages = Messages { bytes, taken: 0 };
        while let Some((kind, body)) = messages.next()? {
            let is_end = match (kind, self.awaited) {
                // `G` asks for the data of a copy, which is the next request.
                (b'Z' | b'G', _) => true,
                (b'R', Awaited::Login) => ![Some(LOGIN_OK), Some(LOGIN_LAST_PROOF)].contains(&Fields(body).big(4)),
                // After a refused login the server closes without `ReadyForQuery`.
                (b'E', Awaited::Login) => true,
                _ => false,
            };
            if is_end {
                return Ok(Some(messages.taken));
            }
        }
        Ok(None)
    }
}

/// Messages that are there in full: a kind, a length that counts itself, and the body.
struct Messages<'a> {
    bytes: &'a [u8],
    taken: usize,
}

impl<'a> Messages<'a> {
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, Nonsense> {
        let mut fields = Fields(&self.bytes[self.taken..]);
        let (Some(kind), Some(len)) = (fields.byte(), fields.big(4)) else { return Ok(None) };
        let body = len.checked_sub(4).ok_or_else(|| Nonsense(format!("a message of {len} bytes")))? as usize;
        let Some(body) = fields.bytes(body) else { return Ok(None) };
        self.taken += 5 + body.len();
        Ok(Some((kind, body)))
    }
}
