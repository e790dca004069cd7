//! A server that knows some requests by their exact bytes, so it needs no framing of its own, and a client for it.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::{
    talks::{Talk, Turn},
    wire::{Protocol, Proxy, http::usual_reads},
};

/// How long a client waits for bytes that must come.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long one waits to see that none come.
const SHORT: Duration = Duration::from_millis(30);

/// Its threads end with their connections; the listener's ends with the test process.
pub struct Server {
    pub address: SocketAddr,
    /// Per connection all bytes that came.
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Server {
    pub fn start(talk: &Talk) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), received: Arc::default() };
        let (received, greeting, turns) = (Arc::clone(&server.received), talk.greeting.clone(), talk.turns());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (received, greeting, turns) = (Arc::clone(&received), greeting.clone(), turns.clone());
                let number = received.lock().unwrap().len();
                received.lock().unwrap().push(Vec::new());
                thread::spawn(move || answer(stream.unwrap(), &greeting, &turns, &received, number));
            }
        });
        server
    }

    /// How often this request arrived in full.
    pub fn count(&self, turn: &Turn) -> usize {
        let received = self.received.lock().unwrap();
        let windows = received.iter().flat_map(|bytes| bytes.windows(turn.request.len()));
        windows.filter(|window| *window == turn.request).count()
    }

    /// All bytes that came over the n-th connection, once no more come.
    pub fn received(&self, connection: usize) -> Vec<u8> {
        thread::sleep(SHORT);
        self.received.lock().unwrap()[connection].clone()
    }
}

fn answer(mut stream: TcpStream, greeting: &[u8], turns: &[Turn], received: &Mutex<Vec<Vec<u8>>>, number: usize) {
    if stream.write_all(greeting).is_err() {
        return;
    }
    let (mut waiting, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        waiting.extend_from_slice(&buffer[..count]);
        received.lock().unwrap()[number].extend_from_slice(&buffer[..count]);
        while let Some(turn) = turns.iter().find(|turn| waiting.starts_with(&turn.request)) {
            waiting.drain(..turn.request.len());
            if stream.write_all(&turn.answer).is_err() {
                return;
            }
        }
    }
}

/// What a client finds at the end of what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Closed,
    Reset,
    Silent,
}

/// A client of the proxy.
pub struct Client {
    stream: TcpStream,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Connects and logs in.
    pub fn log_in(proxy: &Proxy, talk: &Talk) -> Self {
        let mut client = Self::connect(proxy.address());
        client.expect(&talk.greeting);
        for turn in &talk.login {
            client.exchange(turn);
        }
        client
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads exactly these bytes.
    pub fn expect(&mut self, bytes: &[u8]) {
        assert_eq!(self.read(bytes.len()), bytes);
    }

    pub fn read(&mut self, len: usize) -> Vec<u8> {
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut got = vec![0; len];
        self.stream.read_exact(&mut got).unwrap();
        got
    }

    pub fn exchange(&mut self, turn: &Turn) {
        self.send(&turn.request);
        self.expect(&turn.answer);
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> (Vec<u8>, End) {
        self.listen(PATIENCE)
    }

    /// Everything that comes within a short time.
    pub fn listen_shortly(&mut self) -> (Vec<u8>, End) {
        self.listen(SHORT)
    }

    fn listen(&mut self, patience: Duration) -> (Vec<u8>, End) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match self.stream.read(&mut buffer).map_err(|error| error.kind()) {
                Ok(0) => return (got, End::Closed),
                Ok(count) => got.extend_from_slice(&buffer[..count]),
                Err(ErrorKind::ConnectionReset) => return (got, End::Reset),
                Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => return (got, End::Silent),
                Err(other) => panic!("{other}"),
            }
        }
    }

    pub fn give_up(self) {
        self.stream.shutdown(Shutdown::Both).unwrap();
    }
}

/// A proxy in front of a server.
pub fn proxy(talk: &Talk, server: &Server) -> Proxy {
    match talk.protocol {
        Protocol::Mysql => Proxy::mysql(server.address),
        Protocol::Postgres => Proxy::postgres(server.address),
        Protocol::Http => Proxy::http(server.address, usual_reads),
        Protocol::Redis => Proxy::redis(server.address),
    }
}
