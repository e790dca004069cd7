//! The files of `integrations/`, as far as they go without the services that they are for: the steps of the Action and the
//! jobs of the template run as their runners run them, against a remote on this machine.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
};

use serde_json::Value;

use crate::estate::{FIRST, Scratch, git, stderr, stdout};

/// The output branch of the starter estate.
const OUTPUT: &str = "rendered";

/// A file of `integrations/`.
fn integration(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations").join(path);
    let text = fs::read_to_string(&path).unwrap();
    tenantry::yaml::read_documents(&text).unwrap().remove(0)
}

/// A repository with a remote, on a branch that changes an image; the remote's `main` is where the branch began.
struct Review {
    scratch: Scratch,
    remote: PathBuf,
    programs: PathBuf,
}

impl Review {
    fn new() -> Self {
        let scratch = Scratch::repository();
        let (remote, programs) = (scratch.beside("remote.git"), scratch.beside("programs"));
        fs::create_dir(&remote).unwrap();
        git(&remote, &["init", "-q", "--bare", "-b", "main"]);
        scratch.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
        scratch.git(&["push", "-q", "origin", "main"]);
        scratch.git(&["fetch", "-q", "origin"]);
        scratch.edit("tiers/standard.yaml", "tag: v1.0.0", "tag: v1.0.1");
        scratch.record("a new version");
        fs::create_dir(&programs).unwrap();
        let program = assert_cmd::cargo::cargo_bin!("tenantry");
        std::os::unix::fs::symlink(program, programs.join("tenantry")).unwrap();
        Self { scratch, remote, programs }
    }

    /// Runs a script as runners do, which end at the first command that fails.
    fn run(&self, script: &str, variables: &BTreeMap<String, String>) -> Output {
        let mut path = vec![self.programs.clone()];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap()));
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(self.scratch.path());
        bash.env_clear().env("PATH", env::join_paths(path).unwrap()).env("HOME", self.scratch.beside("home"));
        bash.env("GIT_COMMITTER_NAME", "Runner").env("GIT_COMMITTER_EMAIL", "runner@example.com");
        bash.envs(variables).output().unwrap()
    }

    /// Runs the steps of a composite action, those that other actions make left out, and returns how each ended.
    fn action(&self, path: &str, values: &BTreeMap<&str, String>, files: &BTreeMap<String, String>) -> Vec<Output> {
        let action = integration(path);
        assert_eq!(action["runs"]["using"], "composite");
        let mut ended = Vec::new();
        for step in action["runs"]["steps"].as_array().unwrap() {
            if let Some(uses) = step["uses"].as_str() {
                let (_, version) = uses.split_once('@').unwrap();
                assert!(
                    version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{uses} can change"
                );
                continue;
            }
            assert_eq!(step["shell"], "bash");
            let script = step["run"].as_str().unwrap();
            assert!(!script.contains("${{"), "text of others becomes part of a script: {script}");
            let mut variables = files.clone();
            for (name, value) in step["env"].as_object().unwrap() {
                variables.insert(name.clone(), filled(value.as_str().unwrap(), values));
            }
            ended.push(self.run(script, &variables));
        }
        ended
    }
}

/// Fills in expressions; one that the test does not know is a fault.
fn filled(text: &str, values: &BTreeMap<&str, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after.split_once("}}").unwrap();
        out.push_str(before);
        out.push_str(values.get(expression.trim()).unwrap_or_else(|| panic!("no value for `{expression}`")));
        rest = after;
    }
    out + rest
}

fn of_github(base: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("inputs.estate", ".".to_owned()),
        ("inputs.base", base.to_owned()),
        ("inputs.token", "a-token-of-a-test".to_owned()),
        ("inputs.author", "tenantry <bot@example.com>".to_owned()),
        ("github.server_url", "https://github.example".to_owned()),
        ("github.repository", "shop/estate".to_owned()),
        ("github.run_id", "4711".to_owned()),
        ("github.event.pull_request.number", "12".to_owned()),
    ])
}

fn all_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The places that a runner of GitHub gives its steps, and a `gh` that keeps what it is asked.
fn runner(review: &Review) -> BTreeMap<String, String> {
    let temp = review.scratch.beside("temp");
    fs::create_dir(&temp).unwrap();
    let gh = review.programs.join("gh");
    fs::write(&gh, "#!/usr/bin/env bash\nprintf '%s\\n' \"$@\" >\"$RUNNER_TEMP/asked\"\ncp -- \"${@: -1}\" \"$RUNNER_TEMP/comment\"\n")
        .unwrap();
    fs::set_permissions(&gh, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let temp = temp.to_str().unwrap().to_owned();
    BTreeMap::from([("GITHUB_STEP_SUMMARY".to_owned(), format!("{temp}/summary")), ("RUNNER_TEMP".to_owned(), temp)])
}

#[test]
fn the_action_shows_a_reviewer_what_the_change_does() {
    let review = Review::new();
    let files = runner(&review);
    for output in review.action("github/review/action.yml", &of_github("origin/main"), &files) {
        assert!(output.status.success(), "{}", all_text(&output));
    }
    let temp = PathBuf::from(&files["RUNNER_TEMP"]);
    let read = |name: &str| fs::read_to_string(temp.join(name)).unwrap();
    let comment = read("comment");
    assert!(comment.starts_with("### tenantry: 1 tenant changed"), "{comment}");
    assert!(comment.contains("(https://github.example/shop/estate/actions/runs/4711)"), "{comment}");
    assert_eq!(read("summary"), comment);
    assert!(read("tenantry.html").starts_with("<!doctype html>"));
    assert!(read("asked").starts_with("pr\ncomment\n12\n"), "{}", read("asked"));
}

/// The check fails, and the reviewer still gets the report, which says why.
#[test]
fn the_action_fails_where_the_change_is_wrong() {
    let review = Review::new();
    review.scratch.edit(&format!("tenants/{FIRST}.yaml"), "tier: standard", "tier: gold");
    review.scratch.record("a tier that is not there");
    let files = runner(&review);
    let ended = review.action("github/review/action.yml", &of_github("origin/main"), &files);
    let codes: Vec<_> = ended.iter().map(|output| output.status.code()).collect();
    assert_eq!(codes, [Some(1), Some(1), Some(0)], "{}", ended.iter().map(all_text).collect::<String>());
    assert!(all_text(&ended[0]).contains("::error file=tenants/"), "{}", all_text(&ended[0]));
    let comment = fs::read_to_string(PathBuf::from(&files["RUNNER_TEMP"]).join("comment")).unwrap();
    assert!(comment.contains("unknown-tier") && comment.contains("cannot be rendered"), "{comment}");
}

#[test]
fn the_action_commits_what_was_merged() {
    let review = Review::new();
    let ended = review.action("github/commit/action.yml", &of_github("origin/main"), &BTreeMap::new());
    assert!(ended[0].status.success(), "{}", all_text(&ended[0]));
    assert_eq!(git(&review.remote, &["log", "--format=%an", OUTPUT]), "tenantry");
    let tree = git(&review.remote, &["ls-tree", "-r", "--name-only", OUTPUT]);
    assert!(tree.contains(&format!("tenants/{FIRST}/manifests/services/web.yaml")), "{tree}");
}

/// Takes one request as GitLab's API would, and returns its first line, its headers and its body.
fn one_request(listener: TcpListener) -> thread::JoinHandle<(String, String)> {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let length = head.to_ascii_lowercase();
        let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        if head.to_ascii_lowercase().contains("expect: 100-continue") {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").unwrap();
        (head, String::from_utf8(body).unwrap())
    })
}

fn script(job: &Value) -> String {
    let lines = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_template_shows_a_reviewer_what_the_change_does() {
    let review = Review::new();
    let template = integration("gitlab/tenantry.gitlab-ci.yml");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}/api/v4", listener.local_addr().unwrap());
    let asked = one_request(listener);
    let base = review.scratch.git(&["rev-parse", "origin/main"]);
    let variables = [
        ("ESTATE", template[".tenantry"]["variables"]["ESTATE"].as_str().unwrap()),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
        ("CI_MERGE_REQUEST_IID", "12"),
        ("CI_PROJECT_ID", "34"),
        ("CI_API_V4_URL", &api),
        ("CI_JOB_URL", "https://gitlab.example/shop/estate/-/jobs/4711"),
        ("TENANTRY_GITLAB_TOKEN", "a-token-of-a-test"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let output = review.run(&script(&template["tenantry review"]), &variables);
    assert!(output.status.success(), "{}", all_text(&output));
    assert!(!all_text(&output).contains("a-token-of-a-test"));
    let (head, body) = asked.join().unwrap();
    assert!(head.starts_with("POST /api/v4/projects/34/merge_requests/12/notes "), "{head}");
    assert!(head.contains("PRIVATE-TOKEN: a-token-of-a-test"), "{head}");
    // Versions of curl write a blank in either way.
    assert!(body.replace('+', "%20").starts_with("body=%23%23%23%20tenantry%3A%201%20tenant%20changed"), "{body}");
    assert!(review.scratch.path().join("tenantry.html").exists());
}

#[test]
fn the_template_commits_what_was_merged() {
    let review = Review::new();
    let template = integration("gitlab/tenantry.gitlab-ci.yml");
    let variables = [("ESTATE", "."), ("GITLAB_USER_NAME", "A Person"), ("GITLAB_USER_EMAIL", "person@example.com")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let output = review.run(&script(&template["tenantry commit"]), &variables);
    assert!(output.status.success(), "{}", all_text(&output));
    assert_eq!(git(&review.remote, &["log", "--format=%an", OUTPUT]), "A Person");
}

#[test]
#[ignore = "needs pre-commit: run by tests/run"]
fn pre_commit_stops_a_mistake() {
    let review = Review::new();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/pre-commit/pre-commit-config.yaml");
    fs::copy(config, review.scratch.path().join(".pre-commit-config.yaml")).unwrap();
    review.scratch.record("hooks");
    let python = env::var("TENANTRY_TEST_PRE_COMMIT").expect("tests/run names it");
    let hook = |file: &str| {
        review.scratch.git(&["add", "-A"]);
        review.run(&format!("exec '{python}' -m pre_commit run --files {file}"), &BTreeMap::new())
    };
    let tenant = format!("tenants/{FIRST}.yaml");
    let fine = hook(&tenant);
    assert!(fine.status.success() && all_text(&fine).contains("Passed"), "{}", all_text(&fine));
    review.scratch.edit(&tenant, "tier: standard", "tier: gold");
    let wrong = hook(&tenant);
    assert!(!wrong.status.success() && all_text(&wrong).contains("unknown-tier"), "{}", all_text(&wrong));
    review.scratch.write("notes.txt", "nothing of the estate");
    let other = hook("notes.txt");
    assert!(other.status.success() && all_text(&other).contains("Skipped"), "{}", all_text(&other));
}

/// Runs the plugin's command as the sidecar does: in the folder of the source, with parameters in the environment.
fn plugin(review: &Review, tenant: Option<&str>) -> Output {
    let plugin = integration("argocd/plugin.yaml");
    let generate = &plugin["spec"]["generate"];
    let command = generate["command"].as_array().unwrap().iter().chain(generate["args"].as_array().unwrap());
    let words: Vec<String> = command.map(|word| format!("'{}'", word.as_str().unwrap())).collect();
    let tenant = tenant.map(|tenant| ("PARAM_TENANT".to_owned(), tenant.to_owned()));
    review.run(&words.join(" "), &tenant.into_iter().collect())
}

#[test]
fn the_plugin_gives_argo_cd_the_objects_of_a_tenant() {
    let review = Review::new();
    let plugin_file = integration("argocd/plugin.yaml");
    assert!(review.scratch.path().join(plugin_file["spec"]["discover"]["fileName"].as_str().unwrap()).exists());
    let output = plugin(&review, Some(FIRST));
    assert!(output.status.success(), "{}", all_text(&output));
    let objects = tenantry::yaml::read_documents(&String::from_utf8(output.stdout).unwrap()).unwrap();
    assert!(objects.iter().any(|object| object["kind"] == "Deployment"), "{objects:#?}");
    assert!(objects.iter().all(|object| object["kind"].is_string() && object["metadata"]["name"].is_string()));
    assert!(objects.iter().all(|object| object["kind"] != "Kustomization"));
}

/// An empty answer would be taken for the wish to prune everything.
#[test]
fn the_plugin_fails_rather_than_to_give_nothing() {
    let review = Review::new();
    for tenant in [None, Some(""), Some("not-a-tenant"), Some("--out=/tmp")] {
        let output = plugin(&review, tenant);
        assert!(!output.status.success() && output.stdout.is_empty(), "{tenant:?}: {}", all_text(&output));
    }
}

#[test]
fn only_objects_that_nobody_changes_any_more_are_printed() {
    for (estate, tenant) in [("helm", "acme-auto-a1b2c3"), ("kustomize-overlay", "")] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/estates").join(estate);
        let first = fs::read_dir(folder.join("tenants")).unwrap().next().unwrap().unwrap().path();
        let tenant = if tenant.is_empty() { first.file_stem().unwrap().to_str().unwrap() } else { tenant };
        let refused = crate::estate::tenantry(&folder).args(["render", "--objects", tenant]).assert().code(4);
        assert!(stderr(&refused).contains("kustomize or helm"), "{}", stderr(&refused));
        assert!(stdout(&refused).is_empty());
    }
}
