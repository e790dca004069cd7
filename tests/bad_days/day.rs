//! One tenant on real servers, whom bad days happen to: its documents, its runs, and what must hold after each.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    arguments, eyes, own,
    shared::{
        administrator,
        documents::{self, Tenant, Variant},
        program::{Ended, Program},
        servers::Servers,
        stores::{self, Entries, Store},
        tenants,
    },
};

/// All resources of the documents that the tests share; `secret` needs no server, and `slot` the database of all schemas.
pub const ALL: [&str; 10] =
    ["mysql", "postgres", "slot", "files", "keys", "vhost", "redis", "grafana", "viewer", "session"];

/// A tenant with servers, a secret store and the program of its own.
pub struct Day {
    pub servers: Servers,
    pub program: Program,
    pub tenant: Tenant,
    pub store: Store,
    folder: tempfile::TempDir,
}

/// What must not change while a bad day lasts.
pub struct Kept {
    entries: Entries,
    dump: String,
}

impl Kept {
    /// Returns what the servers had.
    pub fn dump(&self) -> &str {
        &self.dump
    }

    /// Returns what was stored.
    pub fn entries(&self) -> &Entries {
        &self.entries
    }
}

static NUMBER: AtomicUsize = AtomicUsize::new(0);

impl Day {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Directory(folder.path().join("store"));
        Self::with(store, folder)
    }

    /// The same with credentials in OpenBao.
    pub fn with_openbao() -> Self {
        Self::with(Store::Openbao, tempfile::tempdir().unwrap())
    }

    fn with(store: Store, folder: tempfile::TempDir) -> Self {
        administrator::make_pool();
        let servers = Servers::find();
        let temporary = folder.path().join("temporary");
        fs::create_dir(&temporary).unwrap();
        let program = Program::new(servers.environment(), &temporary);
        Self { servers, program, tenant: tenants::alone(NUMBER.fetch_add(1, Ordering::Relaxed)), store, folder }
    }

    /// The same, whose program knows the administrator of servers of a test's own, too.
    #[must_use]
    pub fn knowing_own(mut self) -> Self {
        self.program = self.program.with("OWN_USERNAME", own::USER).with("OWN_PASSWORD", own::PASSWORD);
        self
    }

    /// Returns a path of this day's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the document with these resources of the tenant.
    pub fn document(&self, ids: &[&str]) -> Value {
        self.document_of(&self.tenant, Variant::Last, ids)
    }

    pub fn document_of(&self, tenant: &Tenant, variant: Variant, ids: &[&str]) -> Value {
        let mut document = documents::document(tenant, variant, &self.servers.connections(), &self.store.connection());
        document["resources"].as_array_mut().unwrap().retain(|made| ids.contains(&made["id"].as_str().unwrap()));
        let used: Vec<String> =
            document["resources"].as_array().unwrap().iter().map(|made| text(&made["connection"])).collect();
        document["connections"].as_object_mut().unwrap().retain(|name, _| name == "store" || used.contains(name));
        document
    }

    /// Writes a document to a file.
    pub fn file(&self, document: &Value) -> PathBuf {
        let file = self.path("document.yaml");
        fs::write(&file, document.to_string()).unwrap();
        file
    }

    /// Runs `provision VERB` on a document; more arguments follow. Its output is JSON.
    pub fn run(&self, verb: &str, document: &Value, more: &[&str]) -> Ended {
        run(&self.program, verb, &self.file(document), more)
    }

    pub fn plan(&self, document: &Value) -> Ended {
        self.run("plan", document, &[])
    }

    pub fn apply(&self, document: &Value) -> Ended {
        self.run("apply", document, &[])
    }

    /// The same with the document on stdin.
    pub fn run_on_stdin(&self, verb: &str, text: &str, more: &[&str]) -> Ended {
        let arguments = [&["provision", verb, "--document", "-", "--format", "json"], more].concat();
        let arguments: Vec<&std::ffi::OsStr> = arguments.iter().map(std::ffi::OsStr::new).collect();
        let mut child = self.program.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        Ended::from(child.wait_with_output().unwrap())
    }

    /// Makes everything of a document, and returns what must be kept from here on.
    #[track_caller]
    pub fn made(&self, document: &Value) -> Kept {
        self.apply(document).report(0);
        self.kept(document)
    }

    pub fn kept(&self, document: &Value) -> Kept {
        Kept { entries: self.entries(), dump: eyes::dump(&self.servers, document) }
    }

    pub fn entries(&self) -> Entries {
        self.store.entries(&self.tenant.name)
    }

    /// Checks how a run ended on a bad day: with this code and these words, without a panic, without a secret, and with a
    /// report of the committed shape.
    #[track_caller]
    pub fn assert_told(&self, ended: &Ended, code: i32, words: &[&str]) {
        let said = format!("{}\n{}", ended.stdout, ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "`{word}` is not in: {said}");
        }
        self.assert_harmless(ended);
    }

    /// Checks that a run's output holds neither a panic nor a secret, and has the committed shape.
    #[track_caller]
    pub fn assert_harmless(&self, ended: &Ended) {
        let said = format!("{}\n{}", ended.stdout, ended.stderr);
        assert!(!said.contains("panicked"), "{said}");
        let environment = self.servers.environment();
        let administrators = Servers::secret_variables().into_iter().map(|name| environment[&name].clone());
        let stored = self.entries().into_values().flatten();
        let stored = stored.filter(|(field, _)| ["password", "secretKey", "key"].contains(&field.as_str()));
        for secret in administrators.chain(stored.map(|(_, secret)| secret)) {
            assert!(!said.contains(&secret), "a secret is told");
        }
        if let Ok(report) = serde_json::from_str::<Value>(&ended.stdout) {
            assert_shape(&report);
        }
    }

    /// Checks that a bad day changed nothing on any server, and nothing in the secret store.
    #[track_caller]
    pub fn assert_untouched(&self, kept: &Kept, document: &Value) {
        let now = self.kept(document);
        assert_eq!(now.entries, kept.entries, "the secret store");
        assert_eq!(now.dump, kept.dump, "the servers");
    }

    /// One plain run on a good day ends well, every stored credential is the same and logs in, and nothing is left to do.
    #[track_caller]
    pub fn assert_good(&self, before: &Entries, document: &Value) {
        let ended = self.apply(document);
        ended.report(0);
        self.assert_harmless(&ended);
        let entries = self.entries();
        assert_eq!(stores::lost(before, &entries), [""; 0], "no stored password is lost");
        for resource in document["resources"].as_array().unwrap() {
            let logs_in = administrator::logs_in(&self.servers, resource, &entries);
            assert_ne!(logs_in, Some(false), "the stored credential of {} does not log in", resource["id"]);
        }
        assert_eq!(self.run("plan", document, &["--exit-code"]).status.code(), Some(0));
    }

    /// The same, and then everything of the tenant goes.
    #[track_caller]
    pub fn end_well(&self, kept: &Kept, document: &Value) {
        self.assert_good(&kept.entries, document);
        self.leave(document);
    }

    /// Takes everything of a document away.
    #[track_caller]
    pub fn leave(&self, document: &Value) {
        let leaving = documents::leaving(document.clone());
        let ended = self.destroy(&leaving, &[]);
        ended.report(0);
        self.assert_harmless(&ended);
        assert_eq!(eyes::dump(&self.servers, document), "", "a removal leaves nothing");
    }

    /// Runs `provision destroy` with all that it demands, and more.
    pub fn destroy(&self, document: &Value, more: &[&str]) -> Ended {
        let tenant = text(&document["metadata"]["tenant"]);
        self.run("destroy", document, &[&["--without-backup", "--yes-destroy", &tenant], more].concat())
    }
}

/// Runs `provision VERB` on a file as `program`.
pub fn run(program: &Program, verb: &str, file: &Path, more: &[&str]) -> Ended {
    let mut all = arguments!["provision", verb, "--document", file, "--format", "json"].to_vec();
    all.extend(more.iter().map(std::ffi::OsStr::new));
    program.run(&all)
}

/// Returns what a run was told to return, and how long it took.
pub fn timed(work: impl FnOnce() -> Ended) -> (Ended, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

/// Returns the text of a value.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Returns the resource of a report or a document with an id.
#[track_caller]
pub fn resource<'v>(report: &'v Value, id: &str) -> &'v Value {
    let found = report["resources"].as_array().unwrap().iter().find(|resource| resource["id"] == id);
    found.unwrap_or_else(|| panic!("no `{id}` in {report:#}"))
}

/// Compares a report with its committed schema.
#[track_caller]
pub fn assert_shape(report: &Value) {
    let name = if report.get("pairs").is_some() { "isolation" } else { "provision-report" };
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"));
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    // Whatever is not described would be an interface that nobody sees.
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

/// Lets objects have the keys that a schema names, and no others.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
