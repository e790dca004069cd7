//! Where Secrets come from: who makes each of them, and whose entries of the secret store they show.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Object, text_at},
    tenant::Tenant,
};
use crate::{
    diag::{Code, Diagnostic},
    plan::Plan,
};

const GROUP: &str = "external-secrets.io";

/// Annotations by which cert-manager makes a Certificate for an Ingress or a Gateway's listeners.
const SHIMS: [&str; 2] = ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer"];

/// Returns the names of the Secrets that the tenant's own objects make.
pub(super) fn made<'a>(tenant: &Tenant<'a>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    makers(tenant, |_, name, _| {
        names.insert(name);
    });
    names
}

/// Calls with each object that makes a Secret, the Secret's name and the pointer of the field that names it.
fn makers<'t, 'a: 't>(tenant: &'t Tenant<'a>, mut call: impl FnMut(&'t Object<'a>, &'a str, &'static str)) {
    for object in tenant.of_kind("", "Secret") {
        call(object, object.name, "/metadata/name");
    }
    for object in tenant.of_kind("cert-manager.io", "Certificate") {
        if let Some(name) = text_at(object.value, &["spec", "secretName"]) {
            call(object, name, "/spec/secretName");
        }
    }
    for object in tenant.of_kind(GROUP, "ExternalSecret") {
        // Others only add to a Secret that somebody else owns.
        if matches!(text_at(object.value, &["spec", "target", "creationPolicy"]), None | Some("Owner" | "Orphan")) {
            let named = text_at(object.value, &["spec", "target", "name"]);
            call(
                object,
                named.unwrap_or(object.name),
                if named.is_some() { "/spec/target/name" } else { "/metadata/name" },
            );
        }
    }
    for object in tenant.of_kind("networking.k8s.io", "Ingress").filter(|object| shim(object)) {
        for name in object.items(&["spec", "tls"]).iter().filter_map(|tls| text_at(tls, &["secretName"])) {
            call(object, name, "/spec/tls");
        }
    }
    for object in tenant.of_kind("gateway.networking.k8s.io", "ListenerSet").filter(|object| shim(object)) {
        for listener in object.items(&["spec", "listeners"]) {
            let references = listener.pointer("/tls/certificateRefs").and_then(Value::as_array).into_iter().flatten();
            for name in references.filter_map(|reference| text_at(reference, &["name"])) {
                call(object, name, "/spec/listeners");
            }
        }
    }
}

fn shim(object: &Object<'_>) -> bool {
    SHIMS.iter().any(|key| object.annotation(key).is_some())
}

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    owners(tenant, findings);
    for object in tenant.of_kind(GROUP, "ExternalSecret") {
        store(tenant, object, findings);
        keys(tenant.plan, object, findings);
    }
}

fn owners(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    let mut first: BTreeMap<&str, (&Object<'_>, &'static str)> = BTreeMap::new();
    makers(tenant, |object, name, pointer| {
        // One Ingress may name a Secret for several hosts.
        match first.get(name) {
            Some((other, _)) if std::ptr::eq(*other, object) => {}
            Some((other, earlier)) => {
                let place = findings.place(object.origin, pointer);
                let message = format!("the Secret `{name}` is made by {} and by {}", other.title(), object.title());
                let help = "let one of them make it: the two write over each other for ever (an Ingress annotated for cert-manager makes a Certificate of its own)";
                let related = findings.place(other.origin, earlier);
                let finding = Diagnostic::new(Code::SecretTwoOwners, place, message, help);
                findings.push(finding.with_related(related, "made here too"));
            }
            None => {
                first.insert(name, (object, pointer));
            }
        }
    });
}

fn store(tenant: &Tenant<'_>, object: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(reference) = object.at(&["spec", "secretStoreRef"]) else { return };
    let Some(name) = text_at(reference, &["name"]) else { return };
    if text_at(reference, &["kind"]) == Some("ClusterSecretStore") {
        findings.add(
            Code::SecretStoreShared,
            object,
            "/spec/secretStoreRef",
            format!("{} reads from the ClusterSecretStore `{name}`", object.title()),
            "give the tenant a SecretStore of its own: through a shared one each tenant can read the entries of all others",
        );
    } else if tenant.complete && tenant.find(GROUP, "SecretStore", name).is_none() {
        findings.add(
            Code::ExternalSecretStore,
            object,
            "/spec/secretStoreRef/name",
            format!("{} reads from the SecretStore `{name}`, which nothing makes", object.title()),
            "make it in a template, or correct the name",
        );
    }
}

fn keys(plan: &Plan, object: &Object<'_>, findings: &mut Findings<'_>) {
    for (index, entry) in object.items(&["spec", "data"]).iter().enumerate() {
        if let Some(key) = text_at(entry, &["remoteRef", "key"]).filter(|key| !is_own(plan, key)) {
            foreign(object, key, &format!("/spec/data/{index}/remoteRef/key"), findings);
        }
    }
    for (index, entry) in object.items(&["spec", "dataFrom"]).iter().enumerate() {
        if let Some(key) = text_at(entry, &["extract", "key"]).filter(|key| !is_own(plan, key)) {
            foreign(object, key, &format!("/spec/dataFrom/{index}/extract/key"), findings);
        }
    }
}

/// A tenant's entries carry its name, by every naming pattern.
fn is_own(plan: &Plan, key: &str) -> bool {
    key.contains(plan.tenant.name.as_str())
        || key.contains(&plan.namespace)
        || key.contains(&plan.tenant.uid)
        || in_document(plan, key)
}

/// Long names are cut and marked with a hash: then the document alone knows them.
fn in_document(plan: &Plan, key: &str) -> bool {
    let is_key = |resource: &Value| resource.pointer("/secret/key").and_then(Value::as_str) == Some(key);
    plan.provisions
        .values()
        .any(|group| is_key(group) || group.as_object().is_some_and(|items| items.values().any(is_key)))
}

fn foreign(object: &Object<'_>, key: &str, pointer: &str, findings: &mut Findings<'_>) {
    findings.add(
        Code::SecretKeyForeign,
        object,
        pointer,
        format!("{} reads the entry `{key}`, which does not carry the tenant's name", object.title()),
        "use the key that the plan gives (`provisions.….secret.key`): an entry for all tenants is known to each of them",
    );
}
