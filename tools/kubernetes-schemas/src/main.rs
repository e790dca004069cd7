//! Writes `schemas/kubernetes/*.json`, the built-in schemas of tenantry, from the types of k8s-openapi and of the kcr crates.
//!
//! ```text
//! cargo run --manifest-path tools/kubernetes-schemas/Cargo.toml --locked             # writes the files
//! cargo run --manifest-path tools/kubernetes-schemas/Cargo.toml --locked -- --check  # fails where a file differs
//! ```

mod builtin;
mod custom;
mod document;
mod strictness;
mod trace;

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let check = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => {
            eprintln!("usage: kubernetes-schemas [--check]");
            return ExitCode::from(2);
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/kubernetes");
    let files = files();
    let stale = match if check { differing(&folder, &files) } else { write(&folder, &files).map(|()| Vec::new()) } {
        Ok(stale) => stale,
        Err(error) => {
            eprintln!("failed to read or write {}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    };
    for name in &stale {
        eprintln!("schemas/kubernetes/{name} is not what the types say: run the generator without --check");
    }
    if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the text of each file by name.
fn files() -> BTreeMap<String, String> {
    let mut documents = custom::documents();
    documents.insert("core", builtin::document());
    let mut files = BTreeMap::new();
    for (name, mut document) in documents {
        strictness::restore(name, &mut document);
        files.insert(format!("{name}.json"), document.text());
    }
    files
}

fn write(folder: &Path, files: &BTreeMap<String, String>) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    files.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))
}

/// Returns the names of files that are missing, differ, or should not be there.
fn differing(folder: &Path, files: &BTreeMap<String, String>) -> std::io::Result<Vec<String>> {
    let mut stale = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !files.contains_key(&name) {
            stale.push(name);
        }
    }
    stale.extend(
        files
            .iter()
            .filter(|(name, text)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text))
            .map(|(name, _)| name.clone()),
    );
    Ok(stale)
}
