//! One wish makes one object, whatever happens to the request and to its answer.

use serde_json::{Value, json};
use tenantry::steps::Standing;

use super::{Apis, Flagship, GROCER, HOST, SHOP, apply, destroy, only, trouble, with};
use crate::{
    battery::{Case, assert_done, assert_untouched},
    stand_ins::{Fault, On},
};

#[test]
fn a_shop_that_somebody_deleted_is_made_anew_though_its_key_is_used_up() {
    let flagship = Flagship::new();
    // Once more than a run has rounds: each shop has used up a key.
    for _ in 0..7 {
        assert_done(&flagship.apply());
        assert_eq!(flagship.websites.with(|websites| websites.of(SHOP).len()), 1);
        flagship.websites.with(|websites| websites.websites.clear());
    }
}

#[test]
fn a_key_belongs_to_one_wish() {
    let keys = |document: &dyn Fn(&Flagship) -> Value| {
        let flagship = Flagship::new();
        assert_done(&flagship.apply_value(only(&document(&flagship), "website")));
        let log = flagship.websites.log();
        let keys = log.iter().filter_map(|logged| logged.request.headers.get("idempotency-key").cloned());
        keys.collect::<Vec<_>>()
    };
    let plain = |flagship: &Flagship| flagship.value(&flagship.store());
    let other = |flagship: &Flagship| {
        with(&plain(flagship), "website", |spec| {
            spec["create"]["body"]["tier"] = json!("basic");
            spec["wanted"]["/tier"] = json!("basic");
        })
    };
    assert_eq!(keys(&plain).len(), 1);
    assert_eq!(keys(&plain), keys(&plain));
    assert_ne!(keys(&plain), keys(&other));
}

#[test]
fn a_post_whose_answer_is_lost_is_not_sent_again_and_its_answer_is_asked_for() {
    for fault in [Fault::CloseAfterwards, Fault::FailAfterwards, Fault::Truncate, Fault::Cut, Fault::Flood] {
        let apis = Apis::new();
        apis.neon.plant(On::Method("POST"), fault.clone());
        let reports = apply(apis.only("database"), Default::default());
        assert_eq!(trouble(&reports, "database"), "", "{fault:?}: the run must look again: {reports:#?}");
        let posts = apis.writes().iter().filter(|write| write.starts_with("POST")).count();
        let branches = apis.neon.with(|neon| neon.named(GROCER).len());
        assert_eq!((posts, branches, apis.neon.faults_waiting()), (1, 1, 0), "{fault:?}");
        let password = apis.neon.with(|neon| neon.named(GROCER)[0].1.roles["app_owner"].clone());
        assert!(apis.stored("database")["uri"].contains(&password), "{fault:?}");
        assert_untouched(&apply(apis.only("database"), Default::default()));
    }
}

#[test]
fn a_post_that_never_arrived_is_sent_by_the_next_run() {
    let apis = Apis::new();
    apis.neon.plant(On::Method("POST"), Fault::CloseBefore);
    let reports = apply(apis.only("database"), Default::default());
    let waits = trouble(&reports, "database").contains("another could make a second object");
    assert!(waits, "a POST was sent again whose answer is not known: {reports:#?}");
    assert!(reports[0].trouble.as_ref().unwrap().passes);
    assert_eq!(apis.writes(), ["POST /api/v2/projects/p1/branches"]);
    assert_done(&apply(apis.only("database"), Default::default()));
    assert_eq!(apis.neon.with(|neon| neon.named(GROCER).len()), 1);
}

#[test]
fn a_post_that_was_refused_for_now_is_sent_again() {
    let apis = Apis::new();
    apis.neon.with(|neon| neon.lock());
    let reports = apply(apis.only("database"), Default::default());
    assert_eq!(trouble(&reports, "database"), "", "{reports:#?}");
    assert_eq!(apis.neon.with(|neon| neon.named(GROCER).len()), 1);
}

#[test]
fn an_answer_that_is_lost_and_cannot_be_asked_for_needs_a_person() {
    let apis = Apis::new();
    let document =
        with(&apis.only("database"), "database", |spec| drop(spec.as_object_mut().unwrap().remove("reveal")));
    apis.neon.plant(On::Method("POST"), Fault::CloseAfterwards);
    let reports = apply(document.clone(), Default::default());
    assert!(trouble(&reports, "database").ends_with("the answer that held uri was lost"), "{reports:#?}");
    let replace = tenantry::steps::Allow { replace: true, ..Default::default() };
    let reports = apply(document, replace);
    assert_eq!(trouble(&reports, "database"), "", "{reports:#?}");
    assert!(apis.stored("database")["uri"].starts_with("postgresql://"));
    assert_eq!(apis.neon.with(|neon| neon.named(GROCER).len()), 1);
}

#[test]
fn a_domain_that_somebody_else_holds_stops_that_resource_for_good() {
    let flagship = Flagship::new();
    let domain = "abc-corporation.collectverything.com";
    flagship.websites.with(|websites| websites.add("somebody-else", domain));
    let reports = flagship.apply();
    let said = trouble(&reports, "website");
    assert!(said.contains("409") && said.contains("the domain is taken") && said.contains("holds its name"), "{said}");
    assert!(!reports.iter().find(|report| report.id == "website").unwrap().trouble.as_ref().unwrap().passes);
    assert_eq!(trouble(&reports, "grafana-user"), "", "the others are made all the same");
    assert_eq!(flagship.websites.with(|websites| websites.websites.len()), 1);
}

#[test]
fn a_route_that_somebody_else_holds_says_so_in_the_servers_words() {
    let apis = Apis::new();
    let document = with(&apis.only("route"), "route", |spec| {
        spec["lookup"]["containing"] = json!({"/domain_names": "never.example.com"});
    });
    apis.proxy.with(|proxy| proxy.add(HOST, "somebody-elses"));
    let said = trouble(&apply(document, Default::default()), "route");
    assert!(said.contains(&format!("{HOST} is already in use")), "{said}");
    assert_eq!(apis.proxy.with(|proxy| proxy.hosts.len()), 1);
}

#[test]
fn a_password_that_was_changed_by_hand_is_the_stored_one_again() {
    let flagship = Flagship::new();
    assert_done(&flagship.apply());
    let password = || flagship.grafana.with(|grafana| grafana.user(SHOP).unwrap().1.password.clone());
    let stored = password();
    assert_eq!(stored.len(), 32);
    let id = flagship.grafana.with(|grafana| grafana.user(SHOP).unwrap().0);
    flagship.grafana.with(|grafana| grafana.users.get_mut(&id).unwrap().password = "changed".to_owned());
    flagship.writes();
    let reports = flagship.apply();
    assert_eq!(flagship.writes(), [format!("PUT /api/admin/users/{id}/password")]);
    assert_eq!((password(), reports.iter().filter(|report| report.standing == Standing::Change).count()), (stored, 1));
}

#[test]
fn what_this_run_made_is_taken_back_and_nothing_else() {
    let flagship = Flagship::new();
    flagship.grafana.plant(On::EveryMethod("PUT"), Fault::Refuse { status: 500, retry_after: None });
    // The user can be made, and never be as wanted.
    let document = with(&flagship.value(&flagship.store()), "grafana-user", |spec| {
        spec["create"]["body"]["name"] = json!("Another");
    });
    let document: tenantry::provision::Document = serde_json::from_value(document).unwrap();
    let mut settings =
        crate::battery::settings(tenantry::engine::Purpose::Apply, Default::default(), Default::default());
    settings.roll_back = true;
    let reports = crate::battery::run(&document, &settings, &tenantry::engine::report::Unwatched);
    assert!(trouble(&reports, "grafana-user").contains("500"), "{reports:#?}");
    // The user is not what was made: it stays. What was made whole is gone.
    assert!(flagship.grafana.with(|grafana| grafana.user(SHOP).is_some()));
    assert!(flagship.websites.with(|websites| websites.websites.is_empty()), "{reports:#?}");
    assert!(flagship.grafana.with(|grafana| grafana.org(SHOP).is_none()), "{reports:#?}");
}

#[test]
fn a_removal_that_is_repeated_finds_nothing() {
    let flagship = Flagship::new();
    assert_done(&flagship.apply());
    flagship.websites.plant(On::Method("DELETE"), Fault::CloseAfterwards);
    let document = flagship.value(&flagship.store());
    let reports = destroy(document.clone());
    assert_eq!(trouble(&reports, "website"), "", "{reports:#?}");
    assert_eq!(flagship.dump(), "");
    assert!(destroy(document).iter().all(|report| report.standing == Standing::Gone));
}

#[test]
fn a_name_is_one_part_of_a_path_whatever_it_holds() {
    let flagship = Flagship::new();
    let name = "../admin/users?x=1&y=%2e#z";
    let document = only(&flagship.value(&flagship.store()), "grafana");
    let document = with(&document, "grafana", |spec| {
        // As `resolve` writes it for a name like this.
        let path = "/api/orgs/name/..%2Fadmin%2Fusers%3Fx%3D1%26y%3D%252e%23z";
        spec["lookup"]["call"]["path"] = json!(path);
        spec["create"]["body"]["name"] = json!(name);
    });
    assert_done(&flagship.apply_value(document.clone()));
    assert!(flagship.grafana.with(|grafana| grafana.org(name).is_some()));
    assert_untouched(&flagship.apply_value(document));
    let log = flagship.grafana.log();
    let paths: Vec<&str> = log.iter().map(|logged| logged.request.path.as_str()).collect();
    assert!(paths.iter().all(|path| path.starts_with("/api/orgs")), "{paths:?}");
}
