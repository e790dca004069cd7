//! What the servers have of a tenant, read with their own clients.

use serde_json::{Value, json};

use crate::shared::{
    administrator::{done, mariadb, minio, psql, rabbitmq, redis},
    documents::POOL,
    servers::Servers,
};

/// Returns everything that the servers have of a document's resources, hashes of passwords included; nothing is the
/// empty text.
pub fn dump(servers: &Servers, document: &Value) -> String {
    let lines = document["resources"].as_array().unwrap().iter().map(|resource| {
        let found = look(servers, resource);
        if found.trim().is_empty() { String::new() } else { format!("{}: {}\n", resource["id"], found.trim()) }
    });
    lines.collect()
}

/// Returns what a server has of one resource.
pub fn look(servers: &Servers, resource: &Value) -> String {
    let field = |key: &str| resource[key].as_str().unwrap_or_default().to_owned();
    let (name, user) = (field("name"), field("user"));
    match resource["kind"].as_str().unwrap() {
        "mysqlDatabase" => done(&mariadb(
            None,
            "",
            &format!(
                "SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}';
                 SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{name}' ORDER BY 1;
                 SELECT Host, User, Priv FROM mysql.global_priv WHERE User = '{user}' ORDER BY 1;
                 SELECT * FROM mysql.db WHERE User = '{user}' ORDER BY 1, 2, 3;"
            ),
        )),
        "postgresDatabase" => {
            done(&psql(
                None,
                "postgres",
                &format!(
                    "SELECT datname, pg_get_userbyid(datdba), datacl, shobj_description(oid, 'pg_database')
                       FROM pg_database WHERE datname = '{name}';"
                ),
            )) + &role(&user)
        }
        "postgresSchema" => {
            let sql = format!(
                "SELECT nspname, pg_get_userbyid(nspowner), nspacl, obj_description(oid) FROM pg_namespace WHERE nspname = '{name}'"
            );
            done(&psql(None, POOL, &sql)) + &role(&user)
        }
        "bucket" => match minio(None, "GET", &name, "") {
            (404, answer) if answer.contains("NoSuchBucket") => String::new(),
            _ => {
                let (_, tags) = minio(None, "GET", &format!("{name}?tagging="), "");
                let rest = ["versioning", "lifecycle"].map(|part| minio(None, "GET", &format!("{name}?{part}="), "").1);
                // Answers that are no success name the request.
                let known = |text: &String| text.contains("<Status>") || text.contains("<Rule>");
                let rest: Vec<&String> = rest.iter().filter(|text| known(text)).collect();
                let tagged = tags.contains("<TagSet>").then_some(tags);
                format!("there {tagged:?} {rest:?}")
            }
        },
        "objectStoreUser" => {
            let bucket = resource["spec"]["buckets"][0].as_str().unwrap();
            // Signed by another's keys: whether the user is known is told without its own.
            let (_, answer) = minio(Some((&name, "not-its-key-not-its-key")), "GET", &format!("{bucket}/nothing"), "");
            if answer.contains("InvalidAccessKeyId") { String::new() } else { "there".to_owned() }
        }
        "rabbitmqVhost" => {
            let paths = [format!("vhosts/{name}"), format!("users/{user}"), format!("permissions/{name}/{user}")];
            let keys = ["name", "description", "tags", "password_hash", "configure", "write", "read"];
            let parts = paths.iter().filter_map(|path| match rabbitmq(None, "GET", path, &Value::Null) {
                (200, answer) => {
                    let answer: Value = serde_json::from_str(&answer).unwrap();
                    Some(keys.map(|key| format!("{key}={}", answer[key])).join(" "))
                }
                _ => None,
            });
            let queues = match rabbitmq(None, "GET", &format!("queues/{name}"), &Value::Null) {
                (200, answer) => {
                    let answer: Value = serde_json::from_str(&answer).unwrap();
                    let queues = answer.as_array().unwrap().iter();
                    json!(queues.map(|queue| json!([queue["name"], queue["arguments"], queue["durable"]])).collect::<Vec<_>>())
                        .to_string()
                }
                _ => String::new(),
            };
            parts.chain([queues]).collect::<Vec<_>>().join("\n")
        }
        "redisUser" => done(&redis(None, &["ACL", "GETUSER", &user])),
        "httpResource" if resource["id"] == "viewer" => servers.grafana.with(|grafana| {
            let login = resource["spec"]["create"]["body"]["login"].as_str().unwrap();
            grafana.user(login).map_or_else(String::new, |(id, user)| format!("{id} {user:?}"))
        }),
        "httpResource" => servers.grafana.with(|grafana| {
            let org = resource["spec"]["create"]["body"]["name"].as_str().unwrap();
            grafana.org(org).map_or_else(String::new, |(id, org)| format!("{id} {org:?}"))
        }),
        "secret" => String::new(),
        kind => panic!("nobody looks at a {kind}"),
    }
}

fn role(name: &str) -> String {
    let sql = format!(
        "SELECT rolname, rolpassword, rolcanlogin, rolconnlimit, shobj_description(oid, 'pg_authid') FROM pg_authid WHERE rolname = '{name}'"
    );
    done(&psql(None, "postgres", &sql))
}
