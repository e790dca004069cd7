//! `diff`: what a change of the estate does to everything that is rendered from it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Global,
    error::{CommandError, Exit},
    input::{self, git_error},
    pipeline,
    provision::{self, documents, plan},
    report::{Format, Ui},
};
use crate::{
    diff::{self, ChangeSet},
    engine::run::Depth,
    git::{self, GitError},
    provision::document_path,
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
    /// Look at the outside systems as well, and show what `provision apply` would do for the tenants that change
    #[arg(long)]
    live: bool,
    /// With --live: use the stand-ins kept in this folder
    #[arg(long, value_name = "DIR", requires = "live")]
    sandbox: Option<PathBuf>,
    /// How to show the changes
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// End with 3 where there are changes
    #[arg(long)]
    exit_code: bool,
}

/// `diff --format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Diff")]
pub(super) struct Document {
    /// What differs.
    #[serde(flatten)]
    changes: ChangeSet,
    /// How the outside systems stand, and what would be done there for the tenants that change: with `--live` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<provision::Document>,
}

/// What stands above the plan.
const LIVE: &str = "Outside systems as they stand now, and what `provision apply` would do:";

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
    // observe (reads), decide (no I/O)
    let live = if args.live { Some(live(ui, &changes, &target, args.sandbox.as_deref())?) } else { None };
    let (is_empty, seen) = (changes.is_empty(), live.as_ref().map_or(Exit::Done, |plan| plan.exit_of_look(false)));
    ui.show(args.format, &Document { changes, live }, |document| {
        let changes = diff::text::text(&document.changes, ui.style());
        let live = document.live.as_ref().map(provision::Document::text);
        changes + &live.map_or_else(String::new, |plan| format!("\n{LIVE}\n{plan}"))
    })?;
    Ok(match seen {
        Exit::Done if args.exit_code && !is_empty => Exit::Pending,
        seen => seen,
    })
}

/// Looks at what the changed tenants have outside, by the documents that they will have.
fn live(
    ui: &Ui,
    changes: &ChangeSet,
    target: &Tree,
    sandbox: Option<&Path>,
) -> Result<provision::Document, CommandError> {
    let tenants: BTreeSet<&String> = changes.entries.iter().flat_map(|entry| &entry.tenants).collect();
    let paths = tenants.into_iter().map(|tenant| document_path(tenant));
    // A tenant whose file is gone has no document any more: nothing is planned for what it has.
    let files = paths.filter_map(|path| target.get(&path).map(|text| (path, text.to_string()))).collect();
    let documents = documents::admitted(ui, &files)?
        .ok_or_else(|| CommandError::internal(anyhow!("a document that was rendered is not admitted")))?;
    plan::look(&documents, sandbox, Depth::Proven)
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
