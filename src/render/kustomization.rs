//! `kustomization.yaml`: a plain list of a tenant's objects, and what its tier lays over them.

use serde_json::{Value, json};

use crate::{
    diag::{Code, Diagnostic, Place},
    estate::Estate,
    plan::Plan,
    rendered::RenderedObject,
    tree::Tree,
    yaml,
};

/// Returns the kustomization and the tier's components beside it.
///
/// No namespace, labels, images or generators: the objects are final, and what was checked is what is applied.
///
/// # Errors
/// The tier names a component that the estate does not have.
pub(super) fn files(
    plan: &Plan,
    estate: &Estate,
    manifests: &str,
    objects: &[RenderedObject],
) -> Result<Tree, Box<Diagnostic>> {
    let mut resources: Vec<&str> =
        objects.iter().filter_map(|object| object.path.strip_prefix(manifests)?.strip_prefix('/')).collect();
    resources.dedup();
    let mut kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
    });
    let mut tree = Tree::new();
    let kustomize = &plan.tier.kustomize;
    for component in &kustomize.components {
        let before = tree.len();
        for (path, text) in estate.components().under(&format!("{component}/")) {
            tree.insert(format!("{manifests}/components/{path}"), text.clone());
        }
        if tree.len() == before {
            return Err(missing(plan, component));
        }
    }
    if !kustomize.components.is_empty() {
        let folders: Vec<Value> = kustomize.components.iter().map(|name| json!(format!("components/{name}"))).collect();
        kustomization["components"] = Value::Array(folders);
    }
    if !kustomize.patches.is_empty() {
        kustomization["patches"] = json!(kustomize.patches);
    }
    tree.insert(format!("{manifests}/kustomization.yaml"), yaml::write(&kustomization));
    Ok(tree)
}

fn missing(plan: &Plan, component: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(
        Code::TemplateError,
        Place::file(format!("tiers/{}.yaml", plan.tier.name)),
        format!("the tier `{}` names the component `{component}`, which does not exist", plan.tier.name),
        format!("add components/{component}/kustomization.yaml, or take the name out"),
    ))
}
