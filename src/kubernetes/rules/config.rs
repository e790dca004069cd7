//! ConfigMaps, Secrets, Namespaces, and the bounds that published definitions put on external secrets and monitors.

use super::{super::fault::Fault, spot::Spot};

/// The longest key of a ConfigMap or a Secret.
const KEY_MAX: usize = 253;

/// Returns whether a text is a key of a ConfigMap or a Secret: the name of a file.
pub(super) fn is_key(text: &str) -> bool {
    (1..=KEY_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && text != "."
        && !text.starts_with("..")
}

pub(super) fn config_map(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    data(root, &["data", "binaryData"], faults);
    let Some(bytes) = root.field("binaryData") else { return };
    for (key, value) in bytes.entries() {
        if root.field("data").is_some_and(|data| data.has(key)) {
            value.refuse(faults, format!("`{key}` is in `data`, too"), "keep one of the two");
        }
    }
}

fn data(root: &Spot<'_, '_>, fields: &[&str], faults: &mut Vec<Fault>) {
    for field in fields {
        let Some(map) = root.field(field) else { continue };
        for (key, value) in map.entries() {
            if !is_key(key) {
                value.refuse(
                    faults,
                    format!("`{}` is no key", key.escape_debug()),
                    "write letters, digits, `-`, `_` and `.`, and no `..` at its start",
                );
            }
        }
    }
}

pub(super) fn secret(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    data(root, &["data", "stringData"], faults);
    let keys: &[&str] = match root.text("type") {
        Some("kubernetes.io/dockerconfigjson") => &[".dockerconfigjson"],
        Some("kubernetes.io/dockercfg") => &[".dockercfg"],
        Some("kubernetes.io/tls") => &["tls.crt", "tls.key"],
        Some("kubernetes.io/ssh-auth") => &["ssh-privatekey"],
        _ => &[],
    };
    let has = |key: &str| ["data", "stringData"].iter().any(|field| root.field(field).is_some_and(|map| map.has(key)));
    for key in keys.iter().filter(|key| !has(key)) {
        root.missing(faults, &format!("data/{key}"), "the type of the Secret wants it");
    }
    match root.text("type") {
        Some("kubernetes.io/basic-auth") if !has("username") && !has("password") => {
            root.missing(faults, "data/password", "the type of the Secret wants it, or `username`");
        }
        Some("kubernetes.io/service-account-token") => {
            const ACCOUNT: &str = "kubernetes.io/service-account.name";
            let named = root.field("metadata").is_some_and(|metadata| {
                metadata.field("annotations").is_some_and(|annotations| annotations.has(ACCOUNT))
            });
            if !named {
                root.missing(
                    faults,
                    "metadata/annotations",
                    &format!("the type of the Secret wants `{ACCOUNT}` there"),
                );
            }
        }
        _ => {}
    }
}

/// The labels of Pod Security are checked by the API server itself.
pub(super) fn namespace(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(metadata) = root.field("metadata") else { return };
    let Some(labels) = metadata.field("labels") else { return };
    for (key, value) in labels.entries() {
        let Some(mode) = key.strip_prefix("pod-security.kubernetes.io/") else { continue };
        let Some(text) = value.as_text() else { continue };
        if matches!(mode, "enforce" | "audit" | "warn") && !matches!(text, "privileged" | "baseline" | "restricted") {
            value.wrong_form(faults, "is no level of Pod Security", "write `privileged`, `baseline` or `restricted`");
        }
        let minor = || text.strip_prefix("v1.").is_some_and(|minor| minor.parse::<u16>().is_ok());
        if matches!(mode, "enforce-version" | "audit-version" | "warn-version") && text != "latest" && !minor() {
            value.wrong_form(faults, "is no version of Pod Security", "write `latest`, or `v1.36` for example");
        }
    }
}

pub(super) fn external_secret(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    if let Some(target) = spec.field("target") {
        target.object_name(faults, "name");
    }
    let Some(data) = spec.field("data") else { return };
    for entry in data.items() {
        if let Some(key) = entry.field("secretKey")
            && key.as_text().is_some_and(|text| !is_secret_key(text))
        {
            key.wrong_form(faults, "is no key of a Secret", "write letters, digits, `-`, `_` and `.`");
        }
    }
}

fn is_secret_key(text: &str) -> bool {
    (1..=KEY_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// ServiceMonitors and PodMonitors.
pub(super) fn monitor(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    for name in [
        "sampleLimit",
        "targetLimit",
        "labelLimit",
        "labelNameLengthLimit",
        "labelValueLengthLimit",
        "keepDroppedTargets",
    ] {
        spec.at_least(faults, name, 0);
    }
    let Some(endpoints) = spec.field("podMetricsEndpoints") else { return };
    for endpoint in endpoints.items() {
        for name in ["interval", "scrapeTimeout"] {
            if let Some(time) = endpoint.field(name)
                && time.as_text().is_some_and(|text| !is_prometheus_time(text))
            {
                time.wrong_form(faults, "is no time", "write it with units, the largest first: `1m30s`");
            }
        }
        if endpoint.number("portNumber").is_some_and(|number| !(1..=65535).contains(&number)) {
            endpoint.port(faults, "portNumber");
        }
    }
}

/// Prometheus' times: units in falling order, each once.
fn is_prometheus_time(text: &str) -> bool {
    let mut rest = text;
    for unit in ["y", "w", "d", "h", "m", "s", "ms"] {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = rest.split_at(digits);
        // `m` is no `ms`.
        let mine = behind.strip_prefix(unit).filter(|after| unit != "m" || !after.starts_with('s'));
        if let Some(after) = mine.filter(|_| !number.is_empty()) {
            rest = after;
        }
    }
    rest.is_empty() || text == "0"
}
