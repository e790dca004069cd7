//! Tier layers: `extends` merged from the lowest layer up, and for every value which layers set or changed it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    bytes,
    places::{Document, Places, below},
    shape::shown,
    suggest,
};
use crate::{
    diag::{Code, Diagnostic, Place, Span},
    estate::group,
    sources::Sources,
    yaml::{self, Entry, Node, NodeValue, Profile},
};

/// The most layers of a tier: a person must still be able to follow them.
pub const MAX_LAYERS: usize = 4;

/// One layer's word about a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The tier file.
    pub file: String,
    /// Where the value is written.
    pub span: Span,
    /// Where its key is written; the value itself for an item of a list.
    pub key_span: Span,
    /// What the layer says; `null` takes an inherited value away.
    pub value: Value,
}

/// The merged `spec` of a tier, and where each part of it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Layered {
    /// The merged `spec`. `serviceDefaults` already lies beneath every service.
    pub value: Value,
    /// The files of the layers, the lowest first.
    pub files: Vec<String>,
    /// By JSON pointer into `value`; whatever is there has at least one origin.
    origins: BTreeMap<String, Vec<Origin>>,
}

impl Layered {
    /// Returns every layer that set or changed the value at `pointer`, a JSON pointer into the merged `spec`, the
    /// lowest first. A part of a list has the origins of the layer that gave the whole list.
    pub fn origins(&self, pointer: &str) -> &[Origin] {
        self.origins.get(pointer).map_or(&[], Vec::as_slice)
    }

    /// Returns the layer that gave the value at `pointer`, or the nearest value above it.
    fn nearest(&self, pointer: &str) -> Option<&Origin> {
        let mut pointer = pointer;
        loop {
            if let Some(origin) = self.origins(pointer).last() {
                return Some(origin);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    fn top(&self) -> Place {
        Place::file(self.files.last().map(String::as_str).unwrap_or_default())
    }
}

impl Places for Layered {
    fn value(&self, pointer: &str) -> Place {
        match (self.origins(pointer).last(), self.nearest(pointer)) {
            (Some(origin), _) => Place::new(&origin.file, origin.span),
            (None, Some(origin)) => Place::new(&origin.file, origin.key_span),
            (None, None) => self.top(),
        }
    }

    fn key(&self, pointer: &str) -> Place {
        self.nearest(pointer).map_or_else(|| self.top(), |origin| Place::new(&origin.file, origin.key_span))
    }
}

/// Merges the layers of a tier, for people who ask where a value comes from.
///
/// # Errors
///
/// Why the tier or a layer beneath it cannot be read, as findings.
pub fn of_tier(sources: &Sources, tier: &str) -> Result<Layered, Vec<Diagnostic>> {
    let mut documents: BTreeMap<&str, Result<Document<'_>, Vec<Diagnostic>>> = BTreeMap::new();
    for (path, source) in sources.under("tiers/") {
        let Some(name) = name_of(path) else { continue };
        let read = bytes::text(path, source).and_then(|text| yaml::read(path, text, Profile::Estate));
        documents.insert(name, read.map(|node| Document { path, node }));
    }
    let known: Vec<&str> = documents.keys().copied().collect();
    if !documents.contains_key(tier) {
        let help = suggest::help(tier, "tiers", known, "there are no tiers yet");
        let message = format!("there is no tier {}", shown(tier));
        return Err(vec![Diagnostic::new(Code::UnknownTier, Place::file("tiers"), message, help)]);
    }
    let readable = documents.iter().filter_map(|(name, read)| Some((*name, read.as_ref().ok()?))).collect();
    let chain = chain(tier, &readable, &known.into_iter().collect());
    match chain {
        Ok(Chain::Layers(layers)) => {
            merge(&layers).map_err(|nulls| nulls.into_iter().map(|null| null.finding()).collect())
        }
        Ok(Chain::Broken(name)) => {
            Err(documents.get(name).and_then(|read| read.as_ref().err()).cloned().unwrap_or_default())
        }
        Err(finding) => Err(vec![*finding]),
    }
}

/// Returns the name of the tier in a file, if it is one.
pub(super) fn name_of(path: &str) -> Option<&str> {
    path.strip_prefix("tiers/")?.strip_suffix(".yaml").filter(|name| !name.contains('/'))
}

/// The layers of a tier.
pub(super) enum Chain<'d> {
    /// All of them, the lowest first.
    Layers(Vec<&'d Document<'d>>),
    /// This one is there but cannot be read, which is a finding of its own.
    Broken(&'d str),
}

/// Follows `extends` down from a tier. `known` names all tier files, `readable` those that could be read.
///
/// # Errors
///
/// The tier beneath does not exist, the layers go in a circle, or there are too many.
pub(super) fn chain<'d>(
    tier: &'d str,
    readable: &BTreeMap<&'d str, &'d Document<'d>>,
    known: &BTreeSet<&'d str>,
) -> Result<Chain<'d>, Box<Diagnostic>> {
    let mut names = vec![tier];
    let mut layers = Vec::new();
    loop {
        let name = names[names.len() - 1];
        let Some(document) = readable.get(name) else { return Ok(Chain::Broken(name)) };
        layers.push(*document);
        let Some(beneath) = document.node.at("/spec/extends").and_then(Node::as_str) else {
            layers.reverse();
            return Ok(Chain::Layers(layers));
        };
        let fault = |at: &Document<'_>, code, message: String, help: String| {
            Err(Box::new(Diagnostic::new(code, at.value("/spec/extends"), message, help)))
        };
        if let Some(start) = names.iter().position(|name| *name == beneath) {
            // Told once for the whole circle, from whatever tier one comes to it.
            let mut circle: Vec<(&str, &Document<'_>)> = names.drain(start..).zip(layers.drain(start..)).collect();
            let first = circle.iter().enumerate().min_by_key(|(_, (name, _))| *name).map_or(0, |(index, _)| index);
            circle.rotate_left(first);
            let around: Vec<String> =
                circle.iter().chain(circle.first()).map(|(name, _)| format!("`{name}`")).collect();
            let message = format!("the tiers extend each other in a circle: {}", around.join(" → "));
            return fault(circle[0].1, Code::ExtendsCycle, message, "take one `extends` out".to_owned());
        }
        if names.len() == MAX_LAYERS {
            let message = format!("the tier `{tier}` has more than {MAX_LAYERS} layers");
            return fault(layers[0], Code::ExtendsTooDeep, message, "join two of the layers".to_owned());
        }
        let Some(next) = known.get(beneath) else {
            let others = known.iter().copied().filter(|known| !names.contains(known)).collect::<Vec<_>>();
            let help = suggest::help(beneath, "tiers", others, "take `extends` out");
            return fault(document, Code::UnknownBase, format!("there is no tier {} to extend", shown(beneath)), help);
        };
        names.push(next);
    }
}

/// A `null` that takes nothing away.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UselessNull {
    place: Place,
    key: String,
}

impl UselessNull {
    /// Returns the finding about it.
    pub(super) fn finding(self) -> Diagnostic {
        Diagnostic::new(
            Code::NullWithoutEffect,
            self.place,
            format!("{} is empty, and no layer beneath has it", shown(&self.key)),
            "write a value, `{}` for an empty map, or take the key out; `null` takes an inherited key away",
        )
    }
}

/// Merges the `spec` of layers, the lowest first.
///
/// # Errors
///
/// Every `null` that takes nothing away: it was meant as an empty value.
pub(super) fn merge(layers: &[&Document<'_>]) -> Result<Layered, Vec<UselessNull>> {
    let mut merging = Merging { file: String::new(), origins: BTreeMap::new(), nulls: Vec::new() };
    let mut value = Value::Object(Map::new());
    for (index, layer) in layers.iter().enumerate() {
        let Some(Entry { key_span, value: spec, .. }) = layer.node.entry("spec") else { continue };
        merging.file = layer.path.to_owned();
        merging.record("", spec, *key_span);
        let own = |key: &str| index + 1 == layers.len() || !matches!(key, "extends" | "abstract");
        merging.entries(&mut value, spec.entries().iter().filter(|entry| own(&entry.key)), "");
    }
    merging.put_defaults_beneath(&mut value);
    let useless = merging.useless_nulls(&value);
    drop_nulls(&mut value, "");
    match useless.is_empty() {
        true => Ok(Layered {
            value,
            files: layers.iter().map(|layer| layer.path.to_owned()).collect(),
            origins: merging.origins,
        }),
        false => Err(useless),
    }
}

/// A `null` of a layer, and whether a lower layer has what it takes away.
struct Null {
    pointer: String,
    effective: bool,
    place: Place,
    key: String,
}

struct Merging {
    /// The file of the layer that is laid.
    file: String,
    origins: BTreeMap<String, Vec<Origin>>,
    nulls: Vec<Null>,
}

impl Merging {
    fn record(&mut self, pointer: &str, node: &Node, key_span: Span) {
        let origin = Origin { file: self.file.clone(), span: node.span, key_span, value: node.to_json() };
        self.origins.entry(pointer.to_owned()).or_default().push(origin);
    }

    /// Lays a map over `lower`. Nulls stay, so that they can still hide what lies beneath a service.
    fn entries<'n>(&mut self, lower: &mut Value, entries: impl Iterator<Item = &'n Entry>, pointer: &str) {
        let Value::Object(map) = lower else { return };
        for Entry { key, key_span, value: node, .. } in entries {
            let child = below(pointer, key);
            if node.is_null() {
                let effective = map.get(key).is_some_and(|lower| !lower.is_null());
                let place = Place::new(&self.file, *key_span);
                self.nulls.push(Null { pointer: child.clone(), effective, place, key: key.clone() });
            }
            self.lay(map.entry(key.clone()).or_insert(Value::Null), node, *key_span, &child);
        }
    }

    fn lay(&mut self, lower: &mut Value, node: &Node, key_span: Span, pointer: &str) {
        self.record(pointer, node, key_span);
        match &node.value {
            NodeValue::Map(entries) => {
                if !lower.is_object() {
                    self.forget_below(pointer);
                    *lower = Value::Object(Map::new());
                }
                self.entries(lower, entries.iter(), pointer);
            }
            NodeValue::List(_) => {
                self.forget_below(pointer);
                *lower = node.to_json();
                self.record_parts(node, pointer);
            }
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) | NodeValue::String { .. } => {
                self.forget_below(pointer);
                *lower = node.to_json();
            }
        }
    }

    /// Records what a list holds; nothing in it is merged.
    fn record_parts(&mut self, node: &Node, pointer: &str) {
        for (index, item) in node.items().iter().enumerate() {
            let child = below(pointer, &index.to_string());
            self.record(&child, item, item.span);
            self.record_parts(item, &child);
        }
        for Entry { key, key_span, value, .. } in node.entries() {
            let child = below(pointer, key);
            self.record(&child, value, *key_span);
            self.record_parts(value, &child);
        }
    }

    /// What was below a value that is replaced has no say any more.
    fn forget_below(&mut self, pointer: &str) {
        let start = format!("{pointer}/");
        let below: Vec<String> = self
            .origins
            .range(start.clone()..)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(&start))
            .cloned()
            .collect();
        for key in below {
            self.origins.remove(&key);
        }
    }

    /// Lays every service over `serviceDefaults`, and puts the defaults first in the origins of what they reach.
    fn put_defaults_beneath(&mut self, value: &mut Value) {
        const DEFAULTS: &str = "/serviceDefaults";
        let mut defaults = value.get("serviceDefaults").cloned().unwrap_or_default();
        drop_nulls(&mut defaults, DEFAULTS);
        let Some(Value::Object(services)) = value.get_mut("services") else { return };
        if !defaults.is_object() {
            return;
        }
        let of_defaults: Vec<(String, Vec<Origin>)> = self
            .origins
            .range(format!("{DEFAULTS}/")..)
            .take_while(|(key, _)| key.starts_with("/serviceDefaults/"))
            .map(|(key, origins)| (key[DEFAULTS.len()..].to_owned(), origins.clone()))
            .collect();
        for (name, service) in services.iter_mut().filter(|(_, service)| service.is_object()) {
            let own = std::mem::replace(service, defaults.clone());
            let base = below("/services", name);
            for null in self.nulls.iter_mut() {
                let hidden = null.pointer.strip_prefix(&base).and_then(|rest| defaults.pointer(rest));
                null.effective |= hidden.is_some();
            }
            group::merge(service, &own);
            for (suffix, origins) in &of_defaults {
                if service.pointer(suffix).is_some() {
                    let pointer = format!("{base}{suffix}");
                    self.origins.entry(pointer).or_default().splice(0..0, origins.iter().cloned());
                }
            }
        }
    }

    /// A null in the settings of an item may also hide a setting of its group.
    fn useless_nulls(&mut self, value: &Value) -> Vec<UselessNull> {
        let hides_setting = |pointer: &str| {
            let mut parts = pointer.splitn(6, '/').skip(1);
            let [Some("provisions"), Some(group), Some("items"), Some(_), Some(rest)] = [(); 5].map(|()| parts.next())
            else {
                return false;
            };
            value.pointer(&format!("/provisions/{group}/spec/{rest}")).is_some_and(|setting| !setting.is_null())
        };
        let useless = self.nulls.iter().filter(|null| !null.effective && !hides_setting(&null.pointer));
        useless.map(|null| UselessNull { place: null.place.clone(), key: null.key.clone() }).collect()
    }
}

/// Takes nulls out of maps. Those in the settings of an item stay: they hide settings of its group.
fn drop_nulls(value: &mut Value, pointer: &str) {
    let Value::Object(map) = value else { return };
    let mut parts = pointer.split('/').skip(1);
    let in_item = parts.next() == Some("provisions") && parts.nth(1) == Some("items") && parts.next().is_some();
    if in_item {
        return;
    }
    map.retain(|_, value| !value.is_null());
    for (key, value) in map.iter_mut() {
        drop_nulls(value, &below(pointer, key));
    }
}

#[cfg(test)]
mod tests;
