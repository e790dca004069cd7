//! Findings as SARIF 2.1.0, the format of code scanning services.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::findings::severity_name;
use crate::diag::{Code, Diagnostic, Place, Report};

/// Returns the log of one run, with the rules that it found something by.
pub(super) fn log(report: &Report) -> Value {
    let codes: Vec<Code> =
        report.findings().iter().map(|finding| finding.code).collect::<BTreeSet<_>>().into_iter().collect();
    let results: Vec<Value> = report.findings().iter().map(|finding| result(finding, &codes)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "tenantry",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.name(),
        "fullDescription": {"text": code.explanation()},
        "defaultConfiguration": {"level": severity_name(code.severity())},
    })
}

fn result(finding: &Diagnostic, codes: &[Code]) -> Value {
    let Diagnostic { code, severity, place, message, help, tenant, related } = finding;
    let mut result = json!({
        "ruleId": code.name(),
        "ruleIndex": codes.binary_search(code).unwrap_or_default(),
        "level": severity_name(*severity),
        "message": {"text": format!("{message}. {help}")},
        "locations": [location(place)],
    });
    if !related.is_empty() {
        let locations: Vec<Value> = related
            .iter()
            .map(|(place, label)| {
                let mut location = location(place);
                location["message"] = json!({"text": label});
                location
            })
            .collect();
        result["relatedLocations"] = Value::Array(locations);
    }
    if let Some(tenant) = tenant {
        result["properties"] = json!({"tenant": tenant});
    }
    result
}

fn location(place: &Place) -> Value {
    let span = place.span;
    json!({"physicalLocation": {
        "artifactLocation": {"uri": place.file.replace('%', "%25").replace(' ', "%20")},
        "region": {
            "startLine": span.start.line,
            "startColumn": span.start.column,
            "endLine": span.end.line,
            "endColumn": span.end.column,
        },
    }})
}
