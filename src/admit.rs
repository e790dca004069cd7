//! The admission step: the texts of provision documents → documents that may be performed, or every reason why not.
//!
//! Each document is judged by itself (see `check`), then all of them together: two tenants must not claim one database,
//! whatever reviewed commits say. Nothing has been asked of any server by then, and nothing is if a reason is found.

mod claims;

use rayon::prelude::*;

use crate::{
    check,
    diag::{Diagnostic, Report},
    provision::Document,
};

/// Reads documents, each with the path that findings name; they come back in the order of the files.
///
/// A file `tenants/<name>/provision.yaml` must be that tenant's document. Others, such as the one document of a hook Job,
/// may have any name.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn documents<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Result<Vec<Document>, Report> {
    let files: Vec<(&str, &str)> = files.into_iter().collect();
    let read: Vec<_> = files.into_par_iter().map(|(path, text)| check::documents::read(path, text)).collect();
    let mut findings: Vec<Diagnostic> = Vec::new();
    let mut all = Vec::new();
    for (document, found) in read {
        findings.extend(found);
        all.extend(document);
    }
    claims::check(&all, &mut findings);
    let report = Report::new(findings);
    if report.errors() > 0 { Err(report) } else { Ok(all.into_iter().map(|read| read.document).collect()) }
}

/// Returns what a document claims for its tenant alone: what it is, its name, and what tells it from all other claims.
pub(crate) fn claims_of(document: &Document) -> impl Iterator<Item = (&'static str, String, String)> {
    claims::of(document)
}

#[cfg(test)]
mod tests;
