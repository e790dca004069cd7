//! A service of a tier: one container image that runs for each tenant.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A service, once all layers of its tier are merged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// The image without its tag.
    pub image: String,
    /// The image's tag; `latest` is refused.
    pub tag: String,
    /// The number of Pods; where the service scales by itself, where it starts.
    #[schemars(range(max = 1000))]
    pub replicas: u32,
    /// The port that serves requests.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// The port that serves metrics, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub metrics_port: Option<u16>,
    /// What each Pod gets.
    pub resources: Resources,
    /// Whether the service has a database of its own.
    #[serde(default)]
    pub database: bool,
    /// Whether requests from outside reach it.
    #[serde(default)]
    pub public: bool,
    /// How it scales by itself; it does not where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// How many of its Pods may be away at one time; nothing is promised where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruption_budget: Option<DisruptionBudget>,
    /// Paths that tell whether it works.
    #[serde(default)]
    pub health: Health,
    /// How its database is brought up to date; it is not where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Anything that the estate's own templates ask for.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
}

/// Kubernetes quantities by resource: what a container asks for, and the most that it gets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resources {
    /// What is kept free for it.
    #[serde(default)]
    pub requests: BTreeMap<String, String>,
    /// The most that it gets.
    #[serde(default)]
    pub limits: BTreeMap<String, String>,
}

/// How a service scales by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Autoscaling {
    /// The least number of Pods.
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: u32,
    /// The most Pods.
    #[schemars(range(min = 1, max = 1000))]
    pub max_replicas: u32,
    /// The share of the requested CPU, in percent, that scaling aims at.
    #[schemars(range(min = 1, max = 100))]
    pub target_cpu_percent: u32,
}

/// How many Pods may be away at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DisruptionBudget {
    /// Pods that may be away; `minAvailable` equal to the replicas would block node drains, so there is no such key.
    #[schemars(range(min = 1))]
    pub max_unavailable: u32,
}

/// Paths that tell whether a service works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Health {
    /// Answers 200 while the process is alive.
    #[serde(default = "alive")]
    #[schemars(regex(pattern = r"^/"))]
    pub liveness: String,
    /// Answers 200 while requests can be served.
    #[serde(default = "ready")]
    #[schemars(regex(pattern = r"^/"))]
    pub readiness: String,
}

impl Default for Health {
    fn default() -> Self {
        Self { liveness: alive(), readiness: ready() }
    }
}

/// How a service's database is brought up to date before its Pods roll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Migration {
    /// The command in the service's own image.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// Seconds after which the Job is given up.
    #[serde(default = "ten_minutes")]
    #[schemars(range(min = 1, max = 86400))]
    pub deadline_seconds: u32,
    /// What the Job's Pod gets; the service's own resources where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

fn alive() -> String {
    "/health".to_owned()
}

fn ready() -> String {
    "/ready".to_owned()
}

fn ten_minutes() -> u32 {
    600
}
