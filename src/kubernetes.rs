//! Kubernetes objects, as plain JSON values: what they are called, whether the API server takes them, and whether they fit.
//!
//! Everything here is pure and knows no cluster. Schemas of the built-in kinds and of common custom resources are embedded; they are made by
//! `tools/kubernetes-schemas` and lie in `schemas/kubernetes/`.

mod arena;
mod bounds;
mod compile;
mod dialect;
mod fault;
pub mod fit;
mod identity;
mod metadata;
pub mod names;
pub mod network;
mod quantity;
pub mod releases;
mod retired;
mod rules;
mod schemas;
pub(crate) mod unfolding;
#[cfg(test)]
mod tests;
mod validate;
mod words;

pub use compile::SchemaError;
pub use fault::{Fault, FaultKind};
pub use identity::{IdentityFault, ObjectId};
pub use quantity::{Quantity, QuantityError};
pub use retired::{Retirement, retirement};
pub use rules::is_schedule;
pub use schemas::{DefinitionError, KindInfo, Schemas};
