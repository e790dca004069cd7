//! Looks for secrets in bytes, however they are written there.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::bytes::{Regex, RegexBuilder};
use walkdir::WalkDir;

/// A shorter piece of base64 could stand there by chance.
const LEAST_ENCODED: usize = 10;

/// What to look for.
pub struct Scanner {
    /// What each is called, and each form that it can have.
    forms: Vec<(String, &'static str, Vec<u8>)>,
    any: Regex,
}

/// A secret where none may be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub canary: String,
    pub form: &'static str,
    pub place: String,
}

impl Scanner {
    /// Looks for secrets, given by what they are called.
    pub fn new<'s>(canaries: impl IntoIterator<Item = (&'s str, &'s str)>) -> Self {
        let mut forms = Vec::new();
        for (name, secret) in canaries {
            assert!(secret.len() >= 12, "{name} is too short to be told from chance");
            for (form, bytes) in written(secret) {
                if !forms.iter().any(|(known, _, same)| known == name && *same == bytes) {
                    forms.push((name.to_owned(), form, bytes));
                }
            }
        }
        let pattern: Vec<String> = forms.iter().map(|(_, _, bytes)| escaped(bytes)).collect();
        let any = RegexBuilder::new(&pattern.join("|")).unicode(false).size_limit(1 << 28).build().unwrap();
        Self { forms, any }
    }

    /// Returns how many forms of secrets it knows.
    pub fn len(&self) -> usize {
        self.forms.len()
    }

    pub fn scan(&self, place: &str, bytes: &[u8]) -> BTreeSet<Found> {
        if !self.any.is_match(bytes) {
            return BTreeSet::new();
        }
        let is_in = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        let found = self.forms.iter().filter(|(_, _, needle)| is_in(needle));
        found.map(|(canary, form, _)| Found { canary: canary.clone(), form, place: place.to_owned() }).collect()
    }

    /// Looks into all files of a folder, and at their names.
    pub fn folder(&self, place: &str, folder: &Path) -> BTreeSet<Found> {
        let mut found = BTreeSet::new();
        for file in WalkDir::new(folder).into_iter().map(Result::unwrap) {
            let place = format!("{place}: {}", file.path().display());
            found.extend(self.scan(&place, file.path().to_string_lossy().as_bytes()));
            if file.file_type().is_file() {
                found.extend(self.scan(&place, &fs::read(file.path()).unwrap()));
            }
        }
        found
    }

    /// Looks into all objects of a git repository, which are compressed on disk, and at its references.
    pub fn repository(&self, place: &str, folder: &Path) -> BTreeSet<Found> {
        let git = |arguments: &[&str]| {
            let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        let objects = git(&["cat-file", "--batch-all-objects", "--batch"]);
        let mut found = self.scan(&format!("{place}: objects"), &objects);
        found.extend(self.scan(&format!("{place}: references"), &git(&["for-each-ref"])));
        found
    }
}

/// Returns all ways in which a secret may be written.
fn written(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hex = |upper: bool, sign: &str| -> Vec<u8> {
        let digits =
            secret.bytes().map(|byte| if upper { format!("{sign}{byte:02X}") } else { format!("{sign}{byte:02x}") });
        digits.collect::<String>().into_bytes()
    };
    let json = serde_json::to_string(secret).unwrap();
    let debug = format!("{secret:?}");
    let inner = |text: &str| text.as_bytes()[1..text.len() - 1].to_vec();
    let mut forms = vec![
        ("plain", secret.as_bytes().to_vec()),
        ("reversed", secret.chars().rev().collect::<String>().into_bytes()),
        ("in JSON", inner(&json)),
        ("in Debug", inner(&debug)),
        ("percent-encoded", utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string().into_bytes()),
        ("percent-encoded throughout", hex(true, "%")),
        ("percent-encoded throughout", hex(false, "%")),
        ("hex", hex(true, "")),
        ("hex", hex(false, "")),
    ];
    // What stands before a secret in the same text decides how it is written: three ways.
    for alphabet in [STANDARD, URL_SAFE] {
        let engine = GeneralPurpose::new(&alphabet, NO_PAD);
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend(secret.as_bytes());
            let text = engine.encode(&bytes);
            // The outer characters hold bits of the neighbours, too.
            let from = [0, 2, 3][before];
            let to = text.len() - usize::from(bytes.len() % 3 != 0);
            assert!(to - from >= LEAST_ENCODED);
            forms.push(("base64", text.as_bytes()[from..to].to_vec()));
        }
    }
    forms
}

/// Returns a regular expression for exactly these bytes.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!(r"\x{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{process::Stdio, time::Duration};

    use super::*;
    use crate::watcher::Watcher;

    const SECRET: &str = "caña/ry+of \"seven\" & 100%\\x";

    fn scanner() -> Scanner {
        Scanner::new([("the canary", SECRET), ("another", "0123456789abcdef0123")])
    }

    fn forms(found: &BTreeSet<Found>) -> Vec<&'static str> {
        assert!(found.iter().all(|found| found.canary == "the canary"), "{found:?}");
        found.iter().map(|found| found.form).collect()
    }

    #[test]
    fn finds_a_canary_in_every_form() {
        let scanner = scanner();
        assert_eq!(scanner.scan("log", "nothing here, caña/ry+of \"six\", Y2HDsWEvcnk".as_bytes()), BTreeSet::new());
        assert_eq!(forms(&scanner.scan("log", format!("x{SECRET}y").as_bytes())), ["plain"]);
        let percent = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
        assert_eq!(forms(&scanner.scan("log", percent.as_bytes())), ["percent-encoded"]);
        let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(forms(&scanner.scan("log", hex.as_bytes())), ["hex"]);
        assert_eq!(forms(&scanner.scan("log", hex.to_uppercase().as_bytes())), ["hex"]);
        assert_eq!(forms(&scanner.scan("log", serde_json::to_string(SECRET).unwrap().as_bytes())), ["in JSON"]);
        assert_eq!(forms(&scanner.scan("log", SECRET.chars().rev().collect::<String>().as_bytes())), ["reversed"]);
        for before in ["", "a", "ab", "abc", "admin:"] {
            let text = GeneralPurpose::new(&STANDARD, NO_PAD).encode(format!("{before}{SECRET}:after"));
            assert_eq!(forms(&scanner.scan("log", text.as_bytes())), ["base64"], "after {before:?}");
            let text = GeneralPurpose::new(&URL_SAFE, NO_PAD).encode(format!("{before}{SECRET}"));
            assert_eq!(forms(&scanner.scan("log", text.as_bytes())), ["base64"], "after {before:?}");
        }
    }

    #[test]
    fn finds_a_canary_in_files_and_objects() {
        let (scanner, folder) = (scanner(), tempfile::tempdir().unwrap());
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("deep/file"), "nothing").unwrap();
        assert_eq!(scanner.folder("tree", folder.path()), BTreeSet::new());
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
            let status =
                Command::new("git").arg("-C").arg(folder.path()).args(identity).args(arguments).status().unwrap();
            assert!(status.success());
        };
        git(&["init", "-q"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "one"]);
        assert_eq!(scanner.repository("repository", folder.path()), BTreeSet::new());
        fs::write(folder.path().join("deep/file"), format!("password: {SECRET}")).unwrap();
        assert_eq!(forms(&scanner.folder("tree", folder.path())), ["plain"]);
        git(&["commit", "-q", "-a", "-m", "two"]);
        // What a later commit takes away is still there.
        fs::write(folder.path().join("deep/file"), "nothing").unwrap();
        git(&["commit", "-q", "-a", "-m", "three"]);
        assert_eq!(scanner.folder("tree", folder.path()), BTreeSet::new());
        assert_eq!(forms(&scanner.repository("repository", folder.path())), ["plain"]);
    }

    /// Runs a shell under a watcher's eyes, and lets it go.
    fn watched(script: &str, variable: Option<&str>) -> crate::watcher::Sights {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).current_dir(folder.path()).env("FOLDER", folder.path()).stdin(Stdio::piped());
        command.envs(variable.map(|text| ("VARIABLE", text)));
        let mut child = command.spawn().unwrap();
        let watcher = Watcher::start(child.id(), folder.path());
        std::thread::sleep(Duration::from_millis(300));
        drop(child.stdin.take());
        child.wait().unwrap();
        watcher.stop()
    }

    #[test]
    fn finds_a_canary_in_processes_and_temporary_files() {
        let scanner = scanner();
        let sights = watched("sh -c 'cat; :' name plain", None);
        assert!(!sights.descendants.is_empty(), "the grandchild is seen");
        assert!(sights.descendants.values().all(|bytes| scanner.scan("process", bytes).is_empty()));
        let sights = watched("sh -c 'cat; :' name \"$VARIABLE\"", Some("0123456789abcdef0123"));
        assert!(sights.descendants.values().any(|bytes| !scanner.scan("process", bytes).is_empty()), "by argument");
        let sights = watched("cat; :", Some(SECRET));
        assert!(sights.descendants.values().any(|bytes| !scanner.scan("process", bytes).is_empty()), "by environment");
        let sights = watched(": 0123456789abcdef0123; cat; :", None);
        assert!(!scanner.scan("its own", &sights.arguments).is_empty());
        let sights = watched("printf '%s' 0123456789abcdef0123 >a; cat; rm a", None);
        let contents: Vec<&Vec<u8>> = sights.files.values().flatten().collect();
        assert!(contents.iter().any(|bytes| !scanner.scan("file", bytes).is_empty()), "{:?}", sights.files);
    }
}
