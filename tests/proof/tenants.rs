//! Thirty tenants whose objects are called almost the same: in the wildcards of `LIKE` and `GRANT` (`_`), in globs and
//! regular expressions (`.`), by what one name has and the next one goes on with, and by what separates words.
//!
//! Names that differ by case, and names with `%` or `*`, cannot come: no naming pattern allows such characters.

use std::{
    collections::BTreeSet,
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use super::documents::Tenant;

/// What their objects are called, after what all of one run begin with.
const STEMS: [&str; 30] = [
    "a", "a_c", "a__c", "a-c", "a_x", "a-x", "axx", "aax", "a_x_x", "a-x_x", "ab", "abc", "abcd", "abcde", "a_b",
    "a-b", "axb", "azb", "a0b", "aab", "a_bc", "a-bc", "axbc", "a__b", "a--b", "axxb", "a_b_c", "a-b-c", "axbxc",
    "a-b_c",
];

/// Returns the thirty.
pub fn neighbours() -> Vec<Tenant> {
    let run = unique();
    let tenants = STEMS.iter().enumerate().map(|(number, stem)| tenant(&format!("{run}{stem}"), number));
    tenants.collect()
}

/// Returns one tenant whose names no other test has.
pub fn alone(number: usize) -> Tenant {
    tenant(&format!("{}n{number}", unique()), number)
}

fn tenant(stem: &str, number: usize) -> Tenant {
    // A tenant's name allows no `_`, and no `-` at its end or beside another.
    let name = stem.replace('_', "0u").replace('-', "-1h");
    Tenant { name, uid: format!("0192f0c1-0000-7000-8000-{number:012}"), stem: stem.to_owned() }
}

/// A short text that no other run of tests on the same servers has.
pub fn unique() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("p{:x}", (now.as_micros() as u64 ^ (u64::from(process::id()) << 20)) & 0xff_ffff)
}

#[test]
fn names_are_thirty_and_neighbours() {
    let tenants = neighbours();
    for name in [|tenant: &Tenant| tenant.name.clone(), |tenant: &Tenant| tenant.stem.clone()] {
        let names: BTreeSet<String> = tenants.iter().map(name).collect();
        assert_eq!(names.len(), 30);
        let continued =
            names.iter().filter(|name| names.iter().any(|other| other != *name && other.starts_with(*name)));
        assert!(continued.count() >= 5, "{names:?}");
    }
    // What `_` of one name stands for in a pattern.
    let objects: Vec<String> = tenants.iter().map(|tenant| tenant.stem.clone()).collect();
    let like = |pattern: &str, name: &str| {
        pattern.len() == name.len() && pattern.bytes().zip(name.bytes()).all(|(p, n)| p == b'_' || p == n)
    };
    let pairs = objects.iter().flat_map(|one| objects.iter().filter(move |other| *other != one && like(one, other)));
    assert!(pairs.count() >= 20);
}
