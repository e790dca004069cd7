//! What one Pod asks for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Amounts, at, limits::Defaults};
use crate::kubernetes::quantity::{Quantity, QuantityError};

/// The resources that a quota sums up over containers.
pub(super) const RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// The two sides of a container's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Requests,
    Limits,
}

impl Side {
    /// Returns the quota key of a resource.
    fn key(self, resource: &str) -> &'static str {
        match (self, resource) {
            (Side::Requests, "cpu") => "requests.cpu",
            (Side::Requests, "memory") => "requests.memory",
            (Side::Requests, _) => "requests.ephemeral-storage",
            (Side::Limits, "cpu") => "limits.cpu",
            (Side::Limits, "memory") => "limits.memory",
            (Side::Limits, _) => "limits.ephemeral-storage",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Side::Requests => "requests",
            Side::Limits => "limits",
        }
    }
}

/// Returns what one Pod of this specification counts: itself, and its requests and limits by quota key.
pub(super) fn amounts(spec: &Value, defaults: &Defaults) -> Result<Amounts, QuantityError> {
    let mut amounts = Amounts::default();
    amounts.add("pods", Quantity::whole(1))?;
    for side in [Side::Requests, Side::Limits] {
        for resource in RESOURCES {
            let amount = effective(spec, side, resource, defaults)?;
            amounts.add(side.key(resource), amount)?;
            // The short keys of a quota mean requests.
            if side == Side::Requests {
                amounts.add(resource, amount)?;
            }
        }
    }
    for resource in special(spec) {
        let amount = effective(spec, Side::Requests, resource, defaults)?;
        amounts.add(&format!("requests.{resource}"), amount)?;
        if resource.starts_with(HUGE_PAGES) {
            amounts.add(resource, amount)?;
        }
    }
    Ok(amounts)
}

const HUGE_PAGES: &str = "hugepages-";

/// Returns the extended resources and huge pages that containers name. Of both, requests equal limits, and a quota counts requests alone.
fn special(spec: &Value) -> BTreeSet<&str> {
    let all = containers(spec, "containers").chain(containers(spec, "initContainers"));
    let sides = all.flat_map(|container| {
        [Side::Requests, Side::Limits].into_iter().filter_map(move |side| at(container, &["resources", side.name()]))
    });
    let names = sides.filter_map(Value::as_object).flat_map(|amounts| amounts.keys());
    names.map(String::as_str).filter(|name| name.contains('/') || name.starts_with(HUGE_PAGES)).collect()
}

/// Returns the effective request or limit of a Pod: what its containers and sidecars ask for together, or what it takes while an init container
/// runs beside the sidecars that were started before, whichever is more.
fn effective(spec: &Value, side: Side, resource: &str, defaults: &Defaults) -> Result<Quantity, QuantityError> {
    let mut running = Quantity::ZERO;
    for container in containers(spec, "containers") {
        running = running.checked_add(resolved(container, side, resource, defaults)?)?;
    }
    let mut sidecars = Quantity::ZERO;
    let mut starting = Quantity::ZERO;
    for container in containers(spec, "initContainers") {
        let amount = resolved(container, side, resource, defaults)?;
        let during = sidecars.checked_add(amount)?;
        starting = starting.max(during);
        if container.get("restartPolicy").and_then(Value::as_str) == Some("Always") {
            sidecars = during;
        }
    }
    let together = running.checked_add(sidecars)?.max(starting);
    let most = of_pod(spec, side, resource, together)?.unwrap_or(together);
    match at(spec, &["overhead", resource]) {
        Some(overhead) => most.checked_add(Quantity::of(overhead)?),
        None => Ok(most),
    }
}

/// Returns what the Pod says as a whole, which then counts instead of its containers: cpu, memory and huge pages alone. A limit stands for a
/// request where neither the Pod nor a container has one.
fn of_pod(spec: &Value, side: Side, resource: &str, together: Quantity) -> Result<Option<Quantity>, QuantityError> {
    let Some(resources) = spec.get("resources") else { return Ok(None) };
    if !matches!(resource, "cpu" | "memory") && !resource.starts_with(HUGE_PAGES) {
        return Ok(None);
    }
    let stated = |side: Side| at(resources, &[side.name(), resource]).map(Quantity::of).transpose();
    Ok(match stated(side)? {
        None if side == Side::Requests && together.is_zero() => stated(Side::Limits)?,
        stated => stated,
    })
}

/// Returns the containers of a list.
pub(super) fn containers<'a>(spec: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    spec.get(list).and_then(Value::as_array).into_iter().flatten()
}

/// Returns what a container says itself about one resource.
pub(super) fn stated(container: &Value, side: Side, resource: &str) -> Result<Option<Quantity>, QuantityError> {
    at(container, &["resources", side.name(), resource]).map(Quantity::of).transpose()
}

/// Returns what a container has once the API server has filled in what it leaves out: first the LimitRange, then the limit as the request.
pub(super) fn settled(
    container: &Value,
    side: Side,
    resource: &str,
    defaults: &Defaults,
) -> Result<Option<Quantity>, QuantityError> {
    let stated_limit = stated(container, Side::Limits, resource)?;
    Ok(match side {
        Side::Limits => stated_limit.or(defaults.limit(resource)),
        // A limit of its own is a container's request before the LimitRange is asked.
        Side::Requests => stated(container, Side::Requests, resource)?.or(stated_limit).or(defaults.request(resource)),
    })
}

fn resolved(container: &Value, side: Side, resource: &str, defaults: &Defaults) -> Result<Quantity, QuantityError> {
    settled(container, side, resource, defaults).map(Option::unwrap_or_default)
}
