//! E-mail addresses.

use super::{hosts, places::Finder, shape::shown};
use crate::diag::Code;

/// Finds what is wrong with an address. It goes into annotations and, later, into mail headers: one address, no name
/// around it, nothing that could end a header.
pub(super) fn check(finder: &mut Finder<'_>, pointer: &str, address: &str) {
    if let Some(fault) = fault(address) {
        finder.value(
            Code::InvalidEmail,
            pointer,
            format!("{} is no e-mail address: {fault}", shown(address)),
            "write one plain address, `admin@customer.example` for example",
        );
    }
}

/// The most bytes of an address (RFC 5321: a path of 256 with its angle brackets).
const MAX_LENGTH: usize = 254;

/// The most bytes in front of the `@` (RFC 5321).
const MAX_LOCAL: usize = 64;

fn fault(address: &str) -> Option<String> {
    let Some((local, domain)) = address.rsplit_once('@') else { return Some("it has no `@`".to_owned()) };
    if local.contains('@') {
        return Some("it has more than one `@`".to_owned());
    }
    if address.len() > MAX_LENGTH {
        return Some(format!("it has more than {MAX_LENGTH} characters"));
    }
    if local.is_empty() || local.len() > MAX_LOCAL {
        return Some(format!("the part in front of the `@` must have 1 to {MAX_LOCAL} characters"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if let Some(bad) = local.chars().find(|c| !allowed(*c)) {
        return Some(format!("`{}` may not stand in front of the `@`", bad.escape_debug()));
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Some("a dot in front of the `@` must stand between other characters".to_owned());
    }
    hosts::parse(domain).err().map(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn plain_addresses_are_taken_and_everything_else_is_not() {
        for good in ["admin@abc-corp.com", "a.b+c@x.example", "o'brien@x.example", "info@bücher.example"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in [
            "",
            "admin",
            "@abc.com",
            "admin@",
            "admin@localhost",
            "a b@abc.com",
            "Admin <admin@abc.com>",
            "a@abc.com,b@abc.com",
            "a@b@abc.com",
            "a@abc.com\nBcc: evil@x.com",
            ".a@abc.com",
            "a..b@abc.com",
            "a@[10.0.0.1]",
            "a@10.0.0.1",
            "a@-abc.com",
            &format!("{}@abc.com", "a".repeat(65)),
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
