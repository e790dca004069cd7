//! Secret stores on bad days: nowhere is a new password made over an old one.

use serde_json::{Value, json};

use crate::{
    day::Day,
    own,
    shared::{
        administrator::curl,
        servers::{TOKEN, variable},
    },
};

/// Sends a request to an OpenBao server, and returns the status and the answer.
#[track_caller]
fn ask(url: &str, token: &str, method: &str, path: &str, body: &Value) -> Value {
    let url = format!("{url}/v1/{path}");
    let body = body.to_string();
    let arguments = ["--request", method, "--data", &body, &url];
    let (code, answer) = curl(&format!("header = \"X-Vault-Token: {token}\""), &arguments);
    assert!((200..300).contains(&code), "{method} {path}: {code} {answer}");
    serde_json::from_str(&answer).unwrap_or_default()
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_sealed_store_is_for_later_and_opened_again_has_every_password() {
    let day = Day::new().knowing_own();
    let bao = own::openbao();
    let url = format!("http://127.0.0.1:{}", bao.port);
    let mut good = day.document(&["mysql", "redis", "session"]);
    good["connections"]["store"] = json!({"kind": "vault", "url": url, "mount": "secret", "tokenEnv": "OWN_PASSWORD"});
    let read = |id: &str| {
        let path = format!("secret/data/tenants/{}/{id}", day.tenant.name);
        ask(&url, own::PASSWORD, "GET", &path, &Value::Null)["data"].clone()
    };
    let all = || ["mysql", "redis", "session"].map(read);
    let kept = day.made(&good);
    let passwords = all();
    assert!(passwords.iter().all(|entry| entry["metadata"]["version"] == 1), "{passwords:?}");
    ask(&url, own::PASSWORD, "PUT", "sys/seal", &json!({}));
    for verb in ["plan", "apply"] {
        let ended = day.run(verb, &good, &[]);
        day.assert_told(&ended, 75, &["connection `store`", "sealed", "unseal the secret store"]);
    }
    let leaving = crate::shared::documents::leaving(good.clone());
    day.assert_told(&day.destroy(&leaving, &[]), 75, &["connection `store`", "unseal the secret store"]);
    day.assert_untouched(&kept, &good);
    let log = bao.log();
    let key = log.lines().find_map(|line| line.trim().strip_prefix("Unseal Key: ")).unwrap();
    ask(&url, own::PASSWORD, "PUT", "sys/unseal", &json!({"key": key}));
    day.apply(&good).report(0);
    assert_eq!(all(), passwords, "every password is the first one");
    day.leave(&good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_token_without_a_policy_is_told_and_nothing_is_made() {
    let day = Day::with_openbao();
    let good = day.document(&["mysql", "redis", "session"]);
    let url = variable("TENANTRY_TEST_OPENBAO_URL");
    let nothing = day.kept(&good);
    let token = ask(&url, &variable(TOKEN), "POST", "auth/token/create", &json!({"policies": ["default"]}));
    let program = day.program.with(TOKEN, token["auth"]["client_token"].as_str().unwrap());
    let file = day.file(&good);
    for verb in ["plan", "apply"] {
        let ended = crate::day::run(&program, verb, &file, &[]);
        day.assert_told(&ended, 5, &["connection `store`", "give the administrator's account the right"]);
    }
    day.assert_untouched(&nothing, &good);
    // The same once there are passwords.
    let kept = day.made(&good);
    for verb in ["plan", "apply"] {
        day.assert_told(&crate::day::run(&program, verb, &file, &[]), 5, &["connection `store`"]);
    }
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_soft_deleted_entry_is_no_free_key() {
    let day = Day::with_openbao();
    let good = day.document(&["mysql", "redis", "session"]);
    let kept = day.made(&good);
    let url = variable("TENANTRY_TEST_OPENBAO_URL");
    let path = |what: &str, id: &str| format!("secret/{what}/tenants/{}/{id}", day.tenant.name);
    for id in ["redis", "session"] {
        ask(&url, &variable(TOKEN), "DELETE", &path("data", id), &json!({}));
        let ended = day.apply(&good);
        day.assert_told(&ended, 4, &[&format!("tenants/{}/{id}", day.tenant.name), "was deleted", "undelete it"]);
        day.assert_told(&day.plan(&good), 4, &["undelete it"]);
        assert_eq!(day.kept(&good).dump(), kept.dump(), "no server is told another password");
        ask(&url, &variable(TOKEN), "PUT", &path("undelete", id), &json!({"versions": [1]}));
        day.assert_untouched(&kept, &good);
    }
    day.end_well(&kept, &good);
}
