//! Hostile input: a corpus that the real program refuses within limits, and texts that stay texts in every report.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run programs, read fixtures and write files"
)]
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::print_stderr, clippy::unwrap_used)]

mod base;
mod case;
mod chance;
mod corpus;
mod fuzz;
mod growth;
mod limits;
mod made;
mod reports;
mod revisions;
mod tenants;
