//! As much of AMQP 0-9-1 as tells whether a user may enter a virtual host: login, `Connection.Open`, goodbye.
//!
//! ```text
//! AMQP0091            →
//!                     ←  Start
//! Start-Ok (PLAIN)    →
//!                     ←  Tune, or Close 403: the login is refused
//! Tune-Ok, Open       →
//!                     ←  Open-Ok, or Close 530: not this virtual host
//! ```

#![expect(clippy::disallowed_methods, reason = "reads the file with the authorities that a connection names")]

use std::{
    fs,
    io::{self, Read, Write},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::engine::{Secret, Trouble, TroubleKind, web::is_tls, within::within};

/// The port that IANA gives AMQP over TLS; on every other one it is plain.
const TLS_PORT: u16 = 5671;

/// The largest frame that is read. No frame of a login is near it.
const FRAME: usize = 64 << 10;

/// Where a broker listens for AMQP.
#[derive(Debug, Clone)]
pub struct Address {
    connection: String,
    host: String,
    port: u16,
    tls: bool,
    ca_file: Option<String>,
}

/// What a broker says to somebody who wants to enter a virtual host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Come in.
    Open,
    /// The login is refused.
    NoLogin,
    /// Not this virtual host.
    NotAllowed,
    /// The virtual host is not there.
    NoVhost,
    /// Something else, by code: a limit is reached, the virtual host is down.
    Other(u16),
}

impl Address {
    /// Names a broker's address, where TLS is spoken on its own port alone; nothing is connected.
    pub fn new(connection: &str, host: &str, port: u16, ca_file: Option<&str>) -> Self {
        let (connection, host, ca_file) = (connection.to_owned(), host.to_owned(), ca_file.map(str::to_owned));
        Self { connection, host, port, tls: port == TLS_PORT, ca_file }
    }

    /// Says whether TLS is spoken, whatever the port.
    #[must_use]
    pub fn with_tls(self, tls: bool) -> Self {
        Self { tls, ..self }
    }

    /// Logs in, tries to open a virtual host, and leaves.
    ///
    /// # Errors
    /// Nobody answers, TLS cannot be agreed on, or the answer is no AMQP 0-9-1.
    pub async fn open(&self, user: &str, password: &Secret, vhost: &str) -> Result<Answer, Trouble> {
        let what = "log in over AMQP";
        within(&self.connection, what, async {
            let mut wire = self.connect().await?;
            let failed = |error: io::Error| self.trouble(fault(&error), what, error.to_string());
            let answer = handshake(&mut wire, user, password, vhost).await.map_err(failed)?;
            if answer == Answer::Open {
                // A goodbye is good manners: without it the broker logs a client that vanished.
                let _ = wire.write(&frame(&[&CLOSE, &[0; 7]])).await;
                let _ = wire.frame().await;
            }
            Ok(answer)
        })
        .await
    }

    async fn connect(&self) -> Result<Wire, Trouble> {
        let what = "connect over AMQP";
        let tls = if self.tls { Some(self.tls()?) } else { None };
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await;
        let tcp = tcp.map_err(|error| self.trouble(TroubleKind::Unreachable, what, error.to_string()))?;
        Ok(Wire { tcp, tls })
    }

    fn tls(&self) -> Result<ClientConnection, Trouble> {
        let setup = |why: String| self.trouble(TroubleKind::Setup, "prepare TLS for AMQP", why);
        let path = self.ca_file.as_ref().ok_or_else(|| setup("the connection names no `caFile`".to_owned()))?;
        let text = fs::read(path).map_err(|error| setup(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(&text) {
            let authority = authority.map_err(|error| setup(error.to_string()))?;
            roots.add(authority).map_err(|error| setup(error.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| setup(error.to_string()))?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let host = ServerName::try_from(self.host.clone()).map_err(|error| setup(error.to_string()))?;
        ClientConnection::new(Arc::new(config), host).map_err(|error| setup(error.to_string()))
    }

    fn trouble(&self, kind: TroubleKind, what: &str, why: String) -> Trouble {
        Trouble::new(kind, format!("connection `{}`: failed to {what}", self.connection)).because(why)
    }
}

fn fault(error: &io::Error) -> TroubleKind {
    match error.kind() {
        _ if is_tls(error) => TroubleKind::Tls,
        io::ErrorKind::InvalidData => TroubleKind::Unexpected,
        _ => TroubleKind::Unreachable,
    }
}

/// Class and method of the requests and answers, as the first four bytes of a frame have them.
const START: [u8; 4] = [0, 10, 0, 10];
const START_OK: [u8; 4] = [0, 10, 0, 11];
const TUNE: [u8; 4] = [0, 10, 0, 30];
const TUNE_OK: [u8; 4] = [0, 10, 0, 31];
const OPEN: [u8; 4] = [0, 10, 0, 40];
const OPEN_OK: [u8; 4] = [0, 10, 0, 41];
const CLOSE: [u8; 4] = [0, 10, 0, 50];

/// Asks that a refused login is answered and not just hung up on.
const TELL_WHY: &[u8] = b"\x0ccapabilitiesF\x00\x00\x00\x1f\x1cauthentication_failure_closet\x01";

async fn handshake(wire: &mut Wire, user: &str, password: &Secret, vhost: &str) -> io::Result<Answer> {
    wire.write(b"AMQP\x00\x00\x09\x01").await?;
    if wire.frame().await?.strip_prefix(&START).is_none() {
        return Err(strange("a broker starts otherwise"));
    }
    let login = [b"\0", user.as_bytes(), b"\0", password.expose().as_bytes()].concat();
    let start_ok = frame(&[&START_OK, &long(TELL_WHY)?, &short("PLAIN")?, &long(&login)?, &short("en_US")?]);
    wire.write(&start_ok).await?;
    let tune = wire.frame().await?;
    let Some(tune) = tune.strip_prefix(&TUNE) else { return refusal(&tune) };
    wire.write(&frame(&[&TUNE_OK, tune])).await?;
    wire.write(&frame(&[&OPEN, &short(vhost)?, &[0, 0]])).await?;
    let answer = wire.frame().await?;
    if answer.starts_with(&OPEN_OK) { Ok(Answer::Open) } else { refusal(&answer) }
}

/// Reads a `Close`: code, text, and what it is about. The texts have been the same since AMQP 0-9-1 is spoken.
fn refusal(close: &[u8]) -> io::Result<Answer> {
    const ACCESS_REFUSED: u16 = 403;
    const NOT_ALLOWED: u16 = 530;
    let rest = close.strip_prefix(&CLOSE).ok_or_else(|| strange("an answer that does not belong there"))?;
    let [high, low, length, text @ ..] = rest else { return Err(strange("half a refusal")) };
    let text = String::from_utf8_lossy(text.get(..usize::from(*length)).unwrap_or_default());
    Ok(match u16::from_be_bytes([*high, *low]) {
        ACCESS_REFUSED => Answer::NoLogin,
        NOT_ALLOWED if text.contains("not found") => Answer::NoVhost,
        // A limit is told by the same code, and before rights are looked at.
        NOT_ALLOWED if text.contains("refused for user") && !text.contains("limit") => Answer::NotAllowed,
        code => Answer::Other(code),
    })
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn too_long(_: std::num::TryFromIntError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a name or password is too long for AMQP")
}

fn short(text: &str) -> io::Result<Vec<u8>> {
    let length = u8::try_from(text.len()).map_err(too_long)?;
    Ok([&[length], text.as_bytes()].concat())
}

fn long(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(bytes.len()).map_err(too_long)?;
    Ok([&length.to_be_bytes(), bytes].concat())
}

/// Puts a method into a frame of channel 0.
fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let length = u32::try_from(payload.len()).expect("a method of a login is some hundred bytes");
    [&[1, 0, 0], &length.to_be_bytes()[..], &payload, &[FRAME_END]].concat()
}

const FRAME_END: u8 = 0xce;

/// A connection, with TLS or without.
struct Wire {
    tcp: TcpStream,
    tls: Option<ClientConnection>,
}

impl Wire {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            None => self.tcp.write_all(bytes).await,
            Some(tls) => {
                tls.writer().write_all(bytes)?;
                self.flush().await
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.wants_write()) {
            let mut sealed = Vec::new();
            tls.write_tls(&mut sealed)?;
            self.tcp.write_all(&sealed).await?;
        }
        Ok(())
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(tls) = &mut self.tls else { return self.tcp.read(buffer).await };
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            let mut sealed = [0; 4096];
            let length = self.tcp.read(&mut sealed).await?;
            if length == 0 {
                return Ok(0);
            }
            let mut rest = &sealed[..length];
            while !rest.is_empty() {
                tls.read_tls(&mut rest)?;
                tls.process_new_packets().map_err(io::Error::other)?;
            }
            self.flush().await?;
        }
    }

    async fn read_exactly(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut at = 0;
        while at < buffer.len() {
            match self.read(&mut buffer[at..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => at += length,
            }
        }
        Ok(())
    }

    /// Reads the next method of channel 0; heartbeats are passed over.
    async fn frame(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let mut head = [0; 7];
            self.read_exactly(&mut head).await?;
            let [kind, channel @ .., a, b, c, d] = head;
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            if length > FRAME || channel != [0, 0] {
                return Err(strange("no frame of AMQP 0-9-1"));
            }
            let mut payload = vec![0; length + 1];
            self.read_exactly(&mut payload).await?;
            match (kind, payload.pop()) {
                (1, Some(FRAME_END)) => return Ok(payload),
                (8, Some(FRAME_END)) => {}
                _ => return Err(strange("no frame of AMQP 0-9-1")),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn close(code: u16, text: &str) -> Vec<u8> {
        [&CLOSE[..], &code.to_be_bytes(), &short(text).unwrap(), &[0, 10, 0, 40]].concat()
    }

    #[test]
    fn refusals_are_told_apart() {
        for (code, text, answer) in [
            (403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.", Answer::NoLogin),
            (530, "NOT_ALLOWED - access to vhost '/' refused for user 'abc'", Answer::NotAllowed),
            (530, "NOT_ALLOWED - vhost nothere not found", Answer::NoVhost),
            (
                530,
                "NOT_ALLOWED - access to vhost 'abc' refused for user 'abc': connection limit (0) is reached",
                Answer::Other(530),
            ),
            (
                541,
                "INTERNAL_ERROR - access to vhost 'abc' refused for user 'abc': vhost 'abc' is down",
                Answer::Other(541),
            ),
        ] {
            assert_eq!(refusal(&close(code, text)).unwrap(), answer, "{text}");
        }
        for broken in [&[][..], &CLOSE, &[0, 10, 0, 50, 2], &[0, 20, 0, 10, 1]] {
            assert!(refusal(broken).is_err());
        }
    }

    #[test]
    fn names_that_amqp_cannot_say_are_refused() {
        assert!(short(&"x".repeat(255)).is_ok());
        assert!(short(&"x".repeat(256)).is_err());
    }

    #[test]
    fn the_wish_to_be_told_has_its_own_length() {
        let table = &TELL_WHY[b"\x0ccapabilitiesF".len()..];
        let length = u32::from_be_bytes(table[..4].try_into().unwrap()) as usize;
        assert_eq!(length, table[4..].len());
        assert_eq!(usize::from(table[4]), "authentication_failure_close".len());
    }
}
