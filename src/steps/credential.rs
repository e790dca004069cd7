//! The credential of a resource: an entry of the secret store, written before any service hears of it.
//!
//! The order is what keeps passwords: store first (only if the key is free), then set in the service what is stored,
//! then prove it by a login. Whoever crashes, or loses a race, finds the stored value again.

use std::fmt;

use serde::Serialize;

use super::{
    Action, Allow, Refusal, Verb,
    claim::{Claim, Owner},
};
use crate::provision::{
    Kind,
    secret::{SecretField, SecretRef},
};

/// The field of every entry that is its claim: it is written with the values, so no store needs a second call for it.
pub const CLAIM_FIELD: &str = "tenantry-claim";

/// The field that changes whenever a run takes an entry, so that an entry which was read before cannot be replaced.
pub const TURN_FIELD: &str = "tenantry-turn";

/// What the secret store has for a resource. Values do not come here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seen {
    /// The resource has no credential.
    #[default]
    NotWanted,
    /// The key is free.
    Absent,
    /// An entry is there.
    Present {
        /// Fields that are missing and can be made now: generated ones and fixed texts.
        missing: Vec<String>,
        /// Fixed texts that differ from what is wanted.
        stale: Vec<String>,
        /// Fields that come from an answer which has not been had yet.
        awaited: Vec<String>,
    },
    /// An entry is there that carries another tenant's claim, or that of an earlier tenant of the same name.
    Another(Claim),
    /// The entry was deleted, but its versions are kept: what it held may still be in use.
    Deleted,
}

impl Seen {
    /// An entry that lacks nothing.
    pub const COMPLETE: Self = Self::Present { missing: Vec::new(), stale: Vec::new(), awaited: Vec::new() };
}

/// One write to the secret store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum CredentialAction {
    /// Make the values and write them, only if the key is free.
    Store {
        /// The key.
        key: String,
    },
    /// Add what is missing (the claim, too) and correct fixed texts, only over the version that was seen. A generated
    /// value that is there is never made again: whoever wrote it by hand gave it.
    Complete {
        /// The key.
        key: String,
        /// The fields that are added or corrected.
        fields: Vec<String>,
    },
    /// Change the entry so that no run which has read it before can replace it.
    Take {
        /// The key.
        key: String,
    },
    /// Take out of the entry what answers brought that speak of something which is gone.
    Renew {
        /// The key.
        key: String,
        /// The fields.
        fields: Vec<String>,
    },
    /// Take the entry away, at the very end of a removal.
    Forget {
        /// The key.
        key: String,
    },
}

impl Action for CredentialAction {
    fn verb(&self) -> Verb {
        match self {
            CredentialAction::Store { .. } => Verb::Create,
            CredentialAction::Complete { .. } | CredentialAction::Take { .. } | CredentialAction::Renew { .. } => {
                Verb::Change
            }
            CredentialAction::Forget { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            CredentialAction::Store { .. } => "store-credential",
            CredentialAction::Complete { .. } => "complete-credential",
            CredentialAction::Take { .. } => "take-credential",
            CredentialAction::Renew { .. } => "renew-credential",
            CredentialAction::Forget { .. } => "forget-credential",
        }
    }
}

impl fmt::Display for CredentialAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialAction::Store { key } => write!(f, "store a new credential at `{key}`"),
            CredentialAction::Complete { key, fields } => {
                write!(f, "complete the credential at `{key}`: {}", fields.join(", "))
            }
            CredentialAction::Take { key } => {
                write!(f, "take the credential at `{key}`: no other run may store an answer there now")
            }
            CredentialAction::Renew { key, fields } => {
                write!(f, "take out of the credential at `{key}` what is gone: {}", fields.join(", "))
            }
            CredentialAction::Forget { key } => write!(f, "delete the credential at `{key}`"),
        }
    }
}

/// Returns what the secret store needs before the resource is touched.
///
/// # Errors
/// The entry is another tenant's, or was deleted softly: nobody can tell whether its password is in use, and a new one
/// would lock tenants out.
pub fn decide(secret: Option<&SecretRef>, seen: &Seen, allow: &Allow) -> Result<Vec<CredentialAction>, Refusal> {
    let Some(secret) = secret else { return Ok(Vec::new()) };
    let key = secret.key.clone();
    Ok(match seen {
        Seen::NotWanted => Vec::new(),
        Seen::Absent => vec![CredentialAction::Store { key }],
        Seen::Present { missing, stale, awaited: _ } => {
            let fields: Vec<String> = missing.iter().chain(stale).cloned().collect();
            if fields.is_empty() { Vec::new() } else { vec![CredentialAction::Complete { key, fields }] }
        }
        Seen::Another(_) if allow.adopts(Kind::Secret, &key) => {
            vec![CredentialAction::Complete { key, fields: vec![CLAIM_FIELD.to_owned()] }]
        }
        Seen::Another(owner) => return Err(Refusal::Another { kind: Kind::Secret, name: key, owner: owner.clone() }),
        Seen::Deleted => {
            return Err(Refusal::Impossible {
                what: format!("the credential at `{key}` was deleted, and its old versions are kept"),
                help: "undelete it in the secret store, or destroy all its versions to have a new one made".to_owned(),
            });
        }
    })
}

/// Returns what is to be said of an entry, from its fields.
pub fn compare<'f>(secret: &SecretRef, claim: &Claim, field: impl Fn(&str) -> Option<Fixed<'f>>) -> Seen {
    let (mut missing, mut stale, mut awaited) = (Vec::new(), Vec::new(), Vec::new());
    match Owner::of(field(CLAIM_FIELD).map(|Fixed(text)| text), claim) {
        Owner::Ours => {}
        Owner::Another(owner) => return Seen::Another(owner),
        // Somebody gave it, under a key that is this tenant's alone.
        Owner::Unmarked => missing.push(CLAIM_FIELD.to_owned()),
    }
    for (name, wanted) in &secret.fields {
        match (wanted, field(name)) {
            (SecretField::Answer(_), None) => awaited.push(name.clone()),
            (SecretField::Value(_) | SecretField::Generated(_), None) => missing.push(name.clone()),
            (SecretField::Value(wanted), Some(Fixed(found))) if found != wanted => stale.push(name.clone()),
            (_, Some(_)) => {}
        }
    }
    Seen::Present { missing, stale, awaited }
}

/// The text of a stored field, for comparing it with a fixed text only.
#[derive(Clone, Copy)]
pub struct Fixed<'f>(pub &'f str);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn secret() -> SecretRef {
        let fields = BTreeMap::from([
            ("host".to_owned(), SecretField::Value("db".to_owned())),
            ("password".to_owned(), SecretField::Generated(32)),
            ("token".to_owned(), SecretField::Answer("/token".to_owned())),
        ]);
        SecretRef { store: "vault".to_owned(), key: "tenants/a/b".to_owned(), fields }
    }

    fn claim(uid: &str) -> Claim {
        Claim { tenant: "a".to_owned(), uid: uid.to_owned() }
    }

    fn decided(held: &[(&str, &str)]) -> Result<Vec<CredentialAction>, Refusal> {
        let held: BTreeMap<&str, &str> = held.iter().copied().collect();
        let seen = compare(&secret(), &claim("1"), |name| held.get(name).map(|text| Fixed(text)));
        decide(Some(&secret()), &seen, &Allow::default())
    }

    fn complete(fields: &[&str]) -> Vec<CredentialAction> {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        vec![CredentialAction::Complete { key: "tenants/a/b".to_owned(), fields }]
    }

    #[test]
    fn a_stored_password_is_never_made_again() {
        let held = [(CLAIM_FIELD, "tenantry:a:1"), ("host", "db"), ("password", "x")];
        assert_eq!(decided(&held), Ok(vec![]));
    }

    #[test]
    fn a_host_that_moved_is_corrected_beside_the_password() {
        let held = [(CLAIM_FIELD, "tenantry:a:1"), ("host", "old"), ("password", "x")];
        assert_eq!(decided(&held), Ok(complete(&["host"])));
    }

    #[test]
    fn what_was_given_by_hand_is_claimed() {
        assert_eq!(decided(&[("host", "db"), ("password", "given")]), Ok(complete(&[CLAIM_FIELD])));
    }

    #[test]
    fn an_earlier_tenants_password_is_not_taken_over() {
        let held = [(CLAIM_FIELD, "tenantry:a:2"), ("host", "db"), ("password", "x")];
        assert!(matches!(decided(&held), Err(Refusal::Another { owner, .. }) if owner == claim("2")));
    }

    #[test]
    fn a_deleted_entry_is_no_free_key() {
        let decide = |seen| decide(Some(&secret()), &seen, &Allow::default());
        assert!(decide(Seen::Deleted).is_err());
        assert_eq!(decide(Seen::Absent).map(|actions| actions.len()), Ok(1));
    }
}
