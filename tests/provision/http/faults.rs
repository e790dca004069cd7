//! Every fault at every request: one plain run afterwards ends where an undisturbed one does.

use std::fs;

use serde_json::json;
use tenantry::{provision::Document, steps::Allow};

use super::{Apis, CANARY, Flagship, NeonOnly, RouteOnly, Through, apply, only, trouble, with};
use crate::{
    battery::{Case, UID, assert_done, assert_untouched, is_done, plan},
    stand_ins::{Api, Fault, On, Server, websites::Websites},
};

/// Faults that end by themselves. Those that stall cost the engine's whole deadline and have a test of their own.
fn faults() -> Vec<Fault> {
    vec![
        Fault::Refuse { status: 429, retry_after: None },
        Fault::Refuse { status: 503, retry_after: Some("0") },
        Fault::Refuse { status: 423, retry_after: None },
        Fault::Refuse { status: 409, retry_after: None },
        Fault::Refuse { status: 401, retry_after: None },
        Fault::FailAfterwards,
        Fault::CloseBefore,
        Fault::CloseAfterwards,
        Fault::Page,
        Fault::Truncate,
        Fault::Cut,
        Fault::Flood,
        Fault::Redirect("http://127.0.0.1:1/".to_owned()),
    ]
}

/// Plants every fault at every request to one of the servers, and returns how many cases there were.
fn suffer<C: Case, A: Api>(new: fn() -> C, server: fn(&C) -> &Server<A>) -> usize {
    let document = |case: &C, store: &std::path::Path| case.document(UID, false, store);
    let calm = new();
    let store = tempfile::tempdir().unwrap();
    let value = |document: Document| serde_json::to_value(document).unwrap();
    assert_done(&apply(value(document(&calm, store.path())), Allow::default()));
    let (requests, wanted) = (server(&calm).requests(), calm.dump());
    let mut cases = 0;
    for fault in faults() {
        for number in 0..requests {
            let case = new();
            let store = tempfile::tempdir().unwrap();
            server(&case).plant(On::After(number), fault.clone());
            let reports = apply(value(document(&case, store.path())), Allow::default());
            let what = format!("{fault:?} at request {number}");
            assert_eq!(server(&case).faults_waiting(), 0, "{what} did not hit");
            assert!(!format!("{reports:?}").contains(CANARY), "{what}: {reports:?}");
            if is_done(&reports) {
                assert_eq!(case.dump(), wanted, "{what}: the run says that all is done, and it is not");
            }
            for run in 1.. {
                let reports = apply(value(document(&case, store.path())), Allow::default());
                if reports.iter().all(|report| report.trouble.is_none()) {
                    break;
                }
                assert!(run < 2, "{what}: {reports:#?}");
            }
            assert_eq!(case.dump(), wanted, "{what}");
            drop(case.writes());
            assert_untouched(&apply(value(document(&case, store.path())), Allow::default()));
            assert_eq!(case.writes(), Vec::<String>::new(), "{what}");
            cases += 1;
        }
    }
    cases
}

#[test]
fn every_fault_at_every_request_to_the_register() {
    assert!(suffer(Flagship::new, |flagship| &flagship.websites) >= 13 * 3);
}

#[test]
fn every_fault_at_every_request_to_grafana() {
    assert!(suffer(Flagship::new, |flagship| &flagship.grafana) >= 13 * 8);
}

#[test]
fn every_fault_at_every_request_to_neon() {
    assert!(suffer(|| NeonOnly::through(Through::None), |case| &case.0.neon) >= 13 * 5);
}

#[test]
fn every_fault_at_every_request_to_the_proxy_manager() {
    assert!(suffer(|| RouteOnly::through(Through::None), |case| &case.0.proxy) >= 13 * 5);
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let flagship = Flagship::new();
    let document: Document = serde_json::from_value(only(&flagship.value(&flagship.store()), "website")).unwrap();
    flagship.websites.plant(On::Every, Fault::Stall);
    let begun = std::time::Instant::now();
    let reports = plan(&document);
    assert!(trouble(&reports, "website").contains("no answer within"), "{reports:#?}");
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
}

#[test]
fn a_redirect_is_not_followed_and_nobody_else_gets_the_token() {
    let (flagship, trap) = (Flagship::new(), Server::start(Websites::new(CANARY, 10)));
    flagship.websites.plant(On::Every, Fault::Redirect(format!("{}/api/v1/websites", trap.url())));
    let reports = flagship.apply();
    assert!(trouble(&reports, "website").contains("307"), "{reports:#?}");
    assert_eq!(trap.requests(), 0);
}

#[test]
fn a_wrong_credential_is_named_and_not_shown() {
    let apis = Apis::new();
    for name in ["token", "password"] {
        fs::write(apis.files.path(name), "canary-wrong").unwrap();
    }
    let reports = apply(apis.value(&apis.files.path("store")), Allow::default());
    for (id, status) in [("database", "401"), ("hostname", "403"), ("route", "400")] {
        let said = trouble(&reports, id);
        assert!(said.contains(status) && said.contains("connection `"), "{said}");
        assert!(!reports.iter().find(|report| report.id == id).unwrap().trouble.as_ref().unwrap().passes, "{said}");
    }
    assert!(!format!("{reports:?}").contains("canary"), "{reports:?}");
    assert_eq!(apis.writes(), Vec::<String>::new());
}

#[test]
fn one_login_is_enough_for_a_run() {
    let apis = Apis::new();
    assert_done(&apply(apis.only("route"), Allow::default()));
    let logins = |apis: &Apis| apis.proxy.log().iter().filter(|logged| logged.request.path == "/api/tokens").count();
    assert_eq!(logins(&apis), 1);
}

#[test]
fn what_a_server_says_of_a_request_with_a_password_is_not_repeated() {
    let flagship = Flagship::new();
    // The server refuses with words that could quote the request.
    let document = with(&flagship.value(&flagship.store()), "grafana-user", |spec| {
        spec["create"]["body"]["password"] = json!("x");
        spec["create"]["body"]["note"] = json!("${secret.password}");
    });
    let reports = flagship.apply_value(document);
    let said = trouble(&reports, "grafana-user");
    assert!(said.contains("400") && !said.contains("Password is missing"), "{said}");
}
