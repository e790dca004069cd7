//! `postgresSchema`: a schema that its own login role owns, in a database that tenants share.
//!
//! The shared database belongs to the platform and carries no claim. It is made where it is not there, is never dropped,
//! and nothing of it is changed but what lets tenants see each other: the rights of `PUBLIC` on it and on its schema
//! `public`, and those of the tenant's own role.

use std::collections::BTreeSet;

use super::{
    super::{
        Allow, Asked, Kind, Refusal,
        claim::{Claim, Owner},
    },
    Grants, PostgresAction, differences, grants,
    migrations::{self, Migrations, Place},
    parameters::{self, Parameters, Scope},
    role::{self, Role},
    role_of, undo, unfit,
};
use crate::provision::{self, postgres::PostgresSchemaSpec};

/// The kind `postgresSchema`.
#[derive(Debug)]
pub struct PostgresSchema;

/// What the server says of a schema, its role, and the database around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The role, if there is one.
    pub role: Option<Role>,
    /// The shared database, if there is one.
    pub shared: Option<Shared>,
    /// The schema, if there is one.
    pub schema: Option<Schema>,
    /// Migrations; none where none are wanted, or what was run could not be read.
    pub migrations: Option<Migrations>,
}

/// The shared database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    /// The tenant that it belongs to: then it is no shared one.
    pub claim: Option<Claim>,
    /// Privileges on it of everybody, and of the role.
    pub grants: Grants,
    /// Privileges on its schema `public` of everybody, and of the role.
    pub public: Grants,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Whose it is: see [`super::owner_of`].
    pub owner: Owner,
    /// Whether its comment is the claim.
    pub is_marked: bool,
    /// The role that owns it.
    pub owned_by: String,
    /// Privileges on it.
    pub grants: Grants,
    /// Tables that do not force row-level security, where all must.
    pub unforced: BTreeSet<String>,
}

/// All that a role has on the shared database.
const SHARED_RIGHTS: [&str; 1] = ["CONNECT"];

/// What an owner has: there is nothing else to have on a schema.
const OWNER_RIGHTS: [&str; 2] = ["CREATE", "USAGE"];

impl Kind for PostgresSchema {
    const KIND: provision::Kind = provision::Kind::PostgresSchema;
    type Spec = PostgresSchemaSpec;
    type Seen = Seen;
    type Action = PostgresAction;

    fn decide(
        asked: Asked<'_, PostgresSchemaSpec>,
        seen: &Seen,
        allow: &Allow,
    ) -> Result<Vec<PostgresAction>, Refusal> {
        let user = admit(asked, seen, allow.adopts(Self::KIND, &asked.wanted.name))?;
        let PostgresSchemaSpec { database, connection_limit, migrations: folder, require_row_level_security } =
            &asked.wanted.spec;
        let Seen { role, shared, schema, migrations } = seen;
        let mut actions = role::decide(user, role.as_ref(), *connection_limit, Some(database));
        let grant = decide_shared(database, user, shared.as_ref(), &mut actions);
        decide_schema(asked, user, schema.as_ref(), &mut actions);
        let found = role.as_ref().map(|role| role.parameters_in_database.clone()).unwrap_or_default();
        let scope = Scope::RoleInDatabase { role: user.to_owned(), database: database.clone() };
        actions.extend(parameters::differences(&scope, &found, &search_path(&asked.wanted.name)));
        actions.extend(grant);
        if let (Some(folder), Some(migrations)) = (folder, migrations) {
            let place = Place { database, schema: &asked.wanted.name, folder };
            actions.extend(migrations::decide(&place, migrations)?);
        }
        // Only once nothing else is left to do: a migration may be what mends it.
        let unforced = schema.iter().flat_map(|schema| &schema.unforced).filter(|_| *require_row_level_security);
        let unforced: Vec<String> = unforced.map(|table| format!("`{table}`")).collect();
        if actions.is_empty() && !unforced.is_empty() {
            return Err(Refusal::Impossible {
                what: format!(
                    "schema `{}` has tables that do not force row-level security: {}",
                    asked.wanted.name,
                    unforced.join(", ")
                ),
                help: "write a migration with `ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`"
                    .to_owned(),
            });
        }
        Ok(actions)
    }

    /// First the role gets in no more, then it is in no more, then the data goes, then the role. The shared database
    /// stays.
    fn destroy(asked: Asked<'_, PostgresSchemaSpec>, seen: &Seen) -> Result<Vec<PostgresAction>, Refusal> {
        let user = admit(asked, seen, false)?;
        let database = || asked.wanted.spec.database.clone();
        let Seen { role, shared, schema, migrations: _ } = seen;
        let mut actions = Vec::new();
        if let Some(role) = role {
            if role.attributes.login {
                actions.push(PostgresAction::LockRole { role: user.to_owned() });
            }
            if !role.joined {
                actions.push(PostgresAction::JoinRole { role: user.to_owned() });
            }
            let from: Grants = shared
                .iter()
                .flat_map(|shared| &shared.grants)
                .filter(|(grantee, _)| grantee.as_str() == user)
                .map(|(grantee, privileges)| (grantee.clone(), privileges.clone()))
                .collect();
            if !from.is_empty() {
                actions.push(PostgresAction::RevokeOnDatabase { database: database(), from });
            }
            actions.push(PostgresAction::EndSessions { role: user.to_owned() });
        }
        if schema.is_some() {
            actions.push(PostgresAction::DropSchema { database: database(), schema: asked.wanted.name.clone() });
        }
        if role.is_some() {
            if shared.is_some() {
                actions.push(PostgresAction::DropOwned { database: database(), role: user.to_owned() });
            }
            actions.push(PostgresAction::DropRole { role: user.to_owned(), shared: None });
        }
        Ok(actions)
    }

    fn undo(action: &PostgresAction) -> Vec<PostgresAction> {
        undo(action).into_iter().collect()
    }

    fn exists(_: Asked<'_, PostgresSchemaSpec>, seen: &Seen) -> bool {
        seen.role.is_some() || seen.schema.is_some()
    }
}

/// Returns the role's name where names fit, what is there is ours or may be taken over, and the database is a shared one.
fn admit<'a>(asked: Asked<'a, PostgresSchemaSpec>, seen: &Seen, adopts: bool) -> Result<&'a str, Refusal> {
    let user = role_of(asked.wanted)?;
    let database = asked.wanted.spec.database.as_str();
    let names = [("schema", asked.wanted.name.as_str()), ("role", user), ("database", database)];
    if let Some(refusal) = unfit(names) {
        return Err(refusal);
    }
    if matches!(asked.wanted.name.as_str(), "public" | "information_schema") {
        return Err(Refusal::Impossible {
            what: format!("schema `{}` belongs to the server", asked.wanted.name),
            help: "change `naming` in tenantry.yaml, or the name in the document".to_owned(),
        });
    }
    if let Some(claim) = seen.shared.as_ref().and_then(|shared| shared.claim.clone()) {
        let (kind, name) = (provision::Kind::PostgresDatabase, database.to_owned());
        return Err(Refusal::Another { kind, name, owner: claim });
    }
    let owners = [seen.role.as_ref().map(|role| &role.owner), seen.schema.as_ref().map(|schema| &schema.owner)];
    let kind = PostgresSchema::KIND;
    match owners.into_iter().flatten().find_map(|owner| Refusal::of(owner, kind, asked.wanted, adopts)) {
        Some(refusal) => Err(refusal),
        None => Ok(user),
    }
}

/// Takes away what lets tenants see each other, and returns what lets the tenant in, for later.
fn decide_shared(
    database: &str,
    user: &str,
    shared: Option<&Shared>,
    actions: &mut Vec<PostgresAction>,
) -> Option<PostgresAction> {
    let new = Shared {
        claim: None,
        grants: grants(super::PUBLIC, ["CONNECT", "TEMPORARY"]),
        public: grants(super::PUBLIC, ["USAGE"]),
    };
    if shared.is_none() {
        actions.push(PostgresAction::CreateDatabase { database: database.to_owned(), owner: None });
    }
    let Shared { claim: _, grants: found, public } = shared.unwrap_or(&new);
    let (excess, missing) = differences(found, &grants(user, SHARED_RIGHTS));
    if !excess.is_empty() {
        actions.push(PostgresAction::RevokeOnDatabase { database: database.to_owned(), from: excess });
    }
    if !public.is_empty() {
        let (database, schema, from) = (database.to_owned(), "public".to_owned(), public.clone());
        actions.push(PostgresAction::RevokeOnSchema { database, schema, from });
    }
    let missing = (!missing.is_empty()).then_some(missing);
    missing.map(|to| PostgresAction::GrantOnDatabase { database: database.to_owned(), to })
}

fn decide_schema(
    asked: Asked<'_, PostgresSchemaSpec>,
    user: &str,
    schema: Option<&Schema>,
    actions: &mut Vec<PostgresAction>,
) {
    let database = || asked.wanted.spec.database.clone();
    let name = || asked.wanted.name.clone();
    let Some(Schema { owner: _, is_marked, owned_by, grants: found, unforced: _ }) = schema else {
        let role = user.to_owned();
        actions.push(PostgresAction::CreateSchema { database: database(), schema: name(), role });
        return;
    };
    if !is_marked {
        actions.push(PostgresAction::MarkSchema { database: database(), schema: name() });
    }
    if owned_by != user {
        let (role, from) = (user.to_owned(), owned_by.clone());
        actions.push(PostgresAction::TakeSchema { database: database(), schema: name(), role, from });
    }
    let (excess, missing) = differences(found, &grants(user, OWNER_RIGHTS));
    if !excess.is_empty() {
        actions.push(PostgresAction::RevokeOnSchema { database: database(), schema: name(), from: excess });
    }
    if !missing.is_empty() {
        actions.push(PostgresAction::GrantOnSchema { database: database(), schema: name(), to: missing });
    }
}

/// The one parameter of a role in the shared database.
fn search_path(schema: &str) -> Parameters {
    Parameters::from([("search_path".to_owned(), format!("\"{}\"", schema.replace('"', "\"\"")))])
}
