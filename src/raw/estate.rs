//! `tenantry.yaml`: the platform around all tenants.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ApiVersion, Named, network::Network, service::Resources};
use crate::provision::connection::Connection;

/// The estate file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Estate")]
pub struct EstateFile {
    /// The version of this file's shape.
    pub api_version: ApiVersion,
    /// `Estate`.
    pub kind: EstateKind,
    /// Which platform it is.
    pub metadata: Named,
    /// The platform.
    pub spec: EstateSpec,
}

/// `kind` of the estate file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EstateKind {
    /// An estate.
    Estate,
}

/// The platform around all tenants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EstateSpec {
    /// What people call the platform.
    pub display_name: String,
    /// The domain that tenants' hosts lie under.
    pub domain: String,
    /// Hosts below the domain that no tenant may have.
    #[serde(default)]
    pub reserved_subdomains: Vec<String>,
    /// The regions by name.
    pub regions: BTreeMap<String, Region>,
    /// Naming patterns by target: `{tenant}` and `{item}` with a separator between them.
    #[serde(default)]
    pub naming: BTreeMap<String, String>,
    /// How Argo CD finds the rendered tree.
    pub argocd: Argocd,
    /// How the hook Job runs.
    pub provisioning: Provisioning,
    /// Servers by name: endpoints, and where the credentials come from. Never a credential.
    #[serde(default)]
    pub connections: BTreeMap<String, Connection>,
    /// Where generated credentials are kept; needed by provisions that have some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Secrets>,
    /// How requests reach tenants.
    pub routing: Routing,
    /// The minor release of Kubernetes that the clusters run, the oldest one where they differ. With it `check` knows what they serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The network around tenants: what the proofs about their NetworkPolicies go by.
    #[serde(default)]
    pub network: Network,
    /// Where the rendered tree is committed.
    #[serde(default)]
    pub output: Output,
    /// Kinds that templates may make beside the built-in list, as `apiVersion/Kind`.
    #[serde(default)]
    pub allowed_kinds: Vec<String>,
    /// Anything that the estate's own templates ask for.
    #[serde(default)]
    pub settings: Map<String, Value>,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Region {
    /// The API server of the cluster, as Argo CD knows it.
    #[serde(default = "in_cluster")]
    pub server: String,
    /// Anything that the estate's own templates ask for.
    #[serde(default)]
    pub settings: Map<String, Value>,
}

/// How Argo CD finds the rendered tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Argocd {
    /// The namespace that Argo CD runs in.
    #[serde(default = "argocd")]
    pub namespace: String,
    /// The AppProject that all Applications belong to.
    pub project: String,
    /// The repository that holds the output branch, as Argo CD reaches it.
    pub repo_url: String,
}

/// How the hook Job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provisioning {
    /// The platform namespace that it runs in, so that admin credentials never enter a tenant's.
    pub namespace: String,
    /// The image with this binary, with its tag.
    pub image: String,
    /// The service account that it runs as.
    pub service_account: String,
    /// The Secret in that namespace whose keys become environment variables: the connections' credentials.
    pub credentials_secret: String,
    /// Seconds after which the Job is given up.
    #[serde(default = "ten_minutes")]
    #[schemars(range(min = 30, max = 3600))]
    pub deadline_seconds: u32,
    /// How often a failed Pod is tried again.
    #[serde(default = "three")]
    #[schemars(range(max = 10))]
    pub backoff_limit: u32,
    /// When the CronJob repairs the outside resources of all tenants, in cron's five fields, by UTC.
    #[serde(default = "nightly")]
    #[schemars(regex(pattern = r"^\S+ \S+ \S+ \S+ \S+$"))]
    pub repair_schedule: String,
    /// What the Job's Pod gets.
    #[serde(default = "small")]
    pub resources: Resources,
}

/// Where generated credentials are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    /// The connection of the secret store.
    pub store: String,
}

/// How requests reach tenants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Routing {
    /// Gateway API: HTTPRoutes below one Gateway of the platform.
    Gateway {
        /// The Gateway.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// Ingress objects of one class.
    Ingress {
        /// The class.
        class_name: String,
        /// The namespace that its controller runs in.
        namespace: String,
    },
}

/// A minor release of Kubernetes that is known here. In quotes: `1.30` without them is the number 1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum KubernetesVersion {
    /// 1.30.
    #[serde(rename = "1.30")]
    V1_30,
    /// 1.31.
    #[serde(rename = "1.31")]
    V1_31,
    /// 1.32.
    #[serde(rename = "1.32")]
    V1_32,
    /// 1.33.
    #[serde(rename = "1.33")]
    V1_33,
    /// 1.34.
    #[serde(rename = "1.34")]
    V1_34,
    /// 1.35.
    #[serde(rename = "1.35")]
    V1_35,
    /// 1.36.
    #[serde(rename = "1.36")]
    V1_36,
}

impl KubernetesVersion {
    /// Returns the number behind the dot.
    pub fn minor(self) -> u8 {
        match self {
            KubernetesVersion::V1_30 => 30,
            KubernetesVersion::V1_31 => 31,
            KubernetesVersion::V1_32 => 32,
            KubernetesVersion::V1_33 => 33,
            KubernetesVersion::V1_34 => 34,
            KubernetesVersion::V1_35 => 35,
            KubernetesVersion::V1_36 => 36,
        }
    }
}

/// Where the rendered tree is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Output {
    /// The branch.
    #[serde(default = "rendered")]
    pub branch: String,
    /// The remote that `--push` pushes to.
    #[serde(default = "origin")]
    pub remote: String,
}

impl Default for Output {
    fn default() -> Self {
        Self { branch: rendered(), remote: origin() }
    }
}

fn in_cluster() -> String {
    "https://kubernetes.default.svc".to_owned()
}

fn argocd() -> String {
    "argocd".to_owned()
}

fn rendered() -> String {
    "rendered".to_owned()
}

fn origin() -> String {
    "origin".to_owned()
}

fn ten_minutes() -> u32 {
    600
}

fn nightly() -> String {
    "23 2 * * *".to_owned()
}

fn three() -> u32 {
    3
}

/// Enough for one connection per server; the engine itself stays under 128 MiB.
fn small() -> Resources {
    let quantities = |cpu: &str, memory: &str| {
        BTreeMap::from([("cpu".to_owned(), cpu.to_owned()), ("memory".to_owned(), memory.to_owned())])
    };
    Resources { requests: quantities("100m", "128Mi"), limits: quantities("500m", "256Mi") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kubernetes::releases::{NEWEST, OLDEST};

    #[test]
    fn the_known_releases_are_those_of_the_tables() {
        for minor in OLDEST..=NEWEST {
            let release: KubernetesVersion = serde_json::from_value(json!(format!("1.{minor}"))).unwrap();
            assert_eq!(release.minor(), minor);
        }
        for unknown in [json!("1.29"), json!("1.37"), json!("v1.36"), json!("1.36.3"), json!(1.3), json!("latest")] {
            assert!(serde_json::from_value::<KubernetesVersion>(unknown.clone()).is_err(), "{unknown}");
        }
    }
}
