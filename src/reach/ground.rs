//! What a tenant's part of the tree takes from the estate beside its plan: templates, charts, components, and the rules of
//! verification.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    estate::{Estate, Platform},
    plan::Plan,
    provision::connection::Connection,
    raw::{estate::KubernetesVersion, tier::Format},
    render::{Loads, loads},
    tree::Tree,
};

/// What differs between two estates, apart from plans.
#[derive(Debug, Default)]
pub(super) struct Ground {
    /// Something that every tenant is verified by.
    everything: bool,
    bundles: BTreeSet<String>,
    charts: BTreeSet<String>,
    components: BTreeSet<String>,
}

impl Ground {
    /// Compares two estates.
    pub(super) fn between(before: &Estate, after: &Estate) -> Self {
        let names: BTreeSet<&String> = before.bundles().keys().chain(after.bundles().keys()).collect();
        let bundles = names.into_iter().filter(|name| bundle(before, name) != bundle(after, name));
        let (old, new) = (Rules::of(before.platform()), Rules::of(after.platform()));
        Self {
            everything: before.definitions() != after.definitions() || old != new,
            bundles: bundles.cloned().collect(),
            charts: changed(before.charts(), after.charts()),
            components: changed(before.components(), after.components()),
        }
    }

    /// Returns whether a difference reaches a tenant with this plan. A difference of its plan is for the caller to see.
    pub(super) fn reaches(&self, plan: &Plan) -> bool {
        let Self { everything, bundles, charts, components } = self;
        let tier = &plan.tier;
        *everything
            || tier.bundles.iter().any(|bundle| bundles.contains(bundle))
            || tier.chart.iter().any(|chart| holds(charts, chart))
            || tier.format == Format::Kustomize && tier.kustomize.components.iter().any(|name| holds(components, name))
    }
}

/// What the platform gives to the output of every tenant, and to its verification, beside the plan. Every field of the platform
/// is named, so that a new one is thought of here.
#[derive(PartialEq)]
struct Rules<'p> {
    /// The kinds that templates may make.
    kinds: &'p [String],
    /// What the clusters serve.
    kubernetes_version: Option<&'p KubernetesVersion>,
    /// The servers that Pods must reach, and how the Job proves who it is.
    connections: &'p BTreeMap<String, Connection>,
}

impl<'p> Rules<'p> {
    fn of(platform: &'p Platform) -> Self {
        let Platform {
            // In every plan.
            name: _,
            display_name: _,
            domain: _,
            argocd: _,
            provisioning: _,
            routing: _,
            network: _,
            settings: _,
            // In the plans of whom they concern.
            regions: _,
            naming: _,
            secret_store: _,
            // In `argocd/` alone.
            output: _,
            connections,
            allowed_kinds,
            kubernetes_version,
        } = platform;
        Self { kinds: allowed_kinds, kubernetes_version: kubernetes_version.as_ref(), connections }
    }
}

/// Returns all that a bundle's output is made of: its file and the templates that it may take in.
fn bundle<'e>(estate: &'e Estate, name: &str) -> BTreeMap<String, Option<&'e str>> {
    match loads(estate, name) {
        Loads::These(names) => names
            .into_iter()
            .map(|name| {
                let text = estate.templates().get(&name).map(|text| &**text);
                (name, text)
            })
            .collect(),
        Loads::Any => estate.templates().iter().map(|(name, text)| (name.to_owned(), Some(&**text))).collect(),
    }
}

/// Returns the paths that one side has alone or both have with different texts.
fn changed(before: &Tree, after: &Tree) -> BTreeSet<String> {
    let paths = before.iter().chain(after.iter()).map(|(path, _)| path);
    paths.filter(|path| before.get(path) != after.get(path)).map(str::to_owned).collect()
}

/// Returns whether one of the paths lies in a folder.
fn holds(paths: &BTreeSet<String>, folder: &str) -> bool {
    let inside = format!("{folder}/");
    paths.range(inside.clone()..).next().is_some_and(|path| path.starts_with(&inside))
}
