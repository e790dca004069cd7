//! A fault proxy: it sits between the `tenantry` binary and a real server, reads the protocol far enough to count and
//! cut single requests, and does to a chosen one what a bad network or a bad server does.
//!
//! Tests take it in as a module and point the binary at [`Proxy::address`] instead of the server. What a second
//! run writes is then counted on the wire, not told by the program under test. The module needs feature `provision`.
//!
//! ```ignore
//! #[path = "wire/mod.rs"]
//! mod wire;
//! use wire::{At, Fault, Proxy};
//!
//! let proxy = Proxy::postgres(server);
//! let run = || apply(&document, "shop-postgres", proxy.address()); // the binary, its connection pointed at the proxy
//! assert!(run().status.success());
//! for request in proxy.requests().iter().filter(|request| request.can_suffer(&Fault::DropReply)) {
//!     start_over(server);
//!     proxy.reset();
//!     proxy.arm(At::nth(request.ordinal), Fault::DropReply);
//!     run();
//!     assert!(proxy.fired(), "{request:?}");
//!     run(); // one plain run heals
//!     proxy.reset();
//!     assert!(run().status.success());
//!     assert_eq!(proxy.writes(), [], "the run after that writes nothing");
//! }
//! ```
//!
//! ```text
//! proxy.rs       Proxy: a listener on loopback, its thread, what a test may ask and arm
//! connection.rs  one connection: read a request, suffer the fault or forward, pass the answer on
//! suffer.rs      what each fault does to a connection
//! shared.rs      what the connections of one proxy share
//! faults.rs      the faults, which request they hit, and the records
//! framing.rs     what each protocol must tell: where a request ends, what it is, where its answer ends
//! mysql.rs postgres.rs http.rs redis.rs     the four protocols
//! sql.rs sql_tokens.rs                      which statements write, and how they are shown without passwords
//! ```
//!
//! TLS is not read: tests use plain connections. Whatever the proxy does not understand is recorded as a write and the
//! connection reset, so that no test counts zero writes by mistake.

#![allow(dead_code, unused_imports, reason = "each test uses its part of the proxy")]

mod connection;
pub mod faults;
pub mod framing;
pub mod http;
pub mod mysql;
pub mod postgres;
mod proxy;
pub mod redis;
mod shared;
pub mod sql;
mod sql_tokens;
mod suffer;

pub use faults::{At, Fault, Request};
pub use framing::{Class, Protocol};
pub use http::{HttpRequest, usual_reads};
pub use proxy::Proxy;
