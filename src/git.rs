//! The git edge (feature `git`): revisions in, one commit out, on the object database alone.
//!
//! Nothing is ever checked out, no hook and no filter ever runs, and neither work tree nor index is touched. Fetch and
//! push go through the `git` program, so that a user's credential helpers, SSH settings and proxies hold.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the git edge: locks, packs and child processes"
)]

mod answer;
mod credentials;
mod error;
pub mod follow;
mod held;
pub mod lineage;
mod lock;
mod objects;
pub mod origin;
mod pack;
mod program;
pub mod read;
pub mod remote;
mod repository;
pub mod sign;
pub mod start;
mod store;
mod words;
pub mod write;

pub use credentials::Token;
pub use error::GitError;
pub use held::Held;
pub use repository::{ObjectId, Repository};

/// The folders of a rendered revision that tenantry writes; whatever else lies there is kept and never read.
pub const OUTPUT_FOLDERS: [&str; 2] = ["argocd", "tenants"];
