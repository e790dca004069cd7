//! `provision plan`: what stands how outside, and what would be done.

use clap::Args;

use super::{
    documents::{self, From},
    report::{Document, Format},
    runtime,
};
use crate::{
    cli::{
        Global,
        error::{CommandError, Exit},
        report::Ui,
    },
    engine::{
        Purpose,
        connections::Connections,
        kinds,
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
    let report = look(&args.from, &documents)?;
    report.print(ui, args.format)?;
    Ok(report.exit_of_look(args.exit_code))
}

/// Looks at what documents want. With all tenants at once, credentials are looked for, not tried.
pub(super) fn look(from: &From, documents: &[provision::Document]) -> Result<Document, CommandError> {
    let depth = if from.all { Depth::Bulk } else { Depth::Proven };
    let settings = runtime::settings(Purpose::Apply, depth, Allow::default(), false);
    let (documents, left) = super::apply::split(documents);
    let work = async {
        let connections = Connections::new(from.sandbox.clone());
        let mut groups = kinds::open(&documents, &connections, Purpose::Apply).await?;
        Ok(run::plan(&mut groups, &settings).await)
    };
    match runtime::run(&settings.stop, work)? {
        Some(resources) => Ok(Document::new(resources.map_err(runtime::setup_error)?, left)),
        None => Err(CommandError::later(anyhow::anyhow!("the look was cut short"))),
    }
}
