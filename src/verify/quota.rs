//! Quotas and limits: whether everything that a tenant runs fits, at its greatest moment, a rolling update and its hooks included.

use std::{cmp::Reverse, fmt::Write as _};

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Container, Object, at, below, text_at},
    tenant::Tenant,
};
use crate::{
    diag::Code,
    kubernetes::{
        Schemas,
        fit::{self, Demand, QuotaExcess, Share},
    },
};

/// A message names so many of the greatest shares.
const SHOWN: usize = 4;

pub(super) fn check(tenant: &Tenant<'_>, schemas: &Schemas, findings: &mut Findings<'_>) {
    let own = |object: &&Object<'_>| tenant.owns(object);
    let quotas: Vec<&Object<'_>> = tenant.of_kind("", "ResourceQuota").filter(own).collect();
    let limits: Vec<&Object<'_>> = tenant.of_kind("", "LimitRange").filter(own).collect();
    for quota in &quotas {
        keys(schemas, quota, findings);
    }
    within_limits(tenant, &limits, findings);
    needs_resources(tenant, &quotas, &limits, findings);
    if !quotas.is_empty() && tenant.complete {
        fits(tenant, schemas, &quotas, findings);
    }
}

fn keys(schemas: &Schemas, quota: &Object<'_>, findings: &mut Findings<'_>) {
    for key in quota.at(&["spec", "hard"]).and_then(Value::as_object).into_iter().flat_map(|hard| hard.keys()) {
        if let Err(fault) = fit::check_quota_key(schemas, key) {
            let help = fault.instead.map_or("take it out".to_owned(), |instead| format!("write `{instead}`"));
            findings.add(Code::ResourceQuotaKey, quota, &below("/spec/hard", key), fault.message, help);
        }
    }
}

fn fits(tenant: &Tenant<'_>, schemas: &Schemas, quotas: &[&Object<'_>], findings: &mut Findings<'_>) {
    let objects = tenant.objects.iter().filter(|object| tenant.owns(object)).map(|object| object.value);
    // What cannot be counted has a fault of its shape, which is reported already.
    let Ok(demand) = fit::demand(schemas, objects) else { return };
    for quota in quotas {
        for excess in fit::check_quota(quota.value, &demand).unwrap_or_default() {
            let QuotaExcess { key, asked, allowed } = &excess;
            let message =
                format!("{asked} of `{key}` are asked for at most, {allowed} are allowed{}", sum(&demand, key));
            let help = "raise the quota of the tier, or lower replicas or requests; a rolling update and the greatest wave of hooks count too";
            findings.add(Code::QuotaExceeded, quota, &below("/spec/hard", key), message, help);
        }
    }
}

/// Says how a sum comes about: the greatest shares first.
fn sum(demand: &Demand, key: &str) -> String {
    let mut shares: Vec<&Share> = demand.shares.iter().filter(|share| !share.amounts.get(key).is_zero()).collect();
    shares.sort_by_key(|share| Reverse(share.amounts.get(key)));
    let mut text = String::new();
    for share in shares.iter().take(SHOWN) {
        let surge =
            if share.surge > 0 { format!(" with {} more while it is updated", share.surge) } else { String::new() };
        let separator = if text.is_empty() { ": " } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{separator}{} `{}` {} ({} Pods{surge})",
            share.object.kind,
            share.object.name,
            share.amounts.get(key),
            share.pods
        );
    }
    if shares.len() > SHOWN {
        let _ = write!(text, ", {} more", shares.len() - SHOWN);
    }
    text
}

fn within_limits(tenant: &Tenant<'_>, limits: &[&Object<'_>], findings: &mut Findings<'_>) {
    let mut fine = Vec::new();
    for object in tenant.objects.iter().filter(|object| tenant.owns(object)) {
        let claims = object.is("", "PersistentVolumeClaim") || object.is("apps", "StatefulSet");
        let Some(pod) = object.pod.filter(|_| !claims) else {
            if claims {
                violations(object, limits, findings);
            }
            continue;
        };
        // Most containers of a tenant have the same few sets of resources: each set is checked once.
        let amounts: Vec<Option<&Value>> = pod.containers().map(|container| container.value.get("resources")).collect();
        if !fine.contains(&amounts) && violations(object, limits, findings) == 0 {
            fine.push(amounts);
        }
    }
}

fn violations(object: &Object<'_>, limits: &[&Object<'_>], findings: &mut Findings<'_>) -> usize {
    let mut count = 0;
    for limit_range in limits {
        for violation in fit::check_limit_range(limit_range.value, object.value).unwrap_or_default() {
            count += 1;
            findings.add(
                Code::LimitRange,
                object,
                &violation.path,
                format!("{}, {}: {}", object.title(), subject(&violation.subject), violation.message),
                format!("keep it within {}, or widen the limits of the tier", limit_range.title()),
            );
        }
    }
    count
}

fn subject(name: &str) -> String {
    if name == "the Pod" { name.to_owned() } else { format!("`{name}`") }
}

/// What a quota makes every container say, with the names that its keys have.
const DEMANDS: [(&str, &str, &[&str]); 4] = [
    ("requests", "cpu", &["requests.cpu", "cpu"]),
    ("requests", "memory", &["requests.memory", "memory"]),
    ("limits", "cpu", &["limits.cpu"]),
    ("limits", "memory", &["limits.memory"]),
];

fn needs_resources(tenant: &Tenant<'_>, quotas: &[&Object<'_>], limits: &[&Object<'_>], findings: &mut Findings<'_>) {
    // One with scopes asks some Pods only; which ones follows from their sums.
    let quotas = || quotas.iter().filter(|quota| !fit::has_scopes(quota.value));
    let hard = |key: &&str| quotas().any(|quota| quota.at(&["spec", "hard", key]).is_some());
    let demanded: Vec<(&str, &str)> = DEMANDS
        .iter()
        .filter(|(_, _, keys)| keys.iter().any(&hard))
        .map(|(side, resource, _)| (*side, *resource))
        .filter(|(side, resource)| !limits.iter().any(|limits| fills_in(limits, side, resource)))
        .collect();
    if demanded.is_empty() {
        return;
    }
    for (object, pod) in tenant.pods() {
        // What a Pod says as a whole goes for its containers.
        if speaks_as_a_whole(pod.spec) {
            continue;
        }
        for container in pod.containers() {
            for (side, resource) in &demanded {
                if !says(&container, side, resource) {
                    findings.add(
                        Code::QuotaNeedsResources,
                        object,
                        &container.pointer_to("resources"),
                        format!("container `{}` of {} has no {side} of {resource}, and the quota counts them", container.name(), object.title()),
                        "give it requests and limits, or make a LimitRange that does: the quota refuses every Pod without them",
                    );
                }
            }
        }
    }
}

fn speaks_as_a_whole(spec: &Value) -> bool {
    let amounts = |side: &str| at(spec, &["resources", side]).and_then(Value::as_object);
    ["requests", "limits"]
        .into_iter()
        .filter_map(amounts)
        .flatten()
        .any(|(resource, _)| matches!(resource.as_str(), "cpu" | "memory") || resource.starts_with("hugepages-"))
}

/// A limit stands for a request that is not there.
fn says(container: &Container<'_>, side: &str, resource: &str) -> bool {
    let stated = |side: &str| at(container.value, &["resources", side, resource]).is_some();
    stated(side) || side == "requests" && stated("limits")
}

/// Returns whether a LimitRange gives containers what they leave out: the API server takes `max` for a default limit, and `min` for a request.
pub(super) fn fills_in(limits: &Object<'_>, side: &str, resource: &str) -> bool {
    let fields: &[&str] = match side {
        "limits" => &["default", "max"],
        _ => &["defaultRequest", "default", "min", "max"],
    };
    let containers =
        limits.items(&["spec", "limits"]).iter().filter(|item| text_at(item, &["type"]) == Some("Container"));
    containers.into_iter().any(|item| fields.iter().any(|field| at(item, &[field, resource]).is_some()))
}
