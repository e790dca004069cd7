//! Why a resource is left alone, and with it everything of its tenant.

use super::claim::{Claim, Owner};
use crate::provision::{Kind, Wanted};

/// Why nothing is done. Each has one remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The object is there and carries no claim.
    #[error("{kind} `{name}` exists and carries no claim of tenantry", kind = kind.name())]
    Unmarked {
        /// What it is.
        kind: Kind,
        /// Its name on the server.
        name: String,
    },
    /// The object carries another tenant's claim.
    #[error("{kind} `{name}` belongs to tenant `{tenant}` (uid {uid})", kind = kind.name(), tenant = owner.tenant, uid = owner.uid)]
    Another {
        /// What it is.
        kind: Kind,
        /// Its name on the server.
        name: String,
        /// Whose it is.
        owner: Claim,
    },
    /// What is there cannot be changed into what is wanted without losing what it holds.
    #[error("{what} cannot be changed in place: {difference}")]
    Replacement {
        /// What it is, for example "queue `orders`".
        what: String,
        /// What differs, from → to.
        difference: String,
    },
    /// The server cannot do, or may not be asked to do, what the document wants.
    #[error("{what}")]
    Impossible {
        /// What is wanted, and why it cannot be had.
        what: String,
        /// What to do about it.
        help: String,
    },
}

impl Refusal {
    /// Returns why an object is not ours to touch; none where it is, or may be taken over.
    pub fn of<S>(owner: &Owner, kind: Kind, wanted: &Wanted<S>, adopts: bool) -> Option<Self> {
        let name = wanted.name.clone();
        match owner {
            Owner::Ours => None,
            Owner::Unmarked | Owner::Another(_) if adopts => None,
            Owner::Unmarked => Some(Refusal::Unmarked { kind, name }),
            Owner::Another(owner) => Some(Refusal::Another { kind, name, owner: owner.clone() }),
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match self {
            Refusal::Unmarked { kind, name } => {
                format!("look at what it holds; `--adopt {}/{name}` takes it over", kind.name())
            }
            Refusal::Another { kind, name, .. } => format!(
                "a tenant that was made again is a new tenant: remove the old one's resources first, \
                 or take this one over with `--adopt {}/{name}`",
                kind.name()
            ),
            Refusal::Replacement { .. } => {
                "empty it and remove it by hand, or let `--dangerous-replace` delete it with what it holds".to_owned()
            }
            Refusal::Impossible { help, .. } => help.clone(),
        }
    }
}
