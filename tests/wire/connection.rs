//! One connection through the proxy: a request is read to its end, then suffers its fault or is forwarded, and its
//! answer is passed on; only then the next request is looked at. A client that sends ahead is served all the same,
//! since its bytes wait here instead of in the server.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    framing::{Class, Frame, Framing, Nonsense, Protocol},
    http,
    shared::{Busy, Shared},
};

/// How much is read at once.
pub const BUFFER: usize = 16 * 1024;

/// Why a connection ends, and so how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order, by FIN.
    Close,
    /// By RST.
    Reset,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Close
    }
}

/// Serves one accepted connection to its end.
pub async fn serve(shared: Arc<Shared>, number: usize, client: TcpStream, busy: Busy) {
    let Ok(upstream) = TcpStream::connect(shared.upstream).await else {
        // A server that is away refuses; the nearest that an accepted connection can do is a reset.
        let _ = client.set_zero_linger();
        return;
    };
    for stream in [&client, &upstream] {
        let _ = stream.set_nodelay(true);
    }
    let framing: Box<dyn Framing> = match shared.protocol {
        Protocol::Mysql => Box::new(super::mysql::Mysql::new()),
        Protocol::Postgres => Box::new(super::postgres::Postgres::new()),
        Protocol::Http => Box::new(http::Http::new(Arc::clone(&shared.reads))),
        Protocol::Redis => Box::new(super::redis::Redis),
    };
    let mut connection =
        Connection { shared, number, client, upstream, framing, sent: Vec::new(), has_ended: false, busy };
    if connection.run().await == End::Reset {
        for stream in [&connection.client, &connection.upstream] {
            let _ = stream.set_zero_linger();
        }
    }
}

pub struct Connection {
    pub shared: Arc<Shared>,
    number: usize,
    pub client: TcpStream,
    pub upstream: TcpStream,
    pub framing: Box<dyn Framing>,
    /// What the client has sent beyond the request in hand.
    pub sent: Vec<u8>,
    /// The server has closed, after an answer that is passed on.
    has_ended: bool,
    pub busy: Busy,
}

/// Some bytes from one side; none where that side has closed or failed.
enum Heard {
    Client(Vec<u8>),
    Upstream(Vec<u8>),
}

impl Connection {
    async fn run(&mut self) -> End {
        loop {
            if let Err(end) = self.one_request().await {
                return end;
            }
            if self.has_ended {
                return End::Close;
            }
        }
    }

    async fn one_request(&mut self) -> Result<(), End> {
        let (frame, bytes) = self.next_request().await?;
        let chosen = self.shared.ledger().record(self.shared.protocol, self.number, &frame);
        match chosen {
            Some(chosen) => self.suffer(&chosen, &frame, &bytes).await,
            None => self.exchange(&frame, &bytes).await,
        }
    }

    /// Waits for a whole request; meanwhile passes on what the server says unasked.
    async fn next_request(&mut self) -> Result<(Frame, Vec<u8>), End> {
        let mut was_told_to_go_on = false;
        loop {
            match self.framing.request(&self.sent) {
                Ok(Some(frame)) => {
                    let bytes = self.sent.drain(..frame.len).collect();
                    return Ok((frame, bytes));
                }
                Ok(None) => {}
                Err(nonsense) => return Err(self.refuse(&nonsense)),
            }
            if let Some(word) = self.framing.go_on(&self.sent).filter(|_| !was_told_to_go_on) {
                was_told_to_go_on = true;
                self.client.write_all(word).await?;
            }
            self.busy.set(false);
            let heard = self.hear().await;
            self.busy.set(true);
            match heard {
                Heard::Client(bytes) if bytes.is_empty() => {
                    // A client that was killed in the middle: the server gets to see the half.
                    self.upstream.write_all(&self.sent).await?;
                    return Err(End::Close);
                }
                Heard::Client(bytes) => self.sent.extend(bytes),
                Heard::Upstream(bytes) if bytes.is_empty() => return Err(End::Close),
                Heard::Upstream(bytes) => self.client.write_all(&bytes).await?,
            }
        }
    }

    /// Forwards a request and passes its answer on.
    pub async fn exchange(&mut self, frame: &Frame, bytes: &[u8]) -> Result<(), End> {
        self.forward(bytes).await;
        if frame.is_answered {
            self.answer(true).await?;
        }
        Ok(())
    }

    /// A server may refuse a request before it has read it all; so a failure shows in the answer, or its absence.
    pub async fn forward(&mut self, bytes: &[u8]) {
        let _ = self.upstream.write_all(bytes).await;
    }

    /// The whole answer to the request in hand; with `passes` the client gets it as it comes.
    pub async fn answer(&mut self, passes: bool) -> Result<Vec<u8>, End> {
        let mut answer = Vec::new();
        loop {
            match self.framing.answer(&answer, self.has_ended) {
                Ok(Some(_)) => return Ok(answer),
                Ok(None) if self.has_ended => return Err(End::Close),
                Ok(None) => {}
                Err(nonsense) => return Err(self.refuse(&nonsense)),
            }
            match self.hear().await {
                Heard::Client(bytes) if bytes.is_empty() => return Err(End::Close),
                Heard::Client(bytes) => self.sent.extend(bytes),
                Heard::Upstream(bytes) if bytes.is_empty() => self.has_ended = true,
                Heard::Upstream(bytes) => {
                    if passes {
                        self.client.write_all(&bytes).await?;
                    }
                    answer.extend(bytes);
                }
            }
        }
    }

    async fn hear(&mut self) -> Heard {
        let (mut from_client, mut from_upstream) = (vec![0; BUFFER], vec![0; BUFFER]);
        tokio::select! {
            count = self.client.read(&mut from_client) => {
                from_client.truncate(count.unwrap_or(0));
                Heard::Client(from_client)
            }
            count = self.upstream.read(&mut from_upstream) => {
                from_upstream.truncate(count.unwrap_or(0));
                Heard::Upstream(from_upstream)
            }
        }
    }

    /// Records what was not understood as a write, so that nobody counts on having seen all of them.
    fn refuse(&self, nonsense: &Nonsense) -> End {
        let frame = Frame::new(0, Class::Write, &nonsense.to_string());
        self.shared.ledger().record(self.shared.protocol, self.number, &frame);
        End::Reset
    }
}
