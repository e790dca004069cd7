//! The servers of a test: those that `tests/run` started, and a stand-in of Grafana in this process.

use std::{collections::BTreeMap, env};

use serde_json::{Value, json};

use super::stand_ins::{Server, grafana::Grafana};

/// Returns a variable of `tests/run`.
#[track_caller]
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run"))
}

/// The variables that connections name for Grafana's administrator; all others are those of `tests/run`.
const GRAFANA: [&str; 2] = ["PROOF_GRAFANA_USERNAME", "PROOF_GRAFANA_PASSWORD"];

/// A password with whatever an encoding may stumble over.
const GRAFANA_PASSWORD: &str = "caña/ry+of \"Grafana\" & 100%=\\it's";

/// The prefixes of variables with an administrator's user and password.
const ADMINISTRATORS: [&str; 5] = ["MARIADB", "POSTGRES", "REDIS", "RABBITMQ", "MINIO"];

/// All servers of a test.
pub struct Servers {
    /// A JSON API whose users have passwords.
    pub grafana: Server<Grafana>,
}

impl Servers {
    pub fn find() -> Self {
        Self { grafana: Server::start(Grafana::new("admin", GRAFANA_PASSWORD)) }
    }

    /// Returns the administrators' users and passwords as the program gets them, by variable.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for server in ADMINISTRATORS {
            for name in [format!("TENANTRY_TEST_{server}_USERNAME"), format!("TENANTRY_TEST_{server}_PASSWORD")] {
                environment.insert(name.clone(), variable(&name));
            }
        }
        environment.insert(TOKEN.to_owned(), variable(TOKEN));
        let grafana = GRAFANA.iter().zip(["admin", GRAFANA_PASSWORD]);
        environment.extend(grafana.map(|(name, text)| ((*name).to_owned(), text.to_owned())));
        environment
    }

    /// Returns the variables of [`Servers::environment`] that hold secrets.
    pub fn secret_variables() -> Vec<String> {
        let mut names: Vec<String> =
            ADMINISTRATORS.iter().map(|server| format!("TENANTRY_TEST_{server}_PASSWORD")).collect();
        names.extend([TOKEN.to_owned(), GRAFANA[1].to_owned()]);
        names
    }

    /// Returns the connections that documents hold, the secret store left out.
    pub fn connections(&self) -> Value {
        json!({
            "mysql": {"kind": "mysql", "host": variable("TENANTRY_TEST_MARIADB_HOST"), "port": port("MARIADB"),
                "tls": {"mode": "off"}, "credentials": credentials("MARIADB")},
            "postgres": {"kind": "postgres", "host": variable("TENANTRY_TEST_POSTGRES_HOST"), "port": port("POSTGRES"),
                "tls": {"mode": "off"}, "credentials": credentials("POSTGRES")},
            "redis": {"kind": "redis", "host": variable("TENANTRY_TEST_REDIS_HOST"), "port": port("REDIS"),
                "tls": {"mode": "off"}, "credentials": credentials("REDIS")},
            "rabbitmq": {"kind": "rabbitmq", "host": variable("TENANTRY_TEST_RABBITMQ_HOST"), "port": port("RABBITMQ"),
                "managementUrl": variable("TENANTRY_TEST_RABBITMQ_URL"), "credentials": credentials("RABBITMQ")},
            "minio": {"kind": "objectStore", "endpoint": variable("TENANTRY_TEST_MINIO_URL"),
                "region": variable("TENANTRY_TEST_MINIO_REGION"), "flavour": "minio", "credentials": credentials("MINIO")},
            "grafana": {"kind": "http", "url": self.grafana.url(),
                "authentication": {"basic": {"usernameEnv": GRAFANA[0], "passwordEnv": GRAFANA[1]}}},
        })
    }

    /// Returns the servers' own logs.
    pub fn logs(&self) -> Vec<String> {
        let logs = ["MARIADB", "POSTGRES", "REDIS", "RABBITMQ", "MINIO", "OPENBAO"];
        let logs = logs.map(|server| variable(&format!("TENANTRY_TEST_{server}_LOG")));
        logs.iter().flat_map(|files| files.split(':')).map(str::to_owned).collect()
    }
}

/// The variable with OpenBao's token.
pub const TOKEN: &str = "TENANTRY_TEST_OPENBAO_TOKEN";

fn port(server: &str) -> u16 {
    variable(&format!("TENANTRY_TEST_{server}_PORT")).parse().unwrap()
}

fn credentials(server: &str) -> Value {
    json!({"usernameEnv": format!("TENANTRY_TEST_{server}_USERNAME"), "passwordEnv": format!("TENANTRY_TEST_{server}_PASSWORD")})
}
