//! Incremental work is full work: random edits to every kind of file, committed one after another, give the tree of a full run by
//! its id in git, and the change set of two full renderings.
//!
//! `TENANTRY_INCREMENTAL_SEEDS=100` runs more sequences than the few that a quick test can afford, and
//! `TENANTRY_INCREMENTAL_SEED=7` runs one again.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, clippy::unwrap_used, reason = "a test")]

mod chance;
mod edits;
mod estate;

use std::collections::BTreeMap;

use chance::Chance;
use estate::{Lab, Run};
use tenantry::{diff, git};

/// How many sequences a plain run tries.
const SEEDS: u64 = 4;

/// How many commits a sequence has.
const STEPS: usize = 8;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[derive(Debug, Default)]
struct Tally {
    steps: usize,
    refused: usize,
    /// Commits that kept some tenant, and those that kept all.
    kept_some: usize,
    kept_all: usize,
    kinds: BTreeMap<&'static str, usize>,
}

#[test]
fn every_sequence_of_edits_gives_what_a_full_run_gives() {
    let seeds: Vec<u64> = match number("TENANTRY_INCREMENTAL_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("TENANTRY_INCREMENTAL_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let mut tally = Tally::default();
    for &seed in &seeds {
        sequence(seed, &mut tally);
    }
    println!("{} sequences: {tally:?}", seeds.len());
    assert!(tally.kept_some > 0, "nothing was ever kept, so nothing was tried: {tally:?}");
}

fn sequence(seed: u64, tally: &mut Tally) {
    let mut chance = Chance::new(seed);
    let lab = Lab::new(&mut chance);
    let first = lab.commit(&["--branch", "full", "--full"]);
    assert_eq!(first.code, 0, "seed {seed}: {}", first.stderr);
    assert_eq!(lab.incremental().code, 0);
    for step in 0..STEPS {
        let done = lab.edit(&mut chance);
        let at = format!("seed {seed}, step {step}, {done:?}");
        let before = lab.git(&["rev-parse", "full"]);
        let (mut one, mut all) = (lab.incremental(), lab.commit(&["--branch", "full", "--full"]));
        if let Some(removals) = all.removals() {
            assert_eq!((one.code, one.removals()), (4, Some(removals.clone())), "{at}: the brake\n{}", one.stderr);
            let allow = ["--dangerous-allow-removals", removals.as_str()];
            one = lab.incremental_with(&allow);
            all = lab.commit(&["--branch", "full", "--full", allow[0], allow[1]]);
        }
        assert_eq!(one.code, all.code, "{at}\nincremental: {}\nfull: {}", one.stderr, all.stderr);
        done.iter().for_each(|kind| *tally.kinds.entry(kind).or_default() += 1);
        tally.steps += 1;
        if all.code != 0 {
            tally.refused += 1;
            lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
            continue;
        }
        let trees = ["rendered", "full"].map(|branch| lab.git(&["rev-parse", &format!("{branch}^{{tree}}")]));
        if trees[0] != trees[1] {
            let differing = lab.git(&["diff", "--stat", "full", "rendered"]);
            panic!("{at}: the incremental tree is not the full one\n{}\n{differing}", lab.git(&["show", "HEAD"]));
        }
        compare_diff(&lab, &before, &at);
        count(&one, tally);
    }
}

/// The change set of `diff` is that of the two full trees.
fn compare_diff(lab: &Lab, before: &str, at: &str) {
    let repository = git::Repository::discover(&lab.path()).unwrap();
    let tree = |rev: &str| git::read::tree(&repository, rev).unwrap();
    let expected = serde_json::to_value(diff::diff(&tree(before), &tree("full")).unwrap()).unwrap();
    let run = lab.run(&["diff", "--base", "HEAD~1", "--format", "json"], true);
    assert_eq!(run.code, 0, "{at}: {}", run.stderr);
    let shown: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{at}: `{key}` of the diff");
    }
}

fn count(run: &Run, tally: &mut Tally) {
    let Some((rendered, of)) = run.rendered() else { return };
    tally.kept_some += usize::from(rendered < of);
    tally.kept_all += usize::from(rendered == 0);
}
