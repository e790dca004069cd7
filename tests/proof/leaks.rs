//! Canary secrets: whatever was secret in these runs is looked for wherever a run could have left it.
//!
//! Runs log at trace level, end well and end badly. What they say, the processes that they start, their temporary files,
//! the trees and commits that they make, and the servers' own logs are kept as evidence, and searched at the end, when
//! all secrets are known.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    administrator,
    documents::{self, Tenant, Variant},
    program::{Ended, Program},
    scanner::{Found, Scanner},
    servers::{Servers, TOKEN},
    stores::Store,
    tenants,
};
use crate::arguments;

/// Fields of stored entries that are no secrets.
const OPEN: [&str; 4] = ["username", "accessKey", "claim", "tenantry-claim"];

/// Where servers' own logs end now.
fn ends(servers: &Servers) -> BTreeMap<String, u64> {
    servers.logs().into_iter().map(|log| (log.clone(), fs::metadata(&log).unwrap().len())).collect()
}

/// Everything that runs left.
struct Case {
    servers: Servers,
    folder: TempDir,
    program: Program,
    format: &'static str,
    secrets: BTreeMap<String, String>,
    evidence: Vec<(String, Vec<u8>)>,
    log_ends: BTreeMap<String, u64>,
    runs: usize,
    looks: usize,
    descendants: usize,
}

impl Case {
    fn new(format: &'static str) -> Self {
        let (servers, folder) = (Servers::find(), tempfile::tempdir().unwrap());
        let temporary = folder.path().join("temporary");
        fs::create_dir(&temporary).unwrap();
        let program = Program::new(servers.environment(), &temporary).with("TENANTRY_LOG", "trace");
        let environment = servers.environment();
        let named = |name: String| (name.clone(), environment[&name].clone());
        let secrets = Servers::secret_variables().into_iter().map(named).collect();
        let log_ends = ends(&servers);
        let (evidence, runs, looks, descendants) = (Vec::new(), 0, 0, 0);
        Self { servers, folder, program, format, secrets, evidence, log_ends, runs, looks, descendants }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program as `program` says, and keeps what it left as evidence.
    fn run(&mut self, program: &Program, arguments: &[&OsStr]) -> Ended {
        let mut all = arguments.to_vec();
        all.extend([OsStr::new("--log-format"), OsStr::new(self.format)]);
        let (ended, sights) = program.run_watched(&all);
        let place = |what: &str| format!("{what} of {all:?}");
        assert!(!ended.stderr.contains("panicked at"), "{}", ended.stderr);
        assert_ne!(ended.status.code(), Some(70), "{}", ended.stderr);
        assert!(!sights.arguments.is_empty(), "the watcher saw {all:?}");
        self.runs += 1;
        self.looks += sights.looks;
        self.descendants += sights.descendants.len();
        self.evidence.push((place("stdout"), ended.stdout.clone().into_bytes()));
        self.evidence.push((place("stderr"), ended.stderr.clone().into_bytes()));
        self.evidence.push((place("arguments"), sights.arguments));
        self.evidence.extend(sights.descendants.into_values().map(|bytes| (place("a process"), bytes)));
        for (file, contents) in sights.files {
            let place = place(&format!("temporary file {}", file.display()));
            self.evidence.push((place.clone(), file.into_os_string().into_encoded_bytes()));
            self.evidence.extend(contents.into_iter().map(|bytes| (place.clone(), bytes)));
        }
        ended
    }

    /// The same with the usual environment; the run must end so.
    #[track_caller]
    fn expect(&mut self, code: i32, arguments: &[&OsStr]) -> Ended {
        let ended = self.run(&self.program.clone(), arguments);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
        ended
    }

    /// A run that must fail, but not by a fault of ours.
    #[track_caller]
    fn fails(&mut self, program: &Program, arguments: &[&OsStr]) {
        let ended = self.run(program, arguments);
        assert!(!ended.status.success(), "{arguments:?}\n{}", ended.stdout);
    }

    /// Keeps what is stored for a tenant as secrets.
    fn learn(&mut self, store: &Store, tenant: &Tenant) -> usize {
        let mut learned = 0;
        for (key, fields) in store.entries(&tenant.name) {
            for (field, text) in fields.into_iter().filter(|(field, _)| !OPEN.contains(&field.as_str())) {
                self.secrets.insert(format!("{key}#{field}"), text);
                learned += 1;
            }
        }
        learned
    }

    fn scanner(&self) -> Scanner {
        Scanner::new(self.secrets.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// Searches the evidence, and what the servers wrote into their logs meanwhile.
    fn search(&mut self) -> BTreeSet<Found> {
        for (log, end) in &self.log_ends {
            let (mut file, mut bytes) = (File::open(log).unwrap(), Vec::new());
            file.seek(SeekFrom::Start(*end)).unwrap();
            file.read_to_end(&mut bytes).unwrap();
            self.evidence.push((format!("the log {log}"), bytes));
        }
        let scanner = self.scanner();
        let bytes: usize = self.evidence.iter().map(|(_, bytes)| bytes.len()).sum();
        let found: BTreeSet<Found> =
            self.evidence.iter().flat_map(|(place, bytes)| scanner.scan(place, bytes)).collect();
        println!(
            "leaks ({}): {} runs, {} looks at processes and files, {} secrets in {} forms, {} pieces of evidence with {} kB, {} found",
            self.format,
            self.runs,
            self.looks,
            self.secrets.len(),
            scanner.len(),
            self.evidence.len(),
            bytes / 1024,
            found.len(),
        );
        found
    }
}

/// All lines of one kind end up in this format.
fn assert_logs(case: &Case) {
    let logs: Vec<&str> = case
        .evidence
        .iter()
        .filter(|(place, _)| place.starts_with("stderr"))
        .map(|(_, bytes)| std::str::from_utf8(bytes).unwrap())
        .collect();
    assert!(logs.iter().any(|log| log.contains("TRACE")), "the runs log at trace level");
    assert!(logs.iter().any(|log| log.contains("\"level\":\"TRACE\"")) == (case.format == "json"));
}

fn good_and_bad_days(format: &'static str) {
    let mut case = Case::new(format);
    administrator::make_pool();
    let (tree, older) = (case.path("tree"), case.path("older"));
    let (tree, older) = (tree.as_os_str(), older.as_os_str());
    let store = Store::Openbao;
    let tenants = [tenants::alone(1), tenants::alone(2)];
    let connections = case.servers.connections();
    let made = |variant, connections: &Value| {
        tenants.each_ref().map(|tenant| documents::document(tenant, variant, connections, &store.connection()))
    };
    let documents = made(Variant::Last, &connections);
    documents::write_tree(Path::new(tree), &documents);
    documents::write_tree(Path::new(older), &made(Variant::Older, &connections));

    // Good days.
    case.expect(3, arguments!["provision", "plan", "--all", "--exit-code", "--from", older]);
    case.expect(0, arguments!["provision", "apply", "--all", "--from", older, "--format", "json"]);
    case.expect(0, arguments!["provision", "plan", "--all", "--from", tree]);
    case.expect(0, arguments!["provision", "apply", "--all", "--from", tree]);
    case.expect(0, arguments!["provision", "apply", "--all", "--from", tree]);
    case.expect(0, arguments!["isolation", "--all", "--from", tree]);
    for tenant in &tenants {
        assert!(case.learn(&store, tenant) >= 5);
    }
    assert_eq!(case.descendants, 0, "the engine starts no program");

    wrong_credentials(&mut case, tree);
    servers_down(&mut case, &connections, &|connections| made(Variant::Last, connections).to_vec());
    somebody_elses(&mut case, tree, &store, &tenants, &documents);
    from_a_repository(&mut case, tree);

    for document in &documents {
        let file = case.path("leaving.yaml");
        fs::write(&file, documents::leaving(document.clone()).to_string()).unwrap();
        let tenant = document["metadata"]["tenant"].as_str().unwrap();
        case.expect(4, arguments!["provision", "destroy", "--document", &file, "--without-backup"]);
        let yes = arguments!["provision", "destroy", "--document", &file, "--without-backup", "--yes-destroy", tenant];
        case.expect(0, yes);
    }
    assert_logs(&case);
    let left = case.program.temporary.read_dir().unwrap().count();
    assert_eq!(left, 0, "no temporary file stays");
    assert_eq!(case.search(), BTreeSet::new());
}

/// Each administrator in turn has a wrong password, which is a secret all the same: it is often the last right one.
fn wrong_credentials(case: &mut Case, tree: &OsStr) {
    for name in Servers::secret_variables() {
        let wrong = format!("wr0ng/{}+é", tenants::unique().repeat(3));
        let program = case.program.with(&name, &wrong);
        case.secrets.insert(format!("wrong {name}"), wrong);
        if !is_used(tree, &name) {
            continue;
        }
        case.fails(&program, arguments!["provision", "plan", "--all", "--from", tree]);
        case.fails(&program, arguments!["provision", "apply", "--all", "--from", tree]);
        case.run(&program, arguments!["isolation", "--all", "--from", tree]);
    }
}

/// Whether a document of the tree names a variable: kinds that are not served yet leave theirs unused.
fn is_used(tree: &OsStr, variable: &str) -> bool {
    walkdir::WalkDir::new(tree)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|file| file.file_type().is_file())
        .any(|file| fs::read_to_string(file.path()).unwrap().contains(variable))
}

/// Each server in turn is not there.
fn servers_down(case: &mut Case, connections: &Value, made: &dyn Fn(&Value) -> Vec<Value>) {
    for name in connections.as_object().unwrap().keys() {
        let mut down = connections.clone();
        let connection = down[name].as_object_mut().unwrap();
        for (key, value) in connection.iter_mut() {
            match key.as_str() {
                // A port that nothing listens on.
                "port" => *value = json!(1),
                "managementUrl" | "endpoint" | "url" => *value = json!("http://127.0.0.1:1"),
                _ => {}
            }
        }
        let tree = case.path(&format!("without-{name}"));
        let documents = made(&down);
        documents::write_tree(&tree, &documents);
        if documents[0]["connections"].get(name).is_none() {
            continue;
        }
        let program = case.program.clone();
        case.fails(&program, arguments!["provision", "plan", "--all", "--from", &tree]);
        case.fails(&program, arguments!["provision", "apply", "--all", "--from", &tree]);
        case.run(&program, arguments!["isolation", "--all", "--from", &tree]);
    }
}

/// Statements that servers refuse: an administrator who is none, and objects that are another's.
fn somebody_elses(case: &mut Case, tree: &OsStr, store: &Store, tenants: &[Tenant; 2], documents: &[Value; 2]) {
    let entries = store.entries(&tenants[0].name);
    for (id, server) in
        [("mysql", "MARIADB"), ("postgres", "POSTGRES"), ("redis", "REDIS"), ("vhost", "RABBITMQ"), ("keys", "MINIO")]
    {
        let Some(entry) = entries.get(&format!("tenants/{}/{id}", tenants[0].name)) else { continue };
        let field = |names: [&str; 2]| names.iter().find_map(|name| entry.get(*name)).unwrap().clone();
        let program = case
            .program
            .with(&format!("TENANTRY_TEST_{server}_USERNAME"), &field(["username", "accessKey"]))
            .with(&format!("TENANTRY_TEST_{server}_PASSWORD"), &field(["password", "secretKey"]));
        // A new tenant, so that there is something to do.
        let fresh = case.path(&format!("fresh-{id}"));
        let tenant = tenants::alone(7);
        let mut document =
            documents::document(&tenant, Variant::Last, &case.servers.connections(), &store.connection());
        document["resources"].as_array_mut().unwrap().retain(|resource| resource["id"] == id);
        documents::write_tree(&fresh, [&document]);
        case.fails(&program, arguments!["provision", "apply", "--all", "--from", &fresh]);
        case.run(&program, arguments!["isolation", "--all", "--from", tree]);
        case.learn(store, &tenant);
    }
    // An earlier tenant of the same name had another uid.
    let tree = case.path("renamed");
    let mut document = documents[0].clone();
    document["metadata"]["uid"] = json!("0192f0c1-0000-7000-8000-00000000ffff");
    documents::write_tree(&tree, [&document]);
    case.expect(4, arguments!["provision", "apply", "--all", "--from", &tree]);
}

/// The documents of another repository, which git is started for.
fn from_a_repository(case: &mut Case, tree: &OsStr) {
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").arg("-C").arg(tree).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q", "-b", "rendered"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "rendered"]);
    let calls = case.path("calls");
    let program = case.program.with("PATH", &recording_git(case.folder.path(), &calls));
    let url = format!("file://{}", Path::new(tree).display());
    let ended =
        case.run(&program, arguments!["provision", "plan", "--all", "--from", "rendered", "--repository", &url]);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let calls: Vec<PathBuf> = fs::read_dir(calls).unwrap().map(|call| call.unwrap().path()).collect();
    assert!(calls.len() >= 2, "git is called to look and to fetch: {calls:?}");
    for call in calls {
        case.evidence.push((format!("a call of git, {}", call.display()), fs::read(call).unwrap()));
    }
}

/// Makes a `git` that writes down how it is called before it does what it is called for; returns a PATH with it.
fn recording_git(folder: &Path, calls: &Path) -> String {
    let (path, programs) = (std::env::var("PATH").unwrap(), folder.join("programs"));
    let real = std::env::split_paths(&path).map(|part| part.join("git")).find(|git| git.is_file()).unwrap();
    fs::create_dir(&programs).unwrap();
    fs::create_dir(calls).unwrap();
    let script = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$@\"; cat /proc/$$/environ; }} >'{}'/$$\nexec '{}' \"$@\"\n",
        calls.display(),
        real.display()
    );
    fs::write(programs.join("git"), script).unwrap();
    fs::set_permissions(programs.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{path}", programs.display())
}

/// What is rendered, compared and committed while secrets are around: the flagship estate, provisioned on stand-ins.
fn trees_and_commits(format: &'static str) {
    let mut case = Case::new(format);
    let (estate, out, sandbox) = (case.path("estate"), case.path("out"), case.path("sandbox"));
    case.expect(0, arguments!["quickstart", &estate]);
    case.expect(0, arguments!["--estate", &estate, "check", "--rendered"]);
    case.expect(0, arguments!["--estate", &estate, "render", "--out", &out]);
    case.expect(0, arguments!["--estate", &estate, "commit", "--author", "t <t@t.invalid>"]);
    case.expect(0, arguments!["--estate", &estate, "provision", "apply", "--all", "--sandbox", &sandbox]);
    case.expect(0, arguments!["--estate", &estate, "isolation", "--all", "--sandbox", &sandbox]);
    case.expect(0, arguments!["--estate", &estate, "provision", "plan", "--all", "--sandbox", &sandbox]);
    case.expect(0, arguments!["--estate", &estate, "render", "--out", &out]);
    case.expect(0, arguments!["--estate", &estate, "diff"]);
    // What a stand-in keeps as a secret store is secret.
    let is_store = |path: &Path| path.components().any(|part| part.as_os_str().to_string_lossy().contains("sandbox"));
    let files = walkdir::WalkDir::new(case.folder.path()).into_iter().filter_map(Result::ok);
    let files: Vec<PathBuf> = files.filter(|file| file.file_type().is_file()).map(|file| file.into_path()).collect();
    let (stores, others): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(|file| is_store(file));
    let mut learned = 0;
    for store in stores {
        let text = fs::read_to_string(store).unwrap();
        learned += learn_passwords(&serde_json::from_str(&text).unwrap_or_default(), &mut case.secrets);
    }
    assert!(learned > 100, "the stand-ins keep {learned} passwords");
    for file in others {
        let bytes = fs::read(&file).unwrap();
        case.evidence.push((format!("the file {}", file.display()), bytes));
    }
    let scanner = case.scanner();
    let mut found = case.search();
    found.extend(scanner.repository("git", &estate));
    assert_eq!(found, BTreeSet::new());
}

/// Takes passwords and secret keys in a JSON document as secrets; returns how many there are.
fn learn_passwords(value: &Value, secrets: &mut BTreeMap<String, String>) -> usize {
    match value {
        Value::Object(map) => {
            let mut learned = 0;
            for (key, value) in map {
                match value {
                    Value::String(text) if matches!(key.as_str(), "password" | "secretKey") && text.len() >= 16 => {
                        secrets.insert(format!("password {}", secrets.len()), text.clone());
                        learned += 1;
                    }
                    other => learned += learn_passwords(other, secrets),
                }
            }
            learned
        }
        Value::Array(items) => items.iter().map(|item| learn_passwords(item, secrets)).sum(),
        _ => 0,
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn canary_secrets_are_nowhere() {
    assert!(Servers::secret_variables().contains(&TOKEN.to_owned()));
    for format in ["text", "json"] {
        good_and_bad_days(format);
        trees_and_commits(format);
    }
}
