//! The engine (feature `provision`): makes outside systems match provision documents.
//!
//! ```text
//! documents ─open→ groups of resources, one per kind and connection
//!     ┌→ observe (bulk reads) ─→ decide (pure, see `steps`) ─→ perform (one write a step) ─┐
//!     └────────────────────────── until nothing is left to decide ←───────────────────────┘
//! ```
//!
//! Observers read and cannot write; performers write what a decision says and choose nothing. The stand-ins of
//! [`sandbox`] sit behind the same two traits, so the loop, the decisions and the reports are the same for all.
//! Nothing in the loop itself needs a runtime, a clock or a socket: those belong to the clients of the services.

pub mod clocks;
pub mod connections;
pub mod entry;
pub mod gate;
pub mod group;
pub mod http;
pub mod isolation;
pub mod kinds;
pub mod listing;
mod member;
pub mod mysql;
pub mod object_store;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod service;
pub mod store;
pub mod stores;
pub mod tls;
pub mod trouble;
pub mod web;
pub mod within;

pub(crate) use crate::points;
pub use entry::{Entry, Secret};
pub use run::{Purpose, Settings};
pub use service::{Access, Look, Observe, Perform, Probe};
pub use trouble::{Trouble, TroubleKind};

#[cfg(test)]
mod tests;
