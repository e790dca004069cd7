//! What the API server serves from which minor release of Kubernetes on: kinds that came, aged and went, and fields that came.
//!
//! Sources: the lifecycle methods of k8s.io/api v0.36.3 (`zz_generated.prerelease-lifecycle.go`), and for fields the feature gates of
//! k8s.io/kubernetes v1.36.3 (pkg/features): a field counts from the release on in which its gate is on by default. Only what differs between
//! 1.30 and 1.36 is here; versions that no release in that range serves are in `retired`.

use serde_json::Value;

/// The oldest minor release that is known here, as in 1.30.
pub const OLDEST: u8 = 30;

/// The newest minor release that is known here, as in 1.36.
pub const NEWEST: u8 = 36;

/// One kind in one apiVersion.
struct Row {
    api_version: &'static str,
    kind: &'static str,
    /// The first minor release that serves it.
    from: u8,
    /// The minor release that says it will go.
    aged: Option<u8>,
    /// The first minor release that serves it no longer.
    gone: Option<u8>,
    /// What to write instead.
    instead: Option<&'static str>,
}

const fn new(api_version: &'static str, kind: &'static str, from: u8) -> Row {
    Row { api_version, kind, from, aged: None, gone: None, instead: None }
}

const fn passing(
    api_version: &'static str,
    kind: &'static str,
    (from, aged, gone): (u8, u8, u8),
    instead: &'static str,
) -> Row {
    Row { api_version, kind, from, aged: Some(aged), gone: Some(gone), instead: Some(instead) }
}

const ADMISSION: &str = "admissionregistration.k8s.io/v1";
const FLOW: &str = "flowcontrol.apiserver.k8s.io/v1";
const NETWORKING: &str = "networking.k8s.io/v1";
const RESOURCE: &str = "resource.k8s.io/v1";
const STORAGE: &str = "storage.k8s.io/v1";

const ROWS: &[Row] = &[
    new(ADMISSION, "MutatingAdmissionPolicy", 36),
    new(ADMISSION, "MutatingAdmissionPolicyBinding", 36),
    passing("admissionregistration.k8s.io/v1beta1", "MutatingAdmissionPolicy", (34, 37, 40), ADMISSION),
    passing("admissionregistration.k8s.io/v1beta1", "MutatingAdmissionPolicyBinding", (34, 37, 40), ADMISSION),
    passing("admissionregistration.k8s.io/v1alpha1", "MutatingAdmissionPolicy", (32, 35, 38), ADMISSION),
    passing("admissionregistration.k8s.io/v1alpha1", "MutatingAdmissionPolicyBinding", (32, 35, 38), ADMISSION),
    passing("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy", (28, 31, 34), ADMISSION),
    passing("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicyBinding", (28, 31, 34), ADMISSION),
    passing("admissionregistration.k8s.io/v1alpha1", "ValidatingAdmissionPolicy", (26, 29, 32), ADMISSION),
    passing("admissionregistration.k8s.io/v1alpha1", "ValidatingAdmissionPolicyBinding", (26, 29, 32), ADMISSION),
    passing("certificates.k8s.io/v1alpha1", "ClusterTrustBundle", (26, 34, 37), "certificates.k8s.io/v1beta1"),
    new("certificates.k8s.io/v1beta1", "ClusterTrustBundle", 33),
    new("certificates.k8s.io/v1beta1", "PodCertificateRequest", 35),
    passing("coordination.k8s.io/v1alpha2", "LeaseCandidate", (32, 35, 38), "coordination.k8s.io/v1beta1"),
    new("coordination.k8s.io/v1beta1", "LeaseCandidate", 33),
    passing("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", (26, 29, 32), FLOW),
    passing("flowcontrol.apiserver.k8s.io/v1beta3", "PriorityLevelConfiguration", (26, 29, 32), FLOW),
    new(NETWORKING, "IPAddress", 33),
    new(NETWORKING, "ServiceCIDR", 33),
    passing("networking.k8s.io/v1beta1", "IPAddress", (31, 34, 37), NETWORKING),
    passing("networking.k8s.io/v1beta1", "ServiceCIDR", (31, 34, 37), NETWORKING),
    new(RESOURCE, "DeviceClass", 34),
    new(RESOURCE, "ResourceClaim", 34),
    new(RESOURCE, "ResourceClaimTemplate", 34),
    new(RESOURCE, "ResourceSlice", 34),
    passing("resource.k8s.io/v1beta1", "DeviceClass", (32, 35, 38), RESOURCE),
    passing("resource.k8s.io/v1beta1", "ResourceClaim", (32, 35, 38), RESOURCE),
    passing("resource.k8s.io/v1beta1", "ResourceClaimTemplate", (32, 35, 38), RESOURCE),
    passing("resource.k8s.io/v1beta1", "ResourceSlice", (32, 35, 38), RESOURCE),
    passing("resource.k8s.io/v1beta2", "DeviceClass", (33, 36, 39), RESOURCE),
    passing("resource.k8s.io/v1beta2", "ResourceClaim", (33, 36, 39), RESOURCE),
    passing("resource.k8s.io/v1beta2", "ResourceClaimTemplate", (33, 36, 39), RESOURCE),
    passing("resource.k8s.io/v1beta2", "ResourceSlice", (33, 36, 39), RESOURCE),
    new(STORAGE, "VolumeAttributesClass", 34),
    passing("storage.k8s.io/v1beta1", "VolumeAttributesClass", (31, 34, 37), STORAGE),
    passing("storage.k8s.io/v1alpha1", "VolumeAttributesClass", (29, 32, 35), STORAGE),
    new("storagemigration.k8s.io/v1beta1", "StorageVersionMigration", 35),
    // The API itself stays; kubernetes.io/blog/2025/04/24/endpoints-deprecation.
    Row {
        api_version: "v1",
        kind: "Endpoints",
        from: 0,
        aged: Some(33),
        gone: None,
        instead: Some("discovery.k8s.io/v1"),
    },
];

/// Where a kind of an apiVersion stands in one minor release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against it.
    Served,
    /// It comes with a later minor release.
    TooNew(u8),
    /// It is served, and goes with the minor release that is named, if any is.
    Aged {
        /// The first minor release without it.
        gone: Option<u8>,
        /// The apiVersion to use; none where it does not exist yet.
        instead: Option<&'static str>,
    },
    /// This minor release serves it no longer.
    Gone {
        /// The first minor release without it.
        since: u8,
        /// The apiVersion to use.
        instead: Option<&'static str>,
    },
}

/// Returns where a kind stands in a minor release. Whatever is not known here is served.
pub fn standing(api_version: &str, kind: &str, minor: u8) -> Standing {
    // Most kinds have another name than all of these.
    let Some(row) = ROWS.iter().find(|row| row.kind == kind && row.api_version == api_version) else {
        return Standing::Served;
    };
    // A successor that comes later is no help yet.
    let instead = row.instead.filter(|instead| {
        ROWS.iter().find(|row| row.kind == kind && row.api_version == *instead).is_none_or(|row| row.from <= minor)
    });
    match (row.gone, row.aged) {
        _ if minor < row.from => Standing::TooNew(row.from),
        (Some(since), _) if since <= minor => Standing::Gone { since, instead },
        (gone, Some(aged)) if aged <= minor => Standing::Aged { gone, instead },
        _ => Standing::Served,
    }
}

/// A field that a release learnt.
struct Field {
    /// Its way through the specification; `*` is each item of a list.
    way: &'static [&'static str],
    from: u8,
}

const fn field(way: &'static [&'static str], from: u8) -> Field {
    Field { way, from }
}

/// Fields of a Pod's specification.
const POD: &[Field] = &[
    field(&["hostUsers"], 33),
    field(&["hostnameOverride"], 35),
    field(&["resourceClaims"], 34),
    field(&["resources"], 34),
    field(&["securityContext", "seLinuxChangePolicy"], 33),
    field(&["securityContext", "supplementalGroupsPolicy"], 33),
    field(
        &[
            "affinity",
            "podAffinity",
            "preferredDuringSchedulingIgnoredDuringExecution",
            "*",
            "podAffinityTerm",
            "matchLabelKeys",
        ],
        31,
    ),
    field(&["affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "*", "matchLabelKeys"], 31),
    field(
        &[
            "affinity",
            "podAntiAffinity",
            "preferredDuringSchedulingIgnoredDuringExecution",
            "*",
            "podAffinityTerm",
            "matchLabelKeys",
        ],
        31,
    ),
    field(
        &["affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "*", "matchLabelKeys"],
        31,
    ),
    field(&["volumes", "*", "image"], 35),
    field(&["containers", "*", "resizePolicy"], 33),
    field(&["containers", "*", "restartPolicy"], 35),
    field(&["containers", "*", "restartPolicyRules"], 35),
    field(&["containers", "*", "resources", "claims"], 34),
    field(&["containers", "*", "env", "*", "valueFrom", "fileKeyRef"], 35),
    field(&["containers", "*", "volumeMounts", "*", "recursiveReadOnly"], 31),
    field(&["initContainers", "*", "restartPolicyRules"], 35),
    field(&["initContainers", "*", "env", "*", "valueFrom", "fileKeyRef"], 35),
];

/// Fields of `spec` of other kinds.
const SPECS: &[(&str, &str, Field)] = &[
    ("", "PersistentVolumeClaim", field(&["volumeAttributesClassName"], 34)),
    ("", "Service", field(&["trafficDistribution"], 31)),
    ("autoscaling", "HorizontalPodAutoscaler", field(&["behavior", "scaleDown", "tolerance"], 35)),
    ("autoscaling", "HorizontalPodAutoscaler", field(&["behavior", "scaleUp", "tolerance"], 35)),
    ("batch", "CronJob", field(&["jobTemplate", "spec", "managedBy"], 32)),
    ("batch", "CronJob", field(&["jobTemplate", "spec", "successPolicy"], 31)),
    ("batch", "Job", field(&["managedBy"], 32)),
    ("batch", "Job", field(&["successPolicy"], 31)),
];

/// A field that a minor release does not know yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewField {
    /// Its JSON pointer below the specification that was looked at.
    pub pointer: String,
    /// The first minor release that heeds it.
    pub from: u8,
}

/// Returns the fields of a Pod's specification that a minor release drops without a word, or refuses.
pub fn new_fields_of_pod(spec: &Value, minor: u8) -> Vec<NewField> {
    let mut found = Vec::new();
    for Field { way, from } in POD.iter().filter(|field| field.from > minor) {
        walk(spec, way, &mut String::new(), &mut |pointer| {
            found.push(NewField { pointer: pointer.to_owned(), from: *from })
        });
    }
    found
}

/// Returns the fields of an object's `spec` that a minor release drops without a word, or refuses; those of Pods aside.
pub fn new_fields(group: &str, kind: &str, spec: &Value, minor: u8) -> Vec<NewField> {
    let mut found = Vec::new();
    for (_, _, Field { way, from }) in
        SPECS.iter().filter(|(of, name, field)| *name == kind && *of == group && field.from > minor)
    {
        walk(spec, way, &mut String::new(), &mut |pointer| {
            found.push(NewField { pointer: pointer.to_owned(), from: *from })
        });
    }
    found
}

fn walk(value: &Value, way: &[&str], pointer: &mut String, found: &mut dyn FnMut(&str)) {
    let Some((step, rest)) = way.split_first() else {
        if !value.is_null() {
            found(pointer);
        }
        return;
    };
    let length = pointer.len();
    if *step == "*" {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            pointer.push_str(&format!("/{index}"));
            walk(item, rest, pointer, found);
            pointer.truncate(length);
        }
    } else if let Some(value) = value.get(step) {
        pointer.push('/');
        pointer.push_str(step);
        walk(value, rest, pointer, found);
        pointer.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_come_age_and_go() {
        let v1beta3 = |minor| standing("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", minor);
        assert_eq!(v1beta3(30), Standing::Aged { gone: Some(32), instead: Some(FLOW) });
        assert_eq!(v1beta3(32), Standing::Gone { since: 32, instead: Some(FLOW) });
        let policy = |version: &str, minor| standing(version, "MutatingAdmissionPolicy", minor);
        assert_eq!(policy(ADMISSION, 35), Standing::TooNew(36));
        assert_eq!(policy(ADMISSION, 36), Standing::Served);
        // The successor comes with 1.36 only.
        assert_eq!(
            policy("admissionregistration.k8s.io/v1alpha1", 35),
            Standing::Aged { gone: Some(38), instead: None }
        );
        assert_eq!(standing("v1", "Endpoints", 32), Standing::Served);
        assert_eq!(standing("apps/v1", "Deployment", 30), Standing::Served);
    }

    #[test]
    fn rows_are_in_order_and_matter() {
        for row in ROWS {
            assert!(row.from > OLDEST || row.aged.is_some(), "{} {}", row.api_version, row.kind);
            assert!(row.gone.is_none_or(|gone| gone > OLDEST), "{} {}", row.api_version, row.kind);
            assert!(row.aged.is_none_or(|aged| aged >= row.from && row.gone.is_none_or(|gone| gone > aged)));
            assert_eq!(
                ROWS.iter().filter(|other| (other.api_version, other.kind) == (row.api_version, row.kind)).count(),
                1
            );
        }
        for field in POD.iter().chain(SPECS.iter().map(|(_, _, field)| field)) {
            assert!(field.from > OLDEST && field.from <= NEWEST, "{:?}", field.way);
        }
    }

    #[test]
    fn new_fields_are_found_where_they_are() {
        let spec = json!({ "resources": {}, "containers": [{}, { "resizePolicy": [], "env": [{ "valueFrom": { "fileKeyRef": {} } }] }] });
        let found =
            |minor| new_fields_of_pod(&spec, minor).into_iter().map(|new| (new.pointer, new.from)).collect::<Vec<_>>();
        let expected =
            [("/resources", 34), ("/containers/1/resizePolicy", 33), ("/containers/1/env/0/valueFrom/fileKeyRef", 35)];
        assert_eq!(found(32), expected.map(|(pointer, from)| (pointer.to_owned(), from)));
        assert_eq!(found(35), []);
        let job = json!({ "managedBy": "example.com/queue" });
        assert_eq!(new_fields("batch", "Job", &job, 31), [NewField { pointer: "/managedBy".to_owned(), from: 32 }]);
        assert_eq!(new_fields("batch", "Job", &job, 32), []);
        assert_eq!(new_fields("example.com", "Job", &job, 31), []);
    }
}
