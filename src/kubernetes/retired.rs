//! apiVersions that people still write and clusters no longer serve.
//!
//! Sources: the deprecated API migration guide of Kubernetes, and the release notes of the add-ons.

/// An apiVersion that is gone, for one kind or for all kinds of its group.
struct Retired {
    api_version: &'static str,
    /// The kind; none means every kind.
    kind: Option<&'static str>,
    /// What to write instead; `None` where the kind itself is gone.
    instead: Option<&'static str>,
}

const fn gone(api_version: &'static str, instead: &'static str) -> Retired {
    Retired { api_version, kind: None, instead: Some(instead) }
}

const fn moved(api_version: &'static str, kind: &'static str, instead: &'static str) -> Retired {
    Retired { api_version, kind: Some(kind), instead: Some(instead) }
}

const fn removed(api_version: &'static str, kind: &'static str) -> Retired {
    Retired { api_version, kind: Some(kind), instead: None }
}

/// Entries for one kind stand before those for its whole group. Where a later kind began its life in the same group and version
/// (`MutatingAdmissionPolicy`, `IPAddress`, `ClusterTrustBundle`), the retired kinds are named one by one.
const RETIRED: &[Retired] = &[
    moved("admissionregistration.k8s.io/v1alpha1", "ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1"),
    moved(
        "admissionregistration.k8s.io/v1alpha1",
        "ValidatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/v1",
    ),
    moved("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1"),
    moved(
        "admissionregistration.k8s.io/v1beta1",
        "ValidatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/v1",
    ),
    moved("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
    moved("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
    gone("apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1"),
    gone("apiregistration.k8s.io/v1beta1", "apiregistration.k8s.io/v1"),
    gone("apps/v1beta1", "apps/v1"),
    gone("apps/v1beta2", "apps/v1"),
    gone("autoscaling/v2beta1", "autoscaling/v2"),
    gone("autoscaling/v2beta2", "autoscaling/v2"),
    gone("batch/v1beta1", "batch/v1"),
    gone("batch/v2alpha1", "batch/v1"),
    gone("cert-manager.io/v1alpha2", "cert-manager.io/v1"),
    gone("cert-manager.io/v1alpha3", "cert-manager.io/v1"),
    gone("cert-manager.io/v1beta1", "cert-manager.io/v1"),
    moved("certificates.k8s.io/v1beta1", "CertificateSigningRequest", "certificates.k8s.io/v1"),
    gone("certmanager.k8s.io/v1alpha1", "cert-manager.io/v1"),
    moved("coordination.k8s.io/v1beta1", "Lease", "coordination.k8s.io/v1"),
    gone("discovery.k8s.io/v1beta1", "discovery.k8s.io/v1"),
    gone("events.k8s.io/v1beta1", "events.k8s.io/v1"),
    moved("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
    moved("extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
    removed("extensions/v1beta1", "PodSecurityPolicy"),
    gone("extensions/v1beta1", "apps/v1"),
    // PushSecret is v1alpha1 to this day.
    moved("external-secrets.io/v1alpha1", "ExternalSecret", "external-secrets.io/v1"),
    moved("external-secrets.io/v1alpha1", "SecretStore", "external-secrets.io/v1"),
    moved("external-secrets.io/v1alpha1", "ClusterSecretStore", "external-secrets.io/v1"),
    gone("external-secrets.io/v1beta1", "external-secrets.io/v1"),
    gone("flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1"),
    gone("flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1"),
    gone("flowcontrol.apiserver.k8s.io/v1beta3", "flowcontrol.apiserver.k8s.io/v1"),
    moved("gateway.networking.k8s.io/v1alpha2", "Gateway", "gateway.networking.k8s.io/v1"),
    moved("gateway.networking.k8s.io/v1alpha2", "GatewayClass", "gateway.networking.k8s.io/v1"),
    moved("gateway.networking.k8s.io/v1alpha2", "HTTPRoute", "gateway.networking.k8s.io/v1"),
    moved("gateway.networking.k8s.io/v1alpha2", "ReferenceGrant", "gateway.networking.k8s.io/v1beta1"),
    moved("gateway.networking.k8s.io/v1beta1", "Gateway", "gateway.networking.k8s.io/v1"),
    moved("gateway.networking.k8s.io/v1beta1", "GatewayClass", "gateway.networking.k8s.io/v1"),
    moved("gateway.networking.k8s.io/v1beta1", "HTTPRoute", "gateway.networking.k8s.io/v1"),
    moved("integreatly.org/v1alpha1", "GrafanaDashboard", "grafana.integreatly.org/v1beta1"),
    moved("networking.k8s.io/v1beta1", "Ingress", "networking.k8s.io/v1"),
    moved("networking.k8s.io/v1beta1", "IngressClass", "networking.k8s.io/v1"),
    gone("node.k8s.io/v1beta1", "node.k8s.io/v1"),
    removed("policy/v1beta1", "PodSecurityPolicy"),
    gone("policy/v1beta1", "policy/v1"),
    gone("rbac.authorization.k8s.io/v1alpha1", "rbac.authorization.k8s.io/v1"),
    gone("rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1"),
    moved("scheduling.k8s.io/v1alpha1", "PriorityClass", "scheduling.k8s.io/v1"),
    moved("scheduling.k8s.io/v1beta1", "PriorityClass", "scheduling.k8s.io/v1"),
    moved("storage.k8s.io/v1alpha1", "VolumeAttachment", "storage.k8s.io/v1"),
    moved("storage.k8s.io/v1beta1", "CSIDriver", "storage.k8s.io/v1"),
    moved("storage.k8s.io/v1beta1", "CSINode", "storage.k8s.io/v1"),
    moved("storage.k8s.io/v1beta1", "CSIStorageCapacity", "storage.k8s.io/v1"),
    moved("storage.k8s.io/v1beta1", "StorageClass", "storage.k8s.io/v1"),
    moved("storage.k8s.io/v1beta1", "VolumeAttachment", "storage.k8s.io/v1"),
];

/// What became of an apiVersion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retirement {
    /// Write this one instead.
    Instead(&'static str),
    /// The kind is gone for good.
    Removed,
}

/// Returns what became of an apiVersion that clusters no longer serve, or `None` for one that is fine or unknown.
pub fn retirement(api_version: &str, kind: &str) -> Option<Retirement> {
    let entry =
        RETIRED.iter().find(|entry| entry.api_version == api_version && entry.kind.is_none_or(|only| only == kind))?;
    Some(entry.instead.map_or(Retirement::Removed, Retirement::Instead))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Schemas;

    #[test]
    fn the_old_versions_of_the_seeds_have_a_successor() {
        for (api_version, kind, instead) in [
            ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
            ("extensions/v1beta1", "Deployment", "apps/v1"),
            ("networking.k8s.io/v1beta1", "Ingress", "networking.k8s.io/v1"),
            ("policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
            ("batch/v1beta1", "CronJob", "batch/v1"),
            ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
            ("external-secrets.io/v1beta1", "ExternalSecret", "external-secrets.io/v1"),
            ("external-secrets.io/v1alpha1", "SecretStore", "external-secrets.io/v1"),
            ("rbac.authorization.k8s.io/v1beta1", "Role", "rbac.authorization.k8s.io/v1"),
        ] {
            assert_eq!(retirement(api_version, kind), Some(Retirement::Instead(instead)), "{api_version} {kind}");
            assert!(Schemas::builtin().kind(instead, kind).is_some(), "{instead} {kind}");
        }
        assert_eq!(retirement("policy/v1beta1", "PodSecurityPolicy"), Some(Retirement::Removed));
        assert_eq!(retirement("external-secrets.io/v1alpha1", "PushSecret"), None);
        assert_eq!(retirement("apps/v1", "Deployment"), None);
    }

    #[test]
    fn no_built_in_kind_is_retired() {
        for kind in Schemas::builtin().kinds() {
            assert_eq!(retirement(&kind.api_version, &kind.kind), None, "{} {}", kind.api_version, kind.kind);
        }
    }
}
