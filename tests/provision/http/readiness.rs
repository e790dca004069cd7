//! Objects that become ready, take too long, or never will.

use std::time::{Duration, Instant};

use serde_json::json;
use tenantry::steps::Allow;

use super::{Apis, HOST, apply, trouble, with};
use crate::{
    battery::{Case, assert_done, assert_untouched},
    stand_ins::{Fault, On, cloudflare::Outcome},
};

#[test]
fn a_hostname_is_waited_for_until_both_its_states_are_active() {
    let apis = Apis::new();
    let reports = apply(apis.only("hostname"), Allow::default());
    assert_done(&reports);
    let steps: Vec<&str> = reports[0].steps.iter().map(|step| step.action.as_str()).collect();
    assert_eq!(steps, ["store-credential", "http-create-object", "http-await-object"]);
    assert_eq!(apis.cloudflare.with(|cloudflare| cloudflare.hostname(HOST).unwrap().1.states()), ("active", "active"));
    assert_eq!(apis.writes().len(), 1);
}

#[test]
fn a_hostname_that_never_will_be_ready_stops_at_once_and_says_why() {
    for (outcome, why) in [
        (Outcome::ValidationTimedOut, "`/ssl/status` is \"validation_timed_out\""),
        (Outcome::Blocked, "`/status` is \"blocked\""),
    ] {
        let apis = Apis::new();
        apis.cloudflare.with(|cloudflare| cloudflare.outcome = outcome);
        let reports = apply(apis.only("hostname"), Allow::default());
        let said = trouble(&reports, "hostname");
        assert!(said.contains("it will not become ready") && said.contains(why), "{said}");
        assert!(!reports[0].trouble.as_ref().unwrap().passes);
        assert_eq!(apis.writes().len(), 1);
        // Mended at the provider's, the next run has nothing to do.
        apis.cloudflare.with(|cloudflare| {
            cloudflare.hostnames.values_mut().for_each(|found| (found.outcome, found.stage) = (Outcome::Active, 4));
        });
        assert_untouched(&apply(apis.only("hostname"), Allow::default()));
    }
}

#[test]
fn a_hostname_that_nobody_points_at_us_ends_the_wait_once() {
    let apis = Apis::new();
    apis.cloudflare.with(|cloudflare| cloudflare.outcome = Outcome::Waiting);
    let document = with(&apis.only("hostname"), "hostname", |spec| spec["readyWhen"]["timeoutSeconds"] = json!(2));
    let begun = Instant::now();
    let reports = apply(document, Allow::default());
    let said = trouble(&reports, "hostname");
    assert!(
        said.contains("not ready after 2 s: `/ssl/status` is \"pending_validation\", `/status` is \"pending\""),
        "{said}"
    );
    assert!(reports[0].trouble.as_ref().unwrap().passes, "the customer may still do it");
    assert!(begun.elapsed() < Duration::from_secs(5), "the wait is not begun again in every round");
    assert_eq!(apis.writes().len(), 1);
}

#[test]
fn a_route_that_nginx_refuses_is_made_and_not_ready() {
    let apis = Apis::new();
    apis.proxy.with(|proxy| proxy.nginx_error = Some("unknown directive".to_owned()));
    let reports = apply(apis.only("route"), Allow::default());
    let said = trouble(&reports, "route");
    assert!(said.contains("it will not become ready: `/meta/nginx_online` is false"), "{said}");
    assert_eq!(apis.proxy.with(|proxy| proxy.of(HOST).len()), 1);
}

#[test]
fn a_server_is_given_the_time_that_it_asks_for() {
    let apis = Apis::new();
    apis.cloudflare.plant(On::Method("POST"), Fault::Refuse { status: 429, retry_after: Some("2") });
    let begun = Instant::now();
    let reports = apply(apis.only("hostname"), Allow::default());
    assert_eq!(trouble(&reports, "hostname"), "", "{reports:#?}");
    assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(apis.writes().len(), 2);

    let apis = Apis::new();
    apis.cloudflare.plant(On::Next, Fault::Refuse { status: 503, retry_after: Some("3600") });
    let begun = Instant::now();
    let said = trouble(&apply(apis.only("hostname"), Allow::default()), "hostname");
    assert!(said.contains("the server asks to come back in 3"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(apis.cloudflare.requests(), 1);
}
