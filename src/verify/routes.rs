//! Routes: whose hosts they take, where they lead, and annotations that nobody reads.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, below, text_at},
    tenant::Tenant,
};
use crate::diag::Code;

/// The prefix of ingress-nginx.
const NGINX: &str = "nginx.ingress.kubernetes.io/";

/// Annotations that write into the controller's own configuration (CVE-2021-25742, CVE-2024-7646).
const SNIPPET: &str = "-snippet";

/// The annotations that ingress-nginx reads (docs/user-guide/nginx-configuration/annotations.md), but for groups that share a start.
const KNOWN: &[&str] = &[
    "affinity",
    "affinity-mode",
    "affinity-canary-behavior",
    "app-root",
    "backend-protocol",
    "client-body-buffer-size",
    "connection-proxy-header",
    "custom-headers",
    "custom-http-errors",
    "default-backend",
    "denylist-source-range",
    "disable-proxy-intercept-errors",
    "enable-access-log",
    "enable-opentelemetry",
    "enable-rewrite-log",
    "force-ssl-redirect",
    "from-to-www-redirect",
    "http2-push-preload",
    "load-balance",
    "mirror-host",
    "mirror-request-body",
    "mirror-target",
    "opentelemetry-operation-name",
    "opentelemetry-trust-incoming-span",
    "permanent-redirect",
    "permanent-redirect-code",
    "preserve-trailing-slash",
    "relative-redirects",
    "rewrite-target",
    "satisfy",
    "server-alias",
    "service-upstream",
    "ssl-ciphers",
    "ssl-passthrough",
    "ssl-prefer-server-ciphers",
    "ssl-redirect",
    "temporal-redirect",
    "temporal-redirect-code",
    "upstream-hash-by",
    "upstream-hash-by-subset",
    "upstream-hash-by-subset-size",
    "upstream-vhost",
    "use-regex",
    "whitelist-source-range",
    "x-forwarded-prefix",
];

/// Starts of groups of annotations that it reads.
const KNOWN_STARTS: &[&str] = &[
    "auth-",
    "canary",
    "configuration-snippet",
    "cors-",
    "enable-cors",
    "enable-global-auth",
    "enable-modsecurity",
    "enable-owasp",
    "modsecurity-",
    "proxy-",
    "server-snippet",
    "session-cookie-",
    "stream-snippet",
];

/// Limits that it reads; everything else that starts like them is a wish.
const KNOWN_LIMITS: &[&str] = &[
    "limit-allowlist",
    "limit-burst-multiplier",
    "limit-connections",
    "limit-rate",
    "limit-rate-after",
    "limit-rpm",
    "limit-rps",
    "limit-whitelist",
];

pub(super) fn check(tenant: &Tenant<'_>, object: &Object<'_>, findings: &mut Findings<'_>) {
    match (object.group, object.kind) {
        ("networking.k8s.io", "Ingress") => ingress(tenant, object, findings),
        ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute") => route(tenant, object, findings),
        ("gateway.networking.k8s.io", "ListenerSet") => {
            for (index, listener) in object.items(&["spec", "listeners"]).iter().enumerate() {
                let hostname = text_at(listener, &["hostname"]);
                host(tenant, object, hostname, &format_args!("/spec/listeners/{index}/hostname"), findings);
            }
        }
        ("cert-manager.io", "Certificate") => {
            for (index, name) in object.items(&["spec", "dnsNames"]).iter().enumerate() {
                let inside = |name: &str| name.ends_with(".svc") || name.ends_with(".svc.cluster.local");
                let name = name.as_str().filter(|name| !inside(name));
                if name.is_some() {
                    host(tenant, object, name, &format_args!("/spec/dnsNames/{index}"), findings);
                }
            }
        }
        _ => {}
    }
}

/// Checks that a host is one of the tenant's, or lies below one.
fn host(
    tenant: &Tenant<'_>,
    object: &Object<'_>,
    host: Option<&str>,
    pointer: &std::fmt::Arguments<'_>,
    findings: &mut Findings<'_>,
) {
    let message = match host {
        Some(host) if is_own(tenant, host) => return,
        Some(host) => format!("{} takes the host `{host}`, which is not the tenant's", object.title()),
        None => format!("{} takes every host", object.title()),
    };
    findings.add(
        Code::RouteHost,
        object,
        &pointer.to_string(),
        message,
        "use `hosts.primary`, `hosts.custom` or a host below one of them: nothing else stops two tenants from taking each other's requests",
    );
}

fn is_own(tenant: &Tenant<'_>, host: &str) -> bool {
    let host = host.strip_prefix("*.").unwrap_or(host);
    tenant
        .plan
        .hosts
        .all
        .iter()
        .any(|own| host.strip_suffix(own.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

fn route(tenant: &Tenant<'_>, object: &Object<'_>, findings: &mut Findings<'_>) {
    let hostnames = object.items(&["spec", "hostnames"]);
    if hostnames.is_empty() {
        host(tenant, object, None, &format_args!("/spec"), findings);
    }
    for (index, name) in hostnames.iter().enumerate() {
        host(tenant, object, name.as_str(), &format_args!("/spec/hostnames/{index}"), findings);
    }
    if !tenant.complete {
        return;
    }
    for (index, parent) in object.items(&["spec", "parentRefs"]).iter().enumerate() {
        let own = text_at(parent, &["namespace"]).is_none_or(|namespace| namespace == tenant.plan.namespace);
        let kind = text_at(parent, &["kind"]).unwrap_or("Gateway");
        let Some(name) = text_at(parent, &["name"]).filter(|_| own && matches!(kind, "Gateway" | "ListenerSet")) else {
            continue;
        };
        if tenant.find("gateway.networking.k8s.io", kind, name).is_none() {
            findings.add(
                Code::RouteParent,
                object,
                &format!("/spec/parentRefs/{index}"),
                format!("{} hangs on the {kind} `{name}` of its own namespace, which nothing makes", object.title()),
                "name the platform's Gateway with its namespace, or make it in a template",
            );
        }
    }
    for (index, rule) in object.items(&["spec", "rules"]).iter().enumerate() {
        let backends = rule.get("backendRefs").and_then(Value::as_array).into_iter().flatten();
        for (place, backend) in backends.enumerate() {
            let service = text_at(backend, &["kind"]).is_none_or(|kind| kind == "Service");
            let own = text_at(backend, &["namespace"]).is_none_or(|namespace| namespace == tenant.plan.namespace);
            let Some(name) = text_at(backend, &["name"]).filter(|_| service && own) else { continue };
            let port = backend.get("port");
            self::backend(
                tenant,
                object,
                name,
                port,
                &format_args!("/spec/rules/{index}/backendRefs/{place}"),
                findings,
            );
        }
    }
}

fn ingress(tenant: &Tenant<'_>, object: &Object<'_>, findings: &mut Findings<'_>) {
    for key in object.annotations.into_iter().flat_map(|all| all.keys()) {
        if let Some(name) = key.strip_prefix(NGINX) {
            annotation(object, key, name, findings);
        }
    }
    if let Some(service) = object.at(&["spec", "defaultBackend", "service"]) {
        ingress_service(tenant, object, service, &format_args!("/spec/defaultBackend/service"), findings);
    }
    for (index, rule) in object.items(&["spec", "rules"]).iter().enumerate() {
        host(tenant, object, text_at(rule, &["host"]), &format_args!("/spec/rules/{index}/host"), findings);
        let paths = rule.get("http").and_then(|http| http.get("paths")).and_then(Value::as_array).into_iter().flatten();
        for (place, path) in paths.enumerate() {
            if let Some(service) = path.get("backend").and_then(|backend| backend.get("service")) {
                let pointer = format_args!("/spec/rules/{index}/http/paths/{place}/backend/service");
                ingress_service(tenant, object, service, &pointer, findings);
            }
        }
    }
}

fn ingress_service(
    tenant: &Tenant<'_>,
    object: &Object<'_>,
    service: &Value,
    pointer: &std::fmt::Arguments<'_>,
    findings: &mut Findings<'_>,
) {
    let port = service.get("port").and_then(|port| port.get("name").or_else(|| port.get("number")));
    if let Some(name) = text_at(service, &["name"]).filter(|_| tenant.complete) {
        backend(tenant, object, name, port, pointer, findings);
    }
}

/// Checks that a route leads to a port of a Service of the tenant.
fn backend(
    tenant: &Tenant<'_>,
    object: &Object<'_>,
    name: &str,
    port: Option<&Value>,
    pointer: &std::fmt::Arguments<'_>,
    findings: &mut Findings<'_>,
) {
    let fault = match tenant.find("", "Service", name) {
        None => format!("the Service `{name}`, which nothing makes"),
        Some(service) => {
            let fits = |listed: &Value| {
                port.is_none_or(|port| listed.get("port") == Some(port) || listed.get("name") == Some(port))
            };
            if service.items(&["spec", "ports"]).iter().any(fits) {
                return;
            }
            format!("a port that the Service `{name}` does not have: {}", port.unwrap_or(&Value::Null))
        }
    };
    let message = format!("{} leads to {fault}", object.title());
    findings.add(
        Code::RouteBackend,
        object,
        &pointer.to_string(),
        message,
        "name a Service of the tenant and one of its ports",
    );
}

fn annotation(object: &Object<'_>, key: &str, name: &str, findings: &mut Findings<'_>) {
    let pointer = || below("/metadata/annotations", key);
    if name.ends_with(SNIPPET) {
        findings.add(
            Code::IngressSnippet,
            object,
            &pointer(),
            format!("`{key}` writes into the configuration of the ingress controller"),
            "take it out: it reaches the traffic of all tenants, and the controller's own credentials",
        );
        return;
    }
    let known = KNOWN.contains(&name)
        || KNOWN_LIMITS.contains(&name)
        || KNOWN_STARTS.iter().any(|start| name.starts_with(start));
    if !known {
        let help = match name {
            "rate-limit" => "write `limit-rps` or `limit-rpm`".to_owned(),
            _ => "see the list of annotations of ingress-nginx, or take it out".to_owned(),
        };
        findings.add(
            Code::IngressAnnotation,
            object,
            &pointer(),
            format!("`{key}` does not exist: ingress-nginx passes over it without a word"),
            help,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotation_lists_are_sorted_and_hold_no_rate_limit() {
        assert!(KNOWN_STARTS.is_sorted() && KNOWN_LIMITS.is_sorted());
        assert!(!KNOWN_STARTS.iter().any(|start| "rate-limit".starts_with(start)));
        assert!(!KNOWN.contains(&"rate-limit"));
    }
}
