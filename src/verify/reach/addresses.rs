//! Addresses that variables, arguments and settings name, and where they lie.

use core::net::IpAddr;

use crate::verify::{
    object::{Object, text_at},
    tenant::Tenant,
};

/// Ports that schemes mean without saying so.
const SCHEMES: [(&str, u16); 13] = [
    ("amqp", 5672),
    ("amqps", 5671),
    ("http", 80),
    ("https", 443),
    ("mongodb", 27017),
    ("mysql", 3306),
    ("nats", 4222),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("redis", 6379),
    ("rediss", 6379),
    ("ws", 80),
    ("wss", 443),
];

/// A host and, where it is said, a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address<'t> {
    pub host: &'t str,
    pub port: Option<u16>,
}

impl<'t> Address<'t> {
    /// Reads `host:port` or a host alone.
    pub fn read(text: &'t str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        (!host.is_empty() && host.chars().all(is_part)).then_some(Self { host: host.trim_end_matches('.'), port })
    }

    /// Returns the addresses of the URLs in a text.
    pub fn of_urls(text: &'t str) -> impl Iterator<Item = Self> {
        text.match_indices("://").filter_map(move |(at, separator)| {
            let before = &text[..at];
            let start = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |last| last + 1);
            // Drivers stand in front: `jdbc:mysql://…`, `postgresql+asyncpg://…` begins further left.
            let scheme = match before[..start].strip_suffix('+') {
                Some(left) => left.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default(),
                None => &before[start..],
            };
            let rest = &text[at + separator.len()..];
            let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'<>,;`)".contains(c)).unwrap_or(rest.len());
            let authority = rest[..end].rsplit('@').next().unwrap_or_default();
            let address = Self::read(authority)?;
            let default = SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port);
            Some(Self { port: address.port.or(default), ..address })
        })
    }
}

/// Where an address lies.
#[derive(Clone, Copy)]
pub(super) enum Where<'t> {
    /// A Service of the tenant.
    Own(&'t Object<'t>),
    /// A Service in another namespace of the cluster.
    Cluster(&'t str),
    /// A name outside of the cluster.
    Outside,
    /// An address.
    Address(IpAddr),
    /// The Pod itself, the tenant's own front door, or nothing that is known.
    Nowhere,
}

/// Finds out where a host lies, as a Pod of the tenant would look it up.
pub(super) fn locate<'t>(tenant: &'t Tenant<'t>, host: &'t str) -> Where<'t> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return if address.is_loopback() || address.is_unspecified() {
            Where::Nowhere
        } else {
            Where::Address(address)
        };
    }
    let labels: Vec<&str> = host.split('.').collect();
    let in_cluster = match labels.as_slice() {
        [name] => Some((*name, tenant.plan.namespace.as_str())),
        // `db-0.db.namespace.svc` is one Pod of a Service.
        [.., name, namespace, "svc"] | [.., name, namespace, "svc", "cluster", "local"] => Some((*name, *namespace)),
        [name, namespace] if !is_domain(namespace) => Some((*name, *namespace)),
        _ => None,
    };
    match in_cluster {
        Some((name, namespace)) if namespace == tenant.plan.namespace => own(tenant, name),
        Some((_, namespace)) => Where::Cluster(namespace),
        None if is_own_host(tenant, host) => Where::Nowhere,
        None => Where::Outside,
    }
}

fn own<'t>(tenant: &'t Tenant<'t>, name: &str) -> Where<'t> {
    let Some(service) = tenant.find("", "Service", name) else { return Where::Nowhere };
    match text_at(service.value, &["spec", "externalName"]) {
        // One name for another, which is looked up outside; a chain of them within the cluster is not followed.
        Some(host) if host.contains('.') && !host.ends_with(".local") => Where::Outside,
        Some(_) => Where::Nowhere,
        None => Where::Own(service),
    }
}

/// Returns whether a label is one that names outside end with.
fn is_domain(label: &str) -> bool {
    psl::suffix(label.as_bytes()).is_some_and(|suffix| suffix.is_known())
}

/// The tenant's own hosts are in links for its customers.
fn is_own_host(tenant: &Tenant<'_>, host: &str) -> bool {
    let is_below =
        |own: &String| host.strip_suffix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    tenant.plan.hosts.all.iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_urls() {
        for (text, host, port) in [
            ("http://auth:8101", "auth", Some(8101)),
            ("https://shop.example.com/path?x=1", "shop.example.com", Some(443)),
            ("postgresql://user:secret@db.shared.svc:6432/app", "db.shared.svc", Some(6432)),
            ("postgresql+asyncpg://db/app", "db", Some(5432)),
            ("jdbc:mysql://db/app", "db", Some(3306)),
            ("see \"http://auth\" for more", "auth", Some(80)),
            ("unknown://auth", "auth", None),
        ] {
            assert_eq!(Address::of_urls(text).collect::<Vec<_>>(), [Address { host, port }], "{text}");
        }
        for text in ["no address", "http://{{ host }}/", "http://$(HOST):80", "://", "http://[::1]:80"] {
            assert_eq!(Address::of_urls(text).count(), 0, "{text}");
        }
        assert_eq!(Address::of_urls("http://a:1,http://b:2").count(), 2);
    }

    #[test]
    fn hosts_and_ports_are_read() {
        assert_eq!(Address::read("db.shared.svc:5432"), Some(Address { host: "db.shared.svc", port: Some(5432) }));
        assert_eq!(Address::read("db."), Some(Address { host: "db", port: None }));
        for text in ["", ":80", "db:http", "db:99999", "a b", "user@db"] {
            assert_eq!(Address::read(text), None, "{text}");
        }
    }
}
