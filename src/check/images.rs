//! Container images and their tags.

use super::{places::Finder, shape::shown};
use crate::diag::Code;

/// The most characters of a tag (OCI distribution specification).
const MAX_TAG: usize = 128;

/// Finds what is wrong with an image without its tag.
pub(super) fn check_name(finder: &mut Finder<'_>, pointer: &str, image: &str) {
    let last = image.rsplit('/').next().unwrap_or_default();
    let fault = if last.contains(':') || image.contains('@') {
        Some("it holds a tag or a digest, which belongs into `tag`")
    } else if !is_repository(image) {
        Some("it is made of lower-case letters, digits, `.`, `_`, `-` and `/`, with a host in front")
    } else {
        None
    };
    if let Some(fault) = fault {
        let help = "write `registry.example/team/name`";
        finder.value(Code::InvalidImage, pointer, format!("{} is no image: {fault}", shown(image)), help);
    }
}

/// Finds what is wrong with a tag.
pub(super) fn check_tag(finder: &mut Finder<'_>, pointer: &str, tag: &str) {
    if tag == "latest" {
        finder.value(
            Code::ImageLatest,
            pointer,
            "the tag `latest` means another image tomorrow",
            "write the tag of one release, `v1.2.3` for example",
        );
    } else if !is_tag(tag) {
        let help = "write at most 128 letters, digits, `.`, `_` and `-`, with a letter, digit or `_` first";
        finder.value(Code::InvalidImage, pointer, format!("{} is no tag", shown(tag)), help);
    }
}

/// Finds what is wrong with an image that has its tag or digest in it.
pub(super) fn check_whole(finder: &mut Finder<'_>, pointer: &str, image: &str) {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let at = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name[at..].split_once(':') {
        Some((last, tag)) => (&name[..at + last.len()], Some(tag)),
        None => (name, None),
    };
    let digest_fits = digest.is_none_or(|digest| {
        digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    match tag {
        Some("latest") if digest.is_none() => check_tag(finder, pointer, "latest"),
        _ if !is_repository(repository)
            || !tag.is_none_or(is_tag)
            || !digest_fits
            || tag.is_none() && digest.is_none() =>
        {
            let help = "write `registry.example/team/name:v1.2.3`";
            finder.value(Code::InvalidImage, pointer, format!("{} is no image with a tag", shown(image)), help);
        }
        _ => {}
    }
}

fn is_repository(text: &str) -> bool {
    let (host, path) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), rest),
        _ => (None, text),
    };
    let host_fits = host.is_none_or(|host| {
        let (name, port) = host.split_once(':').unwrap_or((host, "1"));
        let edges = [name.bytes().next(), name.bytes().next_back()];
        edges.into_iter().all(|edge| edge.is_some_and(|byte| byte.is_ascii_alphanumeric()))
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
            && port.parse::<u16>().is_ok()
    });
    let segment_fits = |segment: &str| {
        let edges = segment.bytes().next().into_iter().chain(segment.bytes().next_back());
        !segment.is_empty()
            && segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
            && edges.into_iter().all(|b| b.is_ascii_alphanumeric())
    };
    host_fits && path.split('/').all(segment_fits)
}

fn is_tag(tag: &str) -> bool {
    (1..=MAX_TAG).contains(&tag.len())
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !tag.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_and_tags_follow_the_specification() {
        for good in ["nginx", "team/app", "registry.example:5000/team/app", "ghcr.io/a/b_c.d-e", "localhost/a"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in ["", "Team/app", "a//b", "/a", "a/", "a b", "a/-b", "host:x/a/B"] {
            assert!(!is_repository(bad), "{bad}");
        }
        assert!(is_tag("v1.2.3") && is_tag("_a") && !is_tag(".a") && !is_tag("") && !is_tag("a b"));
    }
}
