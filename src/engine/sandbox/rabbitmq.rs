//! The stand-in of a RabbitMQ server.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Observer, Performer, Prober};
use crate::{
    engine::{
        Access, Look, Observe, Perform, Probe, Trouble, TroubleKind,
        rabbitmq::broker::{Broker, User, Vhost},
        service::Answers,
    },
    provision::{Wanted, rabbitmq::RabbitmqVhostSpec},
    steps::{
        Action,
        rabbitmq::{
            About, Limit, RabbitmqAction, RabbitmqVhost, Rights, Seen,
            topology::{self, Binding, Exchange, Policy, Queue},
            user,
        },
    },
};

/// Who asks.
pub const ADMINISTRATOR: &str = "administrator";

/// What the server keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Users and virtual hosts.
    pub broker: Broker,
    /// Waiting messages, by virtual host and queue.
    pub messages: BTreeMap<String, BTreeMap<String, u64>>,
    /// The virtual hosts that each user has connections in. A connection stays when rights go.
    pub connections: BTreeMap<String, BTreeSet<String>>,
}

impl Observe<RabbitmqVhost> for Observer {
    async fn observe(&self, looks: &[Look<'_, RabbitmqVhostSpec>]) -> Vec<Result<Seen, Trouble>> {
        let mut all = Vec::with_capacity(looks.len());
        for look in looks {
            let seen = self.0.read("read a virtual host", |state| {
                let broker = &state.rabbitmq.broker;
                let password = look.entry.and_then(|entry| entry.get("password"));
                let found = broker.users.get(user(look.wanted()));
                let login = password.zip(found).map(|(password, found)| found.has(password));
                Ok(broker.seen(*look, &broker.users_of(), ADMINISTRATOR, false, login))
            });
            all.push(seen.await);
        }
        all
    }
}

impl Perform<RabbitmqVhost> for Performer {
    async fn perform(&self, look: Look<'_, RabbitmqVhostSpec>, action: &RabbitmqAction) -> Result<Answers, Trouble> {
        let write = self.0.write(action.name(), |state| {
            state.rabbitmq.perform(look, action)?;
            Ok(Answers::new())
        });
        write.await
    }
}

impl Server {
    fn perform(&mut self, look: Look<'_, RabbitmqVhostSpec>, action: &RabbitmqAction) -> Result<(), Trouble> {
        let (name, login) = (look.wanted().name.as_str(), user(look.wanted()));
        match action {
            RabbitmqAction::CreateVhost { vhost } => self.create_vhost(look, vhost)?,
            RabbitmqAction::RemoveHalfMade { vhost } => {
                if !self.vhost(vhost)?.is_half_made {
                    return Err(refused(TroubleKind::Busy, vhost));
                }
                self.delete_vhost(vhost, true)?;
            }
            RabbitmqAction::UpdateVhost { vhost, about, differences: _ } => {
                let vhost = self.vhost(vhost)?;
                vhost.description = look.asked.claim.to_string();
                vhost.about = about.clone();
            }
            RabbitmqAction::DeleteVhost { vhost, only_empty } => self.delete_vhost(vhost, *only_empty)?,
            RabbitmqAction::GrantAdministrator { vhost } => {
                self.vhost(vhost)?;
                self.broker.add_right(ADMINISTRATOR, vhost, Rights::all());
            }
            RabbitmqAction::SetLimit { limit, from: _, to } => {
                let limits = &mut self.vhost(name)?.limits;
                limits.remove(limit.name());
                limits.extend(to.map(|value| (limit.name().to_owned(), i64::try_from(value).unwrap_or(i64::MAX))));
            }
            RabbitmqAction::CreateUser { user } => {
                if self.broker.users.contains_key(user) {
                    return Err(refused(TroubleKind::Exists, user));
                }
                self.broker.users.insert(user.clone(), made(look)?);
            }
            RabbitmqAction::SetUser { user, differences: _ } => {
                drop(self.broker.users.insert(user.clone(), made(look)?))
            }
            RabbitmqAction::DeleteUser { user } => {
                self.broker.users.remove(user).ok_or_else(|| refused(TroubleKind::Missing, user))?;
                self.broker.rights.remove(user);
                self.broker.topics.remove(user);
                self.connections.remove(user);
            }
            RabbitmqAction::CloseConnections { user } => drop(self.connections.remove(user)),
            RabbitmqAction::LockPermissions { user, vhost, from: _ } => self.grant(user, vhost, Rights::none())?,
            RabbitmqAction::SetPermissions { from: _, to } => self.grant(login, name, to.clone())?,
            RabbitmqAction::DeletePermissions { user, vhost } => {
                let rights = self.broker.rights.get_mut(user).and_then(|vhosts| vhosts.remove(vhost));
                rights.ok_or_else(|| refused(TroubleKind::Missing, vhost))?;
            }
            RabbitmqAction::SetTopicPermissions { exchange, from: _, to } => {
                self.are_there(login, name)?;
                self.broker.add_topics(login, name, exchange, to.clone());
            }
            RabbitmqAction::DeleteTopicPermissions { exchanges: _ } => {
                let topics = self.broker.topics.get_mut(login).and_then(|vhosts| vhosts.remove(name));
                topics.ok_or_else(|| refused(TroubleKind::Missing, name))?;
            }
            other => self.topology(look, other)?,
        }
        Ok(())
    }

    fn topology(&mut self, look: Look<'_, RabbitmqVhostSpec>, action: &RabbitmqAction) -> Result<(), Trouble> {
        let Wanted { name, spec, .. } = look.wanted();
        let missing = |what: &str| refused(TroubleKind::Missing, what);
        // Declarations are made with the rights of who asks, policies with its tag.
        let is_declaration = !matches!(action, RabbitmqAction::PutPolicy { .. } | RabbitmqAction::DeletePolicy { .. });
        let rights = self.broker.rights.get(ADMINISTRATOR).and_then(|vhosts| vhosts.get(name));
        if is_declaration && self.broker.vhosts.contains_key(name) && rights != Some(&Rights::all()) {
            return Err(refused(TroubleKind::Forbidden, name));
        }
        let messages = self.messages.entry(name.clone()).or_default();
        let vhost = self.broker.vhosts.get_mut(name).ok_or_else(|| missing(name))?;
        match action {
            RabbitmqAction::PutPolicy { policy, differences: _ } => {
                let wanted = spec.policies.get(policy).ok_or_else(|| missing(policy))?;
                vhost.policies.insert(policy.clone(), Policy::from(wanted));
            }
            RabbitmqAction::DeletePolicy { policy } => {
                vhost.policies.remove(policy).ok_or_else(|| missing(policy))?;
            }
            RabbitmqAction::CreateExchange { exchange } => {
                if vhost.exchanges.contains_key(exchange) {
                    return Err(refused(TroubleKind::Exists, exchange));
                }
                let wanted = spec.exchanges.get(exchange).ok_or_else(|| missing(exchange))?;
                vhost.exchanges.insert(exchange.clone(), Exchange::from(wanted));
            }
            RabbitmqAction::CreateQueue { queue } => create_queue(vhost, spec, queue)?,
            RabbitmqAction::DeleteExchange { exchange, why: _, only_unused } => {
                if *only_unused && vhost.bindings.iter().any(|binding| binding.source == *exchange) {
                    return Err(refused(TroubleKind::Refused, exchange));
                }
                vhost.exchanges.remove(exchange).ok_or_else(|| missing(exchange))?;
                vhost
                    .bindings
                    .retain(|binding| binding.source != *exchange && !leads_to(binding, "exchange", exchange));
            }
            RabbitmqAction::DeleteQueue { queue, why: _, only_empty } => {
                if *only_empty && messages.get(queue).is_some_and(|waiting| *waiting > 0) {
                    return Err(refused(TroubleKind::Refused, queue));
                }
                vhost.queues.remove(queue).ok_or_else(|| missing(queue))?;
                vhost.bindings.retain(|binding| !leads_to(binding, "queue", queue));
                messages.remove(queue);
            }
            RabbitmqAction::Bind(binding) => {
                let is_there = |name: &str| name.starts_with("amq.") || vhost.exchanges.contains_key(name);
                let reaches = match binding.destination_type.as_str() {
                    "queue" => vhost.queues.contains_key(&binding.destination),
                    _ => is_there(&binding.destination),
                };
                if !reaches || !is_there(&binding.source) {
                    return Err(missing(&binding.destination));
                }
                if !vhost.bindings.contains(binding) {
                    vhost.bindings.push(binding.clone());
                }
            }
            RabbitmqAction::Unbind(binding) => {
                let at = vhost.bindings.iter().position(|found| found == binding);
                vhost.bindings.remove(at.ok_or_else(|| missing(&binding.destination))?);
            }
            other => return Err(refused(TroubleKind::Setup, other.name())),
        }
        Ok(())
    }

    fn vhost(&mut self, name: &str) -> Result<&mut Vhost, Trouble> {
        self.broker.vhosts.get_mut(name).ok_or_else(|| refused(TroubleKind::Missing, name))
    }

    fn create_vhost(&mut self, look: Look<'_, RabbitmqVhostSpec>, name: &str) -> Result<(), Trouble> {
        if self.broker.vhosts.contains_key(name) {
            return Err(refused(TroubleKind::Exists, name));
        }
        let default_queue_type =
            look.wanted().spec.default_queue_type.map(|kind| topology::queue_type(kind).to_owned());
        let about = About { default_queue_type, ..About::default() };
        let vhost = Vhost { description: look.asked.claim.to_string(), about, ..Vhost::default() };
        self.broker.vhosts.insert(name.to_owned(), vhost);
        self.broker.add_right(ADMINISTRATOR, name, Rights::all());
        Ok(())
    }

    fn delete_vhost(&mut self, name: &str, only_empty: bool) -> Result<(), Trouble> {
        let vhost = self.vhost(name)?;
        if vhost.about.protected || only_empty && !vhost.queues.is_empty() {
            return Err(refused(TroubleKind::Refused, name));
        }
        self.broker.vhosts.remove(name);
        self.messages.remove(name);
        self.broker.rights.values_mut().for_each(|vhosts| drop(vhosts.remove(name)));
        self.broker.topics.values_mut().for_each(|vhosts| drop(vhosts.remove(name)));
        self.connections.values_mut().for_each(|vhosts| vhosts.retain(|vhost| vhost != name));
        Ok(())
    }

    fn are_there(&self, user: &str, vhost: &str) -> Result<(), Trouble> {
        match self.broker.users.contains_key(user) && self.broker.vhosts.contains_key(vhost) {
            true => Ok(()),
            false => Err(refused(TroubleKind::Missing, vhost)),
        }
    }

    fn grant(&mut self, user: &str, vhost: &str, rights: Rights) -> Result<(), Trouble> {
        self.are_there(user, vhost)?;
        self.broker.add_right(user, vhost, rights);
        Ok(())
    }
}

fn create_queue(vhost: &mut Vhost, spec: &RabbitmqVhostSpec, queue: &str) -> Result<(), Trouble> {
    if vhost.is_half_made {
        return Err(refused(TroubleKind::Busy, queue));
    }
    if vhost.queues.contains_key(queue) {
        return Err(refused(TroubleKind::Exists, queue));
    }
    let most = vhost.limits.get(Limit::MaxQueues.name()).and_then(|limit| usize::try_from(*limit).ok());
    if most.is_some_and(|most| vhost.queues.len() >= most) {
        return Err(refused(TroubleKind::Refused, queue));
    }
    let wanted = spec.queues.get(queue).ok_or_else(|| refused(TroubleKind::Missing, queue))?;
    vhost.queues.insert(queue.to_owned(), Queue::from(wanted));
    Ok(())
}

fn leads_to(binding: &Binding, kind: &str, name: &str) -> bool {
    binding.destination_type == kind && binding.destination == name
}

fn made(look: Look<'_, RabbitmqVhostSpec>) -> Result<User, Trouble> {
    let entry = look.entry.ok_or_else(|| Trouble::new(TroubleKind::Setup, "the user has no stored credential"))?;
    User::new(look.asked.claim, entry.need("password")?)
}

fn refused(kind: TroubleKind, what: &str) -> Trouble {
    Trouble::new(kind, format!("sandbox: the server says no to `{what}`"))
}

impl Probe<RabbitmqVhost> for Prober {
    async fn probe(
        &self,
        own: Look<'_, RabbitmqVhostSpec>,
        targets: &[&Wanted<RabbitmqVhostSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let probe = self.0.read("open virtual hosts", |state| {
            let (broker, name) = (&state.rabbitmq.broker, user(own.wanted()));
            let password = own.entry.and_then(|entry| entry.get("password"));
            if !password.zip(broker.users.get(name)).is_some_and(|(password, user)| user.has(password)) {
                return Err(Trouble::new(TroubleKind::Credential, "the user does not get in"));
            }
            let tries = targets.iter().map(|target| match &target.name {
                vhost if !broker.vhosts.contains_key(vhost) => Err(refused(TroubleKind::Missing, vhost)),
                vhost if broker.rights.get(name).is_some_and(|vhosts| vhosts.contains_key(vhost)) => {
                    Ok(Access::Allowed(format!("opened the virtual host `{vhost}`")))
                }
                _ => Ok(Access::Denied),
            });
            Ok(tries.collect())
        });
        probe.await
    }
}
