//! `quickstart`: the main job on the flagship estate, with nothing to install.

mod provisioning;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::anyhow;
use clap::Args;
use include_dir::{Dir, include_dir};

use self::provisioning::SANDBOX;
use super::{
    error::{CommandError, Exit},
    init,
    input::{self, git_error},
    pipeline,
    report::{Ui, count},
    tenant::{self, NewArgs, NewFile},
};
use crate::{
    diff,
    estate::Estate,
    git::{
        self, Repository, start,
        write::{CommitOutcome, CommitRequest, Expected},
    },
    output, review,
    sources::ESTATE_FILE,
    tree::Tree,
};

/// The flagship estate, as it lies at the top of the project.
const ESTATE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tenantry.yaml"));
const VALUES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/values.schema.json"));
static TIERS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tiers");
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static TENANTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tenants");

/// Who makes the commits of a quick start: a new machine may have no git configuration.
const AUTHOR: (&str, &str) = ("tenantry quickstart", "quickstart@tenantry.invalid");

/// The tenant that a crash is simulated for.
const CUT_SHORT: &str = "bloom-and-stem-4b8e21";

#[derive(Debug, Args)]
pub(super) struct QuickstartArgs {
    /// An empty or new folder; a temporary one where absent
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) fn run(ui: &Ui, args: &QuickstartArgs) -> Result<Exit, CommandError> {
    let directory = place(args)?;
    // 1. an estate in a repository of its own
    let repository = write_estate(&directory)?;
    ui.print(&format!("1. estate      {} (Collect & Verything, a fresh git repository)\n", directory.display()));
    // 2. check (no I/O after the files are read)
    let sources = input::from_directory(&directory)?;
    let Some(estate) = pipeline::estate(ui, &sources) else { return Ok(Exit::Findings) };
    let (tenants, tiers) = (estate.tenants().len(), estate.tiers().len());
    ui.print(&format!("2. check       {} in {}, no findings\n", count(tenants, "tenant"), count(tiers, "tier")));
    // 3. resolve, render, verify (no I/O), then commit (objects, then the branch)
    let Some(base) = pipeline::checked_tree(ui, &estate, &sources, &[])? else { return Ok(Exit::Findings) };
    let commit = commit(&repository, &estate, &base)?;
    let branch = estate.platform().output.branch.clone();
    ui.print(&format!("3. render      {}, committed to the branch {branch} as {commit}\n", count(base.len(), "file")));
    // 4. one more tenant, as a pull request would bring it
    let Some(NewFile { name, path, text }) = tenant::new(ui, &sources, &new_customer())? else {
        return Ok(Exit::Findings);
    };
    output::file(&directory.join(&path), &text).map_err(CommandError::external)?;
    let sources = input::from_directory(&directory)?;
    let Some(estate) = pipeline::estate(ui, &sources) else { return Ok(Exit::Findings) };
    let Some(target) = pipeline::checked_tree(ui, &estate, &sources, &[])? else { return Ok(Exit::Findings) };
    let changes = diff::diff(&base, &target).map_err(CommandError::internal)?;
    ui.print(&format!("4. pull request  {path} is new: this is what its reviewer sees\n\n"));
    ui.print(&indent(&review::text::text(&changes, ui.style())));
    // 5. merged: the tree with the new tenant
    start::record(&repository, &format!("tenants: {name}"), AUTHOR).map_err(git_error)?;
    let commit = self::commit(&repository, &estate, &target)?;
    ui.print(&format!("\n5. merged      rendered and committed to {branch} as {commit}\n"));
    // 6. what Argo CD's hook would do next, on stand-ins
    provisioning::provision(ui, &directory, &target, &name, CUT_SHORT)?;
    ui.print(&next(&directory, &name, &branch));
    Ok(Exit::Done)
}

fn place(args: &QuickstartArgs) -> Result<PathBuf, CommandError> {
    match &args.directory {
        Some(directory) => {
            init::refuse_content(directory)?;
            Ok(directory.clone())
        }
        // Kept on purpose: it is what the next commands are tried on.
        None => {
            let directory = tempfile::Builder::new().prefix("tenantry-quickstart-").tempdir();
            Ok(directory.map_err(CommandError::external)?.keep())
        }
    }
}

fn write_estate(directory: &Path) -> Result<Repository, CommandError> {
    let mut files = vec![(ESTATE_FILE.to_owned(), ESTATE), ("schemas/values.schema.json".to_owned(), VALUES)];
    for (folder, dir) in [("tiers", &TIERS), ("templates", &TEMPLATES), ("tenants", &TENANTS)] {
        files.extend(init::files(dir).into_iter().map(|(path, text)| (format!("{folder}/{path}"), text)));
    }
    for (path, text) in &files {
        output::file(&directory.join(path), text).map_err(CommandError::external)?;
    }
    let ignored = format!("{SANDBOX}/\n");
    output::file(&directory.join(".gitignore"), &ignored).map_err(CommandError::external)?;
    init::write_schemas(directory)?;
    let repository = start::create(directory).map_err(git_error)?;
    start::record(&repository, "estate: Collect & Verything", AUTHOR).map_err(git_error)?;
    Ok(repository)
}

fn commit(repository: &Repository, estate: &Estate, tree: &Tree) -> Result<String, CommandError> {
    let outcome = git::write::commit(
        repository,
        &CommitRequest {
            branch: &estate.platform().output.branch,
            tree,
            only: None,
            message: &format!("render: {}\n", count(estate.tenants().len(), "tenant")),
            author: Some((AUTHOR.0.to_owned(), AUTHOR.1.to_owned())),
            expected: Expected::Anywhere,
            time: None,
            wait: Duration::from_secs(10),
            sign: None,
        },
    );
    match outcome.map_err(git_error)? {
        CommitOutcome::Committed { commit, .. } => Ok(commit[..12].to_owned()),
        CommitOutcome::Unchanged { .. } => Err(CommandError::internal(anyhow!("the new tree changed nothing"))),
    }
}

/// What the pull request of the quick start adds.
fn new_customer() -> NewArgs {
    NewArgs {
        display_name: "Northwind Traders".to_owned(),
        tier: "standard".to_owned(),
        region: Some("eu-west".to_owned()),
        admin: "admin@northwind.example".to_owned(),
        billing: None,
        subdomain: Some("northwind".to_owned()),
        subscription: Some("sub_northwind".to_owned()),
        trial_ends: None,
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("   {line}\n") }).collect()
}

fn next(directory: &Path, name: &str, branch: &str) -> String {
    let commands = [
        (format!("cd {}", directory.display()), ""),
        (format!("tenantry explain {name} Deployment/auth spec.replicas"), "which file and line gave this value"),
        (format!("git show --stat {branch}"), "what Argo CD would sync"),
        (format!("tenantry provision plan {name} --sandbox {SANDBOX}"), "how it stands outside, on the stand-ins"),
        (format!("$EDITOR tenants/{name}.yaml && tenantry diff"), "change something, see what it does"),
    ];
    let width = commands.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let lines = commands.iter().map(|(command, about)| match about {
        &"" => format!("  {command}\n"),
        about => format!("  {command:<width$}    # {about}\n"),
    });
    format!("\nTry next:\n{}", lines.collect::<String>())
}
