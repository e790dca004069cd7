//! What the output branch was rendered from, and so what a commit on it has to render.
//!
//! A tip that this build of tenantry made of a revision that the repository holds, and that nobody touched, holds the same files
//! as a full run on that revision: what a change since then cannot reach is kept by its id in git, unread. Everything that this
//! depends on is in the tip's trailers; where one is missing or differs, all is rendered.

use std::collections::BTreeSet;

use super::{
    BUILD,
    error::CommandError,
    input::git_error,
    known::Known,
    pipeline::{self, Made},
    report::Ui,
};
use crate::{
    estate::Estate,
    git::{self, Held, Repository, lineage::SOURCE_REVISION, origin::Origin},
    inflate::{Program, Programs},
    raw::tier::Format,
    reach::{self, Reach},
    sources::ESTATE_FILE,
    tree::Tree,
};

const PATH: &str = "Source-Path";
const VERSION: &str = "Tenantry-Version";
const MADE_BY: &str = "Tenantry-Build";
const VERIFIED: &str = "Verified-With";

/// The estate that is committed: its files as HEAD has them, and what they are.
pub(super) struct Target<'t> {
    pub repository: &'t Repository,
    /// Where in the repository the estate lies.
    pub prefix: &'t str,
    pub held: &'t Held,
    pub estate: &'t Estate,
}

/// What has to be rendered.
pub(super) enum Work {
    /// Everything.
    All,
    /// What may differ from the output branch's tip.
    Since { reach: Reach, folders: BTreeSet<String> },
}

impl Work {
    /// Finds out what has to be rendered for a commit on `tip`.
    pub(super) fn find(target: &Target<'_>, tip: Option<&str>) -> Result<Self, CommandError> {
        let Some(tip) = tip else { return Ok(Work::All) };
        let Some(revision) = source_of(target, tip)? else {
            tracing::debug!(%tip, "not made by this build of a known revision: everything is rendered");
            return Ok(Work::All);
        };
        // A revision that is not there, as in a shallow clone, is no fault: then nothing can be compared with it.
        let Ok(before) = target.held.at(target.repository, &revision, target.prefix) else { return Ok(Work::All) };
        let Some(reach) = target.reach(&before) else { return Ok(Work::All) };
        let (rendered, tenants) = (reach.tenants.len(), target.estate.tenants().len());
        tracing::debug!(rendered, tenants, platform = reach.platform, %revision, "the rest is kept from the branch");
        Ok(Work::Since { folders: folders(&reach), reach })
    }

    /// Renders what has to be.
    pub(super) fn render(&self, ui: &Ui, target: &Target<'_>) -> Result<Option<Tree>, CommandError> {
        let Target { held, estate, .. } = target;
        let made = match self {
            Work::All => pipeline::tree(ui, estate, &[])?,
            // Without a tenant, too: a template that cannot be compiled is found.
            Work::Since { reach, .. } if !reach.is_empty() => pipeline::part(ui, estate, reach),
            Work::Since { .. } => Made::nothing(),
        };
        Ok(pipeline::right(ui, estate, held.sources(), made))
    }

    /// Returns the folders that the commit replaces; all where there is none to keep.
    pub(super) fn only(&self) -> Option<&BTreeSet<String>> {
        match self {
            Work::All => None,
            Work::Since { folders, .. } => Some(folders),
        }
    }

    /// Returns whether the folder at a path with `/` behind it may change, or holds one that may.
    pub(super) fn touches(&self, folder: &str) -> bool {
        match self {
            Work::All => true,
            Work::Since { reach, .. } => match folder.strip_prefix("tenants/") {
                Some("") => true,
                Some(below) => below.split('/').next().is_some_and(|name| reach.tenants.contains(name)),
                None => reach.platform,
            },
        }
    }
}

impl Target<'_> {
    /// Returns what can differ from an earlier state of the estate; nothing where that cannot be told.
    fn reach(&self, before: &Held) -> Option<Reach> {
        before.sources().get(ESTATE_FILE)?;
        if let Some(tenants) = changed_tenants(before, self.held) {
            return Some(Reach::of_tenants(tenants));
        }
        let mut known = Known::beside(self.repository, before);
        let checked = known.check(before);
        known.keep(before);
        Some(reach::between(&checked.estate?, self.estate))
    }

    /// The message of a commit, with the trailers that [`source_of`] reads.
    pub(super) fn message(&self, revision: &str) -> String {
        let tenants = super::report::count(self.estate.tenants().len(), "tenant");
        let short = &revision[..revision.len().min(12)];
        let trailers: String = std::iter::once((SOURCE_REVISION, revision.to_owned()))
            .chain(self.circumstances())
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        format!("render: {tenants} from {short}\n\n{trailers}")
    }

    /// What a rendering depends on beside the revision.
    fn circumstances(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![(VERSION, env!("CARGO_PKG_VERSION").to_owned()), (MADE_BY, BUILD.to_owned())];
        if !self.prefix.is_empty() {
            // As JSON writes it: on one line, whatever the folder is called.
            all.push((PATH, serde_json::Value::from(self.prefix).to_string()));
        }
        let with = programs(self.estate);
        if !with.is_empty() {
            all.push((VERIFIED, with));
        }
        all
    }
}

/// Returns the revision that the tip is the full rendering of, under the same circumstances as now.
fn source_of(target: &Target<'_>, tip: &str) -> Result<Option<String>, CommandError> {
    let Some(origin) = git::origin::origin(target.repository, tip).map_err(git_error)? else { return Ok(None) };
    let now = target.circumstances();
    let same = [VERSION, MADE_BY, PATH, VERIFIED].into_iter().all(|name| {
        let value = now.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        origin.trailer(name) == value
    });
    Ok(if same { revision(&origin) } else { None })
}

/// A full id and nothing that git would look for: what a name stands for moves.
fn revision(origin: &Origin) -> Option<String> {
    const DIGITS: usize = 40;
    let id = origin.trailer(SOURCE_REVISION)?;
    (id.len() == DIGITS && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// The programs that have the last word over some tier's objects, with their versions: another one may find other faults.
fn programs(estate: &Estate) -> String {
    let specs = || estate.tiers().values().map(|tier| tier.spec());
    let overlays =
        |kustomize: &crate::raw::tier::Kustomize| !kustomize.components.is_empty() || !kustomize.patches.is_empty();
    let helm = specs().any(|spec| spec.format == Format::Helm);
    let kustomize =
        specs().any(|spec| spec.format == Format::Kustomize && spec.kustomize.as_ref().is_some_and(overlays));
    let installed = Programs::find();
    let needed = [(Program::Helm, helm), (Program::Kustomize, kustomize)].into_iter().filter(|(_, needed)| *needed);
    let named = needed.map(|(program, _)| {
        let version: String = installed.version(program).unwrap_or("none").split_whitespace().collect();
        format!("{} {version}", program.name())
    });
    named.collect::<Vec<_>>().join(", ")
}

/// The tenants whose files differ, where nothing but tenant files differs.
pub(super) fn changed_tenants(before: &Held, after: &Held) -> Option<BTreeSet<String>> {
    let paths = before.differing(after).into_iter();
    paths.map(|path| Some(path.strip_prefix("tenants/")?.strip_suffix(".yaml")?.to_owned())).collect()
}

fn folders(reach: &Reach) -> BTreeSet<String> {
    let tenants = reach.tenants.iter().map(|name| format!("tenants/{name}"));
    tenants.chain(reach.platform.then(|| "argocd".to_owned())).collect()
}
