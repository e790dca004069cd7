//! The check step: the files of an estate → an [`Estate`], or every finding of every file at once.
//!
//! Four stages: bytes ([`bytes`]), YAML ([`crate::yaml`]), JSON Schema ([`shape`]) and meaning (the other modules, one
//! set of rules each). A file that fails one stage is left out of the later ones, and nothing that follows from its
//! absence is reported: a tenant of a tier that cannot be read has no unknown tier.

mod bundles;
mod bytes;
mod definitions;
pub(crate) mod documents;
mod endpoints;
mod files;
mod hosts;
mod http;
mod images;
pub mod known;
pub mod layers;
mod mail;
mod naming;
mod needs;
mod network;
mod objects;
mod places;
mod platform;
mod provisions;
mod quantities;
mod services;
mod shape;
mod suggest;
mod tenant;
mod tenants;
mod text;
mod tiers;
mod times;
mod topology;
mod unique;
mod unused;
mod values;

use crate::{diag::Report, estate::Estate, sources::Sources};
use files::Files;
pub(crate) use provisions::targets;
use shape::Shapes;
use tenants::Surroundings;

/// What checking gave.
#[derive(Debug)]
pub struct Checked {
    /// The estate; there is one if and only if no finding is an error.
    pub estate: Option<Estate>,
    /// Everything that was found.
    pub report: Report,
    /// The number of tenant files, right or wrong.
    pub tenants: usize,
}

/// Checks all files of an estate.
pub fn check(sources: &Sources) -> Checked {
    check_beside(sources, &known::nothing)
}

/// Checks all files of an estate, and takes from `known` what is known of tenant files from before. The outcome is that of
/// [`check`], as long as what is known is true.
pub fn check_beside(sources: &Sources, known: &known::Known<'_>) -> Checked {
    let shapes = Shapes::get();
    let mut findings = Vec::new();

    // stage 1: bytes; what is in the wrong place
    let files = Files::read(sources, &mut findings);
    files.check_layout(&mut findings);

    // stages 2 to 4 of the few files that all tenants share
    let platform = platform::check(&files, shapes, &mut findings);
    let definitions = definitions::check(&files, &mut findings);
    let bundles = bundles::check(&files, shapes, &mut findings);
    let tiers = tiers::check(&files, shapes, &platform.facts, &definitions, &bundles, &mut findings);
    let values = values::ValuesSchema::read(&files, &mut findings);

    // stages 2 to 4 of each tenant, in parallel and in the order of the files
    let around = Surroundings { shapes, facts: &platform.facts, tiers: &tiers, values: &values, known };
    let tenants = tenants::check(&files, &around, &mut findings);

    // what only all files together show
    unique::check(sources, &platform.facts, &tenants, &mut findings);
    unused::check(&files, &bundles, &tiers, &mut findings);

    let count = files.tenants().count();
    let report = Report::new(findings);
    let estate =
        if report.errors() == 0 { files.estate(platform.platform, tiers, tenants, bundles, definitions) } else { None };
    Checked { estate, report, tenants: count }
}
