//! Where findings gather: a place is looked up only when there is one.

use super::{Places, object::Object};
use crate::{
    diag::{Code, Diagnostic, Place},
    plan::Plan,
    rendered::Origin,
};

/// Findings of one tenant beyond this number name the template and not the line: looking up a line renders the template again.
const EXACT: usize = 100;

/// The findings of one tenant.
pub(super) struct Findings<'a> {
    plan: &'a Plan,
    places: &'a dyn Places,
    list: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub fn new(plan: &'a Plan, places: &'a dyn Places) -> Self {
        Self { plan, places, list: Vec::new() }
    }

    /// Adds a finding about a field of an object.
    pub fn add(
        &mut self,
        code: Code,
        object: &Object<'_>,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.add_at(code, object.origin, pointer, message, help);
    }

    /// Adds a finding about something that need not have an identity.
    pub fn add_at(
        &mut self,
        code: Code,
        origin: &Origin,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let place = self.place(origin, pointer);
        self.push(Diagnostic::new(code, place, message, help));
    }

    /// Adds a finding that is ready but for its tenant.
    pub fn push(&mut self, finding: Diagnostic) {
        self.list.push(finding.of_tenant(self.plan.tenant.name.as_str()));
    }

    /// Returns the place in the estate that made a field.
    pub fn place(&self, origin: &Origin, pointer: &str) -> Place {
        match origin {
            Origin::Template { file, .. } if self.list.len() >= EXACT => Place::file(file.clone()),
            Origin::Template { .. } => self.places.place(self.plan, origin, pointer),
            Origin::Generated => Place::file("tenantry.yaml"),
            Origin::Inflated => Place::file(format!("tiers/{}.yaml", self.plan.tier.name)),
        }
    }

    pub fn into_list(self) -> Vec<Diagnostic> {
        self.list
    }
}
