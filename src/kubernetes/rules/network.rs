//! NetworkPolicies.

use core::net::IpAddr;

use super::{super::fault::Fault, selectors, spot::Spot};

pub(super) fn check(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    selectors::field(&spec, "podSelector", faults);
    if spec.count("policyTypes") > 2 {
        spec.refuse_field(faults, "policyTypes", "there are two types only", "name each once");
    }
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        let Some(rules) = spec.field(rules) else { continue };
        for rule in rules.items() {
            if let Some(peers) = rule.field(peers) {
                peers.items().for_each(|peer| self::peer(&peer, faults));
            }
            if let Some(ports) = rule.field("ports") {
                ports.items().for_each(|port| self::port(&port, faults));
            }
        }
    }
}

fn peer(peer: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let selects = peer.has("podSelector") || peer.has("namespaceSelector");
    if selects && peer.has("ipBlock") {
        peer.refuse(faults, "a peer is a range of addresses or is selected, not both", "make two peers of it");
    }
    if !selects && !peer.has("ipBlock") {
        peer.refuse(faults, "a peer must say whom it means", "give it `podSelector`, `namespaceSelector` or `ipBlock`");
    }
    selectors::field(peer, "podSelector", faults);
    selectors::field(peer, "namespaceSelector", faults);
    let Some(block) = peer.field("ipBlock") else { return };
    let Some(range) = block.field("cidr") else { return };
    let outer = range.as_text().and_then(read_range);
    if range.as_text().is_some() && outer.is_none() {
        range.wrong_form(
            faults,
            "is no range of addresses",
            "write it like `192.0.2.0/24`; one address is `192.0.2.1/32`",
        );
    }
    let Some(except) = block.field("except") else { return };
    for exception in except.items() {
        let Some(text) = exception.as_text() else { continue };
        match (read_range(text), outer) {
            (None, _) => exception.wrong_form(faults, "is no range of addresses", "write it like `192.0.2.0/24`"),
            (Some(inner), Some(outer)) if !lies_within(inner, outer) => {
                exception.wrong_form(
                    faults,
                    "is no part of the range that it is taken from",
                    "write a smaller range inside of `cidr`",
                );
            }
            _ => {}
        }
    }
}

fn port(port: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    port.port(faults, "port");
    let Some(end) = port.field("endPort") else { return };
    match port.number("port") {
        None => port.refuse_field(
            faults,
            "endPort",
            "a range of ports starts with a number",
            "write the first number into `port`",
        ),
        Some(start) => {
            if end.value.as_i64().is_some_and(|end| end < start || end > 65535) {
                end.out_of_range(faults, "does not end a range of ports", "write a number from `port` to 65535");
            }
        }
    }
}

pub(super) fn is_range(text: &str) -> bool {
    read_range(text).is_some()
}

/// Reads a range: an address and how many bits of it count.
fn read_range(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits = bits.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some((address, bits))
}

/// Returns whether a range is a part of another, and not all of it.
fn lies_within(inner: (IpAddr, u8), outer: (IpAddr, u8)) -> bool {
    let prefix = |address: IpAddr, bits: u8| match address {
        IpAddr::V4(address) => u128::from(u32::from(address).checked_shr(32 - u32::from(bits)).unwrap_or(0)),
        IpAddr::V6(address) => u128::from(address).checked_shr(128 - u32::from(bits)).unwrap_or(0),
    };
    inner.0.is_ipv4() == outer.0.is_ipv4() && inner.1 > outer.1 && prefix(inner.0, outer.1) == prefix(outer.0, outer.1)
}
