//! `argocd/applicationset.yaml`: one ApplicationSet that makes an Application of every `application.json`.

use serde_json::{Value, json};

use crate::estate::{Estate, Platform};

/// What differs by format, as a patch: only texts can be templates elsewhere. Charts get their release's name, and plain
/// folders are read with their subfolders; anything said for all would force one tool on all.
const PATCH: &str = r#"{{- if eq .format "helm" -}}
{ "spec": { "source": { "helm": { "releaseName": {{ .release | toJson }} } } } }
{{- else if eq .format "plain" -}}
{ "spec": { "source": { "directory": { "recurse": true } } } }
{{- else -}}
{}
{{- end -}}
"#;

/// Returns the ApplicationSet.
///
/// What is chosen here, and why:
///
/// * **Absence never means deletion.** `applicationsSync: create-update` keeps the controller from deleting an Application
///   whose folder is gone, and `preserveResourcesOnDeletion` leaves Applications without the finalizer that would take
///   their objects along, even when somebody deletes the ApplicationSet. A bad commit or a wrong branch so never deletes a
///   tenant; the end of a deletion is an act of its own.
/// * `missingkey=error`: an Application with an empty name or namespace is never made of an incomplete file.
/// * The project is literal: whoever may write the branch still cannot choose another project.
/// * `FailOnSharedResource`: an object that another Application owns stops the sync instead of changing hands.
/// * No `CreateNamespace`: the Namespace is a manifest, with labels that Pod Security depends on.
/// * `**` never stands in the path: the generator's default globbing is greedy, and a file deeper down is no tenant.
pub(super) fn application_set(estate: &Estate) -> Value {
    let Platform { name, argocd, output, .. } = estate.platform().as_ref();
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {
            "name": name,
            "namespace": argocd.namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "tenantry",
                "app.kubernetes.io/part-of": name,
            },
        },
        "spec": {
            "goTemplate": true,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{
                "git": {
                    "repoURL": argocd.repo_url,
                    "revision": output.branch,
                    "files": [{ "path": "tenants/*/application.json" }],
                },
            }],
            "syncPolicy": {
                "applicationsSync": "create-update",
                "preserveResourcesOnDeletion": true,
            },
            "templatePatch": PATCH,
            "template": {
                "metadata": {
                    "name": "{{ .application }}",
                    "namespace": argocd.namespace,
                    "labels": {
                        "app.kubernetes.io/managed-by": "tenantry",
                        "app.kubernetes.io/part-of": name,
                        "tenantry.dev/region": "{{ .region }}",
                        "tenantry.dev/state": "{{ .state }}",
                        "tenantry.dev/tenant": "{{ .tenant }}",
                        "tenantry.dev/tier": "{{ .tier }}",
                    },
                },
                "spec": {
                    "project": argocd.project,
                    "source": {
                        "repoURL": argocd.repo_url,
                        "targetRevision": output.branch,
                        "path": "{{ .path.path }}/manifests",
                    },
                    "destination": {
                        "server": "{{ .server }}",
                        "namespace": "{{ .namespace }}",
                    },
                    "syncPolicy": {
                        "automated": { "prune": true, "selfHeal": true },
                        "retry": {
                            "limit": 5,
                            "backoff": { "duration": "10s", "factor": 2, "maxDuration": "3m" },
                        },
                        "syncOptions": ["ServerSideApply=true", "PruneLast=true", "FailOnSharedResource=true"],
                    },
                },
            },
        },
    })
}
