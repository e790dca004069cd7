//! `httpResource`: requests as a document declares them, to a JSON API.
//!
//! Reads are tried three times; a write is sent once, and the loop looks before it decides to send another. A POST
//! whose outcome is not known is not sent again in the same run unless the server itself, or an idempotency key, keeps
//! it from making a second object. `Retry-After` is heeded by all further requests on the connection.

mod observe;
mod perform;
mod probe;
mod request;
mod search;
mod server;

pub use observe::{Observer, awaited, owner_by_ledger};
pub use perform::Performer;
pub use probe::Prober;
pub use server::{Authentication, Server};
