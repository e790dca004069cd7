//! One connection through the proxy: a request is read to its end, then suffers its fault or is forwarded, and its
//! answer is passed on; only then the next request is looked at. A client that sends ahead is served all the same,
//! since its bytes wait here instead of in the server.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time,
};

use super::{
    faults::{Chosen, Fault, Ledger, garbled},
    framing::{Class, Frame, Framing, Nonsense, Protocol},
    http,
};

/// How long a copied request may take: a server that drops the copy without a word must not hold up the first.
const COPY_LIMIT: Duration = Duration::from_secs(10);

/// How much is read at once.
const BUFFER: usize = 16 * 1024;

/// What the connections of one proxy share with its owner.
pub struct Shared {
    pub protocol: Protocol,
    pub upstream: SocketAddr,
    pub reads: http::DeclaredReads,
    ledger: Mutex<Ledger>,
    /// Wakes what is stalled.
    pub released: Notify,
    /// Connections with work in hand; see [`Busy`].
    busy: AtomicUsize,
}

impl Shared {
    pub fn new(protocol: Protocol, upstream: SocketAddr, reads: http::DeclaredReads) -> Self {
        let (ledger, released, busy) = (Mutex::default(), Notify::new(), AtomicUsize::new(0));
        Self { protocol, upstream, reads, ledger, released, busy }
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether some connection has bytes in hand or awaits an answer.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }
}

/// Counts a connection as busy, from the moment it is accepted, except while it waits for a request or is stalled.
pub struct Busy {
    shared: Arc<Shared>,
    is_busy: bool,
}

impl Busy {
    pub fn new(shared: &Arc<Shared>) -> Self {
        shared.busy.fetch_add(1, Ordering::SeqCst);
        Self { shared: Arc::clone(shared), is_busy: true }
    }

    fn set(&mut self, is_busy: bool) {
        match (self.is_busy, is_busy) {
            (false, true) => self.shared.busy.fetch_add(1, Ordering::SeqCst),
            (true, false) => self.shared.busy.fetch_sub(1, Ordering::SeqCst),
            _ => 0,
        };
        self.is_busy = is_busy;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.set(false);
    }
}

/// Why a connection ends, and so how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
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

struct Connection {
    shared: Arc<Shared>,
    number: usize,
    client: TcpStream,
    upstream: TcpStream,
    framing: Box<dyn Framing>,
    /// What the client has sent beyond the request in hand.
    sent: Vec<u8>,
    /// The server has closed, after an answer that is passed on.
    has_ended: bool,
    busy: Busy,
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
    async fn exchange(&mut self, frame: &Frame, bytes: &[u8]) -> Result<(), End> {
        self.forward(bytes).await;
        if frame.is_answered {
            self.answer(true).await?;
        }
        Ok(())
    }

    /// A server may refuse a request before it has read it all; so a failure shows in the answer, or its absence.
    async fn forward(&mut self, bytes: &[u8]) {
        let _ = self.upstream.write_all(bytes).await;
    }

    /// The whole answer to the request in hand; with `passes` the client gets it as it comes.
    async fn answer(&mut self, passes: bool) -> Result<Vec<u8>, End> {
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

    fn fire(&self, chosen: &Chosen) {
        self.shared.ledger().fire(chosen);
    }

    async fn suffer(&mut self, chosen: &Chosen, frame: &Frame, bytes: &[u8]) -> Result<(), End> {
        let has_nothing_to_hit = match chosen.fault {
            Fault::GarbleReply(_) | Fault::TruncateReply(_) | Fault::StallReply => !frame.is_answered,
            Fault::DuplicateRequest => !frame.is_repeatable,
            _ => false,
        };
        if has_nothing_to_hit {
            return self.exchange(frame, bytes).await;
        }
        match chosen.fault {
            Fault::CutBefore | Fault::Reset | Fault::CutAfterBytes(_) | Fault::DropReply => {
                Err(self.cut(chosen, frame, bytes).await?)
            }
            Fault::Stall | Fault::StallReply | Fault::Delay(_) => self.hold(chosen, frame, bytes).await,
            Fault::GarbleReply(_) | Fault::TruncateReply(_) => Err(self.spoil(chosen, bytes).await?),
            Fault::DuplicateRequest => self.duplicate(chosen, frame, bytes).await,
            Fault::HttpStatus { .. } | Fault::HtmlPage => self.pretend(chosen, frame, bytes).await,
        }
    }

    /// The faults that end the connection without an answer.
    async fn cut(&mut self, chosen: &Chosen, frame: &Frame, bytes: &[u8]) -> Result<End, End> {
        match chosen.fault {
            Fault::CutAfterBytes(count) => self.forward(&bytes[..count.min(bytes.len() - 1)]).await,
            Fault::DropReply => {
                self.forward(bytes).await;
                if frame.is_answered {
                    self.answer(false).await?;
                }
            }
            _ => {}
        }
        self.fire(chosen);
        Ok(match chosen.fault {
            Fault::Reset | Fault::CutAfterBytes(_) => End::Reset,
            _ => End::Close,
        })
    }

    /// The faults that only take time.
    async fn hold(&mut self, chosen: &Chosen, frame: &Frame, bytes: &[u8]) -> Result<(), End> {
        let shared = Arc::clone(&self.shared);
        match chosen.fault {
            Fault::Delay(time) => {
                self.fire(chosen);
                self.wait(time::sleep(time)).await?;
                self.exchange(frame, bytes).await
            }
            Fault::StallReply => {
                self.forward(bytes).await;
                let answer = self.answer(false).await?;
                self.stall(chosen, &shared).await?;
                Ok(self.client.write_all(&answer).await?)
            }
            _ => {
                self.stall(chosen, &shared).await?;
                self.exchange(frame, bytes).await
            }
        }
    }

    async fn stall(&mut self, chosen: &Chosen, shared: &Shared) -> Result<(), End> {
        let mut released = std::pin::pin!(shared.released.notified());
        released.as_mut().enable(); // whoever sees the fault fired can release it
        self.fire(chosen);
        self.busy.set(false);
        let waited = self.wait(released).await;
        self.busy.set(true);
        waited
    }

    /// Waits, unless the client gives up before.
    async fn wait(&mut self, until: impl Future<Output = ()>) -> Result<(), End> {
        let mut until = std::pin::pin!(until);
        let mut buffer = vec![0; BUFFER];
        loop {
            tokio::select! {
                () = &mut until => return Ok(()),
                count = self.client.read(&mut buffer) => match count.unwrap_or(0) {
                    0 => return Err(End::Close),
                    count => self.sent.extend(&buffer[..count]),
                }
            }
        }
    }

    /// The faults that change the answer.
    async fn spoil(&mut self, chosen: &Chosen, bytes: &[u8]) -> Result<End, End> {
        self.forward(bytes).await;
        let mut answer = self.answer(false).await?;
        match chosen.fault {
            Fault::GarbleReply(seed) => answer = garbled(answer, seed),
            Fault::TruncateReply(count) => answer.truncate(count.min(answer.len().saturating_sub(1))),
            _ => {}
        }
        self.client.write_all(&answer).await?;
        self.fire(chosen);
        Ok(End::Close)
    }

    async fn duplicate(&mut self, chosen: &Chosen, frame: &Frame, bytes: &[u8]) -> Result<(), End> {
        self.forward(bytes).await;
        let first = if frame.is_answered { self.answer(false).await? } else { Vec::new() };
        let copied = if self.shared.protocol == Protocol::Http {
            // This connection may be at its end by now, and HTTP does not care which one is used.
            time::timeout(COPY_LIMIT, self.send_copy(bytes)).await.map_err(|_| End::Close)
        } else {
            self.forward(bytes).await;
            let answered = async { if frame.is_answered { self.answer(false).await.map(|_| ()) } else { Ok(()) } };
            time::timeout(COPY_LIMIT, answered).await.unwrap_or(Err(End::Close)).map(|()| true)
        };
        if copied == Ok(true) {
            self.fire(chosen);
        }
        self.client.write_all(&first).await?;
        copied.map(|_| ())
    }

    /// Sends a request over a connection of its own; tells whether it was answered.
    async fn send_copy(&mut self, bytes: &[u8]) -> bool {
        let Ok(mut upstream) = TcpStream::connect(self.shared.upstream).await else { return false };
        let (mut answer, mut buffer) = (Vec::new(), vec![0; BUFFER]);
        let _ = upstream.write_all(bytes).await;
        loop {
            let count = upstream.read(&mut buffer).await.unwrap_or(0);
            answer.extend(&buffer[..count]);
            match self.framing.answer(&answer, count == 0) {
                Ok(Some(_)) => return true,
                Ok(None) if count > 0 => {}
                _ => return false,
            }
        }
    }

    /// The proxy answers in the server's place.
    async fn pretend(&mut self, chosen: &Chosen, frame: &Frame, bytes: &[u8]) -> Result<(), End> {
        let mut answer = match chosen.fault {
            Fault::HttpStatus { code, retry_after, .. } => http::status_answer(code, retry_after),
            _ => http::html_answer(),
        };
        if frame.summary.starts_with("HEAD ") {
            answer = http::without_body(answer);
        }
        if matches!(chosen.fault, Fault::HttpStatus { is_forwarded: true, .. }) {
            self.forward(bytes).await;
            self.answer(false).await?;
        }
        self.client.write_all(&answer).await?;
        self.fire(chosen);
        Ok(())
    }
}
