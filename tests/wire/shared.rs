//! What the connections of one proxy share with its owner: the ledger, the release of what is stalled, and whether any
//! of them is at work.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

use super::{faults::Ledger, framing::Protocol, http};

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

    /// Tells whether there is work in hand now.
    pub fn set(&mut self, is_busy: bool) {
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
