//! Values of credentials: the only types that hold them. They have no `Display`, no `Serialize`, and a `Debug` that
//! tells nothing.

use std::{collections::BTreeMap, fmt};

use secrecy::{ExposeSecret, SecretString};

use super::{Trouble, TroubleKind, points};
use crate::{
    provision::secret::{SecretField, SecretRef},
    steps::{
        claim::Claim,
        credential::{self, CLAIM_FIELD, Fixed, Seen},
    },
};

/// One secret text.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the text, for the one call that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns a new random text of letters and digits: 5.95 bits a character.
    ///
    /// # Errors
    /// The machine gives no random numbers.
    pub fn random(length: u16) -> Result<Self, Trouble> {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        // Bytes from 248 on would make the first eight characters likelier than the others.
        const EVEN: u8 = 248;
        let mut text = String::with_capacity(usize::from(length));
        let mut bytes = [0_u8; 64];
        while text.len() < usize::from(length) {
            getrandom::fill(&mut bytes).map_err(|error| {
                Trouble::new(TroubleKind::Setup, "failed to get random numbers").because(error.to_string())
            })?;
            let fair = bytes.iter().filter(|byte| **byte < EVEN);
            let missing = usize::from(length) - text.len();
            text.extend(fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])).take(missing));
        }
        Ok(Self::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// An entry of the secret store.
#[derive(Debug, Clone)]
pub struct Entry {
    fields: BTreeMap<String, Secret>,
    /// The store's word for this state of the entry: a change is made only over the version that was read.
    pub version: String,
}

impl Entry {
    /// Returns an entry as a store holds it.
    pub fn new(fields: BTreeMap<String, Secret>, version: impl Into<String>) -> Self {
        Self { fields, version: version.into() }
    }

    /// Returns a field.
    pub fn get(&self, field: &str) -> Option<&Secret> {
        self.fields.get(field)
    }

    /// Returns a field that the kind cannot do without.
    ///
    /// # Errors
    /// It is not there: somebody wrote the entry by hand.
    pub fn need(&self, field: &str) -> Result<&Secret, Trouble> {
        self.get(field)
            .ok_or_else(|| Trouble::new(TroubleKind::Setup, format!("the stored credential has no field `{field}`")))
    }

    /// Returns all fields.
    pub fn fields(&self) -> &BTreeMap<String, Secret> {
        &self.fields
    }

    /// Returns how the entry stands against what is wanted.
    pub fn compare(&self, wanted: &SecretRef, claim: &Claim) -> Seen {
        credential::compare(wanted, claim, |field| self.get(field).map(|secret| Fixed(secret.expose())))
    }

    /// Returns the fields with what is missing made, fixed texts and the claim corrected and `answers` added; what else
    /// is there stays.
    ///
    /// # Errors
    /// The machine gives no random numbers.
    pub fn completed(
        existing: Option<&Entry>,
        wanted: &SecretRef,
        claim: &Claim,
        make: fn(u16) -> Result<Secret, Trouble>,
        answers: &BTreeMap<String, Secret>,
    ) -> Result<BTreeMap<String, Secret>, Trouble> {
        let mut fields = existing.map(|entry| entry.fields.clone()).unwrap_or_default();
        fields.insert(CLAIM_FIELD.to_owned(), Secret::new(claim.to_string()));
        for (name, field) in &wanted.fields {
            match field {
                SecretField::Value(text) => drop(fields.insert(name.clone(), Secret::new(text.as_str()))),
                SecretField::Generated(length)
                    if !fields.contains_key(name) || points::planted("password-regenerated") =>
                {
                    fields.insert(name.clone(), make(*length)?);
                }
                SecretField::Generated(_) | SecretField::Answer(_) => {}
            }
        }
        for (name, answer) in answers {
            fields.entry(name.clone()).or_insert_with(|| answer.clone());
        }
        Ok(fields)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_secret() {
        let entry = Entry::new(BTreeMap::from([("password".to_owned(), Secret::new("canary-4711"))]), "1");
        assert!(!format!("{entry:?}").contains("canary"));
    }

    #[test]
    fn random_texts_have_their_length_and_differ() {
        let (one, other) = (Secret::random(40).unwrap(), Secret::random(40).unwrap());
        assert_eq!(one.expose().len(), 40);
        assert_ne!(one.expose(), other.expose());
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn completing_keeps_what_was_made() {
        let wanted = SecretRef {
            store: "s".to_owned(),
            key: "k".to_owned(),
            fields: BTreeMap::from([
                ("password".to_owned(), SecretField::Generated(32)),
                ("host".to_owned(), SecretField::Value("new".to_owned())),
            ]),
        };
        let held = BTreeMap::from([("password".to_owned(), Secret::new("p")), ("host".to_owned(), Secret::new("old"))]);
        let claim = Claim { tenant: "a".to_owned(), uid: "1".to_owned() };
        let held = Entry::new(held, "1");
        let fields = Entry::completed(Some(&held), &wanted, &claim, Secret::random, &BTreeMap::new()).unwrap();
        assert_eq!((fields["password"].expose(), fields["host"].expose()), ("p", "new"));
    }
}
