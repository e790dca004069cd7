//! `provision plan`: what stands how outside, and what would be done.

use std::path::Path;

use anyhow::anyhow;
use clap::Args;

use super::{
    documents::{self, From},
    report::Document,
    runtime,
};
use crate::{
    cli::{
        Global,
        error::{CommandError, Exit},
        report::{Format, Ui},
    },
    engine::{
        Purpose,
        run::{self, Depth},
    },
    provision,
    steps::Allow,
};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    from: From,
    /// End with 3 where something is to be done
    #[arg(long)]
    exit_code: bool,
    /// How to show the plan
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(ui: &Ui, global: &Global, args: &PlanArgs) -> Result<Exit, CommandError> {
    // load (the rendered tree in)
    let Some(documents) = documents::read(ui, global, &args.from)? else { return Ok(Exit::Usage) };
    // observe (reads), decide (no I/O)
    let depth = if args.from.all { Depth::Bulk } else { Depth::Proven };
    let report = look(&documents, args.from.sandbox.as_deref(), depth)?;
    report.print(ui, args.format)?;
    Ok(report.exit_of_look(args.exit_code))
}

/// Looks at what documents want. With all tenants at once, credentials are looked for, not tried.
pub(in crate::cli) fn look(
    documents: &[provision::Document],
    sandbox: Option<&Path>,
    depth: Depth,
) -> Result<Document, CommandError> {
    let settings = runtime::settings(Purpose::Apply, depth, Allow::default(), false);
    let (documents, left) = super::apply::split(documents);
    match runtime::opened(&documents, sandbox, &settings, async |_, groups| run::plan(groups, &settings).await)? {
        Some(resources) => Ok(Document::new(resources, left)),
        None => Err(CommandError::later(anyhow!("the look was cut short"))),
    }
}
