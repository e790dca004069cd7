//! The reach of a change: whose part of the rendered tree can differ between two estates, so that only that is rendered.
//!
//! A tenant's part is made of its plan, and of what rendering and verifying take from the estate beside it. Plans are resolved on
//! both sides and compared: no list of what they depend on could be forgotten. The rest ([`Ground`]) is compared part by part.
//! Where in doubt a tenant counts as reached: that is only slower.

mod ground;

use std::collections::BTreeSet;

use ground::Ground;
use rayon::prelude::*;

use crate::{estate::Estate, name::TenantName, resolve::Resolver};

/// What a change can reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The tenants whose folder can differ, by name; of one side alone, too.
    pub tenants: BTreeSet<String>,
    /// Whether the files that the estate has once, `argocd/`, can differ.
    pub platform: bool,
}

impl Reach {
    /// Returns the reach of a change of these tenants' files and of nothing else: a tenant is rendered from its own file
    /// and from what all tenants share, and `argocd/` from the latter alone.
    pub fn of_tenants(tenants: BTreeSet<String>) -> Self {
        Self { tenants, platform: false }
    }

    /// Returns whether nothing can differ.
    pub fn is_empty(&self) -> bool {
        let Self { tenants, platform } = self;
        tenants.is_empty() && !platform
    }
}

/// Returns what can differ between what is rendered of two estates.
pub fn between(before: &Estate, after: &Estate) -> Reach {
    let ground = Ground::between(before, after);
    let (old, new) = (Resolver::new(before), Resolver::new(after));
    let differs = |name: &TenantName| match (before.tenants().get(name), after.tenants().get(name)) {
        (Some(one), Some(other)) => {
            let plan = new.plan(other);
            ground.reaches(&plan) || old.plan(one) != plan
        }
        _ => true,
    };
    let names: BTreeSet<&TenantName> = before.tenants().keys().chain(after.tenants().keys()).collect();
    let reached = names.into_par_iter().filter(|name| differs(name)).map(|name| name.to_string());
    Reach { tenants: reached.collect::<Vec<_>>().into_iter().collect(), platform: true }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
