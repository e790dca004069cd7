//! `rabbitmqVhost`: a virtual host with its user, rights, limits and topology.
//!
//! **Claims.** A virtual host has its claim as description, a user as tag; such a tag is kept and gives no right. Both
//! come into being with what they mark, in one request.
//!
//! **Rights.** The user reaches its own virtual host alone and has no other tag. A right elsewhere is taken away in three
//! steps, because a revocation does not reach who is connected already: it becomes a right to nothing, then the user's
//! connections are closed, then it goes. A run that dies in between leaves the row that tells the next one to go on. A new
//! user comes last, after all that it uses. The administrator has all rights in the virtual host, since it needs them to
//! declare queues; the server gives them to who makes it, after a moment.
//!
//! **What the document does not name.** Names that the user's own `configure` matches are its applications', and left
//! alone. Policies are administrators' work: others than the wanted ones go. A queue or exchange that is neither wanted nor
//! an application's is cut off from those that are wanted, and stays with what it holds; [`Allow::replace`] deletes it, as
//! it does what differs in a way that cannot be changed.

mod action;
pub mod topology;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use action::RabbitmqAction;
use topology::{Binding, Exchange, Policy, Queue};

use super::{Allow, Asked, Kind, Refusal, claim::Owner};
use crate::provision::{
    self, Wanted,
    rabbitmq::{Permissions, RabbitmqVhostSpec, TopicPermissions},
};

/// The kind `rabbitmqVhost`.
#[derive(Debug)]
pub struct RabbitmqVhost;

/// What the server says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// The virtual host, if there is one.
    pub vhost: Option<Vhost>,
    /// The user, if there is one.
    pub user: Option<User>,
}

impl Seen {
    /// Returns what is seen once the virtual host is gone, and with it all rights in it.
    fn without_vhost(&self) -> Self {
        let user = self.user.clone().map(|user| User { rights: None, topics: BTreeMap::new(), ..user });
        Self { vhost: None, user }
    }
}

/// A virtual host.
#[derive(Debug, Clone, PartialEq)]
pub struct Vhost {
    /// Whose it is.
    pub owner: Owner,
    /// What every change of it must say again.
    pub about: About,
    /// Whether the server takes a default queue type only from who makes the virtual host: RabbitMQ before 3.11.
    pub default_type_is_fixed: bool,
    /// Whether the server began to make it and never came to the end, as it does when who asked goes away meanwhile: it is
    /// not started, or lacks exchanges that every virtual host has. Nothing but a new one heals that.
    pub is_half_made: bool,
    /// Whether the administrator that asks has all rights in it, without which it can declare nothing.
    pub administered: bool,
    /// Users that carry another tenant's claim and have rights here.
    pub strangers: BTreeMap<String, Rights>,
    /// Limits that are set.
    pub limits: BTreeMap<Limit, u64>,
    /// Exchanges by name, those of the server itself left out.
    pub exchanges: BTreeMap<String, Exchange>,
    /// Queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// Bindings, those of the default exchange left out.
    pub bindings: Vec<Binding>,
    /// Policies by name.
    pub policies: BTreeMap<String, Policy>,
}

/// Settings of a virtual host that a change takes away unless it repeats them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// Tags.
    pub tags: Vec<String>,
    /// What a queue is that is declared without a type.
    pub default_queue_type: Option<String>,
    /// Whether it cannot be deleted.
    pub protected: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whose it is.
    pub owner: Owner,
    /// Tags beside the claim; some give rights over the whole server.
    pub tags: BTreeSet<String>,
    /// Rights in its own virtual host.
    pub rights: Option<Rights>,
    /// Rights over routing keys in its own virtual host, by exchange.
    pub topics: BTreeMap<String, Topics>,
    /// Rights in other virtual hosts.
    pub elsewhere: BTreeMap<String, Rights>,
    /// Whether the stored password is its own and lets it in; none where no password is stored yet.
    pub login: Option<bool>,
}

/// Rights in a virtual host: regular expressions over names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// What may be declared and deleted.
    pub configure: String,
    /// What may be published to.
    pub write: String,
    /// What may be consumed from.
    pub read: String,
}

impl Rights {
    /// Returns the rights of an administrator.
    pub fn all() -> Self {
        Self::of(".*")
    }

    /// Returns rights to nothing.
    pub fn none() -> Self {
        Self::of("^$")
    }

    fn of(pattern: &str) -> Self {
        Self { configure: pattern.to_owned(), write: pattern.to_owned(), read: pattern.to_owned() }
    }
}

impl From<&Permissions> for Rights {
    fn from(wanted: &Permissions) -> Self {
        let Permissions { configure, write, read } = wanted.clone();
        Self { configure, write, read }
    }
}

impl std::fmt::Display for Rights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { configure, write, read } = self;
        write!(f, "configure `{configure}` write `{write}` read `{read}`")
    }
}

/// Rights over the routing keys of one exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topics {
    /// What may be published with.
    pub write: String,
    /// What may be bound and consumed by.
    pub read: String,
}

impl Topics {
    /// Returns what holds where nothing is said. The API takes rows away all at once or not at all, and without rows
    /// everything is allowed: beside rows that are wanted, one that is not is therefore opened, and stays.
    pub fn all() -> Self {
        Self { write: ".*".to_owned(), read: ".*".to_owned() }
    }
}

impl From<&TopicPermissions> for Topics {
    fn from(wanted: &TopicPermissions) -> Self {
        let TopicPermissions { write, read } = wanted.clone();
        Self { write, read }
    }
}

impl std::fmt::Display for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { write, read } = self;
        write!(f, "write `{write}` read `{read}`")
    }
}

/// The limits of a virtual host that documents know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Connections at one time.
    MaxConnections,
    /// Queues.
    MaxQueues,
}

impl Limit {
    /// All of them.
    pub const ALL: [Limit; 2] = [Limit::MaxConnections, Limit::MaxQueues];

    /// Returns the name that the server uses.
    pub fn name(self) -> &'static str {
        match self {
            Limit::MaxConnections => "max-connections",
            Limit::MaxQueues => "max-queues",
        }
    }

    fn wanted(self, spec: &RabbitmqVhostSpec) -> Option<u64> {
        let limit = match self {
            Limit::MaxConnections => spec.max_connections,
            Limit::MaxQueues => spec.max_queues,
        };
        limit.map(u64::from)
    }
}

/// Returns the name of the user of a virtual host.
pub fn user(wanted: &Wanted<RabbitmqVhostSpec>) -> &str {
    wanted.user.as_deref().unwrap_or(&wanted.name)
}

impl Kind for RabbitmqVhost {
    const KIND: provision::Kind = provision::Kind::RabbitmqVhost;
    type Spec = RabbitmqVhostSpec;
    type Seen = Seen;
    type Action = RabbitmqAction;

    fn decide(asked: Asked<'_, RabbitmqVhostSpec>, seen: &Seen, allow: &Allow) -> Result<Vec<RabbitmqAction>, Refusal> {
        let wanted = asked.wanted;
        refuse(wanted, seen, allow.adopts(Self::KIND, &wanted.name))?;
        let strangers = seen.vhost.iter().flat_map(|vhost| &vhost.strangers);
        let strangers = strangers.flat_map(|(user, rights)| cut_off(user, &wanted.name, rights));
        if seen.vhost.as_ref().is_some_and(|vhost| vhost.is_half_made && vhost.queues.is_empty()) {
            let remove = RabbitmqAction::RemoveHalfMade { vhost: wanted.name.clone() };
            let anew = Self::decide(asked, &seen.without_vhost(), allow)?;
            return Ok(strangers.chain([remove]).chain(anew).collect());
        }
        let is_there = seen.user.is_some();
        let mut actions = Vec::new();
        // What is too much goes first, and before a server can refuse anything else.
        if let Some(user) = &seen.user {
            actions.extend(too_much(wanted, user));
        }
        actions.extend(strangers);
        actions.extend(vhost(wanted, seen.vhost.as_ref())?);
        if let Some(user) = &seen.user {
            actions.extend(rights(wanted, user.rights.as_ref(), &user.topics));
        }
        actions.extend(limits(wanted, seen.vhost.as_ref()));
        actions.extend(topology::decide(&wanted.spec, seen.vhost.as_ref(), allow.replace)?);
        if !is_there {
            actions.push(RabbitmqAction::CreateUser { user: user(wanted).to_owned() });
            actions.extend(rights(wanted, None, &BTreeMap::new()));
        }
        Ok(actions)
    }

    /// The user first: the server ends its connections with it.
    fn destroy(asked: Asked<'_, RabbitmqVhostSpec>, seen: &Seen) -> Result<Vec<RabbitmqAction>, Refusal> {
        let wanted = asked.wanted;
        refuse(wanted, seen, false)?;
        if seen.vhost.as_ref().is_some_and(|vhost| vhost.about.protected) {
            return Err(Refusal::Impossible {
                what: format!("virtual host `{}` is protected from deletion", wanted.name),
                help: "lift the protection on the server, then run the same command again".to_owned(),
            });
        }
        let Seen { vhost, user: login } = seen;
        let mut actions = Vec::new();
        if login.is_some() {
            actions.push(RabbitmqAction::DeleteUser { user: user(wanted).to_owned() });
        }
        if vhost.is_some() {
            actions.push(RabbitmqAction::DeleteVhost { vhost: wanted.name.clone(), only_empty: false });
        }
        Ok(actions)
    }

    fn undo(action: &RabbitmqAction) -> Vec<RabbitmqAction> {
        action.undo().into_iter().collect()
    }

    fn exists(_: Asked<'_, RabbitmqVhostSpec>, seen: &Seen) -> bool {
        let Seen { vhost, user } = seen;
        vhost.is_some() || user.is_some()
    }
}

fn refuse(wanted: &Wanted<RabbitmqVhostSpec>, seen: &Seen, adopts: bool) -> Result<(), Refusal> {
    let owners = [seen.vhost.as_ref().map(|vhost| &vhost.owner), seen.user.as_ref().map(|user| &user.owner)];
    let refusals = owners.into_iter().flatten();
    match refusals.filter_map(|owner| Refusal::of(owner, RabbitmqVhost::KIND, wanted, adopts)).next() {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

/// Takes a right away that nobody should have.
fn cut_off(user: &str, vhost: &str, rights: &Rights) -> Vec<RabbitmqAction> {
    let (user, vhost) = (user.to_owned(), vhost.to_owned());
    let mut actions = Vec::new();
    if *rights != Rights::none() {
        actions.push(RabbitmqAction::LockPermissions {
            user: user.clone(),
            vhost: vhost.clone(),
            from: rights.clone(),
        });
    }
    actions.push(RabbitmqAction::CloseConnections { user: user.clone() });
    actions.push(RabbitmqAction::DeletePermissions { user, vhost });
    actions
}

/// Takes from a user what goes beyond the wanted, and gives it the stored password.
fn too_much(wanted: &Wanted<RabbitmqVhostSpec>, found: &User) -> Vec<RabbitmqAction> {
    let name = user(wanted);
    let User { owner, tags, rights: _, topics: _, elsewhere, login } = found;
    let mut actions: Vec<_> = elsewhere.iter().flat_map(|(vhost, rights)| cut_off(name, vhost, rights)).collect();
    let mut differences = Vec::new();
    if *owner != Owner::Ours {
        differences.push("claim".to_owned());
    }
    if !tags.is_empty() {
        let list: Vec<_> = tags.iter().map(|tag| format!("`{tag}`")).collect();
        differences.push(format!("tags {} → none", list.join(" ")));
    }
    if *login == Some(false) {
        differences.push("password".to_owned());
        // Who came in by another password stays in until its connection ends.
        actions.push(RabbitmqAction::CloseConnections { user: name.to_owned() });
    }
    if !differences.is_empty() {
        actions.push(RabbitmqAction::SetUser { user: name.to_owned(), differences });
    }
    actions
}

fn vhost(wanted: &Wanted<RabbitmqVhostSpec>, found: Option<&Vhost>) -> Result<Vec<RabbitmqAction>, Refusal> {
    let vhost = wanted.name.clone();
    let Some(found) = found else {
        // Of two runs that make it at once both are told that they did, one of them before the server has started it and
        // given the administrator its rights.
        let grant = RabbitmqAction::GrantAdministrator { vhost: vhost.clone() };
        return Ok(vec![RabbitmqAction::CreateVhost { vhost }, grant]);
    };
    let mut about = found.about.clone();
    let mut differences = Vec::new();
    if found.owner != Owner::Ours {
        differences.push("claim".to_owned());
    }
    if let Some(kind) = wanted.spec.default_queue_type.map(topology::queue_type)
        && about.default_queue_type.as_deref() != Some(kind)
    {
        let from = about.default_queue_type.as_deref().unwrap_or("the server's own");
        let difference = format!("default queue type {from} → {kind}");
        if found.default_type_is_fixed {
            return Err(Refusal::Impossible {
                what: format!("virtual host `{vhost}`: {difference}: RabbitMQ before 3.11 never changes it"),
                help: "take `defaultQueueType` out, or update the server".to_owned(),
            });
        }
        differences.push(difference);
        about.default_queue_type = Some(kind.to_owned());
    }
    let mut actions = Vec::new();
    if !differences.is_empty() {
        actions.push(RabbitmqAction::UpdateVhost { vhost: vhost.clone(), about, differences });
    }
    if !found.administered {
        actions.push(RabbitmqAction::GrantAdministrator { vhost });
    }
    Ok(actions)
}

/// Rights over routing keys first: without them everything is allowed.
fn rights(
    wanted: &Wanted<RabbitmqVhostSpec>,
    found: Option<&Rights>,
    topics: &BTreeMap<String, Topics>,
) -> Vec<RabbitmqAction> {
    let mut actions = Vec::new();
    let mut asked: BTreeMap<&String, Topics> =
        wanted.spec.topic_permissions.iter().map(|(exchange, topics)| (exchange, topics.into())).collect();
    if asked.is_empty() && !topics.is_empty() {
        actions.push(RabbitmqAction::DeleteTopicPermissions { exchanges: topics.keys().cloned().collect() });
    } else {
        for exchange in topics.keys() {
            asked.entry(exchange).or_insert_with(Topics::all);
        }
    }
    for (exchange, to) in asked {
        let from = topics.get(exchange).cloned();
        if from.as_ref() != Some(&to) {
            actions.push(RabbitmqAction::SetTopicPermissions { exchange: exchange.clone(), from, to });
        }
    }
    let to = Rights::from(&wanted.spec.permissions);
    if found != Some(&to) {
        actions.push(RabbitmqAction::SetPermissions { from: found.cloned(), to });
    }
    actions
}

/// Limits come before the topology: a queue more may need a higher one.
fn limits(wanted: &Wanted<RabbitmqVhostSpec>, found: Option<&Vhost>) -> Vec<RabbitmqAction> {
    let differing = Limit::ALL.into_iter().filter_map(|limit| {
        let (from, to) = (found.and_then(|vhost| vhost.limits.get(&limit).copied()), limit.wanted(&wanted.spec));
        (from != to).then_some(RabbitmqAction::SetLimit { limit, from, to })
    });
    differing.collect()
}

#[cfg(test)]
mod tests;
