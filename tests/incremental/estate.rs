//! A scratch estate in a repository, the binary run in it, and edits that leave it an estate.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;
use tenantry::{check, load};

use crate::{chance::Chance, edits};

/// The estates that sequences start from: every format, and one with all kinds of outside resources.
const ESTATES: [&str; 4] =
    [".", "fixtures/estates/helm", "fixtures/estates/kustomize-overlay", "fixtures/estates/ingress"];

/// The parts of an estate.
const PARTS: [&str; 6] = ["tenantry.yaml", "tiers", "templates", "tenants", "charts", "components"];

/// So many edits are tried for one that leaves the estate right.
const TRIES: usize = 40;

/// An estate's files by path.
pub type Files = BTreeMap<String, String>;

pub struct Lab {
    folder: TempDir,
}

/// What a run ended with.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The number that the brake asks for.
    pub fn removals(&self) -> Option<String> {
        let (_, rest) = self.stderr.split_once("--dangerous-allow-removals ")?;
        Some(rest.chars().take_while(char::is_ascii_digit).collect())
    }

    /// How many tenants of how many were rendered, as the log says it.
    pub fn rendered(&self) -> Option<(usize, usize)> {
        let field = |name: &str| {
            let (_, rest) = self.stderr.split_once(&format!("{name}="))?;
            rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
        };
        Some((field("rendered")?, field("tenants")?))
    }
}

impl Lab {
    pub fn new(chance: &mut Chance) -> Self {
        let lab = Self { folder: TempDir::new().unwrap() };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(chance.of(&ESTATES).unwrap());
        let parts = PARTS.iter().map(|part| from.join(part)).chain([from.join("schemas/values.schema.json")]);
        for file in parts.flat_map(walkdir::WalkDir::new).filter_map(Result::ok) {
            if file.file_type().is_file() {
                let path = file.path().strip_prefix(&from).unwrap();
                write(&lab.path().join(path), &fs::read_to_string(file.path()).unwrap());
            }
        }
        lab.git(&["init", "-q", "-b", "main"]);
        lab.record();
        lab
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("estate")
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-C"])
            .arg(self.path())
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn record(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", "estate"]);
    }

    /// Runs the binary; with a cache that lives as long as the lab, or without any.
    pub fn run(&self, arguments: &[&str], cached: bool) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TENANTRY_LOG", "tenantry=debug");
        command.current_dir(self.path()).args(arguments);
        if cached {
            command.env("XDG_CACHE_HOME", self.folder.path().join("cache"));
        }
        Run::of(command.output().unwrap())
    }

    pub fn commit(&self, arguments: &[&str]) -> Run {
        self.run(&[&["commit", "--author", "Bot <bot@example.com>"], arguments].concat(), false)
    }

    pub fn incremental(&self) -> Run {
        self.incremental_with(&[])
    }

    pub fn incremental_with(&self, arguments: &[&str]) -> Run {
        self.run(&[&["commit", "--author", "Bot <bot@example.com>"], arguments].concat(), true)
    }

    fn files(&self) -> Files {
        let sources = load::directory(&self.path()).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        sources.iter().map(|(path, source)| (path.to_owned(), text(source.as_ref().unwrap()))).collect()
    }

    /// Makes one to three random edits that leave an estate without errors, commits them, and returns what they were.
    pub fn edit(&self, chance: &mut Chance) -> Vec<&'static str> {
        let before = self.files();
        for _ in 0..TRIES {
            // The same kinds again and again: otherwise those that seldom leave an estate right would hardly ever come.
            let chosen = edits::choose(chance);
            let tried = (0..TRIES).find_map(|_| {
                let mut files = before.clone();
                chosen.iter().try_for_each(|(_, edit)| edit(&mut files, chance))?;
                (files != before && check(&files).is_some()).then_some(files)
            });
            let Some(files) = tried else { continue };
            for path in before.keys().filter(|path| !files.contains_key(*path)) {
                fs::remove_file(self.path().join(path)).unwrap();
            }
            for (path, text) in files.iter().filter(|(path, text)| before.get(*path) != Some(text)) {
                write(&self.path().join(path), text);
            }
            self.record();
            return chosen.iter().map(|(name, _)| *name).collect();
        }
        panic!("no edit of {TRIES} left the estate right");
    }
}

fn check(files: &Files) -> Option<()> {
    let mut sources = tenantry::sources::Sources::new();
    files.iter().for_each(|(path, text)| sources.insert(path.clone(), Ok(text.as_bytes().into())));
    check::check(&sources).estate.map(drop)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
