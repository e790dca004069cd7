//! `commit`: the rendered tree of HEAD as one commit on the output branch.

use std::collections::BTreeSet;

use anyhow::anyhow;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

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
        write::{CommitOutcome, CommitRequest, WAIT},
    },
    tree::Tree,
};

#[derive(Debug, Args)]
pub(super) struct CommitArgs {
    /// Push the output branch; counts only when the remote confirms it
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
    let (repository, prefix) = input::repository(global)?;
    // load (blobs of HEAD in; the work tree only to see that it is the same)
    let held = Held::of(input::from_directory(&input::directory(global)?)?).map_err(git_error)?;
    let dirty = git::read::dirty(&repository, &prefix, &held).map_err(git_error)?;
    if !dirty.is_empty() {
        return Err(uncommitted(&dirty));
    }
    let revision = git::read::head_revision(&repository).map_err(git_error)?.to_string();
    // check (no I/O, but for what is known of earlier runs)
    let mut known = Known::beside(&repository, &held);
    let checked = known.check(&held);
    known.keep(&held);
    let Some(estate) = pipeline::told(ui, held.sources(), checked) else { return Ok(Exit::Findings) };
    let branch = args.branch.clone().unwrap_or_else(|| estate.platform().output.branch.clone());
    // what the branch holds already
    let target = Target { repository: &repository, prefix: &prefix, held: &held, estate: &estate };
    let work = if args.full { Work::All } else { Work::find(&target, &branch)? };
    // resolve, render, verify (no I/O)
    let Some(tree) = work.render(ui, &target)? else { return Ok(Exit::Findings) };
    brake(&repository, &branch, &tree, &work, args.dangerous_allow_removals)?;
    // commit (objects, then the branch)
    let outcome = git::write::commit(
        &repository,
        &CommitRequest {
            branch: &branch,
            tree: &tree,
            only: work.only(),
            message: &target.message(&revision),
            author: args.author.as_deref().map(author).transpose()?,
            expected: work.expected(),
            time: None,
            wait: WAIT,
        },
    )
    .map_err(git_error)?;
    // push (the remote decides)
    let remote = &estate.platform().output.remote;
    if args.push {
        git::remote::push(&repository, remote, &branch, None).map_err(git_error)?;
    }
    show(ui, args, &branch, outcome)?;
    Ok(Exit::Done)
}

fn show(ui: &Ui, args: &CommitArgs, branch: &str, outcome: CommitOutcome) -> Result<(), CommandError> {
    let (commit, changed) = match outcome {
        CommitOutcome::Unchanged { commit: _ } => (None, Changed::default()),
        CommitOutcome::Committed { commit, parent: _, changed_files, changed_tenants } => {
            (Some(commit), Changed { tenants: changed_tenants.into_iter().collect(), files: changed_files })
        }
    };
    let document = Document { version: 1, commit, branch: branch.to_owned(), pushed: args.push, changed };
    ui.show(args.format, &document, text)
}

fn text(document: &Document) -> String {
    let Document { version: _, commit, branch, pushed, changed } = document;
    let what = match commit {
        Some(commit) => format!(
            "{commit} on {branch}: {} of {} changed",
            count(changed.files, "file"),
            count(changed.tenants.len(), "tenant")
        ),
        None => format!("nothing to commit: {branch} already holds this tree"),
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
    branch: &str,
    tree: &Tree,
    work: &Work,
    allowed: Option<usize>,
) -> Result<(), CommandError> {
    if git::write::branch_tip(repository, branch).map_err(git_error)?.is_none() {
        return Ok(());
    }
    let known = |wanted: &dyn Fn(&str) -> bool| {
        git::read::blob_ids(repository, &format!("refs/heads/{branch}"), wanted).map_err(git_error)
    };
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
