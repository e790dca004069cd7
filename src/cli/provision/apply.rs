//! `provision apply`: makes outside systems match the documents. The hook Job and the nightly CronJob run this.

use std::collections::BTreeSet;

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::{
    documents::{self, From},
    report::Document,
    runtime::{self, Progress},
};
use crate::{
    cli::{
        Global,
        error::{CommandError, Exit},
        report::{Format, Ui},
    },
    engine::{Purpose, run::Depth},
    provision::{self, Kind},
    steps::Allow,
};

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    from: From,
    /// What becomes of what this run created for a tenant that it could not finish
    #[arg(long, value_enum, default_value_t = OnFailure::Keep)]
    on_failure: OnFailure,
    /// Take over an object that carries no claim of the tenant: its kind and its name on the server
    #[arg(long, value_name = "KIND/NAME", value_parser = adoption)]
    adopt: Vec<(Kind, String)>,
    /// Delete and make anew what cannot be changed in place, with what it holds
    #[arg(long)]
    dangerous_replace: bool,
    /// How to show what was done
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnFailure {
    /// It stays; the next run goes on from there
    Keep,
    /// It is taken back, newest first, but for what holds data
    Rollback,
}

/// Reads `bucket/abc--files`.
fn adoption(text: &str) -> Result<(Kind, String), String> {
    let (kind, name) = text.split_once('/').ok_or("write KIND/NAME, for example bucket/abc--files")?;
    let found = Kind::ALL.iter().find(|known| known.name() == kind);
    let found = found.ok_or_else(|| {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        format!("`{kind}` is no kind; the kinds are {}", names.join(", "))
    })?;
    Ok((*found, name.to_owned()))
}

pub(super) fn run(ui: &Ui, global: &Global, args: &ApplyArgs) -> Result<Exit, CommandError> {
    let ApplyArgs { from, on_failure, adopt, dangerous_replace, format } = args;
    // load (the rendered tree in)
    let Some(documents) = documents::read(ui, global, from)? else { return Ok(Exit::Usage) };
    let (documents, left) = split(&documents);
    let allow = Allow { adopt: adopt.iter().cloned().collect::<BTreeSet<_>>(), replace: *dangerous_replace };
    fitting(&allow.adopt, &documents)?;
    for (kind, name) in &allow.adopt {
        ui.say(&format!("taking over: {} `{name}`", kind.name()));
    }
    let roll_back = *on_failure == OnFailure::Rollback;
    let settings = runtime::settings(Purpose::Apply, Depth::Proven, allow, roll_back);
    let resources = documents.iter().map(|document| document.resources.len()).sum();
    let progress = Progress::new(ui.progress(resources, "provisioning"));
    // observe, decide, perform, observe again (reads and writes)
    let done = runtime::work(&documents, from.sandbox.as_deref(), &settings, &progress)?;
    progress.finish();
    let Some(resources) = done else {
        return Err(CommandError::later(anyhow!("stopped before every step that had begun was done"))
            .hint("run the same command again: it looks at what was done, and goes on"));
    };
    let report = Document::new(resources, left);
    report.print(ui, *format)?;
    Ok(if settings.stop.is_asked() { Exit::Later } else { report.exit() })
}

/// How many names an error shows.
const SHOWN: usize = 10;

/// Refuses to take over what no document wants: a name with a slip in it would go unnoticed until the next refusal.
fn fitting(adopt: &BTreeSet<(Kind, String)>, documents: &[provision::Document]) -> Result<(), CommandError> {
    let resources = documents.iter().flat_map(|document| &document.resources);
    let wanted: BTreeSet<(Kind, &str)> = resources
        .map(provision::Resource::head)
        .flat_map(|head| {
            // A credential carries a claim, too.
            let credential = head.secret.map(|secret| (Kind::Secret, secret.key.as_str()));
            [(head.kind, head.name)].into_iter().chain(credential)
        })
        .collect();
    let Some((kind, name)) = adopt.iter().find(|(kind, name)| !wanted.contains(&(*kind, name.as_str()))) else {
        return Ok(());
    };
    let given = format!("{}/{name}", kind.name());
    let mut near: Vec<String> = wanted.iter().map(|(kind, name)| format!("{}/{name}", kind.name())).collect();
    near.sort_by_cached_key(|known| strsim::osa_distance(known, &given));
    let left = near.len().saturating_sub(SHOWN);
    near.truncate(SHOWN);
    let more = if left > 0 { format!(", and {left} more") } else { String::new() };
    Err(CommandError::usage(anyhow!("`--adopt {given}` is no resource of these documents"))
        .hint(format!("what could be taken over: {}{more}", near.join(", "))))
}

/// Sets documents of tenants that are being deleted aside: what they have stays as it is until it is destroyed.
pub(super) fn split(documents: &[provision::Document]) -> (Vec<provision::Document>, Vec<String>) {
    let (left, live): (Vec<_>, Vec<_>) =
        documents.iter().cloned().partition(|document| document.metadata.state == "deleting");
    (live, left.into_iter().map(|document| document.metadata.tenant).collect())
}
