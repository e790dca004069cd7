//! Host names: subdomains of the platform, domains of customers, hosts of servers.

use core::net::IpAddr;

/// The most bytes of a host name (RFC 1035, without the root).
const MAX_LENGTH: usize = 253;

/// The most bytes of one label (RFC 1035).
const MAX_LABEL: usize = 63;

/// Why a text is no domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HostFault {
    /// Nothing, or nothing between two dots.
    #[error("a part between the dots is empty")]
    EmptyLabel,
    /// It ends with a dot.
    #[error("it ends with a dot")]
    TrailingDot,
    /// It holds `://`, a path or a user.
    #[error("it is a URL or an address, not a host name")]
    Url,
    /// It ends with a port.
    #[error("it holds a port")]
    Port,
    /// It holds `*`.
    #[error("wildcards are not allowed")]
    Wildcard,
    /// An address rather than a name.
    #[error("it is an IP address")]
    Address,
    /// A single label.
    #[error("it has no dot")]
    SingleLabel,
    /// A character that no host name holds.
    #[error("`{}` may not stand in a host name", .0.escape_debug())]
    Character(char),
    /// A label that starts or ends with a hyphen.
    #[error("the part `{0}` starts or ends with a hyphen")]
    Hyphen(String),
    /// A label or the whole is too long.
    #[error("it is too long: at most {MAX_LABEL} characters between two dots, {MAX_LENGTH} in all")]
    TooLong,
    /// IDNA refuses it, or it would turn into something that reads differently.
    #[error("it is no valid internationalised name")]
    Idna,
}

/// Returns a domain of at least two labels as lower-case A-labels, as DNS and certificates spell it.
///
/// # Errors
///
/// Why DNS would not take it, or why it would not be what a reader sees.
pub(super) fn parse(text: &str) -> Result<String, HostFault> {
    if text.contains(['/', '@', '?', '#']) {
        return Err(HostFault::Url);
    }
    if text.parse::<IpAddr>().is_ok() || text.starts_with('[') {
        return Err(HostFault::Address);
    }
    if text.contains(':') {
        return Err(HostFault::Port);
    }
    if text.contains('*') {
        return Err(HostFault::Wildcard);
    }
    if text.ends_with('.') && text.len() > 1 {
        return Err(HostFault::TrailingDot);
    }
    if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_ascii() && !is_label_character(*c) && *c != '.')
    {
        return Err(HostFault::Character(bad));
    }
    let ascii = idna::domain_to_ascii_strict(text).map_err(|_| plain_fault(text).unwrap_or(HostFault::Idna))?;
    if let Some(fault) = plain_fault(&ascii) {
        return Err(fault);
    }
    // IDNA also maps wide letters, ligatures and the like: then the name is not the one that the file shows.
    let lower = text.to_lowercase();
    let (unicode, round_trip) = idna::domain_to_unicode(&ascii);
    if ascii != lower && (round_trip.is_err() || unicode != lower) {
        return Err(HostFault::Idna);
    }
    match ascii.rsplit_once('.') {
        None => Err(HostFault::SingleLabel),
        Some((_, last)) if last.bytes().all(|b| b.is_ascii_digit()) => Err(HostFault::Address),
        Some(_) => Ok(ascii),
    }
}

fn is_label_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// Returns what is wrong with the labels of a name in ASCII.
fn plain_fault(name: &str) -> Option<HostFault> {
    if name.len() > MAX_LENGTH || name.split('.').any(|label| label.len() > MAX_LABEL) {
        return Some(HostFault::TooLong);
    }
    if name.split('.').any(str::is_empty) {
        return Some(HostFault::EmptyLabel);
    }
    let edge = name.split('.').find(|label| label.starts_with('-') || label.ends_with('-'));
    edge.map(|label| HostFault::Hyphen(label.to_owned()))
}

/// Returns whether `host` is `domain` or lies below it; both as A-labels.
pub(super) fn is_at_or_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Returns whether everybody may register names below `host`: it is nobody's own domain.
pub(super) fn is_public_suffix(host: &str) -> bool {
    psl::suffix_str(host) == Some(host)
}

/// Returns what is wrong with a single label below the platform's domain.
pub(super) fn subdomain_fault(label: &str) -> Option<&'static str> {
    let bytes = label.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_LABEL {
        Some("it must have 1 to 63 characters")
    } else if !bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-') {
        Some("it is made of lower-case letters, digits and hyphens, without dots")
    } else if label.starts_with('-') || label.ends_with('-') {
        Some("it must start and end with a letter or digit")
    } else if bytes.get(2..4) == Some(b"--") {
        Some("hyphens in third and fourth place mark encoded names such as `xn--…`")
    } else if bytes.iter().all(u8::is_ascii_digit) {
        Some("it must hold a letter")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_become_a_labels() {
        for (text, host) in [
            ("shop.abc-corp.com", "shop.abc-corp.com"),
            ("Shop.ABC-corp.COM", "shop.abc-corp.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("1und1.de", "1und1.de"),
            ("日本.jp", "xn--wgv71a.jp"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(host), "{text}");
        }
    }

    #[test]
    fn what_is_no_domain_is_refused_with_its_reason() {
        for (text, fault) in [
            ("", HostFault::EmptyLabel),
            ("a..com", HostFault::EmptyLabel),
            ("a.com.", HostFault::TrailingDot),
            ("https://a.com", HostFault::Url),
            ("a.com/b", HostFault::Url),
            ("a.com:443", HostFault::Port),
            ("*.a.com", HostFault::Wildcard),
            ("10.0.0.1", HostFault::Address),
            ("::1", HostFault::Address),
            ("169.254.169.254", HostFault::Address),
            ("a.123", HostFault::Address),
            ("localhost", HostFault::SingleLabel),
            ("a_b.com", HostFault::Character('_')),
            ("a b.com", HostFault::Character(' ')),
            ("-a.com", HostFault::Hyphen("-a".to_owned())),
            ("ａ.com", HostFault::Idna),
            ("xn--a.com", HostFault::Idna),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
        assert_eq!(parse(&format!("{}.com", "a".repeat(64))), Err(HostFault::TooLong));
        assert_eq!(parse(&format!("{}com", "a.".repeat(127))), Err(HostFault::TooLong));
    }

    #[test]
    fn suffixes_and_parents_are_known() {
        assert!(is_public_suffix("co.uk") && is_public_suffix("github.io") && !is_public_suffix("abc.co.uk"));
        assert!(
            is_at_or_below("a.b.com", "b.com")
                && is_at_or_below("b.com", "b.com")
                && !is_at_or_below("ab.com", "b.com")
        );
    }

    #[test]
    fn subdomains_are_one_plain_label() {
        for good in ["abc", "a-b", "7eleven", "a"] {
            assert_eq!(subdomain_fault(good), None, "{good}");
        }
        for bad in ["", "a.b", "A", "a_b", "-a", "a-", "xn--a", "123", &"a".repeat(64)] {
            assert!(subdomain_fault(bad).is_some(), "{bad}");
        }
    }
}
