//! What a service must offer for a kind: a reader, a writer, and one that tries what a tenant's credential can reach.

use std::collections::BTreeMap;

use super::{Entry, Secret, Trouble};
use crate::{
    provision::Wanted,
    steps::{Asked, Kind},
};

/// A resource to be looked at or worked on, with its credential where that is known.
#[derive(Debug)]
pub struct Look<'a, S> {
    /// The resource, its owner, and whether its credential was stored before.
    pub asked: Asked<'a, S>,
    /// The stored credential. Without it an observer cannot, and shall not, prove a login.
    pub entry: Option<&'a Entry>,
}

// Not derived: a derive would ask for `S: Copy`.
impl<S> Clone for Look<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Look<'_, S> {}

impl<'a, S> Look<'a, S> {
    /// Returns the resource as the document wants it.
    pub fn wanted(&self) -> &'a Wanted<S> {
        self.asked.wanted
    }
}

/// Reads. An implementation has no way to write.
#[allow(async_fn_in_trait, reason = "everything runs on one thread; nobody asks for `Send`")]
pub trait Observe<K: Kind> {
    /// Looks at resources of one connection, in as few requests as the server allows, and answers in their order.
    async fn observe(&self, looks: &[Look<'_, K::Spec>]) -> Vec<Result<K::Seen, Trouble>>;
}

/// Values that an answer brought and that must be stored before anything else is done: field → value.
pub type Answers = BTreeMap<String, Secret>;

/// Writes. An implementation does what the action says and decides nothing.
#[allow(async_fn_in_trait, reason = "everything runs on one thread; nobody asks for `Send`")]
pub trait Perform<K: Kind> {
    /// Performs one action: one write to one server.
    ///
    /// # Errors
    /// What the server says. "Already there" and "not there any more" are errors too: the engine looks again.
    async fn perform(&self, look: Look<'_, K::Spec>, action: &K::Action) -> Result<Answers, Trouble>;
}

/// Tries what a tenant's own credential can reach.
#[allow(async_fn_in_trait, reason = "everything runs on one thread; nobody asks for `Send`")]
pub trait Probe<K: Kind> {
    /// Logs in with the credential of `own` and tries each target in turn, reading and writing what leaves no trace.
    ///
    /// The first target is `own` itself. Nothing is answered by kinds whose credentials open no server.
    ///
    /// # Errors
    /// The login itself failed.
    async fn probe(
        &self,
        own: Look<'_, K::Spec>,
        targets: &[&Wanted<K::Spec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble>;
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The server let it in; what was done.
    Allowed(String),
    /// The server said no.
    Denied,
}
