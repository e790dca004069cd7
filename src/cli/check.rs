//! `check`: every fault of every file at once.

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::{
    Global,
    error::{CommandError, Exit},
    input,
    report::{Ui, findings},
};
use crate::{check, diag::Code};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Also render every tenant and verify what comes out
    #[arg(long)]
    rendered: bool,
    /// Check the estate as it is in this revision, not in the work tree
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
    /// How to show the findings
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Explain a code, and check nothing
    #[arg(long, value_name = "CODE", conflicts_with_all = ["rendered", "revision", "deny"])]
    explain: Option<String>,
    /// Take warnings for errors
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// With source snippets, for people
    Text,
    /// One document, see schemas/check.schema.json
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands that annotate a pull request
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Every warning
    Warnings,
}

pub(super) fn run(ui: &Ui, global: &Global, args: &CheckArgs) -> Result<Exit, CommandError> {
    if let Some(code) = &args.explain {
        return explain(ui, code);
    }
    // load (files or blobs in)
    let sources = input::sources(global, args.revision.as_deref())?;
    // check (no I/O)
    let check::Checked { estate, mut report, tenants } = check::check(&sources);
    if args.rendered
        && let Some(estate) = &estate
    {
        // resolve, render, verify (no I/O; kustomize and helm where a tier gives them the last word)
        report = report.merge(super::pipeline::verify(ui, estate));
    }
    if args.deny.is_some() {
        report = report.deny_warnings();
    }
    findings::print(ui, args.format, &findings::Result { report: &report, sources: &sources, tenants })?;
    Ok(if report.errors() == 0 { Exit::Done } else { Exit::Findings })
}

fn explain(ui: &Ui, name: &str) -> Result<Exit, CommandError> {
    let code: Code = name.parse().map_err(|unknown| {
        let near = Code::ALL.iter().map(|code| code.name()).min_by_key(|code| strsim::osa_distance(code, name));
        let error = CommandError::usage(anyhow!("{unknown}"));
        match near.filter(|near| strsim::osa_distance(near, name) <= 4) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`tenantry check --format json` shows the code of each finding"),
        }
    })?;
    ui.print(&findings::explanation(code));
    Ok(Exit::Done)
}
