//! Services.

use core::net::IpAddr;

use super::{
    super::{fault::Fault, names},
    network::is_range,
    pods::address,
    selectors,
    spot::Spot,
};

/// A day: the longest that a client may be remembered.
const AFFINITY_SECONDS_MAX: i64 = 86_400;

pub(super) fn check(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    let kind = spec.text("type").unwrap_or("ClusterIP");
    if let Some(selector) = spec.field("selector") {
        selectors::map(&selector, faults);
    }
    ports(&spec, kind, faults);
    addresses(&spec, kind, faults);
    if kind == "ExternalName" {
        match spec.field("externalName") {
            None => spec.missing(faults, "externalName", "the type is `ExternalName`"),
            Some(name) => {
                let trimmed = name.as_text().map(|text| text.strip_suffix('.').unwrap_or(text));
                if trimmed.is_some_and(|text| names::check_name("", "ConfigMap", text).is_err()) {
                    name.wrong_form(faults, "is no host", "write a host in lower-case letters");
                }
            }
        }
    }
    if let Some(config) = spec.field("sessionAffinityConfig")
        && let Some(client) = config.field("clientIP")
        && client.number("timeoutSeconds").is_some_and(|seconds| !(1..=AFFINITY_SECONDS_MAX).contains(&seconds))
    {
        client.refuse_field(faults, "timeoutSeconds", "a client is remembered for a day at most", "write 1 to 86400");
    }
    for (name, kinds) in [
        ("externalTrafficPolicy", &["NodePort", "LoadBalancer"][..]),
        ("healthCheckNodePort", &["LoadBalancer"]),
        ("loadBalancerClass", &["LoadBalancer"]),
        ("loadBalancerSourceRanges", &["LoadBalancer"]),
    ] {
        // An empty list is no list.
        let there =
            spec.has(name) && !(spec.field(name).is_some_and(|field| field.value.is_array()) && spec.count(name) == 0);
        let outside = name == "externalTrafficPolicy" && spec.count("externalIPs") > 0;
        if there && !kinds.contains(&kind) && !outside {
            spec.refuse_field(faults, name, format!("a Service of the type `{kind}` has no `{name}`"), "take it out");
        }
    }
    if let Some(distribution) = spec.field("trafficDistribution")
        && distribution
            .as_text()
            .is_some_and(|text| !matches!(text, "PreferClose" | "PreferSameZone" | "PreferSameNode"))
    {
        distribution.wrong_form(faults, "is no distribution of traffic", "write `PreferSameZone` or `PreferSameNode`");
    }
}

fn ports(spec: &Spot<'_, '_>, kind: &str, faults: &mut Vec<Fault>) {
    let headless = spec.text("clusterIP") == Some("None");
    let Some(ports) = spec.field("ports").filter(|ports| ports.value.as_array().is_none_or(|list| !list.is_empty()))
    else {
        if !headless && kind != "ExternalName" {
            spec.missing(faults, "ports", "");
        }
        return;
    };
    let several = spec.count("ports") > 1;
    for port in ports.items() {
        if several && port.text("name").is_none_or(str::is_empty) {
            port.missing(faults, "name", "a Service of several ports names each");
        }
        port.port(faults, "targetPort");
        if kind == "ClusterIP" && port.number("nodePort").is_some_and(|number| number != 0) {
            port.refuse_field(
                faults,
                "nodePort",
                "a Service of the type `ClusterIP` has no ports of nodes",
                "take it out, or write `type: NodePort`",
            );
        }
        if let Some(protocol) = port.field("appProtocol")
            && protocol.as_text().is_some_and(|text| names::check_key(text).is_err())
        {
            protocol.wrong_form(
                faults,
                "is no name of a protocol",
                "write `http`, `grpc` or `kubernetes.io/h2c` for example",
            );
        }
    }
}

fn addresses(spec: &Spot<'_, '_>, kind: &str, faults: &mut Vec<Fault>) {
    if let Some(ip) = spec.field("clusterIP")
        && let Some(text) = ip.as_text()
    {
        if text == "None" && matches!(kind, "NodePort" | "LoadBalancer") {
            ip.refuse(faults, format!("a Service of the type `{kind}` has an address"), "take `clusterIP` out");
        }
        if !matches!(text, "" | "None") && text.parse::<IpAddr>().is_err() {
            ip.wrong_form(faults, "is no address", "leave it out: the cluster gives one");
        }
    }
    if let Some(ips) = spec.field("externalIPs") {
        ips.items().for_each(|ip| address(&ip, faults));
    }
    let Some(ranges) = spec.field("loadBalancerSourceRanges") else { return };
    for range in ranges.items() {
        if range.as_text().is_some_and(|text| !is_range(text.trim())) {
            range.wrong_form(faults, "is no range of addresses", "write it like `192.0.2.0/24`");
        }
    }
}
