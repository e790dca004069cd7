//! `schema`: the JSON Schemas of everything that people and pipelines read or write.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde_json::Value;

use super::{
    error::{CommandError, Exit},
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
pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("bundle", schema::bundle()),
        ("check", schemars::schema_for!(findings::Document).to_value()),
        ("estate", schema::estate()),
        ("provision", schema::provision()),
        ("tenant", schema::tenant()),
        ("tier", schema::tier()),
    ]
}

pub(super) fn run(ui: &Ui, args: &SchemaArgs) -> Result<Exit, CommandError> {
    let text = |schema: &Value| {
        let mut text = format!("{schema:#}");
        text.push('\n');
        text
    };
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
            for (name, schema) in all() {
                let path = directory.join(format!("{name}.schema.json"));
                output::file(&path, &text(&schema)).map_err(CommandError::external)?;
                ui.print(&format!("{}\n", path.display()));
            }
        }
        (None, None) => {
            for (name, schema) in all() {
                let title = schema.get("description").and_then(Value::as_str).unwrap_or_default();
                ui.print(&format!("{name:<10} {}\n", title.lines().next().unwrap_or_default()));
            }
        }
    }
    Ok(Exit::Done)
}
