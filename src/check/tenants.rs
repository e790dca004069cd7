//! All tenant files, in parallel and in the order of their paths.

use rayon::prelude::*;

use super::{
    files::Files,
    known::{self, Known},
    platform::Facts,
    shape::Shapes,
    tenant::{self, Claims},
    tiers::Tiers,
    values::ValuesSchema,
};
use crate::{diag::Diagnostic, estate::Tenant};

/// What the rules on a tenant look at beside its file.
pub(super) struct Surroundings<'a> {
    pub shapes: &'a Shapes,
    pub facts: &'a Facts,
    pub tiers: &'a Tiers,
    pub values: &'a ValuesSchema,
    pub known: &'a Known<'a>,
}

/// What is kept of a tenant file. Its text and its tree are let go, so that 10,000 tenants fit into memory; a finding
/// that needs a place in it reads the one file again.
#[derive(Debug)]
pub(super) struct Read {
    pub path: String,
    /// What it claims for itself, as far as it could be read.
    pub claims: Claims,
    /// The tenant, if its file has no error of its own.
    pub tenant: Option<Tenant>,
}

/// Checks all tenants.
pub(super) fn check(files: &Files<'_>, around: &Surroundings<'_>, findings: &mut Vec<Diagnostic>) -> Vec<Read> {
    let all: Vec<(&str, Option<&str>)> = files.tenants().collect();
    let checked: Vec<(Read, Vec<Diagnostic>)> = all
        .into_par_iter()
        .map(|(path, text)| {
            let mut found = Vec::new();
            let (claims, tenant) = match text {
                Some(_) => match known::tenant(around.known, path) {
                    Some(tenant) => (Claims::of(&tenant), Some(tenant)),
                    None => tenant::check(files, path, around, &mut found),
                },
                None => (Claims::default(), None),
            };
            (Read { path: path.to_owned(), claims, tenant }, found)
        })
        .collect();
    let mut tenants = Vec::with_capacity(checked.len());
    for (read, found) in checked {
        tenants.push(read);
        findings.extend(found);
    }
    tenants
}
