//! The command line: the argument tree, and one thin file per command. Results go to stdout, all else to stderr.

mod check;
mod error;
mod input;
mod report;
mod schema;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use error::{CommandError, Exit};
use report::{Color, Ui};

/// One YAML file per tenant in git: checked, rendered, reviewed, committed and made real
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
    /// Write the JSON Schemas of the estate's files
    Schema(schema::SchemaArgs),
}

/// Runs the command that the arguments name, and turns its outcome into an exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap prints help to stdout with 0 and wrong usage to stderr with 2.
        Err(usage) => {
            let code = if usage.use_stderr() { Exit::Usage } else { Exit::Done };
            report::usage(&usage);
            return code.into();
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
        Command::Schema(args) => schema::run(ui, args),
    }
}
