//! The import table of the house: who may use whom inside the package, and that nothing pure meets an edge.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads the sources")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each module and the modules of ours that it may import. `cli` may import all, and nobody imports `cli`.
const TABLE: &[(&str, &[&str])] = &[
    // words
    ("diag", &[]),
    ("name", &[]),
    ("tree", &[]),
    ("sources", &[]),
    ("provision", &[]),
    ("yaml", &["diag"]),
    ("kubernetes", &["diag"]),
    ("raw", &["provision"]),
    ("estate", &["name", "provision", "raw", "tree"]),
    ("plan", &["name", "provision", "raw"]),
    ("rendered", &["name", "tree"]),
    // the pure core
    ("check", &["diag", "estate", "kubernetes", "name", "provision", "raw", "resolve", "sources", "tree", "yaml"]),
    ("resolve", &["estate", "name", "plan", "provision", "raw"]),
    ("render", &["diag", "estate", "name", "plan", "provision", "raw", "rendered", "tree", "yaml"]),
    (
        "verify",
        &["admit", "diag", "estate", "kubernetes", "name", "plan", "provision", "raw", "render", "rendered", "yaml"],
    ),
    ("reach", &["estate", "name", "plan", "provision", "raw", "render", "resolve", "tree"]),
    ("diff", &["kubernetes", "provision", "tree", "yaml"]),
    ("review", &["diag", "diff", "provision", "yaml"]),
    ("admit", &["check", "diag", "name", "provision"]),
    ("steps", &["name", "provision"]),
    // edges
    ("cache", &[]),
    ("points", &[]),
    ("load", &["sources"]),
    ("output", &["tree"]),
    ("git", &["points", "sources", "tree"]),
    ("engine", &["name", "points", "provision", "steps"]),
    ("inflate", &["diag", "plan", "raw", "rendered", "tree", "yaml"]),
];

/// Modules of the pure core and the words below it: no async, I/O, clock or chance.
const PURE: &[&str] = &[
    "diag",
    "name",
    "tree",
    "sources",
    "provision",
    "yaml",
    "kubernetes",
    "raw",
    "estate",
    "plan",
    "rendered",
    "check",
    "resolve",
    "render",
    "verify",
    "reach",
    "diff",
    "review",
    "admit",
    "steps",
];

fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let module = |path: &Path| {
        let first = path.strip_prefix(&root).unwrap().components().next().unwrap();
        first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    paths
        .into_iter()
        .map(|path| (module(&path), path.clone(), fs::read_to_string(&path).unwrap()))
        .filter(|(module, _, _)| module != "main" && module != "lib")
        // What only tests compile may use anything: `tests.rs` and the files below `tests/`.
        .filter(|(_, path, _)| {
            path.components().all(|part| !matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
        })
        .collect()
}

/// The text without its tests: what stands in a `#[cfg(test)]` module may use anything.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]").map_or(text, |at| &text[..at])
}

/// Every `crate::x` of a text, use trees such as `crate::{a::B, c}` included, with its line.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let line = text[..at].lines().count().max(1);
        let before = text[..at].lines().last().unwrap_or_default().trim_start();
        if before.starts_with("//") {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        if let Some(tree) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start = true;
            let mut word = String::new();
            for c in tree.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    c if start && (c.is_alphanumeric() || c == '_') => word.push(c),
                    _ if start && !word.is_empty() => {
                        found.push((line, std::mem::take(&mut word)));
                        start = false;
                    }
                    _ => {}
                }
                if c == ',' && depth == 0 && !word.is_empty() {
                    found.push((line, std::mem::take(&mut word)));
                }
            }
            if !word.is_empty() {
                found.push((line, word));
            }
        } else {
            found.push((line, rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()));
        }
    }
    found
}

#[test]
fn imports_keep_the_table() {
    let table: BTreeMap<&str, BTreeSet<&str>> =
        TABLE.iter().map(|(module, may)| (*module, may.iter().copied().collect())).collect();
    let mut faults = Vec::new();
    for (module, path, text) in sources() {
        if module == "cli" {
            continue;
        }
        let Some(may) = table.get(module.as_str()) else {
            faults.push(format!("{}: module `{module}` is not in the table", path.display()));
            continue;
        };
        for (line, import) in imports(without_tests(&text)) {
            if import != module && !may.contains(import.as_str()) {
                faults.push(format!("{}:{line}: `{module}` may not import `{import}`", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_has_no_cycle() {
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    fn reach<'t>(module: &'t str, table: &BTreeMap<&'t str, &'t [&'t str]>, path: &mut Vec<&'t str>) {
        assert!(!path.contains(&module), "cycle: {path:?} → {module}");
        path.push(module);
        for next in table.get(module).copied().unwrap_or_default() {
            reach(next, table, path);
        }
        path.pop();
    }
    for (module, _) in TABLE {
        reach(module, &table, &mut Vec::new());
    }
}

#[test]
fn the_core_is_pure() {
    const BANNED: &[&str] = &[
        "async fn",
        ".await",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "SystemTime",
        "Instant::now",
        "getrandom",
        "rand::",
        "tokio::",
        "git2::",
        "println!",
        "eprintln!",
    ];
    let mut faults = Vec::new();
    for (module, path, text) in sources() {
        if !PURE.contains(&module.as_str()) {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            for word in BANNED.iter().filter(|word| code.contains(**word)) {
                faults.push(format!("{}:{}: `{word}` in the pure core", path.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_stays_small() {
    let mut faults = Vec::new();
    for (_, path, text) in sources() {
        if !text.starts_with("//!") {
            faults.push(format!("{}: the first line must be a //! doc", path.display()));
        }
        let code =
            without_tests(&text).lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("//")).count();
        if code > 500 && path.file_name().is_none_or(|name| name != "tests.rs") {
            faults.push(format!("{}: {code} code lines, at most 500", path.display()));
        }
        for room in ["utils", "helpers", "common", "misc"] {
            if path.components().any(|c| c.as_os_str().to_string_lossy().trim_end_matches(".rs") == room) {
                faults.push(format!("{}: a room without a purpose", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_import_reader_sees_every_form() {
    let text =
        "use crate::{\n    a::B,\n    c::{D, e::F},\n    g,\n};\nuse crate::h;\n// crate::no\nlet x = crate::i::j();\n";
    let found: Vec<String> = imports(text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(found, ["a", "c", "g", "h", "i"]);
}
