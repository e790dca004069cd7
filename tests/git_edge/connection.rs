//! Bad networks and bad servers: a push counts when the remote has it, whatever became of its answer, and every call ends.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::{
    git,
    platform::{Clone, Platform, words},
    proxy::{Fault, Proxy},
    remote::hook,
    servers::Daemon,
    web::Web,
};

/// Servers of both protocols behind a proxy each.
fn served(test: impl Fn(&Platform, &Clone, &Proxy)) {
    for protocol in ["git", "http"] {
        let platform = Platform::new();
        platform.clone("before").pushed();
        let daemon = Daemon::start(platform.path());
        let web = Web::open(platform.path());
        let proxy = Proxy::start(if protocol == "git" { daemon.port } else { web.port });
        let clone = platform.clone_with("clone", &format!("{protocol}://127.0.0.1:{}/remote.git", proxy.port));
        clone.add_tenant(1);
        eprintln!("over {protocol}");
        test(&platform, &clone, &proxy);
        assert_eq!(proxy.struck(), 1, "the fault of {protocol} was not felt");
        clone.fsck();
        platform.fsck();
    }
}

#[test]
fn a_push_whose_answer_is_lost_is_found_by_asking() {
    served(|platform, clone, proxy| {
        proxy.arm(Fault::CutAfter);
        let output = clone.push(&[]);
        assert!(output.status.success(), "what the server took is called a failure: {}", words(&output));
        assert_eq!(platform.history().len(), 2);
        assert_eq!(clone.git(&["rev-parse", "rendered"]), platform.tip("rendered").unwrap());
        assert!(clone.pushed().starts_with("nothing to commit"));
        assert_eq!(platform.history().len(), 2, "a second commit of the same");
    });
}

#[test]
fn a_push_that_never_arrived_is_no_success() {
    served(|platform, clone, proxy| {
        let before = platform.tip("rendered");
        proxy.arm(Fault::CutBefore);
        let output = clone.push(&[]);
        assert_eq!(platform.tip("rendered"), before);
        assert_eq!(output.status.code(), Some(75), "the run says what the remote does not have: {}", words(&output));
        assert!(words(&output).contains("nothing is lost"), "{}", words(&output));
        clone.pushed();
        assert_eq!(platform.history().len(), 2);
    });
}

#[test]
fn a_server_that_stalls_is_given_up_at_the_deadline() {
    served(|platform, clone, proxy| {
        proxy.arm(Fault::Stall);
        let start = Instant::now();
        let output = clone.tenantry(&["commit", "--push"]).env("TENANTRY_GIT_TIMEOUT", "2").output().unwrap();
        assert_eq!(output.status.code(), Some(75), "{}", words(&output));
        assert!(start.elapsed() < Duration::from_secs(60));
        assert!(words(&output).contains("within 2 s") || words(&output).contains("too slow"), "{}", words(&output));
        clone.pushed();
        assert_eq!(platform.history().len(), 2);
    });
}

#[test]
fn a_server_that_never_answers_is_given_up_at_the_deadline() {
    let platform = Platform::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // accepts, and says nothing
    let port = silent.local_addr().unwrap().port();
    for protocol in ["git", "http"] {
        let clone = platform.clone_with(protocol, &format!("{protocol}://127.0.0.1:{port}/remote.git"));
        let output = clone.tenantry(&["commit", "--push"]).env("TENANTRY_GIT_TIMEOUT", "1").output().unwrap();
        assert_eq!(output.status.code(), Some(75), "{}", words(&output));
    }
    for wrong in ["0", "soon", "-1", "99999999"] {
        let clone = platform.path().join("git");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tenantry"));
        let output = command.current_dir(clone).arg("commit").env("TENANTRY_GIT_TIMEOUT", wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}: {}", words(&output));
    }
}

#[test]
fn a_refusing_hook_is_told_and_cannot_steer_the_terminal() {
    let platform = Platform::new();
    platform.clone("before").pushed();
    let before = platform.tip("rendered");
    let web = Web::open(platform.path());
    let daemon = Daemon::start(platform.path());
    hook(&platform.remote(), "pre-receive", "printf 'only on \\033[31mFridays\\n::error::x\\n' >&2; exit 1");
    for (name, url) in [("file", platform.file_url()), ("git", daemon.url("remote.git")), ("http", web.url())] {
        let clone = platform.clone_with(name, &url);
        clone.add_tenant(1);
        let output = clone.push(&[]);
        assert_eq!(output.status.code(), Some(5), "a refused push is called a success over {name}: {}", words(&output));
        assert!(words(&output).contains("Fridays") && !words(&output).contains('\x1b'), "{}", words(&output));
        // A pipeline's log takes lines that start with `::` for commands.
        assert!(words(&output).lines().all(|line| !line.starts_with("::")), "{}", words(&output));
        assert_eq!(platform.tip("rendered"), before);
    }
}

/// The server may not write files of more than nothing: as on a full disk, what it unpacks has no place.
#[test]
fn a_server_that_is_full_is_named() {
    let platform = Platform::new();
    platform.clone("before").pushed();
    let before = platform.tip("rendered");
    let daemon = Daemon::start_as(platform.path(), "ulimit -f 0", &["--enable=receive-pack"]);
    let clone = platform.clone_with("clone", &daemon.url("remote.git"));
    clone.add_tenant(1);
    let output = clone.push(&[]);
    assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    assert!(words(&output).contains("cannot store it"), "{}", words(&output));
    assert_eq!(platform.tip("rendered"), before);
    clone.git(&["remote", "set-url", "origin", &platform.file_url()]);
    clone.pushed();
    platform.fsck();
}

#[test]
fn a_server_that_is_read_only_is_named() {
    let platform = Platform::new();
    platform.clone("before").pushed();
    let before = platform.tip("rendered");
    let daemon = Daemon::start_as(platform.path(), "true", &[]);
    git(&platform.remote(), &["config", "http.receivepack", "false"]);
    let web = Web::open(platform.path());
    for (name, url) in [("git", daemon.url("remote.git")), ("http", web.url())] {
        let clone = platform.clone_with(name, &url);
        clone.add_tenant(1);
        let output = clone.push(&[]);
        assert_eq!(output.status.code(), Some(5), "{}", words(&output));
        assert!(words(&output).contains("help: "), "{}", words(&output));
        assert_eq!(platform.tip("rendered"), before);
    }
}

#[test]
fn a_server_in_trouble_is_tried_later() {
    let platform = Platform::new();
    let busy = |_: &crate::web::Request| {
        Some("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned())
    };
    let web = Web::start(platform.path(), None, Box::new(busy));
    let clone = platform.clone_with("clone", &web.url());
    let output = clone.push(&[]);
    assert_eq!(output.status.code(), Some(75), "{}", words(&output));
    assert!(words(&output).contains("503"), "{}", words(&output));
    git(clone.path(), &["fsck", "--full", "--strict"]);
}

#[test]
fn a_remote_that_does_not_exist_is_no_matter_of_time() {
    let platform = Platform::new();
    let daemon = Daemon::start(platform.path());
    for (name, url) in [("git", daemon.url("nothing.git")), ("file", "/nowhere.git".to_owned())] {
        let output = platform.clone_with(name, &url).push(&[]);
        assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    }
}
