//! Values of several shapes: pick the shape that was meant, and say what is wrong with that one.

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::{Map, Value};

use super::{Fault, Mend, Words};
use crate::check::places::{below, dotted};
use crate::diag::Code;

/// How the branches of a `oneOf` are told apart.
enum Tag<'s> {
    /// By the constant that each has under this key, as `kind: mysql`.
    Inside(&'s str, Vec<&'s str>),
    /// By the single key that each has, as `bearer: {…}`.
    Around(Vec<&'s str>),
    /// By their shape alone.
    None,
}

impl Words<'_> {
    /// Reports the faults of the branch that was meant. `context` holds the errors of each branch in order.
    pub(super) fn branch(
        &self,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
        faults: &mut Vec<Fault>,
    ) {
        let at = error.instance_path().as_str();
        let value = error.instance().as_ref();
        let branches: Vec<&Value> = self
            .schema
            .pointer(error.schema_path().as_str())
            .and_then(Value::as_array)
            .map(|branches| branches.iter().map(|branch| self.deref(branch)).collect())
            .unwrap_or_default();
        let chosen = match (tag(&branches), value.as_object()) {
            (Tag::Inside(key, choices), Some(map)) => match self.inside(at, map, key, &choices) {
                Ok(branch) => branch,
                Err(fault) => return faults.push(*fault),
            },
            (Tag::Around(keys), Some(map)) => match self.around(at, map, &keys) {
                Ok(branch) => branch,
                Err(fault) => return faults.push(*fault),
            },
            _ => likeliest(at, context),
        };
        let first = faults.len();
        match context.get(chosen) {
            Some(errors) if !errors.is_empty() => errors.iter().for_each(|error| self.faults(error, faults)),
            _ => faults.push(self.other(error)),
        }
        if branches.iter().any(|branch| branch.get("type").is_some_and(|kind| kind == "null")) {
            // The whole may be left out, so the rest is best read without it.
            for fault in faults.iter_mut().skip(first).filter(|fault| fault.refused == at) {
                fault.mend = Mend::Remove;
            }
        }
    }

    fn inside(&self, at: &str, map: &Map<String, Value>, key: &str, choices: &[&str]) -> Result<usize, Box<Fault>> {
        match map.get(key) {
            Some(value) => {
                let found = value.as_str().and_then(|word| choices.iter().position(|choice| *choice == word));
                let all: Vec<Value> = choices.iter().map(|choice| Value::from(*choice)).collect();
                found.ok_or_else(|| Box::new(self.no_choice(&below(at, key), value, &all)))
            }
            None => Err(Box::new(Fault {
                code: Code::MissingKey,
                pointer: at.to_owned(),
                at_key: true,
                message: format!("the key `{key}` is missing in `{}`", dotted(at)),
                help: format!("add it: {}", one_of(choices)),
                refused: at.to_owned(),
                mend: Mend::Remove,
            })),
        }
    }

    fn around(&self, at: &str, map: &Map<String, Value>, keys: &[&str]) -> Result<usize, Box<Fault>> {
        if let Some(branch) = keys.iter().position(|key| map.contains_key(*key)) {
            return Ok(branch);
        }
        match map.keys().next() {
            Some(unknown) => Err(Box::new(self.unknown_among(&below(at, unknown), unknown, keys.to_vec()))),
            None => Err(Box::new(Fault {
                code: Code::MissingKey,
                pointer: at.to_owned(),
                at_key: true,
                message: format!("`{}` is empty", dotted(at)),
                help: format!("add {}", one_of(keys)),
                refused: at.to_owned(),
                mend: Mend::Remove,
            })),
        }
    }
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", crate::check::suggest::list(words.iter().copied()).unwrap_or_default())
}

fn tag<'s>(branches: &[&'s Value]) -> Tag<'s> {
    fn constant<'s>(branch: &'s Value, key: &str) -> Option<&'s str> {
        branch.get("properties")?.get(key)?.get("const")?.as_str()
    }
    fn only_key(branch: &Value) -> Option<&str> {
        let properties = branch.get("properties")?.as_object()?;
        let required = branch.get("required")?.as_array()?;
        match (properties.len(), required.as_slice()) {
            (1, [key]) => key.as_str(),
            _ => None,
        }
    }
    let keys = branches.first().and_then(|branch| branch.get("properties")).and_then(Value::as_object);
    for key in keys.into_iter().flatten().map(|(key, _)| key) {
        if let Some(choices) = branches.iter().map(|branch| constant(branch, key)).collect::<Option<Vec<_>>>() {
            return Tag::Inside(key, choices);
        }
    }
    match branches.iter().map(|branch| only_key(branch)).collect::<Option<Vec<_>>>() {
        Some(keys) if !keys.is_empty() => Tag::Around(keys),
        _ => Tag::None,
    }
}

/// Returns the first branch that takes values of this type at all; the first one if none does.
fn likeliest(at: &str, context: &[Vec<ValidationError<'static>>]) -> usize {
    let refuses_type = |error: &ValidationError<'_>| {
        matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(_) | TypeKind::Multiple(_) })
            && error.instance_path().as_str() == at
    };
    context.iter().position(|errors| !errors.iter().any(refuses_type)).unwrap_or(0)
}
