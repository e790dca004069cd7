//! What the API server would refuse: the faults of an object against the schema of its kind.

use super::{findings::Findings, object::Object};
use crate::{
    diag::Code,
    kubernetes::{FaultKind, Schemas},
};

pub(super) fn check(schemas: &Schemas, object: &Object<'_>, findings: &mut Findings<'_>) {
    for fault in schemas.validate(object.value) {
        let code = code(fault.kind);
        findings.add(code, object, &fault.path, format!("{}: {}", object.title(), fault.message), fault.help);
    }
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
