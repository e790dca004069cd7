//! `isolation`: tenants' own credentials, each tried on its own and on every other tenant's resources.

use std::{collections::BTreeSet, fmt::Write};

use anyhow::anyhow;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Global,
    error::{CommandError, Exit},
    provision::{
        documents::{self, From},
        runtime,
    },
    report::{Format, Ui, count, escape},
};
use crate::{
    engine::{
        Purpose,
        connections::Connections,
        group::Group,
        isolation::{self, Finding, Matrix},
        run::Depth,
    },
    steps::Allow,
};

#[derive(Debug, Args)]
pub(super) struct IsolationArgs {
    #[command(flatten)]
    from: From,
    /// How to show what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// `isolation --format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Isolation")]
pub(super) struct Document {
    /// The version of this document's shape.
    version: u8,
    /// What came of all tries.
    #[serde(flatten)]
    matrix: Matrix,
}

/// More tenants than this make no table that a terminal can show.
const WIDEST_TABLE: usize = 40;

pub(super) fn run(ui: &Ui, global: &Global, args: &IsolationArgs) -> Result<Exit, CommandError> {
    // load (the rendered tree in); whoever is tried is tried on everybody
    let Some(documents) = documents::read_all(ui, global, &args.from)? else { return Ok(Exit::Usage) };
    let tenants: BTreeSet<String> = args.from.tenants.iter().cloned().collect();
    let settings = runtime::settings(Purpose::Apply, Depth::Proven, Allow::default(), false);
    // probe (reads, and writes that leave no trace)
    let tries = async |_: &Connections, groups: &mut [Box<dyn Group>]| isolation::probe(groups, &tenants).await;
    let Some(matrix) = runtime::opened(&documents, args.from.sandbox.as_deref(), &settings, tries)? else {
        return Err(CommandError::later(anyhow!("the tries were cut short")));
    };
    let exit = exit(&matrix);
    ui.show(args.format, &Document { version: 1, matrix }, |document| text(&document.matrix))?;
    Ok(exit)
}

fn exit(matrix: &Matrix) -> Exit {
    match matrix {
        Matrix { holes, .. } if !holes.is_empty() => Exit::Refused,
        Matrix { locked_out, .. } if !locked_out.is_empty() => Exit::External,
        Matrix { unknown, .. } if !unknown.is_empty() => Exit::Later,
        _ => Exit::Done,
    }
}

fn text(matrix: &Matrix) -> String {
    let Matrix { own, denied, holes, locked_out, unknown, pairs } = matrix;
    let mut out = String::new();
    let mut line = |text: &str| writeln!(out, "{text}").expect("writing to a String cannot fail");
    let columns: BTreeSet<&String> = pairs.values().flat_map(|targets| targets.keys()).collect();
    if columns.len() <= WIDEST_TABLE {
        let width = pairs.keys().map(|name| name.chars().count()).max().unwrap_or_default();
        for (at, name) in columns.iter().enumerate() {
            line(&format!("{:>3}  {}", at + 1, escape(name)));
        }
        let numbers: Vec<String> = (1..=columns.len()).map(|number| format!("{number:>3}")).collect();
        line(&format!("{:width$} {}", "", numbers.join("")));
        for from in pairs.keys() {
            let cells: String = columns.iter().map(|to| format!("  {}", sign(matrix, from, to))).collect();
            line(&format!("{:width$} {cells}", escape(from)));
        }
        line("✓ its own, works   · refused   ! reached   ? no answer   blank: nothing to try");
        line("");
    }
    for (word, findings) in [("REACHED", holes), ("locked out", locked_out), ("no answer", unknown)] {
        for Finding { kind, connection, credential, target, message } in findings {
            line(&format!(
                "{word}: {} {} of {} on {} `{}` of {} ({}): {}",
                kind.name(),
                escape(&credential.id),
                escape(&credential.tenant),
                escape(&target.id),
                escape(&target.name),
                escape(&target.tenant),
                escape(connection),
                escape(message)
            ));
        }
    }
    line(&format!(
        "{own} of its own worked, {denied} of others refused, {} reached, {} locked out, {} without an answer",
        holes.len(),
        locked_out.len(),
        unknown.len()
    ));
    if pairs.is_empty() {
        line(&format!("{} with credentials: nothing was tried", count(0, "resource")));
    }
    out
}

fn sign(matrix: &Matrix, from: &str, to: &str) -> char {
    let is_among = |findings: &[Finding]| {
        findings.iter().any(|finding| finding.credential.tenant == from && finding.target.tenant == to)
    };
    match matrix.pairs.get(from).and_then(|targets| targets.get(to)) {
        None => ' ',
        Some(_) if is_among(&matrix.holes) || is_among(&matrix.locked_out) => '!',
        Some(_) if is_among(&matrix.unknown) => '?',
        Some(_) if from == to => '✓',
        Some(_) => '·',
    }
}
