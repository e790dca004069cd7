//! Rules on `network` of `tenantry.yaml`.

use std::collections::BTreeMap;

use super::{
    naming,
    places::{Finder, below},
    shape::shown,
    suggest,
};
use crate::{
    diag::Code,
    kubernetes::network::Ranges,
    provision::connection::Connection,
    raw::network::{Admits, Dns, Network},
};

/// Finds names that no namespace has, blocks that are none, and ports of connections that do not exist.
pub(super) fn check(finder: &mut Finder<'_>, network: &Network, connections: &BTreeMap<String, Connection>) {
    let Network { dns, monitoring, admits, namespaces, pod_ranges, pod_ports } = network;
    let Dns { namespace, pod_labels: _, addresses } = dns;
    // A default cannot be wrong, and has no place in the file.
    if *dns != Dns::default() {
        naming::namespace(finder, "/spec/network/dns/namespace", namespace);
    }
    blocks(finder, "/spec/network/dns/addresses", addresses);
    if let Some(monitoring) = monitoring {
        naming::namespace(finder, "/spec/network/monitoring", monitoring);
    }
    let Admits { namespaces: admitted, addresses } = admits;
    for (index, namespace) in admitted.iter().enumerate() {
        naming::namespace(finder, &format!("/spec/network/admits/namespaces/{index}"), namespace);
    }
    blocks(finder, "/spec/network/admits/addresses", addresses);
    for namespace in namespaces.keys() {
        naming::namespace(finder, &below("/spec/network/namespaces", namespace), namespace);
    }
    blocks(finder, "/spec/network/podRanges", pod_ranges);
    for name in pod_ports.keys().filter(|name| !connections.contains_key(*name)) {
        let none = "add the connection, or take the port out";
        let help = suggest::help(name, "connections", connections.keys().map(String::as_str).collect::<Vec<_>>(), none);
        let pointer = below("/spec/network/podPorts", name);
        finder.value(Code::UnknownConnection, &pointer, format!("there is no connection {}", shown(name)), help);
    }
}

fn blocks(finder: &mut Finder<'_>, pointer: &str, blocks: &[String]) {
    for (index, block) in blocks.iter().enumerate() {
        if Ranges::block(block, []).is_none() {
            let help = "write an address and the number of its bits that count: `10.0.0.0/8`, `fd00::/8`";
            let message = format!("{} is no block of addresses", shown(block));
            finder.value(Code::InvalidBlock, &format!("{pointer}/{index}"), message, help);
        }
    }
}
