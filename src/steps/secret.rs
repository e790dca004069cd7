//! `secret`: an entry of the secret store that belongs to no service. Its credential is all there is.

use std::fmt;

use serde::Serialize;

use super::{Action, Allow, Asked, Kind, Refusal, Verb};
use crate::provision::{self, secret::SecretSpec};

/// The kind `secret`.
#[derive(Debug)]
pub struct PlainSecret;

/// There is nothing to do on any server: [`super::credential`] does it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Nothing {}

impl fmt::Display for Nothing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Action for Nothing {
    fn verb(&self) -> Verb {
        match *self {}
    }

    fn name(&self) -> &'static str {
        match *self {}
    }
}

impl Kind for PlainSecret {
    const KIND: provision::Kind = provision::Kind::Secret;
    type Spec = SecretSpec;
    type Seen = ();
    type Action = Nothing;

    fn decide(_: Asked<'_, SecretSpec>, (): &(), _: &Allow) -> Result<Vec<Nothing>, Refusal> {
        Ok(Vec::new())
    }

    fn destroy(_: Asked<'_, SecretSpec>, (): &()) -> Result<Vec<Nothing>, Refusal> {
        Ok(Vec::new())
    }

    fn undo(action: &Nothing) -> Vec<Nothing> {
        match *action {}
    }

    /// The entry is the resource.
    fn exists(asked: Asked<'_, SecretSpec>, (): &()) -> bool {
        asked.stored
    }
}
