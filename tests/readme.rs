//! The README is true: each command in a `console` block runs, in order, and prints what stands below it.
//!
//! `$ command` lines run by `sh` in a fresh copy of the flagship estate, a git repository of its own; the lines up to the
//! next command are its output, where a line `…` stands for any lines. Random parts (ids, suffixes, the temporary
//! folder, counts of seconds) are not compared. Refresh with `TENANTRY_BLESS=1 cargo test --test readme`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test runs programs and reads files")]

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A command and the lines that stand below it.
struct Example {
    command: String,
    expected: Vec<String>,
}

/// The README cut into text as it is and examples.
enum Part {
    Text(String),
    Block(Vec<Example>),
}

fn parts(readme: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = readme.lines();
    let mut text = String::new();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        if line != "```console" {
            continue;
        }
        parts.push(Part::Text(std::mem::take(&mut text)));
        let mut examples: Vec<Example> = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            match line.strip_prefix("$ ") {
                Some(command) => examples.push(Example { command: command.to_owned(), expected: Vec::new() }),
                None => {
                    examples.last_mut().expect("a console block starts with a command").expected.push(line.to_owned())
                }
            }
        }
        parts.push(Part::Block(examples));
        text.push_str("```\n");
    }
    parts.push(Part::Text(text));
    parts
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file())
    {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(entry.path(), target).unwrap();
    }
}

/// The flagship estate in a repository of its own, with a bare repository as its remote.
fn flagship(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let estate = folder.join("estate");
    for name in ["tiers", "templates", "tenants", "schemas"] {
        copy(&root.join(name), &estate.join(name));
    }
    fs::copy(root.join("tenantry.yaml"), estate.join("tenantry.yaml")).unwrap();
    let setup = "git init -q -b main && git config user.name 'Platform Team' && git config user.email platform@example.com \
                 && git add -A && git commit -qm estate && git init -q --bare ../origin.git && git remote add origin ../origin.git";
    let (_, status) = run(setup, &estate);
    assert!(status, "the repository of the flagship estate");
    estate
}

fn run(command: &str, folder: &Path) -> (String, bool) {
    let binary = Path::new(env!("CARGO_BIN_EXE_tenantry")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder.parent().unwrap())
        .env("TMPDIR", folder.parent().unwrap())
        .env_remove("TENANTRY_LOG")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.success())
}

/// A line without what differs from run to run.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            word.push(c);
            continue;
        }
        // Six or more hexadecimal digits in a row are a suffix, an id or a digest.
        out.push_str(if word.len() >= 6 { "#" } else { &word });
        word.clear();
        out.push(c);
    }
    let out = out.trim_end().to_owned();
    match out.find("/tenantry-quickstart-").or_else(|| out.find("/tmp/")) {
        Some(at) => {
            let start = out[..at].rfind([' ', '`']).map_or(0, |space| space + 1);
            let end = out[at + 1..].find([' ', '`']).map_or(out.len(), |space| at + 1 + space);
            format!("{}FOLDER{}", &out[..start], &out[end..])
        }
        None => out,
    }
}

/// Whether the output fits what is expected, where `…` stands for any lines.
fn fits(expected: &[String], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "…" => (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..])),
        Some((first, rest)) => lines.first().is_some_and(|line| plain(first) == plain(line)) && fits(rest, &lines[1..]),
    }
}

/// The output as the README shows it: what stood between `…` before is kept short.
fn shown(expected: &[String], lines: &[&str]) -> Vec<String> {
    let Some(at) = expected.iter().position(|line| line == "…") else {
        return lines.iter().map(|line| (*line).to_owned()).collect();
    };
    let after = expected.len() - at - 1;
    let mut out: Vec<String> = lines.iter().take(at).map(|line| (*line).to_owned()).collect();
    if lines.len() > at + after {
        out.push("…".to_owned());
    }
    out.extend(lines.iter().skip(lines.len().saturating_sub(after).max(at)).map(|line| (*line).to_owned()));
    out
}

#[test]
fn every_command_prints_what_the_readme_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let estate = flagship(folder.path());
    let bless = std::env::var_os("TENANTRY_BLESS").is_some();
    let (mut written, mut faults, mut count) = (String::new(), String::new(), 0);
    for part in parts(&readme) {
        match part {
            Part::Text(text) => written.push_str(&text),
            Part::Block(examples) => {
                for Example { command, expected } in examples {
                    count += 1;
                    let (output, _) = run(&command, &estate);
                    let lines: Vec<&str> = output.lines().collect();
                    if !fits(&expected, &lines) {
                        let _ = writeln!(faults, "$ {command}\n{}\n--- printed\n{output}", expected.join("\n"));
                    }
                    let _ = writeln!(written, "$ {command}");
                    for line in shown(&expected, &lines) {
                        let _ = writeln!(written, "{}", line.trim_end());
                    }
                }
            }
        }
    }
    if bless {
        fs::write(&path, written).unwrap();
    } else {
        assert!(faults.is_empty(), "the README says otherwise (TENANTRY_BLESS=1 refreshes it):\n{faults}");
    }
    assert!(count >= 10, "only {count} commands were found");
}
