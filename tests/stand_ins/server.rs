//! The server around a stand-in: its own thread, a log of what came, and faults on request.

use std::{
    convert::Infallible,
    future::pending,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
};

use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::BoxBody};
use hyper::{
    Response,
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::oneshot};

use super::{
    fault::{Fault, On, Planted},
    message::{Answer, Request},
};

/// More than any client of ours sends; a larger body is cut off with 413.
const LARGEST_REQUEST: usize = 4 << 20;

/// The flood comes in pieces of this size, 100 MB in all.
const PIECE_OF_FLOOD: usize = 1_000_000;

/// A system behind an HTTP API.
pub trait Api: Send + 'static {
    /// Carries a request out and answers as the real system does.
    fn answer(&mut self, request: &Request) -> Answer;

    /// Returns whether a request changes nothing by its nature: a login for example is a POST that writes nothing.
    fn only_reads(&self, request: &Request) -> bool {
        request.method == "GET"
    }
}

/// A request that came, and what became of it.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The request.
    pub request: Request,
    /// The status of the answer that the system made; `None` where a fault kept it from doing anything.
    pub status: Option<u16>,
    /// Whether it may change something.
    pub writes: bool,
}

/// A running stand-in. It ends when this value is dropped, connections and all.
pub struct Server<A> {
    address: SocketAddr,
    shared: Arc<Mutex<Shared<A>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<A> {
    api: A,
    log: Vec<Logged>,
    faults: Planted,
}

impl<A: Api> Server<A> {
    /// Starts a stand-in on a free port of loopback.
    pub fn start(api: A) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared { api, log: Vec::new(), faults: Planted::default() }));
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, state) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns the URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads or changes the system's state directly, past its API.
    pub fn with<R>(&self, look: impl FnOnce(&mut A) -> R) -> R {
        look(&mut self.shared().api)
    }

    /// Returns all requests since the start, or since [`Self::forget`].
    pub fn log(&self) -> Vec<Logged> {
        self.shared().log.clone()
    }

    /// Returns how many requests came.
    pub fn requests(&self) -> usize {
        self.shared().log.len()
    }

    /// Returns how many requests came that may change something, refused ones included.
    pub fn writes(&self) -> usize {
        self.shared().log.iter().filter(|logged| logged.writes).count()
    }

    /// Empties the log.
    pub fn forget(&self) {
        self.shared().log.clear();
    }

    /// Plants a fault.
    pub fn plant(&self, on: On, fault: Fault) {
        self.shared().faults.plant(on, fault);
    }

    /// Returns how many planted faults have not hit yet.
    pub fn faults_waiting(&self) -> usize {
        self.shared().faults.waiting()
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.shared().faults.clear();
    }

    fn shared(&self) -> MutexGuard<'_, Shared<A>> {
        self.shared.lock().unwrap()
    }
}

impl<A> Drop for Server<A> {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        // A panic here while the test itself panics would hide what the test says.
        assert!(std::thread::panicking() || !matches!(ended, Some(Err(_))), "the stand-in's thread panicked");
    }
}

async fn accept<A: Api>(listener: TcpListener, shared: Arc<Mutex<Shared<A>>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| serve(Arc::clone(&shared), request));
        // An error here is a client that went away, or a fault that closes the connection.
        tokio::spawn(async { http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok() });
    }
}

type Body = BoxBody<Bytes, io::Error>;

async fn serve<A: Api>(
    shared: Arc<Mutex<Shared<A>>>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_REQUEST).collect().await else {
        return Ok(response(413, &[], full(Vec::new())));
    };
    let request = Request::new(&head.method, &head.uri, &head.headers, &body.to_bytes());
    let (fault, answer) = carry_out(&mut shared.lock().unwrap(), request);
    let closed = || Err(io::Error::other("closed by a planted fault"));
    match (fault, answer) {
        (None, Some(answer)) => Ok(plain(&answer)),
        (Some(Fault::Refuse { status, retry_after }), _) => {
            let headers = retry_after.map(|seconds| ("retry-after", seconds.to_owned()));
            Ok(response(status, headers.as_slice(), full(br#"{"message":"not now"}"#.to_vec())))
        }
        (Some(Fault::FailAfterwards), _) => Ok(response(500, &[], full(br#"{"message":"internal error"}"#.to_vec()))),
        (Some(Fault::Stall | Fault::StallAfterwards), _) => pending().await,
        (Some(Fault::Page), _) => {
            let page = b"<!doctype html><title>Sign in</title><p>Sign in to go on.".to_vec();
            let mut response = response(200, &[], full(page));
            response.headers_mut().insert("content-type", "text/html; charset=utf-8".parse().unwrap());
            Ok(response)
        }
        (Some(Fault::Redirect(to)), _) => Ok(response(307, &[("location", to)], full(Vec::new()))),
        (Some(Fault::Truncate), Some(answer)) => {
            let text = bytes(&answer);
            Ok(response(answer.status, &answer.headers, full(text[..text.len() / 2].to_vec())))
        }
        (Some(Fault::Cut), Some(answer)) => {
            let text = bytes(&answer);
            let mut headers = answer.headers.clone();
            headers.push(("content-length", text.len().to_string()));
            Ok(response(answer.status, &headers, half(text)))
        }
        (Some(Fault::Flood), Some(answer)) => Ok(response(answer.status, &[], flood())),
        (Some(_) | None, _) => closed(),
    }
}

/// Logs a request, and lets the system carry it out unless a fault keeps it from doing so.
fn carry_out<A: Api>(shared: &mut Shared<A>, request: Request) -> (Option<Fault>, Option<Answer>) {
    let fault = shared.faults.hit(&request.method);
    let works = fault.as_ref().is_none_or(Fault::does_the_work);
    let answer = works.then(|| shared.api.answer(&request));
    let writes = !shared.api.only_reads(&request);
    shared.log.push(Logged { request, status: answer.as_ref().map(|answer| answer.status), writes });
    (fault, answer)
}

fn plain(answer: &Answer) -> Response<Body> {
    response(answer.status, &answer.headers, full(bytes(answer)))
}

fn bytes(answer: &Answer) -> Vec<u8> {
    answer.body.as_ref().map(|body| serde_json::to_vec(body).unwrap()).unwrap_or_default()
}

fn response(status: u16, headers: &[(&'static str, String)], body: Body) -> Response<Body> {
    let mut response = Response::builder().status(status);
    if status != 204 {
        response = response.header("content-type", "application/json");
    }
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(body).unwrap()
}

fn full(text: Vec<u8>) -> Body {
    Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed()
}

fn half(text: Vec<u8>) -> Body {
    let first = Bytes::from(text[..text.len() / 2].to_vec());
    let pieces = [Ok(Frame::data(first)), Err(io::Error::other("cut by a planted fault"))];
    StreamBody::new(futures::stream::iter(pieces)).boxed()
}

/// `["aaa…", "aaa…", …]`.
fn flood() -> Body {
    let piece = |number: usize| {
        let mut text = vec![b'a'; PIECE_OF_FLOOD];
        (text[0], text[1], text[PIECE_OF_FLOOD - 1]) = (if number == 0 { b'[' } else { b',' }, b'"', b'"');
        if number == 99 {
            text.push(b']');
        }
        Ok(Frame::data(Bytes::from(text)))
    };
    StreamBody::new(futures::stream::iter((0..100).map(piece))).boxed()
}
