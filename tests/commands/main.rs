//! The commands as a person runs them: the real binary, a real repository, a cleared environment.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make estates and run programs")]

mod bad_input;
mod browser;
mod check;
mod commit;
mod diff;
mod estate;
mod explain;
mod incremental;
mod init;
mod integrations;
mod provision;
mod quickstart;
mod render;
mod reports;
mod tenant;
