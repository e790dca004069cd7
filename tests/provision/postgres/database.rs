//! Databases: the battery.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;
use tenantry::provision::Document;

use super::{
    super::{
        battery::{Battery, Case},
        wire::Proxy,
    },
    Cluster, VERSIONS, battery,
};

pub struct Database {
    pub cluster: Cluster,
    pub name: String,
    pub role: String,
}

impl Database {
    pub fn new(version: &'static str, test: &str) -> Self {
        let name = format!("abc-{}_main", test.replace('_', "-"));
        let case = Self { cluster: Cluster::new(version), role: format!("{name}-user"), name };
        case.clear();
        case
    }

    fn clear(&self) {
        let next = format!("{}x", self.name);
        self.cluster.clear(&[&self.name, &next], &[&self.role, &next]);
    }
}

impl Case for Database {
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
        let spec = if updated {
            json!({"extensions": ["citext", "pg_trgm"], "connectionLimit": 7,
                "settings": {"search_path": "app, \"Odd Name\", public", "Work_Mem": "16MB"},
                "roleSettings": {"statement_timeout": "10s"}})
        } else {
            json!({"extensions": ["citext"], "connectionLimit": 5,
                "settings": {"timezone": "UTC", "app.name": "it's \\ odd"},
                "roleSettings": {"statement_timeout": "20s", "lock_timeout": "1s"}})
        };
        serde_json::from_value(json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Provision",
            "metadata": {"tenant": "abc", "uid": uid, "state": "active"},
            "connections": {"pg": self.cluster.connection(), "store": {"kind": "directory", "path": store}},
            "resources": [{
                "kind": "postgresDatabase", "id": "main", "connection": "pg", "name": self.name, "user": self.role,
                "secret": {"store": "store", "key": "tenants/abc/main",
                    "fields": {"username": {"value": self.role}, "password": {"generated": 32}}},
                "spec": spec,
            }],
        }))
        .unwrap()
    }

    fn dump(&self) -> String {
        let Self { cluster, name, role } = self;
        let mut dump = cluster.dump_role(role);
        if cluster.exists(name) {
            dump += &cluster.psql(
                "postgres",
                &format!(
                    "SELECT d.datname, o.rolname, d.datallowconn, d.datconnlimit, shobj_description(d.oid, 'pg_database'), \
                     (SELECT array_agg(i::text ORDER BY i::text) FROM unnest(d.datacl) i), \
                     (SELECT s.setconfig FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = 0) \
                     FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba WHERE d.datname = '{name}'"
                ),
            );
        }
        let is_open = format!("SELECT 1 FROM pg_database WHERE datname = '{name}' AND datallowconn");
        if !cluster.psql("postgres", &is_open).is_empty() {
            dump += &cluster.psql(
                name,
                "SELECT extname FROM pg_extension ORDER BY 1; SELECT nspname, \
                 (SELECT array_agg(i::text ORDER BY i::text) FROM unnest(nspacl) i) FROM pg_namespace \
                 WHERE nspname = 'public' OR nspowner <> 10 ORDER BY 1",
            );
        }
        dump
    }

    fn drift(&self) {
        let Self { cluster, name, role } = self;
        for sql in [
            format!("GRANT CONNECT ON DATABASE \"{name}\" TO PUBLIC"),
            format!("REVOKE CREATE ON DATABASE \"{name}\" FROM \"{role}\""),
            format!("ALTER DATABASE \"{name}\" CONNECTION LIMIT 3"),
            format!("ALTER DATABASE \"{name}\" SET work_mem = '1MB'"),
            format!("ALTER DATABASE \"{name}\" SET timezone = 'Europe/Berlin'"),
            format!("ALTER ROLE \"{role}\" CREATEDB CREATEROLE REPLICATION INHERIT BYPASSRLS CONNECTION LIMIT 99"),
            format!("ALTER ROLE \"{role}\" PASSWORD 'somebody-elses' VALID UNTIL '2001-01-01'"),
            format!("ALTER ROLE \"{role}\" SET lock_timeout = '5s'"),
            format!("ALTER ROLE \"{role}\" IN DATABASE \"{name}\" RESET statement_timeout"),
            format!("GRANT pg_read_all_data TO \"{role}\""),
            format!("COMMENT ON DATABASE \"{name}\" IS 'tenantry:somebody:else'"),
        ] {
            cluster.psql("postgres", &sql);
        }
        cluster.psql(
            name,
            &format!("GRANT CREATE ON SCHEMA public TO PUBLIC; REVOKE USAGE ON SCHEMA public FROM \"{role}\""),
        );
    }

    fn foreign(&self) {
        self.cluster.psql("postgres", &format!("CREATE DATABASE \"{}\"", self.name));
    }

    fn has_user(&self) -> bool {
        !self.cluster.dump_role(&self.role).is_empty()
    }

    fn logs_in(&self, entry: &BTreeMap<String, String>) -> Option<bool> {
        Some(self.cluster.opens(entry, &self.name))
    }

    fn settle_neighbour(&self) {
        self.cluster.settle(&format!("{}x", self.name));
    }

    fn neighbour(&self) -> String {
        self.cluster.of_neighbour(&format!("{}x", self.name))
    }

    fn proxy(&self) -> &Proxy {
        &self.cluster.proxy
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.clear();
    }
}

battery! { Database;
    postgres_database_create postgres18_database_create create
    postgres_database_repeat postgres18_database_repeat repeat
    postgres_database_noop postgres18_database_noop noop
    postgres_database_update postgres18_database_update update
    postgres_database_crash_after_n postgres18_database_crash_after_n crash_after_n
    postgres_database_foreign postgres18_database_foreign foreign
    postgres_database_another_uid postgres18_database_another_uid another_uid
    postgres_database_drift postgres18_database_drift drift
    postgres_database_completed postgres18_database_completed completed
    postgres_database_made_in_between postgres18_database_made_in_between made_in_between
    postgres_database_wire_faults postgres18_database_wire_faults wire_faults
}

#[cfg(feature = "faults")]
battery! { Database;
    postgres_database_kill_at_every_point postgres18_database_kill_at_every_point kill_at_every_point
}
