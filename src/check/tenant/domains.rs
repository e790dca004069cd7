//! The hosts of a tenant: its place below the platform's domain, and the domains that it owns.

use crate::{
    check::{hosts, places::Finder, platform::Facts, shape::shown, text},
    diag::Code,
};

/// Finds what is wrong with the subdomain. `given` is absent where the name stands for it.
pub(super) fn subdomain(finder: &mut Finder<'_>, given: Option<&str>, host: &str, facts: &Facts) {
    let pointer = if given.is_some() { "/spec/subdomain" } else { "/metadata/name" };
    if let Some(given) = given
        && let Some(fault) = hosts::subdomain_fault(given)
    {
        let help = "write one part of a host name: lower-case letters, digits and hyphens";
        finder.value(Code::InvalidSubdomain, pointer, format!("{} is no subdomain: {fault}", shown(given)), help);
    }
    if facts.reserved.contains(host) {
        let message = format!("the subdomain {} is reserved for the platform", shown(host));
        finder.value(Code::ReservedSubdomain, pointer, message, "write another one under `spec.subdomain`");
    }
}

/// Returns the further hosts as A-labels with their index, without those that are none.
pub(super) fn custom(finder: &mut Finder<'_>, domains: &[String], facts: &Facts) -> Vec<(usize, String)> {
    let mut hosts: Vec<(usize, String)> = Vec::with_capacity(domains.len());
    for (index, domain) in domains.iter().enumerate() {
        let pointer = format!("/spec/customDomains/{index}");
        let host = match hosts::parse(domain) {
            Ok(host) => host,
            Err(fault) => {
                let help = "write a host that the customer owns, `shop.customer.com` for example";
                finder.value(Code::InvalidDomain, &pointer, format!("{} is no domain: {fault}", shown(domain)), help);
                continue;
            }
        };
        text::mixed_scripts(finder, &pointer, domain);
        if let Some(platform) = facts.domain.as_deref().filter(|platform| hosts::is_at_or_below(&host, platform)) {
            let message = format!("{} belongs to the platform's own domain `{platform}`", shown(domain));
            finder.value(Code::PlatformDomain, &pointer, message, "use `spec.subdomain` for a host below that domain");
        } else if facts.domain.as_deref().is_some_and(|platform| hosts::is_at_or_below(platform, &host)) {
            let message = format!("the platform's own domain lies below {}", shown(domain));
            finder.value(Code::PlatformDomain, &pointer, message, "write a host that the customer owns");
        } else if hosts::is_public_suffix(&host) {
            let message = format!("everybody may register names below {}, so nobody owns it", shown(domain));
            finder.value(Code::PublicSuffix, &pointer, message, "write the customer's own domain below it");
        }
        if let Some((first, _)) = hosts.iter().find(|(_, other)| *other == host) {
            let first = finder.place(&format!("/spec/customDomains/{first}"));
            let message = format!("the host `{host}` is given twice");
            if let Some(finding) = finder.value(Code::DuplicateHost, &pointer, message, "take one of them out") {
                finding.related.push((first, "first given here".to_owned()));
            }
            continue;
        }
        hosts.push((index, host));
    }
    hosts
}
