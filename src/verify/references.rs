//! What Pods start with: accounts, ConfigMaps, Secrets and claims, each there, in time, and with the key that is asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    credentials,
    findings::Findings,
    hooks::Turn,
    keys,
    object::{Object, Pod, text_at},
    tenant::Tenant,
};
use crate::diag::Code;

/// What Kubernetes puts into every namespace.
const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    let secrets = credentials::made(tenant);
    // The hook Job of the platform uses what lies in the platform's namespace.
    for (object, pod) in tenant.pods() {
        let mut references = References { tenant, secrets: &secrets, object, turn: waits(object), findings };
        references.account(pod);
        references.pod(pod);
    }
    for object in tenant.of_kind("", "ServiceAccount").filter(|object| tenant.owns(object)) {
        let mut references = References { tenant, secrets: &secrets, object, turn: None, findings };
        references.pull_secrets(object.value, "");
    }
    for object in tenant.of_kind("networking.k8s.io", "Ingress").filter(|object| tenant.owns(object)) {
        let mut references = References { tenant, secrets: &secrets, object, turn: None, findings };
        for (index, tls) in object.items(&["spec", "tls"]).iter().enumerate() {
            references.secret(tls, "secretName", || format!("/spec/tls/{index}"));
        }
    }
    for object in tenant.of_kind("grafana.integreatly.org", "GrafanaDashboard").filter(|object| tenant.owns(object)) {
        let mut references = References { tenant, secrets: &secrets, object, turn: None, findings };
        if let Some(reference) = object.at(&["spec", "configMapRef"]) {
            references.config_map(reference, || "/spec/configMapRef".to_owned());
        }
    }
    databases(tenant, &secrets, findings);
}

/// What MySQL's operator reads from the Secret that an InnoDBCluster names.
const ROOT: [&str; 3] = ["rootUser", "rootHost", "rootPassword"];

fn databases(tenant: &Tenant<'_>, secrets: &BTreeMap<&str, &Object<'_>>, findings: &mut Findings<'_>) {
    for object in tenant.of_kind("mysql.oracle.com", "InnoDBCluster").filter(|object| tenant.owns(object)) {
        let maker = text_at(object.value, &["spec", "secretName"]).and_then(|name| secrets.get(name));
        let Some((maker, keys)) = maker.and_then(|maker| Some((maker, keys::of_secret(tenant.plan, maker)?))) else {
            continue;
        };
        if let Some(key) = ROOT.iter().find(|key| !keys.contains(**key)) {
            findings.add(
                Code::SecretKeyMissing,
                object,
                "/spec/secretName",
                format!("{} needs `{key}` in its Secret, which {} makes without it", object.title(), maker.title()),
                format!("let {} make {}", maker.title(), ROOT.join(", ")),
            );
        }
    }
}

/// Returns when Argo CD waits for the Pods of an object; a CronJob starts none by itself, and a workload may be off.
fn waits(object: &Object<'_>) -> Option<Turn> {
    let off = object.at(&["spec", "replicas"]).and_then(Value::as_u64) == Some(0);
    if object.kind == "CronJob" || off { None } else { Turn::of(object) }
}

/// What one object's Pods refer to.
struct References<'r, 'a, 'f> {
    tenant: &'r Tenant<'a>,
    secrets: &'r BTreeMap<&'a str, &'r Object<'a>>,
    object: &'r Object<'a>,
    turn: Option<Turn>,
    findings: &'r mut Findings<'f>,
}

impl References<'_, '_, '_> {
    fn account(&mut self, pod: Pod<'_>) {
        // The older name of the field still works.
        let named = ["serviceAccountName", "serviceAccount"].into_iter();
        let Some((field, name)) = named.filter_map(|field| Some((field, text_at(pod.spec, &[field])?))).next() else {
            return;
        };
        if name == "default" {
            return;
        }
        let pointer = || pod.pointer_to(field);
        match self.tenant.find("", "ServiceAccount", name) {
            Some(account) => self.in_time(account, pointer),
            None => self.findings.add(
                Code::ServiceAccountMissing,
                self.object,
                &pointer(),
                format!("{} runs as the account `{name}`, which nothing makes", self.object.title()),
                "make a ServiceAccount of that name in a template, or correct the name: no Pod starts without it",
            ),
        }
    }

    fn pod(&mut self, pod: Pod<'_>) {
        for container in pod.containers() {
            for (index, source) in list(container.value, "envFrom").enumerate() {
                let pointer = |field: &str| container.pointer_to(&format!("envFrom/{index}/{field}"));
                self.source(source, ["configMapRef", "secretRef"], pointer);
            }
            for (index, variable) in list(container.value, "env").enumerate() {
                let Some(source) = variable.get("valueFrom") else { continue };
                let pointer = |field: &str| container.pointer_to(&format!("env/{index}/valueFrom/{field}"));
                self.source(source, ["configMapKeyRef", "secretKeyRef"], pointer);
            }
        }
        for (index, volume) in list(pod.spec, "volumes").enumerate() {
            let pointer = |field: &str| pod.pointer_to(&format!("volumes/{index}/{field}"));
            if let Some(source) = volume.get("configMap") {
                self.config_map(source, || pointer("configMap"));
            }
            if let Some(source) = volume.get("secret") {
                self.secret(source, "secretName", || pointer("secret"));
            }
            if let Some(source) = volume.get("persistentVolumeClaim") {
                self.claim(source, || pointer("persistentVolumeClaim/claimName"));
            }
            for (part, source) in volume.get("projected").into_iter().flat_map(|all| list(all, "sources")).enumerate() {
                let pointer = |field: &str| pointer(&format!("projected/sources/{part}/{field}"));
                self.source(source, ["configMap", "secret"], pointer);
            }
        }
        self.pull_secrets(pod.spec, &pod.pointer_to(""));
    }

    fn pull_secrets(&mut self, holder: &Value, pointer: &str) {
        for (index, reference) in list(holder, "imagePullSecrets").enumerate() {
            self.secret(reference, "name", || format!("{}/imagePullSecrets/{index}", pointer.trim_end_matches('/')));
        }
    }

    fn source(&mut self, source: &Value, [config_map, secret]: [&str; 2], pointer: impl Fn(&str) -> String) {
        if let Some(reference) = source.get(config_map) {
            self.config_map(reference, || pointer(config_map));
        }
        if let Some(reference) = source.get(secret) {
            self.secret(reference, "name", || pointer(secret));
        }
    }

    fn config_map(&mut self, reference: &Value, pointer: impl Fn() -> String) {
        let Some(name) = required(reference, "name").filter(|name| *name != ROOT_CERTIFICATE) else { return };
        let Some(config_map) = self.tenant.find("", "ConfigMap", name) else {
            self.findings.add(
                Code::ConfigMapMissing,
                self.object,
                &format!("{}/name", pointer()),
                format!("{} reads the ConfigMap `{name}`, which nothing makes", self.object.title()),
                "make it in a template, correct the name, or say `optional: true`: no Pod starts without it",
            );
            return;
        };
        self.in_time(config_map, || format!("{}/name", pointer()));
        for (field, key) in wanted(reference) {
            if !keys::of_config_map(config_map, key) {
                self.findings.add(
                    Code::ConfigMapKeyMissing,
                    self.object,
                    &format!("{}/{field}", pointer()),
                    format!("{} reads `{key}` of {}, which has no such key", self.object.title(), config_map.title()),
                    format!(
                        "add `{key}` to `data` of {}, correct the key, or say `optional: true`",
                        config_map.title()
                    ),
                );
            }
        }
    }

    fn secret(&mut self, reference: &Value, field: &str, pointer: impl Fn() -> String) {
        let Some(name) = required(reference, field) else { return };
        let Some(maker) = self.secrets.get(name) else {
            if !credentials::made_by_operator(self.tenant, name) {
                self.findings.add(
                    Code::SecretMissing,
                    self.object,
                    &format!("{}/{field}", pointer()),
                    format!("{} reads the Secret `{name}`, which nothing here makes", self.object.title()),
                    "make an ExternalSecret or a Certificate of that name in a template, correct the name, or say `optional: true`",
                );
            }
            return;
        };
        self.in_time(maker, || format!("{}/{field}", pointer()));
        let mut asked = wanted(reference).peekable();
        let Some(keys) = asked.peek().and_then(|_| keys::of_secret(self.tenant.plan, maker)) else { return };
        for (field, key) in asked.filter(|(_, key)| !keys.contains(key)) {
            self.findings.add(
                Code::SecretKeyMissing,
                self.object,
                &format!("{}/{field}", pointer()),
                format!(
                    "{} reads `{key}` of the Secret `{name}`, which {} makes without it",
                    self.object.title(),
                    maker.title()
                ),
                format!("let {} make `{key}`, correct the key, or say `optional: true`", maker.title()),
            );
        }
    }

    fn claim(&mut self, reference: &Value, pointer: impl Fn() -> String) {
        let Some(name) = text_at(reference, &["claimName"]) else { return };
        match self.tenant.find("", "PersistentVolumeClaim", name) {
            Some(claim) => self.in_time(claim, pointer),
            None => self.findings.add(
                Code::ClaimMissing,
                self.object,
                &pointer(),
                format!("{} mounts the claim `{name}`, which nothing makes", self.object.title()),
                "make a PersistentVolumeClaim of that name in a template, or correct the name: no Pod starts without it",
            ),
        }
    }

    /// Checks that what a Pod needs is applied before it, or with it.
    fn in_time(&mut self, needed: &Object<'_>, pointer: impl Fn() -> String) {
        let (Some(turn), Some(there)) = (self.turn, Turn::of(needed)) else { return };
        if there > turn {
            self.findings.add(
                Code::HookTooEarly,
                self.object,
                &pointer(),
                format!("{} needs {}, which Argo CD applies in a later phase or wave", self.object.title(), needed.title()),
                "give what is needed an earlier `argocd.argoproj.io/sync-wave`, or make it a hook of the same phase: the first sync waits for ever",
            );
        }
    }
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// Returns the name that a reference must find.
fn required<'a>(reference: &'a Value, field: &str) -> Option<&'a str> {
    let optional = reference.get("optional") == Some(&Value::Bool(true));
    text_at(reference, &[field]).filter(|_| !optional)
}

/// Returns the keys that a reference asks for: one for a variable, a list for a volume.
fn wanted(reference: &Value) -> impl Iterator<Item = (String, &str)> {
    let one = text_at(reference, &["key"]).map(|key| ("key".to_owned(), key));
    let items = list(reference, "items").enumerate();
    one.into_iter()
        .chain(items.filter_map(|(index, item)| Some((format!("items/{index}/key"), text_at(item, &["key"])?))))
}
