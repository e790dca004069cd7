//! Rules on `tiers/*.yaml`: layers merged, and what comes out checked as a whole, each finding in the layer that made it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    bundles::Bundles,
    definitions::Definitions,
    files::{self, Files, resource_name},
    layers::{self, Chain, Layered},
    naming,
    places::{Document, Finder, Places, below},
    platform::Facts,
    provisions, quantities, services,
    shape::{Shapes, shown},
    suggest,
};
use crate::{
    diag::{Code, Diagnostic, Severity},
    estate::Tier,
    kubernetes::Quantity,
    name::TierName,
    raw::tier::{Format, Overridable, TierSpec},
};

/// What is known of a tier whose file exists.
#[derive(Debug)]
pub(super) enum State {
    /// It or a layer beneath it cannot be read or does not have the right shape; nothing is concluded from it.
    Broken,
    /// It is only there to be extended.
    Abstract,
    /// Its merged spec has the right shape. `checked` is what the estate keeps, and absent if something is wrong.
    Whole { spec: Box<TierSpec>, checked: Option<Arc<Tier>> },
}

/// The tiers of an estate by name.
#[derive(Debug)]
pub(super) struct Tiers {
    states: BTreeMap<String, State>,
}

impl Tiers {
    /// Returns what is known of a tier.
    pub(super) fn get(&self, name: &str) -> Option<&State> {
        self.states.get(name)
    }

    /// Returns the names of the tiers that tenants may use.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let usable = self.states.iter().filter(|(_, state)| !matches!(state, State::Abstract));
        usable.map(|(name, _)| name.as_str())
    }

    /// Returns the specs of the tiers that have one.
    pub(super) fn specs(&self) -> impl Iterator<Item = &TierSpec> {
        self.states.values().filter_map(|state| match state {
            State::Whole { spec, .. } => Some(spec.as_ref()),
            State::Broken | State::Abstract => None,
        })
    }

    /// Returns whether every tier could be read.
    pub(super) fn are_complete(&self) -> bool {
        !self.states.values().any(|state| matches!(state, State::Broken))
    }

    /// Returns what the estate keeps of them; `None` if one of them is not right.
    pub(super) fn into_checked(self) -> Option<BTreeMap<TierName, Arc<Tier>>> {
        let mut checked = BTreeMap::new();
        for state in self.states.into_values() {
            match state {
                State::Abstract => {}
                State::Whole { checked: Some(tier), .. } => drop(checked.insert(tier.name().clone(), tier)),
                State::Broken | State::Whole { checked: None, .. } => return None,
            }
        }
        Some(checked)
    }
}

/// What the rules on tiers look at beside the tier.
pub(super) struct Around<'a> {
    pub shapes: &'a Shapes,
    pub facts: &'a Facts,
    pub definitions: &'a Definitions,
    pub bundles: &'a Bundles,
    pub files: &'a Files<'a>,
}

/// Checks the tiers.
pub(super) fn check(
    files: &Files<'_>,
    shapes: &Shapes,
    facts: &Facts,
    definitions: &Definitions,
    bundles: &Bundles,
    findings: &mut Vec<Diagnostic>,
) -> Tiers {
    let around = Around { shapes, facts, definitions, bundles, files };
    let mut known = BTreeSet::new();
    let mut documents = Vec::new();
    let mut refused = BTreeMap::new();
    for (path, _) in files.under("tiers/") {
        let Some(name) = resource_name(path, "tiers/") else { continue };
        known.insert(name);
        if let Some((document, parts)) = layer(files, path, shapes, findings) {
            documents.push((name, document));
            refused.insert(path, parts);
        }
    }
    let readable: BTreeMap<&str, &Document<'_>> = documents.iter().map(|(name, document)| (*name, document)).collect();
    let states = known.iter().map(|name| {
        let state = match layers::chain(name, &readable, &known) {
            Err(finding) => {
                findings.push(*finding);
                State::Broken
            }
            Ok(Chain::Broken(_)) => State::Broken,
            Ok(Chain::Layers(layers)) => {
                let refused: Vec<&str> = layers
                    .iter()
                    .flat_map(|layer| refused.get(layer.path).into_iter().flatten())
                    .filter_map(|pointer| pointer.strip_prefix("/spec"))
                    .collect();
                merged(name, &layers, &refused, &around, findings)
            }
        };
        ((*name).to_owned(), state)
    });
    Tiers { states: states.collect() }
}

/// Reads one layer, without the parts that do not have the right shape; their pointers are the second half.
fn layer<'s>(
    files: &Files<'s>,
    path: &'s str,
    shapes: &Shapes,
    findings: &mut Vec<Diagnostic>,
) -> Option<(Document<'s>, Vec<String>)> {
    let mut document = files.document(path, findings)?;
    let mut finder = Finder::new(&document);
    shapes.tier.check(&mut document.node.to_json(), "", &mut finder);
    if let Some(name) = document.node.at("/metadata/name").and_then(|name| name.as_str()) {
        naming::value::<TierName>(&mut finder, "/metadata/name", name);
        findings.extend(files::name_mismatch(&document, "tiers/", name));
    }
    let refused = finder.refused().to_vec();
    findings.extend(finder.finish());
    document.prune(&refused);
    Some((document, refused))
}

fn merged(
    name: &str,
    layers: &[&Document<'_>],
    refused: &[&str],
    around: &Around<'_>,
    findings: &mut Vec<Diagnostic>,
) -> State {
    let layered = match layers::merge(layers) {
        Ok(layered) => layered,
        Err(nulls) => {
            findings.extend(nulls.into_iter().map(layers::UselessNull::finding));
            return State::Broken;
        }
    };
    if layered.value.get("abstract") == Some(&Value::Bool(true)) {
        return State::Abstract;
    }
    let mut finder = Finder::new(&layered);
    finder.ignore(reach(refused, &layered.value));
    let (Some(spec), _) = around.shapes.merged_tier.read::<TierSpec>(layered.value.clone(), &mut finder) else {
        findings.extend(finder.finish());
        return State::Broken;
    };
    rules(&mut finder, &spec, around);
    let unknown = finder.refused().to_vec();
    let mut found = finder.finish();
    found.extend(provisions::check(&layered, &spec, unknown, around));
    let right = !found.iter().any(|finding| finding.severity == Severity::Error);
    findings.extend(found);
    if !refused.is_empty() {
        return State::Broken;
    }
    let checked = match (right, name.parse::<TierName>()) {
        (true, Ok(name)) => tier(name, &layered, spec.clone(), findings).map(Arc::new),
        _ => None,
    };
    State::Whole { spec: Box::new(spec), checked }
}

/// Returns the pointers into a merged tier at which refused parts of its layers are missing now.
fn reach(refused: &[&str], merged: &Value) -> Vec<String> {
    let services = merged.get("services").and_then(Value::as_object);
    let mut reached: Vec<String> = refused.iter().map(|pointer| (*pointer).to_owned()).collect();
    for beneath in refused.iter().filter_map(|pointer| pointer.strip_prefix("/serviceDefaults")) {
        reached.extend(services.into_iter().flatten().map(|(name, _)| below("/services", name) + beneath));
    }
    reached
}

/// Builds the checked tier. Its groups have been read already, so that a fault here is one that no rule foresaw.
fn tier(name: TierName, layered: &Layered, spec: TierSpec, findings: &mut Vec<Diagnostic>) -> Option<Tier> {
    match Tier::new(name, layered.files.clone(), spec) {
        Ok(tier) => Some(tier),
        Err(faults) => {
            findings.extend(faults.iter().map(|fault| {
                let help = "write the settings as the schema of their kind describes them";
                Diagnostic::new(Code::SchemaRule, layered.key(fault.pointer()), fault.to_string(), help)
            }));
            None
        }
    }
}

fn rules(finder: &mut Finder<'_>, spec: &TierSpec, around: &Around<'_>) {
    for (index, bundle) in spec.bundles.iter().enumerate() {
        if !around.bundles.has(bundle) {
            let none = format!("add `templates/{bundle}/bundle.yaml`");
            let help = suggest::help(bundle, "bundles", around.bundles.names(), &none);
            let pointer = format!("/bundles/{index}");
            finder.value(Code::UnknownBundle, &pointer, format!("there is no bundle {}", shown(bundle)), help);
        }
    }
    format(finder, spec, around.files);
    quantities::quota(finder, &around.definitions.schemas, &spec.quota);
    quantities::limits(finder, &spec.limits);
    services::check(finder, spec);
    overridable(finder, spec, around.definitions);
}

fn format(finder: &mut Finder<'_>, spec: &TierSpec, files: &Files<'_>) {
    if finder.is_refused("/format") {
        return;
    }
    let is = match spec.format {
        Format::Kustomize => "kustomize",
        Format::Helm => "helm",
        Format::Plain => "plain",
    };
    if spec.kustomize.is_some() && spec.format != Format::Kustomize {
        let message = format!("`kustomize` has no effect with `format: {is}`");
        finder.key(Code::FormatMismatch, "/kustomize", message, "take it out, or write `format: kustomize`");
    }
    match (&spec.chart, spec.format) {
        (None, Format::Helm) => {
            let help = "add `chart` with the name of a folder under `charts/`";
            finder.value(Code::FormatMismatch, "/format", "`format: helm` needs a chart", help);
        }
        (Some(chart), Format::Helm) => {
            folder(finder, files, "/chart", Code::UnknownChart, "charts/", chart, "Chart.yaml");
        }
        (Some(_), Format::Kustomize | Format::Plain) => {
            let message = format!("`chart` has no effect with `format: {is}`");
            finder.key(Code::FormatMismatch, "/chart", message, "take it out, or write `format: helm`");
        }
        (None, Format::Kustomize | Format::Plain) => {}
    }
    let components = spec.kustomize.iter().flat_map(|kustomize| &kustomize.components);
    for (index, component) in components.enumerate() {
        let pointer = format!("/kustomize/components/{index}");
        folder(finder, files, &pointer, Code::UnknownComponent, "components/", component, "kustomization.yaml");
    }
}

/// Finds a reference to a folder that is not there.
fn folder(
    finder: &mut Finder<'_>,
    files: &Files<'_>,
    pointer: &str,
    code: Code,
    parent: &str,
    name: &str,
    marker: &str,
) {
    if files.has(&format!("{parent}{name}/{marker}")) {
        return;
    }
    let suffix = format!("/{marker}");
    let there: BTreeSet<&str> = files
        .under(parent)
        .filter_map(|(path, _)| path[parent.len()..].strip_suffix(suffix.as_str()))
        .filter(|name| !name.contains('/'))
        .collect();
    let what = if code == Code::UnknownChart { "charts" } else { "components" };
    let help = suggest::help(name, what, there, &format!("add `{parent}{name}/{marker}`"));
    finder.value(code, pointer, format!("there is no `{parent}{}/{marker}`", name.escape_debug()), help);
}

fn overridable(finder: &mut Finder<'_>, spec: &TierSpec, definitions: &Definitions) {
    let Overridable { quota, services, settings } = &spec.overridable;
    let unknown = |finder: &mut Finder<'_>, pointer: &str, key: &str, what: &str, known: Vec<&str>| {
        let help = suggest::help(key, what, known, "take it out");
        finder.key(Code::UnknownCap, pointer, format!("the tier has no {} to override", shown(key)), help);
    };
    for (key, cap) in quota {
        let pointer = below("/overridable/quota", key);
        let max = quantities::read(finder, &below(&pointer, "max"), &cap.max);
        match spec.quota.get(key) {
            None => {
                quantities::quota_key(finder, &definitions.schemas, &pointer, key);
                unknown(finder, &pointer, key, "quotas", spec.quota.keys().map(String::as_str).collect());
            }
            Some(own) => {
                if let (Some(max), Ok(amount)) = (max, Quantity::parse(own))
                    && max < amount
                {
                    let message = format!("the cap `{}` is below the tier's own `{own}`", cap.max);
                    finder.value(Code::CapBelowTier, &below(&pointer, "max"), message, "raise the cap");
                }
            }
        }
    }
    for (name, cap) in services {
        let pointer = below("/overridable/services", name);
        let own = match (name.as_str(), spec.services.get(name)) {
            ("*", _) => continue,
            (_, Some(service)) => service.replicas,
            (_, None) => {
                unknown(finder, &pointer, name, "services", spec.services.keys().map(String::as_str).collect());
                continue;
            }
        };
        if cap.max_replicas < own {
            let message = format!("the cap of {} Pods is below the tier's own {own}", cap.max_replicas);
            finder.value(Code::CapBelowTier, &below(&pointer, "maxReplicas"), message, "raise the cap");
        }
    }
    for key in settings.keys().filter(|key| !spec.settings.contains_key(*key)) {
        let known = spec.settings.keys().map(String::as_str).collect();
        unknown(finder, &below("/overridable/settings", key), key, "settings", known);
    }
}
