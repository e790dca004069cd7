//! Requests and limits of containers.

use std::cmp::Ordering;

use super::{
    super::{fault::Fault, names, quantity::Quantity},
    spot::Spot,
};

pub(super) fn check(spec: &Spot<'_, '_>, resources: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let (requests, limits) = (resources.field("requests"), resources.field("limits"));
    for side in [&requests, &limits].into_iter().flatten() {
        for (name, amount) in side.entries() {
            if !is_resource(name) {
                amount.refuse(
                    faults,
                    format!("`{name}` is no resource of a container"),
                    "write `cpu`, `memory`, `ephemeral-storage`, or a name with a domain",
                );
            } else if name.contains('/') && Quantity::of(amount.value).is_ok_and(|q| !is_whole(q)) {
                amount.out_of_range(faults, "is no whole number", "devices are counted: write a whole number");
            }
        }
    }
    let has = |name: &str| [&requests, &limits].into_iter().flatten().any(|side| side.has(name));
    for (name, amount) in requests.iter().flat_map(|requests| requests.entries()) {
        if !name.contains('/') && !name.starts_with("hugepages-") {
            continue;
        }
        let limit = limits.as_ref().and_then(|limits| limits.value.get(name));
        let same = limit.is_some_and(|limit| match (Quantity::of(limit), Quantity::of(amount.value)) {
            (Ok(limit), Ok(amount)) => limit.cmp(&amount) == Ordering::Equal,
            _ => true,
        });
        if !same {
            amount.refuse(
                faults,
                format!("the limit of `{name}` is another one"),
                "ask for as much as the limit allows: it cannot be overcommitted",
            );
        }
    }
    let huge = limits.iter().flat_map(|limits| limits.entries()).any(|(name, _)| name.starts_with("hugepages-"));
    if huge && !has("cpu") && !has("memory") {
        resources.refuse(faults, "huge pages need cpu or memory beside them", "ask for cpu or memory, too");
    }
    let Some(claims) = resources.field("claims") else { return };
    for claim in claims.items() {
        let name = claim.text("name");
        let known = spec.field("resourceClaims").is_some_and(|all| all.items().any(|one| one.text("name") == name));
        if !known {
            claim.refuse_field(faults, "name", "the Pod has no such claim", "name one of `resourceClaims`");
        }
    }
}

pub(super) fn is_whole(quantity: Quantity) -> bool {
    const NANOS: i128 = 1_000_000_000;
    quantity.nanos() % NANOS == 0
}

/// Returns whether a container may ask for a resource of this name.
pub(super) fn is_resource(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage")
        || name.starts_with("hugepages-")
        || name.contains('/') && names::check_key(name).is_ok()
}
