//! How a connection suffers each fault.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};

use super::{
    connection::{BUFFER, Connection, End},
    faults::{Chosen, Fault, garbled},
    framing::{Frame, Protocol},
    http,
    shared::Shared,
};

/// How long a copied request may take: a server that drops the copy without a word must not hold up the first.
const COPY_LIMIT: Duration = Duration::from_secs(10);

impl Connection {
    fn fire(&self, chosen: &Chosen) {
        self.shared.ledger().fire(chosen);
    }

    /// Does to a request what was armed for it.
    pub async fn suffer(&mut self, chosen: &Chosen, frame: &Frame, bytes: &[u8]) -> Result<(), End> {
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
        let mut released = pin!(shared.released.notified());
        released.as_mut().enable(); // whoever sees the fault fired can release it
        self.fire(chosen);
        self.busy.set(false);
        let waited = self.wait(released).await;
        self.busy.set(true);
        waited
    }

    /// Waits, unless the client gives up before.
    async fn wait(&mut self, until: impl Future<Output = ()>) -> Result<(), End> {
        let mut until = pin!(until);
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
