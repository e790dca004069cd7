//! Rules on `schemas/crds/`: published CustomResourceDefinitions of kinds that have no built-in schema.

use serde_json::Value;

use super::files::Files;
use crate::{
    diag::{Code, Diagnostic, Place, Position, Span},
    kubernetes::Schemas,
    yaml::{self, ReadError},
};

/// The definitions of an estate.
pub(super) struct Definitions {
    pub values: Vec<Value>,
    /// The built-in schemas and these.
    pub schemas: Schemas,
}

/// Reads the definitions.
pub(super) fn check(files: &Files<'_>, findings: &mut Vec<Diagnostic>) -> Definitions {
    let mut definitions = Definitions { values: Vec::new(), schemas: Schemas::builtin().clone() };
    for (path, text) in files.under("schemas/crds/") {
        let Some(text) = text else { continue };
        let mut find = |place, error: &dyn std::error::Error| {
            let mut message = error.to_string();
            if let Some(source) = error.source() {
                message = format!("{message}: {source}");
            }
            let help =
                "put one or several CustomResourceDefinitions of apiextensions.k8s.io/v1 there, as they are published";
            findings.push(Diagnostic::new(Code::InvalidDefinition, place, message, help));
        };
        match yaml::read_documents(text) {
            Err(error) => find(Place::new(path, at(&error)), &error),
            Ok(values) => match definitions.schemas.with_definitions(&values) {
                Err(error) => find(Place::file(path), &error),
                Ok(schemas) => {
                    definitions.schemas = schemas;
                    definitions.values.extend(values);
                }
            },
        }
    }
    definitions
}

fn at(error: &ReadError) -> Span {
    let (ReadError::Syntax { at, .. } | ReadError::Unsupported { at, .. } | ReadError::DuplicateKey { at, .. }) = error;
    Span { start: *at, end: Position { column: at.column + 1, ..*at } }
}
