//! The client protocol of MySQL and MariaDB: packets, the login, commands, and where the answer to each ends.
//!
//! Sources: MySQL's source documentation ("Client/Server Protocol": "Protocol Basics", "Connection Phase", "Command
//! Phase") and MariaDB's knowledge base ("Clientserver Protocol"). Compression and `LOAD DATA LOCAL` are not read.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    framing::{Class, Fields, Frame, Framing, Nonsense},
    sql::{self, Dialect},
};

/// A packet of this size goes on in the next one.
const LARGEST: usize = 0xff_ff_ff;

/// The client takes an OK packet where older ones had EOF.
const CLIENT_DEPRECATE_EOF: u64 = 1 << 24;
const CLIENT_SSL: u64 = 1 << 11;
const CLIENT_COMPRESS: u64 = 1 << 5;

/// A login that ends here asks for TLS; one without TLS goes on with the user's name.
const SSL_REQUEST: usize = 32;

/// In the status of an OK or EOF packet: another result follows.
const SERVER_MORE_RESULTS_EXISTS: u64 = 8;

/// The first bytes of packets from the server.
const OK: u8 = 0x00;
const MORE_LOGIN: u8 = 0x01;
const LOCAL_FILE: u8 = 0xfb;
const EOF: u8 = 0xfe;
const ERROR: u8 = 0xff;

/// What the server says after [`MORE_LOGIN`] when it needs nothing more from the client (`caching_sha2_password`).
const LOGIN_CACHED: u8 = 3;

/// What is awaited from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// One packet of a login.
    Login,
    /// One packet.
    Packet,
    /// Results, each an OK, an error, or columns and rows.
    Results,
    /// A statement's id, then its parameters and columns.
    Prepared,
}

/// One connection.
#[derive(Debug)]
pub struct Mysql {
    is_logged_in: bool,
    deprecates_eof: bool,
    awaited: Awaited,
    /// The text that is being prepared.
    preparing: String,
    /// The texts of prepared statements by the server's id.
    statements: BTreeMap<u64, String>,
}

impl Mysql {
    /// A connection whose server has not greeted yet. The greeting needs no reading: it is passed on like all that a
    /// server says unasked, and the client's answer holds the capabilities that both have.
    pub fn new() -> Self {
        Self {
            is_logged_in: false,
            deprecates_eof: false,
            awaited: Awaited::Login,
            preparing: String::new(),
            statements: BTreeMap::new(),
        }
    }

    /// A packet before the login is done; the first holds the client's capabilities.
    fn login(&mut self, len: usize, sequence: u8, payload: &[u8]) -> Result<Frame, Nonsense> {
        if sequence == 1 {
            let capabilities = Fields(payload).little(4).ok_or_else(|| Nonsense("a short login".into()))?;
            if capabilities & CLIENT_SSL != 0 && payload.len() <= SSL_REQUEST {
                return Err(Nonsense("MySQL over TLS".into()));
            }
            if capabilities & CLIENT_COMPRESS != 0 {
                return Err(Nonsense("MySQL compressed".into()));
            }
            self.deprecates_eof = capabilities & CLIENT_DEPRECATE_EOF != 0;
        }
        self.awaited = Awaited::Login;
        Ok(Frame::handshake(len, "LOGIN"))
    }

    /// A command: its first byte tells which.
    fn command(&mut self, len: usize, payload: &[u8]) -> Result<Frame, Nonsense> {
        let (&code, body) = payload.split_first().ok_or_else(|| Nonsense("an empty command".into()))?;
        let text = || String::from_utf8_lossy(body).into_owned();
        self.awaited = Awaited::Packet;
        Ok(match code {
            0x01 => Frame::unanswered(len, "QUIT"),
            0x02 => Frame::new(len, Class::Session, &format!("USE {}", text())),
            0x03 => {
                self.awaited = Awaited::Results;
                statement(len, "", &text())
            }
            0x09 => Frame::new(len, Class::Read, "STATISTICS"),
            0x0e => Frame::new(len, Class::Session, "PING"),
            0x11 => {
                (self.is_logged_in, self.awaited) = (false, Awaited::Login);
                Frame::handshake(len, "CHANGE USER")
            }
            0x16 => {
                (self.awaited, self.preparing) = (Awaited::Prepared, text());
                let shown = sql::masked(&self.preparing, Dialect::Mysql);
                Frame::new(len, Class::Session, &format!("PREPARE {shown}"))
            }
            // 0xfa is MariaDB's bulk form.
            0x17 | 0xfa => {
                self.awaited = Awaited::Results;
                let id = Fields(body).little(4);
                match id.and_then(|id| self.statements.get(&id)) {
                    Some(text) => statement(len, "EXECUTE ", text),
                    None => Frame::new(len, Class::Write, "EXECUTE of a statement that was not prepared here"),
                }
            }
            0x18 => Frame::unanswered(len, "PARAMETER"),
            0x19 => {
                if let Some(id) = Fields(body).little(4) {
                    self.statements.remove(&id);
                }
                Frame::unanswered(len, "CLOSE")
            }
            0x1a => Frame::new(len, Class::Session, "RESET STATEMENT"),
            0x1b => Frame::new(len, Class::Session, "SET OPTION"),
            0x1f => {
                self.statements.clear();
                Frame::new(len, Class::Session, "RESET CONNECTION")
            }
            other => return Err(Nonsense(format!("MySQL command {other:#04x}"))),
        })
    }

    /// The packets of one answer, taken off the front of `packets`; `None` while some are missing.
    fn take_answer(&mut self, packets: &mut Packets<'_>) -> Result<Option<()>, Nonsense> {
        match self.awaited {
            Awaited::Login => Ok(self.take_login(packets)),
            Awaited::Packet => Ok(packets.next().map(|_| ())),
            Awaited::Prepared => Ok(self.take_prepared(packets)),
            Awaited::Results => loop {
                match self.take_result(packets)? {
                    Some(status) if status & SERVER_MORE_RESULTS_EXISTS != 0 => {}
                    other => return Ok(other.map(|_| ())),
                }
            },
        }
    }

    fn take_login(&mut self, packets: &mut Packets<'_>) -> Option<()> {
        loop {
            let packet = packets.next()?;
            match packet.first() {
                Some(&MORE_LOGIN) if packet.get(1) == Some(&LOGIN_CACHED) => {}
                first => {
                    self.is_logged_in = first == Some(&OK);
                    return Some(());
                }
            }
        }
    }

    fn take_prepared(&mut self, packets: &mut Packets<'_>) -> Option<()> {
        let first = packets.next()?;
        let mut first = Fields(&first);
        if first.byte() != Some(OK) {
            return Some(());
        }
        let (id, columns, parameters) = (first.little(4)?, first.little(2)?, first.little(2)?);
        for count in [parameters, columns] {
            let end = u64::from(count > 0 && !self.deprecates_eof);
            for _ in 0..count + end {
                packets.next()?;
            }
        }
        self.statements.insert(id, std::mem::take(&mut self.preparing));
        Some(())
    }

    /// One result; its status tells whether another follows.
    fn take_result(&self, packets: &mut Packets<'_>) -> Result<Option<u64>, Nonsense> {
        let Some(first) = packets.next() else { return Ok(None) };
        match first.first() {
            Some(&OK) => Ok(Some(status_of_ok(&first))),
            Some(&ERROR) => Ok(Some(0)),
            Some(&LOCAL_FILE) => Err(Nonsense("LOAD DATA LOCAL".into())),
            _ => Ok(self.take_rows(&first, packets)),
        }
    }

    fn take_rows(&self, first: &[u8], packets: &mut Packets<'_>) -> Option<u64> {
        let columns = length(&mut Fields(first))?;
        for _ in 0..columns + u64::from(!self.deprecates_eof) {
            packets.next()?;
        }
        loop {
            let packet = packets.next()?;
            match packet.first() {
                Some(&ERROR) => return Some(0),
                // A row may begin with this byte too, but then it is a column of at least 16 MiB.
                Some(&EOF) if packet.len() < LARGEST && self.deprecates_eof => return Some(status_of_ok(&packet)),
                Some(&EOF) if packet.len() < 9 => return Some(Fields(packet.get(3..)?).little(2).unwrap_or(0)),
                _ => {}
            }
        }
    }
}

impl Framing for Mysql {
    fn request(&mut self, bytes: &[u8]) -> Result<Option<Frame>, Nonsense> {
        let mut packets = Packets::new(bytes);
        let Some(payload) = packets.next() else { return Ok(None) };
        let (len, sequence) = (packets.taken, bytes[3]);
        let frame = if self.is_logged_in { self.command(len, &payload) } else { self.login(len, sequence, &payload) };
        frame.map(Some)
    }

    fn answer(&mut self, bytes: &[u8], _at_end: bool) -> Result<Option<usize>, Nonsense> {
        let mut packets = Packets::new(bytes);
        Ok(self.take_answer(&mut packets)?.map(|()| packets.taken))
    }
}

/// A statement that is run, by its text.
fn statement(len: usize, how: &str, text: &str) -> Frame {
    Frame::new(len, sql::class(text, Dialect::Mysql), &format!("{how}{}", sql::masked(text, Dialect::Mysql)))
}

/// The status in an OK packet: after the kind, the affected rows and the last id.
fn status_of_ok(packet: &[u8]) -> u64 {
    let mut fields = Fields(packet.get(1..).unwrap_or_default());
    let status = length(&mut fields).and_then(|_| length(&mut fields)).and_then(|_| fields.little(2));
    status.unwrap_or(0)
}

/// A number of one to nine bytes.
fn length(fields: &mut Fields<'_>) -> Option<u64> {
    match fields.byte()? {
        0xfc => fields.little(2),
        0xfd => fields.little(3),
        0xfe => fields.little(8),
        small => Some(u64::from(small)),
    }
}

/// The payloads that are there in full; those of 16 MiB and more come in several packets.
struct Packets<'a> {
    bytes: &'a [u8],
    taken: usize,
}

impl<'a> Packets<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, taken: 0 }
    }

    fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        let mut fields = Fields(&self.bytes[self.taken..]);
        let mut payload = Cow::Borrowed(&[][..]);
        loop {
            let len = usize::try_from(fields.little(3)?).ok()?;
            fields.byte()?; // the number in the sequence
            let part = fields.bytes(len)?;
            if payload.is_empty() {
                payload = Cow::Borrowed(part)
            } else {
                payload.to_mut().extend_from_slice(part)
            }
            if len < LARGEST {
                self.taken = self.bytes.len() - fields.0.len();
                return Some(payload);
            }
        }
    }
}
