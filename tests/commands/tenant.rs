//! `tenant new`: a file that is right, or none.

use std::fs;

use crate::estate::{Scratch, stderr, stdout};

fn tenants(scratch: &Scratch) -> Vec<String> {
    let entries = fs::read_dir(scratch.path().join("tenants")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_tenant_passes_check() {
    let scratch = Scratch::starter();
    for name in ["Café Zoë & Söhne", "ABC Corporation", "ABC Corporation", "3M: \"quoted\" # not a comment", "北京烤鸭"]
    {
        let made = scratch.run(&["tenant", "new", name, "--tier", "standard", "--admin", "a@example.com"]).success();
        assert!(stdout(&made).trim_end().ends_with(".yaml"));
    }
    assert_eq!(tenants(&scratch).len(), 6);
    assert!(tenants(&scratch).iter().any(|name| name.starts_with("cafe-zoe-sohne-")), "{:?}", tenants(&scratch));
    let checked = scratch.run(&["check", "--rendered"]).success();
    assert!(stdout(&checked).contains("6 tenants"));
    let list = stdout(&scratch.run(&["tenant", "list"]).success());
    assert!(list.contains("Café Zoë & Söhne") && list.starts_with("NAME"), "{list}");
}

#[test]
fn a_wrong_tenant_is_told_and_not_written() {
    let scratch = Scratch::starter();
    let wrong = scratch.run(&["tenant", "new", "X", "--tier", "standart", "--admin", "not an address"]).code(1);
    assert!(stderr(&wrong).contains("standard"), "{}", stderr(&wrong));
    assert_eq!(tenants(&scratch).len(), 1);
}
