//! The credential of a resource: an entry of the secret store, written before any service hears of it.
//!
//! The order is what keeps passwords: store first (only if the key is free), then set in the service what is stored,
//! then prove it by a login. Whoever crashes, or loses a race, finds the stored value again.

use std::fmt;

use serde::Serialize;

use super::{Action, Verb};
use crate::provision::secret::{SecretField, SecretRef};

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
    /// The entry was deleted, but its versions are kept: what it held may still be in use.
    Deleted,
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
    /// Add what is missing and correct fixed texts, only over the version that was seen. A generated value that is
    /// there is never made again.
    Complete {
        /// The key.
        key: String,
        /// The fields that are added or corrected.
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
            CredentialAction::Complete { .. } => Verb::Change,
            CredentialAction::Forget { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            CredentialAction::Store { .. } => "store-credential",
            CredentialAction::Complete { .. } => "complete-credential",
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
            CredentialAction::Forget { key } => write!(f, "delete the credential at `{key}`"),
        }
    }
}

/// Returns what the secret store needs before the resource is touched.
///
/// # Errors
/// The key was deleted softly: nobody can tell whether its password is in use, and a new one would lock tenants out.
pub fn decide(secret: Option<&SecretRef>, seen: &Seen) -> Result<Vec<CredentialAction>, super::Refusal> {
    let Some(secret) = secret else { return Ok(Vec::new()) };
    let key = secret.key.clone();
    Ok(match seen {
        Seen::NotWanted => Vec::new(),
        Seen::Absent => vec![CredentialAction::Store { key }],
        Seen::Present { missing, stale, awaited: _ } => {
            let fields: Vec<String> = missing.iter().chain(stale).cloned().collect();
            if fields.is_empty() { Vec::new() } else { vec![CredentialAction::Complete { key, fields }] }
        }
        Seen::Deleted => {
            return Err(super::Refusal::Impossible {
                what: format!("the credential at `{key}` was deleted, and its old versions are kept"),
                help: "undelete it in the secret store, or destroy all its versions to have a new one made".to_owned(),
            });
        }
    })
}

/// Returns what is to be said of an entry whose fields, and the fixed texts among them, are `present`.
pub fn compare<'f>(secret: &SecretRef, present: impl Fn(&str) -> Option<Fixed<'f>>) -> Seen {
    let (mut missing, mut stale, mut awaited) = (Vec::new(), Vec::new(), Vec::new());
    for (name, field) in &secret.fields {
        match (field, present(name)) {
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

    #[test]
    fn a_stored_password_is_never_made_again() {
        let held = BTreeMap::from([("host", "db"), ("password", "x")]);
        let seen = compare(&secret(), |name| held.get(name).map(|text| Fixed(text)));
        assert_eq!(seen, Seen::Present { missing: vec![], stale: vec![], awaited: vec!["token".to_owned()] });
        assert_eq!(decide(Some(&secret()), &seen), Ok(vec![]));
    }

    #[test]
    fn a_host_that_moved_is_corrected_beside_the_password() {
        let held = BTreeMap::from([("host", "old"), ("password", "x")]);
        let seen = compare(&secret(), |name| held.get(name).map(|text| Fixed(text)));
        let key = "tenants/a/b".to_owned();
        assert_eq!(
            decide(Some(&secret()), &seen),
            Ok(vec![CredentialAction::Complete { key, fields: vec!["host".to_owned()] }])
        );
    }

    #[test]
    fn a_deleted_entry_is_no_free_key() {
        assert!(decide(Some(&secret()), &Seen::Deleted).is_err());
        assert_eq!(decide(Some(&secret()), &Seen::Absent).unwrap().len(), 1);
    }
}
