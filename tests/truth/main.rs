//! Whether `verify` tells the truth: the same objects before the real API server, its controllers and its quotas.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests run programs, read clocks and files"
)]

mod admission;
mod cases;
mod flagship;
mod mutations;
mod seeds;
mod server;
mod stricter;
