//! What Pods say about whom they connect to: addresses in variables, arguments and ConfigMaps, and Secrets that they read.
//!
//! An address in a Pod's own variables or arguments is meant for that Pod. One in a ConfigMap is meant for some of the
//! Pods that take their variables from it: which of them use it, nobody says. ConfigMaps that are mounted as files are not
//! searched, since what is in them need not be addresses of the tenant's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Net, addresses::Address};
use crate::verify::object::{Container, Object, below, text_at};

/// The endings of variables that hold a host.
const HOSTS: [&str; 2] = ["HOST", "HOSTNAME"];

/// An address and who has it.
pub(super) struct Call<'t> {
    pub address: Address<'t>,
    /// The object that says so, and the pointer of the field.
    pub said: (&'t Object<'t>, String),
    /// Numbers of workloads.
    pub by: Vec<usize>,
    /// Whether each of them means to connect, or some of them.
    pub each: bool,
}

/// What the tenant's Pods say about whom they connect to.
pub(super) struct Calls<'t> {
    pub list: Vec<Call<'t>>,
    /// The Secrets that each workload reads.
    pub secrets: Vec<BTreeSet<&'t str>>,
}

impl<'t> Calls<'t> {
    pub fn of(net: &Net<'t>) -> Self {
        let mut calls = Self { list: Vec::new(), secrets: Vec::new() };
        let mut shared: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (number, workload) in net.workloads.iter().enumerate() {
            for container in workload.template.containers() {
                for name in
                    items(container.value, "envFrom").filter_map(|from| text_at(from, &["configMapRef", "name"]))
                {
                    shared.entry(name).or_default().insert(number);
                }
                calls.container(net, number, &container);
            }
            calls.secrets.push(secrets(workload.template.spec, workload.template.containers()));
        }
        for (name, readers) in shared {
            let Some(object) = net.tenant.find("", "ConfigMap", name) else { continue };
            let Some(data) = object.at(&["data"]).and_then(Value::as_object) else { continue };
            let pairs = data.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
            for (key, address) in variables(&pairs.collect()) {
                let said = (object, below("/data", key));
                calls.list.push(Call { address, said, by: readers.iter().copied().collect(), each: false });
            }
        }
        calls
    }

    fn container(&mut self, net: &Net<'t>, number: usize, container: &Container<'t>) {
        let object = net.workloads[number].object;
        let mut own = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (index, variable) in items(container.value, "env").enumerate() {
            let Some(name) = text_at(variable, &["name"]) else { continue };
            if let Some(value) = text_at(variable, &["value"]).or_else(|| looked_up(net, variable)) {
                own.insert(name, value);
                places.insert(name, index);
            }
        }
        for (name, address) in variables(&own) {
            let said = (object, container.pointer_to(&format!("env/{}", places[name])));
            self.list.push(Call { address, said, by: vec![number], each: true });
        }
        for field in ["command", "args"] {
            for (index, text) in items(container.value, field).enumerate() {
                let Some(text) = text.as_str() else { continue };
                for address in Address::of_urls(text).chain(argument(text)) {
                    let said = (object, container.pointer_to(&format!("{field}/{index}")));
                    self.list.push(Call { address, said, by: vec![number], each: true });
                }
            }
        }
    }
}

/// Returns the value of a variable that is one key of a ConfigMap of the tenant.
fn looked_up<'t>(net: &Net<'t>, variable: &'t Value) -> Option<&'t str> {
    let reference = variable.get("valueFrom")?.get("configMapKeyRef")?;
    let object = net.tenant.find("", "ConfigMap", text_at(reference, &["name"])?)?;
    object.at(&["data", text_at(reference, &["key"])?]).and_then(Value::as_str)
}

/// Returns the addresses in variables, each with its variable: URLs, `host:port`, and `…_HOST` with its `…_PORT`.
fn variables<'t>(all: &BTreeMap<&'t str, &'t str>) -> Vec<(&'t str, Address<'t>)> {
    let mut found = Vec::new();
    for (&name, &value) in all {
        if value.contains("://") {
            found.extend(Address::of_urls(value).map(|address| (name, address)));
            continue;
        }
        let prefix = HOSTS.iter().find_map(|ending| name.strip_suffix(ending));
        let address = match (prefix, Address::read(value)) {
            (Some(prefix), Some(address)) => {
                let beside = || all.get(format!("{prefix}PORT").as_str())?.parse().ok();
                Address { port: address.port.or_else(beside), ..address }
            }
            // A text with a colon and a number behind it may also be a time or a ratio: a host has a letter.
            (None, Some(address)) if address.port.is_some() && address.host.contains(char::is_alphabetic) => address,
            _ => continue,
        };
        found.push((name, address));
    }
    found
}

/// Returns the address in `--option=host:port` or `host:port`.
fn argument(text: &str) -> Option<Address<'_>> {
    let value = text.rsplit_once('=').map_or(text, |(_, value)| value);
    Address::read(value).filter(|address| address.port.is_some() && address.host.contains(char::is_alphabetic))
}

/// Returns the Secrets that a Pod reads.
fn secrets<'t>(spec: &'t Value, containers: impl Iterator<Item = Container<'t>>) -> BTreeSet<&'t str> {
    let mut names = BTreeSet::new();
    for container in containers {
        names.extend(items(container.value, "envFrom").filter_map(|from| text_at(from, &["secretRef", "name"])));
        let keys = items(container.value, "env").filter_map(|one| text_at(one, &["valueFrom", "secretKeyRef", "name"]));
        names.extend(keys);
    }
    for volume in items(spec, "volumes") {
        names.extend(text_at(volume, &["secret", "secretName"]));
        let projected = volume.get("projected").into_iter().flat_map(|projected| items(projected, "sources"));
        names.extend(projected.filter_map(|source| text_at(source, &["secret", "name"])));
    }
    names
}

fn items<'t>(value: &'t Value, field: &str) -> impl Iterator<Item = &'t Value> + use<'t> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::verify::object::Fields;

    fn texts(fields: &Fields) -> BTreeMap<&str, &str> {
        fields.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }

    #[test]
    fn variables_name_addresses() {
        let all = json!({
            "AUTH_URL": "http://auth:8101", "MAIL_HOST": "smtp.example.com", "MAIL_PORT": "587", "DB_HOST": "db",
            "CACHE": "cache.shared.svc:6379", "START": "10:30", "RATIO": "16:9", "NAME": "auth", "LEVEL": "info",
            "BROKER_HOSTNAME": "mq:5672", "PORT": "80",
        });
        let found = variables(&texts(all.as_object().unwrap()));
        let shown: Vec<String> = found
            .iter()
            .map(|(name, Address { host, port })| format!("{name} {host} {}", port.unwrap_or_default()))
            .collect();
        assert_eq!(
            shown,
            [
                "AUTH_URL auth 8101",
                "BROKER_HOSTNAME mq 5672",
                "CACHE cache.shared.svc 6379",
                "DB_HOST db 0",
                "MAIL_HOST smtp.example.com 587",
            ]
        );
    }

    #[test]
    fn arguments_name_addresses() {
        assert_eq!(argument("--broker=mq:5672"), Some(Address { host: "mq", port: Some(5672) }));
        assert_eq!(argument("mq:5672"), Some(Address { host: "mq", port: Some(5672) }));
        for text in ["--port=80", "artisan", "--at=10:30", "migrate:fresh", "--seed"] {
            assert_eq!(argument(text), None, "{text}");
        }
    }
}
