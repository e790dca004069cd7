//! `diff`: what a change of the estate does to everything that is rendered from it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Global,
    error::{CommandError, Exit},
    input::{self, git_error},
    known::Known,
    pipeline::{self, Made},
    provision::{self, documents, plan},
    report::{
        self, Ui,
        findings::{self, Finding},
    },
    since::changed_tenants,
};
use crate::{
    check::Checked,
    diag::Report,
    diff::{self, ChangeSet},
    engine::run::Depth,
    git::{GitError, Held, Repository},
    provision::document_path,
    reach::{self, Reach},
    review::{Review, text::text},
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
    /// With --format markdown: where the whole report can be read
    #[arg(long, value_name = "URL")]
    whole: Option<String>,
    /// End with 3 where there are changes
    #[arg(long)]
    exit_code: bool,
}

/// How to show the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal or a log
    Text,
    /// For a comment at a pull request: at most 65,536 bytes
    Markdown,
    /// One document; `tenantry schema diff` shows its shape
    Json,
    /// One page with everything, that needs no network and no script
    Html,
}

/// `diff --format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Diff")]
pub(super) struct Document {
    /// What differs.
    #[serde(flatten)]
    changes: ChangeSet,
    /// What was found in the target and not in the base, and every error. With an error nothing is rendered.
    findings: Vec<Finding>,
    /// How the outside systems stand, and what would be done there for the tenants that change: with `--live` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<provision::Document>,
}

/// What stands above the plan.
const LIVE: &str = "Outside systems as they stand now, and what `provision apply` would do:";

pub(super) fn run(ui: &Ui, global: &Global, args: &DiffArgs) -> Result<Exit, CommandError> {
    // load (files or blobs of the target in; of the base, the blobs that the target does not have)
    let (repository, prefix) = input::repository(global)?;
    let after = target(global, &repository, &prefix, args.revision.as_deref())?;
    let before = base(&repository, &prefix, &after, &args.base)?;
    // check, resolve, render, verify (no I/O), on both sides
    let Sides { base, target } = sides(ui, &repository, &before, &after);
    if base.report.errors() > 0 {
        tell(ui, before.sources(), &base.report);
        ui.say(&format!("the base, {}, has these findings; compare with a revision that passes", args.base));
        return Ok(Exit::Findings);
    }
    let news = target.report.beyond(&base.report);
    let refused = news.errors() > 0;
    if args.format == Format::Text && !news.findings().is_empty() {
        tell(ui, after.sources(), &news);
    }
    if args.format == Format::Text && refused {
        return Ok(Exit::Findings);
    }
    // diff (no I/O)
    let changes = match refused {
        true => diff::diff(&Tree::new(), &Tree::new()),
        false => diff::diff(&base.tree, &target.tree),
    };
    let changes = changes.map_err(CommandError::internal)?;
    // observe (reads), decide (no I/O)
    let live = match args.live && !refused {
        true => Some(live(ui, &changes, &target.tree, args.sandbox.as_deref())?),
        false => None,
    };
    let (is_empty, seen) = (changes.is_empty(), live.as_ref().map_or(Exit::Done, |plan| plan.exit_of_look(false)));
    // review (no I/O)
    ui.print(&shown(ui, args, changes, &news, live)?);
    Ok(match seen {
        _ if refused => Exit::Findings,
        Exit::Done if args.exit_code && !is_empty => Exit::Pending,
        seen => seen,
    })
}

fn shown(
    ui: &Ui,
    args: &DiffArgs,
    changes: ChangeSet,
    news: &Report,
    live: Option<provision::Document>,
) -> Result<String, CommandError> {
    let plan = live.as_ref().map(provision::Document::text);
    let review = Review { changes: &changes, findings: news, live: plan.as_deref() };
    match args.format {
        Format::Text => {
            let plan = plan.map_or_else(String::new, |plan| format!("\n{LIVE}\n{plan}"));
            Ok(text(&changes, ui.style()) + &plan)
        }
        Format::Markdown => Ok(review.markdown(args.whole.as_deref())),
        Format::Html => review.html().map_err(CommandError::internal),
        Format::Json => report::json(&Document { findings: findings::listed(news), changes, live }),
    }
}

fn tell(ui: &Ui, sources: &Sources, report: &Report) {
    let tenants = sources.under("tenants/").count();
    findings::tell(ui, &findings::Result { report, sources, tenants });
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

/// The estate that is compared with the base.
fn target(global: &Global, repository: &Repository, prefix: &str, rev: Option<&str>) -> Result<Held, CommandError> {
    match rev {
        Some(revision) => Held::default().at(repository, revision, prefix),
        None => Held::of(input::from_directory(&input::directory(global)?)?),
    }
    .map_err(git_error)
}

/// The estate of the base; no files where the revision has no estate yet.
fn base(repository: &Repository, prefix: &str, after: &Held, revision: &str) -> Result<Held, CommandError> {
    match after.at(repository, revision, prefix) {
        Ok(held) if held.sources().get(ESTATE_FILE).is_some() => Ok(held),
        Ok(_) | Err(GitError::NoFolder { .. }) => Ok(Held::default()),
        Err(error) => Err(git_error(error)),
    }
}

/// What was rendered of the base and of the target, and found in them.
struct Sides {
    base: Made,
    target: Made,
}

/// Checks both sides, and renders of each what the change can reach: the rest is the same in both.
fn sides(ui: &Ui, repository: &Repository, before: &Held, after: &Held) -> Sides {
    let mut known = Known::beside(repository, after);
    let target = known.check(after);
    let changed = changed_tenants(before, after);
    let base = match changed.is_some() {
        // The shared files are the same, so what was just learnt holds for the base as well.
        true => known.check(before),
        false => checked_apart(repository, before),
    };
    known.keep(after);
    let reach = match (changed, &base.estate, &target.estate) {
        (Some(tenants), _, _) => Some(Reach::of_tenants(tenants)),
        (None, Some(base), Some(target)) => Some(reach::between(base, target)),
        (None, _, _) => None,
    };
    let rendered = |checked: Checked| {
        let Checked { estate, report, .. } = checked;
        let made = match (&estate, &reach) {
            (Some(estate), Some(reach)) if !reach.is_empty() => pipeline::part(ui, estate, reach),
            // All is new. Otherwise the other side has an error, and nothing is compared.
            (Some(estate), None) if before.sources().is_empty() => pipeline::all(ui, estate),
            _ => Made::nothing(),
        };
        Made { tree: made.tree, report: report.merge(made.report) }
    };
    Sides { base: rendered(base), target: rendered(target) }
}

/// Checks a base whose shared files are not those of the target.
fn checked_apart(repository: &Repository, held: &Held) -> Checked {
    if held.sources().is_empty() {
        return Checked { estate: None, report: Report::default(), tenants: 0 };
    }
    let mut known = Known::beside(repository, held);
    let checked = known.check(held);
    known.keep(held);
    checked
}
