//! Who an object is, and whether it is the tenant's: kind, namespace, keys of others.

use super::{
    findings::Findings,
    kinds::{Allowed, is_namespaced},
    object::{Object, below},
    tenant::Tenant,
};
use crate::{
    diag::{Code, Diagnostic},
    kubernetes::{IdentityFault, Schemas},
    rendered::{Origin, Rendered, RenderedObject},
};

/// The most objects of one tenant: Argo CD compares each of them again and again.
const MAX_OBJECTS: usize = 5_000;

/// Labels and annotations that somebody else writes, with whose they are.
const FOREIGN: [(&str, &str); 12] = [
    (
        "argocd.argoproj.io/tracking-id",
        "Argo CD finds its own objects by it: a copied one makes it prune another Application's",
    ),
    ("argocd.argoproj.io/instance", "Argo CD finds its own objects by it"),
    ("argocd.argoproj.io/managed-by", "it hands the namespace to an Argo CD instance"),
    (
        INSTANCE,
        "Argo CD finds its own objects by it unless it is told otherwise: write `app.kubernetes.io/name` or `app.kubernetes.io/part-of`",
    ),
    ("argocd.argoproj.io/refresh", "it is an order to Argo CD, which takes it out again"),
    ("kubernetes.io/metadata.name", "the API server sets it on every namespace"),
    ("kubectl.kubernetes.io/last-applied-configuration", "kubectl keeps a copy of the object in it"),
    ("deployment.kubernetes.io/revision", "the Deployment controller counts in it"),
    ("meta.helm.sh/release-name", "helm marks what it installed itself with it"),
    ("meta.helm.sh/release-namespace", "helm marks what it installed itself with it"),
    ("config.kubernetes.io/local-config", "kustomize leaves the object out because of it"),
    ("control-plane.alpha.kubernetes.io/leader", "leader election writes it"),
];

/// Charts write this label on everything by convention.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// Checks the number of objects; with too many no further rule runs.
pub(super) fn few_enough(rendered: &Rendered, findings: &mut Findings<'_>) -> bool {
    let count = rendered.objects.len();
    // Objects lie in the order of their files: a template that made more than half of them made the middle one.
    if let Some(object) = rendered.objects.get(count / 2).filter(|_| count > MAX_OBJECTS) {
        findings.add_at(
            Code::ObjectCount,
            &object.origin,
            "",
            format!("the tenant has {count} objects, {MAX_OBJECTS} are allowed"),
            "look for an `each` over too long a list",
        );
    }
    count <= MAX_OBJECTS
}

/// Reports an object without an identity.
pub(super) fn missing(object: &RenderedObject, fault: &IdentityFault, findings: &mut Findings<'_>) {
    let generated = object.value.pointer("/metadata/generateName").is_some();
    if generated && *fault == IdentityFault::Missing("metadata.name") {
        findings.add_at(
            Code::ObjectGeneratedName,
            &object.origin,
            "/metadata/generateName",
            "the object asks for a generated name",
            "give it a fixed `name`: a hook with a fixed name is replaced on each sync, one with a generated name piles up",
        );
        return;
    }
    let pointer = match fault {
        IdentityFault::Missing("metadata.name") => "/metadata",
        IdentityFault::Namespace => "/metadata/namespace",
        IdentityFault::Missing(_) | IdentityFault::NotAnObject => "",
    };
    findings.add_at(
        Code::ObjectIdentity,
        &object.origin,
        pointer,
        fault.to_string(),
        "every object has the texts `apiVersion`, `kind`, `metadata.name` and, within a namespace, `metadata.namespace`",
    );
}

/// Reports objects that cannot be told from one another.
pub(super) fn doubles(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    let doubles: Vec<_> = tenant.doubles().collect();
    for (first, second) in doubles {
        let place = findings.place(second.origin, "/metadata/name");
        let message = format!("{} is made twice, by {} and {}", second.title(), first.path, second.path);
        let finding = Diagnostic::new(Code::ObjectDuplicate, place, message, "rename one of them, or take it out");
        let earlier = findings.place(first.origin, "/metadata/name");
        findings.push(finding.with_related(earlier, "first made here"));
    }
}

/// Checks kind, namespace and keys of an object.
pub(super) fn check(
    tenant: &Tenant<'_>,
    kinds: &Allowed,
    schemas: &Schemas,
    object: &Object<'_>,
    findings: &mut Findings<'_>,
) {
    if !kinds.contains(object) {
        findings.add(
            Code::ObjectKind,
            object,
            "/kind",
            format!("{} of `{}` may not be made for a tenant", object.title(), object.api_version),
            format!(
                "add `{}/{}` to `spec.allowedKinds` of tenantry.yaml if tenants shall have it",
                object.api_version, object.kind
            ),
        );
    }
    namespace(tenant, schemas, object, findings);
    keys("labels", object.labels, object, findings);
    keys("annotations", object.annotations, object, findings);
}

fn namespace(tenant: &Tenant<'_>, schemas: &Schemas, object: &Object<'_>, findings: &mut Findings<'_>) {
    let own = tenant.plan.namespace.as_str();
    if object.is("", "Namespace") {
        if object.name != own {
            let message = format!("the Namespace is called `{}`, the tenant's own is `{own}`", object.name);
            findings.add(Code::ObjectNamespace, object, "/metadata/name", message, "write `name: {{ namespace }}`");
        }
        return;
    }
    let namespaced = is_namespaced(schemas, object);
    let fault = match object.namespace {
        None if namespaced => format!("{} names no namespace", object.title()),
        Some(namespace) if namespaced && namespace != own && !ours(tenant, object) => {
            format!("{} is in the namespace `{namespace}`, the tenant's own is `{own}`", object.title())
        }
        // A namespace on a cluster-scoped kind is a fault of its shape.
        _ => return,
    };
    let pointer = if object.namespace.is_some() { "/metadata/namespace" } else { "/metadata" };
    findings.add(Code::ObjectNamespace, object, pointer, fault, "write `namespace: {{ namespace }}`");
}

/// Returns whether the object is one of tenantry's own in the platform's namespace, kustomize's copy of the hook Job included.
fn ours(tenant: &Tenant<'_>, object: &Object<'_>) -> bool {
    let there = object.namespace == Some(tenant.plan.platform.provisioning.namespace.as_str());
    let hook = || {
        object.is("batch", "Job") && object.name.strip_prefix("provision-") == Some(tenant.plan.tenant.name.as_str())
    };
    match object.origin {
        Origin::Generated => there,
        Origin::Inflated => there && hook(),
        Origin::Template { .. } => false,
    }
}

fn keys(field: &str, map: Option<&super::object::Fields>, object: &Object<'_>, findings: &mut Findings<'_>) {
    for key in map.into_iter().flat_map(|map| map.keys()) {
        // All of them have a prefix: most keys are told apart by their first letters.
        if !key.contains('/') {
            continue;
        }
        let Some((_, whose)) = FOREIGN.iter().find(|(foreign, _)| foreign == key) else { continue };
        if key == INSTANCE && *object.origin == Origin::Inflated {
            continue;
        }
        findings.add(
            Code::ObjectForeignKey,
            object,
            &below(&format!("/metadata/{field}"), key),
            format!("`{key}` is not ours to set"),
            format!("take it out: {whose}"),
        );
    }
}
