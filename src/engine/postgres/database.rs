//! Databases: what is seen of them from outside, all together, and from inside, where a credential is to be proven.

use std::collections::BTreeSet;

use super::{
    super::{Look, Observe, Perform, Trouble, service::Answers},
    Observer, Performer,
    catalog::{self, Found, Wish},
    for_each, password_of, same_trouble, verifier,
};
use crate::{
    engine::{Secret, points::planted, postgres::client::Entered},
    provision::postgres::PostgresDatabaseSpec,
    steps::{
        claim::Owner,
        postgres::{
            PUBLIC, PostgresAction,
            database::{Database, Inside, PostgresDatabase, Seen},
            owner_of,
            role::Role,
            unfit,
        },
    },
};

/// What `pg_database.datconnlimit` says of a database whose removal was interrupted.
const HALF_DROPPED: i32 = -2;

impl Observe<PostgresDatabase> for Observer {
    async fn observe(&self, looks: &[Look<'_, PostgresDatabaseSpec>]) -> Vec<Result<Seen, Trouble>> {
        let fit = looks.iter().filter(|look| is_fit(**look));
        let mut wish = Wish { all_grantees: true, ..Wish::default() };
        for look in fit {
            wish.databases.push(look.wanted().name.clone());
            wish.roles.extend(look.wanted().user.clone());
            wish.verifiers.extend(look.wanted().user.clone().filter(|_| look.entry.is_some()));
        }
        match self.0.look(&wish).await {
            Ok(found) => for_each(looks, |look| self.database(*look, &found)).await,
            Err(trouble) => same_trouble(looks.len(), &trouble),
        }
    }
}

/// Whether the server may be asked about the names of a look.
fn is_fit(look: Look<'_, PostgresDatabaseSpec>) -> bool {
    let user = look.wanted().user.as_deref().unwrap_or_default();
    unfit([("database", look.wanted().name.as_str()), ("role", user)]).is_none()
}

impl Observer {
    async fn database(&self, look: Look<'_, PostgresDatabaseSpec>, found: &Found) -> Result<Seen, Trouble> {
        let (claim, wanted) = (look.asked.claim, look.wanted());
        let user = wanted.user.as_deref().unwrap_or_default();
        let forbidden = wanted.spec.extensions.iter().filter(|extension| !self.0.extensions.contains(*extension));
        let mut role = found.roles.get(user).map(|role| role.role(claim, &wanted.name));
        let is_role_ours = role.as_ref().is_some_and(|role| role.owner == Owner::Ours);
        let mut database = found.databases.get(&wanted.name).map(|database| Database {
            owner: owner_of(is_role_ours && database.owned_by == user, database.comment.as_deref(), claim),
            is_marked: database.comment.as_deref() == Some(claim.to_string().as_str()),
            owned_by: database.owned_by.clone(),
            is_open: database.allows_connections && database.connection_limit == -1,
            is_half_dropped: database.connection_limit == HALF_DROPPED,
            grants: database.grants.clone(),
            parameters: database.parameters.clone(),
            inside: None,
        });
        if look.entry.is_some() {
            let verifier = found.verifiers.get(user);
            if let Some(password) = self.prove(look, role.as_ref(), verifier, &wanted.name).await?.0 {
                role = role.map(|role| Role { password: Some(password), ..role });
            }
            if let Some(database) = database.as_mut().filter(|database| database.is_open) {
                database.inside = Some(self.inside(&wanted.name, user).await?);
            }
        }
        Ok(Seen { role, database, forbidden_extensions: forbidden.cloned().collect() })
    }

    async fn inside(&self, database: &str, role: &str) -> Result<Inside, Trouble> {
        let grantees = [role.to_owned()];
        self.0
            .visit(database, "look into a tenant's database", async |connection| {
                let names: Vec<(String,)> = sqlx::query_as("SELECT extname::text FROM pg_extension")
                    .persistent(false)
                    .fetch_all(&mut *connection)
                    .await?;
                let extensions: BTreeSet<String> = names.into_iter().map(|(name,)| name).collect();
                let (has_public,): (bool,) =
                    sqlx::query_as("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public')")
                        .persistent(false)
                        .fetch_one(&mut *connection)
                        .await?;
                let public = ["public".to_owned()];
                let mut grants = catalog::schema_grants(connection, &public, Some(&grantees)).await?;
                let public = has_public.then(|| grants.remove("public").unwrap_or_default());
                debug_assert!(public.iter().flatten().all(|(grantee, _)| grantee == PUBLIC || grantee == role));
                Ok(Inside { public, extensions })
            })
            .await
    }

    /// Finds out whether the stored password is the role's own, and returns the session that proved it.
    pub(super) async fn prove<S>(
        &self,
        look: Look<'_, S>,
        role: Option<&Role>,
        kept: Option<&Secret>,
        database: &str,
    ) -> Result<(Option<bool>, Option<sqlx::PgConnection>), Trouble> {
        let stored = look.entry.and_then(|entry| entry.get("password"));
        let kept = kept.zip(stored).map(|(kept, stored)| verifier::matches(kept, stored));
        if planted("postgres-login-untested") {
            return Ok((Some(true), None));
        }
        let Some((user, password)) = password_of(look, role).filter(|_| kept != Some(false)) else {
            return Ok((kept, None));
        };
        match self.0.enter(user, password, database).await {
            Ok(Entered::In(session)) => Ok((Some(true), Some(session))),
            Ok(Entered::Kept) => Ok((Some(true), None)),
            Ok(Entered::Refused) => Ok((Some(false), None)),
            // All its connections are in use: the server says so after it has checked the password.
            Err(trouble) if trouble.kind() == super::TroubleKind::Busy && kept == Some(true) => Ok((kept, None)),
            Err(trouble) => Err(trouble),
        }
    }
}

impl Perform<PostgresDatabase> for Performer {
    async fn perform(&self, look: Look<'_, PostgresDatabaseSpec>, action: &PostgresAction) -> Result<Answers, Trouble> {
        self.run(look.asked.claim, look.entry, look.wanted().user.as_deref(), action).await
    }
}
