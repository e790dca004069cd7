//! Where Secrets come from: who makes each of them, and whose entries of the secret store they show.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    findings::Findings,
    hooks::Turn,
    keys,
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

/// Returns the Secrets that the tenant's own objects make, by name with the first object that makes each.
pub(super) fn made<'t, 'a>(tenant: &'t Tenant<'a>) -> BTreeMap<&'a str, &'t Object<'a>> {
    let mut names = BTreeMap::new();
    makers(tenant, |object, name, _| {
        names.entry(name).or_insert(object);
    });
    names
}

/// Secrets that operators make for objects of a kind: group, kind, and what they put behind the object's name.
const OPERATORS: &[(&str, &str, &[&str])] = &[
    ("postgresql.cnpg.io", "Cluster", &["-app", "-superuser", "-ca", "-server", "-replication"]),
    ("rabbitmq.com", "RabbitmqCluster", &["-default-user", "-erlang-cookie"]),
    ("rabbitmq.com", "User", &["-user-credentials"]),
    ("grafana.integreatly.org", "Grafana", &["-admin-credentials"]),
];

/// Returns whether an operator makes a Secret for one of the tenant's objects, with keys that it alone knows.
pub(super) fn made_by_operator(tenant: &Tenant<'_>, name: &str) -> bool {
    OPERATORS.iter().any(|(group, kind, ends)| {
        ends.iter().any(|end| name.strip_suffix(end).is_some_and(|owner| tenant.find(group, kind, owner).is_some()))
    })
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
        entries(tenant.plan, object, findings);
    }
    if tenant.complete {
        for object in tenant.of_kind(GROUP, "SecretStore") {
            login(tenant, object, findings);
        }
    }
}

/// Where a SecretStore names the account that it logs in as.
const LOGINS: &[&[&str]] = &[
    &["spec", "provider", "vault", "auth", "kubernetes", "serviceAccountRef", "name"],
    &["spec", "provider", "vault", "auth", "jwt", "kubernetesServiceAccountToken", "serviceAccountRef", "name"],
    &["spec", "provider", "aws", "auth", "jwt", "serviceAccountRef", "name"],
    &["spec", "provider", "gcpsm", "auth", "workloadIdentity", "serviceAccountRef", "name"],
    &["spec", "provider", "kubernetes", "auth", "serviceAccount", "name"],
];

fn login(tenant: &Tenant<'_>, store: &Object<'_>, findings: &mut Findings<'_>) {
    for way in LOGINS {
        let Some(name) = text_at(store.value, way).filter(|name| *name != "default") else { continue };
        if tenant.find("", "ServiceAccount", name).is_none() {
            findings.add(
                Code::ServiceAccountMissing,
                store,
                &format!("/{}", way.join("/")),
                format!("{} logs in as the account `{name}`, which nothing makes", store.title()),
                "make a ServiceAccount of that name in a template, or correct the name: no Secret is made without it",
            );
        }
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
        return;
    }
    let found = tenant.find(GROUP, "SecretStore", name);
    if let (Some(store), Some(turn)) = (found, Turn::of(object)) {
        if Turn::of(store).is_some_and(|there| there > turn) {
            findings.add(
                Code::HookTooEarly,
                object,
                "/spec/secretStoreRef/name",
                format!("{} reads from {}, which Argo CD applies in a later phase or wave", object.title(), store.title()),
                "give the store an earlier `argocd.argoproj.io/sync-wave`, or make it a hook of the same phase: the first sync waits for ever",
            );
        }
    } else if tenant.complete && found.is_none() {
        findings.add(
            Code::ExternalSecretStore,
            object,
            "/spec/secretStoreRef/name",
            format!("{} reads from the SecretStore `{name}`, which nothing makes", object.title()),
            "make it in a template, or correct the name",
        );
    }
}

fn entries(plan: &Plan, object: &Object<'_>, findings: &mut Findings<'_>) {
    for (index, entry) in object.items(&["spec", "data"]).iter().enumerate() {
        let Some(key) = text_at(entry, &["remoteRef", "key"]) else { continue };
        if !is_own(plan, key) {
            foreign(object, key, &format!("/spec/data/{index}/remoteRef/key"), findings);
        }
        property(plan, object, (key, entry), &format!("/spec/data/{index}/remoteRef/property"), findings);
    }
    for (index, entry) in object.items(&["spec", "dataFrom"]).iter().enumerate() {
        if let Some(key) = text_at(entry, &["extract", "key"]).filter(|key| !is_own(plan, key)) {
            foreign(object, key, &format!("/spec/dataFrom/{index}/extract/key"), findings);
        }
    }
}

/// Checks the field of an entry that the tenant's own resources make; of others only the secret store knows the fields.
fn property(
    plan: &Plan,
    object: &Object<'_>,
    (key, entry): (&str, &Value),
    pointer: &str,
    findings: &mut Findings<'_>,
) {
    let Some(property) = text_at(entry, &["remoteRef", "property"]) else { return };
    let Some(fields) = keys::stored(plan, key).filter(|fields| !fields.contains_key(property)) else { return };
    let known: Vec<&str> = fields.keys().map(String::as_str).collect();
    findings.add(
        Code::SecretKeyMissing,
        object,
        pointer,
        format!(
            "{} reads `{property}` of the entry `{key}`, which the tenant's resource makes without it",
            object.title()
        ),
        format!("name one of {}", known.join(", ")),
    );
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
