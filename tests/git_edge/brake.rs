//! The brake: an estate that lost its tenants, or a wrong folder, never reads as their deletion.

use std::fs;

use crate::platform::{Platform, words};

fn platform_with(tenants: usize) -> (Platform, crate::platform::Clone) {
    let platform = Platform::new();
    let clone = platform.clone("clone");
    (1..tenants).for_each(|number| drop(clone.add_tenant(number)));
    clone.push_source();
    clone.pushed();
    (platform, clone)
}

#[test]
fn an_estate_without_its_tenants_deletes_nothing() {
    let (platform, clone) = platform_with(4);
    let before = platform.tip("rendered");
    for number in 1..=3 {
        fs::remove_file(clone.path().join(format!("tenants/customer-{number:06}.yaml"))).unwrap();
    }
    clone.record("a bad merge");
    let output = clone.push(&[]);
    assert_eq!(platform.tip("rendered"), before, "the brake does not hold: {}", words(&output));
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    assert!(words(&output).contains("--dangerous-allow-removals 3"), "{}", words(&output));
    // No number lets an estate go that is empty, or gone itself.
    fs::remove_dir_all(clone.path().join("tenants")).unwrap();
    clone.record("a worse one");
    let output = clone.push(&["--dangerous-allow-removals", "4"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    fs::remove_file(clone.path().join("tenantry.yaml")).unwrap();
    clone.record("the worst");
    assert_eq!(clone.push(&["--dangerous-allow-removals", "4"]).status.code(), Some(2));
    assert_eq!(platform.tip("rendered"), before);
}

/// A pipeline's clone has no local output branch: what the remote's holds is what counts.
#[test]
fn a_fresh_clone_brakes_by_what_the_remote_has() {
    let (platform, clone) = platform_with(4);
    for number in 1..=2 {
        fs::remove_file(clone.path().join(format!("tenants/customer-{number:06}.yaml"))).unwrap();
    }
    clone.record("two gone");
    clone.push_source();
    let fresh = platform.clone("fresh");
    for (more, code) in [
        (&[][..], 4),
        (&["--dangerous-allow-removals", "1"], 4),
        (&["--dangerous-allow-removals", "3"], 4),
        (&["--dangerous-allow-removals", "2"], 0),
    ] {
        let output = fresh.push(more);
        assert_eq!(output.status.code(), Some(code), "{}", words(&output));
    }
    assert_eq!(platform.rendered("rendered").len(), 2);
}

#[test]
fn one_tenant_may_go_without_ado() {
    let (platform, clone) = platform_with(3);
    fs::remove_file(clone.path().join("tenants/customer-000001.yaml")).unwrap();
    clone.record("one gone");
    clone.pushed();
    assert_eq!(platform.rendered("rendered").len(), 2);
}
