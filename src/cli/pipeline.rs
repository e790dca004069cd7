//! Estate → rendered tenants, in parallel and in a deterministic order; each command takes from it what it needs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use rayon::prelude::*;

use super::{
    error::CommandError,
    memory::Watch,
    report::{Ui, findings},
};
use crate::{
    check::{self, Checked},
    diag::{Diagnostic, Report},
    estate::{Estate, Tenant},
    inflate::{self, Programs},
    name::{TenantName, TierName},
    plan::Plan,
    raw::tenant::State,
    reach::Reach,
    render::{self, Renderer},
    rendered::{Origin, Rendered},
    resolve::Resolver,
    sources::Sources,
    tree::Tree,
    verify::{Across, Verifier},
};

/// The stages behind `check`, made once for all tenants of an estate.
struct Stages<'e> {
    resolver: Resolver<'e>,
    renderer: Renderer<'e>,
    verifier: Verifier,
    across: Across,
    programs: Programs,
    watch: Watch,
}

impl<'e> Stages<'e> {
    fn new(ui: &Ui, estate: &'e Estate) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self {
            resolver: Resolver::new(estate),
            renderer: Renderer::new(estate)?,
            verifier: Verifier::new(estate)?,
            across: Across::new(),
            programs: Programs::find(),
            watch: Watch::start(*ui, estate.tenants().len()),
        })
    }

    /// Renders one tenant and verifies what comes out; nothing where it cannot be rendered.
    fn tenant(&self, tenant: &Tenant) -> (Option<Rendered>, Vec<Diagnostic>) {
        // resolve (no I/O; cannot fail)
        let plan = self.resolver.plan(tenant);
        // render (no I/O)
        let rendered = match self.watch.over(plan.tenant.name.as_str(), || self.renderer.tenant(&plan)) {
            Ok(rendered) => rendered,
            Err(findings) => return (None, findings),
        };
        let (last_word, mut findings) = self.last_word(&plan, &rendered);
        // verify (no I/O)
        let place = |plan: &Plan, origin: &Origin, pointer: &str| self.renderer.place(plan, origin, pointer);
        let objects = last_word.as_ref().unwrap_or(&rendered);
        findings.extend(self.verifier.verify_among(&plan, objects, &place, &self.across));
        (Some(rendered), findings)
    }

    /// Inflates: runs kustomize or helm, only where the tier gives them the last word.
    fn last_word(&self, plan: &Plan, rendered: &Rendered) -> (Option<Rendered>, Vec<Diagnostic>) {
        match inflate::has_last_word(plan) {
            true => self.programs.inflate(plan, rendered, &render::write(rendered)),
            false => (None, Vec::new()),
        }
    }

    /// Verifies what only several tenants together can get wrong, among those that were rendered. What concerns two tenants
    /// is known only after both: those two are rendered again.
    fn across(mut self, estate: &Estate) -> Vec<Diagnostic> {
        let across = std::mem::take(&mut self.across);
        let again = |name: &str| {
            let plan = self.resolver.plan(estate.tenants().get(name)?);
            let rendered = self.renderer.tenant(&plan).ok()?;
            let last_word = self.last_word(&plan, &rendered).0;
            Some((plan, last_word.unwrap_or(rendered)))
        };
        let place = |plan: &Plan, origin: &Origin, pointer: &str| self.renderer.place(plan, origin, pointer);
        self.verifier.conclude(across, again, &place)
    }
}

/// Renders and verifies every tenant, and keeps nothing but the findings.
pub(super) fn verify(ui: &Ui, estate: &Estate) -> Report {
    let stages = match Stages::new(ui, estate) {
        Ok(stages) => stages,
        Err(findings) => return Report::new(findings),
    };
    let progress = ui.progress(estate.tenants().len(), "verifying");
    let mut findings: Vec<Diagnostic> = estate
        .tenants()
        .par_iter()
        .flat_map_iter(|(_, tenant)| {
            let (_, findings) = stages.tenant(tenant);
            progress.inc(1);
            findings
        })
        .collect();
    progress.finish_and_clear();
    findings.extend(stages.across(estate));
    Report::new(findings)
}

/// The rendered tree of an estate, and what there is to say about it.
pub(super) struct Made {
    pub(super) tree: Tree,
    pub(super) report: Report,
}

impl Made {
    /// Nothing rendered, and nothing to say.
    pub(super) fn nothing() -> Self {
        Self { tree: Tree::new(), report: Report::default() }
    }
}

/// Renders the named tenants, or all of them and the `argocd/` folder where none is named.
///
/// # Errors
/// Usage, where a name is no tenant of the estate.
pub(super) fn tree(ui: &Ui, estate: &Estate, names: &[String]) -> Result<Made, CommandError> {
    Ok(made(ui, estate, &select(estate, names)?, names.is_empty()))
}

/// Renders all tenants and the `argocd/` folder.
pub(super) fn all(ui: &Ui, estate: &Estate) -> Made {
    made(ui, estate, &estate.tenants().values().collect::<Vec<_>>(), true)
}

/// Renders what a change reaches, as far as the estate has it.
pub(super) fn part(ui: &Ui, estate: &Estate, reach: &Reach) -> Made {
    let tenants: Vec<&Tenant> = reach.tenants.iter().filter_map(|name| estate.tenants().get(name.as_str())).collect();
    made(ui, estate, &tenants, reach.platform)
}

fn made(ui: &Ui, estate: &Estate, tenants: &[&Tenant], platform: bool) -> Made {
    let stages = match Stages::new(ui, estate) {
        Ok(stages) => stages,
        Err(findings) => return Made { tree: Tree::new(), report: Report::new(findings) },
    };
    let progress = ui.progress(tenants.len(), "rendering");
    let made: Vec<(Tree, Vec<Diagnostic>)> = tenants
        .par_iter()
        .map(|tenant| {
            let (rendered, findings) = stages.tenant(tenant);
            progress.inc(1);
            (rendered.map(|rendered| render::write(&rendered)).unwrap_or_default(), findings)
        })
        .collect();
    progress.finish_and_clear();
    // What is wrong with them alone was said when they were rendered.
    neighbours(estate, tenants).par_iter().for_each(|tenant| drop(stages.tenant(tenant)));
    let mut tree = if platform { stages.renderer.platform() } else { Tree::new() };
    let mut findings = Vec::new();
    for (files, found) in made {
        tree.extend(files);
        findings.extend(found);
    }
    findings.extend(stages.across(estate));
    Made { tree, report: Report::new(findings) }
}

/// Returns tenants to hold those against that are rendered: of all others one of each tier, region and state. Policies are made
/// by these, so that what holds between two tenants holds between all of their kinds.
fn neighbours<'e>(estate: &'e Estate, rendered: &[&Tenant]) -> Vec<&'e Tenant> {
    let rendered: BTreeSet<&TenantName> = rendered.iter().map(|tenant| &tenant.name).collect();
    let others = estate.tenants().values().filter(|tenant| !rendered.contains(&tenant.name));
    let mut kinds: BTreeMap<(&TierName, &str, State), &Tenant> = BTreeMap::new();
    for tenant in others {
        kinds.entry((&tenant.tier, &tenant.region, tenant.lifecycle.state)).or_insert(tenant);
    }
    kinds.into_values().collect()
}

pub(super) fn select<'e>(estate: &'e Estate, names: &[String]) -> Result<Vec<&'e Tenant>, CommandError> {
    if names.is_empty() {
        return Ok(estate.tenants().values().collect());
    }
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    names
        .into_iter()
        .map(|name| {
            estate.tenants().get(name).ok_or_else(|| {
                let near = estate.tenants().keys().min_by_key(|known| strsim::osa_distance(known.as_str(), name));
                let error = CommandError::usage(anyhow!("there is no tenant `{name}`"));
                match near.filter(|near| strsim::osa_distance(near.as_str(), name) <= 4) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("the tenants are the files in tenants/"),
                }
            })
        })
        .collect()
}

/// Checks sources and gives the estate, or tells every finding and gives none.
pub(super) fn estate(ui: &Ui, sources: &Sources) -> Option<Estate> {
    told(ui, sources, check::check(sources))
}

/// Gives the estate of what was checked, if there is one, and tells every finding.
pub(super) fn told(ui: &Ui, sources: &Sources, checked: Checked) -> Option<Estate> {
    if !checked.report.findings().is_empty() {
        let result = findings::Result { report: &checked.report, sources, tenants: checked.tenants };
        findings::tell(ui, &result);
    }
    checked.estate
}

/// Renders a checked estate and gives the tree, or tells every finding and gives none where one is an error.
pub(super) fn checked_tree(
    ui: &Ui,
    estate: &Estate,
    sources: &Sources,
    names: &[String],
) -> Result<Option<Tree>, CommandError> {
    Ok(right(ui, estate, sources, tree(ui, estate, names)?))
}

/// Gives the tree of what was rendered, or tells every finding and gives none where one is an error.
pub(super) fn right(ui: &Ui, estate: &Estate, sources: &Sources, made: Made) -> Option<Tree> {
    let Made { tree, report } = made;
    if !report.findings().is_empty() {
        findings::tell(ui, &findings::Result { report: &report, sources, tenants: estate.tenants().len() });
    }
    (report.errors() == 0).then_some(tree)
}
