//! ResourceQuotas: which keys they may have, and whether a demand fits.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Amounts, Demand, FitError, Moment, failure, scopes};
use crate::kubernetes::{
    Schemas, names,
    quantity::{Quantity, QuantityError},
};

/// The keys without a slash that the API server takes (k8s.io/kubernetes, pkg/apis/core/helper, `standardQuotaResources`); hugepages aside.
const KEYS: [&str; 19] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "services",
    "services.nodeports",
    "services.loadbalancers",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
];

/// A quota key that the API server refuses, or that counts nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to write instead, where that is known.
    pub instead: Option<String>,
}

/// Checks a key of `spec.hard` of a ResourceQuota.
///
/// # Errors
///
/// The API server refuses the key, or takes it and counts nothing.
pub fn check_quota_key(schemas: &Schemas, key: &str) -> Result<(), KeyFault> {
    if KEYS.contains(&key) || hugepages(key) {
        return Ok(());
    }
    let fault = |message: String, instead: Option<String>| Err(KeyFault { message, instead });
    if let Some(resource) = key.strip_prefix("count/") {
        return match schemas.kinds().find(|info| spelled(&info.plural, &info.group) == resource) {
            Some(_) => Ok(()),
            // An unknown group may be one of an operator without a schema here; an unknown plural of a known group is a slip.
            None if unknown_group(schemas, resource) => Ok(()),
            None => fault(
                format!("`{key}` counts no kind that is known"),
                near(schemas, resource).map(|name| format!("count/{name}")),
            ),
        };
    }
    if key.contains('/') {
        return match names::check_key(key) {
            Ok(()) => Ok(()),
            Err(error) => fault(format!("the quota key `{key}` {error}"), None),
        };
    }
    let instead = match near(schemas, key) {
        Some(resource) => Some(format!("count/{resource}")),
        None => crate::kubernetes::words::nearest(key, KEYS.into_iter()).map(str::to_owned),
    };
    fault(format!("`{key}` is not a key of a quota"), instead)
}

fn hugepages(key: &str) -> bool {
    key.strip_prefix("requests.").unwrap_or(key).starts_with("hugepages-")
}

fn spelled(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

fn unknown_group(schemas: &Schemas, resource: &str) -> bool {
    resource.split_once('.').is_some_and(|(_, group)| schemas.kinds().all(|info| info.group != group))
}

/// Returns the resource that was meant by `deployments`, `deployments.apps` or `deployment.apps`.
fn near(schemas: &Schemas, key: &str) -> Option<String> {
    let matches = |plural: &str, group: &str| {
        let short = key.split_once('.').map_or(key, |(plural, _)| plural);
        let group_fits = key.split_once('.').is_none_or(|(_, wanted)| wanted == group);
        group_fits && (short == plural || format!("{short}s") == plural || format!("{short}es") == plural)
    };
    schemas.kinds().find(|info| matches(&info.plural, &info.group)).map(|info| spelled(&info.plural, &info.group))
}

/// A key of a quota that the demand goes beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaExcess {
    /// The key of `spec.hard`.
    pub key: String,
    /// What is asked for at most.
    pub asked: Quantity,
    /// What the quota allows.
    pub allowed: Quantity,
}

/// Returns the keys of a ResourceQuota that a demand goes beyond, in their order. One with scopes counts the Pods in them alone.
///
/// # Errors
///
/// A quantity of the quota cannot be read, or a sum is beyond 128 bits.
pub fn check_quota(quota: &Value, demand: &Demand) -> Result<Vec<QuotaExcess>, FitError> {
    let mut excesses = Vec::new();
    let scoped;
    let total = if scopes::has_scopes(quota) {
        scoped = within(quota, demand).map_err(|error| failure(quota, error))?;
        &scoped
    } else {
        &demand.total
    };
    for (key, allowed) in quota.pointer("/spec/hard").and_then(Value::as_object).into_iter().flatten() {
        let allowed = Quantity::of(allowed).map_err(|error| failure(quota, error))?;
        let asked = total.get(key);
        if asked > allowed {
            excesses.push(QuotaExcess { key: key.clone(), asked, allowed });
        }
    }
    Ok(excesses)
}

/// Sums up the Pods in the scopes of a quota, with the greatest moment of hooks.
fn within(quota: &Value, demand: &Demand) -> Result<Amounts, QuantityError> {
    let mut total = Amounts::default();
    let mut hooks: BTreeMap<&Moment, Amounts> = BTreeMap::new();
    for share in demand.shares.iter().filter(|share| share.traits.fit(quota)) {
        let sum = match &share.moment {
            Moment::Always => &mut total,
            moment @ Moment::Hook { .. } => hooks.entry(moment).or_default(),
        };
        sum.add_all(&share.amounts, 1)?;
    }
    let mut most = Amounts::default();
    for amounts in hooks.values() {
        most.at_least(amounts);
    }
    total.add_all(&most, 1)?;
    Ok(total)
}
