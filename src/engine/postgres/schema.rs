//! Schemas in shared databases: seen all together, one connection to each database.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::PgConnection;

use super::{
    super::{Look, Observe, Perform, Trouble, TroubleKind, service::Answers},
    Observer, Performer,
    catalog::{self, Found, FoundDatabase, Wish},
    for_each, migrations, same_trouble,
};
use crate::{
    provision::postgres::PostgresSchemaSpec,
    steps::{
        claim::{Claim, Owner},
        postgres::{
            Grants, PostgresAction,
            migrations::{File, LEDGER, Migrations},
            owner_of,
            role::Role,
            schema::{PostgresSchema, Schema, Seen, Shared},
            unfit,
        },
    },
};

/// A schema, before it is known who asks.
#[derive(Debug, Default)]
struct FoundSchema {
    owned_by: String,
    comment: Option<String>,
    grants: Grants,
    unforced: BTreeSet<String>,
}

/// What was read in one shared database.
#[derive(Debug, Default)]
struct FoundShared {
    /// Privileges on the schema `public`.
    public: Grants,
    schemas: BTreeMap<String, FoundSchema>,
}

/// What could not be had, for each who needs it.
type Failed = (TroubleKind, String);

fn failed(trouble: &Trouble) -> Failed {
    (trouble.kind(), trouble.line())
}

/// All that was read for many looks.
struct All {
    found: Found,
    shared: BTreeMap<String, Result<FoundShared, Failed>>,
    folders: BTreeMap<String, Result<BTreeMap<String, File>, Failed>>,
}

impl Observe<PostgresSchema> for Observer {
    async fn observe(&self, looks: &[Look<'_, PostgresSchemaSpec>]) -> Vec<Result<Seen, Trouble>> {
        match self.all(looks).await {
            Ok(all) => for_each(looks, |look| self.schema(*look, &all)).await,
            Err(trouble) => same_trouble(looks.len(), &trouble),
        }
    }
}

fn is_fit(look: Look<'_, PostgresSchemaSpec>) -> bool {
    let wanted = look.wanted();
    let user = wanted.user.as_deref().unwrap_or_default();
    unfit([("schema", wanted.name.as_str()), ("role", user), ("database", wanted.spec.database.as_str())]).is_none()
}

impl Observer {
    async fn all(&self, looks: &[Look<'_, PostgresSchemaSpec>]) -> Result<All, Trouble> {
        let mut wish = Wish::default();
        let mut databases: BTreeMap<&str, Vec<Look<'_, PostgresSchemaSpec>>> = BTreeMap::new();
        for look in looks.iter().filter(|look| is_fit(**look)) {
            databases.entry(&look.wanted().spec.database).or_default().push(*look);
            wish.roles.extend(look.wanted().user.clone());
            wish.verifiers.extend(look.wanted().user.clone().filter(|_| look.entry.is_some()));
        }
        wish.databases = databases.keys().map(|name| (*name).to_owned()).collect();
        let found = self.0.look(&wish).await?;
        let there = databases.iter().filter(|(name, _)| found.databases.contains_key(**name));
        let shared = for_each(there, async |(name, looks)| {
            let shared = self.shared(name, looks, &wish.roles).await;
            ((*name).to_owned(), shared.map_err(|trouble| failed(&trouble)))
        });
        let shared = shared.await.into_iter().collect();
        let mut folders = BTreeMap::new();
        for folder in looks.iter().filter_map(|look| look.wanted().spec.migrations.as_ref()) {
            folders
                .entry(folder.clone())
                .or_insert_with(|| migrations::files(&self.0.migrations, folder).map_err(|trouble| failed(&trouble)));
        }
        Ok(All { found, shared, folders })
    }

    async fn shared(
        &self,
        database: &str,
        looks: &[Look<'_, PostgresSchemaSpec>],
        roles: &[String],
    ) -> Result<FoundShared, Trouble> {
        let names: Vec<String> = looks.iter().map(|look| look.wanted().name.clone()).collect();
        let strict = looks.iter().filter(|look| look.wanted().spec.require_row_level_security);
        let strict: Vec<String> = strict.map(|look| look.wanted().name.clone()).collect();
        self.0
            .with(database, "read the schemas of a shared database", async |connection| {
                let public = ["public".to_owned()];
                let public = catalog::schema_grants(connection, &public, Some(roles)).await?.remove("public");
                let mut schemas = schemas(connection, &names).await?;
                for (name, grants) in catalog::schema_grants(connection, &names, None).await? {
                    schemas.entry(name).or_default().grants = grants;
                }
                for (schema, table) in unforced(connection, &strict).await? {
                    schemas.entry(schema).or_default().unforced.insert(table);
                }
                Ok(FoundShared { public: public.unwrap_or_default(), schemas })
            })
            .await
    }

    async fn schema(&self, look: Look<'_, PostgresSchemaSpec>, all: &All) -> Result<Seen, Trouble> {
        let All { found, shared: read, folders } = all;
        let (claim, wanted) = (look.asked.claim, look.wanted());
        let (user, database) = (wanted.user.as_deref().unwrap_or_default(), &wanted.spec.database);
        let mut role = found.roles.get(user).map(|role| role.role(claim, database));
        let is_role_ours = role.as_ref().is_some_and(|role| role.owner == Owner::Ours);
        let inside = match read.get(database) {
            None => None,
            Some(Ok(inside)) => Some(inside),
            Some(Err((kind, line))) => return Err(Trouble::new(*kind, line.clone())),
        };
        let shared = found.databases.get(database).map(|database| shared_of(database, inside, user));
        let schema = inside.and_then(|inside| inside.schemas.get(&wanted.name)).map(|schema| Schema {
            owner: owner_of(is_role_ours && schema.owned_by == user, schema.comment.as_deref(), claim),
            is_marked: schema.comment.as_deref() == Some(claim.to_string().as_str()),
            owned_by: schema.owned_by.clone(),
            grants: schema.grants.clone(),
            unforced: schema.unforced.clone(),
        });
        let session = match look.entry {
            None => None,
            Some(_) => {
                let verifier = found.verifiers.get(user);
                let (password, session) = self.prove(look, role.as_ref(), verifier, database).await?;
                role = role.map(|role| Role { password, ..role });
                session
            }
        };
        let migrations = match (&wanted.spec.migrations, &schema, session) {
            (Some(folder), None, _) => Some((folder, BTreeMap::new())),
            (Some(folder), Some(_), Some(mut session)) => {
                Some((folder, migrations::applied(&self.0, &mut session, &wanted.name).await?))
            }
            _ => None,
        };
        let migrations = match migrations.map(|(folder, applied)| (folders.get(folder), applied)) {
            Some((Some(Err((kind, line))), _)) => return Err(Trouble::new(*kind, line.clone())),
            Some((Some(Ok(files)), applied)) => Some(Migrations { files: files.clone(), applied }),
            _ => None,
        };
        Ok(Seen { role, shared, schema, migrations })
    }
}

/// Returns the shared database as one tenant's role sees it.
fn shared_of(database: &FoundDatabase, inside: Option<&FoundShared>, role: &str) -> Shared {
    let own = |grants: &Grants| -> Grants {
        let own = grants.iter().filter(|(grantee, _)| grantee.is_empty() || grantee.as_str() == role);
        own.map(|(grantee, privileges)| (grantee.clone(), privileges.clone())).collect()
    };
    Shared {
        claim: database.comment.as_deref().and_then(Claim::read),
        grants: own(&database.grants),
        public: inside.map(|inside| own(&inside.public)).unwrap_or_default(),
    }
}

async fn schemas(
    connection: &mut PgConnection,
    names: &[String],
) -> Result<BTreeMap<String, FoundSchema>, sqlx::Error> {
    let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "SELECT n.nspname::text, o.rolname::text, d.description FROM pg_namespace n \
         JOIN pg_roles o ON o.oid = n.nspowner \
         LEFT JOIN pg_description d ON d.objoid = n.oid AND d.classoid = 'pg_namespace'::regclass AND d.objsubid = 0 \
         WHERE n.nspname::text = ANY($1)",
    )
    .bind(names)
    .persistent(false)
    .fetch_all(connection)
    .await?;
    let schemas = rows.into_iter().map(|(name, owned_by, comment)| {
        (name, FoundSchema { owned_by, comment, grants: Grants::new(), unforced: BTreeSet::new() })
    });
    Ok(schemas.collect())
}

/// Returns the tables, our own note of migrations left out, that do not force row-level security.
async fn unforced(connection: &mut PgConnection, schemas: &[String]) -> Result<Vec<(String, String)>, sqlx::Error> {
    if schemas.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname::text = ANY($1) AND c.relkind IN ('r', 'p') AND c.relname <> $2 \
         AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    )
    .bind(schemas)
    .bind(LEDGER)
    .persistent(false)
    .fetch_all(connection)
    .await
}

impl Perform<PostgresSchema> for Performer {
    async fn perform(&self, look: Look<'_, PostgresSchemaSpec>, action: &PostgresAction) -> Result<Answers, Trouble> {
        self.run(look.asked.claim, look.entry, look.wanted().user.as_deref(), action).await
    }
}
