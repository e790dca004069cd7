//! What a tenant claims for itself alone: hosts, objects outside of its namespace, outside resources.

use serde_json::Value;

use crate::{
    admit,
    diag::{Code, Place},
    kubernetes::Schemas,
    rendered::Origin,
    verify::{
        Places,
        findings::Findings,
        kinds::is_namespaced,
        object::{Object, text_at},
        tenant::Tenant,
    },
};

/// One claim.
pub(super) struct Claim {
    pub code: Code,
    /// What tells it from others of the whole estate.
    pub key: String,
    /// How messages call it.
    pub shown: String,
    /// What made it, and the pointer of the field; none for what a tier buys.
    at: Option<(Origin, String)>,
}

impl Claim {
    pub fn place(&self, tenant: &Tenant<'_>, places: &dyn Places) -> Place {
        match &self.at {
            Some((origin, pointer)) => Findings::new(tenant.plan, places).place(origin, pointer),
            None => Place::file(format!("tiers/{}.yaml", tenant.plan.tier.name)),
        }
    }

    pub fn help(&self) -> &'static str {
        match self.code {
            Code::RouteHostTaken => {
                "a host belongs to one tenant: take it out of the routes and certificates of one of the two"
            }
            Code::ObjectShared => {
                "put the tenant's name into the name of the object, or make it once for the platform, outside of the tenants' bundles"
            }
            _ => "give them names of their own: see `naming` in tenantry.yaml",
        }
    }
}

/// Calls with each claim of a tenant.
pub(super) fn each(tenant: &Tenant<'_>, schemas: &Schemas, mut call: impl FnMut(Claim)) {
    let server = tenant.plan.region.server.as_str();
    for object in &tenant.objects {
        hosts(object, |host, pointer| {
            let host = host.to_ascii_lowercase();
            call(Claim {
                code: Code::RouteHostTaken,
                key: format!("host {host}"),
                shown: format!("the host `{host}`, which {} is for,", object.title()),
                at: Some((object.origin.clone(), pointer)),
            });
        });
        if tenant.owns(object) {
            continue;
        }
        // A kind without a schema is not known to be cluster-scoped: where it has no namespace it says so itself.
        let namespace = object.namespace.filter(|_| is_namespaced(schemas, object)).unwrap_or_default();
        call(Claim {
            code: Code::ObjectShared,
            key: format!("object {server} {}/{} {namespace}/{}", object.group, object.kind, object.name),
            shown: object.title(),
            at: Some((object.origin.clone(), "/metadata/name".to_owned())),
        });
    }
    for (space, name, key) in admit::claims_of(&tenant.plan.document) {
        call(Claim {
            code: Code::ClaimedTwice,
            key: format!("resource {key}"),
            shown: format!("the {space} `{}`", name.escape_debug()),
            at: None,
        });
    }
}

/// Calls with each host that an object takes requests or a certificate for, and the pointer of the field.
fn hosts(object: &Object<'_>, mut call: impl FnMut(&str, String)) {
    let mut list = |way: &[&str], field: Option<&str>| {
        for (index, item) in object.items(way).iter().enumerate() {
            let host = field.map_or_else(|| item.as_str(), |field| text_at(item, &[field]));
            if let Some(host) = host.filter(|host| !host.ends_with(".svc") && !host.ends_with(".svc.cluster.local")) {
                let field = field.map(|field| format!("/{field}")).unwrap_or_default();
                call(host, format!("/{}/{index}{field}", way.join("/")));
            }
        }
    };
    match (object.group, object.kind) {
        ("gateway.networking.k8s.io", "Gateway" | "ListenerSet") => list(&["spec", "listeners"], Some("hostname")),
        ("gateway.networking.k8s.io", kind) if kind.ends_with("Route") => list(&["spec", "hostnames"], None),
        ("networking.k8s.io", "Ingress") => {
            list(&["spec", "rules"], Some("host"));
            for (index, tls) in object.items(&["spec", "tls"]).iter().enumerate() {
                let hosts = tls.get("hosts").and_then(Value::as_array).into_iter().flatten();
                for (place, host) in hosts.enumerate().filter_map(|(place, host)| Some((place, host.as_str()?))) {
                    call(host, format!("/spec/tls/{index}/hosts/{place}"));
                }
            }
        }
        ("cert-manager.io", "Certificate") => list(&["spec", "dnsNames"], None),
        _ => {}
    }
}
