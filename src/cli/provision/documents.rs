//! Which documents a command is about, and where it reads them: always from a rendered tree, never from tenant files.

#![expect(clippy::disallowed_methods, reason = "reads the one document that an argument names, or stdin")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use clap::Args;

use crate::{
    admit,
    cli::{
        Global,
        error::CommandError,
        input::{self, git_error},
        report::{Ui, findings},
    },
    git::{
        self,
        remote::{Access, Remote},
        start,
    },
    provision::{Document, document_owner, document_path, leads_to_document},
    sources::{ESTATE_FILE, Sources},
    tree::Tree,
    yaml::{self, Profile},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct From {
    /// These tenants
    #[arg(value_name = "TENANT", conflicts_with_all = ["all", "document"])]
    pub(in crate::cli) tenants: Vec<String>,
    /// All tenants of the rendered tree
    #[arg(long, conflicts_with = "document")]
    pub(in crate::cli) all: bool,
    /// Read the rendered tree from this folder or revision; by default the output branch of the estate
    #[arg(long, value_name = "DIR|REV", conflicts_with = "document")]
    from: Option<String>,
    /// Fetch the revision from this repository, not from the one around the estate: needs --from with a branch
    #[arg(long, value_name = "URL", requires = "from")]
    repository: Option<String>,
    /// Read one document from this file, or from stdin for `-`: what the hook Job does
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Use stand-ins of all services, kept in this folder; nothing outside is touched
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) sandbox: Option<PathBuf>,
}

/// The most bytes of a document that are read: more than any that `render` lets pass.
const MOST: u64 = 1 << 20;

/// Reads the documents that a command is about, or tells what is wrong with them and gives none: the command then ends
/// with [`Exit::Usage`](crate::cli::error::Exit), since no later run can use them either.
pub(in crate::cli) fn read(ui: &Ui, global: &Global, from: &From) -> Result<Option<Vec<Document>>, CommandError> {
    let files = match &from.document {
        Some(path) => BTreeMap::from([one(path)?]),
        None => chosen(&from.tenants, from.all, &tree(global, from)?)?,
    };
    admitted(ui, &files)
}

/// Reads the documents of all tenants, whatever tenants are named.
pub(in crate::cli) fn read_all(ui: &Ui, global: &Global, from: &From) -> Result<Option<Vec<Document>>, CommandError> {
    let tree = tree(global, from)?;
    // A name that is no tenant is told.
    chosen(&from.tenants, from.all, &tree)?;
    admitted(ui, &chosen(&[], true, &tree)?)
}

/// Reads documents by their paths, or tells what is wrong with them and gives none.
pub(in crate::cli) fn admitted(
    ui: &Ui,
    files: &BTreeMap<String, String>,
) -> Result<Option<Vec<Document>>, CommandError> {
    let texts = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    // admit (no I/O)
    match admit::documents(texts) {
        Ok(documents) => Ok(Some(documents)),
        Err(report) => {
            let mut sources = Sources::new();
            for (path, text) in files {
                sources.insert(path.clone(), Ok(Arc::from(text.as_bytes())));
            }
            findings::tell(ui, &findings::Result { report: &report, sources: &sources, tenants: files.len() });
            Ok(None)
        }
    }
}

fn one(path: &Path) -> Result<(String, String), CommandError> {
    let mut text = String::new();
    let (name, read) = match path.as_os_str() == "-" {
        true => ("stdin".to_owned(), io::stdin().take(MOST).read_to_string(&mut text)),
        false => {
            let file = fs::File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text));
            (path.display().to_string(), file)
        }
    };
    match read {
        Ok(_) => Ok((name, text)),
        Err(error) => Err(CommandError::usage(anyhow!(error).context(format!("failed to read {name}")))
            .hint("give the file of one provision document, or `-` for stdin")),
    }
}

/// The documents of the rendered tree by path.
fn tree(global: &Global, from: &From) -> Result<Tree, CommandError> {
    match (&from.from, &from.repository) {
        (Some(branch), Some(url)) => fetched(url, branch),
        (Some(folder), None) if Path::new(folder).is_dir() => folder_tree(Path::new(folder)),
        (Some(revision), None) => {
            let (repository, _) = input::repository(global)?;
            git::read::tree_where(&repository, revision, leads_to_document).map_err(git_error)
        }
        (None, _) => {
            let (repository, _) = input::repository(global)?;
            let branch = output_branch(global)?;
            git::read::tree_where(&repository, &branch, leads_to_document).map_err(|error| {
                git_error(error).hint(format!(
                    "`tenantry commit` makes the branch `{branch}`; `--from` reads a folder or another revision"
                ))
            })
        }
    }
}

/// The branch of another repository, fetched to a folder that goes again.
fn fetched(url: &str, branch: &str) -> Result<Tree, CommandError> {
    let folder = tempfile::tempdir().map_err(CommandError::external)?;
    let repository = start::create(folder.path()).map_err(git_error)?;
    // Whoever provisions has administrators' passwords in the environment.
    let access = Access { is_guarded: true, ..input::access()? };
    match Remote::new(&repository, url, &access).fetch(branch).map_err(git_error)? {
        Some(commit) => git::read::tree_where(&repository, &commit, leads_to_document).map_err(git_error),
        None => Err(CommandError::usage(anyhow!("the repository has no branch `{branch}`"))),
    }
}

fn folder_tree(folder: &Path) -> Result<Tree, CommandError> {
    let mut tree = Tree::new();
    let tenants = folder.join("tenants");
    let entries = fs::read_dir(&tenants).with_context(|| format!("failed to read {}", tenants.display()));
    for entry in entries.map_err(CommandError::usage)? {
        let entry = entry.map_err(CommandError::external)?;
        let path = document_path(&entry.file_name().to_string_lossy());
        match fs::read_to_string(folder.join(&path)) {
            Ok(text) => drop(tree.insert(path, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(CommandError::external(anyhow!(error).context(format!("failed to read {path}"))));
            }
        }
    }
    Ok(tree)
}

/// The output branch by `tenantry.yaml` alone: a fault in a tenant file must not keep what was committed from running.
fn output_branch(global: &Global) -> Result<String, CommandError> {
    let path = input::directory(global)?.join(ESTATE_FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()));
    let text = text.map_err(CommandError::usage)?;
    let node = yaml::read(ESTATE_FILE, &text, Profile::Estate).map_err(|_| {
        CommandError::usage(anyhow!("{ESTATE_FILE} cannot be read")).hint("`tenantry check` says what is wrong with it")
    })?;
    Ok(node.at("/spec/output/branch").and_then(|node| node.as_str()).unwrap_or("rendered").to_owned())
}

fn chosen(tenants: &[String], all: bool, tree: &Tree) -> Result<BTreeMap<String, String>, CommandError> {
    let documents: BTreeMap<&str, (&str, &str)> = tree
        .under("tenants/")
        .filter_map(|(path, text)| Some((document_owner(path)?, (path, text.as_ref()))))
        .collect();
    if tenants.is_empty() && !all {
        return Err(
            CommandError::usage(anyhow!("no tenant is named")).hint("name tenants, or all of them with `--all`")
        );
    }
    // An empty tree is never taken for an estate without tenants: somebody gave the wrong folder or branch.
    if documents.is_empty() {
        return Err(CommandError::usage(anyhow!("the tree holds no provision document"))
            .hint("give the folder that `tenantry render --out` wrote, or the branch that `tenantry commit` made"));
    }
    let names: BTreeSet<&str> = match all {
        true => documents.keys().copied().collect(),
        false => tenants.iter().map(String::as_str).collect(),
    };
    let mut files = BTreeMap::new();
    for name in names {
        let Some((path, text)) = documents.get(name) else {
            let near = documents.keys().min_by_key(|known| strsim::osa_distance(known, name));
            let error = CommandError::usage(anyhow!("the rendered tree has no tenant `{name}`"));
            return Err(match near.filter(|near| strsim::osa_distance(near, name) <= 4) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("a tenant is there once it was rendered and committed"),
            });
        };
        files.insert((*path).to_owned(), (*text).to_owned());
    }
    Ok(files)
}
