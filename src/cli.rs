//! The command line: the argument tree, and one thin file per command. Results go to stdout, all else to stderr.

mod check;
mod commit;
mod diff;
mod error;
mod explain;
mod init;
mod input;
mod isolation;
mod known;
mod manual;
mod memory;
mod pipeline;
mod provision;
mod quickstart;
mod render;
mod report;
mod schema;
mod since;
mod tenant;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};
use error::{CommandError, Exit};
use report::{Color, Ui};

/// What this binary was built from: two builds that could render or check differently have two names.
const BUILD: &str = env!("TENANTRY_BUILD");

/// One YAML file per tenant in git: checked, rendered, reviewed, committed and provisioned, for Argo CD
#[derive(Debug, Parser)]
#[command(name = "tenantry", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes.
#[derive(Debug, clap::Args)]
struct Global {
    /// Directory of the estate; by default the nearest parent folder that holds tenantry.yaml
    #[arg(long, global = true, value_name = "DIR")]
    estate: Option<PathBuf>,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// How to write log lines on stderr; TENANTRY_LOG sets what is logged
    #[arg(long, global = true, value_enum, default_value_t = report::LogFormat::Text, value_name = "FORMAT")]
    log_format: report::LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find every fault of every file at once
    Check(check::CheckArgs),
    /// Render the tree to a directory, or to stdout
    Render(render::RenderArgs),
    /// Show what a change does to everything that is rendered
    Diff(diff::DiffArgs),
    /// Show which file, line and layer gave a value
    Explain(explain::ExplainArgs),
    /// Put the rendered tree on the output branch as one commit
    #[command(after_help = commit::SURROUNDINGS)]
    Commit(commit::CommitArgs),
    /// Look at, make and take away what tenants have outside the cluster
    Provision(provision::ProvisionArgs),
    /// Try each tenant's own credentials on everybody's resources
    Isolation(isolation::IsolationArgs),
    /// Make and list tenant files
    Tenant(tenant::TenantArgs),
    /// Write a small estate of one's own
    Init(init::InitArgs),
    /// Do the whole main job on the flagship estate, with nothing to install
    Quickstart(quickstart::QuickstartArgs),
    /// Show or write the JSON Schemas of all files
    Schema(schema::SchemaArgs),
    /// Print the completions of a shell
    Completions(manual::CompletionsArgs),
    /// Print or write the manual pages
    Man(manual::ManArgs),
}

/// Runs the command that the arguments name, and turns its outcome into an exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap prints help to stdout with 0 and wrong usage to stderr with 2.
        Err(usage) => {
            let exit = if usage.use_stderr() { Exit::Usage } else { Exit::Done };
            report::usage(&usage);
            return exit.into();
        }
    };
    report::start_log(cli.global.log_format);
    let ui = Ui::new(cli.global.color);
    match run(&ui, &cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            ui.error(&error);
            error.exit().into()
        }
    }
}

fn run(ui: &Ui, cli: &Cli) -> Result<Exit, CommandError> {
    let global = &cli.global;
    match &cli.command {
        Command::Check(args) => check::run(ui, global, args),
        Command::Render(args) => render::run(ui, global, args),
        Command::Diff(args) => diff::run(ui, global, args),
        Command::Explain(args) => explain::run(ui, global, args),
        Command::Commit(args) => commit::run(ui, global, args),
        Command::Provision(args) => provision::run(ui, global, args),
        Command::Isolation(args) => isolation::run(ui, global, args),
        Command::Tenant(args) => tenant::run(ui, global, args),
        Command::Init(args) => init::run(ui, args),
        Command::Quickstart(args) => quickstart::run(ui, args),
        Command::Schema(args) => schema::run(ui, args),
        Command::Completions(args) => manual::completions(ui, &mut Cli::command(), args),
        Command::Man(args) => manual::man(ui, Cli::command(), args),
    }
}
