//! Thirty tenants with almost equal names on real servers: each reaches its own and nothing of anybody else's.

use std::{collections::BTreeSet, time::Instant};

use serde_json::{Value, json};

use super::{
    administrator,
    documents::{self, KINDS_WITH_LOGIN, TRIES_ON_ANOTHER, Tenant, Variant},
    program::Program,
    servers::Servers,
    stores::Store,
    tenants,
};
use crate::arguments;

/// Returns the one resource of a kind and an id.
fn resource<'d>(document: &'d Value, like: &Value) -> &'d Value {
    let resources = document["resources"].as_array().unwrap();
    resources.iter().find(|resource| resource["kind"] == like["kind"] && resource["id"] == like["id"]).unwrap()
}

#[track_caller]
fn assert_shut(matrix: &Value, tenants: &[Tenant]) {
    for word in ["holes", "lockedOut", "unknown"] {
        assert_eq!(matrix[word], json!([]), "{word}");
    }
    let others = tenants.len() - 1;
    assert_eq!(matrix["own"], tenants.len() * KINDS_WITH_LOGIN);
    assert_eq!(matrix["denied"], tenants.len() * others * TRIES_ON_ANOTHER);
    for from in tenants {
        for to in tenants {
            let tries = &matrix["pairs"][&from.name][&to.name];
            let wanted = if from.name == to.name { KINDS_WITH_LOGIN } else { TRIES_ON_ANOTHER };
            assert_eq!(*tries, wanted, "{} on {}", from.name, to.name);
        }
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn thirty_tenants_reach_nothing_of_each_other() {
    let (servers, folder) = (Servers::find(), tempfile::tempdir().unwrap());
    administrator::make_pool();
    let (tree, temporary) = (folder.path().join("tree"), folder.path().join("temporary"));
    std::fs::create_dir(&temporary).unwrap();
    let store = Store::Directory(folder.path().join("store"));
    let program = Program::new(servers.environment(), &temporary);
    let tenants = tenants::neighbours();
    let connections = servers.connections();
    let made = |tenant: &Tenant| documents::document(tenant, Variant::Last, &connections, &store.connection());
    let documents: Vec<Value> = tenants.iter().map(made).collect();
    documents::write_tree(&tree, &documents);

    let start = Instant::now();
    let apply = || program.run(arguments!["provision", "apply", "--all", "--from", &tree, "--format", "json"]);
    let report = apply().report(0);
    println!("isolation: {} resources made in {:.1?}", report["resources"].as_array().unwrap().len(), start.elapsed());
    let start = Instant::now();
    let isolation = |whose: &str| program.run(arguments!["isolation", whose, "--from", &tree, "--format", "json"]);
    let matrix = isolation("--all").report(0);
    assert_shut(&matrix, &tenants);
    println!("isolation: {} own, {} denied, 0 holes in {:.1?}", matrix["own"], matrix["denied"], start.elapsed());

    // Holes that somebody opened by hand are named, one kind after the other.
    let mut opened = BTreeSet::new();
    let (one, other) = (&documents[14], &documents[16]);
    for from in one["resources"].as_array().unwrap() {
        if !administrator::open_hole(&servers, from, resource(other, from)) {
            continue;
        }
        let found = isolation(&tenants[14].name).report(4);
        opened.insert(from["kind"].as_str().unwrap().to_owned());
        let holes = found["holes"].as_array().unwrap();
        let is_named = holes.iter().any(|hole| {
            hole["kind"] == from["kind"]
                && hole["credential"]["tenant"] == tenants[14].name
                && hole["target"]["tenant"] == tenants[16].name
        });
        assert!(is_named, "{}: {found:#}", from["kind"]);
        assert!(holes.iter().all(|hole| hole["credential"]["tenant"] == tenants[14].name), "{found:#}");
    }
    // No hole is opened by hand in the object store.
    assert_eq!(opened.len(), KINDS_WITH_LOGIN - 1, "{opened:?}");
    println!("isolation: {} holes opened by hand, each found: {opened:?}", opened.len());

    // And closed by the next run. What Grafana calls an administrator the documents do not speak of.
    servers.grafana.with(|grafana| {
        grafana.users.iter_mut().filter(|(id, _)| **id > 1).for_each(|(_, user)| user.admin = false);
    });
    apply().report(0);
    assert_shut(&isolation("--all").report(0), &tenants);
    for document in &documents {
        destroy(&program, document);
    }
}

/// Takes away what a tenant has.
#[track_caller]
pub fn destroy(program: &Program, document: &Value) {
    let file = program.temporary.join("leaving.yaml");
    std::fs::write(&file, documents::leaving(document.clone()).to_string()).unwrap();
    let tenant = document["metadata"]["tenant"].as_str().unwrap();
    program
        .run(arguments![
            "provision",
            "destroy",
            "--document",
            &file,
            "--without-backup",
            "--yes-destroy",
            tenant,
            "--format",
            "json"
        ])
        .report(0);
    std::fs::remove_file(file).unwrap();
}
