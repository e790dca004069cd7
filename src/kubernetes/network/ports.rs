//! Ports of a rule, and which of a Pod's they open.

use serde_json::Value;

use super::{Answer, Pod};

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, the default.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

    /// Returns the word that the API has for it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Sctp => "SCTP",
        }
    }

    /// Reads the `protocol` of a port: TCP where absent, none where it is another word.
    pub fn read(port: &Value) -> Option<Self> {
        match port.get("protocol") {
            None => Some(Protocol::Tcp),
            Some(name) => Protocol::ALL.into_iter().find(|protocol| name.as_str() == Some(protocol.name())),
        }
    }
}

/// A port of a container that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedPort<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub number: u16,
}

/// Ports of one protocol that are open, as far as an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The protocol.
    pub protocol: Protocol,
    /// The first port.
    pub first: u16,
    /// The last one.
    pub last: u16,
    /// Whether they are open: `Maybe` or `Yes`.
    pub answer: Answer,
}

impl Opening {
    /// Returns the opening of every port of a protocol.
    pub fn every_port(protocol: Protocol, answer: Answer) -> Self {
        Self { protocol, first: 0, last: u16::MAX, answer }
    }

    /// Returns whether a port is among them.
    pub fn holds(&self, protocol: Protocol, port: u16) -> bool {
        self.protocol == protocol && (self.first..=self.last).contains(&port)
    }
}

/// An item of `ports` in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port<'a> {
    /// None for a word that is no protocol: it opens nothing.
    protocol: Option<Protocol>,
    number: Number<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Number<'a> {
    Every,
    Between(u16, u16),
    Named(&'a str),
    /// No number of a port: it opens nothing.
    None,
}

impl<'a> Port<'a> {
    pub(super) fn read(item: &'a Value) -> Self {
        let number = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
        let number = match (item.get("port"), item.get("endPort")) {
            (None, _) => Number::Every,
            (Some(Value::String(name)), _) => Number::Named(name),
            (Some(first), last) => match (number(first), last.map(number)) {
                (Some(first), None) => Number::Between(first, first),
                (Some(first), Some(Some(last))) => Number::Between(first, last),
                (None, _) | (Some(_), Some(None)) => Number::None,
            },
        };
        Self { protocol: Protocol::read(item), number }
    }
}

/// Adds what items of `ports` open at the target of a connection; without items that is everything.
pub(super) fn open(ports: Option<&[Port<'_>]>, target: Option<&Pod<'_>>, answer: Answer, into: &mut Vec<Opening>) {
    let Some(ports) = ports else {
        into.extend(Protocol::ALL.map(|protocol| Opening::every_port(protocol, answer)));
        return;
    };
    for port in ports {
        let Some(protocol) = port.protocol else { continue };
        match port.number {
            Number::Every => into.push(Opening::every_port(protocol, answer)),
            Number::Between(first, last) => into.push(Opening { protocol, first, last, answer }),
            Number::Named(name) => named(name, protocol, target, answer, into),
            Number::None => {}
        }
    }
}

/// A name means the port that the target's containers call so. An address has no names.
fn named(name: &str, protocol: Protocol, target: Option<&Pod<'_>>, answer: Answer, into: &mut Vec<Opening>) {
    match target.map(|pod| &pod.ports) {
        None => {}
        Some(None) => into.push(Opening::every_port(protocol, answer.min(Answer::Maybe))),
        Some(Some(ports)) => {
            let called = ports.iter().filter(|port| port.name == name && port.protocol == protocol);
            into.extend(called.map(|port| Opening { protocol, first: port.number, last: port.number, answer }));
        }
    }
}

/// Returns what two lists of openings have in common.
pub fn overlap(one: &[Opening], other: &[Opening]) -> Vec<Opening> {
    let mut both = Vec::new();
    for a in one {
        for b in other.iter().filter(|b| b.protocol == a.protocol) {
            let (first, last) = (a.first.max(b.first), a.last.min(b.last));
            if first <= last {
                both.push(Opening { protocol: a.protocol, first, last, answer: a.answer.min(b.answer) });
            }
        }
    }
    both
}
