//! The login role that each database and each schema has: what it may be, and what leads there.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use super::{
    super::claim::Owner,
    action::PostgresAction,
    parameters::{Parameters, Scope, differences},
};

/// A login role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Whose it is, by its comment.
    pub owner: Owner,
    /// What it may do on the whole server.
    pub attributes: Attributes,
    /// The most connections at one time.
    pub connection_limit: Option<u32>,
    /// Memberships of it in other roles, and of others in it; the administrator's own left out.
    pub memberships: BTreeSet<Membership>,
    /// Whether the administrator may act for it.
    pub joined: bool,
    /// Parameters that hold for it in all databases.
    pub parameters: Parameters,
    /// Parameters that hold for it in its database.
    pub parameters_in_database: Parameters,
    /// Whether the stored password is its own and lets it in; none where it is not known.
    pub password: Option<bool>,
}

/// What a role may do on the whole server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// `LOGIN`.
    pub login: bool,
    /// `SUPERUSER`.
    pub superuser: bool,
    /// `CREATEDB`.
    pub create_databases: bool,
    /// `CREATEROLE`.
    pub create_roles: bool,
    /// `INHERIT`.
    pub inherit: bool,
    /// `REPLICATION`.
    pub replication: bool,
    /// `BYPASSRLS`.
    pub bypass_row_security: bool,
    /// `VALID UNTIL` some day.
    pub expires: bool,
}

impl Attributes {
    /// What a tenant's role has: it logs in, and nothing else.
    pub const WANTED: Self = Self {
        login: true,
        superuser: false,
        create_databases: false,
        create_roles: false,
        inherit: false,
        replication: false,
        bypass_row_security: false,
        expires: false,
    };
}

/// One role's rights that another has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    /// The role whose rights the member has.
    pub role: String,
    /// The member.
    pub member: String,
    /// Who gave it, where the server tells them apart (16 and later).
    pub grantor: Option<String>,
}

/// A change of a role's attributes. Only those that differ are named: an administrator that is no superuser may not even
/// mention some of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RoleChange {
    /// `NOSUPERUSER`.
    NoSuperuser,
    /// `NOCREATEDB`.
    NoCreatedb,
    /// `NOCREATEROLE`.
    NoCreaterole,
    /// `NOINHERIT`.
    NoInherit,
    /// `NOREPLICATION`.
    NoReplication,
    /// `NOBYPASSRLS`.
    NoBypassrls,
    /// `CONNECTION LIMIT`.
    ConnectionLimit {
        /// Until now.
        from: Option<u32>,
        /// From now on.
        to: Option<u32>,
    },
    /// `VALID UNTIL 'infinity'`.
    NoExpiry,
    /// The stored password.
    Password,
    /// `LOGIN`.
    Login,
}

impl fmt::Display for RoleChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |limit: &Option<u32>| limit.map_or("none".to_owned(), |limit| limit.to_string());
        match self {
            RoleChange::NoSuperuser => f.write_str("SUPERUSER → NOSUPERUSER"),
            RoleChange::NoCreatedb => f.write_str("CREATEDB → NOCREATEDB"),
            RoleChange::NoCreaterole => f.write_str("CREATEROLE → NOCREATEROLE"),
            RoleChange::NoInherit => f.write_str("INHERIT → NOINHERIT"),
            RoleChange::NoReplication => f.write_str("REPLICATION → NOREPLICATION"),
            RoleChange::NoBypassrls => f.write_str("BYPASSRLS → NOBYPASSRLS"),
            RoleChange::ConnectionLimit { from, to } => write!(f, "connection limit {} → {}", word(from), word(to)),
            RoleChange::NoExpiry => f.write_str("expires → never expires"),
            RoleChange::Password => f.write_str("password"),
            RoleChange::Login => f.write_str("NOLOGIN → LOGIN"),
        }
    }
}

/// Returns what leads from a role to the wanted one. Rights are taken away before any are given; the claim comes first,
/// so that whoever dies in between leaves a role that is known.
pub(super) fn decide(name: &str, role: Option<&Role>, limit: Option<u32>, shared: Option<&str>) -> Vec<PostgresAction> {
    let owned = || name.to_owned();
    let Some(role) = role else {
        let shared = shared.map(str::to_owned);
        return vec![PostgresAction::CreateRole { role: owned(), connection_limit: limit, shared }];
    };
    let Role {
        owner,
        attributes: _,
        connection_limit: _,
        memberships,
        joined,
        parameters,
        parameters_in_database: _,
        password: _,
    } = role;
    let mut actions = Vec::new();
    if *owner != Owner::Ours {
        actions.push(PostgresAction::MarkRole { role: owned() });
    }
    actions.extend(memberships.iter().map(|Membership { role, member, grantor }| PostgresAction::RevokeMembership {
        role: role.clone(),
        member: member.clone(),
        grantor: grantor.clone(),
    }));
    actions.extend(differences(&Scope::Role { role: owned() }, parameters, &Parameters::new()));
    let changes = changes(role, limit);
    if !changes.is_empty() {
        actions.push(PostgresAction::AlterRole { role: owned(), changes });
    }
    if !joined {
        actions.push(PostgresAction::JoinRole { role: owned() });
    }
    actions
}

fn changes(role: &Role, limit: Option<u32>) -> Vec<RoleChange> {
    let Attributes {
        login,
        superuser,
        create_databases,
        create_roles,
        inherit,
        replication,
        bypass_row_security,
        expires,
    } = role.attributes;
    let (from, to) = (role.connection_limit, limit);
    let all = [
        (superuser, RoleChange::NoSuperuser),
        (create_databases, RoleChange::NoCreatedb),
        (create_roles, RoleChange::NoCreaterole),
        (inherit, RoleChange::NoInherit),
        (replication, RoleChange::NoReplication),
        (bypass_row_security, RoleChange::NoBypassrls),
        (from != to, RoleChange::ConnectionLimit { from, to }),
        (expires, RoleChange::NoExpiry),
        (role.password == Some(false), RoleChange::Password),
        (!login, RoleChange::Login),
    ];
    all.into_iter().filter(|(differs, _)| *differs).map(|(_, change)| change).collect()
}
