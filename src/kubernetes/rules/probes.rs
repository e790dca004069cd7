//! Probes and life cycles of containers.

use super::{super::fault::Fault, spot::Spot};

/// A Pod that says nothing else has so many seconds to end.
const GRACE_SECONDS: i64 = 30;

pub(super) fn probe(probe: &Spot<'_, '_>, field: &str, faults: &mut Vec<Fault>) {
    handler(probe, &["exec", "httpGet", "tcpSocket", "grpc"], faults);
    if field != "readinessProbe" && probe.number("successThreshold").is_some_and(|number| number > 1) {
        probe.refuse_field(
            faults,
            "successThreshold",
            format!("a `{field}` succeeds at once: only 1 is allowed"),
            "take it out",
        );
    }
    if field == "readinessProbe" && probe.has("terminationGracePeriodSeconds") {
        probe.refuse_field(faults, "terminationGracePeriodSeconds", "a `readinessProbe` ends nothing", "take it out");
    }
    probe.at_least(faults, "terminationGracePeriodSeconds", 1);
}

pub(super) fn lifecycle(spec: &Spot<'_, '_>, lifecycle: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let grace = spec.number("terminationGracePeriodSeconds").unwrap_or(GRACE_SECONDS);
    for name in ["postStart", "preStop"] {
        let Some(hook) = lifecycle.field(name) else { continue };
        handler(&hook, &["exec", "httpGet", "tcpSocket", "sleep"], faults);
        let Some(sleep) = hook.field("sleep") else { continue };
        sleep.at_least(faults, "seconds", 0);
        if sleep.number("seconds").is_some_and(|seconds| seconds > grace) {
            sleep.refuse_field(
                faults,
                "seconds",
                format!("the sleep is longer than the {grace} seconds that the Pod has to end"),
                "sleep less, or raise `terminationGracePeriodSeconds`",
            );
        }
    }
}

fn handler(parent: &Spot<'_, '_>, kinds: &[&str], faults: &mut Vec<Fault>) {
    parent.exactly_one(faults, kinds);
    if let Some(exec) = parent.field("exec")
        && exec.count("command") == 0
    {
        exec.missing(faults, "command", "");
    }
    for kind in ["httpGet", "tcpSocket", "grpc"] {
        let Some(call) = parent.field(kind) else { continue };
        call.port(faults, "port");
        let Some(headers) = call.field("httpHeaders") else { continue };
        for header in headers.items() {
            if let Some(name) = header.field("name")
                && name.as_text().is_some_and(|text| !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
            {
                name.wrong_form(faults, "is no name of a header", "write letters, digits and `-`");
            }
        }
    }
}
