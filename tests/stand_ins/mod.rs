//! Declared servers: small honest stand-ins for the JSON APIs that an `httpResource` talks to.
//!
//! Each keeps its objects in memory and answers as the real system is documented to, refusals included. A test starts
//! one on a free port of loopback, talks to it with any client, reads its state directly ([`Server::with`], which is
//! the oracle, and how foreign objects come in), counts what went over the wire, and plants faults.

#![allow(dead_code, unused_imports, reason = "each test target uses the servers and the questions that it needs")]
#![allow(clippy::unwrap_used, reason = "a stand-in is part of a test")]

mod fault;
mod message;
mod server;

pub mod cloudflare;
pub mod grafana;
pub mod neon;
pub mod nginx_proxy_manager;
pub mod websites;

pub use fault::{Fault, On};
pub use message::{Answer, Request};
pub use server::{Api, Logged, Server};
