//! The secret stores, one file each, and the kind `secret`, which needs nothing but a store.

pub mod aws;
pub mod directory;
pub mod kubernetes;
pub mod vault;

use super::{Access, Look, Observe, Perform, Probe, Trouble, service::Answers};
use crate::{
    provision::{Wanted, secret::SecretSpec},
    steps::secret::{Nothing, PlainSecret},
};

/// The server of the kind `secret`: there is none beside the store.
#[derive(Debug, Clone, Copy)]
pub struct NoServer;

impl Observe<PlainSecret> for NoServer {
    async fn observe(&self, looks: &[Look<'_, SecretSpec>]) -> Vec<Result<(), Trouble>> {
        looks.iter().map(|_| Ok(())).collect()
    }
}

impl Perform<PlainSecret> for NoServer {
    async fn perform(&self, _: Look<'_, SecretSpec>, action: &Nothing) -> Result<Answers, Trouble> {
        match *action {}
    }
}

/// Nothing is tried: an entry opens nothing that tenantry knows of.
impl Probe<PlainSecret> for NoServer {
    async fn probe(
        &self,
        _: Look<'_, SecretSpec>,
        _: &[&Wanted<SecretSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        Ok(Vec::new())
    }
}
