//! `render`: the rendered tree, to a directory or to stdout.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::{
    Global,
    error::{CommandError, Exit},
    input, pipeline,
    report::{Ui, count},
};
use crate::{
    output::{self, OutputError, Written},
    tree::Tree,
    yaml,
};

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// Render these tenants only; all, and the argocd folder, where none is named
    #[arg(value_name = "TENANT", conflicts_with = "out")]
    tenants: Vec<String>,
    /// Make this directory hold the tree: an empty one, or one that an earlier run wrote
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the Kubernetes objects of these tenants alone, for kubectl or a plugin of Argo CD
    #[arg(long, requires = "tenants", conflicts_with = "out")]
    objects: bool,
    /// Render the estate as it is in this revision, not in the work tree
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
}

pub(super) fn run(ui: &Ui, global: &Global, args: &RenderArgs) -> Result<Exit, CommandError> {
    // load (files or blobs in)
    let sources = input::sources(global, args.revision.as_deref())?;
    // check (no I/O)
    let Some(estate) = pipeline::estate(ui, &sources) else { return Ok(Exit::Findings) };
    // resolve, render, verify (no I/O)
    let Some(tree) = pipeline::checked_tree(ui, &estate, &sources, &args.tenants)? else { return Ok(Exit::Findings) };
    match &args.out {
        // output (files out)
        Some(directory) => {
            let Written { written, unchanged, removed } = output::write(&tree, directory).map_err(output_error)?;
            ui.say(&format!(
                "rendered {} to {}: {written} written, {unchanged} unchanged, {removed} removed",
                count(tree.len(), "file"),
                directory.display(),
            ));
        }
        None if args.objects => ui.print(&stream(&objects(&tree)?)),
        None => ui.print(&stream(&tree)),
    }
    Ok(Exit::Done)
}

/// All files in one text: each begins with a comment that names it, so that the whole is a stream of documents.
fn stream(tree: &Tree) -> String {
    let mut out = String::new();
    for (path, text) in tree.iter() {
        out.push_str("---\n# ");
        out.push_str(path);
        out.push('\n');
        out.push_str(text);
    }
    out
}

/// Returns the files that hold objects. What is missing in them may be pruned from a cluster, so there is at least one
/// object, and none of the tenants is one that only kustomize or helm can finish.
fn objects(tree: &Tree) -> Result<Tree, CommandError> {
    const PLAIN: [&str; 3] = ["apiVersion", "kind", "resources"];
    let mut objects = Tree::new();
    for (path, text) in tree.iter() {
        let Some((tenant, file)) = path.strip_prefix("tenants/").and_then(|path| path.split_once("/manifests/")) else {
            continue;
        };
        let is_unfinished = match file {
            "kustomization.yaml" => {
                let documents = yaml::read_documents(text).map_err(CommandError::internal)?;
                let keys = documents.iter().filter_map(|document| document.as_object()).flat_map(|map| map.keys());
                keys.into_iter().any(|key| !PLAIN.contains(&key.as_str()))
            }
            "Chart.yaml" => true,
            _ => {
                objects.insert(path, text.as_ref());
                false
            }
        };
        if is_unfinished {
            let refused = anyhow!("the objects of `{tenant}` are made by kustomize or helm from its folder");
            return Err(
                CommandError::refused(refused).hint("render the folder with --out, and let that program build it")
            );
        }
    }
    if objects.iter().next().is_none() {
        return Err(CommandError::refused(anyhow!("there is no object")).hint("name a tenant that has some"));
    }
    Ok(objects)
}

/// Turns what `output` says into how the command ends: a directory that is not ours is refused, not a failure.
pub(super) fn output_error(error: OutputError) -> CommandError {
    let hint = error.hint();
    let error = match &error {
        OutputError::NotOurs { .. } | OutputError::Foreign { .. } | OutputError::Link { .. } => {
            CommandError::refused(error)
        }
        OutputError::Busy { .. } => CommandError::later(error),
        OutputError::BadIndex { .. } | OutputError::BadPath { .. } | OutputError::Io { .. } => {
            CommandError::external(error)
        }
    };
    error.hint(hint)
}
