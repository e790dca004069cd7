//! What tenants' own credentials reach: their own resources, and nothing of anybody else.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{LocalBoxFuture, join_all};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Access, Trouble, TroubleKind, group::Group};
use crate::provision;

/// One resource, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The tenant.
    pub tenant: String,
    /// `group` or `group/item` of the tier file.
    pub id: String,
    /// Its name on the server.
    pub name: String,
}

/// A try whose outcome is not the wanted one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was tried.
    pub kind: provision::Kind,
    /// The connection.
    pub connection: String,
    /// Whose credential it was.
    pub credential: Named,
    /// What it was tried on.
    pub target: Named,
    /// What the server let it do, or why it is not known.
    pub message: String,
}

/// What came of all tries.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Matrix {
    /// Tries of a credential on its own resource that worked.
    pub own: usize,
    /// Tries on other tenants' resources that were refused.
    pub denied: usize,
    /// Other tenants' resources that a credential reaches.
    pub holes: Vec<Finding>,
    /// Own resources that a credential does not reach.
    pub locked_out: Vec<Finding>,
    /// Tries that gave no answer.
    pub unknown: Vec<Finding>,
    /// How many tries each pair of tenants had: credential → target → number.
    pub pairs: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Matrix {
    /// Adds one try.
    pub fn add(&mut self, finding: Finding, access: Result<Access, Trouble>) {
        let is_own = finding.credential == finding.target;
        let (from, to) = (finding.credential.tenant.clone(), finding.target.tenant.clone());
        *self.pairs.entry(from).or_default().entry(to).or_default() += 1;
        match (access, is_own) {
            (Ok(Access::Allowed(_)), true) => self.own += 1,
            (Ok(Access::Denied), false) => self.denied += 1,
            (Ok(Access::Allowed(message)), false) => self.holes.push(Finding { message, ..finding }),
            (Ok(Access::Denied), true) => {
                self.locked_out.push(Finding { message: "the server refuses its own tenant".to_owned(), ..finding });
            }
            // Its own credential opens nothing any more: no later try changes that.
            (Err(trouble), true) if trouble.kind() == TroubleKind::Credential => {
                self.locked_out.push(Finding { message: trouble.line(), ..finding });
            }
            (Err(trouble), _) => self.unknown.push(Finding { message: trouble.line(), ..finding }),
        }
    }

    fn merge(&mut self, other: Matrix) {
        let Matrix { own, denied, holes, locked_out, unknown, pairs } = other;
        self.own += own;
        self.denied += denied;
        self.holes.extend(holes);
        self.locked_out.extend(locked_out);
        self.unknown.extend(unknown);
        for (from, targets) in pairs {
            let row = self.pairs.entry(from).or_default();
            for (to, number) in targets {
                *row.entry(to).or_default() += number;
            }
        }
    }
}

/// What a group's tries come back as.
pub type Tries<'a> = LocalBoxFuture<'a, Matrix>;

/// Tries the credentials of `tenants` (all where it is empty) on their own and on all other tenants' resources.
pub async fn probe(groups: &mut [Box<dyn Group>], tenants: &BTreeSet<String>) -> Matrix {
    let mut matrix = Matrix::default();
    for found in join_all(groups.iter_mut().map(|group| group.probe(tenants))).await {
        matrix.merge(found);
    }
    matrix
}
