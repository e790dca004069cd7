//! Schemas in a shared database: the battery.

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

pub struct Schema {
    pub cluster: Cluster,
    pub pool: String,
    pub name: String,
    pub role: String,
}

impl Schema {
    pub fn new(version: &'static str, test: &str) -> Self {
        let test = test.replace('_', "-");
        let case = Self {
            cluster: Cluster::new(version),
            pool: format!("pool-{test}"),
            name: format!("abc-{test}_app"),
            role: format!("abc-{test}_app-user"),
        };
        case.clear();
        case
    }

    fn clear(&self) {
        let next = format!("{}x", self.name);
        self.cluster.clear(&[&self.pool, &next], &[&self.role, &next]);
    }
}

impl Case for Schema {
    fn document(&self, uid: &str, updated: bool, store: &Path) -> Document {
        serde_json::from_value(json!({
            "apiVersion": "tenantry.dev/v1", "kind": "Provision",
            "metadata": {"tenant": "abc", "uid": uid, "state": "active"},
            "connections": {"pg": self.cluster.connection(), "store": {"kind": "directory", "path": store}},
            "resources": [{
                "kind": "postgresSchema", "id": "app", "connection": "pg", "name": self.name, "user": self.role,
                "secret": {"store": "store", "key": "tenants/abc/app",
                    "fields": {"username": {"value": self.role}, "password": {"generated": 32}}},
                "spec": {"database": self.pool, "connectionLimit": if updated { 9 } else { 4 },
                    "migrations": "tests/provision/migrations/app", "requireRowLevelSecurity": true},
            }],
        }))
        .unwrap()
    }

    fn dump(&self) -> String {
        let Self { cluster, pool, name, role } = self;
        let mut dump = cluster.dump_role(role);
        if !cluster.exists(pool) {
            return dump;
        }
        let schema = cluster.psql(
            pool,
            &format!(
                "SELECT n.nspname, o.rolname, obj_description(n.oid), coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM pg_namespace n \
                 JOIN pg_roles o ON o.oid = n.nspowner WHERE nspname = '{name}'; \
                 SELECT relname, relkind, relrowsecurity, relforcerowsecurity FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = '{name}' ORDER BY 1"
            ),
        );
        dump += &schema;
        if !dump.is_empty() {
            // The shared database stays; only with a tenant in it does it matter who may come in.
            dump += &cluster.psql(pool, "SELECT datacl FROM pg_database WHERE datname = current_database()");
            dump += &cluster.psql(pool, "SELECT nspacl FROM pg_namespace WHERE nspname = 'public'");
        }
        if schema.contains("tenantry_migrations|r") {
            dump += &cluster.psql(pool, &format!("SELECT name, sha256 FROM \"{name}\".tenantry_migrations ORDER BY 1"));
        }
        dump
    }

    fn drift(&self) {
        let Self { cluster, pool, name, role } = self;
        for sql in [
            format!("GRANT CONNECT, TEMPORARY ON DATABASE \"{pool}\" TO PUBLIC"),
            format!("GRANT CREATE ON DATABASE \"{pool}\" TO \"{role}\""),
            format!("ALTER ROLE \"{role}\" IN DATABASE \"{pool}\" SET search_path = public"),
            format!("ALTER ROLE \"{role}\" PASSWORD 'somebody-elses' SUPERUSER"),
            format!("GRANT ALL ON SCHEMA public TO PUBLIC, \"{role}\""),
            format!("GRANT USAGE ON SCHEMA \"{name}\" TO PUBLIC"),
            format!("COMMENT ON SCHEMA \"{name}\" IS 'mine'"),
        ] {
            cluster.psql(pool, &sql);
        }
    }

    fn foreign(&self) {
        self.cluster.psql("postgres", &format!("CREATE DATABASE \"{}\"", self.pool));
        self.cluster.psql(&self.pool, &format!("CREATE SCHEMA \"{}\"", self.name));
    }

    fn has_user(&self) -> bool {
        !self.cluster.dump_role(&self.role).is_empty()
    }

    fn logs_in(&self, entry: &BTreeMap<String, String>) -> Option<bool> {
        Some(self.cluster.opens(entry, &self.pool))
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

impl Drop for Schema {
    fn drop(&mut self) {
        self.clear();
    }
}

battery! { Schema;
    postgres_schema_create postgres18_schema_create create
    postgres_schema_repeat postgres18_schema_repeat repeat
    postgres_schema_noop postgres18_schema_noop noop
    postgres_schema_update postgres18_schema_update update
    postgres_schema_crash_after_n postgres18_schema_crash_after_n crash_after_n
    postgres_schema_foreign postgres18_schema_foreign foreign
    postgres_schema_another_uid postgres18_schema_another_uid another_uid
    postgres_schema_drift postgres18_schema_drift drift
    postgres_schema_completed postgres18_schema_completed completed
    postgres_schema_wire_faults postgres18_schema_wire_faults wire_faults
}

#[cfg(feature = "faults")]
battery! { Schema;
    postgres_schema_kill_at_every_point postgres18_schema_kill_at_every_point kill_at_every_point
}
