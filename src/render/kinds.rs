//! Which kinds a tenant may have: what Argo CD is told, and what `verify` holds the output to.

/// Kinds that live in a namespace and reach nothing outside of it, by group; whatever is not here the platform must allow
/// in `spec.allowedKinds`. `Namespace` itself is the one cluster-scoped kind that a tenant has.
///
/// Left out on purpose: other cluster-scoped kinds; Endpoints and EndpointSlices (they lead a Service to any address);
/// DaemonSets (a Pod on every node); ReferenceGrants (they open the namespace); PushSecrets (they write into the secret
/// store).
pub const BUILT_IN: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "ConfigMap",
            "LimitRange",
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

/// Returns group and kind of an entry of `spec.allowedKinds`, `apiVersion/Kind`.
pub fn split(allowed: &str) -> (&str, &str) {
    let (version, kind) = allowed.rsplit_once('/').unwrap_or(("", allowed));
    // `v1` has no group, `apps/v1` has.
    (version.split_once('/').map_or("", |(group, _)| group), kind)
}
