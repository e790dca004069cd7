//! `format: helm`: the manifests folder is a chart around the tier's chart, with the tenant's values and further objects.

use serde_json::{Value, json};

use crate::{
    diag::{Code, Diagnostic, Place},
    estate::Estate,
    plan::Plan,
    tree::Tree,
    yaml,
};

/// The only template of the chart: it prints the files under `objects/` as they are, so that braces in them mean nothing to
/// helm.
const OBJECTS: &str = "\
{{- range $path, $_ := .Files.Glob \"objects/**\" }}
---
{{ $.Files.Get $path }}
{{- end }}
";

/// The version of the chart. Argo CD never looks at it; what changes is told by the commit.
const VERSION: &str = "0.1.0";

/// Returns the chart around the tier's chart: `Chart.yaml`, `values.yaml`, the chart itself under `charts/`, and the
/// template that adds the objects.
///
/// # Errors
/// The tier has no chart, or the estate's chart has no readable `Chart.yaml`.
pub(super) fn files(
    plan: &Plan,
    estate: &Estate,
    manifests: &str,
    values: Option<Value>,
) -> Result<Tree, Box<Diagnostic>> {
    let Some(folder) = &plan.tier.chart else {
        let message = format!("the tier `{}` has `format: helm` and no `chart`", plan.tier.name);
        return Err(finding(format!("tiers/{}.yaml", plan.tier.name), message, "name a folder under charts/"));
    };
    let chart = Chart::read(estate, folder)?;
    let metadata = json!({
        "apiVersion": "v2",
        "name": plan.tenant.name,
        "version": VERSION,
        "description": "Made by tenantry",
        // Without a repository helm takes what lies under charts/ and never looks elsewhere.
        "dependencies": [{ "name": chart.name, "version": chart.version }],
    });
    let values = json!({ chart.name.as_str(): values.unwrap_or_else(|| json!({})) });
    let mut tree = Tree::new();
    tree.insert(format!("{manifests}/Chart.yaml"), yaml::write(&metadata));
    tree.insert(format!("{manifests}/values.yaml"), yaml::write(&values));
    tree.insert(format!("{manifests}/templates/objects.yaml"), OBJECTS);
    for (path, text) in estate.charts().under(&format!("{folder}/")) {
        tree.insert(format!("{manifests}/charts/{path}"), text.clone());
    }
    Ok(tree)
}

/// What a chart says of itself.
struct Chart {
    name: String,
    version: String,
}

impl Chart {
    fn read(estate: &Estate, folder: &str) -> Result<Self, Box<Diagnostic>> {
        let file = format!("{folder}/Chart.yaml");
        let place = format!("charts/{file}");
        let Some(text) = estate.charts().get(&file) else {
            return Err(finding(place, "the chart has no Chart.yaml".to_owned(), "put a whole chart there"));
        };
        let documents = yaml::read_documents(text)
            .map_err(|error| finding(place.clone(), error.to_string(), "put a whole chart there"))?;
        let field = |name: &str| documents.first()?.get(name)?.as_str().map(str::to_owned);
        match (field("name"), field("version")) {
            (Some(name), Some(version)) => Ok(Self { name, version }),
            _ => {
                Err(finding(place, "the chart has no `name` or no `version`".to_owned(), "helm demands both, as texts"))
            }
        }
    }
}

fn finding(file: String, message: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::TemplateError, Place::file(file), message, help))
}
