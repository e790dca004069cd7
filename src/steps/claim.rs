//! Claims: our ownership mark on an outside object, the tenant's name and uid.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::provision;

/// Whose object it is. The uid decides: a tenant that is made again under an old name is another tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// The tenant's name.
    pub tenant: String,
    /// The tenant's immutable uid.
    pub uid: String,
}

impl Claim {
    /// Reads a claim from a comment, a tag or a description; none where the text is something else.
    pub fn read(text: &str) -> Option<Self> {
        let (tenant, uid) = text.strip_prefix(provision::CLAIM_PREFIX)?.split_once(':')?;
        (!tenant.is_empty() && !uid.is_empty()).then(|| Self { tenant: tenant.to_owned(), uid: uid.to_owned() })
    }
}

/// The text that goes into a comment, a tag or a description: `tenantry:<tenant>:<uid>`.
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&provision::claim(&self.tenant, &self.uid))
    }
}

/// Whose an existing object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// It carries our claim.
    Ours,
    /// It carries another tenant's claim, or that of an earlier tenant of the same name.
    Another(Claim),
    /// It carries none.
    Unmarked,
}

impl Owner {
    /// Compares the text of an object with the claim that is wanted there.
    pub fn of(text: Option<&str>, claim: &Claim) -> Self {
        match text.and_then(Claim::read) {
            Some(found) if found.uid == claim.uid && found.tenant == claim.tenant => Owner::Ours,
            Some(found) => Owner::Another(found),
            None => Owner::Unmarked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(tenant: &str, uid: &str) -> Claim {
        Claim { tenant: tenant.to_owned(), uid: uid.to_owned() }
    }

    #[test]
    fn a_claim_reads_back() {
        let one = claim("abc-corporation-7f3a9c", "0192f0c1-0000-7000-8000-000000000001");
        assert_eq!(Claim::read(&one.to_string()), Some(one));
        for text in ["", "tenantry:", "tenantry::x", "tenantry:x:", "somebody's database"] {
            assert_eq!(Claim::read(text), None, "{text}");
        }
    }

    #[test]
    fn the_same_name_with_another_uid_is_another_tenant() {
        let one = claim("abc", "1");
        assert_eq!(Owner::of(Some("tenantry:abc:1"), &one), Owner::Ours);
        assert_eq!(Owner::of(Some("tenantry:abc:2"), &one), Owner::Another(claim("abc", "2")));
        assert_eq!(Owner::of(Some("tenantry:abd:1"), &one), Owner::Another(claim("abd", "1")));
        assert_eq!(Owner::of(Some("mine"), &one), Owner::Unmarked);
        assert_eq!(Owner::of(None, &one), Owner::Unmarked);
    }
}
