//! Writes virtual hosts, users and topology.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{Reason, Shared, answers as row, broker::User, observe::Observer, path};
use crate::{
    engine::{Look, Perform, Trouble, TroubleKind, points, service::Answers},
    provision::rabbitmq::RabbitmqVhostSpec,
    steps::{
        Action,
        rabbitmq::{
            About, Limit, RabbitmqAction, RabbitmqVhost, Rights, Topics,
            topology::{self, Binding, Exchange, Policy, Queue},
            user,
        },
    },
};

/// Writes.
pub struct Performer(Shared);

/// A request and what it is for, which completes "failed to …".
struct Request {
    what: &'static str,
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Request {
    fn put(what: &'static str, path: String, body: Value) -> Self {
        Self { what, method: Method::PUT, path, body: Some(body) }
    }

    fn delete(what: &'static str, path: String) -> Self {
        Self { what, method: Method::DELETE, path, body: None }
    }
}

impl Performer {
    /// Returns the writer of a server.
    pub fn new(server: &Shared) -> Self {
        Self(Shared::clone(server))
    }

    async fn send(&self, request: Request) -> Result<StatusCode, Trouble> {
        let Request { what, method, path, body } = request;
        Ok(self.0.write(what, method, &path, body, Reason::Told).await?.status)
    }

    /// Sends a request that makes something: had it been there, the server would say so by another status.
    async fn make(&self, request: Request, reason: Reason) -> Result<(), Trouble> {
        let Request { what, method, path, body } = request;
        let answer = self.0.write(what, method, &path, body, reason).await?;
        match answer.status {
            StatusCode::CREATED => Ok(()),
            _ if points::planted("rabbitmq-exists-is-success") => Ok(()),
            _ => Err(self.0.trouble(TroubleKind::Exists, what, "it was there already".to_owned())),
        }
    }

    /// Asks whether the place is free for something that a `PUT` would otherwise take over.
    async fn is_free(&self, what: &'static str, path: &str) -> Result<(), Trouble> {
        match self.0.find::<IgnoredAny>(what, path).await? {
            None => Ok(()),
            Some(_) if points::planted("rabbitmq-exists-is-success") => Ok(()),
            Some(_) => Err(self.0.trouble(TroubleKind::Exists, what, "it is there already".to_owned())),
        }
    }

    /// A request about a user leaves out nothing: without a password it would take the password away.
    fn user(look: Look<'_, RabbitmqVhostSpec>) -> Result<Value, Trouble> {
        let missing = || Trouble::new(TroubleKind::Setup, "the user has no stored credential");
        let password = look.entry.ok_or_else(missing)?.need("password")?;
        let User { tags, password_hash, hashing_algorithm } = User::new(look.asked.claim, password)?;
        let tags = tags.join(",");
        if points::planted("rabbitmq-password-left-out") {
            return Ok(json!({ "tags": tags }));
        }
        Ok(json!({ "tags": tags, "password_hash": password_hash, "hashing_algorithm": hashing_algorithm }))
    }

    async fn vhost(&self, look: Look<'_, RabbitmqVhostSpec>, action: &RabbitmqAction) -> Result<(), Trouble> {
        let wanted = look.wanted();
        match action {
            RabbitmqAction::CreateVhost { vhost } => {
                let (what, path) = ("create a virtual host", path(&["vhosts", vhost])?);
                self.is_free(what, &path).await?;
                let default_queue_type =
                    wanted.spec.default_queue_type.map(|kind| topology::queue_type(kind).to_owned());
                let about = About { default_queue_type, ..About::default() };
                self.make(Request::put(what, path, vhost_body(look, &about)), Reason::Told).await
            }
            RabbitmqAction::RemoveHalfMade { vhost } => {
                self.stays_half_made(look).await?;
                self.delete_vhost(vhost, true).await
            }
            RabbitmqAction::UpdateVhost { vhost, about, differences: _ } => {
                let body = vhost_body(look, about);
                self.send(Request::put("set a virtual host", path(&["vhosts", vhost])?, body)).await.map(drop)
            }
            RabbitmqAction::GrantAdministrator { vhost } => {
                let path = path(&["permissions", vhost, &self.0.login.username])?;
                let request = Request::put("give the administrator its rights", path, json!(Rights::all()));
                self.send(request).await.map(drop)
            }
            RabbitmqAction::SetLimit { limit, from: _, to } => {
                let path = path(&["vhost-limits", &wanted.name, Limit::name(*limit)])?;
                let request = match to {
                    Some(value) => Request::put("set a limit", path, json!({ "value": value })),
                    None => Request::delete("clear a limit", path),
                };
                self.send(request).await.map(drop)
            }
            RabbitmqAction::DeleteVhost { vhost, only_empty } => self.delete_vhost(vhost, *only_empty).await,
            other => self.user_or_rights(look, other).await,
        }
    }

    async fn user_or_rights(&self, look: Look<'_, RabbitmqVhostSpec>, action: &RabbitmqAction) -> Result<(), Trouble> {
        let (vhost, name) = (look.wanted().name.as_str(), user(look.wanted()));
        let request = match action {
            RabbitmqAction::CreateUser { user } => {
                let (what, path) = ("create a user", path(&["users", user])?);
                self.is_free(what, &path).await?;
                return self.make(Request::put(what, path, Self::user(look)?), Reason::Kept).await;
            }
            RabbitmqAction::SetUser { user, differences: _ } => {
                let (path, body) = (path(&["users", user])?, Self::user(look)?);
                return self.0.write("set a user", Method::PUT, &path, Some(body), Reason::Kept).await.map(drop);
            }
            RabbitmqAction::DeleteUser { user } => Request::delete("delete a user", path(&["users", user])?),
            RabbitmqAction::LockPermissions { user, vhost, from: _ } => {
                Request::put("lock a user", path(&["permissions", vhost, user])?, json!(Rights::none()))
            }
            RabbitmqAction::CloseConnections { user } => {
                Request::delete("close the connections of a user", path(&["connections", "username", user])?)
            }
            RabbitmqAction::DeletePermissions { user, vhost } => {
                Request::delete("delete permissions", path(&["permissions", vhost, user])?)
            }
            RabbitmqAction::SetPermissions { from: _, to } => {
                Request::put("set permissions", path(&["permissions", vhost, name])?, json!(to))
            }
            RabbitmqAction::SetTopicPermissions { exchange, from: _, to: Topics { write, read } } => {
                let body = json!({ "exchange": exchange, "write": write, "read": read });
                Request::put("set topic permissions", path(&["topic-permissions", vhost, name])?, body)
            }
            RabbitmqAction::DeleteTopicPermissions { exchanges: _ } => {
                Request::delete("delete topic permissions", path(&["topic-permissions", vhost, name])?)
            }
            other => return self.topology(look, other).await,
        };
        self.send(request).await.map(drop)
    }

    async fn topology(&self, look: Look<'_, RabbitmqVhostSpec>, action: &RabbitmqAction) -> Result<(), Trouble> {
        let (vhost, spec) = (look.wanted().name.as_str(), &look.wanted().spec);
        let request = match action {
            RabbitmqAction::PutPolicy { policy, differences: _ } => {
                let body = json!(Policy::from(named(&spec.policies, policy)?));
                Request::put("set a policy", path(&["policies", vhost, policy])?, body)
            }
            RabbitmqAction::DeletePolicy { policy } => {
                Request::delete("delete a policy", path(&["policies", vhost, policy])?)
            }
            RabbitmqAction::CreateExchange { exchange } => {
                let body = json!(Exchange::from(named(&spec.exchanges, exchange)?));
                let request = Request::put("create an exchange", path(&["exchanges", vhost, exchange])?, body);
                return self.make(request, Reason::Told).await;
            }
            RabbitmqAction::DeleteExchange { exchange, why: _, only_unused } => {
                let path = path(&["exchanges", vhost, exchange])?;
                let path = if *only_unused { format!("{path}?if-unused=true") } else { path };
                Request::delete("delete an exchange", path)
            }
            RabbitmqAction::CreateQueue { queue } => {
                let body = json!(Queue::from(named(&spec.queues, queue)?));
                let request = Request::put("create a queue", path(&["queues", vhost, queue])?, body);
                return self.make(request, Reason::Told).await;
            }
            RabbitmqAction::DeleteQueue { queue, why: _, only_empty } => {
                let path = path(&["queues", vhost, queue])?;
                let demands = *only_empty && !self.is_empty_quorum_queue(spec, queue, &path).await?;
                let path = if demands { format!("{path}?if-empty=true") } else { path };
                Request::delete("delete a queue", path)
            }
            RabbitmqAction::Bind(binding) => {
                let Binding { routing_key, arguments, .. } = binding;
                let body = Some(json!({ "routing_key": routing_key, "arguments": arguments }));
                Request { what: "bind", method: Method::POST, path: between(vhost, binding)?, body }
            }
            RabbitmqAction::Unbind(binding) => {
                Request::delete("unbind", format!("{}/{}", between(vhost, binding)?, self.key(vhost, binding).await?))
            }
            other => {
                let what = format!("no request makes `{}`", other.name());
                return Err(Trouble::new(TroubleKind::Setup, what));
            }
        };
        self.send(request).await.map(drop)
    }

    /// The API calls a binding by a key of its own making.
    async fn key(&self, vhost: &str, binding: &Binding) -> Result<String, Trouble> {
        let path = format!("{}?{}", between(vhost, binding)?, row::BINDING);
        let found: Option<Vec<row::Binding>> = self.0.find("find a binding", &path).await?;
        for row in found.into_iter().flatten() {
            let key = row.properties_key.clone();
            if row.broker() == *binding {
                return super::path(&[&key]);
            }
        }
        Err(self.0.trouble(TroubleKind::Missing, "find a binding", "it is not there any more".to_owned()))
    }

    /// Quorum queues do not know the demand to be empty. This looks for a message, and puts it back: nobody but
    /// administrators can publish between that and the deletion of a queue whose user is not there yet.
    async fn is_empty_quorum_queue(&self, spec: &RabbitmqVhostSpec, queue: &str, path: &str) -> Result<bool, Trouble> {
        let quorum = json!(topology::queue_type(crate::provision::rabbitmq::QueueType::Quorum));
        if Queue::from(named(&spec.queues, queue)?).arguments.get(topology::TYPE) != Some(&quorum) {
            return Ok(false);
        }
        let what = "look for a message";
        let body = json!({ "count": 1, "ackmode": "ack_requeue_true", "encoding": "auto", "truncate": 0 });
        let answer = self.0.write(what, Method::POST, &format!("{path}/get"), Some(body), Reason::Told).await?;
        match answer.json::<Vec<IgnoredAny>>(&self.0.name, what)?.is_empty() {
            true => Ok(true),
            false => Err(self.0.trouble(TroubleKind::Refused, "delete a queue", "it is not empty".to_owned())),
        }
    }

    /// Waits for another run that may be making the virtual host just now: that takes less than a second.
    async fn stays_half_made(&self, look: Look<'_, RabbitmqVhostSpec>) -> Result<(), Trouble> {
        const PAUSE: Duration = Duration::from_millis(500);
        for _ in 0..6 {
            tokio::time::sleep(PAUSE).await;
            let broker = Observer::new(&self.0).one(look).await?;
            if !broker.vhosts.get(&look.wanted().name).is_some_and(|vhost| vhost.is_half_made) {
                let why = "another run has made it in the meantime".to_owned();
                return Err(self.0.trouble(TroubleKind::Busy, "make a virtual host anew", why));
            }
        }
        Ok(())
    }

    async fn delete_vhost(&self, vhost: &str, only_empty: bool) -> Result<(), Trouble> {
        if only_empty {
            self.has_no_queue(vhost).await?;
        }
        self.send(Request::delete("delete a virtual host", path(&["vhosts", vhost])?)).await.map(drop)
    }

    async fn has_no_queue(&self, vhost: &str) -> Result<(), Trouble> {
        let path = format!("{}?{}", path(&["queues", vhost])?, row::QUEUE);
        let queues: Option<Vec<IgnoredAny>> = self.0.find("read queues", &path).await?;
        match queues.unwrap_or_default().is_empty() {
            true => Ok(()),
            false => Err(self.0.trouble(TroubleKind::Refused, "delete a virtual host", "it has queues".to_owned())),
        }
    }
}

impl Perform<RabbitmqVhost> for Performer {
    async fn perform(&self, look: Look<'_, RabbitmqVhostSpec>, action: &RabbitmqAction) -> Result<Answers, Trouble> {
        self.vhost(look, action).await?;
        Ok(Answers::new())
    }
}

/// The whole of it: what a request leaves out is reset. The default queue type has two spellings; 3.10 knows the first,
/// and passes over what it does not know.
fn vhost_body(look: Look<'_, RabbitmqVhostSpec>, about: &About) -> Value {
    let About { tags, default_queue_type, protected } = about;
    let mut body = json!({ "description": look.asked.claim.to_string(), "tags": tags.join(",") });
    if let Some(kind) = default_queue_type {
        body["defaultqueuetype"] = json!(kind);
        body["default_queue_type"] = json!(kind);
    }
    if *protected {
        body["protected_from_deletion"] = json!(true);
    }
    body
}

/// Returns the path of all bindings between two objects.
fn between(vhost: &str, binding: &Binding) -> Result<String, Trouble> {
    let Binding { source, destination_type, destination, routing_key: _, arguments: _ } = binding;
    let kind = if destination_type == "queue" { "q" } else { "e" };
    path(&["bindings", vhost, "e", source, kind, destination])
}

fn named<'s, T>(all: &'s std::collections::BTreeMap<String, T>, name: &str) -> Result<&'s T, Trouble> {
    all.get(name).ok_or_else(|| Trouble::new(TroubleKind::Setup, format!("the document does not name `{name}`")))
}
