//! What the published schemas and the API server's own checks say and the Rust types lose, put back where people get it wrong.
//!
//! k8s-openapi has plain strings where the API has words, and no bounds; the kcr crates keep words and lose bounds. Each entry names a
//! definition and one of its fields (none for the definition itself); an entry that finds nothing stops the generator, so that the table cannot outlive the types.

use serde_json::{Value, json};

use crate::document::Document;

/// What is put back.
enum Fix {
    /// One of these words.
    Words(&'static [&'static str]),
    /// A list of these words.
    Lists(&'static [&'static str]),
    /// At least this number.
    Min(i64),
    /// A number in this range.
    Range(i64, i64),
    /// A list or a text of at least this many items or characters.
    Length(u64, u64),
    /// The API server refuses the object without it.
    Required,
    /// The published schema has a default for it, so it may be left out.
    Optional,
    /// Items of the list differ in these fields.
    Keys(&'static [&'static str]),
    /// Items of the list differ in this field too, where they have it.
    Also(&'static str),
    /// A text of a form with a name: `dns-label`, `port-name`.
    Form(&'static str),
    /// A quantity where the type has a plain string or an int-or-string.
    Quantity,
    /// A map of name to quantity.
    Quantities,
    /// Exactly this many fields of an object.
    Fields(u64),
    /// A text of this form.
    Pattern(&'static str),
    /// `null` is what generators write for "not yet".
    Nullable,
}
use Fix::{
    Also, Fields, Form, Keys, Length, Lists, Min, Nullable, Optional, Pattern, Quantities, Quantity, Range, Required,
    Words,
};

/// Protocols of ports: everything else is refused, `http` and `tcp` included.
const PROTOCOLS: Fix = Words(&["TCP", "UDP", "SCTP"]);
/// The operators of label selectors.
const OPERATORS: Fix = Words(&["In", "NotIn", "Exists", "DoesNotExist"]);
/// A port of TCP or UDP; 0 is none.
const PORT: Fix = Range(1, 65_535);
/// The longest list that a published schema without a bound of its own allows here.
const UNBOUNDED: u64 = u32::MAX as u64;
/// Prometheus' own durations: `30s`, `1h30m`.
const PROMETHEUS_DURATION: Fix =
    Pattern("^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$");
/// Gateway API's durations (GEP-2257): `10s`, `1h30m`.
const GATEWAY_DURATION: Fix = Pattern("^([0-9]{1,5}(h|m|s|ms)){1,4}$");

const CORE: &[(&str, &str, Fix)] = &[
    ("api.admissionregistration.v1.MatchResources", "matchPolicy", Words(&["Exact", "Equivalent"])),
    (
        "api.admissionregistration.v1.NamedRuleWithOperations",
        "operations",
        Lists(&["*", "CREATE", "UPDATE", "DELETE", "CONNECT"]),
    ),
    ("api.admissionregistration.v1.NamedRuleWithOperations", "scope", Words(&["*", "Cluster", "Namespaced"])),
    ("api.admissionregistration.v1.ParamRef", "parameterNotFoundAction", Words(&["Allow", "Deny"])),
    ("api.admissionregistration.v1.ValidatingAdmissionPolicySpec", "failurePolicy", Words(&["Ignore", "Fail"])),
    (
        "api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec",
        "validationActions",
        Lists(&["Deny", "Warn", "Audit"]),
    ),
    ("api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec", "validationActions", Required),
    ("api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec", "policyName", Required),
    ("api.apps.v1.DaemonSetSpec", "minReadySeconds", Min(0)),
    ("api.apps.v1.DaemonSetUpdateStrategy", "type", Words(&["RollingUpdate", "OnDelete"])),
    ("api.apps.v1.DeploymentSpec", "minReadySeconds", Min(0)),
    ("api.apps.v1.DeploymentSpec", "replicas", Min(0)),
    ("api.apps.v1.DeploymentSpec", "revisionHistoryLimit", Min(0)),
    ("api.apps.v1.DeploymentSpec", "progressDeadlineSeconds", Min(0)),
    ("api.apps.v1.DeploymentStrategy", "type", Words(&["Recreate", "RollingUpdate"])),
    ("api.apps.v1.ReplicaSetSpec", "replicas", Min(0)),
    ("api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy", "whenDeleted", Words(&["Retain", "Delete"])),
    ("api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy", "whenScaled", Words(&["Retain", "Delete"])),
    ("api.apps.v1.StatefulSetSpec", "podManagementPolicy", Words(&["OrderedReady", "Parallel"])),
    ("api.apps.v1.StatefulSetSpec", "replicas", Min(0)),
    ("api.apps.v1.StatefulSetUpdateStrategy", "type", Words(&["RollingUpdate", "OnDelete"])),
    ("api.autoscaling.v2.HPAScalingPolicy", "periodSeconds", Range(1, 1_800)),
    ("api.autoscaling.v2.HPAScalingPolicy", "type", Words(&["Pods", "Percent"])),
    ("api.autoscaling.v2.HPAScalingPolicy", "value", Min(1)),
    ("api.autoscaling.v2.HPAScalingRules", "selectPolicy", Words(&["Max", "Min", "Disabled"])),
    ("api.autoscaling.v2.HPAScalingRules", "stabilizationWindowSeconds", Range(0, 3_600)),
    ("api.autoscaling.v2.HorizontalPodAutoscalerSpec", "maxReplicas", Min(1)),
    ("api.autoscaling.v2.HorizontalPodAutoscalerSpec", "minReplicas", Min(0)),
    ("api.autoscaling.v2.MetricSpec", "type", Words(&["ContainerResource", "External", "Object", "Pods", "Resource"])),
    ("api.autoscaling.v2.MetricTarget", "averageUtilization", Min(1)),
    ("api.autoscaling.v2.MetricTarget", "type", Words(&["Utilization", "Value", "AverageValue"])),
    ("api.batch.v1.CronJobSpec", "concurrencyPolicy", Words(&["Allow", "Forbid", "Replace"])),
    ("api.batch.v1.CronJobSpec", "failedJobsHistoryLimit", Min(0)),
    ("api.batch.v1.CronJobSpec", "schedule", Length(1, UNBOUNDED)),
    ("api.batch.v1.CronJobSpec", "startingDeadlineSeconds", Min(0)),
    ("api.batch.v1.CronJobSpec", "successfulJobsHistoryLimit", Min(0)),
    ("api.batch.v1.JobSpec", "activeDeadlineSeconds", Min(0)),
    ("api.batch.v1.JobSpec", "backoffLimit", Min(0)),
    ("api.batch.v1.JobSpec", "completionMode", Words(&["NonIndexed", "Indexed"])),
    ("api.batch.v1.JobSpec", "completions", Min(0)),
    ("api.batch.v1.JobSpec", "parallelism", Min(0)),
    ("api.batch.v1.JobSpec", "podReplacementPolicy", Words(&["TerminatingOrFailed", "Failed"])),
    ("api.batch.v1.JobSpec", "ttlSecondsAfterFinished", Min(0)),
    ("api.batch.v1.PodFailurePolicyRule", "action", Words(&["FailJob", "FailIndex", "Ignore", "Count"])),
    ("api.batch.v1.PodFailurePolicyOnExitCodesRequirement", "operator", Words(&["In", "NotIn"])),
    ("api.core.v1.AppArmorProfile", "type", Words(&["Localhost", "RuntimeDefault", "Unconfined"])),
    ("api.core.v1.Container", "env", Keys(&["name"])),
    // The schema leaves it out for the sake of tools; a Pod without an image is refused.
    ("api.core.v1.Container", "image", Required),
    ("api.core.v1.Container", "image", Length(1, UNBOUNDED)),
    ("api.core.v1.Container", "imagePullPolicy", Words(&["Always", "IfNotPresent", "Never"])),
    ("api.core.v1.Container", "ports", Keys(&["containerPort", "protocol"])),
    ("api.core.v1.Container", "name", Form("dns-label")),
    ("api.core.v1.Container", "ports", Also("name")),
    ("api.core.v1.Container", "restartPolicy", Words(&["Always", "OnFailure", "Never"])),
    ("api.core.v1.Container", "terminationMessagePolicy", Words(&["File", "FallbackToLogsOnError"])),
    ("api.core.v1.Container", "volumeMounts", Keys(&["mountPath"])),
    ("api.core.v1.ContainerPort", "containerPort", PORT),
    ("api.core.v1.ContainerPort", "hostPort", PORT),
    ("api.core.v1.ContainerPort", "name", Form("port-name")),
    ("api.core.v1.ContainerPort", "protocol", PROTOCOLS),
    ("api.core.v1.EndpointPort", "protocol", PROTOCOLS),
    ("api.core.v1.EphemeralContainer", "imagePullPolicy", Words(&["Always", "IfNotPresent", "Never"])),
    ("api.core.v1.HTTPGetAction", "scheme", Words(&["HTTP", "HTTPS"])),
    ("api.core.v1.LimitRangeItem", "type", Words(&["Container", "PersistentVolumeClaim", "Pod"])),
    ("api.core.v1.NodeSelectorRequirement", "operator", Words(&["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"])),
    (
        "api.core.v1.PersistentVolumeClaimSpec",
        "accessModes",
        Lists(&["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]),
    ),
    ("api.core.v1.PersistentVolumeClaimSpec", "accessModes", Required),
    ("api.core.v1.PersistentVolumeClaimSpec", "resources", Required),
    ("api.core.v1.PersistentVolumeClaimSpec", "volumeMode", Words(&["Block", "Filesystem"])),
    ("api.core.v1.PersistentVolumeSpec", "persistentVolumeReclaimPolicy", Words(&["Retain", "Delete", "Recycle"])),
    ("api.core.v1.PodSecurityContext", "fsGroup", Min(0)),
    ("api.core.v1.PodSecurityContext", "fsGroupChangePolicy", Words(&["OnRootMismatch", "Always"])),
    ("api.core.v1.PodSecurityContext", "runAsGroup", Min(0)),
    ("api.core.v1.PodSecurityContext", "runAsUser", Min(0)),
    ("api.core.v1.PodSecurityContext", "supplementalGroupsPolicy", Words(&["Merge", "Strict"])),
    ("api.core.v1.PodSpec", "activeDeadlineSeconds", Min(1)),
    ("api.core.v1.PodSpec", "containers", Keys(&["name"])),
    ("api.core.v1.PodSpec", "containers", Length(1, UNBOUNDED)),
    ("api.core.v1.PodSpec", "dnsPolicy", Words(&["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"])),
    ("api.core.v1.PodSpec", "imagePullSecrets", Keys(&["name"])),
    ("api.core.v1.PodSpec", "initContainers", Keys(&["name"])),
    ("api.core.v1.PodSpec", "preemptionPolicy", Words(&["PreemptLowerPriority", "Never"])),
    ("api.core.v1.PodSpec", "restartPolicy", Words(&["Always", "OnFailure", "Never"])),
    ("api.core.v1.PodSpec", "terminationGracePeriodSeconds", Min(0)),
    ("api.core.v1.PodSpec", "topologySpreadConstraints", Keys(&["topologyKey", "whenUnsatisfiable"])),
    ("api.core.v1.PodSpec", "volumes", Keys(&["name"])),
    ("api.core.v1.PodTemplateSpec", "spec", Required),
    ("api.core.v1.PreferredSchedulingTerm", "weight", Range(1, 100)),
    ("api.core.v1.Probe", "failureThreshold", Min(0)),
    ("api.core.v1.Probe", "initialDelaySeconds", Min(0)),
    ("api.core.v1.Probe", "periodSeconds", Min(0)),
    ("api.core.v1.Probe", "successThreshold", Min(0)),
    ("api.core.v1.Probe", "timeoutSeconds", Min(0)),
    (
        "api.core.v1.ResourceQuotaSpec",
        "scopes",
        Lists(&[
            "Terminating",
            "NotTerminating",
            "BestEffort",
            "NotBestEffort",
            "PriorityClass",
            "CrossNamespacePodAffinity",
            "VolumeAttributesClass",
        ]),
    ),
    ("api.core.v1.ScopedResourceSelectorRequirement", "operator", OPERATORS),
    ("api.core.v1.SeccompProfile", "type", Words(&["Localhost", "RuntimeDefault", "Unconfined"])),
    ("api.core.v1.SecurityContext", "procMount", Words(&["Default", "Unmasked"])),
    ("api.core.v1.SecurityContext", "runAsGroup", Min(0)),
    ("api.core.v1.SecurityContext", "runAsUser", Min(0)),
    ("api.core.v1.ServicePort", "name", Form("dns-label")),
    ("api.core.v1.ServicePort", "nodePort", Range(0, 65_535)),
    ("api.core.v1.ServicePort", "port", PORT),
    ("api.core.v1.ServicePort", "protocol", PROTOCOLS),
    ("api.core.v1.ServiceSpec", "externalTrafficPolicy", Words(&["Cluster", "Local"])),
    ("api.core.v1.ServiceSpec", "internalTrafficPolicy", Words(&["Cluster", "Local"])),
    ("api.core.v1.ServiceSpec", "ipFamilies", Lists(&["IPv4", "IPv6"])),
    ("api.core.v1.ServiceSpec", "ipFamilyPolicy", Words(&["SingleStack", "PreferDualStack", "RequireDualStack"])),
    ("api.core.v1.ServiceSpec", "ports", Keys(&["port", "protocol"])),
    ("api.core.v1.ServiceSpec", "ports", Also("name")),
    ("api.core.v1.ServiceSpec", "sessionAffinity", Words(&["ClientIP", "None"])),
    ("api.core.v1.ServiceSpec", "type", Words(&["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])),
    ("api.core.v1.Toleration", "effect", Words(&["", "NoSchedule", "PreferNoSchedule", "NoExecute"])),
    ("api.core.v1.Toleration", "operator", Words(&["Exists", "Equal", "Lt", "Gt"])),
    ("api.core.v1.TopologySpreadConstraint", "maxSkew", Min(1)),
    ("api.core.v1.TopologySpreadConstraint", "minDomains", Min(1)),
    ("api.core.v1.TopologySpreadConstraint", "nodeAffinityPolicy", Words(&["Honor", "Ignore"])),
    ("api.core.v1.TopologySpreadConstraint", "nodeTaintsPolicy", Words(&["Honor", "Ignore"])),
    ("api.core.v1.TopologySpreadConstraint", "whenUnsatisfiable", Words(&["DoNotSchedule", "ScheduleAnyway"])),
    ("api.core.v1.Volume", "name", Form("dns-label")),
    ("api.core.v1.VolumeMount", "mountPropagation", Words(&["None", "HostToContainer", "Bidirectional"])),
    ("api.core.v1.VolumeResourceRequirements", "requests", Required),
    ("api.core.v1.WeightedPodAffinityTerm", "weight", Range(1, 100)),
    ("api.discovery.v1.EndpointPort", "protocol", PROTOCOLS),
    ("api.discovery.v1.EndpointSlice", "addressType", Words(&["IPv4", "IPv6", "FQDN"])),
    ("api.networking.v1.HTTPIngressPath", "pathType", Words(&["Exact", "Prefix", "ImplementationSpecific"])),
    ("api.networking.v1.HTTPIngressRuleValue", "paths", Length(1, UNBOUNDED)),
    ("api.networking.v1.NetworkPolicyPort", "endPort", PORT),
    ("api.networking.v1.NetworkPolicyPort", "protocol", PROTOCOLS),
    ("api.networking.v1.NetworkPolicySpec", "policyTypes", Lists(&["Ingress", "Egress"])),
    ("api.networking.v1.ServiceBackendPort", "number", PORT),
    ("api.policy.v1.PodDisruptionBudgetSpec", "unhealthyPodEvictionPolicy", Words(&["IfHealthyBudget", "AlwaysAllow"])),
    ("api.rbac.v1.PolicyRule", "verbs", Length(1, UNBOUNDED)),
    ("api.rbac.v1.RoleRef", "kind", Words(&["Role", "ClusterRole"])),
    ("api.rbac.v1.Subject", "kind", Words(&["Group", "ServiceAccount", "User"])),
    ("api.scheduling.v1.PriorityClass", "preemptionPolicy", Words(&["PreemptLowerPriority", "Never"])),
    ("api.storage.v1.StorageClass", "reclaimPolicy", Words(&["Retain", "Delete"])),
    ("api.storage.v1.StorageClass", "volumeBindingMode", Words(&["Immediate", "WaitForFirstConsumer"])),
    ("apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement", "operator", OPERATORS),
    // `kubectl create --dry-run=client -o yaml` writes `creationTimestamp: null`.
    ("apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp", Nullable),
];

const CERT_MANAGER: &[(&str, &str, Fix)] =
    &[("CertificatePrivateKey", "size", Min(0)), ("CertificateSpec", "secretName", Length(1, UNBOUNDED))];

const EXTERNAL_SECRETS: &[(&str, &str, Fix)] =
    &[("SecretStoreProvider", "", Fields(1)), ("ExternalSecretData", "secretKey", Length(1, 253))];

const GATEWAY: &[(&str, &str, Fix)] = &[
    ("GatewayListeners", "port", PORT),
    ("GatewaySpec", "listeners", Keys(&["name"])),
    ("GatewaySpec", "listeners", Length(1, 64)),
    ("HttpRouteRules", "backendRefs", Length(0, 16)),
    ("HttpRouteRules", "filters", Length(0, 16)),
    ("HttpRouteRules", "matches", Length(0, 64)),
    ("HttpRouteRulesBackendRefs", "port", PORT),
    ("HttpRouteRulesBackendRefs", "weight", Range(0, 1_000_000)),
    ("HttpRouteRulesTimeouts", "backendRequest", GATEWAY_DURATION),
    ("HttpRouteRulesTimeouts", "request", GATEWAY_DURATION),
    ("HttpRouteSpec", "hostnames", Length(0, 16)),
    ("HttpRouteSpec", "parentRefs", Length(0, 32)),
    ("HttpRouteSpec", "rules", Length(1, 16)),
    ("ReferenceGrantSpec", "from", Length(1, 16)),
    ("ReferenceGrantSpec", "to", Length(1, 16)),
];

const MONITORING: &[(&str, &str, Fix)] = &[
    ("PrometheusRuleGroups", "interval", PROMETHEUS_DURATION),
    ("PrometheusRuleGroups", "name", Length(1, UNBOUNDED)),
    ("PrometheusRuleGroupsRules", "for", PROMETHEUS_DURATION),
    ("PrometheusRuleSpec", "groups", Keys(&["name"])),
    ("ServiceMonitorEndpoints", "interval", PROMETHEUS_DURATION),
    ("ServiceMonitorEndpoints", "scrapeTimeout", PROMETHEUS_DURATION),
];

const CNPG: &[(&str, &str, Fix)] = &[
    // Both are required fields with a default.
    ("ClusterSpec", "instances", Optional),
    ("ClusterReplicationSlotsSynchronizeReplicas", "enabled", Optional),
    ("ClusterSpec", "instances", Min(1)),
    ("ClusterStorage", "size", Quantity),
    ("ClusterResources", "limits", Quantities),
    ("ClusterResources", "requests", Quantities),
];

/// Puts back what belongs to the document of this name.
pub fn restore(name: &str, document: &mut Document) {
    let table = match name {
        "core" => CORE,
        "cert-manager.io" => CERT_MANAGER,
        "external-secrets.io" => EXTERNAL_SECRETS,
        "gateway.networking.k8s.io" => GATEWAY,
        "monitoring.coreos.com" => MONITORING,
        "postgresql.cnpg.io" => CNPG,
        _ => &[],
    };
    let missing: Vec<String> = table
        .iter()
        .filter(|(definition, field, fix)| {
            document.definitions.get_mut(*definition).and_then(|schema| apply(schema, field, fix)).is_none()
        })
        .map(|(definition, field, _)| format!("{definition}.{field}"))
        .collect();
    assert!(missing.is_empty(), "{name} has no {} any more", missing.join(", "));
}

fn apply(schema: &mut Value, field: &str, fix: &Fix) -> Option<()> {
    let target = match field {
        "" => &mut *schema,
        field => schema.get_mut("properties")?.get_mut(field)?,
    };
    match fix {
        Words(words) => target["enum"] = json!(words),
        Lists(words) => target.get_mut("items")?["enum"] = json!(words),
        Min(least) => target["minimum"] = json!(least),
        Range(least, most) => {
            target["minimum"] = json!(least);
            target["maximum"] = json!(most);
        }
        Length(least, most) => {
            let noun = if target.get("items").is_some() { "Items" } else { "Length" };
            if *least > 0 {
                target[format!("min{noun}")] = json!(least);
            }
            if *most < UNBOUNDED {
                target[format!("max{noun}")] = json!(most);
            }
        }
        Required | Optional => {
            let mut required: Vec<Value> =
                schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            required.retain(|name| name != field);
            if matches!(fix, Required) {
                required.push(json!(field));
            }
            required.sort_by_key(Value::to_string);
            schema["required"] = Value::Array(required);
        }
        Keys(keys) => {
            target["x-kubernetes-list-type"] = json!("map");
            target["x-kubernetes-list-map-keys"] = json!(keys);
        }
        Also(key) => target["x-tenantry-unique"] = json!([key]),
        Form(form) => target["format"] = json!(form),
        Quantity => *target = quantity(),
        Quantities => target["additionalProperties"] = quantity(),
        Fields(count) => {
            target["minProperties"] = json!(count);
            target["maxProperties"] = json!(count);
        }
        Pattern(pattern) => target["pattern"] = json!(pattern),
        Nullable => target["nullable"] = json!(true),
    }
    Some(())
}

fn quantity() -> Value {
    json!({ "format": "quantity", "x-kubernetes-int-or-string": true })
}
