//! The corpus: all that is hostile is refused by code and place, all that only looks so is accepted, each by the real
//! program within its limits.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use rayon::prelude::*;

use crate::{
    base,
    case::{self, Case},
    limits::{self, Outcome},
    made,
};

/// What is expected of the cases that Rust makes, a line each.
const MADE: &str = "made.expected";

/// All cases, and what is expected of the hostile ones.
fn corpus() -> (Vec<Case>, BTreeMap<String, String>) {
    let (mut cases, mut expected) = (made::cases(), BTreeMap::new());
    for (name, bytes) in base::files(&base::fixtures().join("hostile")) {
        let text = String::from_utf8(bytes).unwrap();
        if name == MADE {
            let lines = text.lines().map(|line| line.split_once(" => ").unwrap());
            expected.extend(lines.map(|(title, what)| (title.to_owned(), what.to_owned())));
        } else if name.ends_with(".txt") {
            let (more, of_them) = case::read(name.trim_end_matches(".txt"), &text);
            cases.extend(more);
            expected.extend(of_them);
        }
    }
    (cases, expected)
}

/// Returns what is wrong with how the program took a case.
fn fault(case: &Case, outcome: &Outcome, expected: Option<&String>) -> Option<String> {
    let Outcome { status, errors, stdout, stderr } = outcome;
    if status.is_none() || stdout.is_empty() {
        return Some(format!("ended without a report: {stderr}"));
    }
    if let Some(letter) = stdout.chars().find(|letter| tenantry::yaml::is_hidden(*letter) && *letter != '\n') {
        return Some(format!("prints {letter:?}"));
    }
    match (case.is_hostile, errors.first()) {
        (false, None) if *status == Some(0) => None,
        (false, _) => Some(format!("refused: {errors:?} {stdout}")),
        (true, None) => Some(format!("accepted, status {status:?}")),
        (true, Some(_)) if *status != Some(1) => Some(format!("status {status:?}")),
        (true, Some(first)) if Some(first) == expected => None,
        (true, Some(first)) => Some(format!("refused as `{first}`, expected {expected:?}")),
    }
}

fn outcome(case: &Case) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    case.lay_out(folder.path());
    limits::run(&["check", "--rendered", "--format", "json"], folder.path())
}

/// Writes the first error of each hostile case down as what is expected.
fn bless(outcomes: &[(Case, Outcome)]) {
    let first = |outcome: &Outcome| outcome.errors.first().cloned();
    let known: BTreeMap<String, String> =
        outcomes.iter().filter_map(|(case, outcome)| Some((case.title(), first(outcome)?))).collect();
    let folder = base::fixtures().join("hostile");
    let mut of_made = String::new();
    for case in made::cases().iter().filter(|case| case.is_hostile) {
        let what = known.get(&case.title()).map_or("nothing", String::as_str);
        writeln!(of_made, "{} => {what}", case.title()).unwrap();
    }
    fs::write(folder.join(MADE), of_made).unwrap();
    for (name, bytes) in base::files(&folder).into_iter().filter(|(name, _)| name.ends_with(".txt")) {
        let mut out = String::new();
        for line in String::from_utf8(bytes).unwrap().lines().filter(|line| !line.starts_with("=> ")) {
            writeln!(out, "{line}").unwrap();
            let title = |name: &str, case: &str| format!("{}: {case}", name.trim_end_matches(".txt"));
            if let Some(what) = line.strip_prefix("refused ").and_then(|case| known.get(&title(&name, case))) {
                writeln!(out, "=> {what}").unwrap();
            }
        }
        fs::write(folder.join(name), out).unwrap();
    }
}

#[test]
fn the_corpus_is_refused_and_its_look_alikes_are_not() {
    let (cases, expected) = corpus();
    let titles: BTreeSet<String> = cases.iter().map(Case::title).collect();
    assert_eq!(titles.len(), cases.len(), "two cases with one name");
    let outcomes: Vec<(Case, Outcome)> = cases
        .into_par_iter()
        .map(|case| {
            let outcome = outcome(&case);
            (case, outcome)
        })
        .collect();
    if std::env::var_os("TENANTRY_BLESS").is_some() {
        bless(&outcomes);
        return;
    }
    let faults: Vec<String> = outcomes
        .iter()
        .filter_map(|(case, outcome)| {
            let fault = fault(case, outcome, expected.get(&case.title()))?;
            Some(format!("{}: {fault}", case.title()))
        })
        .collect();
    let (hostile, alike): (Vec<_>, Vec<_>) = outcomes.iter().partition(|(case, _)| case.is_hostile);
    let classes: BTreeSet<&str> = hostile.iter().map(|(case, _)| case.class.as_str()).collect();
    eprintln!("{} hostile cases in {} classes, {} look-alikes", hostile.len(), classes.len(), alike.len());
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), outcomes.len(), faults.join("\n"));
    assert!(hostile.len() >= 300 && classes.len() >= 35 && alike.len() >= 100);
}
