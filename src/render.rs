//! The render step: plan × templates → final objects and the files around them. Pure, and the same bytes every time.
//!
//! A template prints a *skeleton*: its text with a placeholder for each value ([`engine`], [`holes`]). The skeleton depends
//! on control flow alone and is parsed as YAML once ([`skeleton`]); values are then put into the parsed tree as data. So a
//! value can never change structure, and most renderings parse nothing. What templates do not make (the hook Job, the digest,
//! the kustomization, the chart around a chart) is made here in Rust.

mod application;
mod applicationset;
mod bundle;
mod chart;
mod context;
mod engine;
mod explain;
mod faults;
mod filters;
mod holes;
mod hook;
pub mod kinds;
mod kustomization;
mod loads;
mod marks;
mod path;
mod project;
mod repair;
mod scan;
mod skeleton;
mod tenant;
mod write;

use std::{collections::BTreeMap, sync::OnceLock};

use bundle::Bundle;
use context::Contexts;
use engine::Engine;
pub use explain::FieldSource;
use faults::Texts;
pub use loads::{Loads, loads};
pub use write::write;

use crate::{
    diag::{Code, Diagnostic, Place},
    estate::Estate,
    plan::Plan,
    rendered::{Origin, Rendered},
    tree::Tree,
    yaml,
};

/// The end of a template's name; other files below `templates/` are none.
const TEMPLATE: &str = ".j2";

/// Renders the tenants of one estate. Threads share one renderer, and with it what tenants have in common.
#[derive(Debug)]
pub struct Renderer<'e> {
    estate: &'e Estate,
    texts: Texts,
    engine: Engine,
    marked: OnceLock<Engine>,
    bundles: BTreeMap<String, Bundle>,
    contexts: Contexts,
}

impl<'e> Renderer<'e> {
    /// Compiles every template and bundle of an estate.
    ///
    /// # Errors
    /// Every template with a fault of syntax, every bundle entry without a template or with an expression or path that
    /// can never work.
    pub fn new(estate: &'e Estate) -> Result<Self, Vec<Diagnostic>> {
        let texts: Texts = estate.templates().iter().map(|(name, text)| (name.to_owned(), text.clone())).collect();
        let mut findings = Vec::new();
        let mut engine = Engine::new();
        for (name, text) in templates(&texts) {
            if let Some(line) = scan::line_of_many_signs(text) {
                let span = faults::line_span(text, u32::try_from(line).unwrap_or(u32::MAX));
                let place = Place::new(format!("{}{name}", faults::FOLDER), span);
                findings.push(Diagnostic::new(Code::TemplateSyntax, place, engine::MANY_SIGNS, "one sign is enough"));
            } else if let Err(error) = engine.add(name, text) {
                findings.push(faults::finding(&error, &texts, &Place::file(format!("{}{name}", faults::FOLDER)), None));
            }
            findings.extend(foreign_characters(name, text));
        }
        let bundles = estate
            .bundles()
            .iter()
            .map(|(name, spec)| (name.clone(), Bundle::new(name, spec, &mut engine, &texts, &mut findings)))
            .collect();
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self { estate, texts, engine, marked: OnceLock::new(), bundles, contexts: Contexts::default() })
    }

    /// Renders one tenant: its objects, and every other file of it.
    ///
    /// # Errors
    /// Every fault of every template, each at the template's line and with the tenant's name.
    pub fn tenant(&self, plan: &Plan) -> Result<Rendered, Vec<Diagnostic>> {
        tenant::render(self, plan)
    }

    /// Returns the template line that made the value at a JSON pointer of an object, or its nearest parent that exists.
    ///
    /// Renders the object again, so only for findings. For an object that no template made, its file as a whole.
    pub fn place(&self, plan: &Plan, origin: &Origin, pointer: &str) -> Place {
        explain::place(self, plan, origin, pointer)
    }

    /// Returns what made the value at a JSON pointer of an object: the template's line and the expressions in it.
    ///
    /// `None` for an object that no template made.
    pub fn source(&self, plan: &Plan, origin: &Origin, pointer: &str) -> Option<FieldSource> {
        explain::source(self, plan, origin, pointer)
    }

    /// Returns the files that the estate has once: the AppProject and the ApplicationSet.
    pub fn platform(&self) -> Tree {
        let mut tree = Tree::new();
        tree.insert("argocd/project.yaml", yaml::write(&project::project(self.estate)));
        tree.insert("argocd/applicationset.yaml", yaml::write(&applicationset::application_set(self.estate)));
        if self.estate.tiers().values().any(|tier| !tier.groups().is_empty()) {
            tree.insert("argocd/provision-all.yaml", yaml::write(&repair::cron_job(self.estate.platform())));
        }
        tree
    }

    /// Returns an engine whose templates carry line marks; files are numbered in the order of `texts`.
    fn marked(&self) -> &Engine {
        self.marked.get_or_init(|| {
            let mut engine = Engine::new();
            for (number, name) in self.texts.keys().enumerate() {
                let Some(text) = self.texts.get(name).filter(|_| name.ends_with(TEMPLATE)) else { continue };
                // Without marks, its lines have no place; that is better than no output.
                if engine.add(name, &marks::mark(text, number)).is_err() {
                    let _: Result<(), minijinja::Error> = engine.add(name, text);
                }
            }
            engine
        })
    }
}

fn templates(texts: &Texts) -> impl Iterator<Item = (&str, &str)> {
    texts.iter().filter(|(name, _)| name.ends_with(TEMPLATE)).map(|(name, text)| (name.as_str(), text.as_ref()))
}

/// Private-use characters stand for values; `check` lets none into an estate.
fn foreign_characters(name: &str, text: &str) -> Option<Diagnostic> {
    let line = text.lines().position(|line| line.chars().any(holes::is_private_use))?;
    let line = u32::try_from(line + 1).unwrap_or(u32::MAX);
    Some(Diagnostic::new(
        Code::ForbiddenCharacter,
        Place::new(format!("{}{name}", faults::FOLDER), faults::line_span(text, line)),
        "the template holds a private-use character",
        "remove it: private-use characters stand for values",
    ))
}

#[cfg(test)]
mod tests;
