//! `commit`: the rendered tree of HEAD as one commit on the output branch.

mod base;
mod race;

use std::collections::BTreeSet;

use anyhow::anyhow;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use self::{
    base::Base,
    race::{Race, Stop},
};
use super::{
    Global,
    error::{CommandError, Exit},
    input::{self, git_error},
    known::Known,
    pipeline,
    report::{Format, Ui, count},
    since::{Target, Work},
};
use crate::{
    git::{
        self, Held, Repository,
        remote::{Access, Remote},
        sign,
        write::{CommitOutcome, CommitRequest, WAIT},
    },
    points::planted,
    tree::Tree,
};

/// What stands below the options.
pub(super) const SURROUNDINGS: &str = "Environment:
  TENANTRY_GIT_TOKEN    Proves who asks to remotes over https, in the place of git's own helpers
  TENANTRY_GIT_TIMEOUT  Seconds that one call of git may take, and after which a lost race is not tried again; 300 by default";

#[derive(Debug, Args)]
pub(super) struct CommitArgs {
    /// Build on the remote's output branch and push to it; counts only when the remote confirms it
    #[arg(long)]
    push: bool,
    /// Commit to this branch, not to the one in tenantry.yaml
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Author of the commit as `Name <mail>`; git's own configuration where absent
    #[arg(long, value_name = "AUTHOR")]
    author: Option<String>,
    /// Commit even if more than max(1, 5 %) of the tenants go or are left with nothing: exactly so many
    #[arg(long, value_name = "NUMBER")]
    dangerous_allow_removals: Option<usize>,
    /// Render everything, also what cannot have changed since the output branch's last commit
    #[arg(long)]
    full: bool,
    /// With --push: commit though HEAD does not build on this revision, which the remote's branch was rendered from
    #[arg(long, value_name = "REVISION", requires = "push", value_parser = revision)]
    dangerous_replace_revision: Option<String>,
    /// Sign the commit with the key that git is configured with
    #[arg(long, overrides_with = "no_sign")]
    sign: bool,
    /// Do not sign the commit, whatever commit.gpgSign says
    #[arg(long)]
    no_sign: bool,
    /// How to show what was done
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// `commit --format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Commit")]
pub(super) struct Document {
    /// The version of this document's shape.
    version: u8,
    /// The new commit, or null where there was nothing to do.
    commit: Option<String>,
    /// The output branch.
    branch: String,
    /// Whether the remote confirmed the branch.
    pushed: bool,
    /// The newer source revision that the remote's branch was rendered from already; then there was nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    newer: Option<String>,
    /// What the commit changes.
    changed: Changed,
}

/// What a commit changes.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Changed {
    /// The tenants whose files changed.
    tenants: Vec<String>,
    /// How many files were added, changed or removed.
    files: usize,
}

pub(super) fn run(ui: &Ui, global: &Global, args: &CommitArgs) -> Result<Exit, CommandError> {
    let access = input::access()?;
    let mut race = Race::start(access.deadline);
    let mut loaded = None;
    loop {
        match attempt(ui, global, args, &access, &mut loaded) {
            Ok(exit) => return Ok(exit),
            Err(Stop::Failed(error)) => return Err(error),
            // Whatever was read or rendered is from before: all of it is done again.
            Err(Stop::Lost(lost)) => race.pause(lost)?,
        }
    }
}

/// The estate as it is in HEAD.
struct Loaded {
    held: Held,
    revision: String,
}

fn load(global: &Global, repository: &Repository, prefix: &str) -> Result<Loaded, CommandError> {
    let revision = git::read::head_revision(repository).map_err(git_error)?.to_string();
    // Blobs of HEAD; the work tree only to see that it is the same.
    let held = Held::of(input::from_directory(&input::directory(global)?)?).map_err(git_error)?;
    let dirty = git::read::dirty(repository, prefix, &held).map_err(git_error)?;
    if !dirty.is_empty() {
        return Err(uncommitted(&dirty));
    }
    if git::read::head_revision(repository).map_err(git_error)?.to_string() != revision {
        return Err(CommandError::later(anyhow!("HEAD has moved while the estate was read")).hint("run again"));
    }
    Ok(Loaded { held, revision })
}

/// Does it all once, on the branch as it is now.
fn attempt(
    ui: &Ui,
    global: &Global,
    args: &CommitArgs,
    access: &Access,
    last: &mut Option<Loaded>,
) -> Result<Exit, Stop> {
    let (repository, prefix) = input::repository(global)?;
    let is_again = last.is_some();
    // load
    let loaded = match last.take().filter(|_| planted("git-race-without-rendering")) {
        Some(loaded) => loaded,
        None => load(global, &repository, &prefix)?,
    };
    let Loaded { held, revision } = last.insert(loaded);
    // check (no I/O, but for what is known of earlier runs)
    let mut known = Known::beside(&repository, held);
    let checked = known.check(held);
    known.keep(held);
    let Some(estate) = pipeline::told(ui, held.sources(), checked) else { return Ok(Exit::Findings) };
    let output = &estate.platform().output;
    let branch = args.branch.as_ref().unwrap_or(&output.branch);
    let remote = Remote::new(&repository, &output.remote, access);
    // fetch (what the remote has is what is built on)
    let base = match args.push && !(is_again && planted("git-retry-without-fetch")) {
        true => {
            let replaced = args.dangerous_replace_revision.as_deref();
            Base::fetched(&repository, &remote, branch, revision, replaced)?
        }
        false => Base::local(&repository, branch)?,
    };
    if base.newer.is_some() {
        let pushed = base.push(&remote, branch, None)?;
        let newer = base.newer;
        let changed = Changed::default();
        return show(ui, args, Document { version: 1, commit: None, branch: branch.clone(), pushed, newer, changed });
    }
    // what the branch holds already
    let target = Target { repository: &repository, prefix: &prefix, held, estate: &estate };
    let work = if args.full { Work::All } else { Work::find(&target, base.tip())? };
    // resolve, render, verify (no I/O)
    let Some(tree) = work.render(ui, &target)? else { return Ok(Exit::Findings) };
    brake(&repository, base.tip(), &tree, &work, args.dangerous_allow_removals)?;
    // commit (objects, then the branch)
    let is_signed = args.sign || (!args.no_sign && sign::is_configured(&repository));
    let outcome = git::write::commit(
        &repository,
        &CommitRequest {
            branch,
            tree: &tree,
            only: work.only(),
            message: &target.message(revision),
            author: args.author.as_deref().map(author).transpose()?,
            expected: base.expected(),
            time: None,
            wait: WAIT,
            sign: is_signed.then_some(sign::DEADLINE.min(access.deadline)),
        },
    )?;
    let (commit, changed) = match outcome {
        CommitOutcome::Unchanged { commit: _ } => (None, Changed::default()),
        CommitOutcome::Committed { commit, parent: _, changed_files, changed_tenants } => {
            (Some(commit), Changed { tenants: changed_tenants.into_iter().collect(), files: changed_files })
        }
    };
    // push (the remote decides)
    let pushed = args.push && base.push(&remote, branch, commit.as_deref())?;
    show(ui, args, Document { version: 1, commit, branch: branch.clone(), pushed, newer: None, changed })
}

fn show(ui: &Ui, args: &CommitArgs, document: Document) -> Result<Exit, Stop> {
    ui.show(args.format, &document, text)?;
    Ok(Exit::Done)
}

fn text(document: &Document) -> String {
    let Document { version: _, commit, branch, pushed, newer, changed } = document;
    let what = match (commit, newer) {
        (Some(commit), _) => format!(
            "{commit} on {branch}: {} of {} changed",
            count(changed.files, "file"),
            count(changed.tenants.len(), "tenant")
        ),
        (None, Some(newer)) => {
            format!("nothing to commit: {branch} is rendered from {newer}, which is newer than HEAD")
        }
        (None, None) => format!("nothing to commit: {branch} already holds this tree"),
    };
    format!("{what}{}\n", if *pushed { ", pushed" } else { "" })
}

fn uncommitted(dirty: &[String]) -> CommandError {
    const SHOWN: usize = 10;
    let mut list: Vec<&str> = dirty.iter().take(SHOWN).map(String::as_str).collect();
    let more = format!("and {} more", dirty.len().saturating_sub(SHOWN));
    if dirty.len() > SHOWN {
        list.push(&more);
    }
    CommandError::refused(anyhow!("the estate differs from HEAD: {}", list.join(", ")))
        .hint("commit or put aside these changes first: what was reviewed is what is rendered")
}

/// Refuses a commit that takes away, or leaves nothing of, more than max(1, 5 %) of the tenants: a bad merge or a wrong folder
/// looks so. Whoever means it says how many; that number fits no other commit.
fn brake(
    repository: &Repository,
    tip: Option<&str>,
    tree: &Tree,
    work: &Work,
    allowed: Option<usize>,
) -> Result<(), CommandError> {
    let Some(tip) = tip.filter(|_| !planted("git-brake-off")) else { return Ok(()) };
    let known = |wanted: &dyn Fn(&str) -> bool| git::read::blob_ids(repository, tip, wanted).map_err(git_error);
    // Whoever is kept as it is does not go.
    let known_touched = known(&|folder| work.touches(folder))?;
    let before = inhabited(known_touched.keys().map(String::as_str));
    let after = inhabited(tree.iter().map(|(path, _)| path));
    let gone: Vec<&str> = before.difference(&after).copied().collect();
    if gone.len() <= 1 || allowed == Some(gone.len()) {
        return Ok(());
    }
    let everything = known(&|_| true)?;
    let before = inhabited(everything.keys().map(String::as_str));
    if gone.len() <= before.len() / 20 {
        return Ok(());
    }
    let shown: Vec<&str> = gone.iter().copied().take(10).collect();
    let more = gone.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(CommandError::refused(anyhow!(
        "the commit would leave nothing of {} of {}: {}{more}",
        gone.len(),
        count(before.len(), "tenant"),
        shown.join(", ")
    ))
    .hint(format!("if they shall all go, say so with --dangerous-allow-removals {}", gone.len())))
}

/// Returns the tenants that have anything in the cluster.
fn inhabited<'p>(paths: impl Iterator<Item = &'p str>) -> BTreeSet<&'p str> {
    let tenant = |path: &'p str| {
        let (tenant, file) = path.strip_prefix("tenants/")?.split_once("/manifests/")?;
        (file != "kustomization.yaml").then_some(tenant)
    };
    paths.filter_map(tenant).collect()
}

fn author(text: &str) -> Result<(String, String), CommandError> {
    text.strip_suffix('>')
        .and_then(|text| text.split_once(" <"))
        .filter(|(name, mail)| !name.trim().is_empty() && mail.contains('@'))
        .map(|(name, mail)| (name.trim().to_owned(), mail.to_owned()))
        .ok_or_else(|| {
            CommandError::usage(anyhow!("`{text}` is no author")).hint("write it as `Name <mail@example.com>`")
        })
}

/// A revision is named so far that no other is meant.
fn revision(text: &str) -> Result<String, String> {
    let is_named = (12..=64).contains(&text.len()) && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    is_named.then(|| text.to_owned()).ok_or_else(|| "give the id of a commit, at least its first 12 digits".to_owned())
}
