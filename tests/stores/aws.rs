//! AWS Secrets Manager, as moto emulates it. The oracle is plain HTTP in the service's own protocol.

use std::{collections::BTreeMap, rc::Rc};

use serde_json::{Value, json};
use tenantry::engine::{
    Secret, TroubleKind,
    connections::Login,
    store::{Held, Store, Written},
    stores::aws::SecretsManager,
    tls,
};

use super::{
    battery::{Case, entry, fields, password, run},
    folder, variable,
};

struct Aws(String);

fn store(endpoint: &str) -> SecretsManager {
    let login = Login {
        username: variable("TENANTRY_TEST_AWS_USERNAME"),
        password: Secret::new(variable("TENANTRY_TEST_AWS_PASSWORD")),
    };
    SecretsManager::new("aws", &variable("TENANTRY_TEST_AWS_REGION"), Some(endpoint), &login)
}

impl Case for Aws {
    fn open(&self) -> Rc<dyn Store> {
        Rc::new(store(&variable("TENANTRY_TEST_AWS_URL")))
    }

    fn folder(&self) -> &str {
        &self.0
    }
}

crate::battery!(|name| Aws(folder(name)); #[ignore = "needs aws: run by tests/run"]);

/// Asks the service past the engine; the emulator believes every signature.
fn ask(action: &str, body: &Value) -> Value {
    let (url, region) = (variable("TENANTRY_TEST_AWS_URL"), variable("TENANTRY_TEST_AWS_REGION"));
    tls::prepare();
    run(async {
        let answer = reqwest::Client::new()
            .post(url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{action}"))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/{region}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0"),
            )
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{action}: {text}");
        serde_json::from_str(&text).unwrap()
    })
}

#[test]
#[ignore = "needs aws: run by tests/run"]
fn a_secret_that_is_scheduled_for_deletion_is_not_free() {
    let key = format!("{}/db", folder("scheduled"));
    let aws = store(&variable("TENANTRY_TEST_AWS_URL"));
    run(aws.create(&key, &fields("one"))).unwrap();
    ask("DeleteSecret", &json!({ "SecretId": key, "RecoveryWindowInDays": 7 }));
    assert!(matches!(run(aws.read(&key)).unwrap(), Held::Deleted));
    assert_eq!(run(aws.create(&key, &fields("two"))).unwrap(), Written::Lost);
    assert_eq!(run(aws.present(&[key.clone()].into())).unwrap(), [key.clone()].into());
    ask("RestoreSecret", &json!({ "SecretId": key }));
    assert_eq!(password(run(aws.read(&key)).unwrap()), "one");
}

#[test]
#[ignore = "needs aws: run by tests/run"]
fn the_same_request_once_more_changes_nothing() {
    let key = format!("{}/db", folder("again"));
    let aws = store(&variable("TENANTRY_TEST_AWS_URL"));
    let versions = || ask("ListSecretVersionIds", &json!({ "SecretId": key }))["Versions"].as_array().unwrap().len();
    // As after a lost reply: the client asks for the same again.
    assert_eq!(run(aws.create(&key, &fields("one"))).unwrap(), Written::Done);
    assert_eq!(run(aws.create(&key, &fields("one"))).unwrap(), Written::Done);
    assert_eq!(versions(), 1);
    let seen = entry(run(aws.read(&key)).unwrap()).version;
    assert_eq!(run(aws.replace(&key, &seen, &fields("two"))).unwrap(), Written::Done);
    assert_eq!(run(aws.replace(&key, &seen, &fields("two"))).unwrap(), Written::Lost);
    assert_eq!(versions(), 2);
    assert_eq!(password(run(aws.read(&key)).unwrap()), "two");
}

#[test]
#[ignore = "needs aws: run by tests/run"]
fn what_is_stored_is_what_others_read() {
    let key = format!("{}/db", folder("others"));
    let aws = store(&variable("TENANTRY_TEST_AWS_URL"));
    run(aws.create(&key, &fields("ü\"x"))).unwrap();
    let found = ask("GetSecretValue", &json!({ "SecretId": key }));
    let stored: BTreeMap<String, String> = serde_json::from_str(found["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(
        stored,
        BTreeMap::from([("password".to_owned(), "ü\"x".to_owned()), ("username".to_owned(), "abc--orders".to_owned())])
    );
}

#[test]
#[ignore = "needs aws: run by tests/run"]
fn a_secret_of_another_form_is_left_alone() {
    let aws = store(&variable("TENANTRY_TEST_AWS_URL"));
    let folder = folder("foreign");
    for (name, text) in [("text", "just-a-canary"), ("number", r#"{"port": 5432}"#)] {
        let key = format!("{folder}/{name}");
        ask("CreateSecret", &json!({ "Name": key, "SecretString": text, "ClientRequestToken": "0".repeat(32) }));
        let trouble = run(aws.read(&key)).unwrap_err();
        assert_eq!(trouble.kind(), TroubleKind::Unexpected, "{}", trouble.line());
        assert!(!trouble.line().contains("canary"));
        assert_eq!(run(aws.create(&key, &fields("x"))).unwrap(), Written::Lost);
    }
    let key = format!("{folder}/empty");
    ask("CreateSecret", &json!({ "Name": key, "ClientRequestToken": "0".repeat(32) }));
    let trouble = run(aws.read(&key)).unwrap_err();
    assert!(matches!(trouble.kind(), TroubleKind::Refused), "{}", trouble.line());
}

#[test]
#[ignore = "needs aws: run by tests/run"]
fn nobody_there_is_unreachable() {
    let trouble = run(store("http://127.0.0.1:9").read("a/b")).unwrap_err();
    assert_eq!(trouble.kind(), TroubleKind::Unreachable, "{}", trouble.line());
    let url = variable("TENANTRY_TEST_AWS_URL").replace("http://", "https://");
    let trouble = run(store(&url).read("a/b")).unwrap_err();
    assert_eq!(trouble.kind(), TroubleKind::Tls, "{}", trouble.line());
}
