//! Who asks: a token that reaches its host and nothing else, wrong credentials, keys and agents of SSH, unknown hosts.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::{
    platform::{Clone, Platform, path_with, script, words},
    servers::{Agent, Daemon, Sshd},
    web::Web,
};

/// What must never be seen where it does not belong.
const TOKEN: &str = "canary-7f3a9c-token";

/// The header of `x-access-token` with [`TOKEN`].
fn let_in() -> String {
    basic(&format!("x-access-token:{TOKEN}"))
}

fn basic(pair: &str) -> String {
    let mut command = Command::new("base64");
    let mut child =
        command.arg("-w0").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), pair.as_bytes()).unwrap();
    format!("Basic {}", String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim())
}

fn push_with_token(clone: &Clone, token: &str) -> Output {
    clone.tenantry(&["commit", "--push"]).env("TENANTRY_GIT_TOKEN", token).output().unwrap()
}

/// No file below the folder holds the token.
fn assert_kept_nowhere(folder: &Path) {
    for entry in walkdir::WalkDir::new(folder).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        let bytes = fs::read(entry.path()).unwrap_or_default();
        let found = bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
        assert!(!found, "the token is in {}", entry.path().display());
    }
}

#[test]
fn a_token_proves_who_asks_and_is_kept_nowhere() {
    let platform = Platform::new();
    let web = Web::start(platform.path(), Some(let_in()), Box::new(|_| None));
    let clone = platform.clone_with("clone", &web.url());
    // A helper of the machine, which would keep what works, and the header that a pipeline's checkout leaves behind.
    let store = platform.path().join("kept");
    clone.git(&["config", "credential.helper", &format!("store --file={}", store.display())]);
    clone.git(&[
        "config",
        &format!("http.http://127.0.0.1:{}/.extraHeader", web.port),
        "Authorization: Basic b2xkOm9sZA==",
    ]);
    // A wrapper notes what git is called with; the variables are those of the process itself.
    let bin = platform.path().join("bin");
    let log = platform.path().join("calls");
    script(&bin.join("git"), &format!("printf '%s\\n' \"$*\" >>{}\nexec /usr/bin/git \"$@\"", log.display()));
    let trace = platform.path().join("trace");
    let mut command = clone.tenantry(&["commit", "--push"]);
    command.env("TENANTRY_GIT_TOKEN", TOKEN).env("PATH", path_with(&bin)).env("TENANTRY_LOG", "trace");
    command.env("GIT_TRACE", &trace).env("GIT_TRACE_CURL", &trace).env("GIT_TRACE2_EVENT", &trace);
    let output = command.env("GIT_TRACE_REDACT", "0").output().unwrap();
    let calls = fs::read_to_string(&log).unwrap();
    assert!(!calls.contains(TOKEN), "the token is an argument of a program, for every user of the machine to see");
    assert!(calls.contains("push --porcelain"), "{calls}");
    assert!(output.status.success() && !words(&output).contains(TOKEN), "{}", words(&output));
    assert!(!store.exists(), "a helper of the machine was given the token");
    assert_kept_nowhere(platform.path());
}

/// A pipeline's helper reads the pipeline's variables, to fetch and to push; ours is none of its business.
#[test]
fn a_helper_of_git_finds_what_it_needs() {
    let platform = Platform::new();
    let web = Web::start(platform.path(), Some(basic("bot:right")), Box::new(|_| None));
    let clone = platform.clone_with("clone", &web.url());
    let seen = platform.path().join("seen");
    let helper = format!("!f() {{ env >{}; echo username=bot; echo password=$CI_WORD; }}; f", seen.display());
    clone.git(&["config", "credential.helper", &helper]);
    let output = clone.tenantry(&["commit", "--push"]).env("CI_WORD", "right").output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(platform.history().len(), 1);
    assert!(!fs::read_to_string(seen).unwrap().contains("TENANTRY_"));
}

#[test]
fn wrong_credentials_are_told_without_them() {
    let platform = Platform::new();
    // A server that repeats what it was sent.
    let echo = |request: &crate::web::Request| {
        let sent = request.authorization.clone().unwrap_or_default();
        let body = format!("wrong: {TOKEN} {sent}");
        let sent = !sent.is_empty();
        sent.then(|| {
            format!(
                "HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
        })
    };
    let echoing = Web::start(platform.path(), None, Box::new(echo));
    let strict = Web::start(platform.path(), Some(basic("me:right")), Box::new(|_| None));
    for (name, web) in [("echo", &echoing), ("strict", &strict)] {
        let url = format!("http://me:{TOKEN}@127.0.0.1:{}/remote.git", web.port);
        let in_url = platform.clone_with(&format!("{name}-url"), &url);
        let by_token = platform.clone_with(&format!("{name}-token"), &web.url());
        for output in [in_url.push(&[]), push_with_token(&by_token, TOKEN)] {
            let said = words(&output);
            if name == "strict" {
                assert_eq!(output.status.code(), Some(5), "{said}");
                assert!(said.contains("check the credentials"), "{said}");
            }
            assert!(!said.contains(TOKEN), "{said}");
        }
    }
    let output = strict_without(&platform, &strict);
    assert_eq!(output.status.code(), Some(5), "nobody is asked: {}", words(&output));
}

fn strict_without(platform: &Platform, web: &Web) -> Output {
    platform.clone_with("nothing", &web.url()).push(&[])
}

#[test]
fn a_token_does_not_follow_a_redirect_to_another_host() {
    let platform = Platform::new();
    let thief = Web::start(platform.path(), Some("Basic nobody".to_owned()), Box::new(|_| None));
    let port = thief.port;
    let away = move |request: &crate::web::Request| {
        let place = format!("http://localhost:{port}{}", request.target);
        Some(format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    };
    let web = Web::start(platform.path(), None, Box::new(away));
    let clone = platform.clone_with("clone", &web.url());
    let output = push_with_token(&clone, TOKEN);
    assert!(!output.status.success());
    assert!(!thief.requests().is_empty(), "the redirect was followed: {}", words(&output));
    let got = thief.requests().into_iter().filter_map(|request| request.authorization).collect::<Vec<_>>();
    assert_eq!(got, Vec::<String>::new(), "the token went to another host");
}

#[test]
fn a_token_does_not_cross_a_network_in_the_open() {
    let platform = Platform::new();
    // Were it sent, a proxy on the way would read it.
    let ear = Web::start(platform.path(), Some("Basic nobody".to_owned()), Box::new(|_| None));
    let clone = platform.clone_with("clone", "http://git.example.com/remote.git");
    let mut command = clone.tenantry(&["commit", "--push"]);
    command.env("TENANTRY_GIT_TOKEN", TOKEN).env("http_proxy", format!("http://127.0.0.1:{}", ear.port));
    let output = command.output().unwrap();
    let heard = ear.requests().into_iter().filter_map(|request| request.authorization).collect::<Vec<_>>();
    assert_eq!(heard, Vec::<String>::new(), "the token crossed the network in the open");
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    assert!(words(&output).contains("https"), "{}", words(&output));
    // It is nothing to a remote that has no use for it, and nothing at all when it cannot be one.
    let daemon = Daemon::start(platform.path());
    let output = push_with_token(&platform.clone_with("other", &daemon.url("remote.git")), TOKEN);
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(push_with_token(&clone, "two\nlines").status.code(), Some(2));
}

#[test]
#[ignore = "needs openssh: run by tests/run"]
fn a_host_that_nobody_knows_is_refused() {
    let platform = Platform::new();
    let sshd = Sshd::start(&platform.path().join("ssh"));
    sshd.know_key();
    let clone = platform.clone_with("clone", &sshd.url(&platform.remote()));
    let push = || clone.tenantry(&["commit", "--push"]).env("PATH", path_with(&sshd.bin())).output().unwrap();
    let output = push();
    assert_eq!(platform.tip("rendered"), None, "the key of an unknown host was taken");
    assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    assert!(words(&output).contains("known_hosts"), "{}", words(&output));
    assert!(!sshd.known_hosts().exists());
    sshd.know_host();
    let output = push();
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(platform.history().len(), 1);
    // Another key than the known one is somebody in between.
    let other = fs::read_to_string(sshd.key().with_extension("pub")).unwrap();
    fs::write(sshd.known_hosts(), format!("[127.0.0.1]:{} {other}", sshd.port)).unwrap();
    clone.add_tenant(1);
    let output = push();
    assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    assert!(words(&output).contains("known_hosts"), "{}", words(&output));
}

#[test]
#[ignore = "needs openssh: run by tests/run"]
fn keys_of_ssh_come_from_the_agent_or_not_at_all() {
    let platform = Platform::new();
    let sshd = Sshd::start(&platform.path().join("ssh"));
    sshd.know_host();
    let clone = platform.clone_with("clone", &sshd.url(&platform.remote()));
    let output = clone.tenantry(&["commit", "--push"]).env("PATH", path_with(&sshd.bin())).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    assert!(words(&output).contains("Permission denied") && words(&output).contains("check the credentials"));
    let agent = Agent::start(platform.path(), &sshd.key());
    let mut command = clone.tenantry(&["commit", "--push"]);
    command.env("PATH", path_with(&sshd.bin())).env("SSH_AUTH_SOCK", &agent.socket);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    // A user's own command for SSH wins over ours.
    clone.add_tenant(1);
    let own = format!("{} -i {}", sshd.bin().join("ssh").display(), sshd.key().display());
    let output = clone.tenantry(&["commit", "--push"]).env("GIT_SSH_COMMAND", own).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(platform.history().len(), 2);
    platform.fsck();
}
