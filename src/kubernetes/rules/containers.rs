//! Containers of a Pod.

use super::{
    super::fault::Fault,
    environment,
    pods::{self, Owner},
    probes, resources,
    spot::Spot,
};

/// When a container runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Before the others, or beside them if it restarts for ever.
    Before,
    Beside,
}

pub(super) fn check(
    spec: &Spot<'_, '_>,
    container: &Spot<'_, '_>,
    role: Role,
    owner: Owner<'_>,
    faults: &mut Vec<Fault>,
) {
    if let Some(image) = container.field("image")
        && image.as_text().is_some_and(|text| text.trim() != text)
    {
        image.wrong_form(faults, "starts or ends with white space", "take it out");
    }
    let ends = role == Role::Before && container.text("restartPolicy") != Some("Always");
    for field in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
        let Some(found) = container.field(field) else { continue };
        if ends {
            found.refuse(
                faults,
                format!("an init container that ends has no `{field}`"),
                "take it out, or make it a sidecar by `restartPolicy: Always`",
            );
        } else if field == "lifecycle" {
            probes::lifecycle(spec, &found, faults);
        } else {
            probes::probe(&found, field, faults);
        }
    }
    environment::check(container, faults);
    mounts(spec, container, owner, faults);
    if let Some(resources) = container.field("resources") {
        resources::check(spec, &resources, faults);
    }
    if let Some(context) = container.field("securityContext") {
        pods::profile(&context, faults);
    }
    if let Some(policies) = container.field("resizePolicy") {
        for policy in policies.items() {
            if policy.text("restartPolicy").is_some_and(|word| !matches!(word, "NotRequired" | "RestartContainer")) {
                policy.refuse_field(
                    faults,
                    "restartPolicy",
                    "it is `NotRequired` or `RestartContainer`",
                    "write one of them",
                );
            }
        }
    }
}

fn mounts(spec: &Spot<'_, '_>, container: &Spot<'_, '_>, owner: Owner<'_>, faults: &mut Vec<Fault>) {
    let Some(mounts) = container.field("volumeMounts") else { return };
    let privileged = container.field("securityContext").is_some_and(|context| context.flag("privileged"));
    for mount in mounts.items() {
        let name = mount.text("name");
        let claimed = match owner {
            Owner::Claims(claims) => claims
                .items()
                .any(|claim| claim.field("metadata").is_some_and(|metadata| metadata.text("name") == name)),
            Owner::Pod | Owner::Template => false,
        };
        let volume = claimed
            || spec.field("volumes").is_some_and(|volumes| volumes.items().any(|volume| volume.text("name") == name));
        if name.is_some() && !volume {
            mount.refuse_field(
                faults,
                "name",
                format!("`{}` is no volume of the Pod", name.unwrap_or_default()),
                "name one of `volumes`, or add it there",
            );
        }
        mount.inside(faults, "subPath");
        mount.inside(faults, "subPathExpr");
        mount.at_most_one(faults, &["subPath", "subPathExpr"]);
        if mount.text("mountPropagation") == Some("Bidirectional") && !privileged {
            mount.refuse_field(
                faults,
                "mountPropagation",
                "only a privileged container may mount for the node",
                "take it out",
            );
        }
    }
}
