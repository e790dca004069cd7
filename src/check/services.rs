//! Rules on the services of a tier.

use super::{
    images, naming,
    places::{Finder, below},
    quantities,
    shape::shown,
};
use crate::{
    diag::Code,
    raw::{
        service::{Autoscaling, Migration, Service},
        tier::TierSpec,
    },
};

/// Checks all services.
pub(super) fn check(finder: &mut Finder<'_>, tier: &TierSpec) {
    for (name, service) in &tier.services {
        let pointer = below("/services", name);
        naming::key(finder, &pointer, name);
        check_service(finder, &pointer, service);
    }
}

fn check_service(finder: &mut Finder<'_>, pointer: &str, service: &Service) {
    images::check_name(finder, &below(pointer, "image"), &service.image);
    images::check_tag(finder, &below(pointer, "tag"), &service.tag);
    quantities::resources(finder, &below(pointer, "resources"), &service.resources);
    if let Some(scaling) = &service.autoscaling {
        check_scaling(finder, pointer, service.replicas, scaling);
    }
    if let Some(Migration { resources: Some(resources), .. }) = &service.migration {
        quantities::resources(finder, &format!("{pointer}/migration/resources"), resources);
    }
    for (key, value) in &service.env {
        check_variable(finder, &below(&below(pointer, "env"), key), key, value);
    }
}

fn check_scaling(finder: &mut Finder<'_>, pointer: &str, replicas: u32, scaling: &Autoscaling) {
    let Autoscaling { min_replicas, max_replicas, target_cpu_percent: _ } = scaling;
    if min_replicas > max_replicas {
        let at = format!("{pointer}/autoscaling/minReplicas");
        let message = format!("the least number of Pods, {min_replicas}, is above the most, {max_replicas}");
        finder.value(Code::ReplicaRange, &at, message, "swap them, or raise `maxReplicas`");
    } else if !(min_replicas..=max_replicas).contains(&&replicas) && !finder.is_refused(&below(pointer, "replicas")) {
        let message =
            format!("the service starts with {replicas} Pods, but scales between {min_replicas} and {max_replicas}");
        let help = "write `replicas` within that range, or change the range";
        finder.key(Code::ReplicaRange, &below(pointer, "autoscaling"), message, help);
    }
}

fn check_variable(finder: &mut Finder<'_>, pointer: &str, key: &str, value: &str) {
    let first = key.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !first || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        let help = "write letters, digits and `_`, without a digit first";
        let message = format!("{} is no name of an environment variable", shown(key));
        finder.key(Code::InvalidVariableName, pointer, message, help);
    }
    if !value.is_empty() && holds_credential(key) {
        finder.value(
            Code::InlineCredential,
            pointer,
            format!("{} looks like a credential, written in clear", shown(key)),
            "take it out and let the template read it from the secret of a provision",
        );
    }
}

/// Returns whether a key names a credential. Only the end counts: `TOKEN_LIFETIME` holds a number, `API_TOKEN` does not.
pub(super) fn holds_credential(key: &str) -> bool {
    let letters: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "apikey", "secretkey", "privatekey"]
        .iter()
        .any(|end| letters.ends_with(end))
}
