//! Servers of a test's own: what is done to them would harm other tests on the shared ones. Their programs and empty
//! installations are those of `tests/run`.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::shared::{administrator::done, servers::variable};

/// How long a server may take to come up on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all of these servers have in common: an administrator that no other server knows.
pub const USER: &str = "owner";
pub const PASSWORD: &str = "bad-days-own-administrator";

/// A running server; it ends with this value.
pub struct Own {
    pub port: u16,
    pub folder: tempfile::TempDir,
    child: Child,
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Own {
    fn start(port: u16, folder: tempfile::TempDir, mut command: Command) -> Self {
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { port, folder, child }
    }

    /// Returns what the server has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until `is_up`.
    fn once(mut self, is_up: impl Fn(&Self) -> bool) -> Self {
        let start = Instant::now();
        while !is_up(&self) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "{ended:?}: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
        self
    }

    fn accepts(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

/// Returns a connection of a document to a server of a test's own; `more` has the settings that differ.
pub fn connection(kind: &str, port: u16, tls: Value) -> Value {
    json!({"kind": kind, "host": "127.0.0.1", "port": port, "tls": tls, "credentials": credentials()})
}

pub fn credentials() -> Value {
    json!({"usernameEnv": "OWN_USERNAME", "passwordEnv": "OWN_PASSWORD"})
}

/// A disk that has no place for another folder, as long as this value lives.
pub struct FullDisk {
    strace: Child,
}

impl FullDisk {
    /// Fills the disk of a server.
    pub fn of(own: &Own) -> Self {
        let pid = own.child.id();
        let mut command = leashed(Path::new("strace"), None);
        command.args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "inject=mkdir,mkdirat:error=ENOSPC",
            "-p",
            &pid.to_string(),
        ]);
        let strace = command.stdin(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while fs::read_to_string(format!("/proc/{pid}/status")).unwrap().contains("TracerPid:\t0\n") {
            assert!(start.elapsed() < PATIENCE, "strace does not come to process {pid}");
            thread::sleep(Duration::from_millis(10));
        }
        Self { strace }
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // By SIGTERM strace lets the server go on.
        let _ = Command::new("kill").args(["-TERM", &self.strace.id().to_string()]).status();
        let _ = self.strace.wait();
    }
}

fn free_port() -> u16 {
    // Below those that the kernel gives to clients, so that none of them takes it in the meantime.
    let mut chance = fs::File::open("/dev/urandom").unwrap();
    loop {
        let mut bytes = [0; 2];
        chance.read_exact(&mut bytes).unwrap();
        let port = 20_000 + u16::from_le_bytes(bytes) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A command that ends when the test does, however it does; `user` is who runs it where the test is root.
fn leashed(program: &Path, user: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = user.filter(|_| is_root()) {
        command.args(["--reuid", user, "--regid", user, "--clear-groups", "setpriv"]);
    }
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

fn is_root() -> bool {
    done(&Command::new("id").arg("-u").output().unwrap()).trim() == "0"
}

fn copied(from: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    done(&Command::new("cp").args(["-a", &variable(from)]).arg(folder.path().join("data")).output().unwrap());
    folder
}

/// MariaDB with more options.
pub fn mariadb(options: &[&str]) -> Own {
    let (folder, port) = (copied("TENANTRY_TEST_MARIADB_DATA"), free_port());
    let init = folder.path().join("init.sql");
    let sql = format!(
        "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\nFLUSH PRIVILEGES;\n\
         CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n\
         REVOKE READ_ONLY ADMIN, CONNECTION ADMIN ON *.* FROM '{USER}'@'%';\n\
         CREATE USER 'root'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;\n"
    );
    fs::write(&init, sql).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut command = leashed(&PathBuf::from(variable("TENANTRY_TEST_MARIADB_PROGRAM")), None);
    command.args([
        "--no-defaults",
        "--bind-address=127.0.0.1",
        "--innodb-log-file-size=16M",
        "--innodb-flush-log-at-trx-commit=0",
    ]);
    command.args([format!("--user={}", done(&Command::new("id").arg("-un").output().unwrap()).trim())]);
    command.args([
        format!("--datadir={}", path("data")),
        format!("--init-file={}", path("init.sql")),
        format!("--port={port}"),
    ]);
    command.args([
        format!("--socket={}", path("socket")),
        format!("--pid-file={}", path("pid")),
        format!("--tmpdir={}", path("")),
    ]);
    command.args(options);
    Own::start(port, folder, command).once(|own| own.root("SELECT 1").status.success())
}

impl Own {
    /// A statement as MariaDB's root.
    pub fn root(&self, sql: &str) -> Output {
        self.root_command(sql).output().unwrap()
    }

    pub fn root_command(&self, sql: &str) -> Command {
        let mut command = Command::new(variable("TENANTRY_TEST_MARIADB_CLIENT"));
        command.args([
            "--no-defaults",
            "--protocol=tcp",
            "--host=127.0.0.1",
            "--batch",
            "--skip-column-names",
            "--user=root",
        ]);
        command
            .args([&format!("--port={}", self.port), "--execute", sql])
            .env("MYSQL_PWD", PASSWORD)
            .stdin(Stdio::null());
        command
    }

    /// A statement as PostgreSQL's superuser.
    pub fn psql(&self, sql: &str) -> Output {
        let mut command = Command::new(variable("TENANTRY_TEST_PSQL"));
        command.args(["-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-c", sql]);
        command.args(["-p", &self.port.to_string()]).stdin(Stdio::null()).output().unwrap()
    }

    /// A command as Redis' administrator.
    pub fn redis(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(variable("TENANTRY_TEST_REDIS_CLI"));
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "--user", USER, "--no-auth-warning", "-e"]);
        command.args(arguments).env("REDISCLI_AUTH", PASSWORD).stdin(Stdio::null()).output().unwrap()
    }
}

/// PostgreSQL with more settings and files in its data folder. Its superusers are `postgres` and, unless it is a standby
/// from the beginning, [`USER`]; all come in without a password.
pub fn postgres(settings: &[&str], files: &[(&str, &[u8])]) -> Own {
    let (folder, port) = (copied("TENANTRY_TEST_POSTGRES_DATA"), free_port());
    let data = folder.path().join("data");
    let mut configuration = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
    let common = ["listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", "fsync = off"];
    for line in common.iter().chain(settings) {
        writeln!(configuration, "{line}").unwrap();
    }
    writeln!(configuration, "port = {port}").unwrap();
    fs::write(data.join("pg_hba.conf"), "host all all 127.0.0.1/32 trust\n").unwrap();
    for (name, content) in files {
        fs::write(data.join(name), content).unwrap();
        done(&Command::new("chmod").arg("600").arg(data.join(name)).output().unwrap());
    }
    let user = is_root().then_some("postgres");
    if let Some(user) = user {
        done(&Command::new("chown").args(["-R", user]).arg(folder.path()).output().unwrap());
    }
    let mut command = leashed(&PathBuf::from(variable("TENANTRY_TEST_POSTGRES_PROGRAM")), user);
    command.arg("-D").arg(&data);
    let own = Own::start(port, folder, command).once(Own::accepts);
    if files.is_empty() {
        let role = format!("CREATE ROLE {USER} LOGIN SUPERUSER");
        return own.once(|own| own.psql(&role).status.success());
    }
    own
}

/// Redis with more options.
pub fn redis(options: &[&str]) -> Own {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let users = folder.path().join("users.acl");
    fs::write(&users, format!("user default on nopass ~* +ping\nuser {USER} on >{PASSWORD} ~* &* +@all\n")).unwrap();
    let mut command = leashed(&PathBuf::from(variable("TENANTRY_TEST_REDIS_PROGRAM")), None);
    command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]);
    command.arg("--dir").arg(folder.path()).arg("--aclfile").arg(&users).args(options);
    Own::start(port, folder, command).once(|own| own.accepts() || options.contains(&"0"))
}

/// OpenBao in memory, unsealed; its token is [`PASSWORD`].
pub fn openbao() -> Own {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut command = leashed(&PathBuf::from(variable("TENANTRY_TEST_BAO")), None);
    command.args(["server", "-dev", "-dev-no-store-token", &format!("-dev-listen-address=127.0.0.1:{port}")]);
    command.env("BAO_DEV_ROOT_TOKEN_ID", PASSWORD).env("HOME", folder.path());
    Own::start(port, folder, command).once(|own| own.accepts() && own.log().contains("Unseal Key: "))
}
