//! `postgresDatabase` and `postgresSchema`: a database of its own, or a schema in a shared one, each with a login role.
//!
//! Claims are comments. That of a role is written in the transaction that creates it, and only an administrator can
//! change it: a login role of ours has no `CREATEROLE`. So the role is the anchor, and what the role owns is ours too,
//! whatever its comment says. This closes the window that PostgreSQL leaves open, since `CREATE DATABASE` cannot stand in
//! a transaction: `CREATE DATABASE … OWNER <role of ours>` claims by its owner, and the comment follows. And it keeps a
//! tenant, who as the owner may comment as it likes, from passing its database off as another's.
//!
//! A database comes into being with `ALLOW_CONNECTIONS false`: by default everybody may connect to a new one, and nobody
//! shall before that right is taken away.

pub mod action;
pub mod database;
pub mod migrations;
pub mod parameters;
pub mod role;
pub mod schema;

use std::collections::{BTreeMap, BTreeSet};

pub use action::PostgresAction;

use super::{
    Refusal,
    claim::{Claim, Owner},
};
use crate::provision::Wanted;

/// Bytes of an identifier. PostgreSQL cuts a longer one with no more than a notice, and two tenants become one.
pub const IDENTIFIER_BYTES: usize = 63;

/// The grantee that stands for everybody, written as access lists write it: no role has an empty name.
pub const PUBLIC: &str = "";

/// Privileges on one object by grantee, in words as `CONNECT`.
pub type Grants = BTreeMap<String, BTreeSet<String>>;

/// Returns the name of a grantee as statements and people read it, unquoted.
pub fn grantee_name(grantee: &str) -> String {
    if grantee == PUBLIC { "PUBLIC".to_owned() } else { format!("`{grantee}`") }
}

/// Returns why names cannot be used; none where all can. To be asked before a server is.
pub fn unfit<'n>(names: impl IntoIterator<Item = (&'static str, &'n str)>) -> Option<Refusal> {
    names.into_iter().find_map(|(what, name)| {
        let fault = match name {
            "" => "is empty".to_owned(),
            _ if name.len() > IDENTIFIER_BYTES => {
                format!("has {} bytes, and PostgreSQL cuts names at {IDENTIFIER_BYTES}", name.len())
            }
            _ if name.chars().any(char::is_control) => "holds control characters".to_owned(),
            _ if what != "database" && name.starts_with("pg_") => {
                "starts with `pg_`, which PostgreSQL keeps for itself".to_owned()
            }
            _ => return None,
        };
        Some(Refusal::Impossible {
            what: format!("the name of the {what} {}: `{}`", fault, name.escape_debug()),
            help: "change `naming` in tenantry.yaml, or the name in the document".to_owned(),
        })
    })
}

/// Returns whose an object is that a role owns: ours where the owner is our claimed role, else as its comment says.
pub fn owner_of(owned_by_ours: bool, comment: Option<&str>, claim: &Claim) -> Owner {
    if owned_by_ours { Owner::Ours } else { Owner::of(comment, claim) }
}

/// Returns what of `found` goes beyond `wanted`, and what is missing in it.
fn differences(found: &Grants, wanted: &Grants) -> (Grants, Grants) {
    let without = |one: &Grants, other: &Grants| -> Grants {
        let none = BTreeSet::new();
        let left = one.iter().map(|(grantee, privileges)| {
            let left: BTreeSet<String> = privileges.difference(other.get(grantee).unwrap_or(&none)).cloned().collect();
            (grantee.clone(), left)
        });
        left.filter(|(_, privileges)| !privileges.is_empty()).collect()
    };
    (without(found, wanted), without(wanted, found))
}

/// Returns what takes back an action of this very run. A database that holds anything is not dropped, and neither is such
/// a schema or a role that owns anything: the server refuses.
fn undo(action: &PostgresAction) -> Option<PostgresAction> {
    match action.clone() {
        PostgresAction::CreateRole { role, connection_limit: _, shared } => {
            Some(PostgresAction::DropRole { role, shared })
        }
        PostgresAction::CreateDatabase { database, owner: Some(role) } => {
            Some(PostgresAction::DropEmptyDatabase { database, role })
        }
        PostgresAction::CreateSchema { database, schema, role: _ } => {
            Some(PostgresAction::DropEmptySchema { database, schema })
        }
        _ => None,
    }
}

/// Returns the name of the role that belongs to a resource.
fn role_of<S>(wanted: &Wanted<S>) -> Result<&str, Refusal> {
    wanted.user.as_deref().ok_or_else(|| Refusal::Impossible {
        what: format!("the document names no role for `{}`", wanted.name),
        help: "render the tenant again".to_owned(),
    })
}

/// Returns grants of one grantee.
pub fn grants<const N: usize>(grantee: &str, privileges: [&str; N]) -> Grants {
    Grants::from([(grantee.to_owned(), privileges.map(str::to_owned).into())])
}
