//! Reads virtual hosts and users: one by one where few are asked for, all of the server where many are.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, future::join_all, stream, try_join};

use super::{Shared, answers as row, broker::Broker, path};
use crate::{
    engine::{Look, Observe, Trouble},
    provision::rabbitmq::RabbitmqVhostSpec,
    steps::rabbitmq::{RabbitmqVhost, Seen, topology, user},
};

/// Up to here each is asked for by itself, whatever else the server holds.
const FEW: usize = 8;

/// How many virtual hosts a listing reads in the time of the requests for a single one.
const LISTED_FOR_ONE: usize = 50;

/// The contents of how many virtual hosts are listed in the time that one call may take, even by a busy server.
const LISTED_IN_A_CALL: usize = 250;

/// The exchanges that every virtual host has.
const STANDARD: [&str; 5] = ["amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic"];

/// How many logins are tried at one time.
const LOGINS: usize = 8;

/// Reads.
pub struct Observer(Shared);

impl Observer {
    /// Returns the reader of a server.
    pub fn new(server: &Shared) -> Self {
        Self(Shared::clone(server))
    }

    /// Reads all that concerns one resource. What is missing is left out: its absence is what is seen.
    pub(super) async fn one(&self, look: Look<'_, RabbitmqVhostSpec>) -> Result<Broker, Trouble> {
        let (vhost, name) = (look.wanted().name.as_str(), user(look.wanted()));
        let of = |what: &str| path(&[what, vhost]);
        let about = format!("{}?{}", of("vhosts")?, row::VHOST);
        let (limits, policies) = (of("vhost-limits")?, of("policies")?);
        let exchanges = format!("{}?{}", of("exchanges")?, row::EXCHANGE);
        let queues = format!("{}?{}", of("queues")?, row::QUEUE);
        let bindings = format!("{}?{}", of("bindings")?, row::BINDING);
        let here = path(&["vhosts", vhost, "permissions"])?;
        let (login, everywhere) = (path(&["users", name])?, path(&["users", name, "permissions"])?);
        let topics = path(&["users", name, "topic-permissions"])?;
        let server = &self.0;
        let (about, limits, policies, exchanges, queues, bindings, here, login, everywhere, topics) = try_join!(
            server.find::<row::Vhost>("read a virtual host", &about),
            server.find::<Vec<row::Limits>>("read limits", &limits),
            server.find::<Vec<row::Policy>>("read policies", &policies),
            server.find::<Vec<row::Exchange>>("read exchanges", &exchanges),
            server.find::<Vec<row::Queue>>("read queues", &queues),
            server.find::<Vec<row::Binding>>("read bindings", &bindings),
            server.find::<Vec<row::Permission>>("read permissions", &here),
            server.find::<row::User>("read a user", &login),
            server.find::<Vec<row::Permission>>("read permissions", &everywhere),
            server.find::<Vec<row::TopicPermission>>("read topic permissions", &topics),
        )?;
        let mut listed = Listed {
            vhosts: about.into_iter().collect(),
            users: login.into_iter().collect(),
            permissions: here.into_iter().chain(everywhere).flatten().collect(),
            topics: topics.unwrap_or_default(),
            limits: limits.unwrap_or_default(),
            policies: policies.unwrap_or_default(),
            exchanges: exchanges.unwrap_or_default(),
            queues: queues.unwrap_or_default(),
            bindings: bindings.unwrap_or_default(),
        };
        listed.users.extend(self.others(name, &listed.permissions).await?);
        Ok(listed.broker())
    }

    /// Reads who else has rights: whether it is another tenant's user is told by its tags.
    async fn others(&self, name: &str, permissions: &[row::Permission]) -> Result<Vec<row::User>, Trouble> {
        let known = [name, self.0.login.username.as_str()];
        let others: BTreeSet<&str> = permissions.iter().map(|permission| permission.user.as_str()).collect();
        let reads = others
            .into_iter()
            .filter(|other| !known.contains(other))
            .map(async |other| self.0.find::<row::User>("read a user", &path(&["users", other])?).await);
        let read = join_all(reads).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Reads all that the server has.
    async fn all(&self, vhosts: Vec<row::Vhost>) -> Result<Broker, Trouble> {
        let exchanges = format!("exchanges?{}", row::EXCHANGE);
        let queues = format!("queues?{}", row::QUEUE);
        let bindings = format!("bindings?{}", row::BINDING);
        let server = &self.0;
        // RabbitMQ 3.10 goes through its whole table once for each virtual host: the time grows with the square of
        // their number, 2.5 s for the 9,000 exchanges of 1,000.
        let calls = u32::try_from(1 + vhosts.len() / LISTED_IN_A_CALL).unwrap_or(u32::MAX);
        let (users, permissions, topics, limits, policies, exchanges, queues, bindings) = try_join!(
            server.get("list users", "users"),
            server.get("list permissions", "permissions"),
            server.get("list topic permissions", "topic-permissions"),
            server.get("list limits", "vhost-limits"),
            server.get("list policies", "policies"),
            server.list("list exchanges", &exchanges, calls),
            server.list("list queues", &queues, calls),
            server.list("list bindings", &bindings, calls),
        )?;
        Ok(Listed { vhosts, users, permissions, topics, limits, policies, exchanges, queues, bindings }.broker())
    }

    /// Returns whether the stored password is the user's and lets it in; none where no password is stored.
    async fn login(&self, look: Look<'_, RabbitmqVhostSpec>, broker: &Broker) -> Result<Option<bool>, Trouble> {
        let name = user(look.wanted());
        let (Some(password), Some(found)) =
            (look.entry.and_then(|entry| entry.get("password")), broker.users.get(name))
        else {
            return Ok(None);
        };
        Ok(Some(found.has(password) && self.0.gets_in(name, password).await?))
    }

    /// Returns whether the server keeps the default queue type that a virtual host was made with; asked only where that
    /// matters.
    async fn keeps_default_type(&self, looks: &[(Look<'_, RabbitmqVhostSpec>, &Broker)]) -> Result<bool, Trouble> {
        let differs = looks.iter().any(|(look, broker)| {
            let found = broker.vhosts.get(&look.wanted().name);
            let wanted = look.wanted().spec.default_queue_type.map(topology::queue_type);
            found.is_some_and(|vhost| wanted.is_some() && vhost.about.default_queue_type.as_deref() != wanted)
        });
        if !differs {
            return Ok(false);
        }
        let overview: row::Overview = self.0.get("read the version", "overview?columns=rabbitmq_version").await?;
        Ok(overview.keeps_default_type())
    }

    /// Turns brokers into what is seen, in the order of the looks; each look has its own broker, or all share one.
    async fn see(&self, looks: &[(Look<'_, RabbitmqVhostSpec>, &Broker)]) -> Vec<Result<Seen, Trouble>> {
        let is_fixed = match self.keeps_default_type(looks).await {
            Ok(is_fixed) => is_fixed,
            Err(trouble) => return looks.iter().map(|_| Err(copy(&trouble))).collect(),
        };
        let mut users_of: Option<(*const Broker, BTreeMap<&str, BTreeSet<&str>>)> = None;
        let logins = looks.iter().map(|(look, broker)| self.login(*look, broker));
        let logins: Vec<_> = stream::iter(logins).buffered(LOGINS).collect().await;
        let mut seen = Vec::with_capacity(looks.len());
        for ((look, broker), login) in looks.iter().zip(logins) {
            let users = match &users_of {
                Some((of, users)) if std::ptr::eq(*of, *broker) => users,
                _ => &users_of.insert((std::ptr::from_ref(*broker), broker.users_of())).1,
            };
            let administrator = &self.0.login.username;
            seen.push(login.map(|login| broker.seen(*look, users, administrator, is_fixed, login)));
        }
        seen
    }

    async fn one_by_one(&self, looks: &[Look<'_, RabbitmqVhostSpec>]) -> Vec<Result<Seen, Trouble>> {
        let brokers = join_all(looks.iter().map(|look| self.one(*look))).await;
        let read = looks.iter().zip(&brokers).filter_map(|(look, broker)| Some((*look, broker.as_ref().ok()?)));
        let mut seen = self.see(&read.collect::<Vec<_>>()).await.into_iter();
        let all = brokers.into_iter().filter_map(|broker| match broker {
            Ok(_) => seen.next(),
            Err(trouble) => Some(Err(trouble)),
        });
        all.collect()
    }
}

impl Observe<RabbitmqVhost> for Observer {
    async fn observe(&self, looks: &[Look<'_, RabbitmqVhostSpec>]) -> Vec<Result<Seen, Trouble>> {
        if looks.len() <= FEW {
            return self.one_by_one(looks).await;
        }
        let vhosts: Vec<row::Vhost> = match self.0.get("list virtual hosts", &format!("vhosts?{}", row::VHOST)).await {
            Ok(vhosts) => vhosts,
            Err(trouble) => return looks.iter().map(|_| Err(copy(&trouble))).collect(),
        };
        if looks.len() * LISTED_FOR_ONE < vhosts.len() {
            return self.one_by_one(looks).await;
        }
        match self.all(vhosts).await {
            Ok(broker) => self.see(&looks.iter().map(|look| (*look, &broker)).collect::<Vec<_>>()).await,
            Err(trouble) => looks.iter().map(|_| Err(copy(&trouble))).collect(),
        }
    }
}

fn copy(trouble: &Trouble) -> Trouble {
    Trouble::new(trouble.kind(), trouble.line())
}

/// The listings of a server, or the parts of them that concern one resource.
struct Listed {
    vhosts: Vec<row::Vhost>,
    users: Vec<row::User>,
    permissions: Vec<row::Permission>,
    topics: Vec<row::TopicPermission>,
    limits: Vec<row::Limits>,
    policies: Vec<row::Policy>,
    exchanges: Vec<row::Exchange>,
    queues: Vec<row::Queue>,
    bindings: Vec<row::Binding>,
}

impl Listed {
    /// Sorts everything to the virtual host that it is in. What belongs to one that was not listed came or went between
    /// two requests; the next look has it.
    fn broker(self) -> Broker {
        let Self { vhosts, users, permissions, topics, limits, policies, exchanges, queues, bindings } = self;
        let mut broker = Broker {
            users: users.into_iter().map(row::User::broker).collect(),
            vhosts: vhosts.into_iter().map(row::Vhost::broker).collect(),
            ..Broker::default()
        };
        for row::Permission { user, vhost, rights } in permissions {
            broker.add_right(&user, &vhost, rights);
        }
        for row::TopicPermission { user, vhost, exchange, topics } in topics {
            broker.add_topics(&user, &vhost, &exchange, topics);
        }
        for row in limits {
            broker.vhosts.get_mut(&row.vhost).into_iter().for_each(|vhost| vhost.limits.extend(row.value.clone()));
        }
        for row in policies {
            if let Some(vhost) = broker.vhosts.get_mut(&row.vhost) {
                vhost.policies.extend([row.broker()]);
            }
        }
        let mut standard: BTreeMap<String, usize> = BTreeMap::new();
        for row in exchanges.into_iter().filter(|row| !row.name.is_empty()) {
            if STANDARD.contains(&row.name.as_str()) {
                *standard.entry(row.vhost).or_default() += 1;
            } else if let Some(vhost) = broker.vhosts.get_mut(&row.vhost)
                && !row.name.starts_with("amq.")
            {
                vhost.exchanges.extend([row.broker()]);
            }
        }
        for (name, vhost) in &mut broker.vhosts {
            vhost.is_half_made |= standard.get(name).copied().unwrap_or_default() < STANDARD.len();
        }
        for row in queues {
            if let Some(vhost) = broker.vhosts.get_mut(&row.vhost) {
                vhost.queues.extend([row.broker()]);
            }
        }
        for row in bindings {
            if let Some(vhost) = broker.vhosts.get_mut(&row.vhost) {
                let binding = row.broker();
                if !binding.source.is_empty() {
                    vhost.bindings.push(binding);
                }
            }
        }
        broker
    }
}
