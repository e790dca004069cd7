//! Which keys a ConfigMap or a Secret has, as far as the tenant's objects and its plan tell.

use std::collections::BTreeSet;

use serde_json::Value;

use super::object::{Object, at, text_at};
use crate::plan::Plan;

/// What cert-manager writes for every Certificate.
const CERTIFICATE: [&str; 3] = ["ca.crt", "tls.crt", "tls.key"];

/// Returns whether a ConfigMap has a key.
pub(super) fn of_config_map(config_map: &Object<'_>, key: &str) -> bool {
    ["data", "binaryData"].into_iter().any(|field| config_map.at(&[field, key]).is_some())
}

/// Returns the keys of the Secret that an object makes; `None` where only the cluster or the secret store knows them.
pub(super) fn of_secret<'a>(plan: &'a Plan, maker: &Object<'a>) -> Option<BTreeSet<&'a str>> {
    match maker.kind {
        "Secret" => {
            let fields = ["data", "stringData"].into_iter().filter_map(|field| maker.at(&[field])?.as_object());
            // Without any, a controller fills it.
            Some(fields.flat_map(|fields| fields.keys()).map(String::as_str).collect())
                .filter(|keys: &BTreeSet<_>| !keys.is_empty())
        }
        "Certificate" => Some(certificate(maker)),
        "Ingress" | "ListenerSet" => Some(CERTIFICATE.into()),
        "ExternalSecret" => external(plan, maker),
        _ => None,
    }
}

fn certificate<'a>(maker: &Object<'a>) -> BTreeSet<&'a str> {
    let mut keys = BTreeSet::from(CERTIFICATE);
    for format in maker.items(&["spec", "additionalOutputFormats"]) {
        match text_at(format, &["type"]) {
            Some("CombinedPEM") => keys.insert("tls-combined.pem"),
            Some("DER") => keys.insert("key.der"),
            _ => false,
        };
    }
    for (store, names) in [("jks", ["keystore.jks", "truststore.jks"]), ("pkcs12", ["keystore.p12", "truststore.p12"])]
    {
        if maker.at(&["spec", "keystores", store]).is_some() {
            keys.extend(names);
        }
    }
    keys
}

fn external<'a>(plan: &'a Plan, maker: &Object<'a>) -> Option<BTreeSet<&'a str>> {
    let template = maker.at(&["spec", "target", "template"]);
    if template.is_some_and(|template| template.get("templateFrom").is_some()) {
        return None;
    }
    let shaped = template.and_then(|template| template.get("data")).and_then(Value::as_object);
    let mut keys: BTreeSet<&str> = shaped.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    let merges = template.and_then(|template| text_at(template, &["mergePolicy"])) == Some("Merge");
    if !keys.is_empty() && !merges {
        return Some(keys);
    }
    keys.extend(maker.items(&["spec", "data"]).iter().filter_map(|entry| text_at(entry, &["secretKey"])));
    for entry in maker.items(&["spec", "dataFrom"]) {
        let extract = entry.get("extract").filter(|extract| extract.get("property").is_none());
        let key = extract.and_then(|extract| text_at(extract, &["key"])).filter(|_| entry.get("rewrite").is_none());
        keys.extend(stored(plan, key?)?.keys().map(String::as_str));
    }
    Some(keys)
}

/// Returns the fields of an entry of the secret store, where the tenant's own resources make it.
pub(super) fn stored<'a>(plan: &'a Plan, key: &str) -> Option<&'a serde_json::Map<String, Value>> {
    let entry = |resource: &'a Value| {
        let secret = resource.get("secret").filter(|secret| text_at(secret, &["key"]) == Some(key))?;
        at(secret, &["fields"])?.as_object()
    };
    plan.provisions.values().find_map(|group| entry(group).or_else(|| group.as_object()?.values().find_map(entry)))
}
