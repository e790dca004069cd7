//! Rules on `templates/<bundle>/`: what a bundle lists is there, and stays in the tenant's folder.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    files::Files,
    places::{Finder, below},
    shape::{Shapes, shown},
    suggest,
};
use crate::{
    diag::{Code, Diagnostic, Place},
    raw::bundle::{BundleFile, BundleSpec},
};

/// The bundles of an estate; `None` for one that is there but cannot be read.
#[derive(Debug)]
pub(super) struct Bundles {
    specs: BTreeMap<String, Option<BundleSpec>>,
}

impl Bundles {
    /// Returns the names of all bundles.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.specs.keys().map(String::as_str)
    }

    /// Returns whether there is a bundle of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.specs.contains_key(name)
    }

    /// Returns the bundles that could be read.
    pub(super) fn read(&self) -> impl Iterator<Item = (&str, &BundleSpec)> {
        self.specs.iter().filter_map(|(name, spec)| Some((name.as_str(), spec.as_ref()?)))
    }

    /// Returns whether every bundle could be read.
    pub(super) fn are_complete(&self) -> bool {
        self.specs.values().all(Option::is_some)
    }

    /// Returns what the estate keeps of them.
    pub(super) fn into_specs(self) -> BTreeMap<String, BundleSpec> {
        self.specs.into_iter().filter_map(|(name, spec)| Some((name, spec?))).collect()
    }
}

/// Checks the bundles.
pub(super) fn check(files: &Files<'_>, shapes: &Shapes, findings: &mut Vec<Diagnostic>) -> Bundles {
    let mut specs = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for (path, _) in files.under("templates/") {
        let below = &path["templates/".len()..];
        folders.extend(below.split_once('/').map(|(folder, _)| folder));
        if let Some((folder, "bundle.yaml")) = below.split_once('/') {
            specs.insert(folder.to_owned(), bundle(files, path, folder, shapes, findings));
        }
    }
    for folder in folders.into_iter().filter(|folder| !specs.contains_key(*folder)) {
        let place = Place::file(format!("templates/{folder}/bundle.yaml"));
        let message = format!("the folder `templates/{folder}` has no `bundle.yaml`");
        let help = "add one that lists its templates, or move what other bundles import into one of them";
        findings.push(Diagnostic::new(Code::BundleMissing, place, message, help));
    }
    Bundles { specs }
}

fn bundle<'s>(
    files: &Files<'s>,
    path: &'s str,
    folder: &str,
    shapes: &Shapes,
    findings: &mut Vec<Diagnostic>,
) -> Option<BundleSpec> {
    let document = files.document(path, findings)?;
    let mut finder = Finder::new(&document);
    let (file, fits) = shapes.bundle.read::<BundleFile>(document.node.to_json(), &mut finder);
    let spec = file.map(|file| file.spec);
    if let Some(spec) = &spec {
        rules(&mut finder, files, folder, spec);
    }
    findings.extend(finder.finish());
    spec.filter(|_| fits)
}

fn rules(finder: &mut Finder<'_>, files: &Files<'_>, folder: &str, spec: &BundleSpec) {
    let prefix = format!("templates/{folder}/");
    let templates: Vec<&str> =
        files.under(&prefix).map(|(path, _)| &path[prefix.len()..]).filter(|name| name.ends_with(".j2")).collect();
    let template = |finder: &mut Finder<'_>, pointer: &str, name: &str| {
        if is_unsafe(name) {
            unsafe_path(finder, pointer, name, "a template");
        } else if !files.has(&format!("{prefix}{name}")) {
            let help = suggest::help(name, "templates", templates.clone(), "add the file");
            finder.value(
                Code::UnknownTemplate,
                pointer,
                format!("there is no `{prefix}{}`", name.escape_debug()),
                help,
            );
        }
    };
    for (index, item) in spec.files.iter().enumerate() {
        let pointer = format!("/spec/files/{index}");
        template(finder, &below(&pointer, "template"), &item.template);
        if let Some(output) = item.output.as_deref().filter(|output| is_unsafe(output)) {
            unsafe_path(finder, &below(&pointer, "output"), output, "a file");
        }
    }
    if let Some(values) = &spec.values {
        template(finder, "/spec/values", values);
    }
}

/// Expressions in an output path are values of the plan; what they make of it is checked once more when it is made.
fn is_unsafe(path: &str) -> bool {
    path.starts_with('/') || path.contains('\\') || path.split('/').any(|part| matches!(part, "" | "." | ".."))
}

fn unsafe_path(finder: &mut Finder<'_>, pointer: &str, path: &str, what: &str) {
    let message = format!("{} leads out of the folder", shown(path));
    finder.value(
        Code::UnsafePath,
        pointer,
        message,
        format!("write the path of {what} below the folder, without `..`"),
    );
}
