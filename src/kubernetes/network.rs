//! What NetworkPolicies of `networking.k8s.io/v1` let through, as the API documentation says it.
//!
//! Policies are additive: a Pod that no policy isolates in a direction is open there, and of an isolated one everything is
//! closed that no rule opens. A connection needs both sides. What is not known of the other side (labels of a platform's
//! Pods, addresses) makes an answer [`Answer::Maybe`] and never a proof.

mod ports;
mod ranges;
mod selector;
#[cfg(test)]
pub(crate) mod tests;

use serde_json::{Map, Value};

use ports::Port;
pub use ports::{NamedPort, Opening, Protocol, overlap};
pub use ranges::Ranges;
pub use selector::{Labels, Selector};

/// The label that every namespace has, equal to its name; nobody can change it.
pub const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// Whether something holds, by what is known. The order is that of certainty: `min` is "and", `max` is "or".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It does not hold.
    No,
    /// It depends on what is not known.
    Maybe,
    /// It holds.
    Yes,
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Answer::Yes } else { Answer::No }
    }
}

/// A direction of connections, seen from the Pods that a policy selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Connections to them.
    Ingress,
    /// Connections from them.
    Egress,
}

impl Direction {
    /// Returns the word that `policyTypes` has for it.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Ingress => "Ingress",
            Direction::Egress => "Egress",
        }
    }

    /// Returns the names of the list of rules, and of the list of peers in each of them.
    pub fn fields(self) -> (&'static str, &'static str) {
        match self {
            Direction::Ingress => ("ingress", "from"),
            Direction::Egress => ("egress", "to"),
        }
    }
}

/// One NetworkPolicy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy<'a> {
    /// The Pods of its namespace that it is about.
    pub pods: Selector<'a>,
    ingress: Option<Vec<Rule<'a>>>,
    egress: Option<Vec<Rule<'a>>>,
}

impl<'a> Policy<'a> {
    /// Reads the `spec` of a NetworkPolicy. What does not have the shape of the API lets nothing through.
    pub fn read(spec: &'a Value) -> Self {
        let types = list(spec, "policyTypes").unwrap_or_default();
        let rules = |direction: Direction| {
            let (field, peers) = direction.fields();
            let rules = list(spec, field).unwrap_or_default();
            // The API server's defaults: always ingress, and egress where there is a rule for it.
            let isolates = match types {
                [] => direction == Direction::Ingress || !rules.is_empty(),
                types => types.iter().any(|kind| kind.as_str() == Some(direction.name())),
            };
            isolates.then(|| rules.iter().map(|rule| Rule::read(rule, peers)).collect())
        };
        Self {
            pods: Selector::read(spec.get("podSelector")),
            ingress: rules(Direction::Ingress),
            egress: rules(Direction::Egress),
        }
    }

    /// Returns its rules in a direction; none where it does not isolate Pods there.
    pub fn rules(&self, direction: Direction) -> Option<&[Rule<'a>]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }
}

/// One rule of a policy: these peers, at these ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule<'a> {
    /// Everybody where absent.
    peers: Option<Vec<Peer<'a>>>,
    /// Every port of every protocol where absent.
    ports: Option<Vec<Port<'a>>>,
}

impl<'a> Rule<'a> {
    fn read(rule: &'a Value, peers: &str) -> Self {
        let filled = |field: &str| list(rule, field).filter(|items| !items.is_empty());
        Self {
            peers: filled(peers).map(|items| items.iter().map(Peer::read).collect()),
            ports: filled("ports").map(|items| items.iter().map(Port::read).collect()),
        }
    }

    /// Returns its peers; none means everybody.
    pub fn peers(&self) -> Option<&[Peer<'a>]> {
        self.peers.as_deref()
    }

    /// Adds what the rule alone lets through between a Pod of its policy and a party.
    pub fn opens(&self, pod: &Pod<'_>, direction: Direction, party: Party<'_, '_>, into: &mut Vec<Opening>) {
        let meets = self.meets(pod.namespace, &party);
        if meets == Answer::No {
            return;
        }
        let target = match (direction, party) {
            (Direction::Ingress, _) => Some(pod),
            (Direction::Egress, Party::Pod(there)) => Some(there),
            (Direction::Egress, Party::Addresses(_)) => None,
        };
        ports::open(self.ports.as_deref(), target, meets, into);
    }

    fn meets(&self, own: &Namespace<'_>, party: &Party<'_, '_>) -> Answer {
        match &self.peers {
            None => Answer::Yes,
            Some(peers) => peers.iter().map(|peer| peer.meets(own, party)).max().unwrap_or(Answer::No),
        }
    }
}

/// One peer of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer<'a> {
    /// Pods. Without a selector of namespaces those of the policy's own.
    Pods {
        /// `namespaceSelector`.
        namespaces: Option<Selector<'a>>,
        /// `podSelector`; empty where absent.
        pods: Selector<'a>,
    },
    /// Addresses.
    Addresses(Ranges),
    /// Nobody: the item has no field that the API knows, or an address that cannot be read.
    Nobody,
}

impl<'a> Peer<'a> {
    fn read(peer: &'a Value) -> Self {
        if let Some(block) = peer.get("ipBlock") {
            let text = |value: &'a Value| value.as_str();
            let except = list(block, "except").unwrap_or_default().iter().filter_map(text);
            let cidr = block.get("cidr").and_then(text);
            return cidr.and_then(|cidr| Ranges::block(cidr, except)).map_or(Peer::Nobody, Peer::Addresses);
        }
        match (peer.get("namespaceSelector"), peer.get("podSelector")) {
            (None, None) => Peer::Nobody,
            (namespaces, pods) => Peer::Pods {
                namespaces: namespaces.map(|selector| Selector::read(Some(selector))),
                pods: Selector::read(pods),
            },
        }
    }

    /// Returns whether a party is among those that the peer means, for a policy in the namespace `own`.
    pub fn meets(&self, own: &Namespace<'_>, party: &Party<'_, '_>) -> Answer {
        match (self, party) {
            (Peer::Pods { namespaces, pods }, Party::Pod(pod)) => {
                let there = match namespaces {
                    None => (pod.namespace.name == own.name).into(),
                    Some(selector) => selector.selects(&pod.namespace.labels),
                };
                there.min(pods.selects(&pod.labels))
            }
            (Peer::Addresses(block), Party::Pod(pod)) => block.holds(pod.addresses),
            (Peer::Addresses(block), Party::Addresses(ranges)) => block.holds(ranges),
            (Peer::Pods { .. }, Party::Addresses(_)) | (Peer::Nobody, _) => Answer::No,
        }
    }
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its labels, [`NAMESPACE_LABEL`] among them.
    pub labels: Labels<'a>,
}

impl<'a> Namespace<'a> {
    /// Returns a namespace whose labels are all known.
    pub fn known(name: &'a str, labels: Option<&'a Map<String, Value>>) -> Self {
        let mut labels = Labels::all(labels);
        labels.set(NAMESPACE_LABEL, name);
        Self { name, labels }
    }

    /// Returns a namespace of which the name is known, and the labels that somebody says it has.
    pub fn named(name: &'a str) -> Self {
        let mut labels = Labels::some([]);
        labels.set(NAMESPACE_LABEL, name);
        Self { name, labels }
    }

    /// Returns a namespace of which nothing is known but that it has none of these names.
    pub fn other_than(names: Vec<&'a str>) -> Self {
        let mut labels = Labels::some([]);
        labels.never(NAMESPACE_LABEL, names);
        // No namespace is called so: names are never empty.
        Self { name: "", labels }
    }
}

/// A Pod, or some Pod where not all of it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod<'a> {
    /// Where it lives.
    pub namespace: &'a Namespace<'a>,
    /// Its labels.
    pub labels: Labels<'a>,
    /// The ports of its containers that have a name; `None` where they are not known.
    pub ports: Option<Vec<NamedPort<'a>>>,
    /// The addresses, one of which it has.
    pub addresses: &'a Ranges,
}

/// The other side of a connection.
#[derive(Debug, Clone, Copy)]
pub enum Party<'p, 'a> {
    /// A Pod of the cluster.
    Pod(&'p Pod<'a>),
    /// Something outside of it, at one of these addresses.
    Addresses(&'p Ranges),
}

/// One side of connections: the rules about a Pod in a direction. None where no policy isolates it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side<'p, 'a>(Option<Vec<&'p Rule<'a>>>);

impl<'p, 'a> Side<'p, 'a> {
    /// Takes the rules of those of its namespace's policies that select a Pod, whose labels are all known.
    pub fn of(policies: &'p [Policy<'a>], pod: &Pod<'_>, direction: Direction) -> Self {
        let mut rules = None;
        for policy in policies {
            if let Some(own) = policy.rules(direction)
                && policy.pods.selects(&pod.labels) == Answer::Yes
            {
                rules.get_or_insert_with(Vec::new).extend(own);
            }
        }
        Self(rules)
    }

    /// Returns whether a policy isolates the Pod.
    pub fn is_isolated(&self) -> bool {
        let Self(rules) = self;
        rules.is_some()
    }

    /// Returns what the rules let through between their Pod and a party: to the Pod for ingress, from it for egress.
    pub fn openings(&self, pod: &Pod<'_>, direction: Direction, party: Party<'_, '_>) -> Vec<Opening> {
        let Self(Some(rules)) = self else {
            return Protocol::ALL.map(|protocol| Opening::every_port(protocol, Answer::Yes)).to_vec();
        };
        let mut openings = Vec::new();
        for rule in rules {
            rule.opens(pod, direction, party, &mut openings);
        }
        openings
    }
}

/// Returns whether policies of its namespace isolate a Pod in a direction.
pub fn isolates(policies: &[Policy<'_>], pod: &Pod<'_>, direction: Direction) -> bool {
    Side::of(policies, pod, direction).is_isolated()
}

/// Returns what the policies of its own namespace let through between a Pod whose labels are all known and a party: to the
/// Pod for ingress, from it for egress.
pub fn openings(policies: &[Policy<'_>], pod: &Pod<'_>, direction: Direction, party: Party<'_, '_>) -> Vec<Opening> {
    Side::of(policies, pod, direction).openings(pod, direction, party)
}

/// Returns whether openings let a port through.
pub fn lets_through(openings: &[Opening], protocol: Protocol, port: u16) -> Answer {
    let fitting = openings.iter().filter(|opening| opening.holds(protocol, port));
    fitting.map(|opening| opening.answer).max().unwrap_or(Answer::No)
}

/// Returns what is open between two Pods, each isolated by the policies of its own namespace: what both sides let through.
pub fn between(from: (&[Policy<'_>], &Pod<'_>), to: (&[Policy<'_>], &Pod<'_>)) -> Vec<Opening> {
    let out = openings(from.0, from.1, Direction::Egress, Party::Pod(to.1));
    if out.is_empty() {
        return out;
    }
    overlap(&out, &openings(to.0, to.1, Direction::Ingress, Party::Pod(from.1)))
}

fn list<'a>(value: &'a Value, field: &str) -> Option<&'a [Value]> {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice)
}
