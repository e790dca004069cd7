//! The faults, which request each one hits, and what was recorded.

use std::time::Duration;

use super::framing::{Class, Frame, Protocol};

/// What happens to a request instead of being forwarded and answered. Other requests, and other connections, go on
/// untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both connections are closed in order (FIN); the server gets nothing of the request.
    CutBefore,
    /// The first so many bytes are forwarded, but never the last one; then both connections are reset.
    CutAfterBytes(usize),
    /// The server gets the request and answers; the client gets no byte of the answer, and both connections are closed.
    /// A request that is never answered is forwarded before the close.
    DropReply,
    /// Both connections are reset (RST); the server gets nothing of the request.
    Reset,
    /// The connection is half open: nothing is forwarded and nothing answered until [`Proxy::release`], after which the
    /// request goes its way, or until the client gives up.
    ///
    /// [`Proxy::release`]: super::Proxy::release
    Stall,
    /// The server gets the request and answers; the client waits for the answer until [`Proxy::release`] or until it
    /// gives up.
    ///
    /// [`Proxy::release`]: super::Proxy::release
    StallReply,
    /// The request waits so long before it is forwarded.
    Delay(Duration),
    /// Some bytes of the answer are changed, by the seed, then both connections are closed: nothing after noise can be
    /// trusted, and the client does not wait for bytes that a changed length promises.
    GarbleReply(u64),
    /// The client gets the first so many bytes of the answer, but never the last one; then both connections are closed.
    TruncateReply(usize),
    /// The server gets the request twice, one after the other; the client gets the first answer, after both. The copy
    /// of an HTTP request comes over a connection of its own.
    /// Handshakes, which come once, are not hit.
    DuplicateRequest,
    /// The proxy answers with this HTTP status.
    HttpStatus {
        /// Such as 429, 500, 503 or 409.
        code: u16,
        /// Seconds for `Retry-After`.
        retry_after: Option<u32>,
        /// Whether the server gets the request all the same, its own answer being lost.
        is_forwarded: bool,
    },
    /// The proxy answers 200 with a page of HTML; the server gets nothing of the request.
    HtmlPage,
}

impl Fault {
    /// Whether it is one of HTTP alone.
    pub fn is_for_http(&self) -> bool {
        matches!(self, Self::HttpStatus { .. } | Self::HtmlPage)
    }
}

/// Which request a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    nth: usize,
    class: Option<Class>,
    goes_on: bool,
}

impl At {
    /// The n-th request since the last reset, from 1, over all connections.
    pub fn nth(nth: usize) -> Self {
        assert!(nth > 0, "requests are counted from 1");
        Self { nth, class: None, goes_on: false }
    }

    /// The n-th request of a class.
    pub fn nth_of(class: Class, nth: usize) -> Self {
        Self { class: Some(class), ..Self::nth(nth) }
    }

    /// The n-th write.
    pub fn write(nth: usize) -> Self {
        Self::nth_of(Class::Write, nth)
    }

    /// This request and each such one after it.
    pub fn and_after(self) -> Self {
        Self { goes_on: true, ..self }
    }
}

/// One request that came through the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its protocol.
    pub protocol: Protocol,
    /// Its connection, from 1 since the proxy was started.
    pub connection: usize,
    /// Its place among all requests since the last reset, from 1.
    pub ordinal: usize,
    /// One line of at most 200 characters; passwords and hashes masked, values of binds and bodies left out.
    pub summary: String,
    /// What it does.
    pub class: Class,
    /// Whether the server answers it at all.
    pub is_answered: bool,
    /// Whether the server takes a second copy as a request like the first: false for handshakes.
    pub is_repeatable: bool,
    /// The fault that it really suffered.
    pub fault: Option<Fault>,
}

impl Request {
    /// Whether a fault armed for it would hit: where there is no answer none can be garbled, truncated or held back,
    /// and handshakes come once.
    pub fn can_suffer(&self, fault: &Fault) -> bool {
        match fault {
            Fault::GarbleReply(_) | Fault::TruncateReply(_) | Fault::StallReply => self.is_answered,
            Fault::DuplicateRequest => self.is_repeatable,
            Fault::HttpStatus { .. } | Fault::HtmlPage => self.protocol == Protocol::Http,
            Fault::CutBefore | Fault::CutAfterBytes(_) | Fault::DropReply => true,
            Fault::Reset | Fault::Stall | Fault::Delay(_) => true,
        }
    }
}

/// What was seen since the last reset, and what waits to happen.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Records of the requests, in order.
    pub requests: Vec<Request>,
    armed: Vec<Armed>,
    /// Grows at each reset, so that a request of before marks no record of after.
    epoch: usize,
}

#[derive(Debug)]
struct Armed {
    at: At,
    fault: Fault,
    /// Requests of its class so far.
    seen: usize,
    has_fired: bool,
}

/// A record, and the fault that is to hit it.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What shall happen.
    pub fault: Fault,
    epoch: usize,
    request: usize,
    armed: usize,
}

impl Ledger {
    /// Adds a fault.
    pub fn arm(&mut self, at: At, fault: Fault) {
        let seen = self.requests.iter().filter(|request| at.class.is_none_or(|class| class == request.class)).count();
        self.armed.push(Armed { at, fault, seen, has_fired: false });
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, ..Self::default() };
    }

    /// Whether faults are armed and each was really suffered.
    pub fn fired(&self) -> bool {
        !self.armed.is_empty() && self.armed.iter().all(|armed| armed.has_fired)
    }

    /// Records a request, and tells the fault for it: the first armed that fits and that it can suffer.
    pub fn record(&mut self, protocol: Protocol, connection: usize, frame: &Frame) -> Option<Chosen> {
        let request = self.requests.len();
        self.requests.push(Request {
            protocol,
            connection,
            ordinal: request + 1,
            summary: frame.summary.clone(),
            class: frame.class,
            is_answered: frame.is_answered,
            is_repeatable: frame.is_repeatable,
            fault: None,
        });
        let mut chosen = None;
        for (index, armed) in self.armed.iter_mut().enumerate() {
            if armed.at.class.is_some_and(|class| class != frame.class) {
                continue;
            }
            armed.seen += 1;
            let fits = armed.seen == armed.at.nth || armed.at.goes_on && armed.seen > armed.at.nth;
            if fits && chosen.is_none() && self.requests[request].can_suffer(&armed.fault) {
                chosen = Some(Chosen { fault: armed.fault.clone(), epoch: self.epoch, request, armed: index });
            }
        }
        chosen
    }

    /// Notes that a fault was really suffered.
    pub fn fire(&mut self, chosen: &Chosen) {
        if chosen.epoch == self.epoch {
            self.armed[chosen.armed].has_fired = true;
            self.requests[chosen.request].fault = Some(chosen.fault.clone());
        }
    }
}

/// The answer with a run of its bytes changed, by the seed: at least one, and each of them truly another byte.
pub fn garbled(mut answer: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut noise = Noise(seed);
    let len = answer.len().max(1) as u64;
    let start = (noise.next() % len) as usize;
    let count = 1 + (noise.next() % len.div_ceil(2)) as usize;
    for byte in answer.iter_mut().skip(start).take(count) {
        *byte ^= 1 + (noise.next() % 255) as u8;
    }
    answer
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}
