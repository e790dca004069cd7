//! Paths of output files: what a bundle may name a file.

use crate::diag::{Code, Diagnostic, Place};

/// The longest path below the manifests folder. Together with the folders above it stays far below 4,096.
const LONGEST: usize = 512;

/// The longest segment: the limit of every file system in use.
const LONGEST_SEGMENT: usize = 255;

/// Files that tenantry makes itself.
const RESERVED_FILES: [&str; 4] =
    ["kustomization.yaml", "hooks/provision.yaml", "provision-digest.yaml", "values.yaml"];

/// Folders that tenantry fills itself: parts of charts and kustomizations.
const RESERVED_FOLDERS: [&str; 5] = ["hooks/", "charts/", "components/", "crds/", "objects/"];

/// Why a text is no path of an output file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PathFault {
    #[error("the path is empty")]
    Empty,
    #[error("the path has more than {LONGEST} characters, or a part of it more than {LONGEST_SEGMENT}")]
    TooLong,
    #[error("the path is absolute")]
    Absolute,
    #[error("a part of the path is empty, `.` or `..`, or starts with a dot or a hyphen")]
    Segment,
    #[error("`{}` may not stand in a path", .0.escape_debug())]
    Character(char),
    #[error("the path does not end in `.yaml`")]
    Extension,
    #[error("Windows has no file called `{0}`")]
    Unportable(String),
    #[error("tenantry makes this file itself")]
    Reserved,
}

impl PathFault {
    /// Makes a finding of it.
    pub(super) fn finding(&self, place: Place, path: &str) -> Diagnostic {
        let help = match self {
            PathFault::Reserved => {
                "choose another name: kustomization.yaml, values.yaml, Chart.yaml and provision-digest.yaml, \
                 and the folders hooks, charts, components, crds and objects are taken"
                    .to_owned()
            }
            _ => "a path such as `services/{{ item.name }}.yaml`: letters, digits, `.`, `_` and `-`, with `/` between"
                .to_owned(),
        };
        let message = format!("the output `{}` is refused: {self}", path.escape_debug());
        Diagnostic::new(Code::TemplatePath, place, message, help)
    }
}

/// Returns whether Windows takes the name for a device, or cuts it: nobody could check the branch out there.
fn is_unportable(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_port = |name: &str| {
        stem.strip_prefix(name)
            .is_some_and(|number| number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    segment.ends_with('.') || matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || is_port("com") || is_port("lpt")
}

/// Looks at a path below the manifests folder.
///
/// Letters, digits, `.`, `_` and `-` only: kustomize takes some other texts for URLs, and every file system has these.
///
/// # Errors
/// The first reason against it.
pub(super) fn check(path: &str) -> Result<(), PathFault> {
    if path.is_empty() {
        return Err(PathFault::Empty);
    }
    if path.starts_with('/') {
        return Err(PathFault::Absolute);
    }
    if let Some(bad) = path.chars().find(|c| !matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' | '/')) {
        return Err(PathFault::Character(bad));
    }
    if path.split('/').any(|segment| segment.is_empty() || segment.starts_with(['.', '-'])) {
        return Err(PathFault::Segment);
    }
    if let Some(bad) = path.split('/').find(|segment| is_unportable(segment)) {
        return Err(PathFault::Unportable(bad.to_owned()));
    }
    if path.len() > LONGEST || path.split('/').any(|segment| segment.len() > LONGEST_SEGMENT) {
        return Err(PathFault::TooLong);
    }
    if !path.ends_with(".yaml") {
        return Err(PathFault::Extension);
    }
    // Case is ignored: on some file systems `Kustomization.yaml` would take the place of ours.
    let path = path.to_ascii_lowercase();
    let reserved = path == "chart.yaml"
        || RESERVED_FILES.contains(&path.as_str())
        || RESERVED_FOLDERS.iter().any(|folder| path.starts_with(folder));
    if reserved { Err(PathFault::Reserved) } else { Ok(()) }
}
