//! A scratch estate in a scratch repository, and the binary run in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use assert_cmd::assert::Assert;
use tempfile::TempDir;

/// The name of the one tenant of the starter estate.
pub const FIRST: &str = "first-customer-3f9a1c";

/// An estate in a folder of its own, gone when it is dropped.
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// The estate that `init` writes, without a repository.
    pub fn starter() -> Self {
        let folder = TempDir::new().unwrap();
        tenantry(folder.path()).args(["init", "estate"]).assert().success();
        Self { folder }
    }

    /// The same in a git repository with one commit.
    pub fn repository() -> Self {
        let scratch = Self::starter();
        scratch.git(&["init", "-q", "-b", "main"]);
        scratch.record("estate");
        scratch
    }

    /// The flagship estate, in a git repository with one commit.
    pub fn flagship() -> Self {
        let scratch = Self { folder: TempDir::new().unwrap() };
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        for part in ["tenantry.yaml", "tiers", "templates", "tenants", "schemas/values.schema.json"] {
            for file in walkdir::WalkDir::new(project.join(part)).into_iter().map(Result::unwrap) {
                if file.file_type().is_file() {
                    let path = file.path().strip_prefix(project).unwrap().to_str().unwrap().to_owned();
                    scratch.write(&path, fs::read(file.path()).unwrap());
                }
            }
        }
        scratch.git(&["init", "-q", "-b", "main"]);
        scratch.record("estate");
        scratch
    }

    /// The estate's folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("estate")
    }

    /// A folder beside the estate that does not exist yet.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reads a file of the estate.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Writes a file of the estate.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a text that must be there.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} does not hold `{from}`");
        self.write(path, text.replacen(from, to, 1));
    }

    /// Writes a second tenant with this name and subdomain.
    pub fn add_tenant(&self, name: &str, uid_end: &str) {
        let text = self.read(&format!("tenants/{FIRST}.yaml"));
        let text = text
            .replace(FIRST, name)
            .replace("6c7d8e9f0a1b", uid_end)
            .replace("first-customer\n", &format!("{name}\n"));
        self.write(&format!("tenants/{name}.yaml"), text);
    }

    /// Runs the binary in the estate.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Assert {
        tenantry(&self.path()).args(arguments).assert()
    }

    /// Runs git in the estate and returns what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    /// Commits everything.
    pub fn record(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", message]);
    }
}

/// Runs git with a fixed identity and without the machine's configuration.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-C"])
        .arg(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The binary with nothing of the caller's environment but the path to programs.
pub fn tenantry(folder: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("tenantry");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .current_dir(folder);
    command
}

/// What a run printed to stdout.
pub fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// What a run printed to stderr.
pub fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}
