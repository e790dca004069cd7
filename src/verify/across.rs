//! What only several tenants together can get wrong: one host, object or outside resource of two, and Pods of one that reach
//! those of another.
//!
//! Tenants are verified one after another and forgotten. Of each a digest stays: a number for each thing that it claims, and
//! the class of its policies. Whoever turns out to be concerned by a finding is looked at again.

mod claims;
mod classes;
mod sample;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use claims::Claim;
use classes::Class;
use sample::Sample;

use super::{Places, findings::Findings, tenant::Tenant};
use crate::{
    diag::{Code, Diagnostic, Place},
    kubernetes::{Schemas, network::Policy},
    plan::Plan,
};

/// Gathers what two tenants could have in common. Threads may share it; the order of tenants does not matter.
#[derive(Default)]
pub struct Across {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    tenants: Vec<Member>,
    classes: BTreeMap<[u8; 32], Class>,
}

/// What stays of a tenant.
struct Member {
    name: String,
    /// Numbers of what it claims.
    claims: Box<[u64]>,
    /// Numbers of the texts that are its own alone: its name, its namespace and so on.
    own: Box<[u64]>,
    class: Option<[u8; 32]>,
}

/// Returns the number of a text: two texts may share one, which costs another look and nothing else.
fn number(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Across {
    /// Returns one that knows no tenant.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a digest of a tenant.
    pub(super) fn add(&self, tenant: &Tenant<'_>, schemas: &Schemas) {
        let mut numbers = BTreeSet::new();
        claims::each(tenant, schemas, |claim| {
            numbers.insert(number(&claim.key));
        });
        let class = tenant.complete.then(|| sample::class(tenant));
        let name = tenant.plan.tenant.name.as_str();
        let member = Member {
            name: name.to_owned(),
            claims: numbers.into_iter().collect(),
            own: sample::own(tenant.plan).map(number).collect::<BTreeSet<_>>().into_iter().collect(),
            class,
        };
        // A thread that failed while it held the lock has its own report; what it left is whole, since each push is one step.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.tenants.push(member);
        if let Some(key) = class {
            known.classes.entry(key).or_default().add(name, || Sample::of(tenant));
        }
    }

    fn into_known(self) -> Known {
        let mut known = self.known.into_inner().unwrap_or_else(PoisonError::into_inner);
        known.tenants.sort_by(|one, other| one.name.cmp(&other.name));
        known
    }
}

/// Calls with the tenant of a name, or not at all where it cannot be rendered again.
type Again<'l> = dyn Fn(&str, &mut dyn FnMut(&Tenant<'_>)) + 'l;

/// Another look at tenants, by name.
pub(super) struct Look<'l> {
    /// Calls with the tenant.
    pub again: &'l Again<'l>,
    pub schemas: &'l Schemas,
    pub places: &'l dyn Places,
}

/// Returns what is wrong with the tenants together.
pub(super) fn conclude(across: Across, look: &Look<'_>) -> Vec<Diagnostic> {
    let known = across.into_known();
    let mut findings = shared(&known, look);
    findings.extend(connections(&known, look));
    findings
}

/// A claim of a tenant that another one makes too.
struct Found {
    claim: Claim,
    place: Place,
}

/// Finds what several tenants claim.
fn shared(known: &Known, look: &Look<'_>) -> Vec<Diagnostic> {
    let mut all: Vec<(u64, usize)> = Vec::new();
    for (at, member) in known.tenants.iter().enumerate() {
        all.extend(member.claims.iter().map(|claim| (*claim, at)));
    }
    all.sort_unstable();
    // Of many tenants with one claim the first two are named: a template that forgets the tenant's name concerns them all.
    let groups: Vec<(u64, usize, usize, usize)> = all
        .chunk_by(|one, other| one.0 == other.0)
        .filter_map(|group| match group {
            [first, second, more @ ..] => Some((first.0, first.1, second.1, more.len())),
            _ => None,
        })
        .collect();
    drop(all);
    let wanted: BTreeSet<u64> = groups.iter().map(|group| group.0).collect();
    let mut seen: BTreeMap<usize, BTreeMap<u64, Found>> = BTreeMap::new();
    for at in groups.iter().flat_map(|group| [group.1, group.2]).collect::<BTreeSet<_>>() {
        let mut found = BTreeMap::new();
        (look.again)(&known.tenants[at].name, &mut |tenant| {
            claims::each(tenant, look.schemas, |claim| {
                let number = number(&claim.key);
                if wanted.contains(&number) && !found.contains_key(&number) {
                    let place = claim.place(tenant, look.places);
                    found.insert(number, Found { claim, place });
                }
            });
        });
        seen.insert(at, found);
    }
    let findings = groups.into_iter().filter_map(|(number, first, second, more)| {
        let (one, other) = (seen.get(&first)?.get(&number)?, seen.get(&second)?.get(&number)?);
        // Two texts with one number.
        if one.claim.key != other.claim.key {
            return None;
        }
        let (name, owner) = (&known.tenants[second].name, &known.tenants[first].name);
        let others = if more == 0 { String::new() } else { format!(", and of {more} more") };
        let message = format!("{} of tenant `{name}` is one of tenant `{owner}` too{others}", other.claim.shown);
        let finding = Diagnostic::new(other.claim.code, other.place.clone(), message, other.claim.help());
        Some(finding.of_tenant(name.clone()).with_related(one.place.clone(), format!("tenant `{owner}` has it here")))
    });
    findings.collect()
}

/// Finds Pods of one tenant that reach those of another.
fn connections(known: &Known, look: &Look<'_>) -> Vec<Diagnostic> {
    let groups = match classes::groups(known, look, classes::MOST) {
        Ok(groups) => groups,
        Err(number) => {
            let message = format!(
                "{number} tenants have policies or labels of their own: whether their Pods reach each other was not decided"
            );
            let help =
                "write templates so that tenants of one tier differ in nothing but their name, namespace and uid";
            return vec![Diagnostic::new(Code::NetworkNotEvaluated, Place::file("tenantry.yaml"), message, help)];
        }
    };
    let ways = classes::ways(&groups);
    let mut folded: BTreeMap<String, (classes::Way, usize)> = BTreeMap::new();
    for way in ways {
        folded.entry(way.rule.clone()).and_modify(|(_, more)| *more += 1).or_insert((way, 0));
    }
    let mut findings: Vec<Diagnostic> = folded.into_values().map(|(way, more)| connection(&way, more, look)).collect();
    findings.sort_by(|one, other| one.message.cmp(&other.message));
    findings
}

fn connection(way: &classes::Way, more: usize, look: &Look<'_>) -> Diagnostic {
    let place = |tenant: &str, at: &Option<(String, String)>| {
        let mut place = None;
        let Some((name, pointer)) = at else { return None };
        (look.again)(tenant, &mut |tenant| {
            let policy = tenant.find("networking.k8s.io", "NetworkPolicy", name);
            place = policy.map(|policy| Findings::new(tenant.plan, look.places).place(policy.origin, pointer));
        });
        place
    };
    let classes::Way { from, to, from_pod, to_pod, protocol, port, inward, outward, rule: _ } = way;
    let more = match more {
        0 => String::new(),
        1 => "; so it is for one more ordered pair of kinds of tenants".to_owned(),
        more => format!("; so it is for {more} more ordered pairs of kinds of tenants"),
    };
    let lets_out = match outward {
        Some((policy, _)) => format!("NetworkPolicy `{policy}` lets them out"),
        None => "no policy keeps them back".to_owned(),
    };
    let lets_in = inward.as_ref().map(|(policy, _)| policy.as_str()).unwrap_or_default();
    let message = format!(
        "Pods of {from_pod} of tenant `{from}` can connect to {to_pod} of tenant `{to}` at {} {port}: {lets_out}, and NetworkPolicy `{lets_in}` lets them in{more}",
        protocol.name()
    );
    let help = "name in `from` and `to` the namespaces that are meant, by `kubernetes.io/metadata.name`: a selector that other tenants' namespaces or Pods fit opens the way between them";
    let at = place(to, inward).unwrap_or_else(|| Place::file("tenantry.yaml"));
    let finding = Diagnostic::new(Code::NetworkAcrossTenants, at, message, help).of_tenant(to.clone());
    match place(from, outward) {
        Some(place) => finding.with_related(place, format!("tenant `{from}` is let out here")),
        None => finding,
    }
}

/// Returns the texts that are a tenant's own, in an order that says what each is.
fn identities(plan: &Plan) -> [&str; 6] {
    [
        plan.namespace.as_str(),
        plan.tenant.name.as_str(),
        plan.tenant.uid.as_str(),
        plan.application.as_str(),
        plan.release.as_str(),
        plan.tenant.subdomain.as_str(),
    ]
}

/// Reads the policies of a sample.
fn read(policies: &[(String, serde_json::Value)]) -> Vec<Policy<'_>> {
    policies.iter().map(|(_, spec)| Policy::read(spec)).collect()
}
