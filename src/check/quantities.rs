//! Kubernetes quantities: resources of containers, LimitRanges, quotas and their caps.

use std::collections::BTreeMap;

use super::{
    places::{Finder, below},
    shape::shown,
    suggest,
};
use crate::{
    diag::Code,
    kubernetes::{Quantity, QuantityError, Schemas, fit, names},
    raw::{
        service::Resources,
        tier::{ClaimLimits, ContainerLimits, Limits},
    },
};

/// Reads a quantity that is not below zero.
///
/// Exponents are refused, though Kubernetes takes them: `1e9` in a quota is a slip more often than a wish.
pub(super) fn read(finder: &mut Finder<'_>, pointer: &str, text: &str) -> Option<Quantity> {
    let exponent = text.char_indices().skip(1).any(|(at, c)| {
        matches!(c, 'e' | 'E')
            && text[at + 1..].starts_with(|next: char| next.is_ascii_digit() || matches!(next, '+' | '-'))
    });
    let fault = match Quantity::parse_non_negative(text) {
        Ok(quantity) if !exponent => return Some(quantity),
        Ok(_) => "is written with an exponent",
        Err(QuantityError::Negative(_)) => "is below zero",
        Err(QuantityError::TooLarge(_) | QuantityError::Overflow) => "is too large",
        Err(QuantityError::Malformed(_)) => "is no quantity",
    };
    let help = "write a number with a suffix: `500m`, `2`, `512Mi`, `20Gi`";
    finder.value(Code::InvalidQuantity, pointer, format!("{} {fault}", shown(text)), help);
    None
}

type Amounts<'a> = BTreeMap<&'a str, Quantity>;

fn amounts<'a>(finder: &mut Finder<'_>, pointer: &str, map: &'a BTreeMap<String, String>) -> Amounts<'a> {
    let read = map.iter().filter_map(|(key, text)| Some((key.as_str(), read(finder, &below(pointer, key), text)?)));
    read.collect()
}

/// Resources that containers have.
const OF_CONTAINERS: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

fn container_keys(finder: &mut Finder<'_>, pointer: &str, map: &BTreeMap<String, String>) {
    for key in map.keys() {
        let extended = key.contains('/') && names::check_key(key).is_ok();
        if !OF_CONTAINERS.contains(&key.as_str()) && !key.starts_with("hugepages-") && !extended {
            let help = suggest::help(key, "resources of a container", OF_CONTAINERS, "remove it");
            let message = format!("{} is no resource of a container", shown(key));
            finder.key(Code::UnknownResource, &below(pointer, key), message, help);
        }
    }
}

/// Finds what is wrong with the requests and limits of a container.
pub(super) fn resources(finder: &mut Finder<'_>, pointer: &str, resources: &Resources) {
    let Resources { requests, limits } = resources;
    let at = (below(pointer, "requests"), below(pointer, "limits"));
    container_keys(finder, &at.0, requests);
    container_keys(finder, &at.1, limits);
    let requested = amounts(finder, &at.0, requests);
    let limited = amounts(finder, &at.1, limits);
    for (key, request) in requested {
        if limited.get(key).is_some_and(|limit| request > *limit) {
            let limit_at = finder.place(&below(&at.1, key));
            let message = format!("the request `{}` of {key} is above the limit `{}`", requests[key], limits[key]);
            let help = "raise the limit or lower the request; Kubernetes refuses the Pod as it is";
            if let Some(finding) = finder.value(Code::RequestAboveLimit, &below(&at.0, key), message, help) {
                finding.related.push((limit_at, "the limit".to_owned()));
            }
        }
    }
}

/// Finds what is wrong with a LimitRange: each step must be at least the one before it.
pub(super) fn limits(finder: &mut Finder<'_>, limits: &Limits) {
    let Limits { container, persistent_volume_claim } = limits;
    if let Some(ContainerLimits { max, min, default, default_request }) = container {
        let pointer = "/limits/container";
        let steps = [("min", min), ("defaultRequest", default_request), ("default", default), ("max", max)];
        for (name, map) in steps {
            container_keys(finder, &below(pointer, name), map);
        }
        ascending(finder, pointer, &steps);
    }
    if let Some(ClaimLimits { max, min }) = persistent_volume_claim {
        let pointer = "/limits/persistentVolumeClaim";
        for (name, map) in [("min", min), ("max", max)] {
            for key in map.keys().filter(|key| *key != "storage") {
                let message = format!("{} is no resource of a volume claim", shown(key));
                finder.key(Code::UnknownResource, &below(&below(pointer, name), key), message, "write `storage`");
            }
        }
        ascending(finder, pointer, &[("min", min), ("max", max)]);
    }
}

fn ascending(finder: &mut Finder<'_>, pointer: &str, steps: &[(&str, &BTreeMap<String, String>)]) {
    let read: Vec<Amounts<'_>> = steps.iter().map(|(name, map)| amounts(finder, &below(pointer, name), map)).collect();
    for (high, (name, map)) in steps.iter().enumerate() {
        for (key, amount) in &read[high] {
            let lower = (0..high).rev().find_map(|low| Some((steps[low].0, steps[low].1, read[low].get(key)?)));
            if let Some((lower_name, lower_map, _)) = lower.filter(|(_, _, lower)| *lower > amount) {
                let at = below(&below(pointer, name), key);
                let message = format!(
                    "`{name}` of {key} is `{}`, below `{lower_name}`, which is `{}`",
                    map[*key], lower_map[*key]
                );
                let help = "order them: min ≤ defaultRequest ≤ default ≤ max";
                finder.value(Code::LimitOrder, &at, message, help);
            }
        }
    }
}

/// Finds what is wrong with a quota.
pub(super) fn quota(finder: &mut Finder<'_>, schemas: &Schemas, quota: &BTreeMap<String, String>) {
    for (key, text) in quota {
        quota_key(finder, schemas, &below("/quota", key), key);
        read(finder, &below("/quota", key), text);
    }
}

/// Finds a key that a ResourceQuota cannot have.
pub(super) fn quota_key(finder: &mut Finder<'_>, schemas: &Schemas, pointer: &str, key: &str) {
    if let Err(fault) = fit::check_quota_key(schemas, key) {
        let help = match fault.instead {
            Some(instead) => format!("write `{instead}`"),
            None => "write a resource (`requests.cpu`), or `count/<plural>.<group>` to count objects".to_owned(),
        };
        finder.key(Code::QuotaKey, pointer, fault.message, help);
    }
}
