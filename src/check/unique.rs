//! What only all tenants together show: nothing that belongs to one of them is claimed by another.

use std::collections::BTreeMap;

use super::{
    bytes,
    places::{Document, Places},
    platform::Facts,
    tenants::Read,
};
use crate::{
    diag::{Code, Diagnostic, Place},
    estate::Naming,
    name::Target,
    sources::Sources,
    yaml::{self, Profile},
};

/// Finds what two tenants claim.
pub(super) fn check(sources: &Sources, facts: &Facts, tenants: &[Read], findings: &mut Vec<Diagnostic>) {
    let mut finder = Pairs { sources, tenants, findings };
    finder.names();
    finder.uids();
    finder.hosts(facts.domain.as_deref());
    if let Some(naming) = &facts.naming {
        finder.generated(naming);
    }
}

struct Pairs<'a> {
    sources: &'a Sources,
    tenants: &'a [Read],
    findings: &'a mut Vec<Diagnostic>,
}

impl Pairs<'_> {
    /// Adds a finding about two tenants, placed in the later file. Reads both again for the places.
    fn find(&mut self, code: Code, first: (usize, &str), second: (usize, &str), message: String, help: &str) {
        let (first_at, second_at) = (self.place(first), self.place(second));
        let path = &self.tenants[second.0].path;
        let stem = super::files::resource_name(path, "tenants/").unwrap_or(path);
        let finding = Diagnostic::new(code, second_at, message, help);
        self.findings.push(finding.of_tenant(stem).with_related(first_at, "the other one"));
    }

    fn place(&self, (index, pointer): (usize, &str)) -> Place {
        let path = self.tenants[index].path.as_str();
        let text = self.sources.get(path).and_then(|source| bytes::text(path, source).ok());
        match text.and_then(|text| yaml::read(path, text, Profile::Estate).ok()) {
            Some(node) => Document { path, node }.value(pointer),
            None => Place::file(path),
        }
    }

    fn names(&mut self) {
        let mut exact: BTreeMap<&str, usize> = BTreeMap::new();
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        let tenants = self.tenants;
        for (index, name) in
            tenants.iter().enumerate().filter_map(|(index, read)| Some((index, read.claims.name.as_deref()?)))
        {
            if let Some(first) = exact.get(name) {
                let message = format!("another tenant is called {} as well", super::shape::shown(name));
                let help = "give each tenant a name of its own, the one of its file";
                self.find(Code::DuplicateName, (*first, NAME), (index, NAME), message, help);
                continue;
            }
            exact.insert(name, index);
            match alike.get(&folded(name)) {
                Some(first) => {
                    let other = tenants[*first].claims.name.clone().unwrap_or_default();
                    let message =
                        format!("{} is easily taken for {}", super::shape::shown(name), super::shape::shown(&other));
                    let help = "tell them apart by more than hyphens, case and letters that look alike";
                    self.find(Code::SimilarNames, (*first, NAME), (index, NAME), message, help);
                }
                None => drop(alike.insert(folded(name), index)),
            }
        }
    }

    fn uids(&mut self) {
        let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
        let tenants = self.tenants;
        for (index, uid) in
            tenants.iter().enumerate().filter_map(|(index, read)| Some((index, read.claims.uid.as_deref()?)))
        {
            match taken.get(uid) {
                Some(first) => {
                    let help = "a copied file needs a uid of its own: the uid says whose every outside object is";
                    let message = format!("another tenant has the uid `{uid}` as well");
                    self.find(Code::DuplicateUid, (*first, UID), (index, UID), message, help);
                }
                None => drop(taken.insert(uid, index)),
            }
        }
    }

    fn hosts(&mut self, platform: Option<&str>) {
        let mut subdomains: BTreeMap<&str, usize> = BTreeMap::new();
        // Reversed by labels, so that a parent stands in front of everything below it.
        let mut domains: BTreeMap<Vec<&str>, (usize, usize)> = BTreeMap::new();
        let tenants = self.tenants;
        for (index, read) in tenants.iter().enumerate() {
            if let Some(subdomain) = read.claims.subdomain.as_deref() {
                match subdomains.get(subdomain) {
                    Some(first) => {
                        let host = platform.map_or(subdomain.to_owned(), |platform| format!("{subdomain}.{platform}"));
                        let message = format!("another tenant has the host {} as well", super::shape::shown(&host));
                        let help = "write another `spec.subdomain`";
                        self.find(
                            Code::DuplicateHost,
                            (*first, self.host_pointer(*first)),
                            (index, self.host_pointer(index)),
                            message,
                            help,
                        );
                    }
                    None => drop(subdomains.insert(subdomain, index)),
                }
            }
            for (position, domain) in &read.claims.domains {
                let key: Vec<&str> = domain.rsplit('.').collect();
                match domains.get(&key) {
                    Some((first, at)) => {
                        let message = format!("another tenant has the host {} as well", super::shape::shown(domain));
                        let help = "a host belongs to one tenant: take it out of one of the two";
                        let (at, position) = (custom(*at), custom(*position));
                        self.find(Code::DuplicateHost, (*first, &at), (index, &position), message, help);
                    }
                    None => drop(domains.insert(key, (index, *position))),
                }
            }
        }
        self.nested(&domains);
    }

    /// Finds hosts below a host of another tenant: whoever owns the parent may take the child over.
    fn nested(&mut self, domains: &BTreeMap<Vec<&str>, (usize, usize)>) {
        for (labels, (index, position)) in domains {
            let parent = (2..labels.len()).rev().find_map(|length| domains.get_key_value(&labels[..length]));
            if let Some((parent, (owner, at))) = parent.filter(|(_, (owner, _))| owner != index) {
                let name = |labels: &[&str]| labels.iter().rev().copied().collect::<Vec<_>>().join(".");
                let message = format!("`{}` lies below `{}`, a host of another tenant", name(labels), name(parent));
                let help =
                    "make sure that both belong to who claims them: the owner of a domain rules what is below it";
                let (at, position) = (custom(*at), custom(*position));
                self.find(Code::NestedDomain, (*owner, &at), (*index, &position), message, help);
            }
        }
    }

    fn host_pointer(&self, index: usize) -> &'static str {
        let Read { claims, .. } = &self.tenants[index];
        let lower = claims.name.as_ref().map(|name| name.to_lowercase());
        if lower == claims.subdomain { NAME } else { "/spec/subdomain" }
    }

    /// Names that patterns make are distinct by construction (see [`crate::name::pattern`]). This holds it for the
    /// tenants that there are, so that a fault of ours would stop here and not at a neighbour's namespace.
    fn generated(&mut self, naming: &Naming) {
        for target in Target::ALL.into_iter().filter(|target| !target.per_item()) {
            let pattern = naming.of(target);
            let made = self
                .tenants
                .iter()
                .enumerate()
                .filter_map(|(index, read)| Some((pattern.name_of(&read.tenant.as_ref()?.name), index)));
            let mut made: Vec<(String, usize)> = made.collect();
            made.sort_unstable();
            for pair in made.windows(2) {
                let [(first, a), (second, b)] = pair else { continue };
                if first == second && self.tenants[*a].claims.name != self.tenants[*b].claims.name {
                    let message = format!("two tenants would get the {target} `{first}`");
                    self.find(Code::DuplicateName, (*a, NAME), (*b, NAME), message, "choose another name");
                }
            }
        }
    }
}

const NAME: &str = "/metadata/name";
const UID: &str = "/metadata/uid";

fn custom(position: usize) -> String {
    format!("/spec/customDomains/{position}")
}

/// Folds what people confuse: case, separators, and letters that look like digits.
fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | '.'))
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            '5' => 's',
            other => other,
        })
        .collect()
}
