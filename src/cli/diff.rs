//! `diff`: what a change of the estate does to everything that is rendered from it.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};

use super::{
    Global,
    error::{CommandError, Exit},
    input::{self, git_error},
    pipeline,
    report::Ui,
};
use crate::{
    diff,
    git::{self, GitError},
    sources::{ESTATE_FILE, Sources},
    tree::Tree,
};

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// Compare with the estate of this revision
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    base: String,
    /// Compare this revision with the base, not the work tree
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
    /// How to show the changes
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// End with 3 where there are changes
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One document, see schemas/diff.schema.json
    Json,
}

pub(super) fn run(ui: &Ui, global: &Global, args: &DiffArgs) -> Result<Exit, CommandError> {
    // load (blobs of the base in; files or blobs of the target in)
    let before = base(global, &args.base)?;
    let after = input::sources(global, args.revision.as_deref())?;
    let changed = changed_tenants(&before, &after);
    // check, resolve, render, verify (no I/O), on both sides
    let Some(base) = rendered(ui, &before, changed.as_ref())? else {
        ui.say(&format!("the base, {}, has these findings; compare with a revision that passes", args.base));
        return Ok(Exit::Findings);
    };
    let Some(target) = rendered(ui, &after, changed.as_ref())? else { return Ok(Exit::Findings) };
    // diff (no I/O)
    let changes = diff::diff(&base, &target).map_err(CommandError::internal)?;
    match args.format {
        Format::Text => ui.print(&diff::text::text(&changes, ui.style())),
        Format::Json => {
            let text = serde_json::to_string_pretty(&changes).map_err(CommandError::internal)?;
            ui.print(&format!("{text}\n"));
        }
    }
    Ok(if args.exit_code && !changes.is_empty() { Exit::Pending } else { Exit::Done })
}

/// The estate of the base; no files where the revision has no estate yet.
fn base(global: &Global, revision: &str) -> Result<Sources, CommandError> {
    let (repository, prefix) = input::repository(global)?;
    match git::read::sources(&repository, revision, &prefix) {
        Ok(sources) if sources.get(ESTATE_FILE).is_some() => Ok(sources),
        Ok(_) | Err(GitError::NoFolder { .. }) => Ok(Sources::new()),
        Err(error) => Err(git_error(error)),
    }
}

/// The rendered tree of one side, cut down to the changed tenants where nothing else changed.
fn rendered(ui: &Ui, sources: &Sources, changed: Option<&BTreeSet<String>>) -> Result<Option<Tree>, CommandError> {
    if sources.is_empty() || changed.is_some_and(BTreeSet::is_empty) {
        return Ok(Some(Tree::new()));
    }
    let Some(estate) = pipeline::estate(ui, sources) else { return Ok(None) };
    let names: Vec<String> = match changed {
        Some(changed) => changed.iter().filter(|name| estate.tenants().contains_key(name.as_str())).cloned().collect(),
        None => Vec::new(),
    };
    if changed.is_some() && names.is_empty() {
        return Ok(Some(Tree::new()));
    }
    pipeline::checked_tree(ui, &estate, sources, &names)
}

/// The tenants whose files differ, where nothing but tenant files differs: what is rendered for the others is the same,
/// since a tenant is rendered from its own file and from what all tenants share.
fn changed_tenants(before: &Sources, after: &Sources) -> Option<BTreeSet<String>> {
    let shared = |sources: &Sources| {
        let files = sources.iter().filter(|(path, _)| !path.starts_with("tenants/"));
        files.map(|(path, source)| (path.to_owned(), source.clone())).collect::<Vec<_>>()
    };
    if shared(before) != shared(after) {
        return None;
    }
    let paths = before.under("tenants/").chain(after.under("tenants/")).map(|(path, _)| path);
    let changed = paths.filter(|path| before.get(path) != after.get(path));
    Some(changed.filter_map(|path| Some(path.strip_prefix("tenants/")?.strip_suffix(".yaml")?.to_owned())).collect())
}
