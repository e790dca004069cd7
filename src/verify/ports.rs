//! Probes and hooks of containers: whether the port that they name is there.

use serde_json::Value;

use super::{
    findings::Findings,
    object::{Container, Object, Way, text_at},
    tenant::Tenant,
};
use crate::diag::Code;

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    for (object, pod) in tenant.pods() {
        for container in pod.containers() {
            for (way, asked) in container.handlers() {
                // A number needs no port of that number: what a container listens on, it need not say.
                let Some(name) = text_at(asked, &["port"]) else { continue };
                if !has(&container, name) {
                    unknown(object, &container, &way, name, findings);
                }
            }
        }
    }
}

/// A name is looked up in the container itself, not in its neighbours.
fn has(container: &Container<'_>, name: &str) -> bool {
    let ports = container.value.get("ports").and_then(Value::as_array).into_iter().flatten();
    ports.into_iter().any(|port| text_at(port, &["name"]) == Some(name))
}

fn unknown(object: &Object<'_>, container: &Container<'_>, way: &Way, name: &str, findings: &mut Findings<'_>) {
    findings.add(
        Code::ProbePort,
        object,
        &container.pointer_to(&way.to("port")),
        format!(
            "the `{}` of container `{}` of {} asks the port `{name}`, which the container does not have",
            way.handler.replace('/', "."),
            container.name(),
            object.title()
        ),
        "name one of the container's own `ports`, or write a number: the probe fails for ever",
    );
}
