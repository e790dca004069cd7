//! What nothing refers to: it looks as if it did something, and does not.

use std::collections::BTreeSet;

use super::{bundles::Bundles, files::Files, tiers::Tiers};
use crate::diag::{Code, Diagnostic, Place};

/// Warns of bundles that no tier renders and of templates that no bundle lists and no template takes in.
///
/// Nothing is said where a file that may refer to it cannot be read. A tier without tenants is an offer, and fine.
pub(super) fn check(files: &Files<'_>, bundles: &Bundles, tiers: &Tiers, findings: &mut Vec<Diagnostic>) {
    if tiers.are_complete() {
        let used: BTreeSet<&str> = tiers.specs().flat_map(|spec| &spec.bundles).map(String::as_str).collect();
        for name in bundles.names().filter(|name| !used.contains(name)) {
            findings.push(Diagnostic::new(
                Code::UnusedBundle,
                Place::file(format!("templates/{name}/bundle.yaml")),
                format!("no tier renders the bundle `{name}`"),
                "add it to `bundles` of a tier, or delete the folder",
            ));
        }
    }
    if bundles.are_complete() {
        templates(files, bundles, findings);
    }
}

fn templates(files: &Files<'_>, bundles: &Bundles, findings: &mut Vec<Diagnostic>) {
    let mut listed = BTreeSet::new();
    for (name, spec) in bundles.read() {
        let templates = spec.files.iter().map(|item| &item.template).chain(&spec.values);
        listed.extend(templates.map(|template| format!("templates/{name}/{template}")));
    }
    let texts: Vec<&str> = files.under("templates/").filter_map(|(_, text)| text).collect();
    for (path, _) in files.under("templates/").filter(|(path, _)| path.ends_with(".j2")) {
        let below = &path["templates/".len()..];
        let taken_in = |text: &&str| text.contains(&format!("\"{below}\"")) || text.contains(&format!("'{below}'"));
        if !listed.contains(path) && !texts.iter().any(taken_in) {
            findings.push(Diagnostic::new(
                Code::UnusedTemplate,
                Place::file(path),
                "no bundle lists this template, and no other template imports it",
                "add it to `files` of its `bundle.yaml`, or delete it",
            ));
        }
    }
}
