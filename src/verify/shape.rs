//! What the API server would refuse: the faults of an object against the schema of its kind, and a kind that the clusters do not serve.

use super::{findings::Findings, object::Object};
use crate::{
    diag::Code,
    kubernetes::{
        FaultKind, Schemas,
        releases::{self, Standing},
    },
};

pub(super) fn check(schemas: &Schemas, minor: Option<u8>, object: &Object<'_>, findings: &mut Findings<'_>) {
    let told = standing(minor, object, findings);
    for fault in schemas.validate(object.value) {
        // Where a kind stands in this very release is told already.
        if told && matches!(fault.kind, FaultKind::RetiredVersion | FaultKind::UnknownKind) {
            continue;
        }
        let code = code(fault.kind);
        findings.add(code, object, &fault.path, format!("{}: {}", object.title(), fault.message), fault.help);
    }
}

/// Says where the object's kind stands in the clusters' release; without one, only what is about to go by the newest.
fn standing(minor: Option<u8>, object: &Object<'_>, findings: &mut Findings<'_>) -> bool {
    let name = |minor: u8| format!("Kubernetes 1.{minor}");
    let said = minor.unwrap_or(releases::NEWEST);
    let write = |instead: Option<&str>| {
        instead.map_or("look for its successor".to_owned(), |instead| format!("use `apiVersion: {instead}`"))
    };
    let (code, message, help) = match releases::standing(object.api_version, object.kind, said) {
        Standing::Served => return false,
        Standing::TooNew(from) => (
            Code::ObjectVersionTooNew,
            format!("comes with {}, and the clusters run 1.{said}", name(from)),
            "upgrade the clusters first, and then `spec.kubernetesVersion` of tenantry.yaml".to_owned(),
        ),
        Standing::Gone { since, instead } => {
            (Code::ObjectRetiredVersion, format!("is gone since {}", name(since)), write(instead))
        }
        Standing::Aged { gone: Some(gone), instead } => {
            (Code::ObjectDeprecatedVersion, format!("goes with {}", name(gone)), write(instead))
        }
        Standing::Aged { gone: None, instead } => {
            (Code::ObjectDeprecatedVersion, "is deprecated".to_owned(), write(instead))
        }
    };
    findings.add(
        code,
        object,
        "/apiVersion",
        format!("{}: `{}` {} {message}", object.title(), object.api_version, object.kind),
        help,
    );
    true
}

fn code(kind: FaultKind) -> Code {
    match kind {
        FaultKind::UnknownField => Code::ObjectUnknownField,
        FaultKind::MissingField => Code::ObjectMissingField,
        FaultKind::WrongType => Code::ObjectWrongType,
        FaultKind::NotOneOf
        | FaultKind::OutOfRange
        | FaultKind::WrongLength
        | FaultKind::WrongForm
        | FaultKind::Duplicate
        | FaultKind::Combination
        | FaultKind::TooDeep => Code::ObjectWrongValue,
        FaultKind::InvalidName => Code::ObjectName,
        FaultKind::InvalidLabel => Code::ObjectLabel,
        FaultKind::RetiredVersion => Code::ObjectRetiredVersion,
        FaultKind::UnknownKind => Code::ObjectUnknownKind,
    }
}
