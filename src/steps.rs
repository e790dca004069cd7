//! The steps stage: what is wanted and what was seen → the steps that lead from one to the other. Pure: no client, no
//! async, no clock.
//!
//! One file per kind of outside resource, each with what an observer reports (`Seen`), what a performer may do
//! (`Action`: one write to one server), and `decide` between them. The engine loops: observe, decide, perform, observe
//! again; it is done when `decide` has nothing left. So a step needs no memory: after a crash at any point, or beside
//! another run, the next look tells what is missing.

pub mod bucket;
pub mod claim;
pub mod credential;
pub mod http;
pub mod mysql;
pub mod object_store_user;
pub mod order;
pub mod policy;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod refusal;
pub mod secret;
pub mod standing;

use std::{collections::BTreeSet, fmt};

use claim::Claim;
pub use refusal::Refusal;
use serde::Serialize;
pub use standing::Standing;

use crate::provision::{self, Wanted};

/// One kind of outside resource: the types and the pure decisions that observers and performers share.
pub trait Kind: Sized + 'static {
    /// Which kind it is.
    const KIND: provision::Kind;
    /// The wanted settings.
    type Spec: Clone + fmt::Debug + 'static;
    /// What an observer found on the server, complete enough to decide.
    type Seen: Clone + fmt::Debug + PartialEq;
    /// One write to one server.
    type Action: Action;

    /// Returns what leads from `seen` to what is wanted, in order; nothing where all is well.
    ///
    /// # Errors
    /// The resource is not ours, or what is wanted cannot be reached without a permission that `allow` lacks. Then
    /// nothing of the tenant is changed.
    fn decide(asked: Asked<'_, Self::Spec>, seen: &Self::Seen, allow: &Allow) -> Result<Vec<Self::Action>, Refusal>;

    /// Returns what removes the resource, in order: first what stops it from being used, then what holds its data.
    ///
    /// # Errors
    /// The resource is not ours.
    fn destroy(asked: Asked<'_, Self::Spec>, seen: &Self::Seen) -> Result<Vec<Self::Action>, Refusal>;

    /// Returns what takes back an action of this very run, in order, where that loses nothing that the run did not put
    /// there.
    ///
    /// An undoing of something that can hold data must itself demand emptiness of the server. One that makes what is there
    /// already counts as done.
    fn undo(action: &Self::Action) -> Vec<Self::Action>;

    /// Returns whether what these actions bring or take away may be what another run is about to store. Then only the
    /// run that has taken the entry last may do them and store what comes of them; any other one looks again.
    fn is_contested(_: &[Self::Action]) -> bool {
        false
    }

    /// Returns whether these actions make what answers that are stored do not speak of: those go from the entry first.
    fn makes_anew(_: &[Self::Action]) -> bool {
        false
    }

    /// Returns whether anything of the resource is there at all.
    fn exists(asked: Asked<'_, Self::Spec>, seen: &Self::Seen) -> bool;
}

/// What one decision is about.
#[derive(Debug)]
pub struct Asked<'a, S> {
    /// The resource as the document wants it.
    pub wanted: &'a Wanted<S>,
    /// Who asks: the tenant that owns it.
    pub claim: &'a Claim,
    /// Whether its credential has been stored before: then it was made once, and is gone if it is not there.
    pub stored: bool,
}

// Not derived: a derive would ask for `S: Copy`.
impl<S> Clone for Asked<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Asked<'_, S> {}

/// One write to one server. Its text is what `plan` and `apply` both show, and never holds a credential.
pub trait Action: Clone + fmt::Debug + fmt::Display + PartialEq + Serialize {
    /// Returns what it does to the resource.
    fn verb(&self) -> Verb;

    /// Returns the stable kebab-case name: failpoints and reports use it.
    fn name(&self) -> &'static str;
}

/// What a step does to its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// Makes something that was not there.
    Create,
    /// Changes something that is there.
    Change,
    /// Takes something away.
    Remove,
}

impl Verb {
    /// Returns the word.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Change => "change",
            Verb::Remove => "remove",
        }
    }
}

/// What the person who started the run allows beyond the ordinary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    /// Resources that are taken over though they carry no claim of ours: kind and name on the server.
    pub adopt: BTreeSet<(provision::Kind, String)>,
    /// Whether what cannot be changed may be deleted and made anew, with what it holds.
    pub replace: bool,
}

impl Allow {
    /// Returns whether a resource may be taken over.
    pub fn adopts(&self, kind: provision::Kind, name: &str) -> bool {
        self.adopt.iter().any(|(of, called)| *of == kind && called == name)
    }
}
