//! `provision`: outside resources looked at, made and taken away, from the documents of a rendered tree.

mod apply;
mod destroy;
pub(super) mod documents;
mod due;
pub(super) mod plan;
pub(super) mod report;
pub(super) mod runtime;

use clap::{Args, Subcommand};

pub(super) use self::report::Document;
use super::{
    Global,
    error::{CommandError, Exit},
    report::Ui,
};

#[derive(Debug, Args)]
pub(super) struct ProvisionArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at outside systems, and show what would be done; writes nothing
    Plan(plan::PlanArgs),
    /// Make outside systems match the documents
    Apply(apply::ApplyArgs),
    /// Take everything of a tenant away whose time has come
    Destroy(destroy::DestroyArgs),
}

pub(super) fn run(ui: &Ui, global: &Global, args: &ProvisionArgs) -> Result<Exit, CommandError> {
    match &args.command {
        Command::Plan(args) => plan::run(ui, global, args),
        Command::Apply(args) => apply::run(ui, global, args),
        Command::Destroy(args) => destroy::run(ui, global, args),
    }
}
