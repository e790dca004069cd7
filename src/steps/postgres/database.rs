//! `postgresDatabase`: a database that its own login role owns, and nobody else connects to.

use std::collections::BTreeSet;

use super::{
    super::{Allow, Asked, Kind, Refusal, claim::Owner},
    Grants, PUBLIC, PostgresAction, differences, grants,
    parameters::{self, Parameters, Scope},
    role::{self, Role},
    role_of, undo, unfit,
};
use crate::provision::{self, postgres::PostgresDatabaseSpec};

/// The kind `postgresDatabase`.
#[derive(Debug)]
pub struct PostgresDatabase;

/// What the server says of a database and its role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The role, if there is one.
    pub role: Option<Role>,
    /// The database, if there is one.
    pub database: Option<Database>,
    /// Wanted extensions that the connection does not allow.
    pub forbidden_extensions: BTreeSet<String>,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Whose it is: see [`super::owner_of`].
    pub owner: Owner,
    /// Whether its comment is the claim.
    pub is_marked: bool,
    /// The role that owns it.
    pub owned_by: String,
    /// Whether it takes connections, and as many as come.
    pub is_open: bool,
    /// Whether an interrupted removal left it good for nothing but another.
    pub is_half_dropped: bool,
    /// Privileges on it.
    pub grants: Grants,
    /// Parameters that hold in it for all.
    pub parameters: Parameters,
    /// What only a connection to it shows; none where it was looked at from outside, together with all others.
    pub inside: Option<Inside>,
}

/// What is seen from inside a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inside {
    /// Privileges on the schema `public`, of everybody and of the role; none where there is no such schema.
    pub public: Option<Grants>,
    /// Extensions.
    pub extensions: BTreeSet<String>,
}

impl Database {
    /// Returns a database as `CREATE DATABASE` makes it for a role.
    fn new(role: &str) -> Self {
        let mut rights = grants(role, OWNER_RIGHTS);
        rights.extend(grants(PUBLIC, ["CONNECT", "TEMPORARY"]));
        Self {
            owner: Owner::Ours,
            is_marked: false,
            owned_by: role.to_owned(),
            is_open: false,
            is_half_dropped: false,
            grants: rights,
            parameters: Parameters::new(),
            inside: Some(Inside { public: Some(grants(PUBLIC, ["USAGE"])), extensions: BTreeSet::new() }),
        }
    }
}

/// What an owner has: there is nothing else to have on a database.
const OWNER_RIGHTS: [&str; 3] = ["CONNECT", "CREATE", "TEMPORARY"];

/// What the role has on the schema `public`. It is given by name: the rights of `pg_database_owner`, which owns that
/// schema, reach a role that does not inherit only from 16 on.
const PUBLIC_RIGHTS: [&str; 2] = ["CREATE", "USAGE"];

impl Kind for PostgresDatabase {
    const KIND: provision::Kind = provision::Kind::PostgresDatabase;
    type Spec = PostgresDatabaseSpec;
    type Seen = Seen;
    type Action = PostgresAction;

    fn decide(
        asked: Asked<'_, PostgresDatabaseSpec>,
        seen: &Seen,
        allow: &Allow,
    ) -> Result<Vec<PostgresAction>, Refusal> {
        let Seen { role, database, forbidden_extensions } = seen;
        let (user, replace) = (admit(asked, seen, allow.adopts(Self::KIND, &asked.wanted.name))?, allow.replace);
        if let Some(extension) = forbidden_extensions.first() {
            return Err(Refusal::Impossible {
                what: format!("extension `{extension}` is not allowed on connection `{}`", asked.wanted.connection),
                help: "add it to `extensions` of the connection, or take it out of the tier".to_owned(),
            });
        }
        let name = &asked.wanted.name;
        let create = || PostgresAction::CreateDatabase { database: name.clone(), owner: Some(user.to_owned()) };
        let PostgresDatabaseSpec { extensions: _, connection_limit, settings: _, role_settings } = &asked.wanted.spec;
        let mut actions = role::decide(user, role.as_ref(), *connection_limit, None);
        let new = Database::new(user);
        let database = match database {
            None => {
                actions.push(create());
                &new
            }
            Some(database) if database.is_half_dropped && replace => {
                actions.extend([PostgresAction::DropDatabase { database: name.clone() }, create()]);
                &new
            }
            Some(database) if database.is_half_dropped => {
                return Err(Refusal::Replacement {
                    what: format!("database `{name}`"),
                    difference: "half dropped → whole".to_owned(),
                });
            }
            Some(database) => database,
        };
        decide_database(asked, user, database, &mut actions);
        let found = role.as_ref().map(|role| role.parameters_in_database.clone()).unwrap_or_default();
        let scope = Scope::RoleInDatabase { role: user.to_owned(), database: name.clone() };
        actions.extend(parameters::differences(&scope, &found, &parameters::folded(role_settings)));
        if let Some(inside) = &database.inside {
            decide_inside(asked, user, inside, &mut actions);
        }
        Ok(actions)
    }

    /// First nobody gets in, then nobody is in, then the data goes, then the role.
    fn destroy(asked: Asked<'_, PostgresDatabaseSpec>, seen: &Seen) -> Result<Vec<PostgresAction>, Refusal> {
        let user = admit(asked, seen, false)?;
        let Seen { role, database, forbidden_extensions: _ } = seen;
        let mut actions = Vec::new();
        if let Some(role) = role {
            if role.attributes.login {
                actions.push(PostgresAction::LockRole { role: user.to_owned() });
            }
            if !role.joined {
                actions.push(PostgresAction::JoinRole { role: user.to_owned() });
            }
        }
        let name = || asked.wanted.name.clone();
        if database.as_ref().is_some_and(|database| !database.is_half_dropped) {
            actions.push(PostgresAction::CloseDatabase { database: name() });
        }
        if role.is_some() {
            actions.push(PostgresAction::EndSessions { role: user.to_owned() });
        }
        if database.is_some() {
            actions.push(PostgresAction::DropDatabase { database: name() });
        }
        if role.is_some() {
            actions.push(PostgresAction::DropRole { role: user.to_owned(), shared: None });
        }
        Ok(actions)
    }

    fn undo(action: &PostgresAction) -> Vec<PostgresAction> {
        undo(action).into_iter().collect()
    }

    fn exists(_: Asked<'_, PostgresDatabaseSpec>, seen: &Seen) -> bool {
        seen.role.is_some() || seen.database.is_some()
    }
}

/// Returns the role's name where names fit and what is there is ours, or may be taken over.
fn admit<'a>(asked: Asked<'a, PostgresDatabaseSpec>, seen: &Seen, adopts: bool) -> Result<&'a str, Refusal> {
    let user = role_of(asked.wanted)?;
    if let Some(refusal) = unfit([("database", asked.wanted.name.as_str()), ("role", user)]) {
        return Err(refusal);
    }
    let owners = [seen.role.as_ref().map(|role| &role.owner), seen.database.as_ref().map(|database| &database.owner)];
    let kind = PostgresDatabase::KIND;
    match owners.into_iter().flatten().find_map(|owner| Refusal::of(owner, kind, asked.wanted, adopts)) {
        Some(refusal) => Err(refusal),
        None => Ok(user),
    }
}

/// What is seen from outside. Connections are let in last.
fn decide_database(
    asked: Asked<'_, PostgresDatabaseSpec>,
    user: &str,
    database: &Database,
    actions: &mut Vec<PostgresAction>,
) {
    let Database { owner: _, is_marked, owned_by, is_open, is_half_dropped: _, grants: found, parameters, inside: _ } =
        database;
    let name = || asked.wanted.name.clone();
    if !is_marked {
        actions.push(PostgresAction::MarkDatabase { database: name() });
    }
    if owned_by != user {
        let (role, from) = (user.to_owned(), owned_by.clone());
        actions.push(PostgresAction::TakeDatabase { database: name(), role, from });
    }
    let (excess, missing) = differences(found, &grants(user, OWNER_RIGHTS));
    if !excess.is_empty() {
        actions.push(PostgresAction::RevokeOnDatabase { database: name(), from: excess });
    }
    if !missing.is_empty() {
        actions.push(PostgresAction::GrantOnDatabase { database: name(), to: missing });
    }
    if !is_open {
        actions.push(PostgresAction::OpenDatabase { database: name() });
    }
    let wanted = parameters::folded(&asked.wanted.spec.settings);
    actions.extend(parameters::differences(&Scope::Database { database: name() }, parameters, &wanted));
}

fn decide_inside(
    asked: Asked<'_, PostgresDatabaseSpec>,
    user: &str,
    inside: &Inside,
    actions: &mut Vec<PostgresAction>,
) {
    let Inside { public, extensions } = inside;
    let database = || asked.wanted.name.clone();
    if let Some(public) = public {
        let (excess, missing) = differences(public, &grants(user, PUBLIC_RIGHTS));
        let schema = || "public".to_owned();
        if !excess.is_empty() {
            actions.push(PostgresAction::RevokeOnSchema { database: database(), schema: schema(), from: excess });
        }
        if !missing.is_empty() {
            actions.push(PostgresAction::GrantOnSchema { database: database(), schema: schema(), to: missing });
        }
    }
    // In the order of the tier file: one may need another.
    let missing = asked.wanted.spec.extensions.iter().filter(|extension| !extensions.contains(*extension));
    actions.extend(
        missing.map(|extension| PostgresAction::CreateExtension { database: database(), extension: extension.clone() }),
    );
}
