//! The proxy as a test sees it: started on loopback, asked, armed, stopped when dropped.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task, time,
};

use super::{
    connection::serve,
    faults::{At, Fault, Request},
    framing::{Class, Protocol},
    http::HttpRequest,
    shared::{Busy, Shared},
};

/// How long [`Proxy::requests`] and its kin wait for requests under way.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);

/// Turns that the proxy's tasks get before they count as quiet. Each turn asks the system for news first; accepting a
/// connection, connecting to the server and reading a request take one each.
const SETTLE_TURNS: usize = 8;

/// A proxy on a free port of loopback in front of one server, with a thread of its own: it works in an ordinary
/// `#[test]` that runs the binary as a child process.
///
/// The accessors first let the proxy come to rest: what a client that has ended sent before its end is recorded.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    handle: Handle,
    /// How many writes [`Proxy::new_writes`] has told of.
    told: AtomicUsize,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// In front of MySQL or MariaDB.
    pub fn mysql(upstream: SocketAddr) -> Self {
        Self::start(Protocol::Mysql, upstream, |_| false)
    }

    /// In front of PostgreSQL.
    pub fn postgres(upstream: SocketAddr) -> Self {
        Self::start(Protocol::Postgres, upstream, |_| false)
    }

    /// In front of Redis or Valkey.
    pub fn redis(upstream: SocketAddr) -> Self {
        Self::start(Protocol::Redis, upstream, |_| false)
    }

    /// In front of an HTTP server. `reads` tells which requests only ask although their method could write, most often
    /// [`usual_reads`](super::http::usual_reads).
    pub fn http(upstream: SocketAddr, reads: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static) -> Self {
        Self::start(Protocol::Http, upstream, reads)
    }

    fn start(
        protocol: Protocol,
        upstream: SocketAddr,
        reads: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::new(protocol, upstream, Arc::new(reads)));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
            tell.send(runtime.handle().clone()).expect("the proxy waits for its handle");
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, of_thread) => {}
                    _ = stopped => {}
                }
            });
        });
        let handle = told.recv().expect("the proxy's thread tells its handle");
        Self { address, shared, handle, told: AtomicUsize::new(0), stop: Some(stop), thread: Some(thread) }
    }

    /// Where clients connect instead of to the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests since the last reset, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.settle();
        self.shared.ledger().requests.clone()
    }

    /// The requests that wrote, or may have.
    pub fn writes(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.class == Class::Write).collect()
    }

    /// The writes since the last call of this, or since the last reset, as texts.
    pub fn new_writes(&self) -> Vec<String> {
        let writes = self.writes();
        let told = self.told.swap(writes.len(), Ordering::Relaxed);
        writes[told..].iter().map(|write| format!("{write:?}")).collect()
    }

    /// Forgets all records and all armed faults, and releases what is stalled. Connections stay.
    pub fn reset(&self) {
        self.release();
        self.settle();
        self.shared.ledger().reset();
        self.told.store(0, Ordering::Relaxed);
    }

    /// Arms a fault, beside those that are armed already; where two fit one request, the earlier hits.
    ///
    /// # Panics
    ///
    /// For a fault of HTTP in front of another server.
    pub fn arm(&self, at: At, fault: Fault) {
        let fits = self.shared.protocol == Protocol::Http || !fault.is_for_http();
        assert!(fits, "{fault:?} is for HTTP, this proxy speaks {:?}", self.shared.protocol);
        self.shared.ledger().arm(at, fault);
    }

    /// Whether faults are armed and each of them was really suffered by a request.
    pub fn fired(&self) -> bool {
        self.settle();
        self.shared.ledger().fired()
    }

    /// Lets everything that is stalled at this time go its way.
    pub fn release(&self) {
        self.shared.released.notify_waiters();
    }

    /// Waits until no connection has work in hand. All that a client sent over loopback before it ended lies in the
    /// proxy's sockets when the client is gone, and the next turns of the proxy's tasks take it.
    fn settle(&self) {
        let (tell, told) = mpsc::channel();
        let shared = Arc::clone(&self.shared);
        self.handle.spawn(async move {
            let quiet = async {
                while !is_quiet(&shared).await {
                    time::sleep(Duration::from_millis(1)).await;
                }
            };
            let _ = time::timeout(SETTLE_LIMIT, quiet).await;
            let _ = tell.send(());
        });
        told.recv().expect("the proxy's thread lives as long as the proxy");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Whether nothing is in hand after some turns.
async fn is_quiet(shared: &Shared) -> bool {
    for _ in 0..SETTLE_TURNS {
        if shared.is_busy() {
            return false;
        }
        task::yield_now().await;
    }
    !shared.is_busy()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    listener.set_nonblocking(true).expect("a listener can be made not to block");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener can be watched");
    for number in 1.. {
        let Ok((client, _)) = listener.accept().await else { return };
        task::spawn(serve(Arc::clone(&shared), number, client, Busy::new(&shared)));
    }
}
