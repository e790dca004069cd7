//! OpenBao. The oracle, and the administrator, is the program `bao`.

use std::{
    collections::BTreeSet,
    io::Write,
    path::PathBuf,
    process::{Child, Command, Stdio},
    rc::Rc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tenantry::engine::{
    Secret, TroubleKind,
    store::{Held, Store, Written},
    stores::vault::{Login, Vault},
};

use super::{
    battery::{CANARY, Case, fields, password, run},
    folder,
    log::Log,
    variable,
};

struct Bao(String);

fn at(url: &str, mount: &str, login: Login) -> Vault {
    Vault::new("vault", url, mount, None, login).unwrap()
}

fn with(login: Login) -> Vault {
    at(&variable("TENANTRY_TEST_OPENBAO_URL"), &variable("TENANTRY_TEST_OPENBAO_MOUNT"), login)
}

fn root() -> Login {
    Login::Token(Secret::new(variable("TENANTRY_TEST_OPENBAO_TOKEN")))
}

impl Case for Bao {
    fn open(&self) -> Rc<dyn Store> {
        Rc::new(with(root()))
    }

    fn folder(&self) -> &str {
        &self.0
    }

    fn limit(&self) -> Option<usize> {
        Some(40 << 20)
    }
}

crate::battery!(|name| Bao(folder(name)); #[ignore = "needs openbao: run by tests/run"]);

/// Runs `bao` against a server as its administrator, with `input`, and returns what it prints, or what it complains of.
fn try_bao(url: &str, token: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(variable("TENANTRY_TEST_BAO"))
        .args(arguments)
        .env("BAO_ADDR", url)
        .env("BAO_TOKEN", token)
        .env("BAO_FORMAT", "json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn bao_at(url: &str, token: &str, arguments: &[&str], input: &str) -> String {
    try_bao(url, token, arguments, input).unwrap_or_else(|error| panic!("bao {arguments:?}: {error}"))
}

fn bao(arguments: &[&str]) -> String {
    bao_at(&variable("TENANTRY_TEST_OPENBAO_URL"), &variable("TENANTRY_TEST_OPENBAO_TOKEN"), arguments, "")
}

fn json_of(arguments: &[&str]) -> Value {
    serde_json::from_str(&bao(arguments)).unwrap()
}

/// Makes a token with a policy of its own that lasts `seconds`.
fn token(name: &str, policy: &str, seconds: u32) -> Secret {
    let (url, root) = (variable("TENANTRY_TEST_OPENBAO_URL"), variable("TENANTRY_TEST_OPENBAO_TOKEN"));
    bao_at(&url, &root, &["policy", "write", name, "-"], policy);
    let answer = json_of(&["token", "create", &format!("-policy={name}"), &format!("-ttl={seconds}s")]);
    Secret::new(answer["auth"]["client_token"].as_str().unwrap())
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn a_key_that_was_deleted_softly_is_not_free() {
    let key = format!("{}/db", folder("soft"));
    run(async {
        let store = with(root());
        store.create(&key, &fields("one")).await.unwrap();
        bao(&["kv", "delete", "-mount=secret", &key]);
        assert!(matches!(store.read(&key).await.unwrap(), Held::Deleted));
        assert_eq!(store.create(&key, &fields("two")).await.unwrap(), Written::Lost);
        bao(&["kv", "undelete", "-mount=secret", "-versions=1", &key]);
        assert_eq!(password(store.read(&key).await.unwrap()), "one");
    });
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn a_key_whose_versions_are_all_destroyed_is_free() {
    let key = format!("{}/db", folder("destroyed"));
    run(async {
        let store = with(root());
        store.create(&key, &fields("one")).await.unwrap();
        assert_eq!(store.replace(&key, "1", &fields("two")).await.unwrap(), Written::Done);
        bao(&["kv", "destroy", "-mount=secret", "-versions=2", &key]);
        assert!(matches!(store.read(&key).await.unwrap(), Held::Deleted), "version 1 holds a password still");
        assert_eq!(store.create(&key, &fields("three")).await.unwrap(), Written::Lost);
        bao(&["kv", "destroy", "-mount=secret", "-versions=1", &key]);
        assert!(matches!(store.read(&key).await.unwrap(), Held::Free));
        assert_eq!(store.create(&key, &fields("four")).await.unwrap(), Written::Done);
        assert_eq!(store.create(&key, &fields("five")).await.unwrap(), Written::Lost);
        assert_eq!(password(store.read(&key).await.unwrap()), "four");
        assert_eq!(json_of(&["kv", "get", "-mount=secret", &key])["data"]["metadata"]["version"], json!(3));
    });
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn removal_takes_all_versions() {
    let key = format!("{}/db", folder("removed"));
    run(async {
        let store = with(root());
        store.create(&key, &fields("one")).await.unwrap();
        store.replace(&key, "1", &fields("two")).await.unwrap();
        store.remove(&key).await.unwrap();
        let (url, root) = (variable("TENANTRY_TEST_OPENBAO_URL"), variable("TENANTRY_TEST_OPENBAO_TOKEN"));
        let found = try_bao(&url, &root, &["kv", "metadata", "get", "-mount=secret", &key], "");
        assert!(found.unwrap_err().contains("No value found"));
    });
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn a_missing_right_is_named_with_its_path() {
    let folder = folder("rights");
    let key = format!("{folder}/db");
    let policy = format!(r#"path "secret/data/{folder}/*" {{ capabilities = ["read", "create"] }}"#);
    let store = with(Login::Token(token("tenantry-narrow", &policy, 3600)));
    run(async {
        assert_eq!(store.create(&key, &fields("one")).await.unwrap(), Written::Done);
        let troubles = [
            (store.replace(&key, "1", &fields("two")).await.unwrap_err(), "`create` and `update` on `secret/data/"),
            (store.remove(&key).await.unwrap_err(), "`delete` on `secret/metadata/"),
            (store.present(&[key.clone()].into()).await.unwrap_err(), "`list` on `secret/metadata/"),
            (store.read("elsewhere/db").await.unwrap_err(), "`read` on `secret/data/elsewhere/db`"),
        ];
        for (trouble, named) in troubles {
            assert_eq!(trouble.kind(), TroubleKind::Forbidden, "{}", trouble.line());
            assert!(trouble.line().contains(named), "{}", trouble.line());
        }
    });
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn logins_that_fail_are_told_apart() {
    let kind = |store: Vault| run(store.read("a/b")).unwrap_err();
    let wrong = kind(with(Login::Token(Secret::new(CANARY))));
    assert_eq!(wrong.kind(), TroubleKind::Credential, "{}", wrong.line());
    assert!(!wrong.line().contains(CANARY));
    let broken = kind(with(Login::Token(Secret::new("line\nbreak"))));
    assert_eq!(broken.kind(), TroubleKind::Credential);
    let role = Login::AppRole { role_id: Secret::new("nobody"), secret_id: Secret::new(CANARY) };
    let role = kind(with(role));
    assert_eq!(role.kind(), TroubleKind::Credential, "{}", role.line());
    assert!(!role.line().contains(CANARY));
    let mount = kind(at(&variable("TENANTRY_TEST_OPENBAO_URL"), "nothing-here", root()));
    assert_eq!(mount.kind(), TroubleKind::Setup, "{}", mount.line());
    assert!(mount.line().contains("no secrets engine at `nothing-here/`"), "{}", mount.line());
    let nobody = kind(at("http://127.0.0.1:9", "secret", root()));
    assert_eq!(nobody.kind(), TroubleKind::Unreachable, "{}", nobody.line());
    let no_file = Login::Kubernetes { role: "tenantry".to_owned(), token_file: PathBuf::from("/nowhere/token") };
    assert_eq!(kind(with(no_file)).kind(), TroubleKind::Setup);
    for key in ["", "a/", "/a", "a//b", "a/../b", "."] {
        assert_eq!(run(with(root()).read(key)).unwrap_err().kind(), TroubleKind::Setup, "{key:?}");
    }
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn an_app_role_logs_in() {
    let key = format!("{}/db", folder("approle"));
    let role_id = Secret::new(variable("TENANTRY_TEST_OPENBAO_ROLE_ID"));
    let secret_id = Secret::new(variable("TENANTRY_TEST_OPENBAO_SECRET_ID"));
    let log = Log::default();
    log.listen(|| {
        run(async {
            let store = with(Login::AppRole { role_id: role_id.clone(), secret_id: secret_id.clone() });
            assert_eq!(store.create(&key, &fields(CANARY)).await.unwrap(), Written::Done);
            assert_eq!(password(store.read(&key).await.unwrap()), CANARY);
        });
    });
    log.holds_none_of(&[CANARY, secret_id.expose()]);
}

#[test]
#[ignore = "needs openbao-kubernetes: run by tests/run"]
fn a_service_account_logs_in() {
    let key = format!("{}/db", folder("kubernetes"));
    let login = |file: &str| Login::Kubernetes {
        role: variable("TENANTRY_TEST_OPENBAO_KUBERNETES_ROLE"),
        token_file: PathBuf::from(variable(file)),
    };
    run(async {
        let store = with(login("TENANTRY_TEST_OPENBAO_KUBERNETES_TOKEN_FILE"));
        assert_eq!(store.create(&key, &fields("one")).await.unwrap(), Written::Done);
        assert_eq!(password(store.read(&key).await.unwrap()), "one");
        let stranger = with(login("TENANTRY_TEST_OPENBAO_KUBERNETES_OTHER_TOKEN_FILE"));
        assert_eq!(stranger.read(&key).await.unwrap_err().kind(), TroubleKind::Credential);
    });
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn a_run_outlives_its_token() {
    let folder = folder("expiry");
    let key = format!("{folder}/db");
    let policy = r#"path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }"#;
    let given = with(Login::Token(token("tenantry-short", policy, 6)));
    bao(&["write", "auth/approle/role/short", "token_policies=tenantry-short", "token_ttl=1s", "token_max_ttl=2s"]);
    let role_id = json_of(&["read", "auth/approle/role/short/role-id"]);
    let secret_id = json_of(&["write", "-force", "auth/approle/role/short/secret-id"]);
    let text = |answer: &Value, field: &str| Secret::new(answer["data"][field].as_str().unwrap());
    let role = with(Login::AppRole { role_id: text(&role_id, "role_id"), secret_id: text(&secret_id, "secret_id") });
    run(async {
        assert_eq!(given.create(&key, &fields("one")).await.unwrap(), Written::Done);
        for round in 0..8 {
            assert_eq!(password(role.read(&key).await.unwrap()), "one", "round {round}");
            assert_eq!(password(given.read(&key).await.unwrap()), "one", "round {round}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn a_token_that_is_revoked_in_a_run_is_asked_for_again() {
    let role_id = Secret::new(variable("TENANTRY_TEST_OPENBAO_ROLE_ID"));
    let secret_id = Secret::new(variable("TENANTRY_TEST_OPENBAO_SECRET_ID"));
    // A server may have seen this test before.
    let name = format!("revoked-{}", std::process::id());
    let path = format!("auth/approle/role/{name}");
    bao(&["write", &path, "token_policies=tenantry", "token_ttl=1h"]);
    let role = json_of(&["read", &format!("{path}/role-id")]);
    let secret = json_of(&["write", "-force", &format!("{path}/secret-id")]);
    let text = |answer: &Value, field: &str| Secret::new(answer["data"][field].as_str().unwrap());
    let store = with(Login::AppRole { role_id: text(&role, "role_id"), secret_id: text(&secret, "secret_id") });
    let other = with(Login::AppRole { role_id, secret_id });
    let key = format!("{}/db", folder("revoked"));
    run(async {
        store.create(&key, &fields("one")).await.unwrap();
        let mut revoked = 0;
        let accessors: Vec<String> = serde_json::from_str(&bao(&["list", "auth/token/accessors"])).unwrap();
        let (url, root) = (variable("TENANTRY_TEST_OPENBAO_URL"), variable("TENANTRY_TEST_OPENBAO_TOKEN"));
        for accessor in accessors {
            // Tokens of other tests may end in the meantime.
            let found = try_bao(&url, &root, &["token", "lookup", "-accessor", &accessor], "").unwrap_or_default();
            if found.contains(&name) {
                revoked += 1;
                bao(&["token", "revoke", "-accessor", &accessor]);
            }
        }
        assert_eq!(revoked, 1);
        let all = futures::future::join_all((0..4).map(|_| store.read(&key))).await;
        assert!(all.into_iter().all(|held| password(held.unwrap()) == "one"));
        assert_eq!(password(other.read(&key).await.unwrap()), "one");
    });
}

/// A server of one test alone, which may be sealed.
struct Own {
    child: Child,
    url: String,
}

impl Own {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let child = Command::new(variable("TENANTRY_TEST_BAO"))
            .args(["server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root"])
            .arg(format!("-dev-listen-address={address}"))
            .env("HOME", std::env::temp_dir())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let own = Self { child, url: format!("http://{address}") };
        let store = own.store("secret");
        for _ in 0..200 {
            if run(store.read("up")).is_ok() {
                return own;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not come up");
    }

    fn store(&self, mount: &str) -> Vault {
        at(&self.url, mount, Login::Token(Secret::new("root")))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn many_folders_are_told_alike_by_one_request_and_by_many() {
    let folder = folder("scan");
    let rights = |scan| format!(r#"path "secret/*" {{ capabilities = ["create", "read", "list"{scan}] }}"#);
    let tokens = [("tenantry-scans", rights(r#", "scan""#)), ("tenantry-lists", rights(""))];
    let [one, many] = tokens.map(|(name, policy)| with(Login::Token(token(name, &policy, 3600))));
    let keys: BTreeSet<String> = (0..20).map(|number| format!("{folder}/t{number}/db")).collect();
    let there: BTreeSet<String> = keys.iter().step_by(2).cloned().collect();
    run(async {
        assert!(one.present(&keys).await.unwrap().is_empty());
        for key in &there {
            assert_eq!(one.create(key, &fields("x")).await.unwrap(), Written::Done);
        }
        assert_eq!(one.present(&keys).await.unwrap(), there);
        assert_eq!(many.present(&keys).await.unwrap(), there);
    });
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn a_sealed_server_is_told_as_such() {
    let own = Own::start();
    let store = own.store("secret");
    run(store.create("a/b", &fields(CANARY))).unwrap();
    bao_at(&own.url, "root", &["operator", "seal"], "");
    let troubles = [
        run(store.read("a/b")).unwrap_err(),
        run(store.create("a/c", &fields(CANARY))).unwrap_err(),
        run(store.present(&["a/b".to_owned()].into())).unwrap_err(),
        run(own.store("secret").read("a/b")).unwrap_err(),
    ];
    for trouble in troubles {
        assert_eq!(trouble.kind(), TroubleKind::Sealed, "{}", trouble.line());
        assert!(trouble.kind().passes() && !trouble.line().contains(CANARY));
    }
}

#[test]
#[ignore = "needs openbao: run by tests/run"]
fn version_1_of_the_engine_is_refused() {
    let own = Own::start();
    bao_at(&own.url, "root", &["secrets", "enable", "-path=old", "-version=1", "kv"], "");
    let trouble = run(own.store("old").create("a/b", &fields("x"))).unwrap_err();
    assert_eq!(trouble.kind(), TroubleKind::Setup);
    assert!(trouble.line().contains("not KV version 2"), "{}", trouble.line());
}
