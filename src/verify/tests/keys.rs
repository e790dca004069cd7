//! Keys of ConfigMaps and Secrets, Secrets that others than Pods need, accounts of stores, roles.

use super::*;

const ENV: &str = "/spec/template/spec/containers/0/env/0/valueFrom";

/// Adds objects to the right tenant, and a field to the Pods of its Deployment.
fn pods_with(spec: Value, others: Vec<Value>) -> Vec<Diagnostic> {
    let mut objects = right();
    merge(objects.get_mut("deployment").unwrap(), json!({ "spec": { "template": { "spec": spec } } }));
    findings(&plan(), objects.into_values().chain(others))
}

fn variable(source: Value, others: Vec<Value>) -> Vec<Diagnostic> {
    let mut with_variable = container("auth");
    with_variable["env"] = json!([{ "name": "X", "valueFrom": source }]);
    pods_with(json!({ "containers": [with_variable] }), others)
}

fn secret_key(name: &str, key: &str, others: Vec<Value>) -> Vec<Diagnostic> {
    variable(json!({ "secretKeyRef": { "name": name, "key": key } }), others)
}

#[test]
fn config_maps_have_the_keys_that_are_read() {
    let key = |key: &str| variable(json!({ "configMapKeyRef": { "name": "settings", "key": key } }), vec![]);
    assert_only(
        &key("LOG_LEVL"),
        Code::ConfigMapKeyMissing,
        &format!("{ENV}/configMapKeyRef/key"),
        "ConfigMap `settings`",
    );
    assert_none(&key("LOG_LEVEL"));
    assert_none(&variable(json!({ "configMapKeyRef": { "name": "settings", "key": "x", "optional": true } }), vec![]));
    let volume = |source: Value| pods_with(json!({ "volumes": [source] }), vec![]);
    let items = json!({ "name": "settings", "items": [{ "key": "LOG_LEVEL", "path": "a" }, { "key": "nginx.conf", "path": "b" }] });
    let found = volume(json!({ "name": "v", "configMap": items }));
    let at = "/spec/template/spec/volumes/0";
    assert_only(&found, Code::ConfigMapKeyMissing, &format!("{at}/configMap/items/1/key"), "`nginx.conf`");
    let found = volume(json!({ "name": "v", "projected": { "sources": [{ "configMap": items }] } }));
    assert_only(
        &found,
        Code::ConfigMapKeyMissing,
        &format!("{at}/projected/sources/0/configMap/items/1/key"),
        "`nginx.conf`",
    );
    let binary = object("v1", "ConfigMap", "logo", json!({ "binaryData": { "logo.png": "AA==" } }));
    assert_none(&variable(json!({ "configMapKeyRef": { "name": "logo", "key": "logo.png" } }), vec![binary]));
}

#[test]
fn secrets_have_the_keys_that_their_maker_makes() {
    let at = format!("{ENV}/secretKeyRef/key");
    assert_only(
        &secret_key("auth-credentials", "PASSWORD", vec![]),
        Code::SecretKeyMissing,
        &at,
        "ExternalSecret `auth-credentials`",
    );
    assert_none(&secret_key("auth-credentials", "DB_PASSWORD", vec![]));
    let volume = json!({ "volumes": [{ "name": "v", "secret": { "secretName": "auth-credentials", "items": [{ "key": "x", "path": "x" }] } }] });
    assert_only(
        &pods_with(volume, vec![]),
        Code::SecretKeyMissing,
        "/spec/template/spec/volumes/0/secret/items/0/key",
        "`x`",
    );

    let certificate = |rest: Value| {
        let mut spec = json!({ "secretName": "tls", "dnsNames": ["abc.example.com"], "issuerRef": { "kind": "ClusterIssuer", "name": "le" } });
        merge(&mut spec, rest);
        object("cert-manager.io/v1", "Certificate", "tls", json!({ "spec": spec }))
    };
    for key in ["tls.crt", "tls.key", "ca.crt"] {
        assert_none(&secret_key("tls", key, vec![certificate(json!({}))]));
    }
    assert_only(
        &secret_key("tls", "tls.pem", vec![certificate(json!({}))]),
        Code::SecretKeyMissing,
        &at,
        "Certificate `tls`",
    );
    let combined = certificate(json!({ "additionalOutputFormats": [{ "type": "CombinedPEM" }] }));
    assert_none(&secret_key("tls", "tls-combined.pem", vec![combined]));
}

/// Returns an ExternalSecret `made` whose target and sources are these.
fn external(spec: Value) -> Vec<Value> {
    let mut all = json!({ "secretStoreRef": { "kind": "SecretStore", "name": "tenant" } });
    merge(&mut all, spec);
    vec![object("external-secrets.io/v1", "ExternalSecret", "made", json!({ "spec": all }))]
}

#[test]
fn templates_and_whole_entries_give_keys() {
    let data = json!([{ "secretKey": "password", "remoteRef": { "key": "tenants/shop-abc/x" } }]);
    let template = |rest: Value| {
        let mut template = json!({ "data": { "dsn": "mysql://{{ .password }}" } });
        merge(&mut template, rest);
        external(json!({ "data": data, "target": { "template": template } }))
    };
    let missing = |found: &[Diagnostic]| found.iter().any(|finding| finding.code == Code::SecretKeyMissing);
    assert_none(&secret_key("made", "dsn", template(json!({}))));
    assert!(missing(&secret_key("made", "password", template(json!({})))));
    assert_none(&secret_key("made", "password", template(json!({ "mergePolicy": "Merge" }))));
    assert_none(&secret_key(
        "made",
        "anything",
        template(
            json!({ "templateFrom": [{ "configMap": { "name": "settings", "items": [{ "key": "LOG_LEVEL" }] } }] }),
        ),
    ));
    // What the store holds under another's key nobody knows here.
    let whole = |key: &str| external(json!({ "dataFrom": [{ "extract": { "key": key } }] }));
    assert_none(&secret_key("made", "anything", whole("tenants/shop-abc/x")));
    assert_none(&secret_key(
        "made",
        "anything",
        external(json!({ "dataFrom": [{ "find": { "path": "tenants/shop-abc" } }] })),
    ));
}

#[test]
fn entries_that_the_plan_makes_have_known_fields() {
    let mut plan = plan();
    let fields = json!({ "host": { "value": "db" }, "password": { "generated": 32 } });
    plan.provisions.insert(
        "databases".to_owned(),
        json!({ "auth": { "name": "abc_auth", "secret": { "key": "tenants/shop-abc/db/auth", "fields": fields } } }),
    );
    let read = |key: &str, secret: Vec<Value>| {
        let mut objects = right();
        let mut reader = container("auth");
        reader["env"] = json!([{ "name": "X", "valueFrom": { "secretKeyRef": { "name": "made", "key": key } } }]);
        merge(
            objects.get_mut("deployment").unwrap(),
            json!({ "spec": { "template": { "spec": { "containers": [reader] } } } }),
        );
        findings(&plan, objects.into_values().chain(secret))
    };
    let whole = || external(json!({ "dataFrom": [{ "extract": { "key": "tenants/shop-abc/db/auth" } }] }));
    assert_none(&read("password", whole()));
    assert_only(&read("PASSWORD", whole()), Code::SecretKeyMissing, &format!("{ENV}/secretKeyRef/key"), "`PASSWORD`");
    let one = |property: &str| {
        external(
            json!({ "data": [{ "secretKey": "X", "remoteRef": { "key": "tenants/shop-abc/db/auth", "property": property } }] }),
        )
    };
    assert_none(&read("X", one("host")));
    let found = read("X", one("hots"));
    assert_only(&found, Code::SecretKeyMissing, "/spec/data/0/remoteRef/property", "`hots`");
    assert_eq!(found[0].help, "name one of host, password");
}

#[test]
fn secrets_of_operators_and_of_other_names_are_known() {
    let cluster = object("postgresql.cnpg.io/v1", "Cluster", "db", json!({ "spec": { "instances": 1 } }));
    assert_none(&secret_key("db-app", "uri", vec![cluster.clone()]));
    let at = format!("{ENV}/secretKeyRef/name");
    assert_only(&secret_key("bd-app", "uri", vec![cluster]), Code::SecretMissing, &at, "`bd-app`");
    let pulls = pods_with(json!({ "imagePullSecrets": [{ "name": "registry" }] }), vec![]);
    assert_only(&pulls, Code::SecretMissing, "/spec/template/spec/imagePullSecrets/0/name", "`registry`");
    let account = changed("account", json!({ "imagePullSecrets": [{ "name": "registry" }] }));
    assert_only(&account, Code::SecretMissing, "/imagePullSecrets/0/name", "ServiceAccount `auth`");
    let ingress = object(
        "networking.k8s.io/v1",
        "Ingress",
        "web",
        json!({ "spec": {
        "tls": [{ "hosts": ["abc.example.com"], "secretName": "tls" }],
        "rules": [{ "host": "abc.example.com", "http": { "paths": [{
            "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "auth", "port": { "number": 80 } } } }] } }],
    } }),
    );
    assert_only(&with(ingress), Code::SecretMissing, "/spec/tls/0/secretName", "Ingress `web`");
}

#[test]
fn a_secret_in_time_is_found_by_the_name_of_its_target() {
    let late = json!({ "metadata": { "name": "credentials-of-auth", "annotations": { "argocd.argoproj.io/sync-wave": "5" } } });
    let found = changed("credentials", late);
    // The Deployment and the migration.
    assert_eq!(
        found.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        [Code::HookTooEarly, Code::HookTooEarly],
        "{found:#?}"
    );
    let store = changed("store", json!({ "metadata": { "annotations": { "argocd.argoproj.io/sync-wave": "5" } } }));
    assert_only(&store, Code::HookTooEarly, "/spec/secretStoreRef/name", "SecretStore `tenant`");
}

#[test]
fn what_runs_nothing_waits_for_nothing() {
    let late = json!({ "metadata": { "annotations": { "argocd.argoproj.io/sync-wave": "5" } } });
    let found = changed_by(|objects| {
        merge(objects.get_mut("settings").unwrap(), late);
        merge(objects.get_mut("deployment").unwrap(), json!({ "spec": { "replicas": 0 } }));
        objects.remove("migration");
    });
    assert_none(&found);
}

#[test]
fn a_store_logs_in_as_an_account_that_is_there() {
    let login = |name: &str| {
        changed(
            "store",
            json!({ "spec": { "provider": { "vault": { "auth": { "kubernetes": { "serviceAccountRef": { "name": name } } } } } } }),
        )
    };
    let pointer = "/spec/provider/vault/auth/kubernetes/serviceAccountRef/name";
    assert_only(&login("secrets"), Code::ServiceAccountMissing, pointer, "`secrets`");
    assert_none(&login("auth"));
}

#[test]
fn role_bindings_join_what_is_there() {
    let binding = |role: Value, subject: Value| {
        with(object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "b",
            json!({ "roleRef": role, "subjects": [subject] }),
        ))
    };
    let cluster = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" });
    let account = |name: &str| json!({ "kind": "ServiceAccount", "name": name, "namespace": "shop-abc" });
    assert_none(&binding(cluster.clone(), account("auth")));
    assert_only(
        &binding(cluster.clone(), account("x")),
        Code::RoleBindingDangling,
        "/subjects/0/name",
        "ServiceAccount `x`",
    );
    assert_none(&binding(cluster.clone(), json!({ "kind": "ServiceAccount", "name": "x", "namespace": "monitoring" })));
    assert_none(&binding(cluster, json!({ "kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "x" })));
    let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" });
    assert_only(&binding(role, account("auth")), Code::RoleBindingDangling, "/roleRef/name", "Role `reader`");
}
