//! Fuzzing on stable Rust: inputs made of committed seeds by chance from a seed, so that every run can be repeated.
//!
//! `TENANTRY_FUZZ_RUNS` says how many inputs each target gets, `TENANTRY_FUZZ_SEED` which ones. An input that makes a target
//! panic is made as small as its lines allow and written to `target/fuzz/`; put it into `fixtures/fuzz/` with the mend.

mod mutate;
mod targets;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Instant,
};

use rayon::prelude::*;

use crate::{base, chance::Chance};
use mutate::Seeds;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Runs a target with the inputs that it failed with before, then with new ones, `batch` at once.
fn fuzz(name: &str, batch: usize, seeds: &Seeds, target: impl Fn(&[Vec<u8>]) + Sync) {
    let known = base::files(&base::fixtures().join("fuzz"));
    for (path, bytes) in known.iter().filter(|(path, _)| path.starts_with(&format!("{name}/"))) {
        assert!(catch_unwind(AssertUnwindSafe(|| target(std::slice::from_ref(bytes)))).is_ok(), "again: {path}");
    }
    let (runs, seed) = (number("TENANTRY_FUZZ_RUNS", 2_000), number("TENANTRY_FUZZ_SEED", 1));
    let start = Instant::now();
    let batches = runs.div_ceil(batch as u64);
    let failed = (0..batches).into_par_iter().find_map_any(|index| {
        let mut chance = Chance::new(seed.wrapping_mul(1 << 32).wrapping_add(index));
        let inputs: Vec<Vec<u8>> = (0..batch).map(|_| seeds.mutated(&mut chance)).collect();
        let is_fine = |inputs: &[Vec<u8>]| catch_unwind(AssertUnwindSafe(|| target(inputs))).is_ok();
        if is_fine(&inputs) {
            return None;
        }
        let alone = inputs.iter().find(|input| !is_fine(std::slice::from_ref(input)));
        Some((index, alone.map(|input| smallest(input, |input| !is_fine(&[input.to_vec()])))))
    });
    let rate = (batches * batch as u64) as f64 / start.elapsed().as_secs_f64();
    if let Some((index, input)) = failed {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz").join(name);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{seed}-{index}"));
        fs::write(&path, input.as_deref().unwrap_or(b"only the whole batch fails")).unwrap();
        panic!("{name}: batch {index} of seed {seed} fails, see {}", path.display());
    }
    eprintln!("fuzz {name}: {} inputs, {rate:.0} a second", batches * batch as u64);
}

/// Takes lines out, and then single bytes, as long as the input still fails.
fn smallest(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = input.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut at = 0;
    while at < lines.len() {
        let line = lines.remove(at);
        if !fails(&lines.concat()) {
            lines.insert(at, line);
            at += 1;
        }
    }
    lines.concat()
}

#[test]
fn the_reader_takes_anything() {
    fuzz("reader", 1, &Seeds::of(&["yaml", "j2"]), |inputs| inputs.iter().for_each(|input| targets::read(input)));
}

#[test]
fn the_check_takes_any_file() {
    let base = base::base();
    fuzz("check", 40, &Seeds::of(&["yaml"]), |inputs| targets::check(&base, inputs));
}

#[test]
fn rendering_takes_any_template() {
    let base = base::base();
    fuzz("render", 20, &Seeds::of(&["j2"]), |inputs| targets::render(&base, inputs));
}

#[test]
fn diff_takes_any_object() {
    fuzz("diff", 40, &Seeds::of(&["yaml"]), targets::diff);
}

#[test]
fn revisions_are_read_as_git_reads_them() {
    fuzz("revisions", 50, &Seeds::of(&["yaml"]), targets::revisions);
}
