//! Pod Security: what admission would refuse. It acts on Pods alone, so a Deployment is applied, turns green nowhere, and its Pods are missing.
//!
//! Source: kubernetes.io/docs/concepts/security/pod-security-standards, and k8s.io/pod-security-admission v0.36.3 for what differs by release.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Container, Object, Pod, at, below, text_at},
    tenant::Tenant,
};
use crate::{diag::Code, kubernetes::releases};

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// What a container may add under `baseline`.
const BASELINE_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The kinds of volumes that `restricted` allows.
const RESTRICTED_VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Types of SELinux that a container may have under `baseline`; the last one since 1.31.
const SELINUX_TYPES: [&str; 4] = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/// Kernel parameters that a Pod may set since 1.32.
const NEWER_SYSCTLS: [&str; 2] = ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];

/// The label that pins the standard to a release; without it, or with `latest`, it is the cluster's.
const ENFORCE_VERSION: &str = "pod-security.kubernetes.io/enforce-version";

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Kernel parameters that a Pod may set under `baseline`.
const SAFE_SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
];

pub(super) fn check(tenant: &Tenant<'_>, minor: Option<u8>, findings: &mut Findings<'_>) {
    let Some(namespace) = tenant.of_kind("", "Namespace").find(|object| object.name == tenant.plan.namespace) else {
        return;
    };
    let level = namespace.labels.and_then(|labels| labels.get(ENFORCE)).and_then(Value::as_str);
    let restricted = match level {
        Some("restricted") => true,
        Some("baseline") => false,
        _ => {
            findings.add(
                Code::NamespaceUnrestricted,
                namespace,
                "/metadata/labels",
                format!(
                    "the Namespace does not enforce a Pod Security Standard: `{ENFORCE}` is {}",
                    level.unwrap_or("missing")
                ),
                "label it `restricted`, or `baseline` where a workload cannot do with less",
            );
            return;
        }
    };
    let pinned = namespace.labels.and_then(|labels| labels.get(ENFORCE_VERSION)).and_then(Value::as_str);
    let pinned = pinned.and_then(|version| version.strip_prefix("v1.")?.parse().ok());
    let minor = pinned.or(minor).unwrap_or(releases::NEWEST);
    let level = if restricted { "restricted" } else { "baseline" };
    for (object, pod) in tenant.pods() {
        let user_namespace = minor >= 35 && pod.spec.get("hostUsers") == Some(&Value::Bool(false));
        let mut rules = Rules { object, pod, level, minor, user_namespace, findings };
        rules.baseline();
        if restricted {
            rules.restricted();
        }
    }
}

struct Rules<'r, 'a, 'f> {
    object: &'r Object<'a>,
    pod: Pod<'a>,
    level: &'static str,
    /// The release whose standard holds.
    minor: u8,
    /// Since 1.35 root in a user namespace of the Pod's own is nobody on the node.
    user_namespace: bool,
    findings: &'r mut Findings<'f>,
}

impl Rules<'_, '_, '_> {
    fn refuse(&mut self, pointer: &str, fault: &str, help: &str) {
        let message = format!(
            "{}: {fault}, which the namespace's Pod Security level `{}` refuses",
            self.object.title(),
            self.level
        );
        self.findings.add(Code::PodSecurity, self.object, pointer, message, help);
    }

    fn baseline(&mut self) {
        let pod = self.pod;
        for field in ["hostNetwork", "hostPID", "hostIPC"] {
            if pod.spec.get(field) == Some(&Value::Bool(true)) {
                self.refuse(&pod.pointer_to(field), &format!("`{field}` is true"), "take it out");
            }
        }
        for (index, volume) in list(pod.spec, "volumes").iter().enumerate() {
            if volume.get("hostPath").is_some() {
                let pointer = pod.pointer_to(&format!("volumes/{index}/hostPath"));
                self.refuse(&pointer, "a volume is a path of the node", "use `emptyDir`, or a claim");
            }
        }
        let context = pod.spec.get("securityContext");
        for (index, sysctl) in context.map_or(&[][..], |context| list(context, "sysctls")).iter().enumerate() {
            let name = text_at(sysctl, &["name"]).unwrap_or_default();
            let safe = SAFE_SYSCTLS.contains(&name) || self.minor >= 32 && NEWER_SYSCTLS.contains(&name);
            if !safe {
                let pointer = pod.pointer_to(&format!("securityContext/sysctls/{index}"));
                self.refuse(&pointer, &format!("it sets the kernel parameter `{name}`"), "take it out");
            }
        }
        self.context(context, |field| pod.pointer_to(&format!("securityContext/{field}")));
        let profiles = pod.annotations.into_iter().flatten().filter(|(key, _)| key.starts_with(APP_ARMOR));
        for (key, _) in profiles.filter(|(_, profile)| profile.as_str() == Some("unconfined")) {
            let pointer = below(&format!("{}/metadata/annotations", pod.pointer), key);
            self.refuse(&pointer, "its AppArmor profile is `unconfined`", "take the annotation out");
        }
        for container in pod.containers() {
            self.container(&container);
        }
    }

    /// What a Pod's and a container's security context have in common.
    fn context(&mut self, context: Option<&Value>, pointer: impl Fn(&str) -> String) {
        let Some(context) = context else { return };
        if text_at(context, &["seccompProfile", "type"]) == Some("Unconfined") {
            self.refuse(
                &pointer("seccompProfile"),
                "its seccomp profile is `Unconfined`",
                "write `type: RuntimeDefault`",
            );
        }
        if text_at(context, &["appArmorProfile", "type"]) == Some("Unconfined") {
            let help = "write `type: RuntimeDefault`";
            self.refuse(&pointer("appArmorProfile"), "its AppArmor profile is `Unconfined`", help);
        }
        for field in ["type", "user", "role"] {
            let Some(value) = text_at(context, &["seLinuxOptions", field]).filter(|value| !value.is_empty()) else {
                continue;
            };
            let types = if self.minor >= 31 { &SELINUX_TYPES[..] } else { &SELINUX_TYPES[..3] };
            if field != "type" || !types.contains(&value) {
                let fault = format!("it sets the SELinux {field} `{value}`");
                self.refuse(&pointer(&format!("seLinuxOptions/{field}")), &fault, "take it out");
            }
        }
        if at(context, &["windowsOptions", "hostProcess"]) == Some(&Value::Bool(true)) {
            self.refuse(&pointer("windowsOptions"), "it is a process of the host", "take `hostProcess` out");
        }
    }

    fn container(&mut self, container: &Container<'_>) {
        let context = container.value.get("securityContext");
        let pointer = |field: &str| container.pointer_to(&format!("securityContext/{field}"));
        self.context(context, pointer);
        if context.and_then(|context| context.get("privileged")) == Some(&Value::Bool(true)) {
            self.refuse(
                &pointer("privileged"),
                &format!("container `{}` is privileged", container.name()),
                "take `privileged` out",
            );
        }
        if let Some(mount) =
            context.and_then(|context| text_at(context, &["procMount"])).filter(|mount| *mount != "Default")
            && (!self.user_namespace || self.level == "restricted")
        {
            self.refuse(&pointer("procMount"), &format!("`procMount` is `{mount}`"), "take `procMount` out");
        }
        for name in capabilities(context, "add").filter(|name| !BASELINE_CAPABILITIES.contains(name)) {
            self.refuse(
                &pointer("capabilities/add"),
                &format!("container `{}` adds the capability `{name}`", container.name()),
                "take it out",
            );
        }
        if self.minor >= 34 {
            for (way, asked) in container.handlers() {
                let Some(host) = text_at(asked, &["host"]).filter(|host| !host.is_empty()) else { continue };
                let fault = format!("the kubelet asks the host `{host}`");
                let pointer = container.pointer_to(&way.to("host"));
                self.refuse(&pointer, &fault, "take `host` out: the Pod itself is asked");
            }
        }
        for (index, port) in list(container.value, "ports").iter().enumerate() {
            if port.get("hostPort").and_then(Value::as_u64).is_some_and(|port| port > 0) {
                let pointer = container.pointer_to(&format!("ports/{index}/hostPort"));
                self.refuse(
                    &pointer,
                    "it takes a port of the node",
                    "take `hostPort` out: a Service leads to the Pods",
                );
            }
        }
    }

    fn restricted(&mut self) {
        let pod = self.pod;
        let context = pod.spec.get("securityContext");
        for (index, volume) in list(pod.spec, "volumes").iter().enumerate() {
            let fields = volume.as_object().into_iter().flatten().map(|(field, _)| field.as_str());
            // A path of the node is refused by `baseline` already.
            for kind in
                fields.filter(|field| !matches!(*field, "name" | "hostPath") && !RESTRICTED_VOLUMES.contains(field))
            {
                let pointer = pod.pointer_to(&format!("volumes/{index}/{kind}"));
                self.refuse(&pointer, &format!("a volume is of the kind `{kind}`"), "use a claim");
            }
        }
        let pod_user = runs_as(context);
        if pod_user == Some(0) && !self.user_namespace {
            self.refuse(&pod.pointer_to("securityContext/runAsUser"), "it runs as root", "name another user");
        }
        let linux = text_at(pod.spec, &["os", "name"]) != Some("windows");
        for container in pod.containers() {
            let own = container.value.get("securityContext");
            let pointer = |field: &str| container.pointer_to(&format!("securityContext/{field}"));
            let who = || format!("container `{}`", container.name());
            if !self.user_namespace && flag(own, "runAsNonRoot").or(flag(context, "runAsNonRoot")) != Some(true) {
                self.refuse(
                    &pointer("runAsNonRoot"),
                    &format!("{} may run as root", who()),
                    "write `runAsNonRoot: true` into the Pod's `securityContext`",
                );
            }
            if !self.user_namespace && runs_as(own) == Some(0) {
                self.refuse(&pointer("runAsUser"), &format!("{} runs as root", who()), "name another user");
            }
            if !linux {
                continue;
            }
            if flag(own, "allowPrivilegeEscalation") != Some(false) {
                self.refuse(
                    &pointer("allowPrivilegeEscalation"),
                    &format!("{} may gain privileges", who()),
                    "write `allowPrivilegeEscalation: false`",
                );
            }
            if !capabilities(own, "drop").any(|name| name == "ALL") {
                self.refuse(
                    &pointer("capabilities"),
                    &format!("{} keeps capabilities", who()),
                    "write `capabilities: { drop: [ALL] }`",
                );
            }
            for name in capabilities(own, "add")
                .filter(|name| *name != "NET_BIND_SERVICE" && BASELINE_CAPABILITIES.contains(name))
            {
                self.refuse(
                    &pointer("capabilities/add"),
                    &format!("{} adds the capability `{name}`", who()),
                    "take it out",
                );
            }
            let profile = |context: Option<&Value>| {
                context.and_then(|context| at(context, &["seccompProfile", "type"])).is_some()
            };
            if !profile(own) && !profile(context) {
                self.refuse(
                    &pointer("seccompProfile"),
                    &format!("{} has no seccomp profile", who()),
                    "write `seccompProfile: { type: RuntimeDefault }` into the Pod's `securityContext`",
                );
            }
        }
    }
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn flag(context: Option<&Value>, field: &str) -> Option<bool> {
    context?.get(field)?.as_bool()
}

fn runs_as(context: Option<&Value>) -> Option<u64> {
    context?.get("runAsUser")?.as_u64()
}

fn capabilities<'a>(context: Option<&'a Value>, list: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let names = context.and_then(|context| at(context, &["capabilities", list])).and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}
