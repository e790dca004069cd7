//! The rules that the API server has for names, labels and annotations.
//!
//! Source: k8s.io/apimachinery, pkg/util/validation and pkg/api/validation.

use std::fmt;

/// The longest DNS-1123 label, DNS-1035 label, label value and name part of a label key.
pub const LABEL_MAX: usize = 63;

/// The longest DNS-1123 subdomain.
pub const SUBDOMAIN_MAX: usize = 253;

/// The longest name of a CronJob: its Jobs get eleven characters more.
pub const CRON_JOB_MAX: usize = 52;

/// The longest name of a StatefulSet: a hyphen and a hash of ten characters go behind it, into a label.
pub const STATEFUL_SET_MAX: usize = 52;

/// The longest name of an InnoDBCluster (mysql-operator, deploy-crds.yaml).
pub const INNODB_CLUSTER_MAX: usize = 40;

/// The longest name of a Cluster of CloudNativePG (its admission webhook).
pub const CNPG_CLUSTER_MAX: usize = 50;

/// The most bytes that all annotations of an object may hold, keys included.
pub const ANNOTATIONS_MAX: usize = 256 * 1024;

/// The form of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `a-z 0-9 -`, alphanumeric at both ends.
    Dns1123Label,
    /// The same, and the first character is a letter.
    Dns1035Label,
    /// Labels joined by dots.
    Dns1123Subdomain,
    /// A segment of a path: no `/`, no `%`, not `.` or `..`. RBAC names look like `system:node`.
    PathSegment,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Dns1123Label => "lower-case letters, digits and `-`, with a letter or digit at both ends",
            Form::Dns1035Label => "lower-case letters, digits and `-`, with a letter first and a letter or digit last",
            Form::Dns1123Subdomain => {
                "lower-case letters, digits, `-` and `.`, with a letter or digit at both ends of each part"
            }
            Form::PathSegment => "any characters but `/` and `%`, and neither `.` nor `..`",
        })
    }
}

/// What a name is refused with; `Display` goes on after the name itself ("… is longer than 63 characters").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No character at all.
    #[error("is empty")]
    Empty,
    /// Too long.
    #[error("is {length} characters long, {max} are allowed")]
    TooLong {
        /// The length in bytes; allowed characters are one byte each.
        length: usize,
        /// The most that is allowed.
        max: usize,
    },
    /// Other characters than the form allows.
    #[error("is not made of {0}")]
    Form(Form),
    /// A key of a label or an annotation that has another form.
    #[error("is not a qualified name: an optional DNS prefix and `/`, then letters, digits, `-`, `_` and `.`")]
    Key,
    /// A label value of another form.
    #[error("is not made of letters, digits, `-`, `_` and `.`, with a letter or digit at both ends")]
    Value,
}

/// Returns the form and the greatest length of the names of a kind.
pub fn rule(group: &str, kind: &str) -> (Form, usize) {
    match (group, kind) {
        ("", "Namespace") => (Form::Dns1123Label, LABEL_MAX),
        ("", "Service") => (Form::Dns1035Label, LABEL_MAX),
        // The name becomes the label batch.kubernetes.io/job-name of its Pods.
        ("batch", "Job") => (Form::Dns1123Subdomain, LABEL_MAX),
        ("batch", "CronJob") => (Form::Dns1123Subdomain, CRON_JOB_MAX),
        // The name and a hash become the label controller-revision-hash of its Pods.
        ("apps", "StatefulSet") => (Form::Dns1123Subdomain, STATEFUL_SET_MAX),
        ("mysql.oracle.com", "InnoDBCluster") => (Form::Dns1123Label, INNODB_CLUSTER_MAX),
        ("postgresql.cnpg.io", "Cluster") => (Form::Dns1123Label, CNPG_CLUSTER_MAX),
        ("rbac.authorization.k8s.io", _) => (Form::PathSegment, usize::MAX),
        _ => (Form::Dns1123Subdomain, SUBDOMAIN_MAX),
    }
}

/// Checks the name of an object.
///
/// # Errors
///
/// The API server would refuse the name for this kind.
pub fn check_name(group: &str, kind: &str, name: &str) -> Result<(), NameError> {
    let (form, max) = rule(group, kind);
    check(form, max, name)
}

fn check(form: Form, max: usize, name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > max {
        return Err(NameError::TooLong { length: name.len(), max });
    }
    let fits = match form {
        Form::Dns1123Label => is_label(name),
        Form::Dns1035Label => is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        Form::Dns1123Subdomain => name.split('.').all(is_label),
        Form::PathSegment => !matches!(name, "." | "..") && !name.contains(['/', '%']),
    };
    if fits { Ok(()) } else { Err(NameError::Form(form)) }
}

/// Returns whether the text has the form of a DNS-1123 label, whatever its length.
fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    bytes.iter().all(inner) && bytes.first().is_some_and(|b| *b != b'-') && bytes.last() != Some(&b'-')
}

/// Checks a DNS-1123 label of at most 63 characters: the name of a container, a volume, a namespace.
///
/// # Errors
///
/// The text is empty, too long or of another form.
pub fn check_label_name(name: &str) -> Result<(), NameError> {
    check(Form::Dns1123Label, LABEL_MAX, name)
}

/// Returns whether the text is the name of a container port: an IANA service name of at most 15 characters with a letter in it.
pub fn is_port_name(name: &str) -> bool {
    name.len() <= 15 && is_label(name) && !name.contains("--") && name.bytes().any(|b| b.is_ascii_lowercase())
}

/// Checks the key of a label or an annotation.
///
/// # Errors
///
/// The key is no qualified name, or one of its parts is too long.
pub fn check_key(key: &str) -> Result<(), NameError> {
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            if prefix.len() > SUBDOMAIN_MAX {
                return Err(NameError::TooLong { length: prefix.len(), max: SUBDOMAIN_MAX });
            }
            if !prefix.split('.').all(is_label) {
                return Err(NameError::Key);
            }
            name
        }
        None => key,
    };
    match name.len() {
        0 => Err(NameError::Key),
        1..=LABEL_MAX if is_word(name) => Ok(()),
        1..=LABEL_MAX => Err(NameError::Key),
        length => Err(NameError::TooLong { length, max: LABEL_MAX }),
    }
}

/// Checks the value of a label. An empty one is fine.
///
/// # Errors
///
/// The value is too long or has other characters.
pub fn check_label_value(value: &str) -> Result<(), NameError> {
    match value.len() {
        0 => Ok(()),
        1..=LABEL_MAX if is_word(value) => Ok(()),
        1..=LABEL_MAX => Err(NameError::Value),
        length => Err(NameError::TooLong { length, max: LABEL_MAX }),
    }
}

fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    bytes.iter().all(inner)
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule_of_their_kind() {
        for (group, kind, good, bad) in [
            ("", "Namespace", "7-eleven", "a.b"),
            ("", "Service", "auth", "7-eleven"),
            ("apps", "Deployment", "auth.v2", "Auth"),
            ("rbac.authorization.k8s.io", "Role", "tenant:reader", "a/b"),
            ("", "ConfigMap", "a", "-a"),
            ("", "Secret", "a-b.c-d", "a..b"),
        ] {
            assert_eq!(check_name(group, kind, good), Ok(()), "{kind} {good}");
            assert!(matches!(check_name(group, kind, bad), Err(NameError::Form(_))), "{kind} {bad}");
        }
        assert_eq!(check_name("", "Pod", ""), Err(NameError::Empty));
    }

    #[test]
    fn lengths_are_exact() {
        for (group, kind, max) in [
            ("", "Namespace", 63),
            ("", "Service", 63),
            ("batch", "Job", 63),
            ("batch", "CronJob", 52),
            ("apps", "StatefulSet", 52),
            ("postgresql.cnpg.io", "Cluster", 50),
            ("mysql.oracle.com", "InnoDBCluster", 40),
            ("apps", "Deployment", 253),
        ] {
            assert_eq!(check_name(group, kind, &"a".repeat(max)), Ok(()), "{kind}");
            let length = max + 1;
            assert_eq!(check_name(group, kind, &"a".repeat(length)), Err(NameError::TooLong { length, max }), "{kind}");
        }
    }

    #[test]
    fn label_values_hold_no_addresses_or_times() {
        for good in ["", "a", "A_b.c-9", "v1.2.3"] {
            assert_eq!(check_label_value(good), Ok(()), "{good}");
        }
        for bad in ["admin@abc.com", "2025-01-01T10:00:00", "ABC Corporation", "-a", "a.", "café"] {
            assert_eq!(check_label_value(bad), Err(NameError::Value), "{bad}");
        }
        assert!(matches!(check_label_value(&"a".repeat(64)), Err(NameError::TooLong { length: 64, max: 63 })));
    }

    #[test]
    fn keys_have_an_optional_prefix() {
        for good in ["app", "app.kubernetes.io/name", "a_B.c", "pod-security.kubernetes.io/enforce"] {
            assert_eq!(check_key(good), Ok(()), "{good}");
        }
        for bad in ["", "/name", "a/", "a/b/c", "A.b/name", "a b", "tenant/"] {
            assert_eq!(check_key(bad), Err(NameError::Key), "{bad}");
        }
    }

    #[test]
    fn port_names_are_short_and_hold_a_letter() {
        assert!(["http", "a1", "metrics", "x-9"].into_iter().all(is_port_name));
        assert!(!["8080", "a--b", "averyveryverylong", "HTTP", ""].into_iter().any(is_port_name));
    }
}
