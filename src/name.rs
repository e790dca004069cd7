//! Names: what may be called what, in every system that a tenant's resources live in.
//!
//! A tenant or item name is made of lower-case letters, digits and single hyphens. A [`Pattern`] joins them with
//! literals that neither can hold, so that no two tenants can ever get one name: see [`pattern`] for the argument.

pub mod mysql;
pub mod object;
pub mod pattern;
pub mod slug;
pub mod target;

use std::{fmt, str::FromStr};

pub use pattern::{Pattern, PatternFault};
pub use target::Target;

/// The most characters of a tenant or item name: leaves room for a prefix in a 53-character Helm release.
pub const MAX_LENGTH: usize = 30;

/// Why a text is no tenant, tier, service or item name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It is empty.
    #[error("a name must not be empty")]
    Empty,
    /// It has more than [`MAX_LENGTH`] characters; holds how many.
    #[error("a name has at most {MAX_LENGTH} characters, this one has {0}")]
    TooLong(usize),
    /// It does not start with a lower-case letter.
    #[error("a name starts with a lower-case letter, not with `{}`", .0.escape_debug())]
    Start(char),
    /// It holds a character that no name may hold.
    #[error("a name holds only lower-case letters, digits and hyphens, not `{}`", .0.escape_debug())]
    Character(char),
    /// It ends with a hyphen.
    #[error("a name does not end with a hyphen")]
    End,
    /// It holds two hyphens in a row, which separate the parts of longer names.
    #[error("a name does not hold two hyphens in a row")]
    DoubleHyphen,
}

fn fault(text: &str) -> Option<NameFault> {
    let Some(first) = text.chars().next() else { return Some(NameFault::Empty) };
    if let Some(bad) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        return Some(NameFault::Character(bad));
    }
    if !first.is_ascii_lowercase() {
        return Some(NameFault::Start(first));
    }
    if text.len() > MAX_LENGTH {
        return Some(NameFault::TooLong(text.len()));
    }
    if text.ends_with('-') {
        return Some(NameFault::End);
    }
    text.contains("--").then_some(NameFault::DoubleHyphen)
}

/// Declares a checked name type.
macro_rules! names {
    ($($(#[$doc:meta])+ $name:ident)+) => { $(
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameFault;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match fault(text) {
                    Some(fault) => Err(fault),
                    None => Ok(Self(text.to_owned())),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameFault;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                match fault(&text) {
                    Some(fault) => Err(fault),
                    None => Ok(Self(text)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+ };
}

names! {
    /// The name of a tenant: the name of its file, and a part of every name that it gets elsewhere.
    TenantName
    /// The name of a tier.
    TierName
    /// The name of a service, or of one item of a provision group.
    ItemName
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_accepted_and_refused() {
        for good in ["a", "abc-corporation-7f3a9c", "a1", "a-b-c", &"a".repeat(30)] {
            assert!(good.parse::<TenantName>().is_ok(), "{good}");
        }
        for (bad, fault) in [
            ("", NameFault::Empty),
            ("A", NameFault::Character('A')),
            ("a_b", NameFault::Character('_')),
            ("7abc", NameFault::Start('7')),
            ("-abc", NameFault::Start('-')),
            ("abc-", NameFault::End),
            ("a--b", NameFault::DoubleHyphen),
            ("../../argocd", NameFault::Character('.')),
            ("аbc", NameFault::Character('а')),
            (&"a".repeat(31), NameFault::TooLong(31)),
        ] {
            assert_eq!(bad.parse::<TenantName>().unwrap_err(), fault, "{bad}");
        }
    }
}
