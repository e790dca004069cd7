//! Actions as SQL. What is more than one statement goes as one message, which the server runs as one transaction.

use super::{
    super::{Entry, Secret, Trouble, TroubleKind, points::planted},
    client::{Admin, MAINTENANCE, Server, VERSION_16, execute},
    no_entry,
    sql::{name, parameter, text},
    verifier,
};
use crate::steps::{
    claim::Claim,
    postgres::{
        Grants, PUBLIC, PostgresAction,
        parameters::{Scope, values},
        role::RoleChange,
    },
};

/// Runs an action that is one message to the server.
pub(super) async fn run(
    server: &Server,
    claim: &Claim,
    entry: Option<&Entry>,
    action: &PostgresAction,
) -> Result<(), Trouble> {
    let what = crate::steps::Action::name(action).trim_start_matches("postgres-").replace('-', " ");
    let admin = server.admin().await?;
    let verifier = match holds_verifier(action) {
        true => Some(verifier::make(entry.ok_or_else(no_entry)?.need("password")?)),
        false => None,
    };
    let (place, sql) = statement(action, claim, &admin, verifier.as_ref());
    if verifier.is_some() {
        return server.secretly(&what, sql).await;
    }
    let done = match place {
        Place::Server => server.with(MAINTENANCE, &what, async |connection| execute(connection, sql).await).await,
        Place::Shared(database) => {
            server.with(database, &what, async |connection| execute(connection, sql).await).await
        }
        Place::Own(database) => server.visit(database, &what, async |connection| execute(connection, sql).await).await,
    };
    match (action, done) {
        // An unknown parameter has the code of an unknown object; nobody else took it away.
        (PostgresAction::SetParameter { .. }, Err(trouble)) if trouble.kind() == TroubleKind::Missing => {
            Err(Trouble::new(TroubleKind::Refused, trouble.line()))
        }
        (_, done) => done,
    }
}

impl Server {
    /// Runs statements that hold a verifier: no word of theirs comes back.
    async fn secretly(&self, what: &str, sql: String) -> Result<(), Trouble> {
        let run = self.with(MAINTENANCE, what, async |connection| match execute(connection, sql).await {
            Err(error @ sqlx::Error::Database(_)) => Ok(Err(self.bare_trouble(what, &error))),
            other => other.map(Ok),
        });
        run.await?
    }
}

fn holds_verifier(action: &PostgresAction) -> bool {
    match action {
        PostgresAction::CreateRole { .. } => true,
        PostgresAction::AlterRole { role: _, changes } => changes.contains(&RoleChange::Password),
        _ => false,
    }
}

/// Where a statement is sent.
enum Place<'a> {
    /// The database that the administrator works from.
    Server,
    /// A database of many tenants.
    Shared(&'a str),
    /// A tenant's own database.
    Own(&'a str),
}

fn statement<'a>(
    action: &'a PostgresAction,
    claim: &Claim,
    admin: &Admin,
    verifier: Option<&Secret>,
) -> (Place<'a>, String) {
    let claim = text(&claim.to_string());
    match action {
        PostgresAction::CreateRole { role, connection_limit, shared: _ } => {
            (Place::Server, create_role(role, *connection_limit, &claim, admin, verifier))
        }
        PostgresAction::MarkRole { role } => (Place::Server, format!("COMMENT ON ROLE {} IS {claim}", name(role))),
        PostgresAction::AlterRole { role, changes } => {
            let changes: Vec<String> = changes.iter().map(|change| role_change(change, verifier)).collect();
            (Place::Server, format!("ALTER ROLE {} {}", name(role), changes.join(" ")))
        }
        PostgresAction::JoinRole { role } => (Place::Server, join(role, admin)),
        PostgresAction::RevokeMembership { role, member, grantor } => {
            let by = grantor.as_ref().map(|grantor| format!(" GRANTED BY {}", name(grantor))).unwrap_or_default();
            (Place::Server, format!("REVOKE {} FROM {}{by} CASCADE", name(role), name(member)))
        }
        PostgresAction::LockRole { role } => (Place::Server, format!("ALTER ROLE {} NOLOGIN", name(role))),
        PostgresAction::EndSessions { role } => (
            Place::Server,
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}", text(role)),
        ),
        PostgresAction::DropRole { role, shared } => {
            let revoke = shared.as_ref().map(|database| {
                format!("{}; REVOKE ALL ON DATABASE {} FROM {}; ", lock(database), name(database), name(role))
            });
            (Place::Server, format!("{}DROP ROLE {}", revoke.unwrap_or_default(), name(role)))
        }
        PostgresAction::DropOwned { database, role } => {
            (Place::Shared(database), format!("DROP OWNED BY {} CASCADE", name(role)))
        }
        PostgresAction::SetParameter { scope, parameter, from: _, to } => {
            (Place::Server, set_parameter(scope, parameter, to.as_deref()))
        }
        PostgresAction::CreateSchema { database, schema, role } => (
            Place::Shared(database),
            format!(
                "CREATE SCHEMA {schema} AUTHORIZATION {}; COMMENT ON SCHEMA {schema} IS {claim}",
                name(role),
                schema = name(schema)
            ),
        ),
        PostgresAction::TakeSchema { database, schema, role, from: _ } => {
            (Place::Shared(database), format!("ALTER SCHEMA {} OWNER TO {}", name(schema), name(role)))
        }
        PostgresAction::MarkSchema { database, schema } => {
            (Place::Shared(database), format!("COMMENT ON SCHEMA {} IS {claim}", name(schema)))
        }
        PostgresAction::RevokeOnSchema { database, schema, from } => {
            (Place::Own(database), revoke("SCHEMA", schema, from))
        }
        PostgresAction::GrantOnSchema { database, schema, to } => (Place::Own(database), grant("SCHEMA", schema, to)),
        PostgresAction::DropSchema { database, schema } => {
            (Place::Shared(database), format!("DROP SCHEMA {} CASCADE", name(schema)))
        }
        PostgresAction::DropEmptySchema { database, schema } => {
            (Place::Shared(database), format!("DROP SCHEMA {} RESTRICT", name(schema)))
        }
        // The session's own path is `pg_catalog`, where nothing may be put.
        PostgresAction::CreateExtension { database, extension } => {
            (Place::Own(database), format!("SET LOCAL search_path = public; CREATE EXTENSION {}", name(extension)))
        }
        PostgresAction::Migrate { .. } | PostgresAction::DropEmptyDatabase { .. } => {
            unreachable!("both are more than one message and have functions of their own")
        }
        _ => (Place::Server, of_database(action, &claim)),
    }
}

fn of_database(action: &PostgresAction, claim: &str) -> String {
    match action {
        PostgresAction::CreateDatabase { database, owner: Some(owner) } => format!(
            "CREATE DATABASE {} OWNER {} TEMPLATE template0 ALLOW_CONNECTIONS false",
            name(database),
            name(owner)
        ),
        PostgresAction::CreateDatabase { database, owner: None } => {
            format!("CREATE DATABASE {} TEMPLATE template0", name(database))
        }
        PostgresAction::TakeDatabase { database, role, from: _ } => {
            format!("ALTER DATABASE {} OWNER TO {}", name(database), name(role))
        }
        PostgresAction::MarkDatabase { database } => format!("COMMENT ON DATABASE {} IS {claim}", name(database)),
        PostgresAction::RevokeOnDatabase { database, from } => {
            if planted("postgres-public-kept") && from.contains_key(PUBLIC) {
                return "SELECT 1".to_owned();
            }
            revoke("DATABASE", database, from)
        }
        PostgresAction::GrantOnDatabase { database, to } => grant("DATABASE", database, to),
        PostgresAction::OpenDatabase { database } => {
            format!("ALTER DATABASE {} ALLOW_CONNECTIONS true CONNECTION LIMIT -1", name(database))
        }
        PostgresAction::CloseDatabase { database } => {
            format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", name(database))
        }
        PostgresAction::DropDatabase { database } => format!("DROP DATABASE {} WITH (FORCE)", name(database)),
        _ => unreachable!("`statement` passes on what is about databases alone"),
    }
}

fn create_role(
    role: &str,
    connection_limit: Option<u32>,
    claim: &str,
    admin: &Admin,
    verifier: Option<&Secret>,
) -> String {
    let limit = connection_limit.map_or(-1, i64::from);
    let password = verifier.map(Secret::expose).unwrap_or_default();
    let mut statements = vec![format!(
        "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS \
         CONNECTION LIMIT {limit} PASSWORD {}",
        name(role),
        text(password)
    )];
    if !planted("postgres-skip-claim") {
        statements.push(format!("COMMENT ON ROLE {} IS {claim}", name(role)));
    }
    // A superuser acts for every role.
    if !admin.is_superuser {
        statements.push(join(role, admin));
    }
    statements.join("; ")
}

fn join(role: &str, admin: &Admin) -> String {
    let options = if admin.version >= VERSION_16 { " WITH INHERIT TRUE, SET TRUE" } else { "" };
    format!("GRANT {} TO {}{options}", name(role), name(&admin.name))
}

fn role_change(change: &RoleChange, verifier: Option<&Secret>) -> String {
    match change {
        RoleChange::NoSuperuser => "NOSUPERUSER".to_owned(),
        RoleChange::NoCreatedb => "NOCREATEDB".to_owned(),
        RoleChange::NoCreaterole => "NOCREATEROLE".to_owned(),
        RoleChange::NoInherit => "NOINHERIT".to_owned(),
        RoleChange::NoReplication => "NOREPLICATION".to_owned(),
        RoleChange::NoBypassrls => "NOBYPASSRLS".to_owned(),
        RoleChange::ConnectionLimit { from: _, to } => format!("CONNECTION LIMIT {}", to.map_or(-1, i64::from)),
        RoleChange::NoExpiry => "VALID UNTIL 'infinity'".to_owned(),
        RoleChange::Password => format!("PASSWORD {}", text(verifier.map(Secret::expose).unwrap_or_default())),
        RoleChange::Login => "LOGIN".to_owned(),
    }
}

fn set_parameter(scope: &Scope, name_of: &str, to: Option<&str>) -> String {
    let what = match scope {
        Scope::Database { database } => format!("DATABASE {}", name(database)),
        Scope::Role { role } => format!("ROLE {}", name(role)),
        Scope::RoleInDatabase { role, database } => format!("ROLE {} IN DATABASE {}", name(role), name(database)),
    };
    match to {
        None => format!("ALTER {what} RESET {}", parameter(name_of)),
        Some(value) => {
            let values: Vec<String> = values(name_of, value).iter().map(|value| text(value)).collect();
            format!("ALTER {what} SET {} = {}", parameter(name_of), values.join(", "))
        }
    }
}

fn grantee(grantee: &str) -> String {
    if grantee == PUBLIC { "PUBLIC".to_owned() } else { name(grantee) }
}

/// Rights on one object are one row of a catalogue, and two who change it at once get in each other's way: the server
/// fails one of them. So they wait for each other.
fn lock(object: &str) -> String {
    format!("SELECT pg_advisory_xact_lock(hashtextextended({}, 0))", text(&format!("tenantry rights {object}")))
}

fn revoke(kind: &str, object: &str, from: &Grants) -> String {
    let each = from.iter().map(|(from, privileges)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        format!("REVOKE {} ON {kind} {} FROM {} CASCADE", privileges.join(", "), name(object), grantee(from))
    });
    std::iter::once(lock(object)).chain(each).collect::<Vec<_>>().join("; ")
}

fn grant(kind: &str, object: &str, to: &Grants) -> String {
    let each = to.iter().map(|(to, privileges)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        format!("GRANT {} ON {kind} {} TO {}", privileges.join(", "), name(object), grantee(to))
    });
    std::iter::once(lock(object)).chain(each).collect::<Vec<_>>().join("; ")
}

/// Makes a shared database, unless another tenant of this run did: it belongs to none of them, so that it is there is all
/// that is wanted. Where another run did, the server says that it exists, and the next look finds it.
pub(super) async fn create_shared_database(
    server: &Server,
    claim: &Claim,
    action: &PostgresAction,
    database: &str,
) -> Result<(), Trouble> {
    let _alone = server.shared.lock().await;
    if server.has_database(database).await? { Ok(()) } else { run(server, claim, None, action).await }
}

/// Objects that somebody put into a database: what came with it has a lower number, and what came with an extension
/// depends on it.
const OBJECTS: &str = "WITH objects AS (\
     SELECT 'pg_class'::regclass::oid AS kind, oid FROM pg_class \
     UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc \
     UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type \
     UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname !~ '^pg_' \
     UNION ALL SELECT 'pg_largeobject'::regclass, oid FROM pg_largeobject_metadata) \
     SELECT count(*) FROM objects WHERE oid >= 16384 AND NOT EXISTS (\
     SELECT FROM pg_depend d WHERE d.classid = objects.kind AND d.objid = objects.oid AND d.deptype IN ('e', 'i'))";

/// Drops a database of this run, if it is empty: its role is let in no more, so that nothing can be put in between the
/// look and the drop, which the server refuses while anybody is still in.
pub(super) async fn drop_empty_database(server: &Server, database: &str, role: &str) -> Result<(), Trouble> {
    let what = "drop an empty database";
    let lock = format!("ALTER ROLE {} NOLOGIN", name(role));
    let opened: Option<(bool,)> = server
        .with(MAINTENANCE, what, async |connection| {
            execute(connection, lock).await?;
            sqlx::query_as("SELECT datallowconn FROM pg_database WHERE datname::text = $1")
                .bind(database)
                .persistent(false)
                .fetch_optional(connection)
                .await
        })
        .await?;
    // One that was never opened holds nothing.
    if opened == Some((true,)) {
        let (objects,): (i64,) = server
            .visit(database, what, async |connection| {
                sqlx::query_as(OBJECTS).persistent(false).fetch_one(connection).await
            })
            .await?;
        if objects > 0 {
            let message = format!("database `{database}` holds {objects} objects and is left as it is");
            return Err(Trouble::new(TroubleKind::Refused, message));
        }
    }
    let drop = format!("DROP DATABASE {}", name(database));
    server.with(MAINTENANCE, what, async |connection| execute(connection, drop).await).await
}
