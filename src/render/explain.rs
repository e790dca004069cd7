//! Which template line made a piece of output: for findings about the output, and for people who ask.
//!
//! Renders once more, with line marks. Slow next to a plain rendering, and only called once something is to be told.

use minijinja::Value;

use super::{
    Renderer,
    bundle::{Element, File},
    faults::{self, FOLDER},
    holes,
    marks::{self, Origin as Mark},
    scan::{self, Tag},
    skeleton::{self, Fault, Parsed, Skeleton},
    tenant,
};
use crate::{
    diag::{Diagnostic, Place},
    plan::Plan,
    rendered::Origin,
    yaml::{Node, NodeValue},
};

/// What made one field of a rendered object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSource {
    /// The template's line, without its indentation.
    pub place: Place,
    /// The text of that line, without its indentation.
    pub line_text: String,
    /// The expressions in the line that write a value, without their braces: `item.replicas` for example.
    pub expressions: Vec<String>,
    /// Which element of `each` the object was made for, where `each` is a map.
    pub item: Option<String>,
}

/// An element's output with the origin of each of its lines.
struct Traced {
    text: String,
    origins: Vec<Option<Mark>>,
    values: Vec<Value>,
}

pub(super) fn place(renderer: &Renderer<'_>, plan: &Plan, origin: &Origin, pointer: &str) -> Place {
    match origin {
        Origin::Template { file, .. } => {
            field(renderer, plan, origin, pointer).map_or_else(|| Place::file(file.as_str()), |(place, _)| place)
        }
        Origin::Generated => Place::file(format!("{}/manifests/hooks/provision.yaml", tenant::folder(plan))),
        Origin::Inflated => Place::file(format!("{}/manifests", tenant::folder(plan))),
    }
}

pub(super) fn source(renderer: &Renderer<'_>, plan: &Plan, origin: &Origin, pointer: &str) -> Option<FieldSource> {
    let (place, element) = field(renderer, plan, origin, pointer)?;
    let text = renderer.texts.get(place.file.strip_prefix(FOLDER)?)?;
    let line = usize::try_from(place.span.start.line).ok()?.checked_sub(1)?;
    let line_text = text.lines().nth(line)?;
    let expressions = scan::tags(line_text)
        .into_iter()
        .filter(|found| found.tag == Tag::Value)
        .map(|found| line_text[found.range].trim_matches(['{', '}', '-', '+', ' ']).to_owned())
        .collect();
    Some(FieldSource { place, line_text: line_text.trim().to_owned(), expressions, item: element.key })
}

/// Finds the line of a field of an object that a template made.
fn field(renderer: &Renderer<'_>, plan: &Plan, origin: &Origin, pointer: &str) -> Option<(Place, Element)> {
    let Origin::Template { file, entry, item, document } = origin else { return None };
    let bundle = file.strip_prefix(FOLDER)?.split('/').next()?;
    let entry = renderer.bundles.get(bundle)?.files.get(*entry)?;
    let value = renderer.contexts.plan(plan).ok()?;
    let elements = entry.elements(&renderer.engine, &renderer.texts, &value, &mut Vec::new());
    let element = elements.into_iter().find(|element| element.index == *item)?;
    let traced = trace(renderer, entry, &element)?;
    let parsed = skeleton::documents(&traced.text).ok()?.into_iter().find(|parsed| parsed.index == *document)?;
    let line = parsed.lines_before + line(&parsed, pointer, &traced.values);
    Some((traced.place(renderer, line)?, element))
}

/// Makes findings of the faults of an element's output.
pub(super) fn findings(renderer: &Renderer<'_>, file: &File, element: &Element, faults: &[Fault]) -> Vec<Diagnostic> {
    let whole = || Place::file(format!("{FOLDER}{}", file.template));
    let traced = trace(renderer, file, element);
    // With marks, a line may break where it does not without: the faults of that very text have its lines.
    let again = traced
        .as_ref()
        .and_then(|traced| Skeleton::parse(&traced.text).and_then(|skeleton| skeleton.fill(&traced.values)).err());
    let faults = again.as_deref().unwrap_or(faults);
    faults
        .iter()
        .map(|fault| {
            let place = traced.as_ref().and_then(|traced| traced.place(renderer, fault.line));
            faults::of_skeleton(&fault.kind, place.unwrap_or_else(whole))
        })
        .collect()
}

/// Returns the place of the last line that an element printed before it failed: what the engine tells no place for, such
/// as too much output, happened there.
pub(super) fn last_place(renderer: &Renderer<'_>, file: &File, element: &Element) -> Place {
    let mut text = Vec::new();
    // It fails again, by the very fault whose place is wanted.
    let _: Result<Vec<Value>, minijinja::Error> =
        renderer.marked().print_into(&file.template, &element.context, &mut text);
    let (_, origins) = marks::strip(&String::from_utf8_lossy(&text));
    let last = origins.into_iter().flatten().next_back();
    last.and_then(|mark| mark_place(renderer, mark))
        .unwrap_or_else(|| Place::file(format!("{FOLDER}{}", file.template)))
}

fn trace(renderer: &Renderer<'_>, file: &File, element: &Element) -> Option<Traced> {
    let printed = renderer.marked().print(&file.template, &element.context).ok()?;
    let (text, origins) = marks::strip(&printed.text);
    Some(Traced { text, origins, values: printed.holes })
}

impl Traced {
    fn place(&self, renderer: &Renderer<'_>, line: u32) -> Option<Place> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        // A fault at the end of the text stands behind its last line.
        let mark = self.origins.get(index).or(self.origins.last())?.as_ref()?;
        mark_place(renderer, *mark)
    }
}

fn mark_place(renderer: &Renderer<'_>, mark: Mark) -> Option<Place> {
    let (name, text) = renderer.texts.iter().nth(mark.file)?;
    Some(Place::new(format!("{FOLDER}{name}"), faults::line_span(text, mark.line)))
}

/// Returns the line of a document in which the value at a pointer starts, or its nearest parent that is written out.
fn line(parsed: &Parsed, pointer: &str, values: &[Value]) -> u32 {
    let mut node = &parsed.root;
    let mut line = node.span.start.line;
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        let Some((next, next_line)) = step(node, &segment, values) else { break };
        (node, line) = (next, next_line);
    }
    line
}

fn step<'n>(node: &'n Node, segment: &str, values: &[Value]) -> Option<(&'n Node, u32)> {
    match &node.value {
        NodeValue::Map(entries) => entries
            .iter()
            .find(|entry| entry.key == segment || holes::expand(&entry.key, values).is_ok_and(|key| key == segment))
            .map(|entry| (&entry.value, entry.key_span.start.line)),
        NodeValue::List(items) => {
            let item = items.get(segment.parse::<usize>().ok()?)?;
            Some((item, item.span.start.line))
        }
        _ => None,
    }
}
