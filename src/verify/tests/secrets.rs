//! Secret values, and where Secrets come from.

use super::*;

#[test]
fn a_secret_with_values_is_refused() {
    let found = with(object("v1", "Secret", "x", json!({ "stringData": { "password": "hunter2" } })));
    assert_only(&found, Code::SecretData, "/stringData", "Secret `x`");
    assert!(!format!("{found:?}").contains("hunter2"));
    let token = json!({
        "metadata": { "annotations": { "kubernetes.io/service-account.name": "auth" } },
        "type": "kubernetes.io/service-account-token",
    });
    assert_none(&with(object("v1", "Secret", "x", token)));
}

#[test]
fn a_password_in_a_variable_is_refused() {
    let mut literal = right().remove("deployment").unwrap();
    literal["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{ "name": "DB_PASSWORD", "value": "hunter2" }]);
    let found = changed("deployment", literal.clone());
    assert_only(&found, Code::SecretLiteral, "/spec/template/spec/containers/0/env/0/value", "DB_PASSWORD");
    assert!(!format!("{found:?}").contains("hunter2"));
    literal["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{ "name": "DB_PASSWORD", "valueFrom": { "secretKeyRef": { "name": "auth-credentials", "key": "DB_PASSWORD" } } }]);
    assert_none(&changed("deployment", literal));
}

#[test]
fn a_password_in_a_config_map_is_refused() {
    let found = changed("settings", json!({ "data": { "stripe-api-key": "abc" } }));
    assert_only(&found, Code::SecretLiteral, "/data/stripe-api-key", "stripe-api-key");
    assert_none(&changed("settings", json!({ "data": { "API_KEY_HEADER": "X-Key" } })));
}

#[test]
fn a_private_key_anywhere_is_refused() {
    let key = format!("-----BEGIN {} KEY-----\nMIIE\n", "PRIVATE");
    let found = changed("settings", json!({ "data": { "tls.pem": key } }));
    assert_only(&found, Code::SecretInText, "/data/tls.pem", "a private key");
    assert_none(&changed("settings", json!({ "data": { "tls.pem": "-----BEGIN CERTIFICATE-----\nMIIE\n" } })));
}

#[test]
fn a_secret_has_one_owner() {
    let certificate = |name: &str| {
        object(
            "cert-manager.io/v1",
            "Certificate",
            name,
            json!({
                "spec": { "secretName": "tls", "dnsNames": ["abc.example.com"], "issuerRef": { "kind": "ClusterIssuer", "name": "le" } },
            }),
        )
    };
    assert_none(&with(certificate("a")));
    let found = changed_by(|objects| {
        objects.insert("a", certificate("a"));
        objects.insert("b", certificate("b"));
    });
    assert_only(&found, Code::SecretTwoOwners, "/spec/secretName", "`tls`");
}

#[test]
fn an_external_secret_reads_from_a_store_of_the_tenant() {
    let missing = json!({ "spec": { "secretStoreRef": { "name": "tenants" } } });
    assert_only(&changed("credentials", missing), Code::ExternalSecretStore, "/spec/secretStoreRef/name", "`tenants`");
    let shared = json!({ "spec": { "secretStoreRef": { "kind": "ClusterSecretStore", "name": "aws" } } });
    assert_only(&changed("credentials", shared), Code::SecretStoreShared, "/spec/secretStoreRef", "`aws`");
}

#[test]
fn an_external_secret_reads_the_tenants_own_entries() {
    let entry = |key: &str| json!({ "spec": { "data": [{ "secretKey": "A", "remoteRef": { "key": key } }] } });
    assert_only(
        &changed("credentials", entry("shared/smtp")),
        Code::SecretKeyForeign,
        "/spec/data/0/remoteRef/key",
        "shared/smtp",
    );
    assert_none(&changed("credentials", entry("tenants/abc/smtp")));

    let mut plan = plan();
    plan.provisions.insert("databases".to_owned(), json!({ "auth": { "secret": { "key": "t-1f3a/auth" } } }));
    let mut objects = right();
    merge(objects.get_mut("credentials").unwrap(), entry("t-1f3a/auth"));
    assert_none(&findings(&plan, objects.into_values()));
}
