//! `init`: a small estate of one's own, which passes `check` and explains itself.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use include_dir::{Dir, DirEntry, include_dir};

use super::{
    error::{CommandError, Exit},
    report::{Ui, count},
    schema,
};
use crate::output;

/// The estate that `init` writes; a fixture, so that the tests check it like any other.
static STARTER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/estates/starter");

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// An empty or new folder
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(ui: &Ui, args: &InitArgs) -> Result<Exit, CommandError> {
    refuse_content(&args.directory)?;
    let files = files(&STARTER);
    for (path, text) in &files {
        output::file(&args.directory.join(path), text).map_err(CommandError::external)?;
    }
    write_schemas(&args.directory)?;
    let directory = args.directory.display();
    ui.print(&format!(
        "\
{directory}: an estate with one tier, one bundle and one tenant ({})

Next:
  cd {directory}
  tenantry check --rendered
  tenantry render first-customer-3f9a1c
  tenantry tenant new \"Second Customer\" --tier standard --admin admin@second.example
",
        count(files.len(), "file")
    ));
    Ok(Exit::Done)
}

/// Writes the JSON Schemas that editors check estate files by.
pub(super) fn write_schemas(directory: &Path) -> Result<(), CommandError> {
    for (name, text) in schema::texts() {
        let path = directory.join(format!("schemas/{name}.schema.json"));
        output::file(&path, &text).map_err(CommandError::external)?;
    }
    Ok(())
}

/// Refuses a folder that holds anything: nothing of the user's is ever overwritten.
pub(super) fn refuse_content(directory: &Path) -> Result<(), CommandError> {
    let Ok(mut entries) = directory.read_dir() else { return Ok(()) };
    if entries.next().is_none() {
        return Ok(());
    }
    Err(CommandError::refused(anyhow!("`{}` is not empty", directory.display()))
        .hint("give a new folder: nothing in it is overwritten"))
}

/// All files of an embedded folder, by their path in it.
pub(super) fn files(dir: &'static Dir<'static>) -> Vec<(String, &'static str)> {
    let mut files = Vec::new();
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(inner) => files.extend(self::files(inner)),
            DirEntry::File(file) => {
                let path = file.path().to_string_lossy().replace('\\', "/");
                files.extend(file.contents_utf8().map(|text| (path, text)));
            }
        }
    }
    files
}
