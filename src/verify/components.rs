//! Kustomize components: what rewrites selectors behind the templates' back.

use std::collections::BTreeMap;

use serde_json::Value;

use super::findings::Findings;
use crate::{
    diag::{Code, Diagnostic, Place},
    estate::Estate,
    plan::Plan,
    yaml,
};

const FILE: &str = "/kustomization.yaml";

/// What is wrong with the components of an estate, by their folder.
pub(super) struct Components(BTreeMap<String, &'static str>);

impl Components {
    /// Reads the kustomization files of all components; one that cannot be read is kustomize's to refuse.
    pub fn read(estate: &Estate) -> Self {
        let fault = |path: &str, text: &str| {
            let folder = path.strip_suffix(FILE).filter(|folder| !folder.contains('/'))?;
            let file = yaml::read_documents(text).ok()?.into_iter().next()?;
            Some((folder.to_owned(), rewrites(&file)?))
        };
        Self(estate.components().iter().filter_map(|(path, text)| fault(path, text)).collect())
    }

    /// Checks the components that a tenant's tier uses.
    pub fn check(&self, plan: &Plan, findings: &mut Findings<'_>) {
        for component in &plan.tier.kustomize.components {
            let Some(key) = self.0.get(component) else { continue };
            findings.push(Diagnostic::new(
                Code::KustomizeLabels,
                Place::file(format!("components/{component}{FILE}")),
                format!("`{key}` writes its labels into every selector, those of NetworkPolicies for other namespaces included"),
                "write `labels: [{ pairs: …, includeTemplates: true }]`, without `includeSelectors`: selectors stay as the templates have them",
            ));
        }
    }
}

/// Returns the key by which a kustomization writes into selectors.
fn rewrites(file: &Value) -> Option<&'static str> {
    let filled = |value: &Value| value.as_object().is_some_and(|map| !map.is_empty());
    if file.get("commonLabels").is_some_and(filled) {
        return Some("commonLabels");
    }
    let mut labels = file.get("labels").and_then(Value::as_array).into_iter().flatten();
    labels.any(|entry| entry.get("includeSelectors") == Some(&Value::Bool(true))).then_some("includeSelectors")
}
