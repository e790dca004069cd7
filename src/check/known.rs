//! Tenant files that passed before: what is known of one need not be found out again.
//!
//! What a tenant file alone gives depends on its bytes, its name, and the files that all tenants share. A file of which
//! nothing was found beside the same shared files gives the same tenant again, and no finding. What only all tenants together
//! show (a host in two files) is looked for each time.

use std::collections::BTreeSet;

use super::{Checked, files};
use crate::{diag::Report, estate::Tenant};

/// Tells the tenant in the file at a path, where the file has passed before, without a finding, with the same bytes and
/// beside the same shared files.
pub type Known<'k> = dyn Fn(&str) -> Option<Tenant> + Sync + 'k;

/// Knows no file.
pub fn nothing(_: &str) -> Option<Tenant> {
    None
}

/// Returns what is known of a file. A tenant with another name than its file's never passed there.
pub(super) fn tenant(known: &Known<'_>, path: &str) -> Option<Tenant> {
    let stem = files::resource_name(path, "tenants/")?;
    known(path).filter(|tenant| tenant.name.as_str() == stem)
}

impl Checked {
    /// Returns the tenants whose files have no finding, each with the path of its file: what may be known from now on.
    pub fn without_finding(&self) -> impl Iterator<Item = (String, &Tenant)> {
        let named = named(&self.report);
        let tenants = self.estate.iter().flat_map(|estate| estate.tenants().values());
        tenants
            .map(|tenant| (format!("tenants/{}.yaml", tenant.name), tenant))
            .filter(move |(path, _)| !named.contains(path))
    }
}

/// Returns the files that findings are in or point at, and those of the tenants that they concern.
fn named(report: &Report) -> BTreeSet<String> {
    let files = report.findings().iter().flat_map(|finding| {
        let related = finding.related.iter().map(|(place, _)| place.file.clone());
        let tenant = finding.tenant.iter().map(|tenant| format!("tenants/{tenant}.yaml"));
        std::iter::once(finding.place.file.clone()).chain(related).chain(tenant)
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::{
        check::{check, check_beside},
        sources::Sources,
    };

    fn flagship() -> Sources {
        crate::load::directory(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn what_is_known_gives_the_same_estate_and_is_not_read_again() {
        let sources = flagship();
        let first = check(&sources);
        let known: BTreeMap<String, Tenant> =
            first.without_finding().map(|(path, tenant)| (path, tenant.clone())).collect();
        assert!(!known.is_empty());
        let asked = AtomicUsize::new(0);
        let again = check_beside(&sources, &|path| {
            asked.fetch_add(1, Ordering::Relaxed);
            known.get(path).cloned()
        });
        assert_eq!(asked.into_inner(), first.tenants);
        assert_eq!(again.report, first.report);
        assert_eq!(again.estate.unwrap().tenants(), first.estate.unwrap().tenants());
    }

    #[test]
    fn what_two_files_claim_is_found_though_both_are_known() {
        let mut sources = flagship();
        let checked = check(&sources);
        let known: BTreeMap<String, Tenant> =
            checked.without_finding().map(|(path, tenant)| (path, tenant.clone())).collect();
        let (path, model) = known.iter().next().unwrap();
        let text = sources.get(path).cloned().unwrap().unwrap();
        let mut twin = model.clone();
        twin.name = "a-twin-of-it".parse().unwrap();
        sources.insert("tenants/a-twin-of-it.yaml", Ok(text));
        let again = check_beside(&sources, &|path| match path {
            "tenants/a-twin-of-it.yaml" => Some(twin.clone()),
            path => known.get(path).cloned(),
        });
        assert!(again.estate.is_none());
        let codes: Vec<&str> = again.report.findings().iter().map(|finding| finding.code.name()).collect();
        assert!(codes.contains(&"duplicate-uid") && codes.contains(&"duplicate-host"), "{codes:?}");
    }

    #[test]
    fn a_tenant_known_under_another_name_is_not_believed() {
        let sources = flagship();
        let first = check(&sources);
        let (_, wrong) = first.without_finding().last().unwrap();
        let again = check_beside(&sources, &|_| Some(wrong.clone()));
        assert_eq!(again.estate.unwrap().tenants(), first.estate.as_ref().unwrap().tenants());
    }

    #[test]
    fn a_file_with_a_finding_is_never_known() {
        let mut sources = flagship();
        let (path, text) = sources.under("tenants/").next().map(|(p, s)| (p.to_owned(), s.clone().unwrap())).unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        sources.insert("tenants/Bad-Name.yaml", Ok(text.as_bytes().into()));
        let checked = check(&sources);
        assert!(checked.report.errors() > 0);
        assert!(checked.without_finding().next().is_none(), "an estate with an error teaches nothing");
        sources.remove("tenants/Bad-Name.yaml");
        sources.insert(path.clone(), Ok(text.replacen("displayName: ", "displayName: A\u{430}", 1).as_bytes().into()));
        let warned = check(&sources);
        assert!(warned.report.findings().iter().any(|finding| finding.place.file == path));
        assert!(warned.estate.is_some());
        assert!(warned.without_finding().all(|(known, _)| known != path));
    }
}
