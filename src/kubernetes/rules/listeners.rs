//! ListenerSets: the CEL rules of the published definition.

use super::{super::fault::Fault, spot::Spot};

pub(super) fn check(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    if spec.has("listeners") && spec.count("listeners") == 0 {
        spec.refuse_field(faults, "listeners", "at least one listener is wanted", "add one");
    }
    let Some(listeners) = spec.field("listeners") else { return };
    for (index, listener) in listeners.items().enumerate() {
        let earlier = || listeners.items().take(index);
        if earlier().any(|other| other.text("name") == listener.text("name")) {
            listener.refuse_field(faults, "name", "a listener has this name already", "choose another name");
        }
        let place = |listener: &Spot<'_, '_>| {
            let text = |name: &str| listener.text(name).unwrap_or_default().to_owned();
            (listener.number("port"), text("protocol"), text("hostname"))
        };
        if listener.has("port") && earlier().any(|other| place(&other) == place(&listener)) {
            listener.refuse(faults, "a listener has this port, protocol and host already", "choose another host");
        }
        self::listener(&listener, faults);
    }
}

fn listener(listener: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let protocol = listener.text("protocol").unwrap_or_default();
    let tls = listener.field("tls");
    if matches!(protocol, "HTTP" | "TCP" | "UDP") && tls.is_some() {
        listener.refuse_field(
            faults,
            "tls",
            format!("`{protocol}` has no TLS"),
            "take `tls` out, or correct `protocol`",
        );
    }
    if matches!(protocol, "TCP" | "UDP") && listener.text("hostname").is_some_and(|host| !host.is_empty()) {
        listener.refuse_field(faults, "hostname", format!("`{protocol}` knows no hosts"), "take `hostname` out");
    }
    if protocol == "TLS" && tls.is_none() {
        listener.missing(faults, "tls", "the protocol is `TLS`");
    }
    let Some(tls) = tls else { return };
    let mode = tls.text("mode").unwrap_or("Terminate");
    if protocol == "HTTPS" && mode != "Terminate" {
        tls.refuse_field(faults, "mode", "`HTTPS` ends TLS here", "write `mode: Terminate`");
    }
    if mode == "Terminate" && tls.count("certificateRefs") == 0 && tls.count("options") == 0 {
        tls.missing(faults, "certificateRefs", "who ends TLS needs a certificate");
    }
}
