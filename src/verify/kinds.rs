//! Which kinds templates may make.

use super::object::Object;
use crate::kubernetes::Schemas;

/// Kinds that live in a namespace and reach nothing outside it, by group: whatever is not here the platform must allow.
///
/// Left out on purpose: cluster-scoped kinds; Endpoints and EndpointSlices (they lead a Service to any address); DaemonSets (a Pod on every
/// node); ReferenceGrants (they open the namespace); PushSecrets (they write into the secret store).
const BUILT_IN: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "ConfigMap",
            "LimitRange",
            "Namespace",
            "PersistentVolumeClaim",
            "Pod",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    ("apps", &["Deployment", "StatefulSet"]),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    ("batch", &["CronJob", "Job"]),
    ("cert-manager.io", &["Certificate", "Issuer"]),
    ("external-secrets.io", &["ExternalSecret", "SecretStore"]),
    ("gateway.networking.k8s.io", &["GRPCRoute", "HTTPRoute", "ListenerSet"]),
    ("grafana.integreatly.org", &["GrafanaDashboard"]),
    ("monitoring.coreos.com", &["PodMonitor", "PrometheusRule", "ServiceMonitor"]),
    ("networking.k8s.io", &["Ingress", "NetworkPolicy"]),
    ("policy", &["PodDisruptionBudget"]),
    ("postgresql.cnpg.io", &["Backup", "Cluster", "Database", "Pooler", "ScheduledBackup"]),
    ("rbac.authorization.k8s.io", &["Role", "RoleBinding"]),
];

/// The kinds that templates may make.
pub(super) struct Allowed {
    /// `apiVersion/Kind` of the platform's own choice.
    platform: Vec<String>,
}

impl Allowed {
    pub fn new(platform: &[String]) -> Self {
        Self { platform: platform.to_vec() }
    }

    pub fn contains(&self, object: &Object<'_>) -> bool {
        let built_in = BUILT_IN.iter().any(|(group, kinds)| *group == object.group && kinds.contains(&object.kind));
        built_in
            || self.platform.iter().any(|allowed| {
                allowed
                    .rsplit_once('/')
                    .is_some_and(|(version, kind)| kind == object.kind && version == object.api_version)
            })
    }
}

/// Returns whether an object lives in a namespace. A kind without a schema is taken for one that does: the stricter of the two.
pub(super) fn is_namespaced(schemas: &Schemas, object: &Object<'_>) -> bool {
    schemas.kind(object.api_version, object.kind).is_none_or(|info| info.namespaced)
}
