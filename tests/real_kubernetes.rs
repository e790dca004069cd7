//! The rendered flagship estate before its judges: the real kube-apiserver with the published custom resource definitions, and the real kustomize.
//!
//! `tests/run` brings both, says where they are in `TENANTRY_TEST_*`, and runs what is ignored here for want of them.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run programs, read clocks and write files"
)]
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;
use walkdir::WalkDir;

/// How long one call of a program may take: the largest stream takes seconds, the rest is for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
#[ignore = "needs helm, kustomize: run by tests/run"]
fn helm_and_kustomize_take_what_is_rendered_for_them() {
    for (estate, tenants) in [("helm", "2 tenants"), ("kustomize-overlay", "tenant")] {
        let checked = assert_cmd::cargo::cargo_bin_cmd!("tenantry")
            .args(["check", "--rendered", "--estate"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/estates").join(estate))
            .env("TENANTRY_HELM", env::var_os("TENANTRY_TEST_HELM").expect("tests/run names helm"))
            .env("TENANTRY_KUSTOMIZE", env::var_os("TENANTRY_TEST_KUSTOMIZE").expect("tests/run names kustomize"))
            .assert()
            .success();
        let text = String::from_utf8_lossy(&checked.get_output().stdout).into_owned();
        assert!(text.contains(tenants) && !text.contains("not-inflated"), "{estate}: {text}");
    }
}

#[test]
#[ignore = "needs crds: run by tests/run"]
fn the_api_server_accepts_every_object_of_the_flagship_estate() {
    let estate = Rendered::flagship();
    let cluster = Cluster::with_namespaces_of(&estate.all_files());

    let mut accepted = cluster.accept("argocd", &estate.argocd());
    let tenants = estate.tenants();
    for (name, files) in &tenants {
        accepted += cluster.accept(name, files);
    }
    // The sum proves that whole tenants were sent, not remains of them.
    assert!(accepted >= 60 * tenants.len(), "only {accepted} objects of {} tenants", tenants.len());
}

/// Objects that hold Pods are accepted without a look at the Pods: those are admitted only when a controller makes them. Here they are made from the
/// templates, in namespaces with the tenant's real Pod Security labels and LimitRange.
#[test]
#[ignore = "needs crds: run by tests/run"]
fn every_pod_of_the_flagship_estate_is_admitted() {
    let estate = Rendered::flagship();
    let cluster = Cluster::with_namespaces_of(&estate.all_files());

    for (name, files) in estate.tenants() {
        let objects = objects_of(&files);
        cluster.create(objects.iter().copied().filter(|object| object["kind"] == "LimitRange"));
        let pods: Vec<Value> = objects.into_iter().filter_map(pod_of).collect();
        assert!(!pods.is_empty(), "{name} runs nothing");
        let refused = cluster.refusal(&stream_of(pods.iter()), pods.len());
        assert_eq!(refused, None, "Pods of {name}");
    }
}

#[test]
#[ignore = "needs kustomize: run by tests/run"]
fn kustomize_build_yields_exactly_our_objects() {
    let estate = Rendered::flagship();
    for (name, files) in estate.tenants() {
        let manifests = estate.manifests(&name);
        let output = Command::new(from_run("TENANTRY_TEST_KUSTOMIZE"))
            .arg("build")
            .arg(&manifests)
            .timeout(PATIENCE)
            .output()
            .expect("kustomize runs");
        assert!(output.status.success(), "kustomize build of {name}: {}", text(&output.stderr));

        let built = documents(&text(&output.stdout));
        let ours = objects_of(&files);
        let (built_by_identity, ours_by_identity) = (by_identity(&built), by_identity(ours.iter().copied()));
        let identities = |objects: &BTreeMap<String, &Value>| objects.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(identities(&built_by_identity), identities(&ours_by_identity), "identities of {name}");
        for (identity, object) in &ours_by_identity {
            assert_eq!(built_by_identity[identity], *object, "{identity} of {name}");
        }
        assert_eq!(built.len(), ours.len(), "{name} has objects of one identity");
    }
}

#[test]
#[ignore = "needs crds: run by tests/run"]
fn the_api_server_is_strict() {
    let cluster = Cluster::with_namespaces_of(&[]);
    let refused = |mut object: Value| {
        object["metadata"] = json!({ "name": "canary", "namespace": "default" });
        cluster.refusal(&stream_of([&object]), 1)
    };
    let config_map = |field: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", field: {} });
    assert_eq!(refused(config_map("data")), None);
    assert_contains(refused(config_map("dat")), ".dat: field not declared in schema");

    let external_secret = |version: &str, field: &str, value: &str| {
        let spec = json!({ "secretStoreRef": { "name": "canary" }, field: value });
        json!({ "apiVersion": format!("external-secrets.io/{version}"), "kind": "ExternalSecret", "spec": spec })
    };
    assert_eq!(refused(external_secret("v1", "refreshPolicy", "OnChange")), None);
    assert_contains(refused(external_secret("v1", "refreshPolicy", "Never")), "Unsupported value: \"Never\"");
    assert_contains(
        refused(external_secret("v1", "refresh", "OnChange")),
        ".spec.refresh: field not declared in schema",
    );
    assert_contains(
        refused(external_secret("v1beta1", "refreshInterval", "1h")),
        "no matches for kind \"ExternalSecret\" in version \"external-secrets.io/v1beta1\"",
    );
}

fn assert_contains(refusal: Option<String>, expected: &str) {
    let refusal = refusal.unwrap_or_else(|| panic!("accepted, though it should be refused with: {expected}"));
    assert!(refusal.contains(expected), "refused, yet not with {expected}: {refusal}");
}

/// What `tests/run` says in `variable`.
fn from_run(variable: &str) -> PathBuf {
    env::var_os(variable).map(PathBuf::from).unwrap_or_else(|| {
        panic!("{variable} is not set: run this test by tests/run, or set what `tests/run --servers` prints")
    })
}

// -- what tenantry rendered

/// One rendered file and the objects in it.
struct File {
    text: String,
    objects: Vec<Value>,
}

struct Rendered {
    folder: TempDir,
}

impl Rendered {
    /// The estate at the top of this project, rendered by the binary under test.
    fn flagship() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let output = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["render", "--estate", env!("CARGO_MANIFEST_DIR"), "--out"])
            .arg(folder.path().join("tree"))
            .timeout(PATIENCE)
            .output()
            .expect("tenantry runs");
        assert!(output.status.success(), "tenantry render: {}", text(&output.stderr));
        Self { folder }
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    fn manifests(&self, tenant: &str) -> PathBuf {
        self.tree().join("tenants").join(tenant).join("manifests")
    }

    /// What is rendered once per estate: the ApplicationSet and the AppProject.
    fn argocd(&self) -> Vec<File> {
        files_of(&self.tree().join("argocd"))
    }

    /// The name of each tenant with its manifests.
    fn tenants(&self) -> BTreeMap<String, Vec<File>> {
        let tenants: BTreeMap<_, _> = fs::read_dir(self.tree().join("tenants"))
            .expect("the tree holds tenants/")
            .map(|entry| {
                let name =
                    entry.expect("a readable folder").file_name().into_string().expect("names of tenants are ASCII");
                let files = files_of(&self.manifests(&name));
                (name, files)
            })
            .collect();
        assert!(!tenants.is_empty(), "no tenant was rendered");
        tenants
    }

    fn all_files(&self) -> Vec<File> {
        self.argocd().into_iter().chain(self.tenants().into_values().flatten()).collect()
    }
}

/// The files under `folder` that hold objects: all but the kustomization.
fn files_of(folder: &Path) -> Vec<File> {
    let files: Vec<File> = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.expect("a readable folder"))
        .filter(|entry| {
            entry.path().extension().is_some_and(|extension| extension == "yaml")
                && entry.file_name() != "kustomization.yaml"
        })
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("a readable file");
            let objects = documents(&text);
            File { text, objects }
        })
        .collect();
    assert!(!files.is_empty(), "{} holds no manifest", folder.display());
    files
}

fn documents(yaml: &str) -> Vec<Value> {
    tenantry::yaml::read_documents(yaml).unwrap_or_else(|error| panic!("not YAML: {error}\n{yaml}"))
}

fn objects_of(files: &[File]) -> Vec<&Value> {
    files.iter().flat_map(|file| &file.objects).collect()
}

fn by_identity<'a>(objects: impl IntoIterator<Item = &'a Value>) -> BTreeMap<String, &'a Value> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    objects
        .into_iter()
        .map(|object| {
            let metadata = &object["metadata"];
            (
                format!(
                    "{} {} {}/{}",
                    word(&object["apiVersion"]),
                    word(&object["kind"]),
                    word(&metadata["namespace"]),
                    word(&metadata["name"])
                ),
                object,
            )
        })
        .collect()
}

/// A stream of documents; JSON is YAML too.
fn stream_of<'a>(objects: impl IntoIterator<Item = &'a Value>) -> String {
    objects.into_iter().map(|object| format!("---\n{object}\n")).collect()
}

/// The Pod that a controller would make of `object`'s template.
fn pod_of(object: &Value) -> Option<Value> {
    let template = object.pointer("/spec/template").or_else(|| object.pointer("/spec/jobTemplate/spec/template"))?;
    template.pointer("/spec/containers")?;
    let mut metadata = template["metadata"].clone();
    metadata["namespace"] = object["metadata"]["namespace"].clone();
    metadata["name"] =
        json!(format!("{}-{}", object["kind"].as_str()?.to_lowercase(), object["metadata"]["name"].as_str()?));
    Some(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"] }))
}

// -- the API server

/// The API server with the namespaces that some objects live in, for one test at a time; they are gone when it is dropped.
struct Cluster {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    namespaces: BTreeSet<String>,
    _turn: MutexGuard<'static, ()>,
}

/// The server and the namespaces on it are one for all tests here.
static TURN: Mutex<()> = Mutex::new(());

impl Cluster {
    /// Creates every Namespace among `files` as it is written there, and plain ones for the other namespaces that objects name.
    fn with_namespaces_of(files: &[File]) -> Self {
        let objects = objects_of(files);
        let written = objects.iter().copied().filter(|object| object["kind"] == "Namespace").cloned();
        let named = objects.iter().filter_map(|object| object["metadata"]["namespace"].as_str()).map(namespace);
        // Later entries win, so that labels are the written ones.
        let all: BTreeMap<String, Value> = named
            .chain(written)
            .filter_map(|object| Some((object["metadata"]["name"].as_str()?.to_owned(), object)))
            .collect();

        let cluster = Self {
            kubectl: from_run("TENANTRY_TEST_KUBECTL"),
            kubeconfig: from_run("TENANTRY_TEST_KUBECONFIG"),
            namespaces: all.keys().cloned().collect(),
            _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner),
        };
        cluster.create(all.values());
        cluster
    }

    fn kubectl(&self) -> Command {
        let mut command = Command::new(&self.kubectl);
        // A memory beside the kubeconfig: what kubectl remembers of an earlier server on the same port would mislead it.
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--cache-dir")
            .arg(self.kubeconfig.with_file_name("kubectl-cache"))
            .timeout(PATIENCE);
        command
    }

    fn apply(&self, stream: &str, more: &[&str]) -> Output {
        self.kubectl()
            .args([
                "apply",
                "--server-side",
                "--force-conflicts",
                "--validate=strict",
                "--field-manager=tenantry-tests",
                "--output=name",
                "--filename=-",
            ])
            .args(more)
            .write_stdin(stream)
            .output()
            .expect("kubectl runs")
    }

    /// Really creates `objects`.
    fn create<'a>(&self, objects: impl IntoIterator<Item = &'a Value>) {
        let stream = stream_of(objects);
        if !stream.is_empty() {
            let output = self.apply(&stream, &[]);
            assert!(output.status.success(), "{}", text(&output.stderr));
        }
    }

    /// Why the server would not take all of the `expected` objects in `stream`, warnings included; none if it would. Nothing is stored.
    fn refusal(&self, stream: &str, expected: usize) -> Option<String> {
        let output = self.apply(stream, &["--dry-run=server"]);
        let complaints = text(&output.stderr);
        let accepted = text(&output.stdout).lines().count();
        (!output.status.success() || !complaints.is_empty() || accepted != expected)
            .then(|| format!("{accepted} of {expected} accepted: {complaints}"))
    }

    /// Sends `files` as they were written, in one stream; every object must be accepted. Returns their number.
    fn accept(&self, what: &str, files: &[File]) -> usize {
        let stream: String = files.iter().map(|file| format!("---\n{}\n", file.text)).collect();
        let expected = objects_of(files).len();
        assert_eq!(self.refusal(&stream, expected), None, "objects of {what}");
        expected
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Without controllers nobody empties a namespace that is being deleted, so its last step is taken by hand. A failure must not hide the test's own.
        for name in &self.namespaces {
            let _ = self.kubectl().args(["delete", "limitrange", "--all", "--namespace", name]).output();
            let _ = self.kubectl().args(["delete", "namespace", name, "--wait=false"]).output();
            let finalized = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name }, "spec": { "finalizers": [] } });
            let path = format!("/api/v1/namespaces/{name}/finalize");
            let _ = self
                .kubectl()
                .args(["replace", "--raw", &path, "--filename=-"])
                .write_stdin(finalized.to_string())
                .output();
        }
        // With controllers it may take a moment, and the next test wants namespaces of the same names.
        for name in &self.namespaces {
            let name = format!("namespace/{name}");
            let _ = self.kubectl().args(["wait", "--for=delete", &name, "--timeout=60s"]).output();
        }
    }
}

fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
