//! Findings as text, JSON, SARIF or workflow commands.

use schemars::JsonSchema;
use serde::Serialize;

use super::{super::check::Format, super::error::CommandError, Ui, github, json, sarif, text};
use crate::{
    diag::{Code, Diagnostic, Report, Severity},
    sources::Sources,
};

/// What `check` found, and the files that it was found in.
pub(in crate::cli) struct Result<'r> {
    pub(in crate::cli) report: &'r Report,
    pub(in crate::cli) sources: &'r Sources,
    pub(in crate::cli) tenants: usize,
}

/// Prints the findings in the wanted format.
pub(in crate::cli) fn print(ui: &Ui, format: Format, result: &Result<'_>) -> std::result::Result<(), CommandError> {
    let text = match format {
        Format::Text => text::text(result, ui.colored()),
        Format::Json => json(&Document::new(result))?,
        Format::Sarif => json(&sarif::log(result.report))?,
        Format::Github => github::commands(result.report),
    };
    ui.print(&text);
    Ok(())
}

/// Prints findings on stderr, for commands whose result is something else.
pub(in crate::cli) fn tell(ui: &Ui, result: &Result<'_>) {
    ui.say_styled(text::text(result, ui.colored()).trim_end());
}

/// Returns the text of `check --explain`.
pub(in crate::cli) fn explanation(code: Code) -> String {
    let severity = match code.severity() {
        Severity::Error => "an error",
        Severity::Warning => "a warning",
    };
    format!("{code} ({severity})\n\n{}\n", textwrap(code.explanation()))
}

/// Breaks a paragraph at 100 characters.
fn textwrap(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > 100 {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// `check --format json`. Lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Findings")]
pub(in crate::cli) struct Document {
    /// The version of this document's shape.
    version: u8,
    /// All findings, by file and place.
    findings: Vec<Finding>,
    /// How many there are.
    counts: Counts,
}

/// One finding.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Finding {
    /// The rule's stable name.
    code: String,
    /// `error` or `warning`.
    severity: String,
    /// What is wrong.
    message: String,
    /// What to do.
    help: String,
    /// The file, relative to the estate, with `/`.
    file: String,
    /// The first line.
    line: u32,
    /// The first column.
    column: u32,
    /// The last line.
    end_line: u32,
    /// The column behind the last character.
    end_column: u32,
    /// The tenant that it concerns, or null.
    tenant: Option<String>,
}

/// How many there are.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Counts {
    /// Findings that are errors.
    errors: usize,
    /// Findings that are warnings.
    warnings: usize,
    /// Tenants that were looked at.
    tenants: usize,
}

impl Document {
    fn new(result: &Result<'_>) -> Self {
        let Result { report, sources: _, tenants } = result;
        Self {
            version: 1,
            findings: listed(report),
            counts: Counts { errors: report.errors(), warnings: report.warnings(), tenants: *tenants },
        }
    }
}

/// Returns the findings of a report as they stand in JSON documents.
pub(in crate::cli) fn listed(report: &Report) -> Vec<Finding> {
    report.findings().iter().map(Finding::new).collect()
}

impl Finding {
    fn new(finding: &Diagnostic) -> Self {
        let Diagnostic { code, severity, place, message, help, tenant, related: _ } = finding;
        Self {
            code: code.name().to_owned(),
            severity: severity_name(*severity).to_owned(),
            message: message.clone(),
            help: help.clone(),
            file: place.file.clone(),
            line: place.span.start.line,
            column: place.span.start.column,
            end_line: place.span.end.line,
            end_column: place.span.end.column,
            tenant: tenant.clone(),
        }
    }
}

/// Returns `error` or `warning`.
pub(super) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
