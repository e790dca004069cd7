//! What Argo CD would not notice or not wait for: changes of hooks alone, and kinds whose health it does not know.

use serde_json::Value;

use super::{
    findings::Findings,
    hooks::Turn,
    object::{Fields, Object, text_at},
    tenant::Tenant,
};
use crate::{diag::Code, rendered::Origin};

/// Kinds that take their time, and for which Argo CD 3.5 has no health check (argoproj/argo-cd, resource_customizations).
const WITHOUT_HEALTH: [(&str, &str); 3] =
    [("mysql.oracle.com", "InnoDBCluster"), ("postgresql.cnpg.io", "DatabaseRole"), ("postgresql.cnpg.io", "Pooler")];

pub(super) fn check(tenant: &Tenant<'_>, findings: &mut Findings<'_>) {
    for object in tenant.objects.iter().filter(|object| object.pod.is_some() && object.is_hook()) {
        // The digest beside it stands for the platform's own.
        if *object.origin != Origin::Generated && Turn::of(object).is_some() && tenant.owns(object) {
            alone(tenant, object, findings);
        }
    }
    for (group, kind) in WITHOUT_HEALTH {
        for object in tenant.of_kind(group, kind) {
            not_waited_for(tenant, object, findings);
        }
    }
}

/// Argo CD leaves hooks out of what it compares: a change that no ordinary object shows starts no sync.
fn alone(tenant: &Tenant<'_>, hook: &Object<'_>, findings: &mut Findings<'_>) {
    let containers = hook.pod.into_iter().flat_map(|pod| pod.containers());
    for container in containers {
        let Some(image) = text_at(container.value, &["image"]) else { continue };
        let ordinary = || tenant.objects.iter().filter(|object| !object.is_hook());
        let runs = |object: &Object<'_>| {
            object.pod.is_some_and(|pod| pod.containers().any(|other| text_at(other.value, &["image"]) == Some(image)))
        };
        if ordinary().any(runs) || ordinary().any(|object| mentions(object, image)) {
            continue;
        }
        findings.add(
            Code::HookAlone,
            hook,
            &container.pointer_to("image"),
            format!("the image `{image}` is in the hook {} alone: Argo CD does not see when it changes, and runs nothing", hook.title()),
            "show it in an ordinary object too, as an annotation or an entry of a ConfigMap: its change then starts a sync, and the hook runs",
        );
    }
}

fn mentions(object: &Object<'_>, text: &str) -> bool {
    let data = object.is("", "ConfigMap").then(|| object.at(&["data"]).and_then(Value::as_object)).flatten();
    let maps = [object.annotations, object.pod.and_then(|pod| pod.annotations), data];
    let values = maps.into_iter().flatten().flat_map(Fields::values);
    values.into_iter().filter_map(Value::as_str).any(|value| value.contains(text))
}

fn not_waited_for(tenant: &Tenant<'_>, object: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(turn) = Turn::of(object) else { return };
    let later =
        tenant.pods().find(|(other, _)| other.kind != "CronJob" && Turn::of(other).is_some_and(|there| there > turn));
    if let Some((workload, _)) = later {
        findings.add(
            Code::WaveWithoutHealth,
            object,
            "/metadata/annotations",
            format!(
                "{} is in an earlier wave than {}, but Argo CD cannot tell when it is ready and goes on at once",
                object.title(),
                workload.title()
            ),
            "let the Pods wait for it themselves, in an init container for example, and put both into one wave",
        );
    }
}
