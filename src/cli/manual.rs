//! `completions` and `man`: made from the argument tree, so they cannot be out of step with it.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use clap_complete::Shell;
use clap_mangen::Man;

use super::{
    error::{CommandError, Exit},
    report::Ui,
};
use crate::output;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write the page of each command into this folder; without it the first page goes to stdout
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn completions(ui: &Ui, command: &mut clap::Command, args: &CompletionsArgs) -> Result<Exit, CommandError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, command, "tenantry", &mut text);
    ui.print(&String::from_utf8(text).map_err(CommandError::internal)?);
    Ok(Exit::Done)
}

pub(super) fn man(ui: &Ui, mut command: clap::Command, args: &ManArgs) -> Result<Exit, CommandError> {
    command.build();
    let Some(directory) = &args.out else {
        ui.print(&page(command)?);
        return Ok(Exit::Done);
    };
    for inner in command.get_subcommands().chain([&command]) {
        // `build` gave each subcommand the name that people look its page up by: `tenantry-check`.
        let name = inner.get_display_name().unwrap_or("tenantry");
        output::file(&directory.join(format!("{name}.1")), &page(inner.clone())?).map_err(CommandError::external)?;
    }
    Ok(Exit::Done)
}

fn page(command: clap::Command) -> Result<String, CommandError> {
    let mut text = Vec::new();
    Man::new(command)
        .render(&mut text)
        .map_err(|error| CommandError::internal(anyhow!("failed to write a page: {error}")))?;
    String::from_utf8(text).map_err(CommandError::internal)
}
