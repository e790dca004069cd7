//! A proxy between git and a server that does to a push what a bad network does. A push is known by the first bytes of its
//! pack, which no other request has.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What happens to a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection ends before the server has the push.
    CutBefore,
    /// The server has the push, its answer is lost.
    CutAfter,
    /// Nothing more comes or goes, and nobody hangs up.
    Stall,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    armed: Arc<Mutex<Option<Fault>>>,
    struck: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens in front of the server on `port`.
    pub(crate) fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let armed = Arc::new(Mutex::new(None));
        let struck = Arc::new(AtomicUsize::new(0));
        let shared = (armed.clone(), struck.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (armed, struck) = (shared.0.clone(), shared.1.clone());
                thread::spawn(move || connection(client, server, &armed, &struck));
            }
        });
        Self { port: own, armed, struck }
    }

    /// Lets the next push suffer; those after it do not.
    pub(crate) fn arm(&self, fault: Fault) {
        *self.armed.lock().unwrap() = Some(fault);
    }

    /// How many pushes have suffered.
    pub(crate) fn struck(&self) -> usize {
        self.struck.load(Ordering::SeqCst)
    }
}

/// Passes on what comes, until a push comes that shall suffer.
fn connection(client: TcpStream, server: TcpStream, armed: &Mutex<Option<Fault>>, struck: &AtomicUsize) {
    let fault = Arc::new(Mutex::new(None));
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let seen = fault.clone();
    let answers = thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from_server.read(&mut buffer) {
            let is_cut = seen.lock().unwrap().is_some();
            if !is_cut && to_client.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        // After a cut answer this is the end of the server's work.
        if *seen.lock().unwrap() != Some(Fault::Stall) {
            let _ = to_client.shutdown(Shutdown::Both);
        }
    });
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let mut tail = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from_client.read(&mut buffer) {
        tail.extend_from_slice(&buffer[..count]);
        let is_push = tail.windows(4).any(|bytes| bytes == b"PACK");
        tail.drain(..tail.len().saturating_sub(3));
        let next = if is_push && fault.lock().unwrap().is_none() { armed.lock().unwrap().take() } else { None };
        if next.is_some() {
            *fault.lock().unwrap() = next;
            struck.fetch_add(1, Ordering::SeqCst);
        }
        match *fault.lock().unwrap() {
            Some(Fault::CutBefore) => {
                let _ = client.shutdown(Shutdown::Both);
                break;
            }
            Some(Fault::Stall) => continue,
            Some(Fault::CutAfter) | None => {}
        }
        if to_server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ =
        server.shutdown(if *fault.lock().unwrap() == Some(Fault::CutAfter) { Shutdown::Write } else { Shutdown::Both });
    let _ = answers.join();
}
