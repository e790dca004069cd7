//! The files of an estate as text, and whether each lies where its kind belongs.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{
    bundles::Bundles,
    bytes,
    definitions::Definitions,
    places::{Document, Places},
    tenants::Read,
    tiers::Tiers,
};
use crate::{
    diag::{Code, Diagnostic, Place},
    estate::{Estate, Platform},
    sources::{ESTATE_FILE, Source, Sources},
    tree::Tree,
    yaml::{self, Profile},
};

/// The text of every file; `None` where there is none and a finding says why.
pub(super) struct Files<'s> {
    texts: BTreeMap<&'s str, Option<&'s str>>,
}

impl<'s> Files<'s> {
    /// Reads the text of all files.
    pub(super) fn read(sources: &'s Sources, findings: &mut Vec<Diagnostic>) -> Self {
        let all: Vec<(&str, &Source)> = sources.iter().collect();
        let read: Vec<_> = all.into_par_iter().map(|(path, source)| (path, bytes::text(path, source))).collect();
        let mut texts = BTreeMap::new();
        for (path, text) in read {
            match text {
                Ok(text) => drop(texts.insert(path, Some(text))),
                Err(found) => {
                    texts.insert(path, None);
                    findings.extend(found);
                }
            }
        }
        Self { texts }
    }

    /// Returns the text of a file, if it has one.
    pub(super) fn text(&self, path: &str) -> Option<&'s str> {
        self.texts.get(path).copied().flatten()
    }

    /// Returns whether there is a file, readable or not.
    pub(super) fn has(&self, path: &str) -> bool {
        self.texts.contains_key(path)
    }

    /// Returns the files below a folder, in the order of their paths.
    pub(super) fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'s str, Option<&'s str>)> + 'a {
        let from = (std::ops::Bound::Included(folder), std::ops::Bound::Unbounded);
        let files = self.texts.range::<str, _>(from).map(|(path, text)| (*path, *text));
        files.take_while(move |(path, _)| path.starts_with(folder))
    }

    /// Returns the tenant files, readable or not.
    pub(super) fn tenants(&self) -> impl Iterator<Item = (&'s str, Option<&'s str>)> + '_ {
        self.under("tenants/").filter(|(path, _)| resource_name(path, "tenants/").is_some())
    }

    /// Reads a file as YAML. `None` where that fails; the findings say why.
    pub(super) fn document(&self, path: &'s str, findings: &mut Vec<Diagnostic>) -> Option<Document<'s>> {
        match yaml::read(path, self.text(path)?, Profile::Estate) {
            Ok(node) => Some(Document { path, node }),
            Err(found) => {
                findings.extend(found);
                None
            }
        }
    }

    /// Finds files that are missing, or lie where nobody would read them.
    pub(super) fn check_layout(&self, findings: &mut Vec<Diagnostic>) {
        if !self.has(ESTATE_FILE) {
            findings.push(Diagnostic::new(
                Code::EstateMissing,
                Place::file(ESTATE_FILE),
                "there is no `tenantry.yaml`",
                "add one (`tenantry init` writes an example), or name the directory of the estate",
            ));
        }
        for folder in ["tenants/", "tiers/"] {
            let strays = self.under(folder).filter(|(path, _)| resource_name(path, folder).is_none());
            findings.extend(strays.map(|(path, _)| stray(path, folder)));
        }
        if self.tenants().next().is_none() {
            findings.push(Diagnostic::new(
                Code::NoTenants,
                Place::file("tenants"),
                "there is no tenant",
                "add one with `tenantry tenant new`; an empty folder is never taken as the wish to delete all tenants",
            ));
        }
    }

    fn tree(&self, folder: &str) -> Tree {
        let files = self.under(folder);
        files.filter_map(|(path, text)| Some((path[folder.len()..].to_owned(), text?.into()))).collect()
    }

    /// Puts the estate together; `None` only where a finding is an error.
    pub(super) fn estate(
        &self,
        platform: Option<Platform>,
        tiers: Tiers,
        tenants: Vec<Read>,
        bundles: Bundles,
        definitions: Definitions,
    ) -> Option<Estate> {
        let tenants = tenants.into_iter().map(|read| read.tenant.map(|tenant| (tenant.name.clone(), tenant)));
        Some(Estate {
            platform: platform?.into(),
            tiers: tiers.into_checked()?,
            tenants: tenants.collect::<Option<_>>()?,
            bundles: bundles.into_specs(),
            templates: self.tree("templates/"),
            charts: self.tree("charts/"),
            components: self.tree("components/"),
            definitions: definitions.values,
        })
    }
}

/// Returns the name of the resource in a file directly below `folder`.
pub(super) fn resource_name<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    path.strip_prefix(folder)?.strip_suffix(".yaml").filter(|name| !name.contains('/') && !name.is_empty())
}

fn stray(path: &str, folder: &str) -> Diagnostic {
    let name = path.strip_prefix(folder).unwrap_or(path);
    let help = match name.strip_suffix(".yml") {
        Some(stem) if !stem.contains('/') => format!("rename it to `{folder}{stem}.yaml`"),
        _ if name.contains('/') => format!("files lie directly in `{folder}`: move it there"),
        _ => format!("move it out of `{folder}`"),
    };
    let message = format!("`{}` is not read: the files of `{folder}` end in `.yaml`", name.escape_debug());
    Diagnostic::new(Code::StrayFile, Place::file(path), message, help)
}

/// Returns the finding if the name in a file is not the name of the file.
pub(super) fn name_mismatch(document: &Document<'_>, folder: &str, name: &str) -> Option<Diagnostic> {
    let stem = resource_name(document.path, folder)?;
    (stem != name).then(|| {
        Diagnostic::new(
            Code::FileNameMismatch,
            document.value("/metadata/name"),
            format!("the file is called `{stem}.yaml`, its `metadata.name` is {}", super::shape::shown(name)),
            "make them the same; the name of a resource never changes, so rename the file if it has been used",
        )
    })
}
