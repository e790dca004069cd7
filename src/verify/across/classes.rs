//! Who reaches whom among tenants, decided by classes of equal policy and not pair by pair.
//!
//! Two tenants are of one class where nothing that policies see differs but texts that are each one's own (its name, its
//! namespace). Selectors compare texts for equality and nothing else, so a member of a class can stand for all others, as
//! long as no selector or label of anybody names it. Tenants that somebody does name stand for themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::{Known, Look, number, read, sample::Sample};
use crate::kubernetes::network::{
    Answer, Direction, Labels, NamedPort, Namespace, Opening, Party, Peer, Pod, Policy, Protocol, Side, overlap,
};

/// Classes and named tenants up to which all pairs are decided: a pair costs one or two microseconds.
pub(super) const MOST: usize = 1_500;

/// Tenants of one class.
#[derive(Default)]
pub(super) struct Class {
    /// The two members whose names come first: one stands for the class, both for pairs within it.
    samples: BTreeMap<String, Sample>,
}

impl Class {
    pub fn add(&mut self, name: &str, sample: impl FnOnce() -> Sample) {
        if self.samples.len() == 2 {
            match self.samples.last_key_value() {
                Some((last, _)) if last.as_str() > name => drop(self.samples.pop_last()),
                _ => return,
            }
        }
        self.samples.insert(name.to_owned(), sample());
    }
}

/// A class without the tenants that somebody names, or one of those.
pub(super) type Group = Vec<Sample>;

/// Returns up to two samples of each class, and each tenant that is named by somebody by itself; or how many there are
/// where those are more than `most`.
pub(super) fn groups(known: &Known, look: &Look<'_>, most: usize) -> Result<Vec<Group>, usize> {
    if known.classes.len() > most {
        return Err(known.classes.len());
    }
    let named = named(known);
    let mut groups: Vec<Group> = Vec::new();
    let again = |name: &str| {
        let mut sample = None;
        (look.again)(name, &mut |tenant| sample = Some(Sample::of(tenant)));
        sample
    };
    for (key, class) in &known.classes {
        let is_named = |name: &str| {
            known.tenants.binary_search_by(|one| one.name.as_str().cmp(name)).is_ok_and(|at| named.contains(&at))
        };
        if !class.samples.keys().any(|name| is_named(name)) {
            groups.push(class.samples.values().cloned().collect());
            continue;
        }
        let members =
            known.tenants.iter().enumerate().filter(|(at, one)| one.class == Some(*key) && !named.contains(at));
        groups.push(members.take(2).filter_map(|(_, one)| again(&one.name)).collect());
    }
    for member in named.iter().map(|at| &known.tenants[*at]).filter(|member| member.class.is_some()) {
        groups.push(again(&member.name).into_iter().collect());
        if groups.len() > most {
            return Err(known.classes.len() + named.len());
        }
    }
    groups.retain(|group| !group.is_empty());
    // Whatever the digests are, the same estate has the same first finding.
    groups.sort_by(|one, other| one[0].tenant.cmp(&other[0].tenant));
    Ok(groups)
}

/// Returns the tenants whose own texts stand in somebody else's policies or labels, or are those of another tenant too.
pub(super) fn named(known: &Known) -> BTreeSet<usize> {
    let samples = known.classes.values().flat_map(|class| class.samples.values());
    // A sample's own texts are in it by right.
    let mut texts: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for sample in samples {
        for text in sample.texts() {
            texts.entry(number(text)).or_default().insert(&sample.tenant);
        }
    }
    let mut owners: BTreeMap<u64, usize> = BTreeMap::new();
    for own in known.tenants.iter().flat_map(|member| member.own.iter()) {
        *owners.entry(*own).or_default() += 1;
    }
    let is_named = |at: &usize| {
        let member = &known.tenants[*at];
        member.own.iter().any(|own| {
            let by_others = texts.get(own).is_some_and(|samples| samples.iter().any(|one| *one != member.name));
            by_others || owners.get(own).is_some_and(|owners| *owners > 1)
        })
    };
    (0..known.tenants.len()).filter(is_named).collect()
}

/// A way from a Pod of one tenant to a Pod of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub from: String,
    pub to: String,
    pub from_pod: String,
    pub to_pod: String,
    pub protocol: Protocol,
    pub port: u16,
    /// The policy that lets in, and the pointer of its rule.
    pub inward: Option<(String, String)>,
    /// The policy that lets out, and the pointer of its rule; none where nothing keeps the Pod back.
    pub outward: Option<(String, String)>,
    /// What is the same for ways that one correction closes.
    pub rule: String,
}

/// Returns a way for each ordered pair of groups, and for pairs within a group, where there is one.
pub(super) fn ways(groups: &[Group]) -> Vec<Way> {
    let read: Vec<Vec<(Namespace<'_>, Vec<Policy<'_>>)>> = groups
        .iter()
        .map(|group| group.iter().map(|sample| (namespace(sample), read(&sample.policies))).collect())
        .collect();
    let views: Vec<Vec<View<'_>>> = groups
        .iter()
        .zip(&read)
        .map(|(group, read)| {
            group.iter().zip(read).map(|(sample, (own, policies))| View::new(sample, own, policies)).collect()
        })
        .collect();
    let mut ways = Vec::new();
    for (one, from) in views.iter().enumerate() {
        for (other, to) in views.iter().enumerate() {
            let pair = match (one == other, from.as_slice(), to.as_slice()) {
                (false, [from, ..], [to, ..]) => Some((from, to)),
                (true, [from, to], _) => Some((from, to)),
                _ => None,
            };
            ways.extend(pair.and_then(|(from, to)| way(from, to)));
        }
    }
    ways
}

fn namespace(sample: &Sample) -> Namespace<'_> {
    match &sample.labels {
        Some(labels) => Namespace::known(&sample.namespace, Some(labels)),
        None => Namespace::named(&sample.namespace),
    }
}

/// A sample, read.
struct View<'s> {
    sample: &'s Sample,
    own: &'s Namespace<'s>,
    policies: &'s [Policy<'s>],
    pods: Vec<Seen<'s>>,
}

/// A Pod of a sample with the rules about it.
struct Seen<'s> {
    title: &'s str,
    pod: Pod<'s>,
    ingress: Side<'s, 's>,
    egress: Side<'s, 's>,
}

impl<'s> View<'s> {
    fn new(sample: &'s Sample, own: &'s Namespace<'s>, policies: &'s [Policy<'s>]) -> Self {
        let pods = sample.pods.iter().map(|one| {
            let ports = one.ports.iter().map(|(name, protocol, number)| NamedPort {
                name,
                protocol: *protocol,
                number: *number,
            });
            let pod = Pod {
                namespace: own,
                labels: Labels::all(Some(&one.labels)),
                ports: Some(ports.collect()),
                addresses: &sample.ranges,
            };
            let ingress = Side::of(policies, &pod, Direction::Ingress);
            let egress = Side::of(policies, &pod, Direction::Egress);
            Seen { title: &one.title, pod, ingress, egress }
        });
        Self { sample, own, policies, pods: pods.collect() }
    }

    /// Returns whether any rule in a direction could mean a Pod in the namespace of another tenant. It spares a look at each
    /// pair of Pods where none does, which is nearly always so.
    fn could_meet(&self, direction: Direction, other: &View<'_>) -> bool {
        let open = |seen: &Seen<'_>| match direction {
            Direction::Ingress => !seen.ingress.is_isolated(),
            Direction::Egress => !seen.egress.is_isolated(),
        };
        let rules = self.policies.iter().filter_map(|policy| policy.rules(direction)).flatten();
        let mut meets = rules.map(|rule| match rule.peers() {
            None => true,
            Some(peers) => peers.iter().any(|peer| match peer {
                Peer::Pods { namespaces: Some(selector), .. } => selector.selects(&other.own.labels) != Answer::No,
                Peer::Addresses(block) => block.holds(&other.sample.ranges) != Answer::No,
                Peer::Pods { namespaces: None, .. } | Peer::Nobody => false,
            }),
        });
        meets.any(|meets| meets) || self.pods.iter().any(open)
    }

    /// Returns the first rule that opens something of what is wanted, with the name of its policy.
    fn rule(
        &self,
        seen: &Seen<'_>,
        direction: Direction,
        party: &Pod<'_>,
        wanted: &[Opening],
    ) -> Option<(String, String)> {
        for ((name, _), policy) in self.sample.policies.iter().zip(self.policies) {
            if policy.pods.selects(&seen.pod.labels) != Answer::Yes {
                continue;
            }
            for (index, rule) in policy.rules(direction).unwrap_or_default().iter().enumerate() {
                let mut open = Vec::new();
                rule.opens(&seen.pod, direction, Party::Pod(party), &mut open);
                if !overlap(&open, wanted).is_empty() {
                    return Some((name.clone(), format!("/spec/{}/{index}", direction.fields().0)));
                }
            }
        }
        None
    }
}

/// Returns a way between Pods of two tenants. Pods that nothing isolates are a finding of their own tenant.
fn way(from: &View<'_>, to: &View<'_>) -> Option<Way> {
    let apart = from.sample.server != to.sample.server;
    if apart || !from.could_meet(Direction::Egress, to) || !to.could_meet(Direction::Ingress, from) {
        return None;
    }
    for target in to.pods.iter().filter(|seen| seen.ingress.is_isolated()) {
        for source in &from.pods {
            let out = source.egress.openings(&source.pod, Direction::Egress, Party::Pod(&target.pod));
            if out.is_empty() {
                continue;
            }
            let inward = target.ingress.openings(&target.pod, Direction::Ingress, Party::Pod(&source.pod));
            let both = overlap(&out, &inward);
            let Some(first) = both.first() else { continue };
            // A port that the Pod says it has shows more than the first of a range.
            let listens = |opening: &&Opening| {
                target.pod.ports.iter().flatten().any(|port| opening.holds(port.protocol, port.number))
            };
            let opening = both.iter().find(listens).unwrap_or(first);
            let named = target.pod.ports.iter().flatten().find(|port| opening.holds(port.protocol, port.number));
            let port = named.map_or(opening.first.max(1), |port| port.number);
            let inward = to.rule(target, Direction::Ingress, &source.pod, &both);
            let outward = from.rule(source, Direction::Egress, &target.pod, &both);
            return Some(Way {
                from: from.sample.tenant.clone(),
                to: to.sample.tenant.clone(),
                from_pod: source.title.to_owned(),
                to_pod: target.title.to_owned(),
                protocol: opening.protocol,
                port,
                rule: format!("{inward:?} {outward:?}"),
                inward,
                outward,
            });
        }
    }
    None
}
