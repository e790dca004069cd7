//! What carries another's claim, or none, is left alone; and is taken over only where somebody says so.

use std::collections::BTreeSet;

use serde_json::json;
use tenantry::{
    provision::Kind,
    steps::{Allow, Standing},
};

use super::{Apis, Flagship, GROCER, HOST, SHOP, apply, destroy, trouble, with};
use crate::battery::{Case, UID, assert_done, assert_untouched};

fn adopt(name: &str) -> Allow {
    Allow { adopt: BTreeSet::from([(Kind::HttpResource, name.to_owned())]), ..Allow::default() }
}

#[test]
fn our_shop_is_found_behind_pages_of_others_of_the_same_tenant_id() {
    let flagship = Flagship::new();
    flagship.websites.with(|websites| {
        for number in 0..5 {
            websites.add(SHOP, &format!("foreign-{number}.example.com"));
        }
    });
    // Five that match, and none of them ours: nothing is done.
    let reports = flagship.apply();
    assert!(trouble(&reports, "website").contains("exists and carries no claim"), "{reports:#?}");
    assert_eq!(flagship.writes(), Vec::<String>::new());
    // With ours beside them, on the third page, ours is meant.
    flagship.websites.with(|websites| {
        let id = websites.add(SHOP, "abc-corporation.collectverything.com");
        websites.websites.get_mut(&id).unwrap().owner = Some(format!("tenantry:{SHOP}:{UID}"));
    });
    let reports = flagship.apply();
    assert_eq!(trouble(&reports, "website"), "", "{reports:#?}");
    flagship.websites.with(|websites| {
        let (ours, others): (Vec<_>, Vec<_>) =
            websites.of(SHOP).into_iter().partition(|website| website.owner.is_some());
        assert_eq!((ours.len(), others.len(), ours[0].tier.as_str()), (1, 5, "premium"));
        assert!(others.iter().all(|website| website.tier == "basic"));
    });
    assert_untouched(&flagship.apply());
}

#[test]
fn a_server_that_knows_no_pages_is_read_once_more_and_no_further() {
    let flagship = Flagship::new();
    let document = with(&flagship.value(&flagship.store()), "website", |spec| {
        spec["lookup"]["pages"] = json!({"number": {"parameter": "seite"}});
    });
    assert_done(&flagship.apply_value(document.clone()));
    flagship.websites.forget();
    assert_untouched(&flagship.apply_value(document));
    assert_eq!(flagship.websites.requests(), 2);
}

#[test]
fn an_object_without_a_place_for_a_claim_is_taken_over_in_the_ledger() {
    let flagship = Flagship::new();
    let org = flagship.grafana.with(|grafana| grafana.add_org(SHOP));
    let document = || flagship.value(&flagship.store());
    let reports = flagship.apply();
    let refused = reports.iter().find(|report| report.id == "grafana").unwrap();
    assert_eq!(refused.standing, Standing::NotOurs);
    assert!(trouble(&reports, "grafana").contains("exists and carries no claim"), "{reports:#?}");
    let reports = apply(document(), adopt(&format!("{SHOP}/grafana")));
    assert_done(&reports);
    assert_eq!(flagship.grafana.with(|grafana| grafana.org(SHOP).unwrap().0), org);
    assert_untouched(&flagship.apply());
    assert_done(&destroy(document()));
    assert_eq!(flagship.dump(), "");
}

#[test]
fn an_object_with_a_place_for_a_claim_is_taken_over_by_writing_it() {
    let apis = Apis::new();
    let id = apis.proxy.with(|proxy| proxy.add(HOST, "somebody-elses"));
    let said = trouble(&apply(apis.only("route"), Allow::default()), "route");
    assert!(said.contains("exists and carries no claim"), "{said}");
    assert_done(&apply(apis.only("route"), adopt(&format!("{GROCER}/route"))));
    apis.proxy.with(|proxy| {
        let hosts = proxy.of(HOST);
        assert_eq!((hosts.len(), hosts[0].0), (1, id));
        assert_eq!(hosts[0].1["meta"]["owner"], format!("tenantry:{GROCER}:{UID}"));
    });
    assert_untouched(&apply(apis.only("route"), Allow::default()));
}

#[test]
fn a_branch_of_the_same_name_is_not_ours() {
    let apis = Apis::new();
    let foreign = apis.neon.with(|neon| neon.add(GROCER));
    let said = trouble(&apply(apis.only("database"), Allow::default()), "database");
    assert!(said.contains("exists and carries no claim"), "{said}");
    assert_eq!(apis.writes(), Vec::<String>::new());
    assert!(apis.neon.with(|neon| neon.branches.contains_key(&foreign)));
}

#[test]
fn two_of_ours_are_for_a_person_to_tell_apart_and_for_a_removal_to_remove() {
    let apis = Apis::new();
    assert_done(&apply(apis.only("database"), Allow::default()));
    apis.neon.with(|neon| {
        let second = neon.add(GROCER);
        neon.branches.get_mut(&second).unwrap().annotation = neon.named(GROCER)[1].1.annotation.clone();
    });
    let said = trouble(&apply(apis.only("database"), Allow::default()), "database");
    assert!(said.contains("2 objects match"), "{said}");
    assert_eq!(apis.neon.with(|neon| neon.named(GROCER).len()), 2);
    let reports = destroy(apis.only("database"));
    assert_eq!(trouble(&reports, "database"), "", "{reports:#?}");
    assert_eq!(apis.dump(), "");
}

#[test]
fn an_organisation_that_went_leaves_its_user_to_be_removed() {
    let flagship = Flagship::new();
    assert_done(&flagship.apply());
    flagship.grafana.with(|grafana| {
        let id = grafana.org(SHOP).unwrap().0;
        grafana.orgs.remove(&id);
    });
    let reports = destroy(flagship.value(&flagship.store()));
    assert!(reports.iter().all(|report| report.trouble.is_none()), "{reports:#?}");
    assert_eq!(flagship.dump(), "");
}

#[test]
fn without_a_way_to_change_or_delete_a_person_is_needed() {
    let apis = Apis::new();
    assert_done(&apply(apis.only("hostname"), Allow::default()));
    let strip = |key: &'static str| {
        with(&apis.only("hostname"), "hostname", |spec| drop(spec.as_object_mut().unwrap().remove(key)))
    };
    apis.cloudflare.with(|cloudflare| {
        cloudflare.hostnames.values_mut().for_each(|found| found.ssl["method"] = json!("txt"));
    });
    let said = trouble(&apply(strip("update"), Allow::default()), "hostname");
    assert!(said.contains("cannot be changed in place: `/ssl/method` \"txt\" → \"http\""), "{said}");
    let said = trouble(&destroy(strip("delete")), "hostname");
    assert!(said.contains("nothing says how to delete it"), "{said}");
    let replace = Allow { replace: true, ..Allow::default() };
    let reports = apply(strip("update"), replace);
    assert_eq!(trouble(&reports, "hostname"), "", "{reports:#?}");
    assert_eq!(apis.writes().len(), 3, "made, deleted, made anew");
}
