//! The servers through their own clients: what an administrator does by hand, and whether a stored credential logs in.
//! Passwords go by environment or stdin, never as arguments.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::{
    documents::POOL,
    servers::{Servers, variable},
    stores::Entries,
};

/// Runs curl with a configuration on stdin; returns the status and the body.
pub fn curl(config: &str, arguments: &[&str]) -> (u16, String) {
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "30", "--config", "-", "--write-out", "\n%{http_code}"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
    let output = curl.wait_with_output().unwrap();
    assert!(output.status.success(), "curl {arguments:?}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, code) = text.rsplit_once('\n').unwrap();
    (code.parse().unwrap(), body.to_owned())
}

/// A user and a password, the administrator's where none is given.
pub type As<'a> = Option<(&'a str, &'a str)>;

fn login(server: &str, who: As<'_>) -> (String, String) {
    let named = |part: &str| variable(&format!("TENANTRY_TEST_{server}_{part}"));
    match who {
        Some((user, password)) => (user.to_owned(), password.to_owned()),
        None => (named("USERNAME"), named("PASSWORD")),
    }
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
pub fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn mariadb(who: As<'_>, database: &str, sql: &str) -> Output {
    let (user, password) = login("MARIADB", who);
    run(Command::new(variable("TENANTRY_TEST_MARIADB_CLIENT"))
        .args(["--no-defaults", "--protocol=tcp", "--batch", "--skip-column-names", "--user", &user, "--execute", sql])
        .args(["--host", &variable("TENANTRY_TEST_MARIADB_HOST"), "--port", &variable("TENANTRY_TEST_MARIADB_PORT")])
        .arg(database)
        .env("MYSQL_PWD", password))
}

pub fn psql(who: As<'_>, database: &str, sql: &str) -> Output {
    let (user, password) = login("POSTGRES", who);
    run(Command::new(variable("TENANTRY_TEST_PSQL"))
        .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, "-U", &user, "-d", database])
        .args(["-h", &variable("TENANTRY_TEST_POSTGRES_HOST"), "-p", &variable("TENANTRY_TEST_POSTGRES_PORT")])
        .env("PGPASSWORD", password)
        .env("PGSSLMODE", "disable"))
}

pub fn redis(who: As<'_>, arguments: &[&str]) -> Output {
    let (user, password) = login("REDIS", who);
    run(Command::new(variable("TENANTRY_TEST_REDIS_CLI"))
        .args(["-h", &variable("TENANTRY_TEST_REDIS_HOST"), "-p", &variable("TENANTRY_TEST_REDIS_PORT")])
        .args(["--user", &user, "--no-auth-warning", "-e"])
        .args(arguments)
        .env("REDISCLI_AUTH", password))
}

pub fn rabbitmq(who: As<'_>, method: &str, path: &str, body: &Value) -> (u16, String) {
    let (user, password) = login("RABBITMQ", who);
    let url = format!("{}/api/{path}", variable("TENANTRY_TEST_RABBITMQ_URL"));
    let body = body.to_string();
    let mut arguments = vec!["--request", method, "--header", "content-type: application/json", &url];
    if method == "PUT" {
        arguments.extend(["--data", &body]);
    }
    curl(&format!("user = \"{user}:{password}\""), &arguments)
}

pub fn minio(who: As<'_>, method: &str, path: &str, body: &str) -> (u16, String) {
    let (user, password) = login("MINIO", who);
    let (url, region) = (variable("TENANTRY_TEST_MINIO_URL"), variable("TENANTRY_TEST_MINIO_REGION"));
    let signature = format!("aws:amz:{region}:s3");
    let url = format!("{url}/{path}");
    let mut arguments = vec!["--request", method, "--aws-sigv4", &signature, &url];
    if !body.is_empty() {
        arguments.extend(["--data", body, "--header", "content-type: application/json"]);
    }
    curl(&format!("user = \"{user}:{password}\""), &arguments)
}

/// Makes the database that all schemas are in, unless it is there.
pub fn make_pool() {
    if done(&psql(None, "postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{POOL}'"))).is_empty() {
        // Another test may be quicker.
        let _ = psql(None, "postgres", &format!("CREATE DATABASE {POOL}"));
    }
}

/// Lets the user of one document's resource reach the resource of another, as somebody in a hurry would. Returns
/// whether the kind has something to reach.
pub fn open_hole(servers: &Servers, from: &Value, to: &Value) -> bool {
    let name = |resource: &Value, key: &str| resource[key].as_str().unwrap_or_default().to_owned();
    let (user, target) = (name(from, "user"), name(to, "name"));
    match from["kind"].as_str().unwrap() {
        "mysqlDatabase" => {
            // The wildcard is not escaped: all neighbours in `_` are reached.
            done(&mariadb(None, "", &format!("GRANT SELECT ON `{target}`.* TO '{user}'@'%'")));
        }
        "postgresDatabase" => {
            done(&psql(None, "postgres", &format!("GRANT CONNECT ON DATABASE \"{target}\" TO \"{user}\"")));
        }
        "postgresSchema" => {
            done(&psql(None, POOL, &format!("GRANT USAGE ON SCHEMA \"{target}\" TO \"{user}\"")));
        }
        "rabbitmqVhost" => {
            let rights = json!({"configure": "", "write": "", "read": "^orders$"});
            let (code, answer) = rabbitmq(None, "PUT", &format!("permissions/{target}/{user}"), &rights);
            assert!((200..300).contains(&code), "{answer}");
        }
        "redisUser" => drop(done(&redis(None, &["ACL", "SETUSER", &user, &format!("~{target}:*")]))),
        "httpResource" if from["id"] == "viewer" => {
            let login = from["spec"]["create"]["body"]["login"].as_str().unwrap();
            servers.grafana.with(|grafana| {
                let (id, _) = grafana.user(login).unwrap();
                grafana.users.get_mut(&id).unwrap().admin = true;
            });
        }
        _ => return false,
    }
    true
}

/// Returns whether a resource's stored credential lets its user in; nothing where there is none that could.
pub fn logs_in(servers: &Servers, resource: &Value, entries: &Entries) -> Option<bool> {
    let entry = entries.get(resource["secret"]["key"].as_str()?)?;
    let field = |name: &str| entry.get(name).map(String::as_str).unwrap_or_default();
    let who = Some((field("username"), field("password")));
    let name = resource["name"].as_str().unwrap();
    Some(match resource["kind"].as_str().unwrap() {
        "mysqlDatabase" => mariadb(who, name, "SELECT 1").status.success(),
        "postgresDatabase" => psql(who, name, "SELECT 1").status.success(),
        "postgresSchema" => psql(who, POOL, "SELECT 1").status.success(),
        "redisUser" => redis(who, &["GET", &format!("{name}:nothing")]).status.success(),
        "rabbitmqVhost" => {
            // Whoever has no right to the API is told so only with the right password.
            let (_, answer) = rabbitmq(who, "GET", "whoami", &Value::Null);
            answer.contains("Not management user")
        }
        "objectStoreUser" => {
            let who = Some((field("accessKey"), field("secretKey")));
            let bucket = resource["spec"]["buckets"][0].as_str().unwrap();
            let (_, answer) = minio(who, "GET", &format!("{bucket}/nothing"), "");
            answer.contains("NoSuchKey") || answer.contains("AccessDenied")
        }
        "httpResource" if resource["id"] == "viewer" => servers.grafana.with(|grafana| {
            grafana.user(field("username")).is_some_and(|(_, user)| user.password == field("password"))
        }),
        _ => return None,
    })
}
