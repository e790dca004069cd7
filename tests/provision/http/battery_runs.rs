//! What every kind must stand, on both sets of servers.

use super::{Apis, Flagship, NeonOnly, RouteOnly, Through};
use crate::battery::Battery;

#[test]
fn http_resource_flagship_noop() {
    Battery::new(&Flagship::new()).noop();
}

#[test]
fn http_resource_flagship_create() {
    Battery::new(&Flagship::new()).create();
}

#[test]
fn http_resource_flagship_update() {
    Battery::new(&Flagship::new()).update();
}

#[test]
fn http_resource_flagship_repeat() {
    Battery::new(&Flagship::new()).repeat();
}

#[test]
fn http_resource_flagship_crash_after_n() {
    Battery::new(&Flagship::new()).crash_after_n();
}

#[test]
fn http_resource_flagship_foreign() {
    Battery::new(&Flagship::new()).foreign();
}

#[test]
fn http_resource_flagship_another_uid() {
    Battery::new(&Flagship::new()).another_uid();
}

#[test]
fn http_resource_flagship_drift() {
    Battery::new(&Flagship::new()).drift();
}

#[test]
fn http_resource_apis_noop() {
    Battery::new(&Apis::new()).noop();
}

#[test]
fn http_resource_apis_create() {
    Battery::new(&Apis::new()).create();
}

#[test]
fn http_resource_apis_update() {
    Battery::new(&Apis::new()).update();
}

#[test]
fn http_resource_apis_repeat() {
    Battery::new(&Apis::new()).repeat();
}

#[test]
fn http_resource_apis_crash_after_n() {
    Battery::new(&Apis::new()).crash_after_n();
}

#[test]
fn http_resource_apis_foreign() {
    Battery::new(&Apis::new()).foreign();
}

#[test]
fn http_resource_apis_another_uid() {
    Battery::new(&Apis::new()).another_uid();
}

#[test]
fn http_resource_apis_drift() {
    Battery::new(&Apis::new()).drift();
}

#[test]
#[ignore = "takes minutes: run by tests/run"]
fn http_resource_website_wire_faults() {
    Battery::new(&Flagship::through(Through::Websites)).wire_faults();
}

#[test]
#[ignore = "takes minutes: run by tests/run"]
fn http_resource_grafana_wire_faults() {
    Battery::new(&Flagship::through(Through::Grafana)).wire_faults();
}

#[test]
#[ignore = "takes minutes: run by tests/run"]
fn http_resource_neon_wire_faults() {
    Battery::new(&NeonOnly::through(Through::Neon)).wire_faults();
}

#[test]
#[ignore = "takes minutes: run by tests/run"]
fn http_resource_route_wire_faults() {
    Battery::new(&RouteOnly::through(Through::ProxyManager)).wire_faults();
}

#[test]
#[cfg(feature = "faults")]
#[ignore = "takes minutes: run by tests/run"]
fn http_resource_flagship_kill_at_every_point() {
    Battery::new(&Flagship::through(Through::Websites)).kill_at_every_point();
}

#[test]
#[cfg(feature = "faults")]
#[ignore = "takes minutes: run by tests/run"]
fn http_resource_neon_kill_at_every_point() {
    Battery::new(&NeonOnly::through(Through::Neon)).kill_at_every_point();
}

#[test]
#[cfg(feature = "faults")]
#[ignore = "takes minutes: run by tests/run"]
fn http_resource_route_kill_at_every_point() {
    Battery::new(&RouteOnly::through(Through::ProxyManager)).kill_at_every_point();
}
