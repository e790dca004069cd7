//! Chart values: what a chart's own `values.schema.json` says about the values of a tenant.

use std::collections::BTreeMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json};

use super::findings::Findings;
use crate::{
    diag::{Code, Diagnostic, Place, Span},
    estate::Estate,
    kubernetes::unfolding as schemas,
    plan::Plan,
    raw::bundle::BundleSpec,
    rendered::Rendered,
    yaml::{self, ReadError},
};

const SCHEMA: &str = "/values.schema.json";

/// The charts of an estate that say what their values look like.
pub(super) struct Charts {
    charts: BTreeMap<String, Chart>,
    /// The template of the chart's values, by bundle.
    templates: BTreeMap<String, String>,
}

struct Chart {
    /// The chart's own name, which need not be its folder's: its values stand below it.
    name: String,
    schema: Validator,
    /// The chart's own values, which lie beneath the tenant's.
    defaults: Value,
}

impl Charts {
    /// Reads the schemas of all charts; one that cannot be used is a finding.
    pub fn read(estate: &Estate, findings: &mut Vec<Diagnostic>) -> Self {
        let charts = estate.charts();
        let mut found = BTreeMap::new();
        for (path, text) in charts.iter() {
            // Charts within it have their own part of the values: helm itself checks those.
            let Some(folder) = path.strip_suffix(SCHEMA).filter(|folder| !folder.contains('/')) else { continue };
            let schema = serde_json::from_str::<Value>(text)
                .map_err(|error| error.to_string())
                .and_then(|schema| build(&schema));
            match schema {
                Ok(schema) => {
                    let file = |name: &str| charts.get(&format!("{folder}/{name}"));
                    let metadata = file("Chart.yaml").map_or(Value::Null, |text| first(text));
                    let name = metadata.get("name").and_then(Value::as_str).unwrap_or(folder).to_owned();
                    let defaults = file("values.yaml").map(|text| yaml::read_documents(text)).transpose();
                    findings.extend(defaults.as_ref().err().map(|error| unreadable(folder, error)));
                    let defaults = defaults.ok().flatten().and_then(|all| all.into_iter().next());
                    found.insert(folder.to_owned(), Chart { name, schema, defaults: defaults.unwrap_or_default() });
                }
                Err(reason) => findings.push(Diagnostic::new(
                    Code::ChartSchema,
                    Place::file(format!("charts/{path}")),
                    format!("the schema of the chart `{folder}` cannot be used: {reason}"),
                    "helm would refuse it too: correct it, and keep it free of references to other files",
                )),
            }
        }
        let template = |(name, bundle): (&String, &BundleSpec)| {
            let values = bundle.values.as_ref()?;
            Some((name.clone(), format!("templates/{name}/{values}")))
        };
        Self { charts: found, templates: estate.bundles().iter().filter_map(template).collect() }
    }

    /// Checks the values that a tenant's chart gets, with the chart's own beneath, as helm does. The manifests folder is a chart
    /// around the tier's, so they stand below the name of the tier's chart.
    pub fn check(&self, plan: &Plan, rendered: &Rendered, findings: &mut Findings<'_>) {
        let Some(chart) = plan.tier.chart.as_ref().and_then(|folder| self.charts.get(folder)) else { return };
        let path = format!("tenants/{}/manifests/values.yaml", plan.tenant.name);
        let Some(text) = rendered.files.get(&path) else { return };
        let mut values = chart.defaults.clone();
        merge(&mut values, first(text).get_mut(&chart.name).map_or(Value::Null, Value::take));
        // helm hands the values for all charts down to each of them, also when there are none.
        merge(&mut values, json!({ "global": {} }));
        let template = plan.tier.bundles.iter().find_map(|bundle| self.templates.get(bundle));
        let place = Place::file(template.map_or("tenantry.yaml", String::as_str));
        for error in chart.schema.iter_errors(&values) {
            let pointer = error.instance_path().to_string();
            let at = if pointer.is_empty() { "/" } else { &pointer };
            findings.push(Diagnostic::new(
                Code::ChartValues,
                place.clone(),
                format!("the chart refuses its values at `{at}`: {error}"),
                "correct the template of the values, or the setting that it shows",
            ));
        }
    }
}

/// What is not read as helm reads it cannot be held against the schema.
fn unreadable(folder: &str, error: &ReadError) -> Diagnostic {
    let (ReadError::Syntax { at, .. } | ReadError::Unsupported { at, .. } | ReadError::DuplicateKey { at, .. }) = error;
    Diagnostic::new(
        Code::ChartValues,
        Place::new(format!("charts/{folder}/values.yaml"), Span { start: *at, end: *at }),
        format!("the values of the chart `{folder}` cannot be read: {error}"),
        "write them as plain YAML, and what an alias repeats in full",
    )
}

/// Compiles a schema as helm does, whose patterns know no look-around either and take time in proportion to the text.
fn build(schema: &Value) -> Result<Validator, String> {
    if schemas::is_endless(schema) {
        return Err("its references unfold into too many parts".to_owned());
    }
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    options.build(schema).map_err(|error| error.to_string())
}

/// Returns the value of a file of one document; helm reads an empty one as no values.
fn first(text: &str) -> Value {
    yaml::read_documents(text).ok().and_then(|documents| documents.into_iter().next()).unwrap_or(Value::Null)
}

/// Lays values over others as helm does: maps key by key, null takes a key away, anything else replaces.
fn merge(beneath: &mut Value, above: Value) {
    match (beneath, above) {
        (Value::Object(fields), Value::Object(above)) => {
            for (key, value) in above {
                if value.is_null() {
                    fields.remove(&key);
                } else {
                    merge(fields.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        // A file without a value changes nothing.
        (_, Value::Null) => {}
        (beneath, above) => *beneath = above,
    }
}
