//! Skeletons: what a template prints when the values are left out, parsed once and filled many times.

use std::sync::{Arc, PoisonError, RwLock};

use minijinja::Value;
use serde_json::{Map, Value as Json, map};

use super::holes::{self, HoleFault, Room};
use crate::{
    diag::Diagnostic,
    yaml::{self, Node, NodeValue, Profile, Style},
};

/// The most skeletons kept for one template. Each stands for one path through its `if` and `for` tags; most templates
/// have one, a list that is as long as a tenant's domains some ten.
const MOST_SKELETONS: usize = 64;

/// The text that separates documents, alone on its line.
const SEPARATOR: &str = "---";

/// What is wrong at a line of a skeleton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line, from 1.
    pub(super) line: u32,
    /// What it is.
    pub(super) kind: FaultKind,
}

/// What is wrong with a skeleton, or with a value at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The skeleton is no YAML.
    Yaml(Box<Diagnostic>),
    /// A value cannot stand there.
    Hole(HoleFault),
    /// A key that is there already.
    DuplicateKey(String),
    /// A document that is not a map.
    NoObject,
}

/// A parsed skeleton.
#[derive(Debug)]
pub(super) struct Skeleton {
    text: Box<str>,
    documents: Vec<Document>,
}

#[derive(Debug)]
struct Document {
    index: usize,
    line: u32,
    root: Part,
}

/// A piece of YAML text between separators.
pub(super) struct Parsed {
    /// Which document of the text it is, empty ones counted too.
    pub(super) index: usize,
    /// Lines of the text in front of it.
    pub(super) lines_before: u32,
    /// Its content.
    pub(super) root: Node,
}

/// A node of a skeleton.
#[derive(Debug)]
enum Part {
    /// Nothing below it has a hole.
    Fixed(Json),
    /// A value alone.
    Hole(usize, u32),
    /// Text with values in it.
    Text(Text),
    List(Vec<Part>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
struct Entry {
    key: Key,
    line: u32,
    value: Part,
}

#[derive(Debug)]
enum Key {
    Fixed(String),
    Text(Text),
}

#[derive(Debug)]
struct Text {
    pieces: Vec<Piece>,
    line: u32,
}

#[derive(Debug)]
enum Piece {
    Fixed(Box<str>),
    Hole(usize),
}

impl Skeleton {
    /// Parses a text with placeholders.
    ///
    /// # Errors
    /// Every fault of its YAML.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let documents = documents(text)?
            .into_iter()
            .map(|Parsed { index, lines_before, root }| {
                let line = lines_before + root.span.start.line;
                Document { index, line, root: part(&root, lines_before) }
            })
            .collect();
        Ok(Self { text: text.into(), documents })
    }

    /// Puts values into their places and returns the documents, each with its number.
    ///
    /// # Errors
    /// Every document's first value that cannot stand where it is.
    pub(super) fn fill(&self, values: &[Value]) -> Result<Vec<(usize, Json)>, Vec<Fault>> {
        let mut filled = Vec::with_capacity(self.documents.len());
        let mut faults = Vec::new();
        let mut room = Room::new();
        for document in &self.documents {
            match fill(&document.root, values, &mut room) {
                Ok(value @ Json::Object(_)) => filled.push((document.index, value)),
                Ok(_) => faults.push(Fault { line: document.line, kind: FaultKind::NoObject }),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(filled) } else { Err(faults) }
    }
}

/// Parses the documents of a text; those of blank lines and comments are left out.
///
/// # Errors
/// Every fault of their YAML.
pub(super) fn documents(text: &str) -> Result<Vec<Parsed>, Vec<Fault>> {
    let mut parsed = Vec::new();
    let mut faults = Vec::new();
    for (index, (lines_before, text)) in split(text).into_iter().enumerate() {
        if text.lines().map(str::trim_start).all(|line| line.is_empty() || line.starts_with('#')) {
            continue;
        }
        match yaml::read("", text, Profile::Template) {
            Ok(root) => parsed.push(Parsed { index, lines_before, root }),
            Err(findings) => faults.extend(findings.into_iter().map(|finding| Fault {
                line: lines_before + finding.place.span.start.line,
                kind: FaultKind::Yaml(Box::new(finding)),
            })),
        }
    }
    if faults.is_empty() { Ok(parsed) } else { Err(faults) }
}

/// Splits a text at its separators; each piece with the number of lines before it.
fn split(text: &str) -> Vec<(u32, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut lines_before) = (0, 0);
    let (mut at, mut number) = (0, 0);
    for line in text.split_inclusive('\n') {
        number += 1;
        if line.trim_end_matches('\n') == SEPARATOR {
            pieces.push((lines_before, &text[start..at]));
            start = at + line.len();
            lines_before = number;
        }
        at += line.len();
    }
    pieces.push((lines_before, &text[start..]));
    pieces
}

fn part(node: &Node, lines_before: u32) -> Part {
    let line = lines_before + node.span.start.line;
    match &node.value {
        NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => Part::Fixed(node.to_json()),
        NodeValue::String { text, style } => match pieces(text) {
            None => Part::Fixed(Json::String(text.clone())),
            Some(pieces) => match pieces[..] {
                [Piece::Hole(n)] if *style == Style::Plain => Part::Hole(n, line),
                _ => Part::Text(Text { pieces, line }),
            },
        },
        NodeValue::List(items) => {
            let items: Vec<Part> = items.iter().map(|item| part(item, lines_before)).collect();
            match items.iter().map(Part::fixed).collect::<Option<Vec<_>>>() {
                Some(fixed) => Part::Fixed(Json::Array(fixed.into_iter().cloned().collect())),
                None => Part::List(items),
            }
        }
        NodeValue::Map(entries) => {
            let entries: Vec<Entry> = entries
                .iter()
                .map(|entry| {
                    let line = lines_before + entry.key_span.start.line;
                    let key = match pieces(&entry.key) {
                        None => Key::Fixed(entry.key.clone()),
                        Some(pieces) => Key::Text(Text { pieces, line }),
                    };
                    Entry { key, line, value: part(&entry.value, lines_before) }
                })
                .collect();
            let fixed = entries.iter().map(|Entry { key, value, line: _ }| match (key, value) {
                (Key::Fixed(key), Part::Fixed(value)) => Some((key.clone(), value.clone())),
                _ => None,
            });
            match fixed.collect::<Option<Map<_, _>>>() {
                Some(map) => Part::Fixed(Json::Object(map)),
                None => Part::Map(entries),
            }
        }
    }
}

impl Part {
    fn fixed(&self) -> Option<&Json> {
        match self {
            Part::Fixed(value) => Some(value),
            Part::Hole(..) | Part::Text(_) | Part::List(_) | Part::Map(_) => None,
        }
    }
}

/// Cuts a text at its placeholders; `None` where it has none.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    if !holes::may_hold(text) {
        return None;
    }
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let Some(n) = holes::index(c) else { continue };
        if start < at {
            pieces.push(Piece::Fixed(text[start..at].into()));
        }
        pieces.push(Piece::Hole(n));
        start = at + c.len_utf8();
    }
    if start < text.len() {
        pieces.push(Piece::Fixed(text[start..].into()));
    }
    pieces.iter().any(|piece| matches!(piece, Piece::Hole(_))).then_some(pieces)
}

fn fill(part: &Part, values: &[Value], room: &mut Room) -> Result<Json, Fault> {
    Ok(match part {
        Part::Fixed(value) => value.clone(),
        Part::Hole(n, line) => hole(*n, values)
            .and_then(|value| holes::to_json(value, values, room))
            .map_err(|fault| Fault { line: *line, kind: FaultKind::Hole(fault) })?,
        Part::Text(text) => Json::String(join(text, values, room)?),
        Part::List(items) => Json::Array(items.iter().map(|item| fill(item, values, room)).collect::<Result<_, _>>()?),
        Part::Map(entries) => {
            let mut map = Map::new();
            for Entry { key, line, value } in entries {
                let key = match key {
                    Key::Fixed(key) => key.clone(),
                    Key::Text(text) => join(text, values, room)?,
                };
                match map.entry(key) {
                    map::Entry::Vacant(place) => place.insert(fill(value, values, room)?),
                    map::Entry::Occupied(taken) => {
                        let kind = FaultKind::DuplicateKey(taken.key().clone());
                        return Err(Fault { line: *line, kind });
                    }
                };
            }
            Json::Object(map)
        }
    })
}

fn hole(n: usize, values: &[Value]) -> Result<&Value, HoleFault> {
    values.get(n).ok_or_else(|| HoleFault::Foreign(holes::placeholder(n).map_or(0, u32::from)))
}

fn join(Text { pieces, line }: &Text, values: &[Value], room: &mut Room) -> Result<String, Fault> {
    let mut out = String::new();
    for piece in pieces {
        let appended = match piece {
            Piece::Fixed(text) => {
                out.push_str(text);
                Ok(())
            }
            Piece::Hole(n) => hole(*n, values).and_then(|value| holes::append(&mut out, value)),
        };
        appended.map_err(|fault| Fault { line: *line, kind: FaultKind::Hole(fault) })?;
    }
    room.take(out.len()).map_err(|fault| Fault { line: *line, kind: FaultKind::Hole(fault) })?;
    Ok(out)
}

/// The skeletons of one template; threads share it.
///
/// Found by comparing whole texts: a template has few, and texts of different paths mostly differ in length.
#[derive(Debug, Default)]
pub(super) struct Skeletons(RwLock<Vec<Arc<Skeleton>>>);

impl Skeletons {
    /// Returns the parsed skeleton of a text, from the store or by parsing it.
    ///
    /// # Errors
    /// Every fault of its YAML; a text with faults is not kept.
    pub(super) fn get(&self, text: &str) -> Result<Arc<Skeleton>, Vec<Fault>> {
        // A panic elsewhere leaves the list whole: entries are only ever pushed.
        let find = |known: &[Arc<Skeleton>]| known.iter().find(|known| *known.text == *text).cloned();
        if let Some(skeleton) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(skeleton);
        }
        let skeleton = Arc::new(Skeleton::parse(text)?);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_SKELETONS && find(&known).is_none() {
            known.push(Arc::clone(&skeleton));
        }
        Ok(skeleton)
    }
}
