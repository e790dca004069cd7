//! Whatever the API server refuses, `verify` refuses; where it refuses more, the reason is written down.

use std::{collections::BTreeMap, fmt::Write as _};

use tenantry::diag::Code;

use crate::{
    cases::{self, Case},
    flagship::Flagship,
    server::{Namespace, Server},
    stricter,
};

/// What `verify` makes of all cases.
struct Tally {
    accepted_by_both: usize,
    refused_by_both: usize,
    stricter: BTreeMap<Code, usize>,
    /// Sentences about cases that must not be.
    faults: Vec<String>,
}

fn tally(flagship: &Flagship, cases: &[Case]) -> Tally {
    let mut tally = Tally { accepted_by_both: 0, refused_by_both: 0, stricter: BTreeMap::new(), faults: Vec::new() };
    for case in cases {
        let codes = flagship.verdict(case);
        match (case.accepted, codes.is_empty()) {
            (true, true) => tally.accepted_by_both += 1,
            (false, false) => tally.refused_by_both += 1,
            (false, true) => tally.faults.push(format!("accepted, though the server refuses it: {}", case.title)),
            (true, false) => {
                for code in codes {
                    *tally.stricter.entry(code).or_default() += 1;
                    if stricter::reason(code).is_none() {
                        tally.faults.push(format!("refused with {code} for no written reason: {}", case.title));
                    }
                }
            }
        }
    }
    tally
}

fn printed(tally: &Tally, cases: usize) -> String {
    let Tally { accepted_by_both, refused_by_both, stricter, faults } = tally;
    let mut text = format!(
        "{cases} objects: {accepted_by_both} accepted by both, {refused_by_both} refused by both, {} faults\n",
        faults.len()
    );
    for (code, count) in stricter {
        writeln!(text, "stricter: {code} {count}, since {}", stricter::reason(*code).unwrap_or("?")).unwrap();
    }
    text
}

#[test]
#[allow(clippy::print_stdout, reason = "the figures are what the run is for")]
fn what_the_api_server_refuses_is_refused() {
    let flagship = Flagship::new();
    let cases = cases::all(&flagship);
    assert!(cases.len() >= 400, "only {} cases", cases.len());
    let mut tally = tally(&flagship, &cases);
    for code in stricter::codes().filter(|code| !tally.stricter.contains_key(code)) {
        tally.faults.push(format!("{code} is on the list, and no case needs it"));
    }
    print!("{}", printed(&tally, cases.len()));
    assert!(tally.faults.is_empty(), "{}\n{}", tally.faults.len(), tally.faults.join("\n"));
}

/// The table says what the server says: without this the test above would prove nothing.
#[test]
#[ignore = "needs crds: run by tests/run"]
#[allow(clippy::print_stdout, reason = "the figures are what the run is for")]
fn the_api_server_says_what_the_table_says() {
    let flagship = Flagship::new();
    let cases = cases::all(&flagship);
    let server = Server::connect();
    let namespace = Namespace::new(&server, "mutations", &serde_json::json!({}));
    let mut faults = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for case in &cases {
        let mut object = case.object.clone();
        if object["metadata"]["namespace"] == flagship.namespace() {
            object["metadata"]["namespace"] = namespace.name.clone().into();
        }
        match (server.would_take(&object), case.accepted) {
            (Ok(()), true) => accepted += 1,
            (Err(_), false) => refused += 1,
            (Ok(()), false) => faults.push(format!("{}: the server takes it", case.title)),
            (Err(why), true) => faults.push(format!("{}: {why}", case.title)),
        }
    }
    println!("{} objects sent: the server accepted {accepted} and refused {refused}, as the table says", cases.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(accepted >= 60 && refused >= 120, "{accepted} accepted, {refused} refused");
}
