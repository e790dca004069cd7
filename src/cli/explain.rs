//! `explain`: which file, line and tier layer gave a value, of the plan or of one field of a rendered object.

mod origins;
mod path;

use anyhow::anyhow;
use clap::Args;
use origins::{Layer, Origins};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Global,
    error::{CommandError, Exit},
    input, pipeline,
    report::{Format, Ui, escape},
};
use crate::{
    estate::Estate,
    plan::Plan,
    render::Renderer,
    rendered::{Origin, RenderedObject},
    resolve::Resolver,
    sources::Sources,
};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The tenant
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// A value of its plan (services.auth.replicas), or an object that is rendered for it (Deployment/auth)
    #[arg(value_name = "PATH|KIND/NAME")]
    what: Option<String>,
    /// A field of that object (spec.replicas)
    #[arg(value_name = "FIELD", requires = "what")]
    field: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// `explain --format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Explanation")]
pub(super) struct Document {
    /// The version of this document's shape.
    version: u8,
    /// What was asked for.
    path: String,
    /// Its value.
    value: Value,
    /// The template line that made it, for a field of a rendered object.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<TemplateLine>,
    /// The values of the plan that it comes from, each with every layer that set or changed it, the lowest first.
    from: Vec<Origins>,
}

/// A line of a template.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TemplateLine {
    /// `file:line:column`.
    place: String,
    /// The line.
    text: String,
}

pub(super) fn run(ui: &Ui, global: &Global, args: &ExplainArgs) -> Result<Exit, CommandError> {
    // load, check, resolve (files in; the rest without I/O)
    let sources = input::sources(global, None)?;
    let Some(estate) = pipeline::estate(ui, &sources) else { return Ok(Exit::Findings) };
    let tenant = pipeline::select(&estate, std::slice::from_ref(&args.tenant))?[0];
    let plan = Resolver::new(&estate).plan(tenant);
    let asked = Asked { estate: &estate, sources: &sources, plan: &plan };
    let document = match (args.what.as_deref(), args.field.as_deref()) {
        (None, _) => {
            let plan = asked.view()?;
            ui.print(&crate::yaml::write(&plan));
            return Ok(Exit::Done);
        }
        (Some(object), field) if object.contains('/') => asked.field(object, field)?,
        (Some(path), None) => asked.value(path)?,
        (Some(path), Some(_)) => {
            return Err(CommandError::usage(anyhow!("`{path}` is no object of a kind"))
                .hint("name the object as Kind/name, Deployment/auth for example"));
        }
    };
    ui.show(args.format, &document, text)?;
    Ok(Exit::Done)
}

/// One tenant of one estate, and the questions that can be asked of it.
struct Asked<'a> {
    estate: &'a Estate,
    sources: &'a Sources,
    plan: &'a Plan,
}

impl Asked<'_> {
    fn view(&self) -> Result<Value, CommandError> {
        serde_json::to_value(self.plan).map_err(CommandError::internal)
    }

    fn value(&self, text: &str) -> Result<Document, CommandError> {
        let view = self.view()?;
        let keys = path::find(&view, text).map_err(|near| unknown("the plan has no", text, &near))?;
        let value = path::at(&view, &keys).cloned().unwrap_or_default();
        let from = vec![origins::of(self.estate, self.sources, self.plan, &keys, value.clone())];
        Ok(Document { version: 1, path: text.to_owned(), value, template: None, from })
    }

    fn field(&self, name: &str, field: Option<&str>) -> Result<Document, CommandError> {
        let renderer = Renderer::new(self.estate).map_err(|_| {
            CommandError::usage(anyhow!("the templates have findings")).hint("see `tenantry check --rendered`")
        })?;
        let rendered = renderer.tenant(self.plan).map_err(|_| {
            CommandError::usage(anyhow!("the tenant cannot be rendered")).hint("see `tenantry check --rendered`")
        })?;
        let object = find_object(&rendered.objects, name)?;
        let keys = match field {
            Some(field) => {
                path::find(&object.value, field).map_err(|near| unknown("the object has no", field, &near))?
            }
            None => Vec::new(),
        };
        let value = path::at(&object.value, &keys).cloned().unwrap_or_default();
        let source = renderer.source(self.plan, &object.origin, &path::pointer(&keys));
        let view = self.view()?;
        let mut from = Vec::new();
        for expression in source.iter().flat_map(|source| &source.expressions) {
            let plan_path = self.plan_path(expression, &object.origin, source.as_ref().and_then(|s| s.item.as_deref()));
            if let Some(keys) = plan_path.and_then(|path| path::find(&view, &path).ok()) {
                let value = path::at(&view, &keys).cloned().unwrap_or_default();
                from.push(origins::of(self.estate, self.sources, self.plan, &keys, value));
            }
        }
        let template = source
            .map(|source| TemplateLine { place: source.place.to_string(), text: source.line_text.trim().to_owned() });
        let path = field.map_or_else(|| name.to_owned(), |field| format!("{name} {field}"));
        Ok(Document { version: 1, path, value, template, from })
    }

    /// The path in the plan that an expression of a template begins with: `item.replicas | int` → `services.auth.replicas`.
    fn plan_path(&self, expression: &str, origin: &Origin, item: Option<&str>) -> Option<String> {
        let end =
            expression.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(expression.len());
        let path = expression[..end].trim_end_matches('.');
        let Some(rest) = path.strip_prefix("item").filter(|rest| rest.is_empty() || rest.starts_with('.')) else {
            return (!path.is_empty()).then(|| path.to_owned());
        };
        let Origin::Template { file, entry, .. } = origin else { return None };
        let bundle = file.strip_prefix("templates/")?.split('/').next()?;
        let each = self.estate.bundles().get(bundle)?.files.get(*entry)?.each.as_deref()?;
        Some(format!("{}.{}{rest}", each.trim(), item?))
    }
}

fn find_object<'o>(objects: &'o [RenderedObject], name: &str) -> Result<&'o RenderedObject, CommandError> {
    let title = |object: &RenderedObject| {
        let text = |pointer| object.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        format!("{}/{}", text("/kind"), text("/metadata/name"))
    };
    objects.iter().find(|object| title(object).eq_ignore_ascii_case(name)).ok_or_else(|| {
        let titles: Vec<String> = objects.iter().map(title).collect();
        let near = titles.iter().min_by_key(|title| strsim::osa_distance(title, name));
        unknown("no object is rendered as", name, near.map_or("", String::as_str))
    })
}

fn unknown(what: &str, text: &str, near: &str) -> CommandError {
    let error = CommandError::usage(anyhow!("{what} `{text}`"));
    if near.is_empty() { error } else { error.hint(format!("did you mean `{near}`?")) }
}

fn text(document: &Document) -> String {
    let Document { version: _, path, value, template, from } = document;
    let mut out = format!("{} = {}\n", escape(path), escape(&short(value)));
    if let Some(TemplateLine { place, text }) = template {
        out.push_str(&format!("\n  {}\n    {}\n", escape(place), escape(text)));
    }
    for Origins { path, value, layers } in from {
        if template.is_some() {
            out.push_str(&format!("\n  {} = {}\n", escape(path), escape(&short(value))));
        } else {
            out.push('\n');
        }
        let width = layers.iter().map(|layer| layer.place.chars().count()).max().unwrap_or_default();
        for Layer { place, path, value } in layers {
            out.push_str(&format!("    {:<width$}  {} = {}\n", escape(place), escape(path), escape(&short(value))));
        }
    }
    out
}

/// A value in one line; a long one is cut, since `--format json` has the whole.
fn short(value: &Value) -> String {
    const LONGEST: usize = 120;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
