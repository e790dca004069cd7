//! All objects of one tenant, found by kind and name.

use std::cmp::Ordering;

use super::object::{Object, Pod};
use crate::{
    plan::Plan,
    raw::tier::Format,
    rendered::{Origin, Rendered},
};

/// The objects of one tenant.
pub(super) struct Tenant<'a> {
    pub plan: &'a Plan,
    pub objects: Vec<Object<'a>>,
    /// Positions in `objects`, sorted by kind, group, name and namespace.
    sorted: Vec<usize>,
    /// Whether the objects are all that the tenant gets: nothing is left for kustomize or helm to add or change.
    pub complete: bool,
}

impl<'a> Tenant<'a> {
    pub fn new(plan: &'a Plan, rendered: &Rendered, objects: Vec<Object<'a>>) -> Self {
        let mut sorted: Vec<usize> = (0..objects.len()).collect();
        // Stable, so that of two objects with one identity the later one is the double.
        sorted.sort_by(|a, b| identity(&objects[*a]).cmp(&identity(&objects[*b])));
        let last_word = match plan.tier.format {
            Format::Plain => false,
            Format::Kustomize => !plan.tier.kustomize.components.is_empty() || !plan.tier.kustomize.patches.is_empty(),
            Format::Helm => true,
        };
        let inflated = rendered.objects.iter().any(|object| object.origin == Origin::Inflated);
        Self { plan, objects, sorted, complete: inflated || !last_word }
    }

    /// Returns whether an object lives in the tenant's own namespace.
    pub fn owns(&self, object: &Object<'_>) -> bool {
        object.namespace == Some(self.plan.namespace.as_str())
    }

    /// Returns the tenant's own object of this kind and name.
    pub fn find(&self, group: &str, kind: &str, name: &str) -> Option<&Object<'a>> {
        self.range(|object| (object.kind, object.group, object.name).cmp(&(kind, group, name)))
            .find(|object| self.owns(object))
    }

    /// Returns the objects of a kind in the order of their names.
    pub fn of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = &Object<'a>> {
        self.range(|object| (object.kind, object.group).cmp(&(kind, group)))
    }

    fn range(&self, compare: impl Fn(&Object<'a>) -> Ordering) -> impl Iterator<Item = &Object<'a>> {
        let start = self.sorted.partition_point(|position| compare(&self.objects[*position]).is_lt());
        let length = self.sorted[start..].partition_point(|position| compare(&self.objects[*position]).is_eq());
        self.sorted[start..start + length].iter().map(|position| &self.objects[*position])
    }

    /// Returns each object that has the identity of an earlier one, with that one.
    pub fn doubles(&self) -> impl Iterator<Item = (&Object<'a>, &Object<'a>)> {
        let pairs = self.sorted.windows(2).map(|pair| (&self.objects[pair[0]], &self.objects[pair[1]]));
        pairs.filter(|(first, second)| identity(first) == identity(second))
    }

    /// Returns the tenant's own workloads with their Pods.
    pub fn pods(&self) -> impl Iterator<Item = (&Object<'a>, Pod<'a>)> {
        self.objects.iter().filter(|object| self.owns(object)).filter_map(|object| Some((object, object.pod?)))
    }
}

/// The version is no part of it: two versions of a group show the same object.
fn identity<'o>(object: &Object<'o>) -> (&'o str, &'o str, &'o str, Option<&'o str>) {
    (object.kind, object.group, object.name, object.namespace)
}
