//! Pods: images, accounts, and the ConfigMaps, Secrets and claims that they start with.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    credentials,
    findings::Findings,
    hooks::Turn,
    object::{Container, Object, Pod, text_at},
    tenant::Tenant,
};
use crate::diag::Code;

/// What Kubernetes puts into every namespace.
const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    let secrets = credentials::made(tenant);
    for object in &tenant.objects {
        let Some(pod) = object.pod else { continue };
        for container in pod.containers() {
            image(object, &container, findings);
        }
        // The hook Job of the platform uses what lies in the platform's namespace.
        if tenant.complete && tenant.owns(object) {
            let mut references = References { tenant, secrets: &secrets, object, turn: Turn::of(object), findings };
            references.account(pod);
            references.pod(pod);
        }
    }
}

fn image(object: &Object<'_>, container: &Container<'_>, findings: &mut Findings<'_>) {
    let Some(image) = container.value.get("image").and_then(Value::as_str) else { return };
    let fault = match tag(image) {
        Tag::Fixed => return,
        Tag::Missing => "names no tag",
        Tag::Latest => "has the tag `latest`",
    };
    findings.add(
        Code::ImageTag,
        object,
        &container.pointer_to("image"),
        format!("the image `{image}` of {} {fault}", object.title()),
        "name a fixed version: what runs would change with each new Pod, and no commit could bring the old one back",
    );
}

#[derive(Debug, PartialEq)]
enum Tag {
    Fixed,
    Missing,
    Latest,
}

fn tag(image: &str) -> Tag {
    if image.contains('@') {
        return Tag::Fixed;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once(':') {
        None | Some((_, "")) => Tag::Missing,
        Some((_, "latest")) => Tag::Latest,
        Some(_) => Tag::Fixed,
    }
}

/// What one object's Pods refer to.
struct References<'r, 'a, 'f> {
    tenant: &'r Tenant<'a>,
    secrets: &'r BTreeSet<&'a str>,
    object: &'r Object<'a>,
    turn: Option<Turn>,
    findings: &'r mut Findings<'f>,
}

impl References<'_, '_, '_> {
    fn account(&mut self, pod: Pod<'_>) {
        let Some(name) = text_at(pod.spec, &["serviceAccountName"]).filter(|name| *name != "default") else { return };
        let pointer = || pod.pointer_to("serviceAccountName");
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
                self.source(source, "configMapRef", "secretRef", pointer);
            }
            for (index, variable) in list(container.value, "env").enumerate() {
                let Some(source) = variable.get("valueFrom") else { continue };
                let pointer = |field: &str| container.pointer_to(&format!("env/{index}/valueFrom/{field}"));
                self.source(source, "configMapKeyRef", "secretKeyRef", pointer);
            }
        }
        for (index, volume) in list(pod.spec, "volumes").enumerate() {
            let pointer = |field: &str| pod.pointer_to(&format!("volumes/{index}/{field}"));
            if let Some(source) = volume.get("configMap") {
                self.config_map(source, "name", || pointer("configMap"));
            }
            if let Some(source) = volume.get("secret") {
                self.secret(source, "secretName", || pointer("secret"));
            }
            if let Some(source) = volume.get("persistentVolumeClaim") {
                self.claim(source, || pointer("persistentVolumeClaim/claimName"));
            }
            for (part, source) in volume.get("projected").into_iter().flat_map(|all| list(all, "sources")).enumerate() {
                let pointer = |field: &str| pointer(&format!("projected/sources/{part}/{field}"));
                self.source(source, "configMap", "secret", pointer);
            }
        }
    }

    fn source(&mut self, source: &Value, config_map: &str, secret: &str, pointer: impl Fn(&str) -> String) {
        if let Some(reference) = source.get(config_map) {
            self.config_map(reference, "name", || pointer(config_map));
        }
        if let Some(reference) = source.get(secret) {
            self.secret(reference, "name", || pointer(secret));
        }
    }

    fn config_map(&mut self, reference: &Value, field: &str, pointer: impl Fn() -> String) {
        let Some(name) = required(reference, field).filter(|name| *name != ROOT_CERTIFICATE) else { return };
        match self.tenant.find("", "ConfigMap", name) {
            Some(config_map) => self.in_time(config_map, || format!("{}/{field}", pointer())),
            None => self.findings.add(
                Code::ConfigMapMissing,
                self.object,
                &format!("{}/{field}", pointer()),
                format!("{} reads the ConfigMap `{name}`, which nothing makes", self.object.title()),
                "make it in a template, correct the name, or say `optional: true`: no Pod starts without it",
            ),
        }
    }

    fn secret(&mut self, reference: &Value, field: &str, pointer: impl Fn() -> String) {
        let Some(name) = required(reference, field) else { return };
        if !self.secrets.contains(name) {
            self.findings.add(
                Code::SecretMissing,
                self.object,
                &format!("{}/{field}", pointer()),
                format!("{} reads the Secret `{name}`, which nothing here makes", self.object.title()),
                "make an ExternalSecret or a Certificate of that name in a template, correct the name, or say `optional: true`",
            );
        } else if let Some(maker) = self.tenant.find("external-secrets.io", "ExternalSecret", name) {
            self.in_time(maker, || format!("{}/{field}", pointer()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_behind_ports_and_digests() {
        for (image, expected) in [
            ("shop/auth:v1.2.3", Tag::Fixed),
            ("registry.local:5000/shop/auth:v1", Tag::Fixed),
            ("shop/auth@sha256:00", Tag::Fixed),
            ("registry.local:5000/shop/auth", Tag::Missing),
            ("auth", Tag::Missing),
            ("auth:", Tag::Missing),
            ("shop/auth:latest", Tag::Latest),
        ] {
            assert_eq!(tag(image), expected, "{image}");
        }
    }
}
