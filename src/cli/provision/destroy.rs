//! `provision destroy`: everything of one tenant goes, once its time has come.

use std::io::{self, IsTerminal};

use anyhow::anyhow;
use clap::Args;
use jiff::Timestamp;

use super::{
    documents::{self, From},
    due,
    report::Document,
    runtime::{self, Progress},
};
use crate::{
    cli::{
        Global,
        error::{CommandError, Exit},
        report::{Format, Ui},
    },
    engine::{
        Purpose, clocks,
        connections::Connections,
        group::Group,
        run::{self, Depth},
    },
    provision,
    steps::{Allow, Standing},
};

#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    from: From,
    /// Do not ask, for this tenant
    #[arg(long, value_name = "TENANT")]
    yes_destroy: Option<String>,
    /// Nothing was backed up, and nothing shall be
    #[arg(long)]
    without_backup: bool,
    /// How to show what was done
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(ui: &Ui, global: &Global, args: &DestroyArgs) -> Result<Exit, CommandError> {
    let DestroyArgs { from, yes_destroy, without_backup, format } = args;
    if from.all || from.tenants.len() > 1 {
        return Err(CommandError::usage(anyhow!("destroy takes one tenant at a time")).hint("name it"));
    }
    // load (the rendered tree in)
    let Some(documents) = documents::read(ui, global, from)? else { return Ok(Exit::Usage) };
    let [document] = documents.as_slice() else {
        return Err(CommandError::usage(anyhow!("destroy takes one document")));
    };
    let at = due::by_document(document, Timestamp::now())?;
    if !without_backup {
        return Err(CommandError::refused(anyhow!("no backup of `{}` was made by tenantry", document.metadata.tenant))
            .hint("make one by your own means, then say `--without-backup`"));
    }
    // observe (reads), decide (no I/O)
    let settings = runtime::settings(Purpose::Destroy, Depth::Proven, Allow::default(), false);
    let sandbox = from.sandbox.as_deref();
    let look = async |connections: &Connections, groups: &mut [Box<dyn Group>]| {
        let seen = run::plan(groups, &settings).await;
        (seen, clocks::read(document, connections, Timestamp::now).await)
    };
    let Some((seen, readings)) = runtime::opened(&documents, sandbox, &settings, look)? else {
        return Err(CommandError::later(anyhow!("the look was cut short")));
    };
    let planned = Document::new(seen, Vec::new());
    if planned.exit_of_look(false) != Exit::Done || !planned.has(Standing::Remove) {
        planned.print(ui, *format)?;
        return Ok(planned.exit_of_look(false));
    }
    due::by_servers(&document.metadata.tenant, at, &readings.map_err(runtime::setup_error)?)?;
    confirm(ui, document, &planned, yes_destroy.as_deref())?;
    // perform, observe again (writes and reads), over connections of a runtime of their own
    let progress = Progress::new(ui.progress(document.resources.len(), "destroying"));
    let done = runtime::work(&documents, sandbox, &settings, &progress)?;
    progress.finish();
    let Some(resources) = done else {
        return Err(CommandError::later(anyhow!("stopped before every step that had begun was done"))
            .hint("run the same command again: it goes on with what is left"));
    };
    let report = Document::new(resources, Vec::new());
    report.print(ui, *format)?;
    Ok(if settings.stop.is_asked() { Exit::Later } else { report.exit() })
}

fn confirm(ui: &Ui, document: &provision::Document, planned: &Document, yes: Option<&str>) -> Result<(), CommandError> {
    let tenant = &document.metadata.tenant;
    ui.say(&planned.text());
    let data = document.resources.iter().filter(|resource| resource.kind().holds_data()).count();
    ui.say(&format!("{data} of these hold data of `{tenant}`, which is lost for ever"));
    if let Some(named) = yes {
        return match named == tenant {
            true => Ok(()),
            false => Err(CommandError::usage(anyhow!("`--yes-destroy {named}` is not the tenant `{tenant}`"))),
        };
    }
    if !io::stdin().is_terminal() {
        return Err(CommandError::refused(anyhow!("nobody is there to ask"))
            .hint(format!("say `--yes-destroy {tenant}` to go on without a question")));
    }
    ui.say(&format!("Type the tenant's name to destroy all of it: {tenant}"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(CommandError::external)?;
    match answer.trim() == tenant {
        true => Ok(()),
        false => Err(CommandError::refused(anyhow!("the answer was not `{tenant}`; nothing was done"))),
    }
}
