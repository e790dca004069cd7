//! LimitRanges: what they fill in, and what they refuse.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    FitError, failure,
    pods::{self, Side},
};
use crate::kubernetes::quantity::{Quantity, QuantityError};

/// What the LimitRanges of a namespace give to containers that say nothing.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    requests: BTreeMap<String, Quantity>,
    limits: BTreeMap<String, Quantity>,
}

impl Defaults {
    /// Reads the LimitRanges among the objects.
    pub(super) fn of<'o>(objects: impl Iterator<Item = &'o Value>) -> Result<Self, FitError> {
        let mut defaults = Defaults::default();
        for object in objects.filter(|object| object.get("kind").and_then(Value::as_str) == Some("LimitRange")) {
            defaults.read(object).map_err(|error| failure(object, error))?;
        }
        Ok(defaults)
    }

    fn read(&mut self, limit_range: &Value) -> Result<(), QuantityError> {
        for item in items(limit_range, "Container") {
            let limits = bounds(item, "default")?;
            let requests = bounds(item, "defaultRequest")?;
            let (most, least) = (bounds(item, "max")?, bounds(item, "min")?);
            // The API server fills in the LimitRange itself first: max stands for a default limit, and the default limit for a default request.
            for (resource, limit) in most.iter().chain(&limits) {
                self.limits.insert(resource.clone(), *limit);
            }
            for (resource, limit) in least.iter().chain(&most).chain(&limits).chain(&requests) {
                self.requests.insert(resource.clone(), *limit);
            }
        }
        Ok(())
    }

    pub(super) fn request(&self, resource: &str) -> Option<Quantity> {
        self.requests.get(resource).copied()
    }

    pub(super) fn limit(&self, resource: &str) -> Option<Quantity> {
        self.limits.get(resource).copied()
    }
}

/// One amount that a LimitRange refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitViolation {
    /// Where the amount is, or is missing: a JSON pointer into the object.
    pub path: String,
    /// The name of the container, or of the claim.
    pub subject: String,
    /// The resource: `cpu`, `memory`, `storage`.
    pub resource: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
}

/// Checks the containers and claims of one object against a LimitRange, with what the LimitRange itself fills in.
///
/// # Errors
///
/// A quantity that cannot be read.
pub fn check_limit_range(limit_range: &Value, object: &Value) -> Result<Vec<LimitViolation>, FitError> {
    let defaults = Defaults::of(std::iter::once(limit_range))?;
    let mut violations = Vec::new();
    check(limit_range, object, &defaults, &mut violations).map_err(|error| failure(object, error))?;
    Ok(violations)
}

fn check(
    limits: &Value,
    object: &Value,
    defaults: &Defaults,
    out: &mut Vec<LimitViolation>,
) -> Result<(), QuantityError> {
    let pod = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"]
        .into_iter()
        .find(|path| object.pointer(path).is_some_and(|spec| spec.get("containers").is_some()));
    if let Some(path) = pod
        && let Some(spec) = object.pointer(path)
    {
        for list in ["containers", "initContainers"] {
            for (index, container) in pods::containers(spec, list).enumerate() {
                for item in items(limits, "Container") {
                    check_container(item, container, &format!("{path}/{list}/{index}"), defaults, out)?;
                }
            }
        }
        for item in items(limits, "Pod") {
            check_pod(item, spec, path, defaults, out)?;
        }
    }
    for (path, name, spec) in claims(object) {
        for item in items(limits, "PersistentVolumeClaim") {
            let storage = spec.pointer("/resources/requests/storage").map(Quantity::of).transpose()?;
            let amounts = [(Side::Requests, storage)];
            check_amounts(item, "storage", &amounts, &format!("{path}/resources"), name, out)?;
        }
    }
    Ok(())
}

fn check_container(
    item: &Value,
    container: &Value,
    path: &str,
    defaults: &Defaults,
    out: &mut Vec<LimitViolation>,
) -> Result<(), QuantityError> {
    let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
    for resource in pods::RESOURCES {
        let request = pods::settled(container, Side::Requests, resource, defaults)?;
        let limit = pods::settled(container, Side::Limits, resource, defaults)?;
        let amounts = [(Side::Requests, request), (Side::Limits, limit)];
        check_amounts(item, resource, &amounts, &format!("{path}/resources"), name, out)?;
        check_ratio(item, resource, (request, limit), &format!("{path}/resources"), name, out)?;
        if let (Some(request), Some(limit)) = (request, limit)
            && request > limit
        {
            let message = format!("the request {request} of {resource} is more than the limit {limit}");
            out.push(violation(format!("{path}/resources/requests/{resource}"), name, resource, message));
        }
    }
    Ok(())
}

/// Checks a limit against its request. Where a ratio is asked for and one of the two is missing, the API server refuses the Pod.
fn check_ratio(
    item: &Value,
    resource: &str,
    (request, limit): (Option<Quantity>, Option<Quantity>),
    path: &str,
    subject: &str,
    out: &mut Vec<LimitViolation>,
) -> Result<(), QuantityError> {
    let Some(ratio) = bounds(item, "maxLimitRequestRatio")?.get(resource).copied() else { return Ok(()) };
    let message = match (request, limit) {
        (Some(request), Some(limit)) if exceeds_ratio(limit, request, ratio) => {
            format!("the limit {limit} of {resource} is more than {ratio} times the request {request}")
        }
        (Some(_), Some(_)) => return Ok(()),
        (None, _) => format!("no requests of {resource}, and its limit may be at most {ratio} times as much"),
        (_, None) => format!("no limits of {resource}, which may be at most {ratio} times the request"),
    };
    out.push(violation(format!("{path}/limits/{resource}"), subject, resource, message));
    Ok(())
}

/// Returns whether limit ÷ request is more than the ratio, without a division.
fn exceeds_ratio(limit: Quantity, request: Quantity, ratio: Quantity) -> bool {
    /// The ratio is a quantity too, in billionths.
    const NANOS: i128 = 1_000_000_000;
    match (limit.nanos().checked_mul(NANOS), request.nanos().checked_mul(ratio.nanos())) {
        (Some(limit), Some(most)) => limit > most,
        // Whichever does not fit in 128 bits is the greater one.
        (None, Some(_)) => true,
        _ => false,
    }
}

fn check_pod(
    item: &Value,
    spec: &Value,
    path: &str,
    defaults: &Defaults,
    out: &mut Vec<LimitViolation>,
) -> Result<(), QuantityError> {
    let all = pods::amounts(spec, defaults)?;
    for resource in pods::RESOURCES {
        let of = |side: Side| Some(all.get(&format!("{}.{resource}", side.name()))).filter(|amount| !amount.is_zero());
        let (request, limit) = (of(Side::Requests), of(Side::Limits));
        check_amounts(item, resource, &[(Side::Requests, request), (Side::Limits, limit)], path, "the Pod", out)?;
        check_ratio(item, resource, (request, limit), path, "the Pod", out)?;
    }
    Ok(())
}

/// Checks requests against `min`, limits against `max`; an amount that is missing breaks either.
fn check_amounts(
    item: &Value,
    resource: &str,
    amounts: &[(Side, Option<Quantity>)],
    path: &str,
    subject: &str,
    out: &mut Vec<LimitViolation>,
) -> Result<(), QuantityError> {
    let least = bounds(item, "min")?.get(resource).copied();
    let most = bounds(item, "max")?.get(resource).copied();
    for (side, amount) in amounts {
        let name = side.name();
        let place = format!("{path}/{name}/{resource}");
        if let (Side::Requests, Some(least)) = (side, least) {
            match amount {
                Some(amount) if *amount < least => {
                    let message = format!("{name} {amount} of {resource}, at least {least} is allowed");
                    out.push(violation(place.clone(), subject, resource, message));
                }
                None => {
                    let message = format!("no {name} of {resource}, at least {least} is demanded");
                    out.push(violation(place.clone(), subject, resource, message));
                }
                Some(_) => {}
            }
        }
        if let (Some(most), Some(amount)) = (most, amount)
            && *amount > most
        {
            let message = format!("{name} {amount} of {resource}, at most {most} is allowed");
            out.push(violation(place, subject, resource, message));
        }
    }
    // A container without any limit may grow beyond every bound, so the API server refuses it; a claim has no limits.
    if let (Some(most), Some((Side::Limits, None))) = (most, amounts.last()) {
        let message = format!("no limits of {resource}, at most {most} is allowed");
        out.push(violation(format!("{path}/limits/{resource}"), subject, resource, message));
    }
    Ok(())
}

fn violation(path: String, subject: &str, resource: &str, message: String) -> LimitViolation {
    LimitViolation { path, subject: subject.to_owned(), resource: resource.to_owned(), message }
}

/// Returns the claims of an object: itself, or the templates of a StatefulSet, each with its path, name and specification.
fn claims(object: &Value) -> Vec<(String, &str, &Value)> {
    fn claim(path: String, claim: &Value) -> Option<(String, &str, &Value)> {
        Some((path, claim.pointer("/metadata/name")?.as_str()?, claim.get("spec")?))
    }
    match object.get("kind").and_then(Value::as_str) {
        Some("PersistentVolumeClaim") => claim("/spec".to_owned(), object).into_iter().collect(),
        Some("StatefulSet") => {
            let templates =
                object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten();
            templates
                .enumerate()
                .filter_map(|(index, template)| claim(format!("/spec/volumeClaimTemplates/{index}/spec"), template))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn items<'a>(limit_range: &'a Value, kind: &'static str) -> impl Iterator<Item = &'a Value> {
    let all = limit_range.pointer("/spec/limits").and_then(Value::as_array).into_iter().flatten();
    all.filter(move |item| item.get("type").and_then(Value::as_str) == Some(kind))
}

fn bounds(item: &Value, field: &str) -> Result<BTreeMap<String, Quantity>, QuantityError> {
    let amounts = item.get(field).and_then(Value::as_object).into_iter().flatten();
    amounts.map(|(resource, amount)| Ok((resource.clone(), Quantity::of(amount)?))).collect()
}
