//! Catalogues, read for many resources at once: a handful of queries, however many tenants there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use sqlx::postgres::PgConnection;

use super::{
    super::{Secret, Trouble},
    client::{Admin, MAINTENANCE, Server, VERSION_16},
};
use crate::steps::{
    claim::{Claim, Owner},
    postgres::{
        Grants,
        parameters::Parameters,
        role::{Attributes, Membership, Role},
    },
};

/// A role, before it is known who asks.
#[derive(Debug, Clone)]
pub(super) struct FoundRole {
    pub comment: Option<String>,
    attributes: Attributes,
    connection_limit: Option<u32>,
    memberships: BTreeSet<Membership>,
    joined: bool,
    parameters: Parameters,
    parameters_in: BTreeMap<String, Parameters>,
}

impl FoundRole {
    /// Returns the role as it is compared, for who asks and the database that belongs to it.
    pub(super) fn role(&self, claim: &Claim, database: &str) -> Role {
        let Self { comment, attributes, connection_limit, memberships, joined, parameters, parameters_in } = self;
        Role {
            owner: Owner::of(comment.as_deref(), claim),
            attributes: *attributes,
            connection_limit: *connection_limit,
            memberships: memberships.clone(),
            joined: *joined,
            parameters: parameters.clone(),
            parameters_in_database: parameters_in.get(database).cloned().unwrap_or_default(),
            password: None,
        }
    }
}

/// A database, before it is known who asks.
#[derive(Debug, Clone)]
pub(super) struct FoundDatabase {
    pub owned_by: String,
    pub comment: Option<String>,
    pub allows_connections: bool,
    pub connection_limit: i32,
    pub grants: Grants,
    pub parameters: Parameters,
}

/// Roles and databases of a server, by name.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub roles: BTreeMap<String, FoundRole>,
    pub databases: BTreeMap<String, FoundDatabase>,
    pub verifiers: BTreeMap<String, Secret>,
}

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// Names of roles.
    pub roles: Vec<String>,
    /// Names of databases.
    pub databases: Vec<String>,
    /// Roles whose verifiers are wanted, where the administrator may read them.
    pub verifiers: Vec<String>,
    /// Whether privileges on databases are wanted of all; else of everybody and of the roles.
    pub all_grantees: bool,
}

impl Server {
    /// Returns what the administrator is; asked once.
    pub(super) async fn admin(&self) -> Result<Rc<Admin>, Trouble> {
        if let Some(admin) = self.admin.borrow().as_ref() {
            return Ok(Rc::clone(admin));
        }
        let admin = self.with(MAINTENANCE, "read what the administrator may", async |connection| {
            let row: (String, bool, bool, i32) = sqlx::query_as(
                "SELECT rolname::text, rolsuper, has_table_privilege('pg_catalog.pg_authid', 'SELECT'), \
                 current_setting('server_version_num')::int4 FROM pg_roles WHERE rolname = current_user",
            )
            .persistent(false)
            .fetch_one(connection)
            .await?;
            let (name, is_superuser, reads_verifiers, version) = row;
            Ok(Admin { name, is_superuser, reads_verifiers, version })
        });
        let admin = Rc::new(admin.await?);
        Ok(Rc::clone(self.admin.borrow_mut().insert(admin)))
    }

    /// Reads roles and databases.
    pub(super) async fn look(&self, wish: &Wish) -> Result<Found, Trouble> {
        let admin = self.admin().await?;
        self.with(MAINTENANCE, "read roles and databases", async |connection| {
            let mut found = Found {
                roles: roles(connection, &admin, &wish.roles).await?,
                databases: databases(connection, wish).await?,
                verifiers: BTreeMap::new(),
            };
            memberships(connection, &admin, &mut found.roles).await?;
            parameters(connection, wish, &mut found).await?;
            if admin.reads_verifiers && !wish.verifiers.is_empty() {
                found.verifiers = verifiers(connection, &wish.verifiers).await?;
            }
            Ok(found)
        })
        .await
    }
}

async fn roles(
    connection: &mut PgConnection,
    admin: &Admin,
    names: &[String],
) -> Result<BTreeMap<String, FoundRole>, sqlx::Error> {
    type Row = (String, Option<String>, bool, bool, bool, bool, bool, bool, bool, i32, bool, bool);
    // Before 16 a member can always act for the role; since then only where it was said so.
    let sql = if admin.version >= VERSION_16 {
        "SELECT r.rolname::text, d.description, r.rolcanlogin, r.rolsuper, r.rolcreatedb, r.rolcreaterole, \
         r.rolinherit, r.rolreplication, r.rolbypassrls, r.rolconnlimit, \
         coalesce(r.rolvaliduntil <> 'infinity', false), pg_has_role(r.oid, 'USAGE') AND pg_has_role(r.oid, 'SET') \
         FROM pg_roles r LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass \
         WHERE r.rolname::text = ANY($1)"
    } else {
        "SELECT r.rolname::text, d.description, r.rolcanlogin, r.rolsuper, r.rolcreatedb, r.rolcreaterole, \
         r.rolinherit, r.rolreplication, r.rolbypassrls, r.rolconnlimit, \
         coalesce(r.rolvaliduntil <> 'infinity', false), pg_has_role(r.oid, 'MEMBER') \
         FROM pg_roles r LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass \
         WHERE r.rolname::text = ANY($1)"
    };
    let rows: Vec<Row> = sqlx::query_as(sql).bind(names).persistent(false).fetch_all(connection).await?;
    let roles = rows.into_iter().map(|row| {
        let (name, comment, login, superuser, create_databases, create_roles, inherit, replication, ..) = row;
        let (.., bypass_row_security, limit, expires, joined) = row;
        let attributes = Attributes {
            login,
            superuser,
            create_databases,
            create_roles,
            inherit,
            replication,
            bypass_row_security,
            expires,
        };
        let role = FoundRole {
            comment,
            attributes,
            // -1 is no limit.
            connection_limit: u32::try_from(limit).ok(),
            memberships: BTreeSet::new(),
            joined,
            parameters: Parameters::new(),
            parameters_in: BTreeMap::new(),
        };
        (name, role)
    });
    Ok(roles.collect())
}

async fn memberships(
    connection: &mut PgConnection,
    admin: &Admin,
    roles: &mut BTreeMap<String, FoundRole>,
) -> Result<(), sqlx::Error> {
    let names: Vec<String> = roles.keys().cloned().collect();
    let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "SELECT r.rolname::text, m.rolname::text, g.rolname::text FROM pg_auth_members a \
         JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member \
         LEFT JOIN pg_roles g ON g.oid = a.grantor \
         WHERE m.rolname <> current_user AND (r.rolname::text = ANY($1) OR m.rolname::text = ANY($1))",
    )
    .bind(names)
    .persistent(false)
    .fetch_all(connection)
    .await?;
    for (role, member, grantor) in rows {
        let grantor = grantor.filter(|_| admin.version >= VERSION_16);
        let membership = Membership { role, member, grantor };
        for name in [&membership.role, &membership.member] {
            if let Some(found) = roles.get_mut(name) {
                found.memberships.insert(membership.clone());
            }
        }
    }
    Ok(())
}

async fn databases(connection: &mut PgConnection, wish: &Wish) -> Result<BTreeMap<String, FoundDatabase>, sqlx::Error> {
    let rows: Vec<(String, String, Option<String>, bool, i32)> = sqlx::query_as(
        "SELECT d.datname::text, o.rolname::text, s.description, d.datallowconn, d.datconnlimit \
         FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba \
         LEFT JOIN pg_shdescription s ON s.objoid = d.oid AND s.classoid = 'pg_database'::regclass \
         WHERE d.datname::text = ANY($1)",
    )
    .bind(&wish.databases)
    .persistent(false)
    .fetch_all(&mut *connection)
    .await?;
    let mut databases: BTreeMap<String, FoundDatabase> = rows
        .into_iter()
        .map(|(name, owned_by, comment, allows_connections, connection_limit)| {
            let (grants, parameters) = (Grants::new(), Parameters::new());
            (name, FoundDatabase { owned_by, comment, allows_connections, connection_limit, grants, parameters })
        })
        .collect();
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT d.datname::text, coalesce(g.rolname::text, ''), a.privilege_type FROM pg_database d \
         CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a \
         LEFT JOIN pg_roles g ON g.oid = a.grantee \
         WHERE d.datname::text = ANY($1) AND (a.grantee = 0 OR g.rolname::text = ANY($2) OR $3 AND g.oid IS NOT NULL)",
    )
    .bind(&wish.databases)
    .bind(&wish.roles)
    .bind(wish.all_grantees)
    .persistent(false)
    .fetch_all(connection)
    .await?;
    for (database, grantee, privilege) in rows {
        if let Some(database) = databases.get_mut(&database) {
            database.grants.entry(grantee).or_default().insert(privilege);
        }
    }
    Ok(databases)
}

async fn parameters(connection: &mut PgConnection, wish: &Wish, found: &mut Found) -> Result<(), sqlx::Error> {
    let rows: Vec<(Option<String>, Option<String>, Vec<String>)> = sqlx::query_as(
        "SELECT d.datname::text, r.rolname::text, s.setconfig FROM pg_db_role_setting s \
         LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole \
         WHERE (s.setrole = 0 AND d.datname::text = ANY($1)) OR r.rolname::text = ANY($2)",
    )
    .bind(&wish.databases)
    .bind(&wish.roles)
    .persistent(false)
    .fetch_all(connection)
    .await?;
    for (database, role, texts) in rows {
        let parameters: Parameters = texts
            .iter()
            .filter_map(|text| text.split_once('='))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        match (database, role) {
            (Some(database), None) => {
                if let Some(found) = found.databases.get_mut(&database) {
                    found.parameters = parameters;
                }
            }
            (database, Some(role)) => {
                let Some(found) = found.roles.get_mut(&role) else { continue };
                match database {
                    Some(database) => drop(found.parameters_in.insert(database, parameters)),
                    None => found.parameters = parameters,
                }
            }
            (None, None) => {}
        }
    }
    Ok(())
}

async fn verifiers(connection: &mut PgConnection, names: &[String]) -> Result<BTreeMap<String, Secret>, sqlx::Error> {
    let rows: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT rolname::text, rolpassword FROM pg_authid WHERE rolname::text = ANY($1)")
            .bind(names)
            .persistent(false)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(name, verifier)| (name, Secret::new(verifier.unwrap_or_default()))).collect())
}

/// Reads the privileges on schemas of the database that is connected to, of `grantees` and everybody, or of all.
pub(super) async fn schema_grants(
    connection: &mut PgConnection,
    schemas: &[String],
    grantees: Option<&[String]>,
) -> Result<BTreeMap<String, Grants>, sqlx::Error> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT n.nspname::text, coalesce(g.rolname::text, ''), a.privilege_type FROM pg_namespace n \
         CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a \
         LEFT JOIN pg_roles g ON g.oid = a.grantee \
         WHERE n.nspname::text = ANY($1) AND (a.grantee = 0 OR g.rolname::text = ANY($2) OR $3 AND g.oid IS NOT NULL)",
    )
    .bind(schemas)
    .bind(grantees.unwrap_or_default())
    .bind(grantees.is_none())
    .persistent(false)
    .fetch_all(connection)
    .await?;
    let mut grants: BTreeMap<String, Grants> = BTreeMap::new();
    for (schema, grantee, privilege) in rows {
        grants.entry(schema).or_default().entry(grantee).or_default().insert(privilege);
    }
    Ok(grants)
}
