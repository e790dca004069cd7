//! What can be done to a RabbitMQ server, one request each.

use std::fmt;

use serde::Serialize;

use super::{About, Limit, Rights, Topics, topology::Binding};
use crate::steps::{Action, Verb};

/// One writing request to the server. Settings that the document says stand in it, not here.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RabbitmqAction {
    /// Make the virtual host, with its claim.
    CreateVhost {
        /// The virtual host.
        vhost: String,
    },
    /// Delete the virtual host, which the server never came to the end of making, if no other run is still making it.
    RemoveHalfMade {
        /// The virtual host.
        vhost: String,
    },
    /// Set claim and settings of the virtual host.
    UpdateVhost {
        /// The virtual host.
        vhost: String,
        /// All its settings, those that stay included: what a request leaves out is lost.
        about: About,
        /// What differs.
        differences: Vec<String>,
    },
    /// Give the administrator that asks all rights in the virtual host.
    GrantAdministrator {
        /// The virtual host.
        vhost: String,
    },
    /// Make a user's rights in a virtual host that is not its own rights to nothing.
    LockPermissions {
        /// The user.
        user: String,
        /// The virtual host.
        vhost: String,
        /// The rights that it has.
        from: Rights,
    },
    /// Close all connections of a user.
    CloseConnections {
        /// The user.
        user: String,
    },
    /// Take a user's rights in a virtual host away.
    DeletePermissions {
        /// The user.
        user: String,
        /// The virtual host.
        vhost: String,
    },
    /// Set or clear a limit of the virtual host.
    SetLimit {
        /// The limit.
        limit: Limit,
        /// What it is.
        from: Option<u64>,
        /// What it shall be.
        to: Option<u64>,
    },
    /// Make or replace a policy.
    PutPolicy {
        /// The policy.
        policy: String,
        /// What differs; none of a new one.
        differences: Vec<String>,
    },
    /// Delete a policy.
    DeletePolicy {
        /// The policy.
        policy: String,
    },
    /// Declare an exchange.
    CreateExchange {
        /// The exchange.
        exchange: String,
    },
    /// Delete an exchange with its bindings.
    DeleteExchange {
        /// The exchange.
        exchange: String,
        /// Why.
        why: String,
        /// Whether it must have no bindings from it.
        only_unused: bool,
    },
    /// Declare a queue.
    CreateQueue {
        /// The queue.
        queue: String,
    },
    /// Delete a queue.
    DeleteQueue {
        /// The queue.
        queue: String,
        /// Why.
        why: String,
        /// Whether it must hold no message.
        only_empty: bool,
    },
    /// Bind a queue or an exchange to an exchange.
    Bind(Binding),
    /// Take a binding away.
    Unbind(Binding),
    /// Make the user, with its claim and the stored password, and without rights.
    CreateUser {
        /// The user.
        user: String,
    },
    /// Set claim, tags and password of the user.
    SetUser {
        /// The user.
        user: String,
        /// What differs.
        differences: Vec<String>,
    },
    /// Set the user's rights in the virtual host.
    SetPermissions {
        /// What they are.
        from: Option<Rights>,
        /// What they shall be.
        to: Rights,
    },
    /// Set the user's rights over the routing keys of an exchange.
    SetTopicPermissions {
        /// The exchange.
        exchange: String,
        /// What they are.
        from: Option<Topics>,
        /// What they shall be.
        to: Topics,
    },
    /// Take all rights over routing keys from the user, which then may use all that its rights allow.
    DeleteTopicPermissions {
        /// The exchanges.
        exchanges: Vec<String>,
    },
    /// Delete the user, which ends its connections.
    DeleteUser {
        /// The user.
        user: String,
    },
    /// Delete the virtual host with all that it holds.
    DeleteVhost {
        /// The virtual host.
        vhost: String,
        /// Whether it must have no queue.
        only_empty: bool,
    },
}

impl RabbitmqAction {
    /// Returns what takes the action back; see [`Kind::undo`](crate::steps::Kind::undo). In reverse order everything is
    /// gone that was made in a virtual host before the virtual host itself goes, which must then have no queue.
    pub(super) fn undo(&self) -> Option<Self> {
        let why = || "made by this run".to_owned();
        Some(match self {
            RabbitmqAction::CreateVhost { vhost } => {
                RabbitmqAction::DeleteVhost { vhost: vhost.clone(), only_empty: true }
            }
            RabbitmqAction::CreateUser { user } => RabbitmqAction::DeleteUser { user: user.clone() },
            RabbitmqAction::CreateQueue { queue } => {
                RabbitmqAction::DeleteQueue { queue: queue.clone(), why: why(), only_empty: true }
            }
            RabbitmqAction::CreateExchange { exchange } => {
                RabbitmqAction::DeleteExchange { exchange: exchange.clone(), why: why(), only_unused: true }
            }
            RabbitmqAction::Bind(binding) => RabbitmqAction::Unbind(binding.clone()),
            RabbitmqAction::PutPolicy { policy, differences } if differences.is_empty() => {
                RabbitmqAction::DeletePolicy { policy: policy.clone() }
            }
            RabbitmqAction::UpdateVhost { .. }
            | RabbitmqAction::RemoveHalfMade { .. }
            | RabbitmqAction::GrantAdministrator { .. }
            | RabbitmqAction::LockPermissions { .. }
            | RabbitmqAction::CloseConnections { .. }
            | RabbitmqAction::DeletePermissions { .. }
            | RabbitmqAction::SetLimit { .. }
            | RabbitmqAction::PutPolicy { .. }
            | RabbitmqAction::DeletePolicy { .. }
            | RabbitmqAction::DeleteExchange { .. }
            | RabbitmqAction::DeleteQueue { .. }
            | RabbitmqAction::Unbind(_)
            | RabbitmqAction::SetUser { .. }
            | RabbitmqAction::SetPermissions { .. }
            | RabbitmqAction::SetTopicPermissions { .. }
            | RabbitmqAction::DeleteTopicPermissions { .. }
            | RabbitmqAction::DeleteUser { .. }
            | RabbitmqAction::DeleteVhost { .. } => return None,
        })
    }
}

impl Action for RabbitmqAction {
    fn verb(&self) -> Verb {
        match self {
            RabbitmqAction::CreateVhost { .. }
            | RabbitmqAction::CreateExchange { .. }
            | RabbitmqAction::CreateQueue { .. }
            | RabbitmqAction::Bind(_)
            | RabbitmqAction::CreateUser { .. }
            | RabbitmqAction::SetPermissions { from: None, .. }
            | RabbitmqAction::SetTopicPermissions { from: None, .. }
            | RabbitmqAction::SetLimit { from: None, .. }
            | RabbitmqAction::GrantAdministrator { .. } => Verb::Create,
            RabbitmqAction::PutPolicy { differences, .. } if differences.is_empty() => Verb::Create,
            RabbitmqAction::UpdateVhost { .. }
            | RabbitmqAction::LockPermissions { .. }
            | RabbitmqAction::SetLimit { to: Some(_), .. }
            | RabbitmqAction::PutPolicy { .. }
            | RabbitmqAction::SetUser { .. }
            | RabbitmqAction::SetPermissions { .. }
            | RabbitmqAction::SetTopicPermissions { .. } => Verb::Change,
            RabbitmqAction::CloseConnections { .. }
            | RabbitmqAction::RemoveHalfMade { .. }
            | RabbitmqAction::DeletePermissions { .. }
            | RabbitmqAction::SetLimit { to: None, .. }
            | RabbitmqAction::DeletePolicy { .. }
            | RabbitmqAction::DeleteExchange { .. }
            | RabbitmqAction::DeleteQueue { .. }
            | RabbitmqAction::Unbind(_)
            | RabbitmqAction::DeleteTopicPermissions { .. }
            | RabbitmqAction::DeleteUser { .. }
            | RabbitmqAction::DeleteVhost { .. } => Verb::Remove,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            RabbitmqAction::CreateVhost { .. } => "rabbitmq-create-vhost",
            RabbitmqAction::RemoveHalfMade { .. } => "rabbitmq-remove-half-made",
            RabbitmqAction::UpdateVhost { .. } => "rabbitmq-update-vhost",
            RabbitmqAction::GrantAdministrator { .. } => "rabbitmq-grant-administrator",
            RabbitmqAction::LockPermissions { .. } => "rabbitmq-lock-permissions",
            RabbitmqAction::CloseConnections { .. } => "rabbitmq-close-connections",
            RabbitmqAction::DeletePermissions { .. } => "rabbitmq-delete-permissions",
            RabbitmqAction::SetLimit { .. } => "rabbitmq-set-limit",
            RabbitmqAction::PutPolicy { .. } => "rabbitmq-put-policy",
            RabbitmqAction::DeletePolicy { .. } => "rabbitmq-delete-policy",
            RabbitmqAction::CreateExchange { .. } => "rabbitmq-create-exchange",
            RabbitmqAction::DeleteExchange { .. } => "rabbitmq-delete-exchange",
            RabbitmqAction::CreateQueue { .. } => "rabbitmq-create-queue",
            RabbitmqAction::DeleteQueue { .. } => "rabbitmq-delete-queue",
            RabbitmqAction::Bind(_) => "rabbitmq-create-binding",
            RabbitmqAction::Unbind(_) => "rabbitmq-delete-binding",
            RabbitmqAction::CreateUser { .. } => "rabbitmq-create-user",
            RabbitmqAction::SetUser { .. } => "rabbitmq-set-user",
            RabbitmqAction::SetPermissions { .. } => "rabbitmq-set-permissions",
            RabbitmqAction::SetTopicPermissions { .. } => "rabbitmq-set-topic-permissions",
            RabbitmqAction::DeleteTopicPermissions { .. } => "rabbitmq-delete-topic-permissions",
            RabbitmqAction::DeleteUser { .. } => "rabbitmq-delete-user",
            RabbitmqAction::DeleteVhost { .. } => "rabbitmq-delete-vhost",
        }
    }
}

impl fmt::Display for RabbitmqAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RabbitmqAction::CreateVhost { vhost } => write!(f, "create virtual host `{vhost}`"),
            RabbitmqAction::RemoveHalfMade { vhost } => {
                write!(f, "delete virtual host `{vhost}`, which the server left half made")
            }
            RabbitmqAction::UpdateVhost { vhost, about: _, differences } => {
                write!(f, "set virtual host `{vhost}`: {}", differences.join("; "))
            }
            RabbitmqAction::GrantAdministrator { vhost } => {
                write!(f, "give the administrator its rights in virtual host `{vhost}`")
            }
            RabbitmqAction::LockPermissions { user, vhost, from } => {
                write!(f, "lock user `{user}` in virtual host `{vhost}`, which is not its own: {from} → nothing")
            }
            RabbitmqAction::CloseConnections { user } => write!(f, "close the connections of user `{user}`"),
            RabbitmqAction::DeletePermissions { user, vhost } => {
                write!(f, "take from user `{user}` its rights in virtual host `{vhost}`")
            }
            RabbitmqAction::SetLimit { limit, from, to } => {
                write!(f, "set limit {}: {} → {}", limit.name(), number(*from), number(*to))
            }
            RabbitmqAction::PutPolicy { policy, differences } if differences.is_empty() => {
                write!(f, "create policy `{policy}`")
            }
            RabbitmqAction::PutPolicy { policy, differences } => {
                write!(f, "set policy `{policy}`: {}", differences.join("; "))
            }
            RabbitmqAction::DeletePolicy { policy } => {
                write!(f, "delete policy `{policy}`, which the document does not name")
            }
            RabbitmqAction::CreateExchange { exchange } => write!(f, "create exchange `{exchange}`"),
            RabbitmqAction::DeleteExchange { exchange, why, only_unused: _ } => {
                write!(f, "delete exchange `{exchange}` with its bindings: {why}")
            }
            RabbitmqAction::CreateQueue { queue } => write!(f, "create queue `{queue}`"),
            RabbitmqAction::DeleteQueue { queue, why, only_empty: true } => {
                write!(f, "delete queue `{queue}` if it is empty: {why}")
            }
            RabbitmqAction::DeleteQueue { queue, why, only_empty: false } => {
                write!(f, "delete queue `{queue}` with the messages that it holds: {why}")
            }
            RabbitmqAction::Bind(binding) => write!(f, "bind {binding}"),
            RabbitmqAction::Unbind(binding) => write!(f, "unbind {binding}"),
            RabbitmqAction::CreateUser { user } => write!(f, "create user `{user}`"),
            RabbitmqAction::SetUser { user, differences } => write!(f, "set user `{user}`: {}", differences.join("; ")),
            RabbitmqAction::SetPermissions { from, to } => write!(f, "set permissions: {} → {to}", or_none(from)),
            RabbitmqAction::SetTopicPermissions { exchange, from, to } => {
                write!(f, "set topic permissions on exchange `{exchange}`: {} → {to}", or_none(from))
            }
            RabbitmqAction::DeleteTopicPermissions { exchanges } => {
                write!(f, "delete topic permissions on {}: everything that its permissions allow", exchanges.join(", "))
            }
            RabbitmqAction::DeleteUser { user } => write!(f, "delete user `{user}` and close its connections"),
            RabbitmqAction::DeleteVhost { vhost, only_empty: true } => {
                write!(f, "delete virtual host `{vhost}` if it has no queue")
            }
            RabbitmqAction::DeleteVhost { vhost, only_empty: false } => {
                write!(f, "delete virtual host `{vhost}` with its queues and the messages that they hold")
            }
        }
    }
}

fn or_none(value: &Option<impl fmt::Display>) -> String {
    value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn number(value: Option<u64>) -> String {
    or_none(&value)
}
