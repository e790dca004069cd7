//! Ingresses.

use super::{
    super::{fault::Fault, names},
    spot::Spot,
};

pub(super) fn check(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    if spec.count("rules") == 0 && !spec.has("defaultBackend") {
        spec.refuse(faults, "neither `rules` nor `defaultBackend` is there", "say where requests go");
    }
    spec.object_name(faults, "ingressClassName");
    if let Some(backend) = spec.field("defaultBackend") {
        self::backend(&backend, faults);
    }
    if let Some(rules) = spec.field("rules") {
        rules.items().for_each(|rule| self::rule(&rule, faults));
    }
    let Some(all) = spec.field("tls") else { return };
    for tls in all.items() {
        tls.object_name(faults, "secretName");
        let Some(hosts) = tls.field("hosts") else { continue };
        hosts.items().for_each(|one| host(&one, faults));
    }
}

fn rule(rule: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(host) = rule.field("host") {
        self::host(&host, faults);
        if host.as_text().is_some_and(|text| text.parse::<core::net::IpAddr>().is_ok()) {
            host.wrong_form(faults, "is an address", "write a host");
        }
    }
    let Some(http) = rule.field("http") else { return };
    let Some(paths) = http.field("paths") else { return };
    for path in paths.items() {
        let exact = matches!(path.text("pathType"), Some("Exact" | "Prefix"));
        match path.field("path") {
            None if exact => path.missing(faults, "path", "the type of the path is exact or a prefix"),
            Some(field) if field.as_text().is_some_and(|text| !is_path(text, exact)) => {
                field.wrong_form(
                    faults,
                    "is no path",
                    "write an absolute path without `//`, `/./`, `/../` and encoded slashes",
                );
            }
            _ => {}
        }
        if let Some(backend) = path.field("backend") {
            self::backend(&backend, faults);
        }
    }
}

fn is_path(text: &str, exact: bool) -> bool {
    if !exact {
        return text.is_empty() || text.starts_with('/');
    }
    text.starts_with('/')
        && !["//", "/./", "/../", "%2f", "%2F"].iter().any(|part| text.contains(part))
        && !text.ends_with("/..")
        && !text.ends_with("/.")
}

fn host(host: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if host.as_text().is_some_and(|text| {
        let name = text.strip_prefix("*.").unwrap_or(text);
        !text.is_empty() && names::check_name("", "ConfigMap", name).is_err()
    }) {
        host.wrong_form(faults, "is no host", "write a host in lower-case letters, `*.` at its start at most");
    }
}

fn backend(backend: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    backend.exactly_one(faults, &["service", "resource"]);
    let Some(service) = backend.field("service") else { return };
    if let Some(name) = service.field("name")
        && name.as_text().is_some_and(|text| names::check_name("", "Service", text).is_err())
    {
        name.wrong_form(faults, "is no name of a Service", "write the name of a Service");
    }
    match service.field("port") {
        None => service.missing(faults, "port", ""),
        Some(port) => {
            port.exactly_one(faults, &["name", "number"]);
            port.port(faults, "name");
            port.port(faults, "number");
        }
    }
}
