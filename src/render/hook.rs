//! The PreSync Job that carries the provision document, and the ConfigMap that makes its changes visible to Argo CD.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    diag::{Code, Diagnostic, Place},
    estate::Platform,
    plan::Plan,
    provision::Document,
    provision::connection::Connection,
};

/// The most bytes of a document: all annotations of an object together may have 256 KiB, and Argo CD adds some. The
/// flagship's largest tenant has 12 KiB.
const MOST_DOCUMENT: usize = 100 << 10;

/// The annotation of the Job's Pod that is the document.
const ANNOTATION: &str = "tenantry.dev/provision";

/// The folder in the container that has the document as a file.
const FOLDER: &str = "/run/tenantry";

/// The user of distroless images; any but root would do.
const USER: u32 = 65532;

/// Returns a document as a value.
pub(super) fn document(document: &Document) -> Value {
    serde_json::to_value(document).expect("a document has text keys and finite numbers only")
}

/// Returns the hook Job and the digest ConfigMap, each with its path below the folder of objects; `document` is the text
/// of `provision.yaml`.
///
/// # Errors
/// The document is too large to travel in the Job.
pub(super) fn objects(
    platform: &Platform,
    plan: &Plan,
    document: &str,
) -> Result<[(&'static str, Value); 2], Box<Diagnostic>> {
    if document.len() > MOST_DOCUMENT {
        return Err(Box::new(Diagnostic::new(
            Code::DocumentTooLarge,
            Place::file(format!("tenants/{}.yaml", plan.tenant.name)),
            format!("the provision document has {} KiB, more than {} KiB", document.len() >> 10, MOST_DOCUMENT >> 10),
            "a tier with fewer or smaller resources, or a tenant split in two",
        )));
    }
    Ok([("hooks/provision.yaml", job(platform, plan, document)), ("provision-digest.yaml", digest(plan, document))])
}

/// The Job. It lives in the platform's namespace, where the administrators' credentials are, and nothing of it comes from
/// the tenant's.
///
/// The document is an annotation of the Pod that the container sees as a file: it is inside of the Job, so what was
/// reviewed is what runs, and no ConfigMap must be there before it. An argument or a variable would do up to 128 KiB too,
/// but could be read by everything on the node that lists processes.
fn job(platform: &Platform, plan: &Plan, document: &str) -> Value {
    let Platform { provisioning, .. } = platform;
    let mut labels = json!(plan.labels);
    labels["app.kubernetes.io/name"] = json!("provision");
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": format!("provision-{}", plan.tenant.name),
            "namespace": provisioning.namespace,
            "labels": labels,
            "annotations": {
                "argocd.argoproj.io/hook": "PreSync",
                // The name is fixed, so the Job of the last sync goes when the next one starts, and can be read until then.
                "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
                "argocd.argoproj.io/sync-wave": "0",
            },
        },
        "spec": {
            // Argo CD has no timeout of its own: a Job without one would hold up every later sync.
            "activeDeadlineSeconds": provisioning.deadline_seconds,
            "backoffLimit": provisioning.backoff_limit,
            "template": {
                "metadata": { "labels": labels, "annotations": { ANNOTATION: document } },
                "spec": pod(platform, Work {
                    args: &["provision", "apply", "--document", &format!("{FOLDER}/provision.yaml")],
                    volumes: vec![json!({
                        "name": "document",
                        "downwardAPI": {
                            "items": [{
                                "path": "provision.yaml",
                                "fieldRef": { "fieldPath": format!("metadata.annotations['{ANNOTATION}']") },
                            }],
                        },
                    })],
                    mounts: vec![json!({ "name": "document", "mountPath": FOLDER, "readOnly": true })],
                }),
            },
        },
    })
}

/// What a Pod of the engine does, beside what all of them have.
pub(super) struct Work<'w> {
    /// The arguments of `tenantry`.
    pub(super) args: &'w [&'w str],
    /// Volumes beside the temporary folder.
    pub(super) volumes: Vec<Value>,
    /// Where the container has them.
    pub(super) mounts: Vec<Value>,
}

/// Returns the spec of a Pod that runs the engine: it holds administrators' credentials, and nothing that it can do
/// without.
pub(super) fn pod(platform: &Platform, work: Work<'_>) -> Value {
    let Platform { provisioning, .. } = platform;
    let Work { args, mut volumes, mut mounts } = work;
    volumes.push(json!({ "name": "tmp", "emptyDir": { "sizeLimit": "64Mi" } }));
    mounts.push(json!({ "name": "tmp", "mountPath": "/tmp" }));
    json!({
        "serviceAccountName": provisioning.service_account,
        "automountServiceAccountToken": needs_token(platform),
        "enableServiceLinks": false,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "containers": [{
            "name": "provision",
            "image": provisioning.image,
            "command": ["tenantry"],
            "args": args,
            "envFrom": [{ "secretRef": { "name": provisioning.credentials_secret } }],
            "resources": provisioning.resources,
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
                "readOnlyRootFilesystem": true,
            },
            "volumeMounts": mounts,
        }],
        "volumes": volumes,
    })
}

/// Whether the Job proves who it is by its service account's token; otherwise it gets none.
fn needs_token(platform: &Platform) -> bool {
    let store = platform.secret_store.as_ref().and_then(|name| platform.connections.get(name));
    match store {
        Some(Connection::Vault { token_env, .. }) => token_env.is_none(),
        Some(Connection::KubernetesSecrets { .. }) => true,
        _ => false,
    }
}

/// The ConfigMap. Argo CD leaves hooks out of what it compares: without an ordinary object that changes with the document,
/// a change of outside resources alone would start no sync.
fn digest(plan: &Plan, document: &str) -> Value {
    let hash = hex::encode(Sha256::digest(document));
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "provision-digest",
            "namespace": plan.namespace,
            "labels": plan.labels,
        },
        "data": { "digest": format!("sha256:{hash}") },
    })
}
