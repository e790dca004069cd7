//! The uid of a tenant.

use crate::{
    check::{places::Finder, shape::shown},
    diag::Code,
};

/// Returns the uid in lower case, if it is one.
pub(in crate::check) fn check(finder: &mut Finder<'_>, uid: &str) -> Option<String> {
    if is_uuid(uid) {
        return Some(uid.to_ascii_lowercase());
    }
    let help = "let `tenantry tenant new` give one, or write any UUID once; it never changes after that";
    finder.value(Code::InvalidUid, "/metadata/uid", format!("{} is no UUID", shown(uid)), help);
    None
}

/// The text form of RFC 9562 with its version and variant: a placeholder such as the nil UUID is no identity.
fn is_uuid(text: &str) -> bool {
    let form = |at: usize, b: u8| match at {
        8 | 13 | 18 | 23 => b == b'-',
        14 => matches!(b, b'1'..=b'8'),
        19 => matches!(b, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
        _ => b.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(|(at, b)| form(at, b))
}

#[cfg(test)]
mod tests {
    use super::is_uuid;

    #[test]
    fn only_real_uuids_are_identities() {
        for good in ["0192f0c1-7d3e-7abc-8def-0123456789ab", "0192F0C1-7D3E-4ABC-BDEF-0123456789AB"] {
            assert!(is_uuid(good), "{good}");
        }
        for bad in [
            "",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "0192f0c17d3e7abc8def0123456789ab",
            "{0192f0c1-7d3e-7abc-8def-0123456789ab}",
            "0192f0c1-7d3e-7abc-8def-0123456789a",
            "0192f0c1-7d3e-7abc-8def-0123456789ag",
            "0192f0c1-7d3e-7abc-8def-0123456789ａ",
        ] {
            assert!(!is_uuid(bad), "{bad}");
        }
    }
}
