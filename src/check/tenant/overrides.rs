//! Overrides: only what the tier allows, only up to its caps.

use serde_json::Value;

use crate::{
    check::{
        places::{Finder, below},
        quantities,
        shape::shown,
        suggest,
    },
    diag::Code,
    kubernetes::Quantity,
    raw::{
        tenant::Overrides,
        tier::{Overridable, TierSpec},
    },
};

/// Finds what is wrong with the overrides of a tenant of a tier.
pub(super) fn check(finder: &mut Finder<'_>, overrides: &Overrides, tier: &TierSpec) {
    let Overrides { quota, services, settings } = overrides;
    let Overridable { quota: quota_caps, services: service_caps, settings: setting_caps } = &tier.overridable;
    for (key, text) in quota {
        let pointer = below("/spec/overrides/quota", key);
        let amount = quantities::read(finder, &pointer, text);
        match quota_caps.get(key) {
            None => not_allowed(finder, &pointer, key, "quotas", quota_caps.keys()),
            Some(cap) => {
                // A cap that cannot be read is a finding of the tier.
                if let (Some(amount), Ok(max)) = (amount, Quantity::parse(&cap.max))
                    && amount > max
                {
                    let message = format!("`{text}` of {} is above the cap of the tier, `{}`", shown(key), cap.max);
                    above(finder, &pointer, message, &cap.max);
                }
            }
        }
    }
    for (name, change) in services {
        let pointer = below("/spec/overrides/services", name);
        if !tier.services.contains_key(name) {
            let known = tier.services.keys().map(String::as_str);
            let help = suggest::help(name, "services", known, "take it out");
            let message = format!("the tier has no service {}", shown(name));
            finder.key(Code::UnknownService, &pointer, message, help);
            continue;
        }
        match service_caps.get(name).or_else(|| service_caps.get("*")) {
            None => not_allowed(finder, &pointer, name, "services", service_caps.keys()),
            Some(cap) if change.replicas > cap.max_replicas => {
                let message = format!("{} Pods are above the cap of the tier, {}", change.replicas, cap.max_replicas);
                above(finder, &below(&pointer, "replicas"), message, &cap.max_replicas.to_string());
            }
            Some(_) => {}
        }
    }
    for (key, value) in settings {
        let pointer = below("/spec/overrides/settings", key);
        match setting_caps.get(key) {
            None => not_allowed(finder, &pointer, key, "settings", setting_caps.keys()),
            Some(cap) => {
                if let Some(choices) = cap.one_of.as_deref().filter(|choices| !choices.contains(value)) {
                    let choices: Vec<String> = choices.iter().map(plain).collect();
                    let message = format!("the tier does not allow {} for {}", shown(&plain(value)), shown(key));
                    let list = suggest::list(choices.iter().map(String::as_str)).unwrap_or_default();
                    finder.value(Code::OverrideNotAChoice, &pointer, message, format!("the choices are {list}"));
                }
            }
        }
    }
}

fn not_allowed<'k>(
    finder: &mut Finder<'_>,
    pointer: &str,
    key: &str,
    what: &str,
    allowed: impl Iterator<Item = &'k String> + Clone,
) {
    let allowed = allowed.map(String::as_str);
    let none = format!("take it out; the tier allows no {what} to be overridden");
    let help = suggest::help(key, &format!("{what} that may be overridden"), allowed, &none);
    finder.key(Code::OverrideNotAllowed, pointer, format!("the tier does not let {} be overridden", shown(key)), help);
}

fn above(finder: &mut Finder<'_>, pointer: &str, message: String, cap: &str) {
    let help = format!("write at most `{cap}`, or move the tenant to a larger tier");
    finder.value(Code::OverrideAboveCap, pointer, message, help);
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
