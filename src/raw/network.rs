//! `network` in `tenantry.yaml`: what NetworkPolicies of tenants cannot show of the cluster around them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The network around tenants: what the proofs about their NetworkPolicies go by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Network {
    /// The Pods that answer DNS.
    pub dns: Dns,
    /// The namespace that Prometheus runs in: beside the gateway's the only one that may open connections to tenants.
    pub monitoring: Option<String>,
    /// Who else may open connections to tenants' Pods.
    pub admits: Admits,
    /// The platform's own namespaces with their labels. Where some are given they are all there are beside the
    /// tenants', and a selector that means none of them is a finding.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// Where Pods have their addresses; the private ranges where none are given.
    pub pod_ranges: Vec<String>,
    /// The port that the Pods behind a connection listen at, by the connection's name, where the Service in front
    /// of them has another one. Policies see the Pods' port.
    pub pod_ports: BTreeMap<String, u16>,
}

/// The Pods that answer DNS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Dns {
    /// Their namespace.
    pub namespace: String,
    /// Labels that they have.
    pub pod_labels: BTreeMap<String, String>,
    /// Addresses outside of the Pods' that answer as well: those of a cache on each node, as blocks.
    pub addresses: Vec<String>,
}

impl Default for Dns {
    /// What kubeadm and the large clouds install, CoreDNS under the name of what was there before.
    fn default() -> Self {
        Self {
            namespace: "kube-system".to_owned(),
            pod_labels: BTreeMap::from([("k8s-app".to_owned(), "kube-dns".to_owned())]),
            addresses: Vec::new(),
        }
    }
}

/// Who may open connections to tenants' Pods, beside the gateway and Prometheus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Admits {
    /// Namespaces.
    pub namespaces: Vec<String>,
    /// Addresses, as blocks: those of nodes or load balancers.
    pub addresses: Vec<String>,
}

/// Where Pods have addresses unless an estate says otherwise: private networks, and the shared range that large clouds use.
const POD_RANGES: [&str; 5] = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

impl Network {
    /// Returns the blocks that Pods have their addresses in.
    pub fn pod_ranges(&self) -> Vec<&str> {
        match self.pod_ranges.as_slice() {
            [] => POD_RANGES.to_vec(),
            given => given.iter().map(String::as_str).collect(),
        }
    }
}
