//! Git servers on loopback that end with their test: `git daemon`, and Debian's OpenSSH.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{git, hermetic};

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens.
fn wait_for(port: u16, what: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "{what} does not answer");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process that ends with its value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `git daemon` over a folder of repositories, to which anybody may push.
pub(crate) struct Daemon {
    _child: Ended,
    pub(crate) port: u16,
}

impl Daemon {
    pub(crate) fn start(root: &Path) -> Self {
        Self::start_as(root, "true", &["--enable=receive-pack"])
    }

    /// The same after a line of shell, with the options that let writers in, or not.
    pub(crate) fn start_as(root: &Path, before: &str, options: &[&str]) -> Self {
        let port = free_port();
        // Not through `git daemon`, which would be a parent that leaves the server behind when it is killed.
        let program = Path::new(&git(root, &["--exec-path"])).join("git-daemon");
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{before}; exec \"$0\" \"$@\"")]).arg(program).args(options);
        command.args(["--listen=127.0.0.1", &format!("--port={port}"), "--export-all"]);
        command.arg(format!("--base-path={}", root.display())).stdin(Stdio::null()).stderr(Stdio::null());
        let child = Ended(hermetic(&mut command).spawn().unwrap());
        wait_for(port, "git daemon");
        Self { _child: child, port }
    }

    pub(crate) fn url(&self, repository: &str) -> String {
        format!("git://127.0.0.1:{}/{repository}", self.port)
    }
}

/// An SSH server for one user with one key, and a folder whose `ssh` knows that key and, when told, the host.
pub(crate) struct Sshd {
    _child: Ended,
    folder: PathBuf,
    pub(crate) port: u16,
}

impl Sshd {
    /// Starts it with its files in `folder`, which must be its owner's alone.
    pub(crate) fn start(folder: &Path) -> Self {
        let program = std::env::var("TENANTRY_TEST_SSHD").expect("tests/run sets it");
        fs::create_dir_all(folder).unwrap();
        for name in ["host", "user"] {
            keygen(&folder.join(name));
        }
        fs::copy(folder.join("user.pub"), folder.join("authorized_keys")).unwrap();
        let port = free_port();
        let here = folder.display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {here}/host\nAuthorizedKeysFile {here}/authorized_keys\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nMaxStartups 100\n"
        );
        fs::write(folder.join("sshd_config"), config).unwrap();
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config"));
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Ended(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        wait_for(port, "sshd");
        // As a user's own ~/.ssh/config: read by the program `ssh` that is first on PATH.
        let client = format!(
            "Host *\n  Port {port}\n  UserKnownHostsFile {here}/known_hosts\n  GlobalKnownHostsFile /dev/null\n  IdentitiesOnly no\n"
        );
        fs::write(folder.join("client"), client).unwrap();
        crate::platform::script(&folder.join("bin/ssh"), &format!("exec /usr/bin/ssh -F {here}/client \"$@\""));
        Self { _child: child, folder: folder.to_owned(), port }
    }

    pub(crate) fn url(&self, repository: &Path) -> String {
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        format!("ssh://{user}@127.0.0.1:{}{}", self.port, repository.display())
    }

    /// Makes the host's key a known one.
    pub(crate) fn know_host(&self) {
        let key = fs::read_to_string(self.folder.join("host.pub")).unwrap();
        fs::write(self.known_hosts(), format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }

    /// Lets the client find the user's key by itself.
    pub(crate) fn know_key(&self) {
        let path = self.folder.join("client");
        let client = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{client}  IdentityFile {}/user\n", self.folder.display())).unwrap();
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.join("user")
    }

    /// The folder to put first on PATH.
    pub(crate) fn bin(&self) -> PathBuf {
        self.folder.join("bin")
    }
}

/// Makes a key without a passphrase.
pub(crate) fn keygen(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path);
    assert!(command.status().unwrap().success());
}

/// An agent of SSH that holds one key and ends with its value.
pub(crate) struct Agent {
    _child: Ended,
    pub(crate) socket: PathBuf,
}

impl Agent {
    pub(crate) fn start(folder: &Path, key: &Path) -> Self {
        let socket = folder.join("agent");
        let mut command = Command::new("ssh-agent");
        let child = Ended(command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(30);
        while !socket.exists() {
            assert!(Instant::now() < until, "ssh-agent does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &socket).status().unwrap();
        assert!(added.success());
        Self { _child: child, socket }
    }
}
