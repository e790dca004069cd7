//! `schema`: the JSON Schemas of everything that people and pipelines read or write.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::{
    commit, diff,
    error::{CommandError, Exit},
    explain, isolation, provision,
    report::{Ui, findings},
};
use crate::{output, raw::schema};

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Print this schema; all are listed without it
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Write all schemas into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    out: Option<PathBuf>,
}

/// Every schema by the name of its file without `.schema.json`.
fn all() -> [(&'static str, Value); 11] {
    [
        ("bundle", schema::bundle()),
        ("check", printed::<findings::Document>()),
        ("commit", printed::<commit::Document>()),
        ("diff", printed::<diff::Document>()),
        ("estate", schema::estate()),
        ("explain", printed::<explain::Document>()),
        ("isolation", printed::<isolation::Document>()),
        ("provision", schema::provision()),
        ("provision-report", printed::<provision::Document>()),
        ("tenant", schema::tenant()),
        ("tier", schema::tier()),
    ]
}

/// The schema of what a command prints: what is always written is demanded, what may be left out is not.
fn printed<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// The text of every schema file.
pub(super) fn texts() -> Vec<(&'static str, String)> {
    all().into_iter().map(|(name, schema)| (name, text(&schema))).collect()
}

fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

pub(super) fn run(ui: &Ui, args: &SchemaArgs) -> Result<Exit, CommandError> {
    match (&args.name, &args.out) {
        (Some(name), _) => {
            let all = all();
            let (_, schema) = all.iter().find(|(known, _)| known == name).ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
                CommandError::usage(anyhow!("there is no schema `{name}`"))
                    .hint(format!("the schemas are: {}", names.join(", ")))
            })?;
            ui.print(&text(schema));
        }
        (None, Some(directory)) => {
            for (name, text) in texts() {
                let path = directory.join(format!("{name}.schema.json"));
                output::file(&path, &text).map_err(CommandError::external)?;
                ui.print(&format!("{}\n", path.display()));
            }
        }
        (None, None) => {
            for (name, schema) in all() {
                let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
                ui.print(&format!("{name:<17}{}\n", about.lines().next().unwrap_or_default()));
            }
        }
    }
    Ok(Exit::Done)
}
