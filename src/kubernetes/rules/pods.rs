//! What a Pod may say, beside its containers and volumes.

use super::{
    super::fault::Fault,
    containers::{self, Role},
    placement,
    spot::Spot,
    volumes,
};

/// Whose specification of Pods it is.
#[derive(Clone, Copy)]
pub(super) enum Owner<'s> {
    /// A Pod's own.
    Pod,
    /// A template, of which a controller makes Pods.
    Template,
    /// A template whose Pods get a volume for each of these templates of claims, too.
    Claims(&'s Spot<'s, 's>),
}

/// Checks the specification of Pods.
pub(super) fn check(spec: &Spot<'_, '_>, owner: Owner<'_>, faults: &mut Vec<Fault>) {
    if !matches!(owner, Owner::Pod) && spec.count("ephemeralContainers") > 0 {
        spec.refuse_field(faults, "ephemeralContainers", "a template has no ephemeral containers", "take them out");
    }
    for (list, role) in [("initContainers", Role::Before), ("containers", Role::Beside)] {
        let Some(containers) = spec.field(list) else { continue };
        for container in containers.items() {
            containers::check(spec, &container, role, owner, faults);
        }
    }
    names_differ(spec, faults);
    volumes::check(spec, faults);
    placement::check(spec, faults);
    dns(spec, faults);
    context(spec, faults);
    spec.label_name(faults, "hostname");
    spec.label_name(faults, "subdomain");
    for name in ["serviceAccountName", "priorityClassName", "runtimeClassName"] {
        spec.object_name(faults, name);
    }
    if spec.flag("hostPID") && spec.flag("shareProcessNamespace") {
        spec.refuse_field(
            faults,
            "shareProcessNamespace",
            "`hostPID` and `shareProcessNamespace` exclude each other",
            "keep one of them",
        );
    }
    if let Some(os) = spec.field("os")
        && os.text("name").is_some_and(|name| !matches!(name, "linux" | "windows"))
    {
        os.refuse_field(faults, "name", "an operating system is `linux` or `windows`", "write one of them");
    }
    if let Some(gates) = spec.field("readinessGates") {
        for gate in gates.items() {
            if let Some(kind) = gate.field("conditionType")
                && kind.as_text().is_some_and(|text| super::super::names::check_key(text).is_err())
            {
                kind.wrong_form(faults, "is no name of a condition", "write a name like that of a label");
            }
        }
    }
}

/// A container and an init container have different names.
fn names_differ(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let (Some(before), Some(beside)) = (spec.field("initContainers"), spec.field("containers")) else { return };
    for container in before.items() {
        let name = container.text("name");
        if name.is_some() && beside.items().any(|other| other.text("name") == name) {
            container.refuse_field(faults, "name", "a container has this name already", "choose another name");
        }
    }
}

fn dns(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let config = spec.field("dnsConfig");
    let servers = config.as_ref().map_or(0, |config| config.count("nameservers"));
    if spec.text("dnsPolicy") == Some("None") && servers == 0 {
        spec.missing(faults, "dnsConfig", "`dnsPolicy: None` wants at least one server there");
    }
    if let Some(config) = &config {
        if servers > 3 {
            config.refuse_field(faults, "nameservers", "a Pod has at most three DNS servers", "name fewer");
        }
        if let Some(list) = config.field("nameservers") {
            list.items().for_each(|server| address(&server, faults));
        }
    }
    if let Some(aliases) = spec.field("hostAliases") {
        for alias in aliases.items() {
            if let Some(ip) = alias.field("ip") {
                address(&ip, faults);
            }
        }
    }
}

pub(super) fn address(spot: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if spot.as_text().is_some_and(|text| text.parse::<core::net::IpAddr>().is_err()) {
        spot.wrong_form(faults, "is no address", "write an IPv4 or IPv6 address");
    }
}

fn context(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(context) = spec.field("securityContext") else { return };
    profile(&context, faults);
    let Some(sysctls) = context.field("sysctls") else { return };
    for (index, sysctl) in sysctls.items().enumerate() {
        let name = sysctl.text("name");
        if sysctls.items().take(index).any(|other| other.text("name") == name) {
            sysctl.refuse_field(faults, "name", "the kernel parameter is in the list already", "keep one of the two");
        }
    }
}

/// Checks the seccomp profile of a Pod or a container.
pub(super) fn profile(context: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    for field in ["seccompProfile", "appArmorProfile"] {
        let Some(profile) = context.field(field) else { continue };
        match (profile.text("type"), profile.has("localhostProfile")) {
            (Some("Localhost"), false) => profile.missing(faults, "localhostProfile", "the type is `Localhost`"),
            (Some("RuntimeDefault" | "Unconfined"), true) => profile.refuse_field(
                faults,
                "localhostProfile",
                "only a profile of the type `Localhost` has a file",
                "take it out, or write `type: Localhost`",
            ),
            _ => {}
        }
    }
}
