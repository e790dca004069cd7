//! Gives the binary a name for what it was built from: two builds that could render or check differently have two names.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a build script reads the sources, and its failure is the build's"
)]

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};

/// Everything that can change what the program does: its code, what is embedded in it, and the libraries.
const PARTS: [&str; 6] = ["Cargo.lock", "Cargo.toml", "schemas", "src", "templates", "tiers"];

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap());
    let mut files = Vec::new();
    for part in PARTS {
        println!("cargo::rerun-if-changed={part}");
        list(&root.join(part), &mut files);
    }
    files.sort();
    // The seeds of `DefaultHasher::new` are fixed. Nobody gains from two sources of one name, so 64 bits are enough.
    let mut hash = DefaultHasher::new();
    for file in files {
        let bytes = fs::read(&file).unwrap();
        hash.write(file.strip_prefix(&root).unwrap().to_str().unwrap().as_bytes());
        hash.write_usize(bytes.len());
        hash.write(&bytes);
    }
    println!("cargo::rustc-env=TENANTRY_BUILD={:016x}", hash.finish());
}

fn list(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| list(&entry.unwrap().path(), files));
    } else if path.is_file() {
        files.push(path.to_owned());
    }
}
