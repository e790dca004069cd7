//! Kubernetes Secrets on a real API server. The oracle, and the administrator, is kubectl.

use std::{
    io::Write,
    process::{Command, Stdio},
    rc::Rc,
};

use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tenantry::{
    engine::{
        TroubleKind,
        store::{Store, Written},
        stores::kubernetes::KubernetesSecrets,
    },
    name::object::secret_object,
};

use super::{
    battery::{Case, entry, fields, password, run},
    variable,
};

/// A namespace of one test alone.
struct Namespace(String, Config);

impl Namespace {
    fn new(name: &str) -> Self {
        let name = format!("tenantry-{}-{}", name.replace('_', "-"), std::process::id());
        kubectl(&["create", "namespace", &name], "");
        Self(name, config("tests"))
    }

    fn store(&self) -> KubernetesSecrets {
        KubernetesSecrets::new("cluster", &self.0, self.1.clone())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        kubectl(&["delete", "namespace", &self.0, "--wait=false"], "");
    }
}

impl Case for Namespace {
    fn open(&self) -> Rc<dyn Store> {
        Rc::new(self.store())
    }

    fn folder(&self) -> &str {
        "tests"
    }

    fn limit(&self) -> Option<usize> {
        Some(1 << 20)
    }
}

/// The API server with one of the tests' users.
fn config(user: &str) -> Config {
    let mut file = Kubeconfig::read_from(variable("TENANTRY_TEST_KUBECONFIG")).unwrap();
    if user != "tests" {
        let token = kubectl(&["create", "token", user, "--namespace", "default"], "");
        let info = file.auth_infos[0].auth_info.as_mut().unwrap();
        info.token = Some(token.trim().to_owned().into());
    }
    run(Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())).unwrap()
}

fn kubectl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(variable("TENANTRY_TEST_KUBECTL"))
        .arg("--kubeconfig")
        .arg(variable("TENANTRY_TEST_KUBECONFIG"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn object(namespace: &str, key: &str) -> Value {
    let text = kubectl(&["get", "secret", &secret_object(key), "--namespace", namespace, "--output", "json"], "");
    serde_json::from_str(&text).unwrap()
}

crate::battery!(Namespace::new; #[ignore = "needs kube-apiserver: run by tests/run"]);

#[test]
#[ignore = "needs kube-apiserver: run by tests/run"]
fn argo_cd_is_told_to_leave_them_alone() {
    let namespace = Namespace::new("argo");
    run(namespace.store().create("tenants/acme/orders", &fields("one"))).unwrap();
    let found = object(&namespace.0, "tenants/acme/orders");
    assert_eq!(found["metadata"]["name"], "tenants.acme.orders");
    assert_eq!(
        found["metadata"]["annotations"],
        json!({
            "tenantry.dev/key": "tenants/acme/orders",
            "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
            "argocd.argoproj.io/sync-options": "Prune=false",
        })
    );
    assert_eq!(found["metadata"]["labels"], json!({ "app.kubernetes.io/managed-by": "tenantry" }));
    assert_eq!((found["type"].as_str(), found.get("immutable")), (Some("Opaque"), None));
    assert_eq!(found["data"]["password"], "b25l");
}

#[test]
#[ignore = "needs kube-apiserver: run by tests/run"]
fn what_others_note_on_an_entry_stays() {
    let (namespace, key) = (Namespace::new("notes"), "a/b");
    let store = namespace.store();
    run(async {
        store.create(key, &fields("one")).await.unwrap();
        let seen = entry(store.read(key).await.unwrap()).version;
        kubectl(&["annotate", "secret", "a.b", "--namespace", &namespace.0, "example.com/note=kept"], "");
        assert_eq!(store.replace(key, &seen, &fields("two")).await.unwrap(), Written::Lost, "it was changed since");
        let seen = entry(store.read(key).await.unwrap()).version;
        assert_eq!(store.replace(key, &seen, &fields("two")).await.unwrap(), Written::Done);
        assert_eq!(password(store.read(key).await.unwrap()), "two");
    });
    assert_eq!(object(&namespace.0, key)["metadata"]["annotations"]["example.com/note"], "kept");
}

#[test]
#[ignore = "needs kube-apiserver: run by tests/run"]
fn a_secret_of_somebody_else_is_left_alone() {
    let namespace = Namespace::new("foreign");
    kubectl(&["create", "secret", "generic", "a.b", "--namespace", &namespace.0, "--from-literal=password=theirs"], "");
    let before = object(&namespace.0, "a/b");
    let store = namespace.store();
    run(async {
        assert_eq!(store.create("a/b", &fields("ours")).await.unwrap(), Written::Lost);
        let troubles = [
            store.read("a/b").await.unwrap_err(),
            store.replace("a/b", "1", &fields("ours")).await.unwrap_err(),
            store.remove("a/b").await.unwrap_err(),
        ];
        for trouble in troubles {
            assert_eq!(trouble.kind(), TroubleKind::Refused, "{}", trouble.line());
            assert!(trouble.line().contains("`a.b`") && !trouble.line().contains("theirs"), "{}", trouble.line());
        }
        assert!(store.present(&["a/b".to_owned()].into()).await.unwrap().is_empty());
    });
    assert_eq!(object(&namespace.0, "a/b"), before);
}

#[test]
#[ignore = "needs kube-apiserver: run by tests/run"]
fn a_missing_right_is_named() {
    let namespace = Namespace::new("rights");
    let account = namespace.0.clone();
    kubectl(&["create", "serviceaccount", &account, "--namespace", "default"], "");
    kubectl(&["create", "role", "reader", "--namespace", &namespace.0, "--verb=get", "--resource=secrets"], "");
    let subject = format!("--serviceaccount=default:{account}");
    kubectl(&["create", "rolebinding", "reader", "--namespace", &namespace.0, "--role=reader", &subject], "");
    run(namespace.store().create("a/b", &fields("one"))).unwrap();
    let narrow = KubernetesSecrets::new("cluster", &namespace.0, config(&account));
    run(async {
        let version = entry(narrow.read("a/b").await.unwrap()).version;
        let troubles = [
            (narrow.create("a/c", &fields("x")).await.unwrap_err(), "`create`"),
            (narrow.replace("a/b", &version, &fields("x")).await.unwrap_err(), "`update`"),
            (narrow.remove("a/b").await.unwrap_err(), "`delete`"),
            (narrow.present(&["a/b".to_owned()].into()).await.unwrap_err(), "`list`"),
        ];
        for (trouble, verb) in troubles {
            assert_eq!(trouble.kind(), TroubleKind::Forbidden, "{}", trouble.line());
            assert!(trouble.line().contains(verb) && trouble.line().contains(&namespace.0), "{}", trouble.line());
        }
    });
    kubectl(&["delete", "serviceaccount", &account, "--namespace", "default"], "");
}

#[test]
#[ignore = "needs kube-apiserver: run by tests/run"]
fn what_is_wrong_with_the_way_there_is_told_apart() {
    let read = |config: Config| run(KubernetesSecrets::new("cluster", "default", config).read("a/b")).unwrap_err();
    let mut wrong = config("tests");
    wrong.auth_info.token = Some("nobody".to_owned().into());
    assert_eq!(read(wrong).kind(), TroubleKind::Credential);
    let mut stranger = config("tests");
    (stranger.root_cert, stranger.root_cert_file) = (None, None);
    let trouble = read(stranger);
    assert_eq!(trouble.kind(), TroubleKind::Tls, "{}", trouble.line());
    let mut nobody = config("tests");
    nobody.cluster_url = "https://127.0.0.1:9".parse().unwrap();
    assert_eq!(read(nobody).kind(), TroubleKind::Unreachable);
    let nowhere = KubernetesSecrets::new("cluster", "no-such-namespace", config("tests"));
    let trouble = run(nowhere.create("a/b", &fields("x"))).unwrap_err();
    assert_eq!(trouble.kind(), TroubleKind::Setup, "{}", trouble.line());
    assert!(trouble.line().contains("no namespace `no-such-namespace`"), "{}", trouble.line());
}
